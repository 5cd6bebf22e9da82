//! The data of the sandbox at start, with a table of the rows that tests use.
//!
//! Fixtures are built in code and deterministic. Only rows that are about an expiry "soon" or "later" depend on the clock.
//! Edge cases are written by hand; ordinary rows are generated.
//!
//! | row | owner or service | why it exists |
//! |---|---|---|
//! | Keyring 61001, 51001 and identities 2, 4 | twitter | the same account at both providers (Olga, Ada) |
//! | Keyring 61002, 51002 and identities 3, 5 | facebook | the same account at both providers, `broken` at WordPress.com; 5 matches only by its profile page |
//! | Keyring 61003, 51003 and identities 1, 6 | `google_plus` and `google` | the same account under two service names; dates without a space, and zero dates |
//! | Keyring 53001, identity 11 | twitter | the display name "Ada Reed" of 51001, but another account |
//! | Keyring 61012 | facebook | the display name of 61002, but another account; `expires: ""` |
//! | Keyring 61004, 61005, 61006 | Olga | `invalid`, `unsupported`, `status: null` with `expires: false` |
//! | Keyring "61007" | mastodon | a string ID, no additional users, mixed types in `sites` |
//! | Keyring 61008, 61011, 61002 | Olga | expires in 5 days, in 400 days, has expired |
//! | Keyring 61009 | Olga | unknown status `refresh-failed`, null label, empty refresh link |
//! | Keyring 61010, 61011 | Olga | null and empty external fields |
//! | Keyring 61013, 61014 | Olga | no status and an unknown service; empty date and `meta: []` |
//! | Keyring 1234567 | Olga | found by ID only; the sample of the documentation, which is a Publicize connection |
//! | Keyring 51xxx Ada, 52xxx Ben, 53xxx Gus, 54xxx Finn, 55xxx Dora, 61xxx Olga | | the prefix names the owner |
//! | Publicize 88001 | site 7700123 | shared: Ada and Gus see it, each with nonces of their own |
//! | Publicize 1234567, 71001…71004 Olga, 72xxx Ada, 73xxx Gus, 74xxx Ben | | the prefix names the owner |
//! | Site 3584908, 7700124 | | private, without icon |
//! | Application 8367271 | Olga | the sample of the documentation, `blog: false` |
//! | Application 610001, 610002 | Olga | one application with access to two sites |
//! | Application 610005 … 610013 | Olga | site without name, empty strings, `connection_ID`, http, `javascript:`, forms of `blog`, markup |
//! | Sign-in 8875cb47-9b2e-40f9-8ae0-8428c06937a9 | | the sample of the documentation, with its user and identity |
//! | Sign-in …8000-…01 | Olga, google | 2016 format, like the recorded response |
//! | Sign-in 02, 18 | Ada | 2011 format; 18 has a wrong weekday |
//! | Sign-in 03, 04 | | failed sign-in (`result` 401 in a 200), failed link (400 with data) |
//! | Sign-in 05, 06, 07 | Cleo | encrypted: a string, an `identity_vault`, an object without a token |
//! | Sign-in 08 | Gus | unlinked, no identity left |
//! | Sign-in 09 | Finn | `publish_token` |
//! | Sign-in 10, 11 | users 07, 08 | `identities` as a wrapper object; as a single object |
//! | Sign-in 12 | user 06, identity 12 | every Portable Contacts field |
//! | Sign-in 13, 14 | Ada | empty flag and no info; no plugin, and no status in the list |
//! | Sign-in 15 | Ada | twice in the list |
//! | Sign-in 16, 17 | Olga, user 11 | status `refresh-failed` and null in the list; 17 has empty objects as lists |
//! | Sign-in 19 | | in the list, but a read gets a 404 |
//! | Sign-in 20, 24 | | `single_sign_on`; unknown plugin, invalid date, no callback |
//! | Sign-in 21, 22, 23 | user 10, identities 16, 17, 18 | access token expired, expires in 3 days, in eleven years |
//! | Sign-in 25 … 48 | users 1-5, 12-20 | ordinary, in both formats |
//! | User 09 | | no identities |
//!
//! Tokens of fixed rows: sign-ins `5a4d0000-0000-4000-8000-0000000000NN`, users `…-8001-…`, identities `…-8002-…`. Tokens of
//! generated rows: `…-9000-…`, `…-9001-…`, `…-9002-…`; of sign-ins that are added later: `…-9100-…`. Generated Keyring IDs
//! start at 900001, and those added later start at 9500001. `synthetic_users` documents the rows of generated users.

pub(super) mod applications;
pub(super) mod edge_case_sign_ins;
pub(super) mod identities;
pub(super) mod keyring;
mod links;
pub(super) mod oneall;
pub(super) mod people;
mod portable_contacts;
pub(super) mod publicize;
pub(super) mod services;
pub(super) mod sign_ins;
mod sites;
pub(super) mod synthetic_users;
pub(super) mod users;
pub(super) mod wordpress;

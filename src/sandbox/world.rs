//! What exists in the sandbox, and the names by which tests find the interesting part of it.
//!
//! Everything is built in code and deterministic; only rows whose point is an expiry "soon" or "far" count from the
//! clock. The odd rows are written by hand, the dull ones generated.
//!
//! | what | where | why it is there |
//! |---|---|---|
//! | Keyring 61001, 51001 and identities 2, 4 | twitter | the same account on both sides (Olga, Ada) |
//! | Keyring 61002, 51002 and identities 3, 5 | facebook | the same account on both sides, `broken` at WordPress.com; 5 is told by its page |
//! | Keyring 61003, 51003 and identities 1, 6 | `google_plus` and `google` | the same account, two spellings; glued and zero dates |
//! | Keyring 53001, identity 11 | twitter | displayed "Ada Reed" like 51001, but another account |
//! | Keyring 61012 | facebook | displayed like 61002, but another account; `expires: ""` |
//! | Keyring 61004, 61005, 61006 | | `invalid`, `unsupported`, `status: null` with `expires: false` |
//! | Keyring "61007" | mastodon | a text for an ID, no additional users, mixed `sites` |
//! | Keyring 61008, 61011, 61002 | | expires in 5 days, in 400 days, in the past |
//! | Keyring 61009 | | unknown status `refresh-failed`, null label, empty refresh link |
//! | Keyring 61010, 61011 | | null and empty external fields |
//! | Keyring 61013, 61014 | | no status and unknown service; empty date and `meta: []` |
//! | Keyring 1234567 | single read only | the documentation's sample, really a Publicize connection |
//! | Keyring 51xxx Ada, 52xxx Ben, 53xxx Gus, 54xxx Finn, 55xxx Dora, 61xxx Olga | | the owner is in the number |
//! | Publicize 88001 | site 7700123 | shared: Ada and Gus see it with nonces of their own |
//! | Publicize 1234567, 71001…71004 Olga, 72xxx Ada, 73xxx Gus, 74xxx Ben | | |
//! | Site 3584908, 7700124 | | private, without icon |
//! | Application 8367271 | Olga | the documentation's sample, `blog: false` |
//! | Application 610001, 610002 | Olga | one application, two grants |
//! | Application 610005 … 610013 | Olga | nameless site, empty texts, `connection_ID`, http, `javascript:`, `blog` spellings, markup |
//! | Sign-in 8875cb47-9b2e-40f9-8ae0-8428c06937a9 | | the documentation's sample, user and identity too |
//! | Sign-in …8000-…01 | Olga, google | second shape, like the recording |
//! | Sign-in 02, 18 | Ada | first shape; 18 has a wrong weekday |
//! | Sign-in 03, 04 | | failed sign-in (`result` 401 in a 200), failed link (400 with data) |
//! | Sign-in 05, 06, 07 | Cleo | encrypted: a text, an `identity_vault`, an object without a token |
//! | Sign-in 08 | Gus | unlink, no identity left |
//! | Sign-in 09 | Finn | `publish_token` |
//! | Sign-in 10, 11 | users 07, 08 | `identities` wrapped in an object; a lone object |
//! | Sign-in 12 | user 06, identity 12 | every Portable Contacts field |
//! | Sign-in 13, 14 | Ada | empty flag and no info; no plugin, and no status in the list |
//! | Sign-in 15 | Ada | twice in the list |
//! | Sign-in 16, 17 | Olga, user 11 | list status `refresh-failed`, null; 17 has empty maps as lists |
//! | Sign-in 19 | | in the list, but a read answers 404 |
//! | Sign-in 20, 24 | | `single_sign_on`; unknown plugin, unreadable date, no callback |
//! | Sign-in 21, 22, 23 | user 10, identities 16, 17, 18 | token expired, expires in 3 days, far ahead |
//! | Sign-in 25 … 48 | users 1-5, 12-20 | like any other, shapes in turn |
//! | User 09 | | no identities |
//!
//! Tokens: sign-ins `5a4d0000-0000-4000-8000-0000000000NN`, users `…-8001-…`, identities `…-8002-…`; generated ones
//! `…-9000-…`, `…-9001-…`, `…-9002-…`, and sign-ins added later `…-9100-…`. Generated Keyring IDs start at 900001, those
//! added later at 9500001. The rows of a crowd are told by `crowd`.

mod accounts;
mod directory;
mod moves;

pub(super) use accounts::{Account, WordPress};
pub(super) use directory::OneAll;

/// Both providers' holdings.
#[derive(Debug)]
pub(super) struct World {
    pub(super) wordpress: WordPress,
    pub(super) oneall: OneAll,
}

impl World {
    /// The fixed world, enlarged by generated rows and a crowd of this size.
    pub(super) fn build(extra_sign_ins: usize, extra_keyring: usize, crowd: usize) -> Self {
        World { wordpress: WordPress::build(extra_keyring, crowd), oneall: OneAll::build(extra_sign_ins as u64, crowd) }
    }
}

/// How far a WordPress.com token reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Everything.
    Global,
    /// One site.
    Site(u64),
    /// `/me` alone.
    Auth,
}

/// Whom a row is written for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner<'a> {
    pub(super) handle: &'a str,
    pub(super) id: u64,
    /// Number of the primary site.
    pub(super) site: u64,
}

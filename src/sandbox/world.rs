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
//! | Keyring 61013, 61014 | | no status and unknown service; unreadable date and `meta: []` |
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
//! `…-9000-…`, `…-9001-…`, `…-9002-…`, and sign-ins added later `…-9100-…`. Generated Keyring IDs start at 900001.

use std::collections::HashMap;

use serde_json::Value;

use super::identities::{self, Identity};
use super::sign_ins::{self, Detail, Shape, SignIn};
use super::stamp::moment;
use super::users::{self, User};
use super::{applications, keyring, odd_sign_ins, publicize, sites, wordpress};

/// Names of the fixed ordinary users 12 to 20.
const NAMES: [&str; 9] = [
    "Ines Park",
    "Joan Holt",
    "Kofi Lind",
    "Lena Moor",
    "Milo Nash",
    "Nora Pike",
    "Otto Quill",
    "Pia Rowe",
    "Ravi Stone",
];

/// Both providers' holdings.
#[derive(Debug)]
pub(super) struct World {
    pub(super) wordpress: WordPress,
    pub(super) oneall: OneAll,
}

impl World {
    /// The fixed world, enlarged by generated rows.
    pub(super) fn build(extra_sign_ins: usize, extra_keyring: usize) -> Self {
        World { wordpress: WordPress::build(extra_keyring), oneall: OneAll::build(extra_sign_ins as u64) }
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
pub(super) struct Owner {
    pub(super) handle: &'static str,
    pub(super) id: u64,
    /// Number of the primary site.
    pub(super) site: u64,
}

/// A WordPress.com account.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) handle: &'static str,
    pub(super) id: u64,
    pub(super) scope: Scope,
    /// Whether the account signs in with two steps, which a bearer token can never do.
    pub(super) two_step: bool,
    pub(super) sites: Vec<u64>,
    pub(super) me: Value,
    pub(super) keyring: Vec<Value>,
    /// Keyring connections that only a single read finds.
    pub(super) singles: Vec<Value>,
    pub(super) publicize: Vec<Value>,
    pub(super) applications: Vec<Value>,
}

impl Account {
    /// The Keyring connection with this number, listed or not.
    pub(super) fn find_keyring(&self, id: u64) -> Option<&Value> {
        self.keyring.iter().chain(&self.singles).find(|row| wordpress::is_row(row, id))
    }
}

/// Everything at WordPress.com.
#[derive(Debug)]
pub(super) struct WordPress {
    pub(super) accounts: Vec<Account>,
    sites: Vec<Value>,
}

impl WordPress {
    fn build(extra_keyring: usize) -> Self {
        let account = |handle, id, name, scope, sites: &[u64]| {
            let owner = Owner { handle, id, site: sites.first().copied().unwrap_or_default() };
            let extra = if handle == "olga" { extra_keyring } else { 0 };
            Account {
                handle,
                id,
                scope,
                two_step: handle == "finn",
                sites: sites.to_vec(),
                me: sites::me(owner, name, scope, sites.len()),
                keyring: keyring::list(owner).into_iter().chain(keyring::generated(owner, extra)).collect(),
                singles: keyring::singles(owner),
                publicize: publicize::list(owner),
                applications: applications::list(handle),
            }
        };
        WordPress {
            accounts: vec![
                account("olga", 12_345_678, "Olga Brandt", Scope::Global, &[3_584_907, 3_584_908, 3_584_909]),
                account("ada", 40_417, "Ada Reed", Scope::Global, &[7_700_123, 7_700_124]),
                account("ben", 40_418, "Ben Okoro", Scope::Site(7_700_200), &[7_700_200]),
                account("dora", 40_419, "Dora Finch", Scope::Auth, &[7_700_123]),
                account("finn", 40_420, "Finn Ashby", Scope::Global, &[7_700_123]),
                account("gus", 40_421, "Gus Marsh", Scope::Global, &[7_700_300, 7_700_123]),
                account("hana", 40_422, "Hana Sato", Scope::Global, &[]),
            ],
            sites: sites::list(),
        }
    }

    /// The account of a person.
    pub(super) fn account(&self, handle: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.handle == handle)
    }

    /// The sites that an account belongs to.
    pub(super) fn sites_of<'w>(&'w self, account: &Account) -> impl Iterator<Item = &'w Value> {
        let numbers = account.sites.clone();
        self.sites.iter().filter(move |site| site["ID"].as_u64().is_some_and(|id| numbers.contains(&id)))
    }

    /// A site by number or domain.
    pub(super) fn find_site(&self, name: &str) -> Option<&Value> {
        let number: Option<u64> = name.parse().ok();
        self.sites.iter().find(|site| {
            let host = site["URL"].as_str().and_then(|url| url.split("//").nth(1));
            host == Some(name) || number.is_some() && site["ID"].as_u64() == number
        })
    }
}

/// Everything at OneAll; each list is kept in the order of creation.
#[derive(Debug, Default)]
pub(super) struct OneAll {
    pub(super) sign_ins: Vec<SignIn>,
    pub(super) users: Vec<User>,
    pub(super) identities: Vec<Identity>,
    sign_in_at: HashMap<String, usize>,
    user_at: HashMap<String, usize>,
    identity_at: HashMap<String, usize>,
    appended: u64,
}

impl OneAll {
    fn build(extra: u64) -> Self {
        let mut all = OneAll { users: users::list(), identities: identities::list(), ..OneAll::default() };
        for (number, name) in (12..).zip(NAMES) {
            let (user, identity) = (users::token(number), identities::token(number + 20));
            all.users.push(users::ordinary(user.clone(), number, identity.clone()));
            all.identities.push(identities::ordinary(identity, user, number, "", name));
        }
        let sample = identities::sample();
        all.users.push(users::ordinary(sample.user.clone(), 227, sample.token.clone()));
        all.identities.push(sample);
        let extra_users = if extra == 0 { 0 } else { (extra / 4).max(1) };
        for number in 1..=extra_users {
            let user = format!("5a4d0000-0000-4000-9001-{number:012}");
            let identity = format!("5a4d0000-0000-4000-9002-{number:012}");
            let name = format!("Visitor {number}");
            all.users.push(users::ordinary(user.clone(), number, identity.clone()));
            all.identities.push(identities::ordinary(identity, user, number, "9-", &name));
        }
        for user in users_without_identities(&mut all.users) {
            let own = all.identities.iter().filter(|identity| identity.user == user.token);
            user.identities = own.map(|identity| identity.token.clone()).collect();
        }
        all.users.sort_by_key(|user| user.created);
        all.identities.sort_by_key(|identity| identity.created);
        all.user_at = index(all.users.iter().map(|user| &user.token));
        all.identity_at = index(all.identities.iter().map(|identity| &identity.token));
        all.sign_ins = odd_sign_ins::list(&all);
        all.sign_ins.extend(bulk());
        all.sign_ins.extend(generated(extra, extra_users));
        all.sign_ins.sort_by_key(|sign_in| sign_in.at);
        all.sign_in_at = index(all.sign_ins.iter().map(|sign_in| &sign_in.token));
        all
    }

    /// Adds sign-ins that are newer than all others; answers their tokens.
    pub(super) fn append_sign_ins(&mut self, count: u64) -> Vec<String> {
        let newest = self.sign_ins.last().map_or(0, |sign_in| sign_in.at);
        let tokens: Vec<String> =
            (1..=count).map(|step| format!("5a4d0000-0000-4000-9100-{:012}", self.appended + step)).collect();
        for (token, step) in tokens.iter().zip(1_i64..) {
            let user = users::token(step.unsigned_abs() % 5 + 1);
            let sign_in = SignIn::ordinary(token.clone(), newest + step * 60, user, Shape::Second);
            self.sign_in_at.insert(token.clone(), self.sign_ins.len());
            self.sign_ins.push(sign_in);
        }
        self.appended += count;
        tokens
    }

    /// A sign-in by token.
    pub(super) fn find_sign_in(&self, token: &str) -> Option<&SignIn> {
        self.sign_ins.get(*self.sign_in_at.get(token)?)
    }

    /// A user by token.
    pub(super) fn find_user(&self, token: &str) -> Option<&User> {
        self.users.get(*self.user_at.get(token)?)
    }

    /// An identity by token.
    pub(super) fn find_identity(&self, token: &str) -> Option<&Identity> {
        self.identities.get(*self.identity_at.get(token)?)
    }

    /// The identities of a user.
    pub(super) fn identities_of<'w>(&'w self, user: &'w User) -> impl Iterator<Item = &'w Identity> {
        user.identities.iter().filter_map(|token| self.find_identity(token))
    }

    /// The `result` node of an ordinary sign-in, written with what its user has now.
    pub(super) fn result(&self, sign_in: &SignIn) -> Option<Value> {
        let Detail::Ordinary { user, shape, place } = &sign_in.detail else {
            return None;
        };
        let user = self.find_user(user)?;
        let place = place.checked_rem(user.identities.len())?;
        let used = self.identities_of(user).nth(place)?;
        let references = self.identities_of(user).map(Identity::reference).collect();
        Some(sign_in.result(*shape, user, used, references))
    }
}

fn users_without_identities(users: &mut [User]) -> impl Iterator<Item = &mut User> {
    users.iter_mut().filter(|user| user.identities.is_empty())
}

/// The fixed sign-ins 25 to 48: Olga, Ada, Cleo, Finn, Gus and the ordinary users in turn.
fn bulk() -> impl Iterator<Item = SignIn> {
    let start = moment("2011-10-03 07:30:00");
    (25_u64..=48).zip(1_u32..).map(move |(number, step)| {
        let turn = number % 14;
        let user = if turn < 5 { turn + 1 } else { turn + 7 };
        let shape = if number % 2 == 0 { Shape::First } else { Shape::Second };
        // About every 226 days, to the summer of 2026.
        let at = start + i64::from(step) * (226 * 86_400 + 37);
        SignIn::ordinary(sign_ins::token(number), at, users::token(user), shape).using(step as usize)
    })
}

/// Sign-ins for a large world: every ten minutes from 2020 on.
fn generated(count: u64, users: u64) -> impl Iterator<Item = SignIn> {
    let start = moment("2020-01-01 00:00:00");
    (1..=count).zip(0_i64..).map(move |(number, step)| {
        let token = format!("5a4d0000-0000-4000-9000-{number:012}");
        let user = format!("5a4d0000-0000-4000-9001-{:012}", number % users.max(1) + 1);
        let shape = if number % 2 == 0 { Shape::First } else { Shape::Second };
        SignIn::ordinary(token, start + step * 600, user, shape)
    })
}

/// Where each token stands first.
fn index<'t>(tokens: impl Iterator<Item = &'t String>) -> HashMap<String, usize> {
    let mut at = HashMap::new();
    for (place, token) in tokens.enumerate() {
        at.entry(token.clone()).or_insert(place);
    }
    at
}

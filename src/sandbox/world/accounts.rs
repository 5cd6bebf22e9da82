//! Everything at WordPress.com: accounts, what each of them sees, and sites.
//!
//! A person's rows are written out when the world is built and changed in place, so that a read costs a copy. A shared
//! Publicize connection stands in the list of each person who sees it; a change goes to all of them.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{Owner, Scope};
use crate::sandbox::stamp::{moment, plain};
use crate::sandbox::wordpress::{is, is_row};
use crate::sandbox::{applications, crowd, keyring, people, publicize, sites};

/// The first number of the Keyring connections that are added while the world is served.
const ADDED_FIRST: u64 = 9_500_001;

/// A WordPress.com account.
#[derive(Debug)]
pub(in crate::sandbox) struct Account {
    pub(in crate::sandbox) handle: String,
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) scope: Scope,
    /// Whether the account signs in with two steps, which a bearer token can never do.
    pub(in crate::sandbox) two_step: bool,
    pub(in crate::sandbox) sites: Vec<u64>,
    pub(in crate::sandbox) me: Value,
    pub(in crate::sandbox) keyring: Vec<Value>,
    /// Keyring connections that only a single read finds.
    pub(in crate::sandbox) singles: Vec<Value>,
    pub(in crate::sandbox) publicize: Vec<Value>,
    pub(in crate::sandbox) applications: Vec<Value>,
}

impl Account {
    /// The Keyring connection with this number, listed or not.
    pub(in crate::sandbox) fn find_keyring(&self, id: u64) -> Option<&Value> {
        self.keyring.iter().chain(&self.singles).find(|row| is_row(row, id))
    }

    /// The Publicize connection with this number, if the person sees it.
    pub(in crate::sandbox) fn find_publicize(&self, id: u64) -> Option<&Value> {
        self.publicize.iter().find(|row| is_row(row, id))
    }

    fn owner(&self) -> Owner<'_> {
        Owner { handle: &self.handle, id: self.id, site: self.sites.first().copied().unwrap_or_default() }
    }
}

/// Everything at WordPress.com.
#[derive(Debug)]
pub(in crate::sandbox) struct WordPress {
    pub(in crate::sandbox) accounts: Vec<Account>,
    account_at: HashMap<String, usize>,
    sites: Vec<Value>,
    site_at: HashMap<u64, usize>,
    added: u64,
}

impl WordPress {
    /// The fixed accounts, the operator's enlarged by generated Keyring rows, and a crowd of this size.
    pub(super) fn build(extra_keyring: usize, crowd: usize) -> Self {
        let mut accounts = fixed(extra_keyring);
        accounts.extend((0..crowd).map(|index| crowd::account(&crowd::synthetic_user(index))));
        let mut sites = sites::list();
        sites.extend((0..crowd).map(|index| crowd::site(&crowd::synthetic_user(index))));
        let account_at = accounts.iter().zip(0..).map(|(account, at)| (account.handle.clone(), at)).collect();
        let site_at = sites.iter().zip(0..).filter_map(|(site, at)| Some((site["ID"].as_u64()?, at))).collect();
        WordPress { accounts, account_at, sites, site_at, added: 0 }
    }

    /// The account of a person.
    pub(in crate::sandbox) fn account(&self, handle: &str) -> Option<&Account> {
        self.accounts.get(*self.account_at.get(handle)?)
    }

    /// The account whose token this is.
    pub(in crate::sandbox) fn of_token(&self, token: &str) -> Option<&Account> {
        self.account(people::of_token(token).or_else(|| crowd::handle_of_token(token))?)
    }

    /// The sites that an account belongs to, in the order of the list of all.
    pub(in crate::sandbox) fn sites_of<'w>(&'w self, account: &Account) -> impl Iterator<Item = &'w Value> {
        let mut places: Vec<usize> = account.sites.iter().filter_map(|id| self.site_at.get(id).copied()).collect();
        places.sort_unstable();
        places.into_iter().filter_map(|at| self.sites.get(at))
    }

    /// A site by number or domain.
    pub(in crate::sandbox) fn find_site(&self, name: &str) -> Option<&Value> {
        if let Ok(number) = name.parse::<u64>() {
            return self.sites.get(*self.site_at.get(&number)?);
        }
        self.sites.iter().find(|site| {
            let host = site["URL"].as_str().and_then(|url| url.split("//").nth(1));
            host == Some(name)
        })
    }

    /// Adds Keyring connections to the end of a person's list, made one minute after another from `issued` on; answers
    /// their numbers, or nothing if there is no such person.
    pub(in crate::sandbox) fn add_keyring(&mut self, handle: &str, count: u64, issued: &str) -> Option<Vec<u64>> {
        let account = self.accounts.get_mut(*self.account_at.get(handle)?)?;
        let first = ADDED_FIRST + self.added;
        let numbers: Vec<u64> = (first..first + count).collect();
        let rows: Vec<Value> = numbers
            .iter()
            .zip(0_i64..)
            .map(|(id, step)| keyring::added(account.owner(), *id, &plain(moment(issued) + step * 60)))
            .collect();
        account.keyring.extend(rows);
        self.added += count;
        Some(numbers)
    }

    /// Removes a person's Keyring connection, and everybody's Publicize connections that stand on it; says whether there
    /// was one.
    pub(in crate::sandbox) fn delete_keyring(&mut self, handle: &str, id: u64) -> bool {
        let account = self.account_at.get(handle).and_then(|at| self.accounts.get_mut(*at));
        let Some(account) = account.filter(|account| account.find_keyring(id).is_some()) else {
            return false;
        };
        account.keyring.retain(|row| !is_row(row, id));
        account.singles.retain(|row| !is_row(row, id));
        for account in &mut self.accounts {
            account.publicize.retain(|row| !is(&row["keyring_connection_ID"], id));
        }
        true
    }

    /// Removes one of a person's grants; says whether there was one.
    pub(in crate::sandbox) fn delete_application(&mut self, handle: &str, id: u64) -> bool {
        let Some(account) = self.account_at.get(handle).and_then(|at| self.accounts.get_mut(*at)) else {
            return false;
        };
        let before = account.applications.len();
        account.applications.retain(|row| !is_row(row, id));
        account.applications.len() < before
    }

    /// Shares a Publicize connection with everybody of its site, or keeps it to its owner; says whether that was new.
    pub(in crate::sandbox) fn share(&mut self, id: u64, shared: bool) -> bool {
        let row = self.accounts.iter().find_map(|account| account.find_publicize(id)).cloned();
        let Some(row) = row.filter(|row| row["shared"] != shared) else {
            return false;
        };
        for account in &mut self.accounts {
            let own = is(&row["keyring_connection_user_ID"], account.id);
            let member = account.sites.iter().any(|site| is(&row["site_ID"], *site));
            match account.publicize.iter().position(|row| is_row(row, id)) {
                Some(at) if own || shared => account.publicize[at]["shared"] = json!(shared),
                Some(at) => {
                    account.publicize.remove(at);
                }
                None if shared && member => {
                    let seen = publicize::seen_by(account.owner(), row.clone());
                    account.publicize.push(seen);
                }
                None => {}
            }
        }
        true
    }
}

fn fixed(extra_keyring: usize) -> Vec<Account> {
    let account = |handle: &str, id, name, scope, sites: &[u64]| {
        let owner = Owner { handle, id, site: sites.first().copied().unwrap_or_default() };
        let extra = if handle == "olga" { extra_keyring } else { 0 };
        Account {
            handle: handle.to_owned(),
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
    vec![
        account("olga", 12_345_678, "Olga Brandt", Scope::Global, &[3_584_907, 3_584_908, 3_584_909]),
        account("ada", 40_417, "Ada Reed", Scope::Global, &[7_700_123, 7_700_124]),
        account("ben", 40_418, "Ben Okoro", Scope::Site(7_700_200), &[7_700_200]),
        account("dora", 40_419, "Dora Finch", Scope::Auth, &[7_700_123]),
        account("finn", 40_420, "Finn Ashby", Scope::Global, &[7_700_123]),
        account("gus", 40_421, "Gus Marsh", Scope::Global, &[7_700_300, 7_700_123]),
        account("hana", 40_422, "Hana Sato", Scope::Global, &[]),
    ]
}

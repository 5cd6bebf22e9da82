//! Everything that is stored at WordPress.com: accounts, the rows that each account sees, and sites.
//!
//! Rows are built with the store and changed in place, so a read only costs a copy. A shared Publicize connection is in
//! the list of each account that sees it; a change applies to all copies.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::account::WordPressAccount;
use crate::sandbox::dates::{mysql_datetime, parse_utc};
use crate::sandbox::fixtures::{keyring, people, publicize, synthetic_users};
use crate::sandbox::json::{has_id, is_number};

/// The first ID of the Keyring connections that are added while the sandbox runs.
const FIRST_ADDED_ID: u64 = 9_500_001;

/// Everything that is stored at WordPress.com.
#[derive(Debug)]
pub(in crate::sandbox) struct WordPressStore {
    pub(in crate::sandbox) accounts: Vec<WordPressAccount>,
    account_index: HashMap<String, usize>,
    sites: Vec<Value>,
    site_index: HashMap<u64, usize>,
    added_count: u64,
}

impl WordPressStore {
    /// A store with these accounts and sites.
    pub(in crate::sandbox) fn new(accounts: Vec<WordPressAccount>, sites: Vec<Value>) -> Self {
        let account_index = accounts.iter().zip(0..).map(|(account, at)| (account.handle.clone(), at)).collect();
        let site_index = sites.iter().zip(0..).filter_map(|(site, at)| Some((site["ID"].as_u64()?, at))).collect();
        WordPressStore { accounts, account_index, sites, site_index, added_count: 0 }
    }

    /// The account of a person.
    pub(in crate::sandbox) fn account(&self, handle: &str) -> Option<&WordPressAccount> {
        self.accounts.get(*self.account_index.get(handle)?)
    }

    /// The account with this token.
    pub(in crate::sandbox) fn account_by_token(&self, token: &str) -> Option<&WordPressAccount> {
        self.account(people::handle_by_token(token).or_else(|| synthetic_users::handle_in_token(token))?)
    }

    /// The sites of an account, in the order of the list of all sites.
    pub(in crate::sandbox) fn sites_of<'s>(&'s self, account: &WordPressAccount) -> impl Iterator<Item = &'s Value> {
        let mut indices: Vec<usize> = account.sites.iter().filter_map(|id| self.site_index.get(id).copied()).collect();
        indices.sort_unstable();
        indices.into_iter().filter_map(|index| self.sites.get(index))
    }

    /// A site by ID or domain.
    pub(in crate::sandbox) fn find_site(&self, name: &str) -> Option<&Value> {
        if let Ok(id) = name.parse::<u64>() {
            return self.sites.get(*self.site_index.get(&id)?);
        }
        self.sites.iter().find(|site| {
            let host = site["URL"].as_str().and_then(|url| url.split("//").nth(1));
            host == Some(name)
        })
    }

    /// Appends Keyring connections to the list of a person, one minute apart from `issued` on.
    ///
    /// Returns their IDs, or `None` if the person does not exist.
    pub(in crate::sandbox) fn add_keyring(&mut self, handle: &str, count: u64, issued: &str) -> Option<Vec<u64>> {
        let account = self.accounts.get_mut(*self.account_index.get(handle)?)?;
        let first = FIRST_ADDED_ID + self.added_count;
        let ids: Vec<u64> = (first..first + count).collect();
        let rows: Vec<Value> = ids
            .iter()
            .zip(0_i64..)
            .map(|(id, step)| keyring::added(account.as_owner(), *id, &mysql_datetime(parse_utc(issued) + step * 60)))
            .collect();
        account.keyring.extend(rows);
        self.added_count += count;
        Some(ids)
    }

    /// Deletes a Keyring connection of a person, and every Publicize connection that uses it.
    ///
    /// Returns whether the connection existed.
    pub(in crate::sandbox) fn delete_keyring(&mut self, handle: &str, id: u64) -> bool {
        let account = self.account_index.get(handle).and_then(|index| self.accounts.get_mut(*index));
        let Some(account) = account.filter(|account| account.find_keyring(id).is_some()) else {
            return false;
        };
        account.keyring.retain(|row| !has_id(row, id));
        account.unlisted_keyring.retain(|row| !has_id(row, id));
        for account in &mut self.accounts {
            account.publicize.retain(|row| !is_number(&row["keyring_connection_ID"], id));
        }
        true
    }

    /// Deletes a connected application of a person. Returns whether it existed.
    pub(in crate::sandbox) fn delete_application(&mut self, handle: &str, id: u64) -> bool {
        let Some(account) = self.account_index.get(handle).and_then(|index| self.accounts.get_mut(*index)) else {
            return false;
        };
        let count_before = account.applications.len();
        account.applications.retain(|row| !has_id(row, id));
        account.applications.len() < count_before
    }

    /// Shares a Publicize connection with all members of its site, or makes it private to its owner.
    ///
    /// Returns whether anything changed.
    pub(in crate::sandbox) fn share(&mut self, id: u64, shared: bool) -> bool {
        let row = self.accounts.iter().find_map(|account| account.find_publicize(id)).cloned();
        let Some(row) = row.filter(|row| row["shared"] != shared) else {
            return false;
        };
        for account in &mut self.accounts {
            let is_owner = is_number(&row["keyring_connection_user_ID"], account.id);
            let is_member = account.sites.iter().any(|site| is_number(&row["site_ID"], *site));
            match account.publicize.iter().position(|row| has_id(row, id)) {
                Some(index) if is_owner || shared => account.publicize[index]["shared"] = json!(shared),
                Some(index) => {
                    account.publicize.remove(index);
                }
                None if shared && is_member => {
                    let copy = publicize::shared_with(account.as_owner(), row.clone());
                    account.publicize.push(copy);
                }
                None => {}
            }
        }
        true
    }
}

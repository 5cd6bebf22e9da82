//! A WordPress.com account: its token's scope and the rows that its owner sees.

use serde_json::Value;

use crate::sandbox::json::has_id;

/// The scope of a WordPress.com token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum TokenScope {
    /// The whole account.
    Global,
    /// One site, by its ID.
    Site(u64),
    /// `/me` only.
    Auth,
}

/// The account for which a row is written.
#[derive(Debug, Clone, Copy)]
pub(in crate::sandbox) struct RowOwner<'a> {
    pub(in crate::sandbox) handle: &'a str,
    pub(in crate::sandbox) id: u64,
    /// ID of the primary site.
    pub(in crate::sandbox) site: u64,
}

/// A WordPress.com account.
#[derive(Debug)]
pub(in crate::sandbox) struct WordPressAccount {
    pub(in crate::sandbox) handle: String,
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) scope: TokenScope,
    /// Whether the account has two-step sign-in, which a bearer token cannot pass.
    pub(in crate::sandbox) two_step: bool,
    /// IDs of the sites, the primary site first.
    pub(in crate::sandbox) sites: Vec<u64>,
    /// The response of `/me`.
    pub(in crate::sandbox) me: Value,
    pub(in crate::sandbox) keyring: Vec<Value>,
    /// Keyring connections that a read by ID finds but the list does not contain.
    pub(in crate::sandbox) unlisted_keyring: Vec<Value>,
    pub(in crate::sandbox) publicize: Vec<Value>,
    pub(in crate::sandbox) applications: Vec<Value>,
}

impl WordPressAccount {
    /// The Keyring connection with this ID, listed or not.
    pub(in crate::sandbox) fn find_keyring(&self, id: u64) -> Option<&Value> {
        self.keyring.iter().chain(&self.unlisted_keyring).find(|row| has_id(row, id))
    }

    /// The Publicize connection with this ID if the account sees it.
    pub(in crate::sandbox) fn find_publicize(&self, id: u64) -> Option<&Value> {
        self.publicize.iter().find(|row| has_id(row, id))
    }

    /// This account as the owner of rows.
    pub(in crate::sandbox) fn as_owner(&self) -> RowOwner<'_> {
        RowOwner { handle: &self.handle, id: self.id, site: self.sites.first().copied().unwrap_or_default() }
    }
}

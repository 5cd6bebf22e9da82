//! The writes to WordPress.com. Each is one call that is sent at most once.
//!
//! | write | request | response |
//! |---|---|---|
//! | revoke an application | `POST /me/connected-applications/$ID/delete` | documented: `{"success": true}` |
//! | delete a Keyring connection | `POST /me/keyring-connections/$ID/delete`, or `DELETE /wpcom/v2/me/connections/$ID` | documented as the connection; WordPress.com's own clients check the status only |
//! | share a Publicize connection, or stop sharing it | `POST /sites/$site/publicize-connections/$ID`, or under `/me` | the connection |
//!
//! [`write_reply`] decides which response confirms which write. A write to another person's object gets the same result
//! as a write to an object that does not exist.

use super::write_reply::{self, SentWrite};
use super::{APPLICATIONS, KeyringApi, Session, child_path, publicize_path};
use crate::model::{ApplicationId, ConnectionKey, ConnectionRecord, KeyringId, Provider, PublicizeId};
use crate::provider::{Error, Reason};
use crate::upstream::{AffectedPaths, Body, Credential, Interpreted, Method, Reply, Write, WriteReply, WriteStatus};

/// The paths that show connections: both Keyring APIs, and the Publicize connections of the person and of each site.
///
/// A Keyring connection does not name the sites that use it, so all sites are included.
const CONNECTIONS: AffectedPaths<'static> = AffectedPaths {
    per_caller: &[
        &["rest", "v1.1", "me", "keyring-connections"],
        &["wpcom", "v2", "me", "connections"],
        PUBLICIZE,
        ON_SITES,
    ],
    shared: &[],
    references: &[],
};

const PUBLICIZE: &[&str] = &["rest", "v1.1", "me", "publicize-connections"];
const ON_SITES: &[&str] = &["rest", "v1.1", "sites"];

/// A write without its credential.
struct WriteRequest<'a> {
    write: SentWrite,
    method: Method,
    path: &'a [&'a str],
    body: Body<'a>,
    shown: AffectedPaths<'a>,
}

impl Session {
    /// Checks that the caller may write to WordPress.com. Makes no call.
    ///
    /// # Errors
    /// Why the caller may not.
    pub fn may_write(&self) -> Result<(), Error> {
        self.denied().map_or(Ok(()), Err)
    }

    /// Revokes an application's access. `on_end` receives the outcome, even if the operation is cancelled.
    ///
    /// # Errors
    /// That the access was not revoked, or that the outcome is unknown.
    pub async fn revoke(
        &self,
        key: ApplicationId,
        on_end: impl FnOnce(WriteStatus) + Send + 'static,
    ) -> Result<WriteReply, Error> {
        let id = key.to_string();
        let path = [child_path(APPLICATIONS, &id), vec!["delete"]].concat();
        let shown = AffectedPaths { per_caller: &[APPLICATIONS], shared: &[], references: &[] };
        let write = SentWrite::Revoke(key);
        self.write(WriteRequest { write, method: Method::Post, path: &path, body: Body::Empty, shown }, on_end).await
    }

    /// Deletes a Keyring connection, with all Publicize connections that depend on it.
    ///
    /// # Errors
    /// That the connection was not deleted, or that the outcome is unknown.
    pub async fn disconnect(
        &self,
        key: KeyringId,
        on_end: impl FnOnce(WriteStatus) + Send + 'static,
    ) -> Result<WriteReply, Error> {
        let list = self.host.keyring_path();
        let id = key.to_string();
        let (method, suffix): (_, &[&str]) = match self.host.keyring_api {
            KeyringApi::V1 => (Method::Post, &["delete"]),
            KeyringApi::V2 => (Method::Delete, &[]),
        };
        let path = [&child_path(&list, &id), suffix].concat();
        let write = SentWrite::Disconnect(key, self.host.keyring_api);
        self.write(WriteRequest { write, method, path: &path, body: Body::Empty, shown: CONNECTIONS }, on_end).await
    }

    /// Shares a Publicize connection with every author of its site, or stops sharing it.
    ///
    /// # Errors
    /// That nothing was changed, or that the outcome is unknown.
    pub async fn share(
        &self,
        key: PublicizeId,
        shared: bool,
        on_end: impl FnOnce(WriteStatus) + Send + 'static,
    ) -> Result<WriteReply, Error> {
        let site = key.site.map(|site| site.to_string());
        let id = key.id.to_string();
        let list = publicize_path(site.as_deref());
        let path = child_path(&list, &id);
        let form = [("shared", if shared { "true" } else { "false" })];
        let shown = match key.site {
            Some(_) => AffectedPaths { per_caller: &[PUBLICIZE], shared: &[&list], references: &[] },
            None => AffectedPaths { per_caller: &[PUBLICIZE, ON_SITES], shared: &[], references: &[] },
        };
        let write = SentWrite::Share(key, shared);
        let body = Body::Form(&form);
        self.write(WriteRequest { write, method: Method::Post, path: &path, body, shown }, on_end).await
    }

    /// The Publicize connections that depend on a Keyring connection, read without the cache. Contains only those that
    /// the person can see.
    ///
    /// # Errors
    /// The error of WordPress.com.
    pub async fn dependent_connections(&self, key: KeyringId) -> Result<Vec<ConnectionKey>, Error> {
        let all = self.uncached().publicize_connections(None).await?;
        let depends_on_key = |record: &ConnectionRecord| matches!(record, ConnectionRecord::Publicize(publicize) if publicize.keyring == Some(key));
        Ok(all.rows.iter().filter(|row| depends_on_key(&row.record)).map(|row| row.key.clone()).collect())
    }

    async fn write(
        &self,
        request: WriteRequest<'_>,
        on_end: impl FnOnce(WriteStatus) + Send + 'static,
    ) -> Result<WriteReply, Error> {
        let grant = self.verified_grant().await?;
        let WriteRequest { write: sent, method, path, body, shown } = request;
        let credential = Credential::Bearer(grant.token());
        let write = Write { method, path, query: &[], masked: None, credential, reader: None, body, affects: shown };
        let interpret = move |reply: &Reply| {
            let result = write_reply::interpret(reply, sent);
            Interpreted { result: result.map_err(|error| Error { status: Some(reply.status), ..error }), note: None }
        };
        let done = self.calls.write(Provider::WordPress, &self.host.upstream, &write, interpret, on_end).await;
        if done.as_ref().is_err_and(|error| error.reason == Reason::NotAuthenticated) {
            grant.record_rejected();
        }
        done
    }
}

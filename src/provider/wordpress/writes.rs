//! What is changed at WordPress.com, each by one call that is sent at most once.
//!
//! | write | request | what its answer is |
//! |---|---|---|
//! | revoke an application | `POST /me/connected-applications/$ID/delete` | documented: `{"success": true}` |
//! | delete a Keyring connection | `POST /me/keyring-connections/$ID/delete`, or `DELETE /wpcom/v2/me/connections/$ID` | the page prints another thing; its own clients look at the status only |
//! | share a Publicize connection, or not | `POST /sites/$site/publicize-connections/$ID`, or under `/me` | taken to be the row |
//!
//! [`write_reply`] says which answer affirms which write. The numbers of others are answered like those that are not there.

use super::write_reply::{self, SentWrite};
use super::{APPLICATIONS, KeyringApi, Session, child_path, publicize_path};
use crate::model::{ApplicationId, ConnectionKey, ConnectionRecord, KeyringId, Provider, PublicizeId};
use crate::provider::{Error, Reason};
use crate::upstream::{Body, Credential, Done, Ended, Method, Reply, Said, Shown, Write};

/// Where connections are shown: both Keyring APIs, and the Publicize connections of the person and of each site; on which
/// of the sites one is, nobody says.
const CONNECTIONS: Shown<'static> = Shown {
    own: &[&["rest", "v1.1", "me", "keyring-connections"], &["wpcom", "v2", "me", "connections"], PUBLICIZE, ON_SITES],
    common: &[],
    about: &[],
};

const PUBLICIZE: &[&str] = &["rest", "v1.1", "me", "publicize-connections"];
const ON_SITES: &[&str] = &["rest", "v1.1", "sites"];

/// One write, but for whose it is.
struct WriteRequest<'a> {
    write: SentWrite,
    method: Method,
    path: &'a [&'a str],
    body: Body<'a>,
    shown: Shown<'a>,
}

impl Session {
    /// Whether the caller may change anything here. Makes no call.
    ///
    /// # Errors
    /// Why not.
    pub fn may_write(&self) -> Result<(), Error> {
        self.denied().map_or(Ok(()), Err)
    }

    /// Takes a grant back from an application.
    ///
    /// # Errors
    /// That it is not revoked, or that nobody knows.
    pub async fn revoke(&self, key: ApplicationId, told: impl FnOnce(Ended) + Send + 'static) -> Result<Done, Error> {
        let id = key.to_string();
        let path = [child_path(APPLICATIONS, &id), vec!["delete"]].concat();
        let shown = Shown { own: &[APPLICATIONS], common: &[], about: &[] };
        let write = SentWrite::Revoke(key);
        self.write(WriteRequest { write, method: Method::Post, path: &path, body: Body::Nothing, shown }, told).await
    }

    /// Deletes a Keyring connection, with all Publicize connections that stand on it.
    ///
    /// # Errors
    /// That it is not deleted, or that nobody knows.
    pub async fn disconnect(&self, key: KeyringId, told: impl FnOnce(Ended) + Send + 'static) -> Result<Done, Error> {
        let (list, id) = (self.host.keyring_path(), key.to_string());
        let (method, rest): (_, &[&str]) = match self.host.keyring_api {
            KeyringApi::V1 => (Method::Post, &["delete"]),
            KeyringApi::V2 => (Method::Delete, &[]),
        };
        let path = [&child_path(&list, &id), rest].concat();
        let write = SentWrite::Disconnect(key, self.host.keyring_api);
        self.write(WriteRequest { write, method, path: &path, body: Body::Nothing, shown: CONNECTIONS }, told).await
    }

    /// Lets every author of a site use a Publicize connection, or no longer.
    ///
    /// # Errors
    /// That it is as it was, or that nobody knows.
    pub async fn share(
        &self,
        key: PublicizeId,
        shared: bool,
        told: impl FnOnce(Ended) + Send + 'static,
    ) -> Result<Done, Error> {
        let (site, id) = (key.site.map(|site| site.to_string()), key.id.to_string());
        let list = publicize_path(site.as_deref());
        let path = child_path(&list, &id);
        let form = [("shared", if shared { "true" } else { "false" })];
        let shown = match key.site {
            Some(_) => Shown { own: &[PUBLICIZE], common: &[&list], about: &[] },
            None => Shown { own: &[PUBLICIZE, ON_SITES], common: &[], about: &[] },
        };
        let (write, body) = (SentWrite::Share(key, shared), Body::Form(&form));
        self.write(WriteRequest { write, method: Method::Post, path: &path, body, shown }, told).await
    }

    /// The Publicize connections that stand on a Keyring connection, as they are now and as far as the person sees them.
    ///
    /// # Errors
    /// WordPress.com's.
    pub async fn dependent_connections(&self, key: KeyringId) -> Result<Vec<ConnectionKey>, Error> {
        let all = self.uncached().publicize_connections(None).await?;
        let stands_on_it =
            |record: &ConnectionRecord| matches!(record, ConnectionRecord::Publicize(it) if it.keyring == Some(key));
        Ok(all.rows.iter().filter(|row| stands_on_it(&row.record)).map(|row| row.key.clone()).collect())
    }

    async fn write(&self, request: WriteRequest<'_>, told: impl FnOnce(Ended) + Send + 'static) -> Result<Done, Error> {
        let grant = self.verified_grant().await?;
        let WriteRequest { write: sent, method, path, body, shown } = request;
        let credential = Credential::Bearer(grant.token());
        let write = Write { method, path, query: &[], masked: None, credential, reader: None, body, shown };
        let judge = move |reply: &Reply| {
            let result = write_reply::judge(reply, sent);
            Said { result: result.map_err(|error| Error { status: Some(reply.status), ..error }), note: None }
        };
        let done = self.calls.write(Provider::WordPress, &self.host.upstream, &write, judge, told).await;
        if done.as_ref().is_err_and(|error| error.reason == Reason::NotAuthenticated) {
            grant.record_rejected();
        }
        done
    }
}

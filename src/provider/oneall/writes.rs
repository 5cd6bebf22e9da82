//! The writes to OneAll. Each is one call that is sent at most once.
//!
//! | write | request | allowed for |
//! |---|---|---|
//! | synchronize an identity | `PUT /identities/$token/synchronize.json` | services with the scope, and the owner of the identity |
//! | relink it | `PUT /identities/$token/link.json` | services with the scope |
//! | delete it | `DELETE /identities/$token.json?confirm_deletion=true` | services with the scope |
//!
//! The site's keys are sent only with a permit of the caller's grant. [`write_reply`] decides which response confirms
//! which write.
//!
//! An identity is part of its user's record and of each sign-in made with it. So a write invalidates these in the
//! cache, if they reference the identity.

use serde_json::json;

use super::envelope::{self, Meta};
use super::write_reply::{self, SentWrite};
use super::{Session, not_configured, owner_of};
use crate::auth::OneAllGrant;
use crate::auth::grant::{SiteKeyAccess, SynchronizeGrant};
use crate::model::{IdentityToken, Provider, UserToken};
use crate::provider::Error;
use crate::upstream::{AffectedPaths, Body, Credential, Interpreted, Method, Reply, Write, WriteReply, WriteStatus};

/// The paths that show an identity. A row of the list of sign-ins does not contain it.
const RECORDS: &[&[&str]] = &[&["identities.json"], &["identities"], &["users"], &["connections"]];

/// The paths that show an identity, and the list of its sign-ins.
const RECORDS_AND_LISTS: &[&[&str]] =
    &[&["identities.json"], &["identities"], &["users"], &["connections.json"], &["connections"]];

/// A write, with the proof that the caller has a grant for it.
struct WriteRequest<'a> {
    write: SentWrite,
    permit: SiteKeyAccess<'a>,
    method: Method,
    path: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    body: Body<'a>,
    shown: AffectedPaths<'a>,
}

impl Session {
    /// Checks that the caller may synchronize at least some identities. Makes no call.
    ///
    /// # Errors
    /// Why the caller may not.
    pub fn may_synchronize(&self) -> Result<(), Error> {
        self.require_grant(OneAllGrant::synchronize).map(drop)
    }

    /// Checks that the caller may relink identities. Makes no call.
    ///
    /// # Errors
    /// Why the caller may not.
    pub fn may_relink(&self) -> Result<(), Error> {
        self.require_grant(OneAllGrant::relink).map(drop)
    }

    /// Checks that the caller may delete identities. Makes no call.
    ///
    /// # Errors
    /// Why the caller may not.
    pub fn may_delete(&self) -> Result<(), Error> {
        self.require_grant(OneAllGrant::delete).map(drop)
    }

    /// Lets OneAll read an identity from its social network again. An identity of another user is reported as absent.
    ///
    /// `on_end` receives the outcome, even if the operation is cancelled.
    ///
    /// # Errors
    /// That nothing was changed, or that the outcome is unknown.
    pub async fn synchronize(
        &self,
        token: &IdentityToken,
        on_end: impl FnOnce(WriteStatus) + Send + 'static,
    ) -> Result<WriteReply, Error> {
        let grant = self.require_grant(OneAllGrant::synchronize)?;
        let owner = self.current_owner(&grant, token).await?;
        let Some(permit) = grant.site_key_access(owner.as_deref()) else { return Ok(WriteReply::Absent) };
        let path = ["identities", token.as_str(), "synchronize.json"];
        let body = json!({"request": {"synchronize": {"update_user_data": true, "force_token_update": false}}});
        let body = body.to_string();
        // The owner stays the same, so what other callers have cached may be stale, but is never wrong.
        let shown = AffectedPaths { per_caller: RECORDS, shared: &[], references: &[token.as_str()] };
        let write = SentWrite::Synchronize(token.clone());
        let body = Body::Json(&body);
        self.write(WriteRequest { write, permit, method: Method::Put, path: &path, query: &[], body, shown }, on_end)
            .await
    }

    /// Moves an identity to another user.
    ///
    /// # Errors
    /// That nothing was changed, or that the outcome is unknown.
    pub async fn relink(
        &self,
        token: &IdentityToken,
        user: &UserToken,
        on_end: impl FnOnce(WriteStatus) + Send + 'static,
    ) -> Result<WriteReply, Error> {
        let permit = self.require_grant(OneAllGrant::relink)?;
        let path = ["identities", token.as_str(), "link.json"];
        let body = json!({"request": {"user": {"user_token": user.as_str()}}}).to_string();
        let shown =
            AffectedPaths { per_caller: &[], shared: RECORDS_AND_LISTS, references: &[token.as_str(), user.as_str()] };
        let write = SentWrite::Relink(token.clone(), user.clone());
        let body = Body::Json(&body);
        self.write(WriteRequest { write, permit, method: Method::Put, path: &path, query: &[], body, shown }, on_end)
            .await
    }

    /// Deletes an identity permanently.
    ///
    /// # Errors
    /// That the identity was not deleted, or that the outcome is unknown.
    pub async fn delete(
        &self,
        token: &IdentityToken,
        on_end: impl FnOnce(WriteStatus) + Send + 'static,
    ) -> Result<WriteReply, Error> {
        let permit = self.require_grant(OneAllGrant::delete)?;
        let file = format!("{token}.json");
        let path = ["identities", &file];
        let query = [("confirm_deletion", "true")];
        let shown = AffectedPaths { per_caller: &[], shared: RECORDS_AND_LISTS, references: &[token.as_str()] };
        let write = SentWrite::Delete(token.clone());
        let body = Body::Empty;
        self.write(
            WriteRequest { write, permit, method: Method::Delete, path: &path, query: &query, body, shown },
            on_end,
        )
        .await
    }

    /// The current owner of an identity, if the grant depends on it.
    async fn current_owner(&self, grant: &SynchronizeGrant, token: &IdentityToken) -> Result<Option<String>, Error> {
        if grant.reaches_everyone() {
            return Ok(None);
        }
        // Read without the cache, because the identity may have moved to another user.
        let uncached: Self = self.host.session(self.grant.clone(), self.calls.bypassing_cache());
        let found = uncached.identity(token.clone()).await?;
        Ok(found.and_then(|found| owner_of(&found).map(str::to_owned)))
    }

    async fn write(
        &self,
        request: WriteRequest<'_>,
        on_end: impl FnOnce(WriteStatus) + Send + 'static,
    ) -> Result<WriteReply, Error> {
        let Some(site) = &self.host.0 else { return Err(not_configured()) };
        let WriteRequest { write: sent, permit, method, path, query, body, shown } = request;
        let (public_key, private_key) = site.keys.expose(permit);
        let credential = Credential::Basic(public_key, private_key);
        let reader = self.grant.user();
        let write = Write { method, path, query, masked: Some(1), credential, reader, body, affects: shown };
        let interpret = move |reply: &Reply| {
            let note = envelope::meta(reply).map(|meta: Meta| meta.to_string());
            let result = write_reply::interpret(reply, &sent);
            Interpreted { result: result.map_err(|error| Error { status: Some(reply.status), ..error }), note }
        };
        self.calls.write(Provider::OneAll, &site.upstream, &write, interpret, on_end).await
    }
}

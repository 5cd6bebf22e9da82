//! What is changed at OneAll, each by one call that is sent at most once.
//!
//! | write | request | who may |
//! |---|---|---|
//! | synchronize an identity | `PUT /identities/$token/synchronize.json` | a service with the scope, and whoever the identity's record says it belongs to |
//! | relink it | `PUT /identities/$token/link.json` | a service with the scope |
//! | delete it | `DELETE /identities/$token.json?confirm_deletion=true` | a service with the scope |
//!
//! The site's keys are shown for a permit of the grant alone. [`write_reply`] says which answer affirms which write. An identity stands in its user's record and in
//! every sign-in made with it, so what is kept of these is held against the change, and nothing that does not mention it.

use serde_json::json;

use super::envelope::{self, Meta};
use super::write_reply::{self, SentWrite};
use super::{Session, not_configured, owner_of};
use crate::auth::OneAllGrant;
use crate::auth::grant::{SiteKeyAccess, SynchronizeGrant};
use crate::model::{IdentityToken, Provider, UserToken};
use crate::provider::Error;
use crate::upstream::{Body, Credential, Done, Ended, Method, Reply, Said, Shown, Write};

/// Where an identity is shown. The rows of a list of sign-ins say nothing of it.
const RECORDS: &[&[&str]] = &[&["identities.json"], &["identities"], &["users"], &["connections"]];

/// The same, with where its sign-ins are listed.
const RECORDS_AND_LISTS: &[&[&str]] =
    &[&["identities.json"], &["identities"], &["users"], &["connections.json"], &["connections"]];

/// One write, and the proof that a grant is held for it.
struct WriteRequest<'a> {
    write: SentWrite,
    permit: SiteKeyAccess<'a>,
    method: Method,
    path: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    body: Body<'a>,
    shown: Shown<'a>,
}

impl Session {
    /// Whether the caller may have identities synchronized, at least some. Makes no call.
    ///
    /// # Errors
    /// Why not.
    pub fn may_synchronize(&self) -> Result<(), Error> {
        self.require_grant(OneAllGrant::synchronize).map(drop)
    }

    /// Whether the caller may relink identities. Makes no call.
    ///
    /// # Errors
    /// Why not.
    pub fn may_relink(&self) -> Result<(), Error> {
        self.require_grant(OneAllGrant::relink).map(drop)
    }

    /// Whether the caller may delete identities. Makes no call.
    ///
    /// # Errors
    /// Why not.
    pub fn may_delete(&self) -> Result<(), Error> {
        self.require_grant(OneAllGrant::delete).map(drop)
    }

    /// Has an identity read afresh from its social network. Somebody else's is answered like one that is not there.
    ///
    /// # Errors
    /// That it is as it was, or that nobody knows.
    pub async fn synchronize(
        &self,
        token: &IdentityToken,
        told: impl FnOnce(Ended) + Send + 'static,
    ) -> Result<Done, Error> {
        let grant = self.require_grant(OneAllGrant::synchronize)?;
        let owner = self.owner(&grant, token).await?;
        let Some(permit) = grant.site_key_access(owner.as_deref()) else { return Ok(Done::Absent) };
        let path = ["identities", token.as_str(), "synchronize.json"];
        let asked = json!({"request": {"synchronize": {"update_user_data": true, "force_token_update": false}}});
        let asked = asked.to_string();
        // It is who it was: whoever else holds its records holds what is theirs, and only gets it anew.
        let shown = Shown { own: RECORDS, common: &[], about: &[token.as_str()] };
        let (write, body) = (SentWrite::Synchronize(token.clone()), Body::Json(&asked));
        self.write(WriteRequest { write, permit, method: Method::Put, path: &path, query: &[], body, shown }, told)
            .await
    }

    /// Moves an identity to another user.
    ///
    /// # Errors
    /// That it is where it was, or that nobody knows.
    pub async fn relink(
        &self,
        token: &IdentityToken,
        user: &UserToken,
        told: impl FnOnce(Ended) + Send + 'static,
    ) -> Result<Done, Error> {
        let permit = self.require_grant(OneAllGrant::relink)?;
        let path = ["identities", token.as_str(), "link.json"];
        let asked = json!({"request": {"user": {"user_token": user.as_str()}}}).to_string();
        let shown = Shown { own: &[], common: RECORDS_AND_LISTS, about: &[token.as_str(), user.as_str()] };
        let (write, body) = (SentWrite::Relink(token.clone(), user.clone()), Body::Json(&asked));
        self.write(WriteRequest { write, permit, method: Method::Put, path: &path, query: &[], body, shown }, told)
            .await
    }

    /// Deletes an identity for good.
    ///
    /// # Errors
    /// That it is not deleted, or that nobody knows.
    pub async fn delete(
        &self,
        token: &IdentityToken,
        told: impl FnOnce(Ended) + Send + 'static,
    ) -> Result<Done, Error> {
        let permit = self.require_grant(OneAllGrant::delete)?;
        let file = format!("{token}.json");
        let path = ["identities", &file];
        let query = [("confirm_deletion", "true")];
        let shown = Shown { own: &[], common: RECORDS_AND_LISTS, about: &[token.as_str()] };
        let (write, body) = (SentWrite::Delete(token.clone()), Body::Nothing);
        self.write(
            WriteRequest { write, permit, method: Method::Delete, path: &path, query: &query, body, shown },
            told,
        )
        .await
    }

    /// Whose an identity is at this moment, where the grant depends on that.
    async fn owner(&self, grant: &SynchronizeGrant, token: &IdentityToken) -> Result<Option<String>, Error> {
        if grant.reaches_everyone() {
            return Ok(None);
        }
        // Not by what is kept: it may be somebody else's by now.
        let now: Self = self.host.session(self.grant.clone(), self.calls.bypassing_cache());
        let found = now.identity(token.clone()).await?;
        Ok(found.and_then(|found| owner_of(&found).map(str::to_owned)))
    }

    async fn write(&self, request: WriteRequest<'_>, told: impl FnOnce(Ended) + Send + 'static) -> Result<Done, Error> {
        let Some(site) = &self.host.0 else { return Err(not_configured()) };
        let WriteRequest { write: sent, permit, method, path, query, body, shown } = request;
        let (public_key, private_key) = site.keys.expose(permit);
        let credential = Credential::Basic(public_key, private_key);
        let reader = self.grant.user();
        let write = Write { method, path, query, masked: Some(1), credential, reader, body, shown };
        let judge = move |reply: &Reply| {
            let note = envelope::meta(reply).map(|meta: Meta| meta.to_string());
            let result = write_reply::judge(reply, &sent);
            Said { result: result.map_err(|error| Error { status: Some(reply.status), ..error }), note }
        };
        self.calls.write(Provider::OneAll, &site.upstream, &write, judge, told).await
    }
}

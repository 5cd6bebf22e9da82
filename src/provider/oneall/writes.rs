//! What is changed at OneAll, each by one call that is sent at most once.
//!
//! | write | request | who may |
//! |---|---|---|
//! | synchronize an identity | `PUT /identities/$token/synchronize.json` | a service with the scope, and whoever the identity's record says it belongs to |
//! | relink it | `PUT /identities/$token/link.json` | a service with the scope |
//! | delete it | `DELETE /identities/$token.json?confirm_deletion=true` | a service with the scope |
//!
//! The site's keys are shown for a permit of the grant alone. What an answer holds is not documented for all of them, so it
//! is not read: an envelope whose number says success says that it is done. An identity stands in its user's record and in
//! every sign-in made with it, so what is kept of these is held against the change, and nothing that does not mention it.

use serde::de::IgnoredAny;
use serde_json::json;

use super::envelope::{self, Meta, Opened};
use super::{Reads, malformed, not_configured, owner_of};
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

/// Partly successful, and nobody says which part.
const MULTI_STATUS: i32 = 207;

/// One write, and the proof that a grant is held for it.
struct Wish<'a> {
    permit: SiteKeyAccess<'a>,
    method: Method,
    path: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    body: Body<'a>,
    shown: Shown<'a>,
}

impl Reads {
    /// Whether the caller may have identities synchronized, at least some. Makes no call.
    ///
    /// # Errors
    /// Why not.
    pub fn may_synchronize(&self) -> Result<(), Error> {
        self.granted(OneAllGrant::synchronize).map(drop)
    }

    /// Whether the caller may relink identities. Makes no call.
    ///
    /// # Errors
    /// Why not.
    pub fn may_relink(&self) -> Result<(), Error> {
        self.granted(OneAllGrant::relink).map(drop)
    }

    /// Whether the caller may delete identities. Makes no call.
    ///
    /// # Errors
    /// Why not.
    pub fn may_delete(&self) -> Result<(), Error> {
        self.granted(OneAllGrant::delete).map(drop)
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
        let grant = self.granted(OneAllGrant::synchronize)?;
        let owner = self.owner(&grant, token).await?;
        let Some(permit) = grant.site_key_access(owner.as_deref()) else { return Ok(Done::Absent) };
        let path = ["identities", token.as_str(), "synchronize.json"];
        let asked = json!({"request": {"synchronize": {"update_user_data": true, "force_token_update": false}}});
        let asked = asked.to_string();
        // It is who it was: whoever else holds its records holds what is theirs, and only gets it anew.
        let shown = Shown { own: RECORDS, common: &[], about: &[token.as_str()] };
        let body = Body::Json(&asked);
        self.write(Wish { permit, method: Method::Put, path: &path, query: &[], body, shown }, told).await
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
        let permit = self.granted(OneAllGrant::relink)?;
        let path = ["identities", token.as_str(), "link.json"];
        let asked = json!({"request": {"user": {"user_token": user.as_str()}}}).to_string();
        let shown = Shown { own: &[], common: RECORDS_AND_LISTS, about: &[token.as_str(), user.as_str()] };
        let body = Body::Json(&asked);
        self.write(Wish { permit, method: Method::Put, path: &path, query: &[], body, shown }, told).await
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
        let permit = self.granted(OneAllGrant::delete)?;
        let file = format!("{token}.json");
        let path = ["identities", &file];
        let query = [("confirm_deletion", "true")];
        let shown = Shown { own: &[], common: RECORDS_AND_LISTS, about: &[token.as_str()] };
        let (method, body) = (Method::Delete, Body::Nothing);
        self.write(Wish { permit, method, path: &path, query: &query, body, shown }, told).await
    }

    /// Whose an identity is at this moment, where the grant depends on that.
    async fn owner(&self, grant: &SynchronizeGrant, token: &IdentityToken) -> Result<Option<String>, Error> {
        if grant.reaches_everyone() {
            return Ok(None);
        }
        // Not by what is kept: it may be somebody else's by now.
        let now: Self = self.host.reads(self.grant.clone(), self.calls.live());
        let found = now.identity(token.clone()).await?;
        Ok(found.and_then(|found| owner_of(&found).map(str::to_owned)))
    }

    async fn write(&self, wish: Wish<'_>, told: impl FnOnce(Ended) + Send + 'static) -> Result<Done, Error> {
        let Some(site) = &self.host.0 else { return Err(not_configured()) };
        let Wish { permit, method, path, query, body, shown } = wish;
        let (public_key, private_key) = site.keys.expose(permit);
        let credential = Credential::Basic(public_key, private_key);
        let reader = self.grant.user();
        let write = Write { method, path, query, masked: Some(1), credential, reader, body, shown };
        self.calls.write(Provider::OneAll, &site.upstream, &write, judge, told).await
    }
}

fn judge(reply: &Reply) -> Said<Error> {
    let note = envelope::meta(reply).map(|meta: Meta| meta.to_string());
    Said { result: done(reply).map_err(|error| Error { status: Some(reply.status), ..error }), note }
}

/// What an envelope says of a write.
fn done(reply: &Reply) -> Result<Done, Error> {
    let Some(opened) = envelope::open::<IgnoredAny>(reply)? else { return Ok(Done::Absent) };
    if !opened.went_well()? {
        return Ok(Done::Absent);
    }
    let Opened { meta, result, .. } = &opened;
    // What it says of the operation counts before what it says of the request; a word without a number says nothing.
    let is_done = result.as_ref().unwrap_or(&meta.status).is_success();
    let is_whole =
        is_done && [Some(&meta.status), result.as_ref()].into_iter().flatten().all(|it| it.code != Some(MULTI_STATUS));
    if is_whole { Ok(Done::Changed) } else { Err(malformed("no status says that it is done".to_owned())) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::provider::Reason;

    fn judged(status: u16, body: &serde_json::Value) -> Result<Done, Reason> {
        let body = body.to_string().into();
        judge(&Reply { status, content_type: None, retry_after: None, body }).result.map_err(|error| error.reason)
    }

    #[test]
    fn an_envelope_says_whether_a_write_is_done() {
        let says = |request: i32, result: Option<i32>| {
            let request = json!({"status": {"code": request}});
            match result {
                Some(code) => json!({"response": {"request": request, "result": {"status": {"code": code}}}}),
                None => json!({"response": {"request": request}}),
            }
        };
        let unnumbered =
            json!({"response": {"request": {"status": {"code": 200}}, "result": {"status": {"flag": "error"}}}});
        for (status, body, expected) in [
            (200, says(200, Some(200)), Ok(Done::Changed)),
            (200, says(200, None), Ok(Done::Changed)),
            (201, says(201, Some(201)), Ok(Done::Changed)),
            (200, says(200, Some(207)), Err(Reason::Malformed)),
            (207, says(207, None), Err(Reason::Malformed)),
            (200, json!({"response": {"request": {}}}), Err(Reason::Malformed)),
            (200, unnumbered, Err(Reason::Malformed)),
            (200, json!({}), Err(Reason::Malformed)),
            (404, says(404, None), Ok(Done::Absent)),
            (200, says(200, Some(404)), Ok(Done::Absent)),
            (200, says(200, Some(400)), Err(Reason::Refused)),
            (400, says(400, None), Err(Reason::Refused)),
            (401, says(401, None), Err(Reason::NotAuthenticated)),
            (403, says(403, None), Err(Reason::NotAllowed)),
            (429, says(429, None), Err(Reason::Throttled)),
            (200, says(200, Some(500)), Err(Reason::Unavailable)),
            (503, says(503, None), Err(Reason::Unavailable)),
            (404, json!({}), Err(Reason::Malformed)),
        ] {
            assert_eq!(judged(status, &body), expected, "{status} {body}");
        }
    }
}

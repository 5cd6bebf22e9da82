//! What is changed at WordPress.com, each by one call that is sent at most once.
//!
//! | write | request | what its answer is |
//! |---|---|---|
//! | revoke an application | `POST /me/connected-applications/$ID/delete` | documented: `{"success": true}` |
//! | delete a Keyring connection | `POST /me/keyring-connections/$ID/delete`, or `DELETE /wpcom/v2/me/connections/$ID` | the page prints another thing; its own clients look at the status only |
//! | share a Publicize connection, or not | `POST /sites/$site/publicize-connections/$ID`, or under `/me` | taken to be the row |
//!
//! A good status with JSON that is no error says that it is done; what else comes is taken for nothing. The numbers of
//! others are answered like those that are not there.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::verdict::{self, Verdict};
use super::{APPLICATIONS, KeyringApi, Reads, below, malformed, payload, publicize_path};
use crate::model::{ApplicationId, ConnectionKey, ConnectionRecord, KeyringId, Provider, PublicizeId};
use crate::provider::lenient::Loose;
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
struct Wish<'a> {
    method: Method,
    path: &'a [&'a str],
    body: Body<'a>,
    shown: Shown<'a>,
}

/// What the answer to a revocation says.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Success {
    success: Loose,
}

impl Reads {
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
        let path = [below(APPLICATIONS, &id), vec!["delete"]].concat();
        let shown = Shown { own: &[APPLICATIONS], common: &[], about: &[] };
        let wish = Wish { method: Method::Post, path: &path, body: Body::Nothing, shown };
        let is_said = |reply: &Reply| match serde_json::from_slice::<Success>(&reply.body)
            .map(|said| said.success.flag())
        {
            Ok(Some(true)) => Ok(()),
            Ok(Some(false)) => Err(Error::new(Provider::WordPress, Reason::Refused, "it says that it was not deleted")),
            _ => Err(malformed("success: expected true".to_owned())),
        };
        self.write(wish, is_said, told).await
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
        let path = [&below(&list, &id), rest].concat();
        let wish = Wish { method, path: &path, body: Body::Nothing, shown: CONNECTIONS };
        self.write(wish, is_object, told).await
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
        let path = below(&list, &id);
        let form = [("shared", if shared { "true" } else { "false" })];
        let shown = match key.site {
            Some(_) => Shown { own: &[PUBLICIZE], common: &[&list], about: &[] },
            None => Shown { own: &[PUBLICIZE, ON_SITES], common: &[], about: &[] },
        };
        let wish = Wish { method: Method::Post, path: &path, body: Body::Form(&form), shown };
        self.write(wish, is_object, told).await
    }

    /// The Publicize connections that stand on a Keyring connection, as they are now and as far as the person sees them.
    ///
    /// # Errors
    /// WordPress.com's.
    pub async fn standing_on(&self, key: KeyringId) -> Result<Vec<ConnectionKey>, Error> {
        let all = self.past_kept().publicize_connections(None).await?;
        let stands_on_it =
            |record: &ConnectionRecord| matches!(record, ConnectionRecord::Publicize(it) if it.keyring == Some(key));
        Ok(all.rows.iter().filter(|row| stands_on_it(&row.record)).map(|row| row.key.clone()).collect())
    }

    async fn write(
        &self,
        wish: Wish<'_>,
        is_said: impl FnOnce(&Reply) -> Result<(), Error> + Send + 'static,
        told: impl FnOnce(Ended) + Send + 'static,
    ) -> Result<Done, Error> {
        let grant = self.proved().await?;
        let Wish { method, path, body, shown } = wish;
        let credential = Credential::Bearer(grant.token());
        let write = Write { method, path, query: &[], masked: None, credential, reader: None, body, shown };
        let judge = |reply: &Reply| {
            let result = match verdict::judge(reply) {
                Ok(Verdict::Content) if reply.status == 204 => Ok(Done::Changed),
                Ok(Verdict::Content) => is_said(reply).map(|()| Done::Changed),
                Ok(Verdict::Absent) => Ok(Done::Absent),
                Err(error) => Err(error),
            };
            Said { result: result.map_err(|error| Error { status: Some(reply.status), ..error }), note: None }
        };
        let done = self.calls.write(Provider::WordPress, &self.host.upstream, &write, judge, told).await;
        if done.as_ref().is_err_and(|error| error.reason == Reason::NotAuthenticated) {
            grant.record_rejected();
        }
        done
    }
}

/// An object that is whole, whatever stands in it.
fn is_object(reply: &Reply) -> Result<(), Error> {
    payload::decode::<IgnoredAny>(&reply.body).map(drop)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_a_whole_object_says_that_something_is_done() {
        let reply =
            |body: &'static str| Reply { status: 200, content_type: None, retry_after: None, body: body.into() };
        for (body, is_said) in
            [("{}", true), ("{\"ID\":1,\"deleted\":true}", true), ("{\"ID\":1", false), ("[]", false)]
        {
            assert_eq!(is_object(&reply(body)).is_ok(), is_said, "{body}");
        }
    }
}

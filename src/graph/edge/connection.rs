//! The edges of a connection.
//!
//! A row of OneAll's list carries four fields; every other is read with the sign-in itself, once, however many of them
//! are asked for.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, ID};

use super::{pick_from, settle};
use crate::graph::ContextExt;
use crate::graph::error::Error;
use crate::graph::id::GlobalId;
use crate::model::{
    Application, Connection, ConnectionHealth, ConnectionKey, ConnectionRecord, HealthAction, Identity, KeyringRecord,
    OneAllUser, OneTimeLink, PublicizeRecord, Service, SignInPlugin, SignInRecord, SignInResult, Site, Url,
};
use crate::provider::oneall::mapping::plugin_application;

#[ComplexObject]
impl Connection {
    /// Names this connection in the graph.
    pub async fn id(&self) -> ID {
        GlobalId::Connection(self.key.clone()).into()
    }

    /// How well it works. Null for a OneAll sign-in whose list does not say and that OneAll no longer has.
    async fn health(&self, ctx: &Context<'_>) -> Option<Result<ConnectionHealth, Error>> {
        let Some(health) = &self.health else { return self.whole(ctx, |whole| whole.health.clone()).await };
        let mut health = health.clone();
        let is_place_asked = ctx.look_ahead().field("action").field("url").exists();
        if let Some(action) = health.action.as_mut().filter(|_| is_place_asked) {
            match self.is_grant_own(ctx).await {
                Ok(true) => {}
                Ok(false) => action.url = None,
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(health))
    }

    /// The outside service. Null for a sign-in that failed before a service was known, and if OneAll no longer has the
    /// sign-in, though its list may still name it.
    async fn service(&self, ctx: &Context<'_>) -> Option<Result<Service, Error>> {
        self.whole(ctx, |whole| {
            Some(Service::from_slug(whole.provider, whole.service.as_deref()?, whole.service_label()))
        })
        .await
    }

    /// The outside account. Null if there is none, as after a failed sign-in, and if OneAll no longer has the sign-in.
    async fn identity(&self, ctx: &Context<'_>) -> Option<Result<Arc<Identity>, Error>> {
        self.whole(ctx, |whole| whole.identity.clone()).await
    }

    /// The application through which it was made: a OneAll plugin such as Social Link. Null at WordPress.com, which
    /// does not say, and if OneAll no longer has the sign-in.
    async fn application(&self, ctx: &Context<'_>) -> Option<Result<Application, Error>> {
        self.whole(ctx, |whole| whole.plugin.as_deref().map(plugin_application)).await
    }

    /// The WordPress.com sites that use it. Empty for a sign-in.
    async fn sites(&self) -> Vec<Site> {
        self.sites.iter().copied().map(Site::from_id).collect()
    }

    /// Everything else the provider said, in its own terms.
    async fn record(&self) -> &ConnectionRecord {
        &self.record
    }
}

impl Connection {
    /// Whether the grant is the person's own: one that the other authors of a site share may be any of theirs.
    async fn is_grant_own(&self, ctx: &Context<'_>) -> Result<bool, Error> {
        let ConnectionRecord::Publicize(PublicizeRecord { keyring: Some(grant), .. }) = &self.record else {
            return Ok(true);
        };
        if self.shared != Some(true) {
            return Ok(true);
        }
        let own = ctx.loaders().wordpress.reads.keyring_connections().await?;
        Ok(own.rows.iter().any(|row| row.key == ConnectionKey::Keyring(*grant)))
    }

    /// Picks a field that a list's row may not carry.
    async fn whole<T>(
        &self,
        ctx: &Context<'_>,
        pick: impl FnOnce(&Connection) -> Option<T>,
    ) -> Option<Result<T, Error>> {
        let token = match &self.key {
            ConnectionKey::SignIn(token) if !self.complete => token.clone(),
            _ => return pick(self).map(Ok),
        };
        pick_from(ctx.loaders().oneall.find(token).await, pick)
    }

    fn service_label(&self) -> Option<&str> {
        self.identity.as_ref().and_then(|identity| identity.service_label.as_deref())
    }
}

#[ComplexObject]
impl ConnectionHealth {
    /// Whether a person has something to do about it.
    async fn needs_attention(&self) -> bool {
        self.state.needs_attention()
    }

    /// Seconds until the connection ends; below zero if it has ended. Null if it never does, or where the provider
    /// does not say.
    async fn expires_in(&self, ctx: &Context<'_>) -> Option<i32> {
        let seconds = (self.expires_at?.0 - ctx.now().0).num_seconds();
        Some(seconds.clamp(i32::MIN.into(), i32::MAX.into()) as i32)
    }
}

#[ComplexObject]
impl HealthAction {
    /// Where, for the person's own browser: an http or https link with a one-time mark; do not store or share it. Null where
    /// the provider gives no place, and for a connection that another author shares: only they can renew their grant.
    async fn url(&self, ctx: &Context<'_>) -> Option<Result<Url, Error>> {
        renewal(ctx, self.url.as_ref()).await
    }
}

#[ComplexObject]
impl KeyringRecord {
    /// Where the person's own browser renews the grant. It carries a one-time mark: do not store or share it. Null
    /// where WordPress.com gives no such place.
    async fn refresh_url(&self, ctx: &Context<'_>) -> Option<Result<Url, Error>> {
        renewal(ctx, self.refresh_url.as_ref()).await
    }
}

/// A link that renews a grant. It is never kept, so that of a row that was is read anew.
async fn renewal(ctx: &Context<'_>, link: Option<&OneTimeLink<ConnectionKey>>) -> Option<Result<Url, Error>> {
    match link? {
        OneTimeLink::Known(url) => Some(Ok(url.clone())),
        OneTimeLink::Redacted(key) => {
            let renewed = ctx.loaders().wordpress.reads.renewed(key).await;
            pick_from(renewed, |row| row.refresh_link()?.known().cloned())
        }
    }
}

#[ComplexObject]
impl PublicizeRecord {
    /// Where the person's own browser renews the grant. It carries a one-time mark: do not store or share it. Null
    /// where WordPress.com gives no such place.
    async fn refresh_url(&self, ctx: &Context<'_>) -> Option<Result<Url, Error>> {
        renewal(ctx, self.refresh_url.as_ref()).await
    }

    /// The site it serves. Null where WordPress.com does not say.
    async fn site(&self) -> Option<Site> {
        self.site.map(Site::from_id)
    }

    /// The Keyring connection it is built on. Null if that is somebody else's, or if WordPress.com gives something else
    /// under its number.
    async fn keyring_connection(&self, ctx: &Context<'_>) -> Option<Result<Arc<Connection>, Error>> {
        let key = self.keyring?;
        let found = ctx.loaders().wordpress.find(key).await;
        settle(found.map(|found: Option<Arc<Connection>>| found.filter(|it| it.key == ConnectionKey::Keyring(key))))
    }
}

#[ComplexObject]
impl SignInRecord {
    /// The token that the callback received.
    async fn connection_token(&self) -> &str {
        self.token.as_str()
    }

    /// What the plugin reported. Null where OneAll does not say, and if it no longer has the sign-in.
    async fn plugin(&self, ctx: &Context<'_>) -> Option<Result<SignInPlugin, Error>> {
        self.whole(ctx, |record| record.plugin.clone()).await
    }

    /// How the operation ended. Null where OneAll does not say, and if it no longer has the sign-in.
    async fn result(&self, ctx: &Context<'_>) -> Option<Result<SignInResult, Error>> {
        self.whole(ctx, |record| record.result.clone()).await
    }

    /// What OneAll says it did, such as `authenticate_user`. Null where OneAll does not say, and if it no longer has
    /// the sign-in.
    async fn action(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        self.whole(ctx, |record| record.action.clone()).await
    }

    /// The user it belongs to. Null if it failed, or OneAll names none or no longer has the sign-in.
    async fn user(&self, ctx: &Context<'_>) -> Option<Result<OneAllUser, Error>> {
        self.whole(ctx, |record| record.user.clone().map(OneAllUser::from_token)).await
    }
}

impl SignInRecord {
    /// Picks a field that a list's row does not carry. Where the sign-in itself was read, that read answers again.
    async fn whole<T>(&self, ctx: &Context<'_>, pick: impl FnOnce(&Self) -> Option<T>) -> Option<Result<T, Error>> {
        let of_record = |whole: &Connection| match &whole.record {
            ConnectionRecord::SignIn(record) => pick(record),
            _ => None,
        };
        pick_from(ctx.loaders().oneall.find(self.token.clone()).await, of_record)
    }
}

//! Fields of a connection.
//!
//! A row of OneAll's list of sign-ins has four fields. The other fields are read with the sign-in itself, once for all of
//! them.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, ID};

use super::resolve::{into_field, map_field};
use crate::graph::context::ContextExt;
use crate::graph::error::Error;
use crate::graph::id::GlobalId;
use crate::model::{
    Application, Connection, ConnectionHealth, ConnectionKey, ConnectionRecord, HealthAction, Identity, KeyringRecord,
    OneAllUser, OneTimeLink, PublicizeRecord, Service, SignInPlugin, SignInRecord, SignInResult, Site, Url,
};
use crate::provider::oneall::mapping::plugin_application;

#[ComplexObject]
impl Connection {
    /// The global ID of the connection.
    pub(crate) async fn id(&self) -> ID {
        GlobalId::Connection(self.key.clone()).into()
    }

    /// The health of the connection. Null when OneAll no longer has the sign-in and its list does not provide the status.
    async fn health(&self, ctx: &Context<'_>) -> Option<Result<ConnectionHealth, Error>> {
        let Some(health) = &self.health else { return self.detail(ctx, |detail| detail.health.clone()).await };
        let mut health = health.clone();
        let is_url_selected = ctx.look_ahead().field("action").field("url").exists();
        if let Some(action) = health.action.as_mut().filter(|_| is_url_selected) {
            match self.is_own_grant(ctx).await {
                Ok(true) => {}
                Ok(false) => action.url = None,
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(health))
    }

    /// The service that the connection leads to. Null when a sign-in failed before the service was known, and when OneAll no
    /// longer has the sign-in.
    async fn service(&self, ctx: &Context<'_>) -> Option<Result<Service, Error>> {
        let service = |detail: &Connection| {
            let slug = detail.service.as_deref()?;
            Some(Service::from_slug(detail.provider, slug, detail.service_label()))
        };
        self.detail(ctx, service).await
    }

    /// The account that the connection leads to. Null when there is none, as after a failed sign-in, and when OneAll no
    /// longer has the sign-in.
    async fn identity(&self, ctx: &Context<'_>) -> Option<Result<Arc<Identity>, Error>> {
        self.detail(ctx, |detail| detail.identity.clone()).await
    }

    /// The OneAll plugin that created the connection, such as Social Link. Null at WordPress.com, and when OneAll no longer
    /// has the sign-in.
    async fn application(&self, ctx: &Context<'_>) -> Option<Result<Application, Error>> {
        self.detail(ctx, |detail| detail.plugin.as_deref().map(plugin_application)).await
    }

    /// The WordPress.com sites that use the connection. Empty for a sign-in.
    async fn sites(&self) -> Vec<Site> {
        self.sites.iter().copied().map(Site::from_id).collect()
    }

    /// The provider-specific data of the connection.
    async fn record(&self) -> &ConnectionRecord {
        &self.record
    }
}

impl Connection {
    /// Whether the grant belongs to the viewer. A shared Publicize connection may use the grant of another author.
    async fn is_own_grant(&self, ctx: &Context<'_>) -> Result<bool, Error> {
        let ConnectionRecord::Publicize(PublicizeRecord { keyring: Some(grant), .. }) = &self.record else {
            return Ok(true);
        };
        if self.shared != Some(true) {
            return Ok(true);
        }
        let own = ctx.loaders().wordpress.session.keyring_connections().await?;
        Ok(own.rows.iter().any(|row| row.key == ConnectionKey::Keyring(*grant)))
    }

    /// A field that a row of a list may not have. The sign-in itself is read when it is missing.
    async fn detail<T>(
        &self,
        ctx: &Context<'_>,
        field: impl FnOnce(&Connection) -> Option<T>,
    ) -> Option<Result<T, Error>> {
        let token = match &self.key {
            ConnectionKey::SignIn(token) if !self.complete => token.clone(),
            _ => return field(self).map(Ok),
        };
        map_field(ctx.loaders().oneall.load(token).await, field)
    }

    fn service_label(&self) -> Option<&str> {
        self.identity.as_ref().and_then(|identity| identity.service_label.as_deref())
    }
}

#[ComplexObject]
impl ConnectionHealth {
    /// Whether a person must act.
    async fn needs_attention(&self) -> bool {
        self.state.needs_attention()
    }

    /// The seconds until the connection expires; negative when it has expired. Null when it never expires or the provider
    /// does not provide it.
    async fn expires_in(&self, ctx: &Context<'_>) -> Option<i32> {
        let seconds = (self.expires_at?.0 - ctx.now().0).num_seconds();
        Some(seconds.clamp(i32::MIN.into(), i32::MAX.into()) as i32)
    }
}

#[ComplexObject]
impl HealthAction {
    /// The URL of the action, for the person's own browser. It contains a one-time nonce: do not store or share it. Null when
    /// the provider has none, and for a connection that another author shares.
    async fn url(&self, ctx: &Context<'_>) -> Option<Result<Url, Error>> {
        refresh_link(ctx, self.url.as_ref()).await
    }
}

#[ComplexObject]
impl KeyringRecord {
    /// The URL at which the person renews the grant in their browser. It contains a one-time nonce: do not store or share it.
    /// Null when WordPress.com has none.
    async fn refresh_url(&self, ctx: &Context<'_>) -> Option<Result<Url, Error>> {
        refresh_link(ctx, self.refresh_url.as_ref()).await
    }
}

/// The link that renews a grant. Links are not cached, so the link of a cached row is read again.
async fn refresh_link(ctx: &Context<'_>, link: Option<&OneTimeLink<ConnectionKey>>) -> Option<Result<Url, Error>> {
    match link? {
        OneTimeLink::Known(url) => Some(Ok(url.clone())),
        OneTimeLink::Redacted(key) => {
            let renewed = ctx.loaders().wordpress.session.connection_with_links(key).await;
            map_field(renewed, |row| row.refresh_link()?.known().cloned())
        }
    }
}

#[ComplexObject]
impl PublicizeRecord {
    /// The URL at which the person renews the grant in their browser. It contains a one-time nonce: do not store or share it.
    /// Null when WordPress.com has none.
    async fn refresh_url(&self, ctx: &Context<'_>) -> Option<Result<Url, Error>> {
        refresh_link(ctx, self.refresh_url.as_ref()).await
    }

    /// The site that uses the connection. Null when WordPress.com does not provide it.
    async fn site(&self) -> Option<Site> {
        self.site.map(Site::from_id)
    }

    /// The Keyring connection whose grant is used. Null when it belongs to another person, or when WordPress.com returns
    /// another record for its ID.
    async fn keyring_connection(&self, ctx: &Context<'_>) -> Option<Result<Arc<Connection>, Error>> {
        let key = self.keyring?;
        let found = ctx.loaders().wordpress.load(key).await;
        into_field(found.map(|found: Option<Arc<Connection>>| found.filter(|it| it.key == ConnectionKey::Keyring(key))))
    }
}

#[ComplexObject]
impl SignInRecord {
    /// The connection token, as the callback received it.
    async fn connection_token(&self) -> &str {
        self.token.as_str()
    }

    /// What the plugin reported. Null when OneAll does not provide it or no longer has the sign-in.
    async fn plugin(&self, ctx: &Context<'_>) -> Option<Result<SignInPlugin, Error>> {
        self.detail(ctx, |record| record.plugin.clone()).await
    }

    /// The result of the operation. Null when OneAll does not provide it or no longer has the sign-in.
    async fn result(&self, ctx: &Context<'_>) -> Option<Result<SignInResult, Error>> {
        self.detail(ctx, |record| record.result.clone()).await
    }

    /// The action that OneAll performed, such as `authenticate_user`. Null when OneAll does not provide it or no longer has
    /// the sign-in.
    async fn action(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        self.detail(ctx, |record| record.action.clone()).await
    }

    /// The user who signed in. Null when the sign-in failed, and when OneAll names no user or no longer has the sign-in.
    async fn user(&self, ctx: &Context<'_>) -> Option<Result<OneAllUser, Error>> {
        self.detail(ctx, |record| record.user.clone().map(OneAllUser::from_token)).await
    }
}

impl SignInRecord {
    /// A field that a row of a list does not have. The loader reads each sign-in at most once.
    async fn detail<T>(&self, ctx: &Context<'_>, field: impl FnOnce(&Self) -> Option<T>) -> Option<Result<T, Error>> {
        let of_record = |detail: &Connection| match &detail.record {
            ConnectionRecord::SignIn(record) => field(record),
            _ => None,
        };
        map_field(ctx.loaders().oneall.load(self.token.clone()).await, of_record)
    }
}

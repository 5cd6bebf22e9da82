//! Fields of a WordPress.com user and of a OneAll user.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Object};

use super::resolve::{list_field, map_field};
use crate::graph::context::ContextExt;
use crate::graph::error::Error;
use crate::model::user::OneAllUserEntry;
use crate::model::{DateTime, Identity, IdentityState, OneAllUser, Provider, Site, WordPressUser};

#[ComplexObject]
impl WordPressUser {
    /// The user's email address. Null when WordPress.com does not provide it.
    async fn email(&self, ctx: &Context<'_>) -> Option<&str> {
        let email = self.email.as_deref()?;
        ctx.audit().record_wordpress_user_read(self, "email");
        Some(email)
    }

    /// The user's primary site. Null when the user has none or WordPress.com does not provide it.
    async fn primary_site(&self) -> Option<Site> {
        self.primary_site.map(Site::from_id)
    }

    /// The user's sites, in WordPress.com's order. Null with an error when WordPress.com does not list them.
    async fn sites(&self, ctx: &Context<'_>) -> Option<Result<Vec<Arc<Site>>, Error>> {
        Some(list_field(ctx, Provider::WordPress, ctx.loaders().wordpress.session.sites().await))
    }
}

/// A user of the OneAll site: a person with all identities that they have linked.
///
/// All fields except the token are null when OneAll has no such user or does not provide the value.
#[Object(name = "OneAllUser")]
impl OneAllUser {
    /// The OneAll user token. Sites use it as the key of their own account for the user.
    async fn user_token(&self) -> &str {
        self.key.as_str()
    }

    /// Whether the user's data can be read. ENCRYPTED when the site encrypts any of it; encrypted identities are then missing
    /// from `identities`. Null when OneAll has no such user.
    async fn state(&self, ctx: &Context<'_>) -> Option<Result<IdentityState, Error>> {
        self.entry(ctx, |entry| Some(entry.state)).await
    }

    /// The time of the user's first sign-in. Null when OneAll has no such user or does not provide it.
    async fn created_at(&self, ctx: &Context<'_>) -> Option<Result<DateTime, Error>> {
        self.entry(ctx, |entry| entry.created_at).await
    }

    /// The time of the user's last sign-in. Null when OneAll has no such user or does not provide it.
    async fn last_login_at(&self, ctx: &Context<'_>) -> Option<Result<DateTime, Error>> {
        self.entry(ctx, |entry| entry.last_login_at).await
    }

    /// The number of the user's sign-ins. Null when OneAll has no such user or does not provide it.
    async fn login_count(&self, ctx: &Context<'_>) -> Option<Result<i32, Error>> {
        self.entry(ctx, |entry| entry.login_count).await
    }

    /// The identities that the user has linked, in OneAll's order. Null when OneAll has no such user.
    async fn identities(&self, ctx: &Context<'_>) -> Option<Result<Vec<Arc<Identity>>, Error>> {
        let rows = |entry: &OneAllUserEntry| {
            entry.skipped.iter().for_each(|skipped| ctx.report(Error::skipped_row(Provider::OneAll, skipped)));
            Some(entry.identities.clone())
        };
        self.entry(ctx, rows).await
    }
}

impl OneAllUser {
    /// A part of the user's data, which is read unless it is already loaded. `None` when OneAll has no such user.
    async fn entry<T>(
        &self,
        ctx: &Context<'_>,
        part: impl FnOnce(&OneAllUserEntry) -> Option<T>,
    ) -> Option<Result<T, Error>> {
        if let Some(entry) = &self.entry {
            return part(entry).map(Ok);
        }
        map_field(ctx.loaders().oneall.load(self.key.clone()).await, |user| part(user.entry.as_ref()?))
    }
}

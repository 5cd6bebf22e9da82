//! Fields of a WordPress.com site.
//!
//! Records that refer to a site contain only its ID. Its other fields are read when they are selected.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::resolve::{list_field, map_field};
use crate::graph::context::ContextExt;
use crate::graph::error::Error;
use crate::graph::id::GlobalId;
use crate::model::{Connection, Provider, Site, Url};

/// A WordPress.com site.
///
/// Its name, description, URL and icon are null when WordPress.com does not show the site to the viewer.
#[Object(name = "Site")]
impl Site {
    /// The global ID of the site.
    pub(crate) async fn id(&self) -> ID {
        GlobalId::Site(self.key).into()
    }

    /// WordPress.com's ID of the site.
    async fn site_id(&self) -> ID {
        ID(self.key.to_string())
    }

    /// The name of the site. Null when it has none.
    async fn name(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        self.field(ctx, |site| site.name.clone()).await
    }

    /// The tagline of the site. Null when it has none.
    async fn description(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        self.field(ctx, |site| site.description.clone()).await
    }

    /// The URL of the site. Null when WordPress.com does not provide it.
    async fn url(&self, ctx: &Context<'_>) -> Option<Result<Url, Error>> {
        self.field(ctx, |site| site.url.clone()).await
    }

    /// The URL of the site's icon. Null when it has none.
    async fn icon_url(&self, ctx: &Context<'_>) -> Option<Result<Url, Error>> {
        self.field(ctx, |site| site.icon_url.clone()).await
    }

    /// Whether the viewer may edit the posts of other authors. They may then also share Publicize connections and remove
    /// shared ones. Null when WordPress.com does not provide it.
    async fn can_edit_others_posts(&self, ctx: &Context<'_>) -> Option<Result<bool, Error>> {
        self.field(ctx, |site| site.can_edit_others_posts).await
    }

    /// The Publicize connections of the site, including those that other authors share. Null with an error when
    /// WordPress.com does not show them.
    async fn publicize_connections(&self, ctx: &Context<'_>) -> Option<Result<Vec<Arc<Connection>>, Error>> {
        let list = ctx.loaders().wordpress.session.publicize_connections(Some(self.key)).await;
        Some(list_field(ctx, Provider::WordPress, list))
    }
}

impl Site {
    /// The value of a field. The site is read when it is not complete and does not have the value.
    async fn field<T>(&self, ctx: &Context<'_>, field: impl Fn(&Site) -> Option<T>) -> Option<Result<T, Error>> {
        if let Some(value) = field(self) {
            return Some(Ok(value));
        }
        if self.complete {
            return None;
        }
        map_field(ctx.loaders().wordpress.load(self.key).await, field)
    }
}

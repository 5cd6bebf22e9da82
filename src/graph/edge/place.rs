//! The edges of services and sites.
//!
//! What names a service or a site seldom says more than its key; the rest comes from WordPress.com's catalogue and its
//! list of sites, one read for all that are asked for, and only if such a field is selected.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, ID, Object};

use super::{pick_from, rows};
use crate::graph::ContextExt;
use crate::graph::error::Error;
use crate::graph::id::GlobalId;
use crate::graph::lists;
use crate::graph::page::{Arguments, Page};
use crate::model::{Connection, Identity, OneTimeLink, Provider, Service, ServiceEntry, Site, Url, catalogue};
use crate::provider::wordpress::ServiceSlug;

#[ComplexObject]
impl Service {
    /// Names this service in the graph.
    pub async fn id(&self) -> ID {
        GlobalId::Service(self.key.clone()).into()
    }

    /// Its name: ours for a service that is known beforehand, whose `providers` is not empty, so that it is the same whichever
    /// provider spoke of it; otherwise the provider's. What WordPress.com itself calls it stands in `Connection.label`. Null
    /// if nobody gives it one.
    async fn label(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        let known = catalogue::known_service(&self.key).map(|name| name.label.to_owned());
        match known.or_else(|| self.label.clone()) {
            Some(label) => Some(Ok(label)),
            None => self.entry(ctx, |entry| entry.label.clone()).await,
        }
    }

    /// The providers that are known beforehand to work with it. Empty for one that a provider has added since.
    async fn providers(&self) -> Vec<Provider> {
        catalogue::known_service(&self.key).map_or_else(Vec::new, catalogue::KnownService::providers)
    }

    /// The person's Keyring and Publicize connections to it at WordPress.com, newest first, all of them. Sign-ins at
    /// OneAll are never among them: its list names no service, so OneAll is UNSUPPORTED_BY_PROVIDER in `incomplete`;
    /// what the person has there is in `identities`. Null, with an error, if WordPress.com's part cannot be had, as
    /// without a token.
    async fn connections(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many rows from the start: 0 to 100, 20 if not said.")] first: Option<i32>,
        #[graphql(desc = "Begin behind this row.")] after: Option<String>,
    ) -> Option<Result<Page<Connection>, Error>> {
        let arguments = Arguments::forward(first, after);
        Some(lists::connections_at(ctx, &self.key, arguments).await)
    }

    /// The person's own accounts at it, newest first: those behind their Keyring connections, and those of their OneAll
    /// user, whom their JWT names. OneAll cannot look for a service among all identities of a site: for a service that may
    /// list them, OneAll is UNSUPPORTED_BY_PROVIDER in `incomplete`. Null, with an error, if neither part can be had.
    async fn identities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many rows from the start: 0 to 100, 20 if not said.")] first: Option<i32>,
        #[graphql(desc = "Begin behind this row.")] after: Option<String>,
    ) -> Option<Result<Page<Identity>, Error>> {
        let arguments = Arguments::forward(first, after);
        Some(lists::identities_at(ctx, &self.key, arguments).await)
    }

    /// What connecting it to a WordPress.com site brings. Null without a WordPress.com token, and where its catalogue
    /// does not say.
    async fn description(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        self.entry(ctx, |entry| entry.description.clone()).await
    }

    /// Its icon. Null without a WordPress.com token, and where its catalogue does not say.
    async fn icon_url(&self, ctx: &Context<'_>) -> Option<Result<Url, Error>> {
        self.entry(ctx, |entry| entry.icon_url.clone()).await
    }

    /// The name of its sign in WordPress.com's icon font. Null without a WordPress.com token, and where its catalogue
    /// does not say.
    async fn genericon(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        self.entry(ctx, |entry| entry.genericon.clone()).await
    }

    /// Where the person's own browser connects it. It carries a one-time mark: do not store or share it. Null without a
    /// WordPress.com token, and where its catalogue gives no such place.
    async fn connect_url(&self, ctx: &Context<'_>) -> Option<Result<Url, Error>> {
        match self.entry(ctx, |entry| entry.connect_url.clone()).await? {
            Ok(OneTimeLink::Known(url)) => Some(Ok(url)),
            Ok(OneTimeLink::Redacted(slug)) => {
                let renewed = ctx.loaders().wordpress.reads.renewed_service(&slug).await;
                pick_from(renewed, |entry| entry.connect_url.as_ref()?.known().cloned())
            }
            Err(error) => Some(Err(error)),
        }
    }

    /// Whether one person can connect several accounts. Null without a WordPress.com token, and where its catalogue
    /// does not say.
    async fn supports_multiple_accounts(&self, ctx: &Context<'_>) -> Option<Result<bool, Error>> {
        self.entry(ctx, |entry| entry.supports_multiple_accounts).await
    }

    /// Whether only additional accounts (pages, channels), not the person's own, can be used. Null without a
    /// WordPress.com token, and where its catalogue does not say.
    async fn additional_accounts_only(&self, ctx: &Context<'_>) -> Option<Result<bool, Error>> {
        self.entry(ctx, |entry| entry.additional_accounts_only).await
    }

    /// `publicize` if posts can be shared to it, else `other`. Null without a WordPress.com token, and where its
    /// catalogue does not say.
    #[graphql(name = "type")]
    async fn kind(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        self.entry(ctx, |entry| entry.kind.clone()).await
    }

    /// WordPress.com's word on it, such as `unsupported`. Mostly null.
    async fn status(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        self.entry(ctx, |entry| entry.status.clone()).await
    }

    /// Whether it works on sites of one's own with Jetpack. Null without a WordPress.com token, and where its catalogue
    /// does not say.
    async fn jetpack_support(&self, ctx: &Context<'_>) -> Option<Result<bool, Error>> {
        self.entry(ctx, |entry| entry.jetpack_support).await
    }

    /// The Jetpack module it needs. Null without a WordPress.com token, and where its catalogue does not say.
    async fn jetpack_module(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        self.entry(ctx, |entry| entry.jetpack_module.clone()).await
    }
}

impl Service {
    /// Picks from the catalogue's entry, reading it if it is not at hand, by every slug that WordPress.com has for the
    /// service. Only the catalogue knows what it holds: the table of names is no ground for not asking.
    async fn entry<T>(
        &self,
        ctx: &Context<'_>,
        pick: impl FnOnce(&ServiceEntry) -> Option<T>,
    ) -> Option<Result<T, Error>> {
        if let Some(entry) = &self.entry {
            return pick(entry).map(Ok);
        }
        let wordpress = &ctx.loaders().wordpress;
        if !wordpress.reads.is_asked() {
            return None;
        }
        let spellings = catalogue::known_service(&self.key).map_or(&[][..], |name| name.wordpress);
        let others = spellings.iter().copied().filter(|slug| *slug != self.slug);
        for slug in std::iter::once(self.slug.as_str()).chain(others) {
            match wordpress.find(ServiceSlug(slug.to_owned())).await {
                Ok(Some(entry)) => return pick(&entry).map(Ok),
                Ok(None) => {}
                Err(error) => return Some(Err(error.into())),
            }
        }
        None
    }
}

/// A site at WordPress.com.
///
/// Its name, description, address and icon are null if WordPress.com does not show the person this site.
#[Object(name = "Site")]
impl Site {
    /// Names this site in the graph.
    pub async fn id(&self) -> ID {
        GlobalId::Site(self.key).into()
    }

    /// WordPress.com's number for it.
    async fn site_id(&self) -> ID {
        ID(self.key.to_string())
    }

    /// Its name. Null if it has none.
    async fn name(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        self.pick(ctx, |site| site.name.clone()).await
    }

    /// Its tagline. Null for a site without one.
    async fn description(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        self.pick(ctx, |site| site.description.clone()).await
    }

    /// Its address. Null if WordPress.com gives none.
    async fn url(&self, ctx: &Context<'_>) -> Option<Result<Url, Error>> {
        self.pick(ctx, |site| site.url.clone()).await
    }

    /// Its icon. Null for a site without one.
    async fn icon_url(&self, ctx: &Context<'_>) -> Option<Result<Url, Error>> {
        self.pick(ctx, |site| site.icon_url.clone()).await
    }

    /// Whether the person may edit what others wrote on it. Such a person, an editor say, may also share a Publicize
    /// connection with the site's other authors and remove theirs. Null if WordPress.com does not say.
    async fn can_edit_others_posts(&self, ctx: &Context<'_>) -> Option<Result<bool, Error>> {
        self.pick(ctx, |site| site.can_edit_others_posts).await
    }

    /// The Publicize connections in use on it, its other authors' shared ones among them. Empty for none; null, with an
    /// error, if WordPress.com does not show them.
    async fn publicize_connections(&self, ctx: &Context<'_>) -> Option<Result<Vec<Arc<Connection>>, Error>> {
        let list = ctx.loaders().wordpress.reads.publicize_connections(Some(self.key)).await;
        Some(rows(ctx, Provider::WordPress, list))
    }
}

impl Site {
    /// Picks a field that is at hand, or reads the site.
    async fn pick<T>(&self, ctx: &Context<'_>, pick: impl Fn(&Site) -> Option<T>) -> Option<Result<T, Error>> {
        if let Some(value) = pick(self) {
            return Some(Ok(value));
        }
        if self.complete {
            return None;
        }
        pick_from(ctx.loaders().wordpress.find(self.key).await, pick)
    }
}

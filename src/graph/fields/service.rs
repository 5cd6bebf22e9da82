//! Fields of a service.
//!
//! Records that refer to a service contain only its key. The other fields are in WordPress.com's catalogue of services,
//! which is read once for all services, and only when such a field is selected.

use async_graphql::{ComplexObject, Context, ID};

use super::resolve::map_field;
use crate::graph::context::ContextExt;
use crate::graph::error::Error;
use crate::graph::id::GlobalId;
use crate::graph::pagination::lists;
use crate::graph::pagination::page::{Page, PageArguments};
use crate::model::{Connection, Identity, OneTimeLink, Provider, Service, ServiceEntry, Url, catalogue};
use crate::provider::wordpress::ServiceSlug;

#[ComplexObject]
impl Service {
    /// The global ID of the service.
    pub(crate) async fn id(&self) -> ID {
        GlobalId::Service(self.key.clone()).into()
    }

    /// The name of the service, the same for both providers. A provider's own name is in `Connection.label`. Null when no
    /// name is known.
    async fn label(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        let known = catalogue::known_service(&self.key).map(|service| service.label.to_owned());
        match known.or_else(|| self.label.clone()) {
            Some(label) => Some(Ok(label)),
            None => self.entry(ctx, |entry| entry.label.clone()).await,
        }
    }

    /// The providers that are known to support the service. Empty for a service that the gateway does not know yet.
    async fn providers(&self) -> Vec<Provider> {
        catalogue::known_service(&self.key).map_or_else(Vec::new, catalogue::KnownService::providers)
    }

    /// The viewer's WordPress.com connections to the service, newest first. Null with an error when they cannot be read, as
    /// without a token.
    ///
    /// OneAll cannot list sign-ins by service and is UNSUPPORTED_BY_PROVIDER in `incomplete`; see `identities`.
    async fn connections(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first _n_ elements from the list (0–100, default 20).")] first: Option<i32>,
        #[graphql(desc = "Returns the elements in the list that come after the specified cursor.")] after: Option<
            String,
        >,
    ) -> Option<Result<Page<Connection>, Error>> {
        let arguments = PageArguments::forward(first, after);
        Some(lists::connections_to_service(ctx, &self.key, arguments).await)
    }

    /// The viewer's accounts at the service, newest first: those of their Keyring connections and those of their OneAll
    /// user. Null with an error when neither can be read.
    ///
    /// OneAll cannot search the identities of a site by service; for a service caller it is UNSUPPORTED_BY_PROVIDER in
    /// `incomplete`.
    async fn identities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first _n_ elements from the list (0–100, default 20).")] first: Option<i32>,
        #[graphql(desc = "Returns the elements in the list that come after the specified cursor.")] after: Option<
            String,
        >,
    ) -> Option<Result<Page<Identity>, Error>> {
        let arguments = PageArguments::forward(first, after);
        Some(lists::identities_at_service(ctx, &self.key, arguments).await)
    }

    /// What a connection to the service does for a WordPress.com site. Null without a WordPress.com token and when its
    /// catalogue does not provide it.
    async fn description(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        self.entry(ctx, |entry| entry.description.clone()).await
    }

    /// The URL of the service's icon. Null without a WordPress.com token and when its
    /// catalogue does not provide it.
    async fn icon_url(&self, ctx: &Context<'_>) -> Option<Result<Url, Error>> {
        self.entry(ctx, |entry| entry.icon_url.clone()).await
    }

    /// The name of the service's icon in the Genericons font. Null without a WordPress.com token and when its
    /// catalogue does not provide it.
    async fn genericon(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        self.entry(ctx, |entry| entry.genericon.clone()).await
    }

    /// The URL at which the viewer connects the service in their browser. It contains a one-time nonce: do not store or
    /// share it. Null without a WordPress.com token and when its
    /// catalogue does not provide it.
    async fn connect_url(&self, ctx: &Context<'_>) -> Option<Result<Url, Error>> {
        match self.entry(ctx, |entry| entry.connect_url.clone()).await? {
            Ok(OneTimeLink::Known(url)) => Some(Ok(url)),
            Ok(OneTimeLink::Redacted(slug)) => {
                let renewed = ctx.loaders().wordpress.session.service_with_links(&slug).await;
                map_field(renewed, |entry| entry.connect_url.as_ref()?.known().cloned())
            }
            Err(error) => Some(Err(error)),
        }
    }

    /// Whether a person can connect several accounts of the service. Null without a WordPress.com token and when its
    /// catalogue does not provide it.
    async fn supports_multiple_accounts(&self, ctx: &Context<'_>) -> Option<Result<bool, Error>> {
        self.entry(ctx, |entry| entry.supports_multiple_accounts).await
    }

    /// Whether only additional accounts (pages, channels) can be connected, not the person's own. Null without a WordPress.com token and when its
    /// catalogue does not provide it.
    async fn additional_accounts_only(&self, ctx: &Context<'_>) -> Option<Result<bool, Error>> {
        self.entry(ctx, |entry| entry.additional_accounts_only).await
    }

    /// The kind of service: `publicize` when posts can be shared to it, otherwise `other`. Null without a WordPress.com token and when its
    /// catalogue does not provide it.
    #[graphql(name = "type")]
    async fn kind(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        self.entry(ctx, |entry| entry.kind.clone()).await
    }

    /// WordPress.com's status of the service, such as `unsupported`. Mostly null.
    async fn status(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        self.entry(ctx, |entry| entry.status.clone()).await
    }

    /// Whether the service works on self-hosted sites with Jetpack. Null without a WordPress.com token and when its
    /// catalogue does not provide it.
    async fn jetpack_support(&self, ctx: &Context<'_>) -> Option<Result<bool, Error>> {
        self.entry(ctx, |entry| entry.jetpack_support).await
    }

    /// The Jetpack module that the service requires. Null without a WordPress.com token and when its
    /// catalogue does not provide it.
    async fn jetpack_module(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        self.entry(ctx, |entry| entry.jetpack_module.clone()).await
    }
}

impl Service {
    /// A part of the service's catalogue entry, which is read unless it is already loaded.
    ///
    /// Every name that WordPress.com has used for the service is tried. Services that are not known to be in the catalogue
    /// are looked up too, because the catalogue changes.
    async fn entry<T>(
        &self,
        ctx: &Context<'_>,
        part: impl FnOnce(&ServiceEntry) -> Option<T>,
    ) -> Option<Result<T, Error>> {
        if let Some(entry) = &self.entry {
            return part(entry).map(Ok);
        }
        let wordpress = &ctx.loaders().wordpress;
        if !wordpress.session.has_token() {
            return None;
        }
        let slugs = catalogue::known_service(&self.key).map_or(&[][..], |service| service.wordpress);
        let others = slugs.iter().copied().filter(|slug| *slug != self.slug);
        for slug in std::iter::once(self.slug.as_str()).chain(others) {
            match wordpress.load(ServiceSlug(slug.to_owned())).await {
                Ok(Some(entry)) => return part(&entry).map(Ok),
                Ok(None) => {}
                Err(error) => return Some(Err(error.into())),
            }
        }
        None
    }
}

//! The fields of `Query`, a few lines each.

mod node;
mod provider_state;
mod viewer;

pub(super) use self::node::load_exact_connection;
pub(super) use self::viewer::Viewer;

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use self::node::{Node, NodeResult, load_application, load_connection, load_identity, load_node};
use self::provider_state::{ProviderState, provider_states};
use super::context::ContextExt;
use super::error::Error;
use super::fields::resolve::into_field;
use super::lookup::{
    ApplicationBy, ConnectionBy, IdentityBy, IdentityLookup, application_key, connection_key, identity_lookup,
};
use super::matching;
use super::pagination::filter::{ApplicationFilter, ConnectionFilter, IdentityFilter, ServiceFilter};
use super::pagination::lists;
use super::pagination::order::{ApplicationOrder, ConnectionOrder, IdentityOrder};
use super::pagination::page::{Page, PageArguments};
use super::rate_limit::RateLimit;
use crate::model::{Application, Connection, Identity, Service};

/// The query root.
pub(crate) struct Query;

/// The query root.
///
/// A field that fails is null, and `errors` has an error with its path and an `ErrorCode` in `extensions.code`. Fields next
/// to it are not affected. A null that a description explains comes without an error unless it says "with an error".
#[allow(clippy::too_many_arguments, reason = "a resolver has the arguments of its field")]
#[Object]
impl Query {
    /// Returns the object with this ID. Null when it does not exist or the caller may not see it.
    ///
    /// Example: `{ node(id: "c2VydmljZTpnb29nbGU") { ... on Service { label } } }`
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ID of the object.")] id: ID,
    ) -> Option<Result<Node, Error>> {
        load_node(ctx.loaders(), &id).await
    }

    /// Returns the objects with these IDs, in the same order. An entry is null when the object does not exist or the caller
    /// may not see it.
    ///
    /// Example: `{ nodes(ids: ["c2VydmljZTpnb29nbGU", "c2l0ZTo3MDAx"]) { id } }`
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The IDs of the objects. At most 100; a longer list fails the whole request.")] ids: Vec<ID>,
    ) -> Result<Vec<NodeResult>, Error> {
        lists::check_length("ids", ids.len())?;
        let loaders = ctx.loaders();
        Ok(futures_util::future::join_all(ids.iter().map(|id| load_node(loaders, id))).await)
    }

    /// The person whose credentials the request carries. Null without a WordPress.com token or a JWT that names a OneAll
    /// user.
    ///
    /// Example: `{ viewer { wordpressUser { displayName } connections { nodes { label } } } }`
    async fn viewer(&self, ctx: &Context<'_>) -> Option<Viewer> {
        Viewer::from_loaders(ctx.loaders())
    }

    /// Returns a connection. Null when it does not exist or the caller may not see it.
    ///
    /// Example: `{ connection(by: {keyringConnectionId: 51001}) { label health { state } } }`
    async fn connection(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifies the connection.")] by: ConnectionBy,
    ) -> Option<Result<Arc<Connection>, Error>> {
        let key = match connection_key(&by) {
            Ok(key) => key,
            Err(error) => return Some(Err(error)),
        };
        match by {
            ConnectionBy::KeyringConnectionId(_) => into_field(load_connection(ctx.loaders(), key).await),
            _ => into_field(load_exact_connection(ctx.loaders(), key).await),
        }
    }

    /// The connections that the caller may list, newest first: the viewer's own at WordPress.com and, for a service with the
    /// scope, the sign-ins of the OneAll site. Null with an error when neither can be read.
    ///
    /// A person may not list the OneAll site; it is then FORBIDDEN in `incomplete`. Use `viewer` for one person's accounts.
    /// Filters and orders that OneAll does not support make it UNSUPPORTED_BY_PROVIDER in `incomplete`.
    ///
    /// Example: `{ connections(first: 10, filter: {provider: [WORDPRESS], needsAttention: true}) { nodes { label } incomplete
    /// { code } } }`
    async fn connections(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first _n_ elements from the list (0–100, default 20).")] first: Option<i32>,
        #[graphql(desc = "Returns the elements in the list that come after the specified cursor.")] after: Option<
            String,
        >,
        #[graphql(desc = "Returns the last _n_ elements from the list (0–100).")] last: Option<i32>,
        #[graphql(desc = "Returns the elements in the list that come before the specified cursor.")] before: Option<
            String,
        >,
        #[graphql(desc = "Filtering options for connections returned from the list.")] filter: Option<ConnectionFilter>,
        #[graphql(desc = "Ordering options for connections returned from the list (default: newest first).")] order_by: Option<ConnectionOrder>,
    ) -> Option<Result<Page<Connection>, Error>> {
        Some(lists::connections(ctx, PageArguments { first, after, last, before }, filter, order_by).await)
    }

    /// Returns an application. Null when it does not exist or the caller may not see it.
    ///
    /// Example: `{ application(by: {connectedApplicationId: 8367271}) { name permissions { name } } }`
    async fn application(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifies the application.")] by: ApplicationBy,
    ) -> Option<Result<Arc<Application>, Error>> {
        match application_key(&by) {
            Ok(key) => into_field(load_application(ctx.loaders(), key).await),
            Err(error) => Some(Err(error)),
        }
    }

    /// The applications that the viewer has authorized at WordPress.com, newest first. Null with an error when the list
    /// cannot be read, as without a token.
    ///
    /// OneAll cannot list the plugins of a site; see `Connection.application`. When `filter.provider` contains ONEALL, it is
    /// UNSUPPORTED_BY_PROVIDER in `incomplete`.
    ///
    /// Example: `{ applications(filter: {canWrite: true}) { nodes { name authorizedAt } } }`
    async fn applications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first _n_ elements from the list (0–100, default 20).")] first: Option<i32>,
        #[graphql(desc = "Returns the elements in the list that come after the specified cursor.")] after: Option<
            String,
        >,
        #[graphql(desc = "Returns the last _n_ elements from the list (0–100).")] last: Option<i32>,
        #[graphql(desc = "Returns the elements in the list that come before the specified cursor.")] before: Option<
            String,
        >,
        #[graphql(desc = "Filtering options for applications returned from the list.")] filter: Option<
            ApplicationFilter,
        >,
        #[graphql(desc = "Ordering options for applications returned from the list (default: newest first).")] order_by: Option<ApplicationOrder>,
    ) -> Option<Result<Page<Application>, Error>> {
        Some(lists::applications(ctx, PageArguments { first, after, last, before }, filter, order_by).await)
    }

    /// Returns an identity. Null when it does not exist or the caller may not see it.
    ///
    /// Example: `{ identity(by: {account: {service: "twitter", subject: "300400500"}}) { displayName } }`
    async fn identity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifies the identity.")] by: IdentityBy,
    ) -> Option<Result<Arc<Identity>, Error>> {
        match identity_lookup(by) {
            Ok(IdentityLookup::Key(key)) => into_field(load_identity(ctx.loaders(), key).await),
            Ok(IdentityLookup::Account { service, subject }) => matching::find_account(ctx, &service, &subject).await,
            Err(error) => Some(Err(error)),
        }
    }

    /// The identities that the caller may list, newest first: those of the viewer's Keyring connections and, for a service
    /// with the scope, those of the OneAll site. Null with an error when neither can be read.
    ///
    /// WordPress.com's identities have no date and come last. A caller without the scope gets FORBIDDEN for OneAll in
    /// `incomplete`. A service filter, or an order other than CREATED_AT, makes OneAll UNSUPPORTED_BY_PROVIDER there.
    ///
    /// Example: `{ identities(filter: {service: ["google"]}) { nodes { displayName provider } incomplete { provider code } }
    /// }`
    async fn identities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first _n_ elements from the list (0–100, default 20).")] first: Option<i32>,
        #[graphql(desc = "Returns the elements in the list that come after the specified cursor.")] after: Option<
            String,
        >,
        #[graphql(desc = "Returns the last _n_ elements from the list (0–100).")] last: Option<i32>,
        #[graphql(desc = "Returns the elements in the list that come before the specified cursor.")] before: Option<
            String,
        >,
        #[graphql(desc = "Filtering options for identities returned from the list.")] filter: Option<IdentityFilter>,
        #[graphql(desc = "Ordering options for identities returned from the list (default: newest first).")]
        order_by: Option<IdentityOrder>,
    ) -> Option<Result<Page<Identity>, Error>> {
        Some(lists::identities(ctx, PageArguments { first, after, last, before }, filter, order_by).await)
    }

    /// Returns a service. Null when neither provider knows it.
    ///
    /// Example: `{ service(key: "google") { label connectUrl } }`
    async fn service(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key of the service, or a provider's name for it, such as `google_plus`.")] key: String,
    ) -> Option<Result<Arc<Service>, Error>> {
        into_field(lists::load_service(ctx.loaders(), &key).await)
    }

    /// The services that the providers support, ordered by key. Null with an error only when no list can be read.
    ///
    /// Example: `{ services(first: 50) { nodes { key label providers } } }`
    async fn services(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first _n_ elements from the list (0–100, default 20).")] first: Option<i32>,
        #[graphql(desc = "Returns the elements in the list that come after the specified cursor.")] after: Option<
            String,
        >,
        #[graphql(desc = "Returns the last _n_ elements from the list (0–100).")] last: Option<i32>,
        #[graphql(desc = "Returns the elements in the list that come before the specified cursor.")] before: Option<
            String,
        >,
        #[graphql(desc = "Filtering options for services returned from the list.")] filter: Option<ServiceFilter>,
    ) -> Option<Result<Page<Service>, Error>> {
        Some(lists::services(ctx, PageArguments { first, after, last, before }, filter).await)
    }

    /// The caller's rate limit, counted in calls to the providers. Null when no rate limit applies. Costs no call.
    ///
    /// Example: `{ rateLimit { remaining resetAt } }`
    async fn rate_limit(&self, ctx: &Context<'_>) -> Option<RateLimit> {
        ctx.rate_limit()
    }

    /// The providers, and whether this request can reach them. Costs no call.
    ///
    /// Example: `{ providers { provider authorized detail } }`
    async fn providers(&self, ctx: &Context<'_>) -> Vec<ProviderState> {
        provider_states(ctx.loaders())
    }
}

//! The entry points, a few lines each.

use std::sync::Arc;

use async_graphql::{Context, ID, Interface, Object, SimpleObject};

use super::ContextExt;
use super::by::{
    ApplicationBy, ConnectionBy, IdentityBy, IdentityWanted, application_key, connection_key, identity_wanted,
};
use super::circuit::CircuitState;
use super::edge::settle;
use super::error::Error;
use super::filter::{ApplicationFilter, ConnectionFilter, IdentityFilter, ServiceFilter};
use super::id::GlobalId;
use super::lists;
use super::matching;
use super::order::{ApplicationOrder, ConnectionOrder, IdentityOrder};
use super::page::{Arguments, Page};
use super::terms::RateLimit;
use crate::loader::Loaders;
use crate::model::{
    Application, ApplicationKey, Connection, ConnectionKey, Identity, IdentityKey, OneAllUser, Provider, Service, Site,
    WordPressUser,
};
use crate::provider::Answer;
use crate::provider::oneall::mapping::known_plugin;

/// Anything that has an ID of its own and can be read again by it.
///
/// Two fields are not of one type in all of these: `providerId` can be null on an Identity alone, and `name` is a PersonName
/// there and a text elsewhere. One selection that asks several kinds for such a field gives it an alias on the Identity:
/// `... on Connection { providerId } ... on Identity { identityToken: providerId }`.
#[derive(Interface, Debug)]
#[graphql(field(name = "id", ty = "ID", desc = "Names this thing in the graph."))]
pub enum Node {
    /// A connection.
    Connection(Arc<Connection>),
    /// An application.
    Application(Arc<Application>),
    /// An identity.
    Identity(Arc<Identity>),
    /// A service.
    Service(Arc<Service>),
    /// A site.
    Site(Arc<Site>),
}

/// What an ID led to: a thing, nothing, or why not.
type FoundNode = Option<Result<Node, Error>>;

/// Whose own a request asks for, at each provider.
#[derive(SimpleObject, Debug)]
#[graphql(complex)]
pub struct Viewer {
    /// The person's user at OneAll, as their JWT names it. Null if it names none, and for a service.
    #[graphql(name = "oneallUser")]
    oneall_user: Option<OneAllUser>,
}

/// What the gateway can reach for a caller.
#[derive(SimpleObject, Debug)]
pub struct ProviderState {
    /// The provider.
    provider: Provider,
    /// Whether the gateway has access to it.
    configured: bool,
    /// Whether this request may read anything there.
    authorized: bool,
    /// Whether it is called at the moment: the gateway leaves a provider in trouble alone for a while.
    circuit: CircuitState,
    /// What to do if not. Null if nothing needs doing.
    detail: Option<String>,
}

/// The entry points of the graph.
pub struct Query;

/// Where every question begins: with whose own it asks for, with what it may list, or with one thing by its ID.
///
/// A field that fails is null, with an error under its path whose `extensions.code` is an `ErrorCode`; what stands beside it
/// stays. Where a description says when a field is null, that is without an error, unless it says so.
#[allow(clippy::too_many_arguments, reason = "a resolver has its field's arguments, one each")]
#[Object]
impl Query {
    /// Anything by its ID: `{ node(id: "c2VydmljZTpnb29nbGU") { ... on Service { label } } }`. Null if there is no such thing,
    /// or not for this caller.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The `id` of an earlier answer.")] id: ID,
    ) -> Option<Result<Node, Error>> {
        find_node(ctx.loaders(), &id).await
    }

    /// Several things by their IDs, in the order asked for: `{ nodes(ids: ["c2VydmljZTpnb29nbGU", "c2l0ZTo3MDAx"]) { id
    /// } }`. An entry is null where there is no such thing, or not for this caller. More than 100 IDs make the whole
    /// request a wrong one.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The `id`s of earlier answers; at most 100.")] ids: Vec<ID>,
    ) -> Result<Vec<FoundNode>, Error> {
        lists::check_length("ids", ids.len())?;
        let loaders = ctx.loaders();
        Ok(futures_util::future::join_all(ids.iter().map(|id| find_node(loaders, id))).await)
    }

    /// Whose own this request asks for, at each provider: `{ viewer { wordpressUser { displayName } connections { nodes
    /// { label } } } }`. Null if it shows neither a WordPress.com token nor a JWT that names a OneAll user.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<Viewer> {
        whom(ctx.loaders())
    }

    /// A connection: `{ connection(by: {keyringConnectionId: 51001}) { label health { state } } }`. Null if there is none, or not
    /// for this caller.
    async fn connection(&self, ctx: &Context<'_>, by: ConnectionBy) -> Option<Result<Arc<Connection>, Error>> {
        let wanted = match connection_key(&by) {
            Ok(wanted) => wanted,
            Err(error) => return Some(Err(error)),
        };
        match by {
            ConnectionBy::KeyringConnectionId(_) => settle(find_connection(ctx.loaders(), wanted).await),
            _ => settle(named_connection(ctx.loaders(), wanted).await),
        }
    }

    /// Every connection this request may list, newest first: the person's own at WordPress.com, and, for a service that
    /// may list the OneAll site, its sign-ins. A person may not: that side is then FORBIDDEN in `incomplete`. For one
    /// person's accounts, `viewer` is the place. A filter or an order that OneAll's list knows nothing of leaves
    /// OneAll's side out, UNSUPPORTED_BY_PROVIDER in `incomplete`. Null, with an error, if no provider's part can be
    /// had.
    ///
    /// What broke last: `{ connections(first: 10, filter: {provider: [WORDPRESS], needsAttention: true}) { nodes {
    /// label } incomplete { code } } }`.
    async fn connections(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many rows from the start: 0 to 100, 20 if not said.")] first: Option<i32>,
        #[graphql(desc = "Begin behind this row.")] after: Option<String>,
        #[graphql(desc = "How many rows from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this row.")] before: Option<String>,
        #[graphql(desc = "Only rows that fit all of this.")] filter: Option<ConnectionFilter>,
        #[graphql(desc = "In which order; newest first if not said.")] order_by: Option<ConnectionOrder>,
    ) -> Option<Result<Page<Connection>, Error>> {
        Some(lists::connections(ctx, Arguments { first, after, last, before }, filter, order_by).await)
    }

    /// An application: `{ application(by: {connectedApplicationId: 8367271}) { name permissions { name } } }`. Null if
    /// there is none, or not for this caller.
    async fn application(&self, ctx: &Context<'_>, by: ApplicationBy) -> Option<Result<Arc<Application>, Error>> {
        match application_key(&by) {
            Ok(key) => settle(find_application(ctx.loaders(), key).await),
            Err(error) => Some(Err(error)),
        }
    }

    /// The applications the person gave access to at WordPress.com, newest first, all of them. OneAll's are never among
    /// them: it cannot list the plugins of a site, and its side is UNSUPPORTED_BY_PROVIDER in `incomplete` and in
    /// `errors` if `filter.provider` names it; a plugin is reached through the sign-in that it made, by
    /// `Connection.application`. Null, with an error, if no provider's part can be had, as without a token.
    ///
    /// Those that may write: `{ applications(filter: {canWrite: true}) { nodes { name authorizedAt } } }`.
    async fn applications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many rows from the start: 0 to 100, 20 if not said.")] first: Option<i32>,
        #[graphql(desc = "Begin behind this row.")] after: Option<String>,
        #[graphql(desc = "How many rows from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this row.")] before: Option<String>,
        #[graphql(desc = "Only rows that fit all of this.")] filter: Option<ApplicationFilter>,
        #[graphql(desc = "In which order; newest first if not said.")] order_by: Option<ApplicationOrder>,
    ) -> Option<Result<Page<Application>, Error>> {
        Some(lists::applications(ctx, Arguments { first, after, last, before }, filter, order_by).await)
    }

    /// An identity: `{ identity(by: {account: {service: "twitter", subject: "300400500"}}) { displayName } }`. Null if
    /// there is none, or not for this caller.
    async fn identity(&self, ctx: &Context<'_>, by: IdentityBy) -> Option<Result<Arc<Identity>, Error>> {
        match identity_wanted(by) {
            Ok(IdentityWanted::Key(key)) => settle(find_identity(ctx.loaders(), key).await),
            Ok(IdentityWanted::Account { service, subject }) => matching::account(ctx, &service, &subject).await,
            Err(error) => Some(Err(error)),
        }
    }

    /// Every identity this request may list: those behind the person's Keyring connections at WordPress.com, and, for a
    /// service that may read the OneAll site's users, all of theirs; for another, that side is FORBIDDEN in `incomplete`.
    /// Newest first; WordPress.com's have no date and come last. A filter by service, or an order that is not by date,
    /// leaves OneAll's side out, UNSUPPORTED_BY_PROVIDER in `incomplete`. Null, with an error, if no provider's part can be had.
    ///
    /// `{ identities(filter: {service: ["google"]}) { nodes { displayName provider } incomplete { provider code } } }`
    async fn identities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many rows from the start: 0 to 100, 20 if not said.")] first: Option<i32>,
        #[graphql(desc = "Begin behind this row.")] after: Option<String>,
        #[graphql(desc = "How many rows from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this row.")] before: Option<String>,
        #[graphql(desc = "Only rows that fit all of this.")] filter: Option<IdentityFilter>,
        #[graphql(desc = "In which order; newest first if not said.")] order_by: Option<IdentityOrder>,
    ) -> Option<Result<Page<Identity>, Error>> {
        Some(lists::identities(ctx, Arguments { first, after, last, before }, filter, order_by).await)
    }

    /// A service by our key for it: `{ service(key: "google") { label connectUrl } }`. A provider's own spelling, such
    /// as `google_plus`, works too. Null if neither provider knows it.
    async fn service(&self, ctx: &Context<'_>, key: String) -> Option<Result<Arc<Service>, Error>> {
        settle(lists::service(ctx.loaders(), &key).await)
    }

    /// Every service that a provider works with, by key: `{ services(first: 50) { nodes { key label providers } } }`. Null, with
    /// an error, only if no provider's part can be had.
    async fn services(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many rows from the start: 0 to 100, 20 if not said.")] first: Option<i32>,
        #[graphql(desc = "Begin behind this row.")] after: Option<String>,
        #[graphql(desc = "How many rows from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this row.")] before: Option<String>,
        #[graphql(desc = "Only rows that fit all of this.")] filter: Option<ServiceFilter>,
    ) -> Option<Result<Page<Service>, Error>> {
        Some(lists::services(ctx, Arguments { first, after, last, before }, filter).await)
    }

    /// The caller's budget of calls to the providers, which is counted by the minute: `{ rateLimit { remaining resetAt } }`.
    /// Null where nobody counts. Costs no call.
    async fn rate_limit(&self, ctx: &Context<'_>) -> Option<RateLimit> {
        ctx.rate_limit()
    }

    /// What the gateway can reach for this request: `{ providers { provider authorized detail } }`. Costs no call.
    async fn providers(&self, ctx: &Context<'_>) -> Vec<ProviderState> {
        let loaders = ctx.loaders();
        let token = loaders.wordpress.reads.is_authorized();
        let (site, authorized) = (loaders.oneall.reads.is_configured(), loaders.oneall.reads.is_authorized());
        let told = |denied: Option<crate::provider::Error>| denied.map(|error| Error::from(error).message);
        let at_oneall = match (site, authorized) {
            (false, _) => Some("Set oneall.subdomain, oneall.public_key and oneall.private_key.".to_owned()),
            (true, false) => {
                told(loaders.oneall.reads.denied()).or(Some("The JWT names no user at OneAll.".to_owned()))
            }
            (true, true) => None,
        };
        vec![
            ProviderState {
                provider: Provider::WordPress,
                configured: true,
                authorized: token,
                circuit: loaders.wordpress.reads.circuit().into(),
                detail: told(loaders.wordpress.reads.denied()),
            },
            ProviderState {
                provider: Provider::OneAll,
                configured: site,
                authorized,
                circuit: loaders.oneall.reads.circuit().into(),
                detail: at_oneall,
            },
        ]
    }
}

#[async_graphql::ComplexObject]
impl Viewer {
    /// The owner of the WordPress.com token. Null if none was sent.
    async fn wordpress_user(&self, ctx: &Context<'_>) -> Option<Result<Arc<WordPressUser>, Error>> {
        let reads = &ctx.loaders().wordpress.reads;
        if !reads.is_asked() {
            return None;
        }
        Some(reads.me().await.map_err(Error::from))
    }

    /// How many of the person's connections at WordPress.com a person has to do something about. Null without a token.
    async fn needs_attention_count(&self, ctx: &Context<'_>) -> Option<Result<i32, Error>> {
        if !ctx.loaders().wordpress.reads.is_asked() {
            return None;
        }
        Some(lists::count_needing_attention(ctx.loaders()).await)
    }

    /// The person's connections at WordPress.com, newest first; any filter and order holds for all of them. OneAll
    /// cannot list the sign-ins of one user; what they led to is in `oneallUser.identities`. Null, with an error, if
    /// WordPress.com's part cannot be had.
    async fn connections(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many rows from the start: 0 to 100, 20 if not said.")] first: Option<i32>,
        #[graphql(desc = "Begin behind this row.")] after: Option<String>,
        #[graphql(desc = "Only rows that fit all of this.")] filter: Option<ConnectionFilter>,
        #[graphql(desc = "In which order; newest first if not said.")] order_by: Option<ConnectionOrder>,
    ) -> Option<Result<Page<Connection>, Error>> {
        let arguments = Arguments::forward(first, after);
        Some(lists::own_connections(ctx, arguments, filter, order_by).await)
    }

    /// The applications the person gave access to at WordPress.com, newest first, as in `Query.applications`. Null, with an error,
    /// if no part of it can be had.
    async fn applications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many rows from the start: 0 to 100, 20 if not said.")] first: Option<i32>,
        #[graphql(desc = "Begin behind this row.")] after: Option<String>,
        #[graphql(desc = "Only rows that fit all of this.")] filter: Option<ApplicationFilter>,
        #[graphql(desc = "In which order; newest first if not said.")] order_by: Option<ApplicationOrder>,
    ) -> Option<Result<Page<Application>, Error>> {
        Some(lists::applications(ctx, Arguments::forward(first, after), filter, order_by).await)
    }

    /// The person's identities: those behind their Keyring connections and those of their OneAll user. Null, with an error, if
    /// neither part can be had.
    async fn identities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many rows from the start: 0 to 100, 20 if not said.")] first: Option<i32>,
        #[graphql(desc = "Begin behind this row.")] after: Option<String>,
        #[graphql(desc = "Only rows that fit all of this.")] filter: Option<IdentityFilter>,
        #[graphql(desc = "In which order; newest first if not said.")] order_by: Option<IdentityOrder>,
    ) -> Option<Result<Page<Identity>, Error>> {
        Some(lists::own_identities(ctx, Arguments::forward(first, after), filter, order_by).await)
    }
}

/// Whose own a request asks for, if it shows of anybody who they are.
pub(super) fn whom(loaders: &Loaders) -> Option<Viewer> {
    let oneall_user = loaders.oneall.reads.user().map(OneAllUser::from_token);
    (loaders.wordpress.reads.is_asked() || oneall_user.is_some()).then_some(Viewer { oneall_user })
}

async fn find_connection(loaders: &Loaders, key: ConnectionKey) -> Answer<Connection> {
    match key {
        ConnectionKey::Keyring(id) => loaders.wordpress.find(id).await,
        ConnectionKey::Publicize(id) => loaders.wordpress.find(id).await,
        ConnectionKey::SignIn(token) => loaders.oneall.find(token).await,
    }
}

/// The connection with this key, and no other that a provider gives under it.
pub(super) async fn named_connection(loaders: &Loaders, key: ConnectionKey) -> Answer<Connection> {
    let found = find_connection(loaders, key.clone()).await?;
    Ok(found.filter(|found| found.key == key))
}

async fn find_application(loaders: &Loaders, key: ApplicationKey) -> Answer<Application> {
    match key {
        ApplicationKey::Connected(id) => loaders.wordpress.find(id).await,
        ApplicationKey::Plugin(key) => Ok(known_plugin(&key).map(Arc::new)),
    }
}

/// An identity without a key of its own is reached through the connection it belongs to.
async fn find_identity(loaders: &Loaders, key: IdentityKey) -> Answer<Identity> {
    let connection = match &key {
        IdentityKey::Token(token) => return loaders.oneall.find(token.clone()).await,
        IdentityKey::External(connection) => connection.clone(),
        IdentityKey::Encrypted(token) => ConnectionKey::SignIn(token.clone()),
    };
    let found = find_connection(loaders, connection).await?;
    Ok(found.and_then(|found| found.identity.clone()).filter(|identity| identity.key == key))
}

/// What a global ID names, if it is there.
async fn find_node(loaders: &Loaders, id: &ID) -> FoundNode {
    let wanted = match GlobalId::from_client(id) {
        Ok(wanted) => wanted,
        Err(error) => return Some(Err(error)),
    };
    let found = match wanted {
        GlobalId::Connection(key) => named_connection(loaders, key).await.map(|found| found.map(Node::Connection)),
        GlobalId::Application(key) => find_application(loaders, key).await.map(|found| found.map(Node::Application)),
        GlobalId::Identity(key) => find_identity(loaders, key).await.map(|found| found.map(Node::Identity)),
        GlobalId::Service(key) => lists::service(loaders, &key).await.map(|found| found.map(Node::Service)),
        GlobalId::Site(key) => find_site(loaders, key).await.map(|found| found.map(Node::Site)),
    };
    found.map_err(Error::from).transpose()
}

/// A site is shown only if WordPress.com shows it to the person.
async fn find_site(loaders: &Loaders, key: crate::model::SiteId) -> Answer<Site> {
    let found = loaders.wordpress.find(key).await?;
    Ok(found.map(|found| if found.complete { found } else { Arc::new(Site::from_id(key)) }))
}

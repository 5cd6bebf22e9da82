//! Objects by key or by global ID.

use std::sync::Arc;

use async_graphql::{ID, Interface};

use crate::graph::error::Error;
use crate::graph::id::GlobalId;
use crate::graph::pagination::lists;
use crate::loader::Loaders;
use crate::model::{
    Application, ApplicationKey, Connection, ConnectionKey, Identity, IdentityKey, Service, Site, SiteId,
};
use crate::provider::EntityResult;
use crate::provider::oneall::mapping::known_plugin;

/// An object with an ID.
///
/// Two fields do not have the same type in all implementations: `providerId` is nullable on Identity only, and `name` is a
/// PersonName there. Use an alias to select them on several types: `... on Identity { identityToken: providerId }`.
#[derive(Interface, Debug)]
#[graphql(field(name = "id", ty = "ID", desc = "The global ID of the object."))]
pub(crate) enum Node {
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

/// The value of a `node` field: the object, `None` when there is no such object, or an error.
pub(super) type NodeResult = Option<Result<Node, Error>>;

/// Loads the object with this global ID.
pub(super) async fn load_node(loaders: &Loaders, id: &ID) -> NodeResult {
    let id = match GlobalId::from_client(id) {
        Ok(id) => id,
        Err(error) => return Some(Err(error)),
    };
    let node = match id {
        GlobalId::Connection(key) => load_exact_connection(loaders, key).await.map(|found| found.map(Node::Connection)),
        GlobalId::Application(key) => load_application(loaders, key).await.map(|found| found.map(Node::Application)),
        GlobalId::Identity(key) => load_identity(loaders, key).await.map(|found| found.map(Node::Identity)),
        GlobalId::Service(key) => lists::load_service(loaders, &key).await.map(|found| found.map(Node::Service)),
        GlobalId::Site(key) => load_site(loaders, key).await.map(|found| found.map(Node::Site)),
    };
    node.map_err(Error::from).transpose()
}

/// Loads the connection that the provider returns for this key.
pub(super) async fn load_connection(loaders: &Loaders, key: ConnectionKey) -> EntityResult<Connection> {
    match key {
        ConnectionKey::Keyring(id) => loaders.wordpress.load(id).await,
        ConnectionKey::Publicize(id) => loaders.wordpress.load(id).await,
        ConnectionKey::SignIn(token) => loaders.oneall.load(token).await,
    }
}

/// Loads the connection with exactly this key. A provider may return another connection under a key; that one is ignored.
pub(in crate::graph) async fn load_exact_connection(loaders: &Loaders, key: ConnectionKey) -> EntityResult<Connection> {
    let found = load_connection(loaders, key.clone()).await?;
    Ok(found.filter(|found| found.key == key))
}

/// Loads an application. OneAll plugins are known without a read.
pub(super) async fn load_application(loaders: &Loaders, key: ApplicationKey) -> EntityResult<Application> {
    match key {
        ApplicationKey::Connected(id) => loaders.wordpress.load(id).await,
        ApplicationKey::Plugin(key) => Ok(known_plugin(&key).map(Arc::new)),
    }
}

/// Loads an identity. An identity without a key of its own is read through its connection.
pub(super) async fn load_identity(loaders: &Loaders, key: IdentityKey) -> EntityResult<Identity> {
    let connection = match &key {
        IdentityKey::Token(token) => return loaders.oneall.load(token.clone()).await,
        IdentityKey::External(connection) => connection.clone(),
        IdentityKey::Encrypted(token) => ConnectionKey::SignIn(token.clone()),
    };
    let found = load_connection(loaders, connection).await?;
    Ok(found.and_then(|found| found.identity.clone()).filter(|identity| identity.key == key))
}

/// Loads a site. An incomplete site is replaced by its ID alone.
async fn load_site(loaders: &Loaders, key: SiteId) -> EntityResult<Site> {
    let found = loaders.wordpress.load(key).await?;
    Ok(found.map(|found| if found.complete { found } else { Arc::new(Site::from_id(key)) }))
}

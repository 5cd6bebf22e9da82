//! What mutations take and give: one input and one payload each.
//!
//! A payload's things are read when they are selected, after the change. A part that cannot be read is an error of that part:
//! the change is made all the same.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, ID, InputObject, SimpleObject};

use super::wish::UserError;
use crate::graph::ContextExt;
use crate::graph::edge::settle;
use crate::graph::error::Error;
use crate::graph::query::{Viewer, named_connection};
use crate::model::{Connection, ConnectionKey, Identity, IdentityToken, PublicizeId};

/// Which application is to lose its access.
#[derive(InputObject, Debug)]
pub struct ApplicationRevokeInput {
    /// The `id` of an Application at WordPress.com.
    pub id: ID,
}

/// What became of a revocation.
#[derive(SimpleObject, Debug)]
pub struct ApplicationRevokePayload {
    /// The `id` of the application that has no access any more. Null if `userErrors` says why it has.
    pub deleted_application_id: Option<ID>,
    /// Whose own this request asks for, as it is now. Null for whom the query's `viewer` is null.
    pub viewer: Option<Viewer>,
    /// What can be corrected; empty if it is done.
    pub user_errors: Vec<UserError>,
}

/// Which connection is to end.
#[derive(InputObject, Debug)]
pub struct ConnectionDisconnectInput {
    /// The `id` of a Keyring connection.
    pub id: ID,
}

/// What became of a disconnection.
#[derive(SimpleObject, Debug)]
#[graphql(complex)]
pub struct ConnectionDisconnectPayload {
    /// The `id` of the connection that is gone. Null if `userErrors` says why it is not.
    pub deleted_connection_id: Option<ID>,
    /// What stood on the connection before it was deleted, if that is selected.
    #[graphql(skip)]
    pub standing_on_it: Option<Result<Vec<ID>, Error>>,
    /// Whose own this request asks for, as it is now. Null for whom the query's `viewer` is null.
    pub viewer: Option<Viewer>,
    /// What can be corrected; empty if it is done.
    pub user_errors: Vec<UserError>,
}

/// Which Publicize connection is to be shared or not.
#[derive(InputObject, Debug)]
pub struct PublicizeConnectionShareInput {
    /// The `id` of a Publicize connection.
    pub id: ID,
    /// Whether every author of the site may use it.
    pub shared: bool,
}

/// What became of sharing a connection.
#[derive(SimpleObject, Debug)]
#[graphql(complex)]
pub struct PublicizeConnectionSharePayload {
    /// The connection, if it is done.
    #[graphql(skip)]
    pub key: Option<PublicizeId>,
    /// Whose own this request asks for, as it is now. Null for whom the query's `viewer` is null.
    pub viewer: Option<Viewer>,
    /// What can be corrected; empty if it is done.
    pub user_errors: Vec<UserError>,
}

/// Which identity is to be read afresh.
#[derive(InputObject, Debug)]
pub struct IdentitySynchronizeInput {
    /// The `id` of an Identity at OneAll.
    pub id: ID,
}

/// What became of a synchronization.
#[derive(SimpleObject, Debug)]
#[graphql(complex)]
pub struct IdentitySynchronizePayload {
    /// The identity, if it is done.
    #[graphql(skip)]
    pub key: Option<IdentityToken>,
    /// Whose own this request asks for, as it is now. Null for whom the query's `viewer` is null.
    pub viewer: Option<Viewer>,
    /// What can be corrected; empty if it is done.
    pub user_errors: Vec<UserError>,
}

/// Which identity is to move, and to whom.
#[derive(InputObject, Debug)]
pub struct IdentityRelinkInput {
    /// The `id` of an Identity at OneAll.
    pub id: ID,
    /// The `userToken` of the OneAll user it is to belong to.
    pub user_token: String,
}

/// What became of a relink.
#[derive(SimpleObject, Debug)]
#[graphql(complex)]
pub struct IdentityRelinkPayload {
    /// The identity, if it is done.
    #[graphql(skip)]
    pub key: Option<IdentityToken>,
    /// Whose own this request asks for, as it is now. Null for whom the query's `viewer` is null.
    pub viewer: Option<Viewer>,
    /// What can be corrected; empty if it is done.
    pub user_errors: Vec<UserError>,
}

/// Which identity is to be deleted.
#[derive(InputObject, Debug)]
pub struct IdentityDeleteInput {
    /// The `id` of an Identity at OneAll.
    pub id: ID,
    /// That it is meant: this cannot be taken back. Without it nothing is sent.
    #[graphql(default)]
    pub confirm: bool,
}

/// What became of a deletion.
#[derive(SimpleObject, Debug)]
pub struct IdentityDeletePayload {
    /// The `id` of the identity that is gone. Null if `userErrors` says why it is not.
    pub deleted_identity_id: Option<ID>,
    /// Whose own this request asks for, as it is now. Null for whom the query's `viewer` is null.
    pub viewer: Option<Viewer>,
    /// What can be corrected; empty if it is done.
    pub user_errors: Vec<UserError>,
}

#[ComplexObject]
impl ConnectionDisconnectPayload {
    /// The `id`s of the Publicize connections that went with it, as far as the person saw them: they are read just before it
    /// is deleted, and only if this is selected. Empty if it was gone already. Null if nothing was deleted or they could not
    /// be read, which is then an error here.
    async fn deleted_publicize_connection_ids(&self) -> Option<Result<&[ID], Error>> {
        let before = self.standing_on_it.as_ref()?;
        Some(before.as_deref().map_err(Clone::clone))
    }
}

#[ComplexObject]
impl PublicizeConnectionSharePayload {
    /// The connection as it is now. Null if it is not done, and if the person no longer sees it.
    async fn connection(&self, ctx: &Context<'_>) -> Option<Result<Arc<Connection>, Error>> {
        settle(named_connection(ctx.loaders(), ConnectionKey::Publicize(self.key?)).await)
    }
}

#[ComplexObject]
impl IdentitySynchronizePayload {
    /// The identity as it is now. Null if it is not done.
    async fn identity(&self, ctx: &Context<'_>) -> Option<Result<Arc<Identity>, Error>> {
        settle(ctx.loaders().oneall.find(self.key.clone()?).await)
    }
}

#[ComplexObject]
impl IdentityRelinkPayload {
    /// The identity as it is now, with its new user in `oneallUser`. Null if it is not done.
    async fn identity(&self, ctx: &Context<'_>) -> Option<Result<Arc<Identity>, Error>> {
        settle(ctx.loaders().oneall.find(self.key.clone()?).await)
    }
}

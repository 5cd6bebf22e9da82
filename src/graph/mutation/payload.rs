//! The input and the payload type of each mutation.
//!
//! Objects of a payload are read when they are selected, after the mutation. If such a read fails, only that field has an
//! error; the mutation has taken effect.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, ID, InputObject, SimpleObject};

use super::user_error::UserError;
use crate::graph::context::ContextExt;
use crate::graph::error::Error;
use crate::graph::fields::resolve::into_field;
use crate::graph::query::{Viewer, load_exact_connection};
use crate::model::{Connection, ConnectionKey, Identity, IdentityToken, PublicizeId};

/// The input of `applicationRevoke`.
#[derive(InputObject, Debug)]
pub(crate) struct ApplicationRevokeInput {
    /// The ID of a WordPress.com application.
    pub(crate) id: ID,
}

/// The payload of `applicationRevoke`.
#[derive(SimpleObject, Debug)]
pub(crate) struct ApplicationRevokePayload {
    /// The ID of the revoked application. Null when `userErrors` is not empty.
    pub(crate) deleted_application_id: Option<ID>,
    /// The viewer, read after the mutation. Null when `Query.viewer` is null.
    pub(crate) viewer: Option<Viewer>,
    /// The errors that the person can correct. Empty when the mutation succeeded.
    pub(crate) user_errors: Vec<UserError>,
}

/// The input of `connectionDisconnect`.
#[derive(InputObject, Debug)]
pub(crate) struct ConnectionDisconnectInput {
    /// The ID of a Keyring connection.
    pub(crate) id: ID,
}

/// The payload of `connectionDisconnect`.
#[derive(SimpleObject, Debug)]
#[graphql(complex)]
pub(crate) struct ConnectionDisconnectPayload {
    /// The ID of the deleted connection. Null when `userErrors` is not empty.
    pub(crate) deleted_connection_id: Option<ID>,
    /// The Publicize connections that used it, read before the deletion when the field is selected.
    #[graphql(skip)]
    pub(crate) publicize_connection_ids: Option<Result<Vec<ID>, Error>>,
    /// The viewer, read after the mutation. Null when `Query.viewer` is null.
    pub(crate) viewer: Option<Viewer>,
    /// The errors that the person can correct. Empty when the mutation succeeded.
    pub(crate) user_errors: Vec<UserError>,
}

/// The input of `publicizeConnectionShare`.
#[derive(InputObject, Debug)]
pub(crate) struct PublicizeConnectionShareInput {
    /// The ID of a Publicize connection.
    pub(crate) id: ID,
    /// Whether all authors of the site may use the connection.
    pub(crate) shared: bool,
}

/// The payload of `publicizeConnectionShare`.
#[derive(SimpleObject, Debug)]
#[graphql(complex)]
pub(crate) struct PublicizeConnectionSharePayload {
    /// The key of the connection when the mutation succeeded.
    #[graphql(skip)]
    pub(crate) key: Option<PublicizeId>,
    /// The viewer, read after the mutation. Null when `Query.viewer` is null.
    pub(crate) viewer: Option<Viewer>,
    /// The errors that the person can correct. Empty when the mutation succeeded.
    pub(crate) user_errors: Vec<UserError>,
}

/// The input of `identitySynchronize`.
#[derive(InputObject, Debug)]
pub(crate) struct IdentitySynchronizeInput {
    /// The ID of a OneAll identity.
    pub(crate) id: ID,
}

/// The payload of `identitySynchronize`.
#[derive(SimpleObject, Debug)]
#[graphql(complex)]
pub(crate) struct IdentitySynchronizePayload {
    /// The key of the identity when the mutation succeeded.
    #[graphql(skip)]
    pub(crate) key: Option<IdentityToken>,
    /// The viewer, read after the mutation. Null when `Query.viewer` is null.
    pub(crate) viewer: Option<Viewer>,
    /// The errors that the person can correct. Empty when the mutation succeeded.
    pub(crate) user_errors: Vec<UserError>,
}

/// The input of `identityRelink`.
#[derive(InputObject, Debug)]
pub(crate) struct IdentityRelinkInput {
    /// The ID of a OneAll identity.
    pub(crate) id: ID,
    /// The `userToken` of the OneAll user who becomes the owner.
    pub(crate) user_token: String,
}

/// The payload of `identityRelink`.
#[derive(SimpleObject, Debug)]
#[graphql(complex)]
pub(crate) struct IdentityRelinkPayload {
    /// The key of the identity when the mutation succeeded.
    #[graphql(skip)]
    pub(crate) key: Option<IdentityToken>,
    /// The viewer, read after the mutation. Null when `Query.viewer` is null.
    pub(crate) viewer: Option<Viewer>,
    /// The errors that the person can correct. Empty when the mutation succeeded.
    pub(crate) user_errors: Vec<UserError>,
}

/// The input of `identityDelete`.
#[derive(InputObject, Debug)]
pub(crate) struct IdentityDeleteInput {
    /// The ID of a OneAll identity.
    pub(crate) id: ID,
    /// Must be true, because the deletion cannot be undone. Otherwise nothing is sent.
    #[graphql(default)]
    pub(crate) confirm: bool,
}

/// The payload of `identityDelete`.
#[derive(SimpleObject, Debug)]
pub(crate) struct IdentityDeletePayload {
    /// The ID of the deleted identity. Null when `userErrors` is not empty.
    pub(crate) deleted_identity_id: Option<ID>,
    /// The viewer, read after the mutation. Null when `Query.viewer` is null.
    pub(crate) viewer: Option<Viewer>,
    /// The errors that the person can correct. Empty when the mutation succeeded.
    pub(crate) user_errors: Vec<UserError>,
}

#[ComplexObject]
impl ConnectionDisconnectPayload {
    /// The IDs of the Publicize connections that were deleted with it, as far as the person can see them. They are read
    /// before the deletion. Null when nothing was deleted and, with an error, when they could not be read.
    async fn deleted_publicize_connection_ids(&self) -> Option<Result<&[ID], Error>> {
        let ids = self.publicize_connection_ids.as_ref()?;
        Some(ids.as_deref().map_err(Clone::clone))
    }
}

#[ComplexObject]
impl PublicizeConnectionSharePayload {
    /// The connection, read after the mutation. Null when `userErrors` is not empty or the person can no longer see it.
    async fn connection(&self, ctx: &Context<'_>) -> Option<Result<Arc<Connection>, Error>> {
        into_field(load_exact_connection(ctx.loaders(), ConnectionKey::Publicize(self.key?)).await)
    }
}

#[ComplexObject]
impl IdentitySynchronizePayload {
    /// The identity, read after the mutation. Null when `userErrors` is not empty.
    async fn identity(&self, ctx: &Context<'_>) -> Option<Result<Arc<Identity>, Error>> {
        into_field(ctx.loaders().oneall.load(self.key.clone()?).await)
    }
}

#[ComplexObject]
impl IdentityRelinkPayload {
    /// The identity with its new owner, read after the mutation. Null when `userErrors` is not empty.
    async fn identity(&self, ctx: &Context<'_>) -> Option<Result<Arc<Identity>, Error>> {
        into_field(ctx.loaders().oneall.load(self.key.clone()?).await)
    }
}

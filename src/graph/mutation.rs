//! The fields of `Mutation`. They run one after another, and each is sent to its provider at most once.
//!
//! A mutation first checks the caller's permissions, then its arguments, and only then sends; a rejected mutation makes no
//! call. Errors that a person can correct are in `userErrors`; all others are errors of the field. Whatever the result, the
//! operation reads nothing from before the mutation afterwards.

pub(crate) mod input;
pub(crate) mod payload;
pub(crate) mod user_error;

use async_graphql::{Context, ID, Object};

use self::payload::{
    ApplicationRevokeInput, ApplicationRevokePayload, ConnectionDisconnectInput, ConnectionDisconnectPayload,
    IdentityDeleteInput, IdentityDeletePayload, IdentityRelinkInput, IdentityRelinkPayload, IdentitySynchronizeInput,
    IdentitySynchronizePayload, PublicizeConnectionShareInput, PublicizeConnectionSharePayload,
};
use self::user_error::{UserError, finish_write, require_existing, split};
use super::context::ContextExt;
use super::error::Error;
use super::id::GlobalId;
use super::query::{Viewer, load_exact_connection};
use crate::model::{ApplicationKey, ConnectionKey, IdentityKey, PublicizeId};
use crate::provider::Reason;

/// The mutation root.
pub(crate) struct Mutation;

/// The mutation root. Fields run one after another.
///
/// Each mutation is sent to its provider at most once. If the response is lost, the error is UNCERTAIN: read the object
/// before you try again. Repeating a completed mutation changes nothing, except that `identitySynchronize` runs again.
#[Object]
impl Mutation {
    /// Revokes the access of an application at WordPress.com. An application that is already gone counts as revoked. Null
    /// with an error when the mutation failed or is UNCERTAIN.
    ///
    /// Example: `mutation { applicationRevoke(input: { id: "YXBwbGljYXRpb246ODM2NzI3MQ" }) { deletedApplicationId userErrors
    /// { code } } }`
    async fn application_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The input of the mutation.")] input: ApplicationRevokeInput,
    ) -> Option<Result<ApplicationRevokePayload, Error>> {
        Some(revoke(ctx, input).await)
    }

    /// Deletes a Keyring connection at WordPress.com and every Publicize connection that uses it. Null with an error when the
    /// mutation failed or is UNCERTAIN.
    ///
    /// A connection that is already gone counts as deleted. So does a connection of another person, which is not changed.
    ///
    /// Example: `mutation { connectionDisconnect(input: { id: "a2V5cmluZzo1MTAwMw" }) { deletedConnectionId userErrors { code
    /// } } }`
    async fn connection_disconnect(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The input of the mutation.")] input: ConnectionDisconnectInput,
    ) -> Option<Result<ConnectionDisconnectPayload, Error>> {
        Some(disconnect(ctx, input).await)
    }

    /// Shares a Publicize connection with all authors of its site, or stops sharing it. Requires permission to edit other
    /// authors' posts there. Null with an error when the mutation failed or is UNCERTAIN.
    ///
    /// Example: `mutation { publicizeConnectionShare(input: { id: "cHVibGljaXplOjc3MDAxMjMvNzIwMDE", shared: true }) {
    /// connection { shared } userErrors { code } } }`
    async fn publicize_connection_share(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The input of the mutation.")] input: PublicizeConnectionShareInput,
    ) -> Option<Result<PublicizeConnectionSharePayload, Error>> {
        Some(share(ctx, input).await)
    }

    /// Makes OneAll read an identity from its social network again. A person may synchronize their own identities; a service
    /// needs the scope. Null with an error when the mutation failed or is UNCERTAIN.
    ///
    /// Example: `mutation { identitySynchronize(input: { id:
    /// "aWRlbnRpdHk6NWE0ZDAwMDAtMDAwMC00MDAwLTgwMDItMDAwMDAwMDAwMDA0" }) { identity { updatedAt } userErrors { code } } }`
    async fn identity_synchronize(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The input of the mutation.")] input: IdentitySynchronizeInput,
    ) -> Option<Result<IdentitySynchronizePayload, Error>> {
        Some(synchronize(ctx, input).await)
    }

    /// Moves an identity to another user of the OneAll site. Only for services with the scope. Null with an error when the
    /// mutation failed or is UNCERTAIN.
    ///
    /// OneAll does not document what happens to its sign-ins.
    ///
    /// Example: `mutation { identityRelink(input: { id: "aWRlbnRpdHk6NWE0ZDAwMDAtMDAwMC00MDAwLTgwMDItMDAwMDAwMDAwMDA0",
    /// userToken: "5a4d0000-0000-4000-8001-000000000003" }) { identity { oneallUser { userToken } } userErrors { code } } }`
    async fn identity_relink(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The input of the mutation.")] input: IdentityRelinkInput,
    ) -> Option<Result<IdentityRelinkPayload, Error>> {
        Some(relink(ctx, input).await)
    }

    /// Deletes an identity at OneAll permanently. Only for services with the scope. An identity that is already gone counts
    /// as deleted. Null with an error when the mutation failed or is UNCERTAIN.
    ///
    /// OneAll does not document what happens to its sign-ins.
    ///
    /// Example: `mutation { identityDelete(input: { id: "aWRlbnRpdHk6NWE0ZDAwMDAtMDAwMC00MDAwLTgwMDItMDAwMDAwMDAwMDA0",
    /// confirm: true }) { deletedIdentityId userErrors { code } } }`
    async fn identity_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The input of the mutation.")] input: IdentityDeleteInput,
    ) -> Option<Result<IdentityDeletePayload, Error>> {
        Some(delete(ctx, input).await)
    }
}

async fn revoke(ctx: &Context<'_>, input: ApplicationRevokeInput) -> Result<ApplicationRevokePayload, Error> {
    let audit = ctx.audit().start_mutation("applicationRevoke", &input.id);
    let session = &ctx.loaders().wordpress.session;
    session.may_write()?;
    let result = match input::application_id(&input.id) {
        Ok(key) => finish_write(ctx, session.revoke(key, audit.on_end()).await)?.map(|_| key),
        Err(error) => Err(error),
    };
    let (key, user_errors) = split(result);
    let id = key.map(|key| GlobalId::Application(ApplicationKey::Connected(key)).into());
    Ok(ApplicationRevokePayload {
        deleted_application_id: id,
        viewer: Viewer::from_loaders(ctx.loaders()),
        user_errors,
    })
}

async fn disconnect(ctx: &Context<'_>, input: ConnectionDisconnectInput) -> Result<ConnectionDisconnectPayload, Error> {
    let audit = ctx.audit().start_mutation("connectionDisconnect", &input.id);
    let session = &ctx.loaders().wordpress.session;
    session.may_write()?;
    let mut publicize_ids = None;
    let result = match input::keyring_id(&input.id) {
        Ok(key) => {
            if ctx.look_ahead().field("deletedPublicizeConnectionIds").exists() {
                let keys = session.dependent_connections(key).await;
                let ids = |keys: Vec<ConnectionKey>| keys.into_iter().map(|key| GlobalId::Connection(key).into());
                publicize_ids = Some(keys.map(|keys| ids(keys).collect()).map_err(Error::from));
            }
            finish_write(ctx, session.disconnect(key, audit.on_end()).await)?.map(|_| key)
        }
        Err(error) => Err(error),
    };
    let (key, user_errors) = split(result);
    Ok(ConnectionDisconnectPayload {
        deleted_connection_id: key.map(|key| GlobalId::Connection(ConnectionKey::Keyring(key)).into()),
        publicize_connection_ids: publicize_ids.filter(|_| key.is_some()),
        viewer: Viewer::from_loaders(ctx.loaders()),
        user_errors,
    })
}

async fn share(
    ctx: &Context<'_>,
    input: PublicizeConnectionShareInput,
) -> Result<PublicizeConnectionSharePayload, Error> {
    let audit = ctx.audit().start_mutation("publicizeConnectionShare", &input.id);
    let session = &ctx.loaders().wordpress.session;
    session.may_write()?;
    let result = match input::publicize_id(&input.id) {
        Ok(key) => match session.share(key, input.shared, audit.on_end()).await {
            Err(error) if error.reason == Reason::OwnedByAnother => Err(share_error(ctx, key).await),
            done => finish_write(ctx, done)?.and_then(require_existing("Publicize connection")).map(|()| key),
        },
        Err(error) => Err(error),
    };
    let (key, user_errors) = split(result);
    Ok(PublicizeConnectionSharePayload { key, viewer: Viewer::from_loaders(ctx.loaders()), user_errors })
}

/// WordPress.com gives one error for a connection of another person and for missing edit permission. Whether the person can
/// read the connection tells the two apart and reveals nothing new to them.
async fn share_error(ctx: &Context<'_>, key: PublicizeId) -> UserError {
    match load_exact_connection(ctx.loaders(), ConnectionKey::Publicize(key)).await {
        Ok(Some(_)) => UserError::not_shareable(),
        _ => UserError::not_found("Publicize connection"),
    }
}

async fn synchronize(ctx: &Context<'_>, input: IdentitySynchronizeInput) -> Result<IdentitySynchronizePayload, Error> {
    let audit = ctx.audit().start_mutation("identitySynchronize", &input.id);
    let session = &ctx.loaders().oneall.session;
    session.may_synchronize()?;
    let result = match input::identity_token(&input.id) {
        Ok(token) => {
            let done = session.synchronize(&token, audit.on_end()).await;
            finish_write(ctx, done)?.and_then(require_existing("Identity")).map(|()| token)
        }
        Err(error) => Err(error),
    };
    let (token, user_errors) = split(result);
    Ok(IdentitySynchronizePayload { key: token, viewer: Viewer::from_loaders(ctx.loaders()), user_errors })
}

async fn relink(ctx: &Context<'_>, input: IdentityRelinkInput) -> Result<IdentityRelinkPayload, Error> {
    let audit = ctx.audit().start_mutation("identityRelink", &input.id);
    let session = &ctx.loaders().oneall.session;
    session.may_relink()?;
    let tokens = input::identity_token(&input.id).and_then(|token| Ok((token, input::user_token(&input.user_token)?)));
    let result = match tokens {
        Ok((token, user)) => {
            let done = session.relink(&token, &user, audit.on_end()).await;
            finish_write(ctx, done)?.and_then(require_existing("Identity or user")).map(|()| token)
        }
        Err(error) => Err(error),
    };
    let (token, user_errors) = split(result);
    Ok(IdentityRelinkPayload { key: token, viewer: Viewer::from_loaders(ctx.loaders()), user_errors })
}

async fn delete(ctx: &Context<'_>, input: IdentityDeleteInput) -> Result<IdentityDeletePayload, Error> {
    let audit = ctx.audit().start_mutation("identityDelete", &input.id);
    let session = &ctx.loaders().oneall.session;
    session.may_delete()?;
    let token =
        input::identity_token(&input.id).and_then(|token| input::require_confirmation(input.confirm).map(|()| token));
    let result = match token {
        Ok(token) => finish_write(ctx, session.delete(&token, audit.on_end()).await)?.map(|_| token),
        Err(error) => Err(error),
    };
    let (token, user_errors) = split(result);
    let id: Option<ID> = token.map(|token| GlobalId::Identity(IdentityKey::Token(token)).into());
    Ok(IdentityDeletePayload { deleted_identity_id: id, viewer: Viewer::from_loaders(ctx.loaders()), user_errors })
}

//! What can be changed: one field for each, carried out one after another, each sent to its provider at most once.
//!
//! A field checks first whether the caller may, then what was asked for, and only then sends; so what is refused makes no
//! call. What a person can correct is told in `userErrors`, everything else is an error of the field. Whatever it came to, what
//! the operation reads from then on is read anew.

pub mod payload;
pub mod wish;

use async_graphql::{Context, ID, Object};

use self::payload::{
    ApplicationRevokeInput, ApplicationRevokePayload, ConnectionDisconnectInput, ConnectionDisconnectPayload,
    IdentityDeleteInput, IdentityDeletePayload, IdentityRelinkInput, IdentityRelinkPayload, IdentitySynchronizeInput,
    IdentitySynchronizePayload, PublicizeConnectionShareInput, PublicizeConnectionSharePayload,
};
use self::wish::{CameTo, UserError, came_to};
use super::ContextExt;
use super::error::Error;
use super::id::GlobalId;
use super::query::{named_connection, whom};
use crate::model::{ApplicationKey, ConnectionKey, IdentityKey, PublicizeId};
use crate::provider::Reason;
use crate::upstream::Done;

/// What can be changed.
pub struct Mutation;

/// What can be changed, one field after another. Each is sent to its provider at most once and never again by itself; one
/// whose answer is lost is UNCERTAIN: read again before you try anew. Repeating one that is done changes nothing, but for
/// `identitySynchronize`, which reads the identity once more.
#[Object]
impl Mutation {
    /// Takes back the access that the person gave to an application at WordPress.com: `mutation { applicationRevoke(input: {
    /// id: "YXBwbGljYXRpb246ODM2NzI3MQ" }) { deletedApplicationId userErrors { code } } }`. One that is gone already counts
    /// as revoked. Null, with an error, if it was refused, could not be sent or is UNCERTAIN.
    async fn application_revoke(
        &self,
        ctx: &Context<'_>,
        input: ApplicationRevokeInput,
    ) -> Option<Result<ApplicationRevokePayload, Error>> {
        Some(revoke(ctx, input).await)
    }

    /// Deletes a Keyring connection at WordPress.com: the stored grant, and with it every Publicize connection that stands on
    /// it: `mutation { connectionDisconnect(input: { id: "a2V5cmluZzo1MTAwMw" }) { deletedConnectionId userErrors { code } } }`.
    /// One that is gone already counts as disconnected. So does one that WordPress.com says is somebody else's: it stays as
    /// it is, and is answered like one that does not exist. Null, with an error, if it was refused, could not be sent or is
    /// UNCERTAIN.
    async fn connection_disconnect(
        &self,
        ctx: &Context<'_>,
        input: ConnectionDisconnectInput,
    ) -> Option<Result<ConnectionDisconnectPayload, Error>> {
        Some(disconnect(ctx, input).await)
    }

    /// Lets every author of a site use a Publicize connection of it, or keeps it to its owner: `mutation {
    /// publicizeConnectionShare(input: { id: "cHVibGljaXplOjc3MDAxMjMvNzIwMDE", shared: true }) { connection { shared } userErrors
    /// { code } } }`. It takes the right to edit what others wrote there. Null, with an error, if it was refused, could not
    /// be sent or is UNCERTAIN.
    async fn publicize_connection_share(
        &self,
        ctx: &Context<'_>,
        input: PublicizeConnectionShareInput,
    ) -> Option<Result<PublicizeConnectionSharePayload, Error>> {
        Some(share(ctx, input).await)
    }

    /// Has OneAll read an identity afresh from its social network: `mutation { identitySynchronize(input: { id:
    /// "aWRlbnRpdHk6NWE0ZDAwMDAtMDAwMC00MDAwLTgwMDItMDAwMDAwMDAwMDA0" }) { identity { updatedAt } userErrors { code } } }`. A person may have
    /// their own synchronized, a service with the scope everybody's. Null, with an error, if it was refused, could not be
    /// sent or is UNCERTAIN.
    async fn identity_synchronize(
        &self,
        ctx: &Context<'_>,
        input: IdentitySynchronizeInput,
    ) -> Option<Result<IdentitySynchronizePayload, Error>> {
        Some(synchronize(ctx, input).await)
    }

    /// Moves an identity to another user of the OneAll site: `mutation { identityRelink(input: { id:
    /// "aWRlbnRpdHk6NWE0ZDAwMDAtMDAwMC00MDAwLTgwMDItMDAwMDAwMDAwMDA0", userToken: "5a4d0000-0000-4000-8001-000000000003" }) { identity { oneallUser { userToken }
    /// } userErrors { code } } }`. OneAll does not say what becomes of its sign-ins. For services with the scope. Null, with an
    /// error, if it was refused, could not be sent or is UNCERTAIN.
    async fn identity_relink(
        &self,
        ctx: &Context<'_>,
        input: IdentityRelinkInput,
    ) -> Option<Result<IdentityRelinkPayload, Error>> {
        Some(relink(ctx, input).await)
    }

    /// Deletes an identity at OneAll for good: `mutation { identityDelete(input: { id:
    /// "aWRlbnRpdHk6NWE0ZDAwMDAtMDAwMC00MDAwLTgwMDItMDAwMDAwMDAwMDA0", confirm: true }) { deletedIdentityId userErrors { code } } }`. OneAll
    /// does not say what becomes of its sign-ins. For services with the scope. One that is gone already counts as deleted.
    /// Null, with an error, if it was refused, could not be sent or is UNCERTAIN.
    async fn identity_delete(
        &self,
        ctx: &Context<'_>,
        input: IdentityDeleteInput,
    ) -> Option<Result<IdentityDeletePayload, Error>> {
        Some(delete(ctx, input).await)
    }
}

async fn revoke(ctx: &Context<'_>, input: ApplicationRevokeInput) -> Result<ApplicationRevokePayload, Error> {
    let deed = ctx.audit().deed("applicationRevoke", &input.id);
    let reads = &ctx.loaders().wordpress.reads;
    reads.may_write()?;
    let outcome = match wish::application(&input.id) {
        Ok(key) => came_to(ctx, reads.revoke(key, deed.teller()).await)?.map(|_| key),
        Err(wrong) => Err(wrong),
    };
    let (key, user_errors) = apart(outcome);
    let id = key.map(|key| GlobalId::Application(ApplicationKey::Connected(key)).into());
    Ok(ApplicationRevokePayload { deleted_application_id: id, viewer: whom(ctx.loaders()), user_errors })
}

async fn disconnect(ctx: &Context<'_>, input: ConnectionDisconnectInput) -> Result<ConnectionDisconnectPayload, Error> {
    let deed = ctx.audit().deed("connectionDisconnect", &input.id);
    let reads = &ctx.loaders().wordpress.reads;
    reads.may_write()?;
    let mut standing_on_it = None;
    let outcome = match wish::keyring(&input.id) {
        Ok(key) => {
            if ctx.look_ahead().field("deletedPublicizeConnectionIds").exists() {
                let before = reads.standing_on(key).await;
                let ids = |keys: Vec<ConnectionKey>| keys.into_iter().map(|key| GlobalId::Connection(key).into());
                standing_on_it = Some(before.map(|keys| ids(keys).collect()).map_err(Error::from));
            }
            came_to(ctx, reads.disconnect(key, deed.teller()).await)?.map(|_| key)
        }
        Err(wrong) => Err(wrong),
    };
    let (key, user_errors) = apart(outcome);
    Ok(ConnectionDisconnectPayload {
        deleted_connection_id: key.map(|key| GlobalId::Connection(ConnectionKey::Keyring(key)).into()),
        standing_on_it: standing_on_it.filter(|_| key.is_some()),
        viewer: whom(ctx.loaders()),
        user_errors,
    })
}

async fn share(
    ctx: &Context<'_>,
    input: PublicizeConnectionShareInput,
) -> Result<PublicizeConnectionSharePayload, Error> {
    let deed = ctx.audit().deed("publicizeConnectionShare", &input.id);
    let reads = &ctx.loaders().wordpress.reads;
    reads.may_write()?;
    let outcome = match wish::publicize(&input.id) {
        Ok(key) => match reads.share(key, input.shared, deed.teller()).await {
            Err(error) if error.reason == Reason::NotTheirs => Err(not_shareable(ctx, key).await),
            done => came_to(ctx, done)?.and_then(found("Publicize connection")).map(|()| key),
        },
        Err(wrong) => Err(wrong),
    };
    let (key, user_errors) = apart(outcome);
    Ok(PublicizeConnectionSharePayload { key, viewer: whom(ctx.loaders()), user_errors })
}

/// A site where the person may not edit what others wrote refuses like one that is not theirs: what they see of the
/// connection tells the two apart, and nothing that they could not read anyway.
async fn not_shareable(ctx: &Context<'_>, key: PublicizeId) -> UserError {
    match named_connection(ctx.loaders(), ConnectionKey::Publicize(key)).await {
        Ok(Some(_)) => UserError::not_shareable(),
        _ => UserError::not_found("Publicize connection"),
    }
}

async fn synchronize(ctx: &Context<'_>, input: IdentitySynchronizeInput) -> Result<IdentitySynchronizePayload, Error> {
    let deed = ctx.audit().deed("identitySynchronize", &input.id);
    let reads = &ctx.loaders().oneall.reads;
    reads.may_synchronize()?;
    let outcome = match wish::identity(&input.id) {
        Ok(token) => {
            let done = reads.synchronize(&token, deed.teller()).await;
            came_to(ctx, done)?.and_then(found("identity")).map(|()| token)
        }
        Err(wrong) => Err(wrong),
    };
    let (token, user_errors) = apart(outcome);
    Ok(IdentitySynchronizePayload { key: token, viewer: whom(ctx.loaders()), user_errors })
}

async fn relink(ctx: &Context<'_>, input: IdentityRelinkInput) -> Result<IdentityRelinkPayload, Error> {
    let deed = ctx.audit().deed("identityRelink", &input.id);
    let reads = &ctx.loaders().oneall.reads;
    reads.may_relink()?;
    let wanted = wish::identity(&input.id).and_then(|token| Ok((token, wish::user(&input.user_token)?)));
    let outcome = match wanted {
        Ok((token, user)) => {
            let done = reads.relink(&token, &user, deed.teller()).await;
            came_to(ctx, done)?.and_then(found("identity, or no such user")).map(|()| token)
        }
        Err(wrong) => Err(wrong),
    };
    let (token, user_errors) = apart(outcome);
    Ok(IdentityRelinkPayload { key: token, viewer: whom(ctx.loaders()), user_errors })
}

async fn delete(ctx: &Context<'_>, input: IdentityDeleteInput) -> Result<IdentityDeletePayload, Error> {
    let deed = ctx.audit().deed("identityDelete", &input.id);
    let reads = &ctx.loaders().oneall.reads;
    reads.may_delete()?;
    let wanted = wish::identity(&input.id).and_then(|token| wish::confirmed(input.confirm).map(|()| token));
    let outcome = match wanted {
        Ok(token) => came_to(ctx, reads.delete(&token, deed.teller()).await)?.map(|_| token),
        Err(wrong) => Err(wrong),
    };
    let (token, user_errors) = apart(outcome);
    let id: Option<ID> = token.map(|token| GlobalId::Identity(IdentityKey::Token(token)).into());
    Ok(IdentityDeletePayload { deleted_identity_id: id, viewer: whom(ctx.loaders()), user_errors })
}

/// Of a thing that stays, that there is none is for the person to correct.
fn found(what: &'static str) -> impl FnOnce(Done) -> CameTo<()> {
    move |done| if done == Done::Absent { Err(UserError::not_found(what)) } else { Ok(()) }
}

fn apart<T>(outcome: CameTo<T>) -> (Option<T>, Vec<UserError>) {
    match outcome {
        Ok(thing) => (Some(thing), Vec::new()),
        Err(wrong) => (None, vec![wrong]),
    }
}

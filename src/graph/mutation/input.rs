//! Parses the arguments of mutations, before anything is sent.

use async_graphql::ID;

use super::user_error::{MutationResult, UserError, UserErrorCode};
use crate::graph::id::GlobalId;
use crate::model::{
    ApplicationId, ApplicationKey, ConnectionKey, IdentityKey, IdentityToken, KeyringId, PublicizeId, UserToken,
};

fn parse(id: &ID) -> MutationResult<GlobalId> {
    GlobalId::parse(id).ok_or_else(|| UserError::wrong_id("The ID is not valid. Use the `id` of an earlier response."))
}

fn wrong_type(id: &GlobalId, wanted: &str) -> UserError {
    UserError::wrong_id(id.wrong_type(wanted).message)
}

/// The ID of an application that WordPress.com can revoke.
///
/// # Errors
/// WRONG_ID.
pub(crate) fn application_id(id: &ID) -> MutationResult<ApplicationId> {
    match parse(id)? {
        GlobalId::Application(ApplicationKey::Connected(key)) => Ok(key),
        GlobalId::Application(ApplicationKey::Plugin(_)) => Err(UserError::wrong_id(
            "This is the ID of a OneAll plugin. Only WordPress.com applications can be revoked.",
        )),
        other => Err(wrong_type(&other, "an Application")),
    }
}

/// The ID of a Keyring connection.
///
/// # Errors
/// WRONG_ID.
pub(crate) fn keyring_id(id: &ID) -> MutationResult<KeyringId> {
    match parse(id)? {
        GlobalId::Connection(ConnectionKey::Keyring(key)) => Ok(key),
        GlobalId::Connection(ConnectionKey::Publicize(_)) => Err(UserError::wrong_id(
            "This is the ID of a Publicize connection. Disconnect its Keyring connection, `record.keyringConnection`.",
        )),
        GlobalId::Connection(ConnectionKey::SignIn(_)) => {
            Err(UserError::wrong_id("This is the ID of a OneAll sign-in. Sign-ins cannot be disconnected."))
        }
        other => Err(wrong_type(&other, "a Connection")),
    }
}

/// The ID of a Publicize connection.
///
/// # Errors
/// WRONG_ID.
pub(crate) fn publicize_id(id: &ID) -> MutationResult<PublicizeId> {
    match parse(id)? {
        GlobalId::Connection(ConnectionKey::Publicize(key)) => Ok(key),
        GlobalId::Connection(_) => Err(UserError::wrong_id("Only Publicize connections can be shared.")),
        other => Err(wrong_type(&other, "a Connection")),
    }
}

/// The token of a OneAll identity.
///
/// # Errors
/// WRONG_ID.
pub(crate) fn identity_token(id: &ID) -> MutationResult<IdentityToken> {
    match parse(id)? {
        GlobalId::Identity(IdentityKey::Token(token)) => Ok(token),
        GlobalId::Identity(_) => Err(UserError::wrong_id("This identity has no record of its own at OneAll.")),
        other => Err(wrong_type(&other, "an Identity")),
    }
}

/// The token of a OneAll user.
///
/// # Errors
/// WRONG_ID.
pub(crate) fn user_token(token: &str) -> MutationResult<UserToken> {
    UserToken::parse(token).ok_or_else(|| {
        let message = "`userToken` must have 1 to 128 letters, digits, hyphens and underscores.";
        UserError::new(UserErrorCode::WrongId, "userToken", message)
    })
}

/// Requires the confirmation of a mutation that cannot be undone.
///
/// # Errors
/// CONFIRMATION_MISSING.
pub(crate) fn require_confirmation(confirm: bool) -> MutationResult<()> {
    let message = "This cannot be undone. Send `confirm: true` to confirm.";
    if confirm { Ok(()) } else { Err(UserError::new(UserErrorCode::ConfirmationMissing, "confirm", message)) }
}

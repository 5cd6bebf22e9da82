//! What a mutation asks for, checked before anything is sent; and what of it a person can correct.
//!
//! Somebody else's thing is told like one that does not exist, so an error here never says more than an answer to a made-up
//! ID would.

use async_graphql::{Context, Enum, ID, SimpleObject};

use crate::graph::ContextExt;
use crate::graph::error::Error;
use crate::graph::id::GlobalId;
use crate::model::{
    ApplicationId, ApplicationKey, ConnectionKey, IdentityKey, IdentityToken, KeyringId, PublicizeId, UserToken,
};
use crate::provider::{self, Reason};
use crate::upstream::Done;

/// What of a mutation's input a person can correct. Nothing was changed.
#[derive(SimpleObject, Clone, Debug, PartialEq, Eq)]
pub struct UserError {
    /// What is wrong, in one word.
    code: UserErrorCode,
    /// What is wrong, for a person to read.
    message: String,
    /// The place in the arguments that it is about, such as `["input", "id"]`.
    path: Vec<String>,
}

/// What of a mutation's input a person can correct.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserErrorCode {
    /// The ID is none of this graph, or that of another kind of thing than this mutation is about.
    WrongId,
    /// There is no such thing, or not for this caller.
    NotFound,
    /// What cannot be taken back has to be confirmed: send `confirm: true`.
    ConfirmationMissing,
    /// The person may not edit what others wrote on the connection's site, so they may not share it.
    NotShareable,
    /// The provider understood what was asked and refuses it for this thing as it is.
    Refused,
}

/// What a wish came to, or what a person can correct.
pub type CameTo<T> = Result<T, UserError>;

impl UserError {
    fn new(code: UserErrorCode, field: &str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), path: vec!["input".to_owned(), field.to_owned()] }
    }

    fn wrong_id(message: impl Into<String>) -> Self {
        Self::new(UserErrorCode::WrongId, "id", message)
    }

    /// There is no such thing, or not for this caller.
    pub fn not_found(what: &str) -> Self {
        Self::new(UserErrorCode::NotFound, "id", format!("There is no such {what}, or not for this caller."))
    }

    /// The connection is there, and not the person's to share.
    pub fn not_shareable() -> Self {
        let message = "Sharing it takes the right to edit what others wrote on its site.";
        Self::new(UserErrorCode::NotShareable, "id", message)
    }
}

/// What a write came to, for the client; from here on the operation reads anew.
///
/// # Errors
/// What no person can correct.
pub fn came_to(ctx: &Context<'_>, done: Result<Done, provider::Error>) -> Result<CameTo<Done>, Error> {
    ctx.loaders().renew();
    match done {
        Ok(done) => Ok(Ok(done)),
        Err(error) if error.reason == Reason::Refused => {
            let message = format!("{} refuses this for it as it is.", error.provider.title());
            Ok(Err(UserError::new(UserErrorCode::Refused, "id", message)))
        }
        Err(error) => Err(error.into()),
    }
}

fn parse(id: &ID) -> CameTo<GlobalId> {
    GlobalId::parse(id).ok_or_else(|| UserError::wrong_id("This is not an ID of this graph."))
}

fn not_a(id: &GlobalId, wanted: &str) -> UserError {
    UserError::wrong_id(id.not_a(wanted).message)
}

/// The application that is meant.
///
/// # Errors
/// WRONG_ID.
pub fn application(id: &ID) -> CameTo<ApplicationId> {
    match parse(id)? {
        GlobalId::Application(ApplicationKey::Connected(key)) => Ok(key),
        GlobalId::Application(ApplicationKey::Plugin(_)) => {
            Err(UserError::wrong_id("This is a plugin of OneAll's, to which nobody gave access."))
        }
        other => Err(not_a(&other, "an Application")),
    }
}

/// The Keyring connection that is meant.
///
/// # Errors
/// WRONG_ID.
pub fn keyring(id: &ID) -> CameTo<KeyringId> {
    match parse(id)? {
        GlobalId::Connection(ConnectionKey::Keyring(key)) => Ok(key),
        GlobalId::Connection(ConnectionKey::Publicize(_)) => Err(UserError::wrong_id(
            "This is a Publicize connection: disconnect the Keyring connection that it stands on, record.keyringConnection.",
        )),
        GlobalId::Connection(ConnectionKey::SignIn(_)) => {
            Err(UserError::wrong_id("This is a sign-in at OneAll, which is over and cannot be disconnected."))
        }
        other => Err(not_a(&other, "a Connection")),
    }
}

/// The Publicize connection that is meant.
///
/// # Errors
/// WRONG_ID.
pub fn publicize(id: &ID) -> CameTo<PublicizeId> {
    match parse(id)? {
        GlobalId::Connection(ConnectionKey::Publicize(key)) => Ok(key),
        GlobalId::Connection(_) => Err(UserError::wrong_id("Only a Publicize connection can be shared.")),
        other => Err(not_a(&other, "a Connection")),
    }
}

/// The identity at OneAll that is meant.
///
/// # Errors
/// WRONG_ID.
pub fn identity(id: &ID) -> CameTo<IdentityToken> {
    match parse(id)? {
        GlobalId::Identity(IdentityKey::Token(token)) => Ok(token),
        GlobalId::Identity(_) => Err(UserError::wrong_id("This identity is no record of its own at OneAll.")),
        other => Err(not_a(&other, "an Identity")),
    }
}

/// The user at OneAll that is meant.
///
/// # Errors
/// WRONG_ID.
pub fn user(token: &str) -> CameTo<UserToken> {
    UserToken::parse(token).ok_or_else(|| {
        let message = "`userToken` is 1 to 128 letters, digits, hyphens and underscores.";
        UserError::new(UserErrorCode::WrongId, "userToken", message)
    })
}

/// That what cannot be taken back is meant.
///
/// # Errors
/// CONFIRMATION_MISSING.
pub fn confirmed(confirm: bool) -> CameTo<()> {
    let message = "This cannot be taken back: send `confirm: true` if you mean it.";
    if confirm { Ok(()) } else { Err(UserError::new(UserErrorCode::ConfirmationMissing, "confirm", message)) }
}

//! Grants: what a caller may read or change, as values that only this room can make.
//!
//! A read or a write at a provider takes the grant for it, and the keys of the OneAll site are shown only to one; so code that
//! forgets to ask for a grant does not compile. A grant that reaches one user's records says of each record whether it
//! is theirs: that is known only once the record was read.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use secrecy::SecretString;

use super::policy::{PersonAccess, Right};
use super::scope::{Scope, Scopes};
use super::token_audience::{Audience, PendingCheck};

/// Why a caller may not read something; known before anything is asked of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Denied {
    /// The request shows no credential in `Authorization`.
    NoCredential,
    /// The request shows no WordPress.com token.
    NoToken,
    /// The request shows a WordPress.com token alone, and the settings want a credential beside it.
    TokenAlone,
    /// Whether the token was issued to the gateway's own application cannot be told at present.
    AudienceUnknown,
    /// The service's key has not this scope.
    MissingScope(Scope),
    /// Only services have this right, with this scope; a person never has it.
    ServicesOnly(Scope),
}

/// The right to read at WordPress.com what one person's token reaches.
#[derive(Clone)]
pub struct WordPressGrant {
    token: Arc<SecretString>,
    doubt: Option<Arc<PendingCheck>>,
    said: Arc<Said>,
}

/// What WordPress.com said of the token in the course of one request.
#[derive(Default)]
struct Said {
    accepted: AtomicBool,
    refused: AtomicBool,
}

/// What a caller may read at OneAll; each read takes a grant out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneAllGrant {
    who: Who,
}

/// The scopes that open nothing to read by themselves.
const OPEN_NOTHING: [Scope; 4] =
    [Scope::Personal, Scope::IdentitiesSynchronize, Scope::IdentitiesRelink, Scope::IdentitiesDelete];

/// As whom somebody asks at OneAll.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Who {
    Nobody,
    Person(Option<Arc<str>>),
    Service(Scopes),
    Operator,
}

/// Whose records a grant reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Reach {
    Everyone,
    User(Arc<str>),
    Nothing,
}

/// The right to read a sign-in by its token.
#[derive(Clone, Debug)]
pub struct SignInGrant(Reach);

/// The right to read a user, or an identity, by its token.
#[derive(Clone, Debug)]
pub struct UserGrant(Reach);

/// The right to have an identity read afresh from its social network.
#[derive(Clone, Debug)]
pub struct SynchronizeGrant(Reach);

/// The proof that a grant is held, for which the site's keys are shown.
#[derive(Clone, Copy, Debug)]
pub struct SiteKeyAccess<'a>(PhantomData<&'a ()>);

/// The keys of the OneAll site, with which every user of it can be read.
pub struct SiteKeys {
    public: SecretString,
    private: SecretString,
}

impl SiteKeys {
    /// Locks the keys away.
    pub fn new(public: SecretString, private: SecretString) -> Self {
        Self { public, private }
    }

    /// The public and the private key, for one read that was granted.
    pub fn show(&self, _granted: SiteKeyAccess<'_>) -> (&SecretString, &SecretString) {
        (&self.public, &self.private)
    }
}

impl fmt::Debug for SiteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SiteKeys")
    }
}

impl WordPressGrant {
    pub(super) fn new(token: SecretString) -> Self {
        Self { token: Arc::new(token), doubt: None, said: Arc::default() }
    }

    pub(super) fn doubted(token: SecretString, doubt: PendingCheck) -> Self {
        Self { doubt: Some(Arc::new(doubt)), ..Self::new(token) }
    }

    /// To whom the token was issued, by this question if nobody knows; to be looked at whenever it is to be used.
    pub async fn proof<Q: Future<Output = Audience>>(&self, question: impl FnOnce() -> Q) -> Audience {
        match &self.doubt {
            Some(doubt) => doubt.end(question).await,
            None => Audience::ThisApplication,
        }
    }

    /// The person's OAuth token, to be shown to WordPress.com and to nobody else.
    pub fn token(&self) -> &SecretString {
        &self.token
    }

    /// Notes that WordPress.com answered this token something that it shows to the token's person alone.
    pub fn record_accepted(&self) {
        self.said.accepted.store(true, Ordering::Relaxed);
    }

    /// Notes that WordPress.com does not accept this token.
    pub fn record_rejected(&self) {
        self.said.refused.store(true, Ordering::Relaxed);
    }

    /// Whether WordPress.com accepts the token; None if that was not said. What it answered counts more than what it did
    /// not: one read may want more than another.
    pub(super) fn is_accepted(&self) -> Option<bool> {
        let said = |said: &AtomicBool| said.load(Ordering::Relaxed);
        if said(&self.said.accepted) { Some(true) } else { said(&self.said.refused).then_some(false) }
    }
}

impl fmt::Debug for WordPressGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WordPressGrant")
    }
}

impl OneAllGrant {
    pub(super) fn nobody() -> Self {
        Self { who: Who::Nobody }
    }

    /// A person, and the user that they are at OneAll, if they are one.
    pub(super) fn person(user: Option<&str>) -> Self {
        Self { who: Who::Person(user.map(Into::into)) }
    }

    pub(super) fn service(scopes: Scopes) -> Self {
        Self { who: Who::Service(scopes) }
    }

    pub(super) fn operator() -> Self {
        Self { who: Who::Operator }
    }

    /// The caller's own user at OneAll.
    pub fn user(&self) -> Option<&str> {
        match &self.who {
            Who::Person(user) => user.as_deref(),
            _ => None,
        }
    }

    /// Whether the caller may read anything at OneAll.
    pub fn reaches_anything(&self) -> bool {
        Right::ALL.into_iter().any(|right| match (right.holders().scope, self.reach(right)) {
            // By itself it opens nothing to read.
            (None, _) => false,
            (Some(scope), _) if OPEN_NOTHING.contains(&scope) => false,
            (_, reach) => reach.is_ok_and(|reach| reach != Reach::Nothing),
        })
    }

    /// The right to read sign-ins by their tokens.
    ///
    /// # Errors
    /// Why not.
    pub fn sign_ins(&self) -> Result<SignInGrant, Denied> {
        self.reach(Right::SignIn).map(SignInGrant)
    }

    /// The right to read users and identities by their tokens.
    ///
    /// # Errors
    /// Why not.
    pub fn users(&self) -> Result<UserGrant, Denied> {
        self.reach(Right::User).map(UserGrant)
    }

    /// The right to list the site's sign-ins.
    ///
    /// # Errors
    /// Why not.
    pub fn sign_in_list(&self) -> Result<SiteKeyAccess<'_>, Denied> {
        self.reach(Right::SignIns).map(|_| SiteKeyAccess(PhantomData))
    }

    /// The right to list the site's identities.
    ///
    /// # Errors
    /// Why not.
    pub fn identity_list(&self) -> Result<SiteKeyAccess<'_>, Denied> {
        self.reach(Right::Identities).map(|_| SiteKeyAccess(PhantomData))
    }

    /// The right to what identifies a person outside, on records that another grant reaches.
    ///
    /// # Errors
    /// Why not.
    pub fn personal(&self) -> Result<(), Denied> {
        self.reach(Right::Personal).map(drop)
    }

    /// The right to have identities read afresh from their social networks.
    ///
    /// # Errors
    /// Why not.
    pub fn synchronize(&self) -> Result<SynchronizeGrant, Denied> {
        self.reach(Right::Synchronize).map(SynchronizeGrant)
    }

    /// The right to move identities to other users.
    ///
    /// # Errors
    /// Why not.
    pub fn relink(&self) -> Result<SiteKeyAccess<'_>, Denied> {
        self.reach(Right::Relink).map(|_| SiteKeyAccess(PhantomData))
    }

    /// The right to delete identities.
    ///
    /// # Errors
    /// Why not.
    pub fn delete(&self) -> Result<SiteKeyAccess<'_>, Denied> {
        self.reach(Right::Delete).map(|_| SiteKeyAccess(PhantomData))
    }

    /// What the operator of this configuration may, who has the keys in hand anyway: to try them.
    pub fn operators(&self) -> Option<SiteKeyAccess<'_>> {
        (self.who == Who::Operator).then_some(SiteKeyAccess(PhantomData))
    }

    /// Decides a right by the table.
    fn reach(&self, right: Right) -> Result<Reach, Denied> {
        let holders = right.holders();
        match (&self.who, holders.person, holders.scope) {
            (Who::Operator, ..) => Ok(Reach::Everyone),
            (Who::Nobody, ..) => Err(Denied::NoCredential),
            (_, PersonAccess::ByWordPressToken, _) => Err(Denied::NoToken),
            (Who::Person(None), PersonAccess::Own, _) => Ok(Reach::Nothing),
            (Who::Person(Some(user)), PersonAccess::Own, _) => Ok(Reach::User(user.clone())),
            (Who::Person(_), PersonAccess::Never, Some(scope)) => Err(Denied::ServicesOnly(scope)),
            (Who::Service(scopes), _, Some(scope)) if scopes.contains(scope) => Ok(Reach::Everyone),
            (Who::Service(_), _, Some(scope)) => Err(Denied::MissingScope(scope)),
            (_, _, None) => Err(Denied::NoToken),
        }
    }
}

impl Reach {
    fn covers(&self, owner: Option<&str>) -> bool {
        match self {
            Reach::Everyone => true,
            Reach::User(user) => owner == Some(&**user),
            Reach::Nothing => false,
        }
    }
}

macro_rules! of_records {
    ($name:ident) => {
        impl $name {
            /// Whether there can be a record that it reaches. Without one, nothing has to be read to know that.
            pub fn reaches_anything(&self) -> bool {
                self.0 != Reach::Nothing
            }

            /// Whether it reaches a record of this owner. One without a provable owner is nobody's in particular, so only
            /// a grant for everyone's reaches it.
            pub fn covers(&self, owner: Option<&str>) -> bool {
                self.0.covers(owner)
            }

            /// For this, the site's keys are shown.
            pub fn site_key_access(&self) -> SiteKeyAccess<'_> {
                SiteKeyAccess(PhantomData)
            }
        }
    };
}

of_records!(SignInGrant);
of_records!(UserGrant);

impl SynchronizeGrant {
    /// Whether it reaches everybody's identities, so that nobody has to look first whose one is.
    pub fn reaches_everyone(&self) -> bool {
        self.0 == Reach::Everyone
    }

    /// For this, the site's keys are shown: an identity of this owner, as its record tells. None if it is not reached.
    pub fn site_key_access(&self, owner: Option<&str>) -> Option<SiteKeyAccess<'_>> {
        self.0.covers(owner).then_some(SiteKeyAccess(PhantomData))
    }
}

#[cfg(test)]
mod tests;

//! Grants: what a caller may read or change, as values that only this module can create.
//!
//! Every read or write at a provider requires a grant, and the keys of the OneAll site are exposed only for a grant. Code
//! that forgets to authorize does not compile. The owner of a record is known only after it has been read, so a grant
//! for one user's records checks each record.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use secrecy::SecretString;

use super::policy::{PersonAccess, Right};
use super::scope::{Scope, Scopes};
use super::token_audience::{Audience, PendingCheck};

/// Why a caller has no grant. This is known before any call to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Denied {
    /// The request has no credential in `Authorization`.
    NoCredential,
    /// The request has no WordPress.com token.
    NoToken,
    /// A WordPress.com token is the only credential, and the settings require another one.
    TokenAlone,
    /// The application that the token was issued to cannot be checked at present.
    AudienceUnknown,
    /// The service key lacks this scope.
    MissingScope(Scope),
    /// Only services can have this right, with this scope. A person never has it.
    ServicesOnly(Scope),
}

/// Allows reads and writes at WordPress.com with one person's token.
#[derive(Clone)]
pub struct WordPressGrant {
    token: Arc<SecretString>,
    pending_check: Option<Arc<PendingCheck>>,
    result: Arc<TokenResult>,
}

/// Whether WordPress.com has accepted or rejected the token during one request.
#[derive(Default)]
struct TokenResult {
    accepted: AtomicBool,
    rejected: AtomicBool,
}

/// What a caller may read or change at OneAll. Each call requires a grant from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneAllGrant {
    subject: Subject,
}

/// The scopes that allow no read by themselves.
const SCOPES_WITHOUT_READ: [Scope; 4] =
    [Scope::Personal, Scope::IdentitiesSynchronize, Scope::IdentitiesRelink, Scope::IdentitiesDelete];

/// The subject of a OneAll grant.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Subject {
    Anonymous,
    Person(Option<Arc<str>>),
    Service(Scopes),
    Operator,
}

/// The records that a grant covers.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Reach {
    Everyone,
    User(Arc<str>),
    Nothing,
}

/// Allows reading a sign-in by its token.
#[derive(Clone, Debug)]
pub struct SignInGrant(Reach);

/// Allows reading a user or an identity by its token.
#[derive(Clone, Debug)]
pub struct UserGrant(Reach);

/// Allows synchronizing an identity with its social network.
#[derive(Clone, Debug)]
pub struct SynchronizeGrant(Reach);

/// Proof of a grant, which [`SiteKeys::expose`] requires.
#[derive(Clone, Copy, Debug)]
pub struct SiteKeyAccess<'a>(PhantomData<&'a ()>);

/// The keys of the OneAll site. They can read every user of the site.
pub struct SiteKeys {
    public: SecretString,
    private: SecretString,
}

impl SiteKeys {
    /// Wraps the keys.
    pub fn new(public: SecretString, private: SecretString) -> Self {
        Self { public, private }
    }

    /// Returns the public and the private key for one granted call.
    pub fn expose(&self, _granted: SiteKeyAccess<'_>) -> (&SecretString, &SecretString) {
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
        Self { token: Arc::new(token), pending_check: None, result: Arc::default() }
    }

    pub(super) fn with_pending_check(token: SecretString, check: PendingCheck) -> Self {
        Self { pending_check: Some(Arc::new(check)), ..Self::new(token) }
    }

    /// Returns the application that the token was issued to, with `check` if it is not known yet. Must be called before
    /// each use of the token.
    pub async fn audience<C: Future<Output = Audience>>(&self, check: impl FnOnce() -> C) -> Audience {
        match &self.pending_check {
            Some(pending) => pending.resolve(check).await,
            None => Audience::ThisApplication,
        }
    }

    /// Returns the person's OAuth token, which may be sent to WordPress.com only.
    pub fn token(&self) -> &SecretString {
        &self.token
    }

    /// Records that WordPress.com returned data that only the owner of the token can read.
    pub fn record_accepted(&self) {
        self.result.accepted.store(true, Ordering::Relaxed);
    }

    /// Records that WordPress.com rejected the token.
    pub fn record_rejected(&self) {
        self.result.rejected.store(true, Ordering::Relaxed);
    }

    /// Returns whether WordPress.com accepts the token, if that is known. One accepted call outweighs any rejected one,
    /// because calls differ in the rights they need.
    pub(super) fn is_accepted(&self) -> Option<bool> {
        if self.result.accepted.load(Ordering::Relaxed) {
            return Some(true);
        }
        self.result.rejected.load(Ordering::Relaxed).then_some(false)
    }
}

impl fmt::Debug for WordPressGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WordPressGrant")
    }
}

impl OneAllGrant {
    pub(super) fn anonymous() -> Self {
        Self { subject: Subject::Anonymous }
    }

    /// A person, and their OneAll user, if they have one.
    pub(super) fn person(user: Option<&str>) -> Self {
        Self { subject: Subject::Person(user.map(Into::into)) }
    }

    pub(super) fn service(scopes: Scopes) -> Self {
        Self { subject: Subject::Service(scopes) }
    }

    pub(super) fn operator() -> Self {
        Self { subject: Subject::Operator }
    }

    /// Returns the caller's own OneAll user token.
    pub fn user(&self) -> Option<&str> {
        match &self.subject {
            Subject::Person(user) => user.as_deref(),
            _ => None,
        }
    }

    /// Returns whether the caller may read anything at OneAll.
    pub fn reaches_anything(&self) -> bool {
        Right::ALL.into_iter().any(|right| match (right.holders().scope, self.reach(right)) {
            (None, _) => false,
            (Some(scope), _) if SCOPES_WITHOUT_READ.contains(&scope) => false,
            (_, reach) => reach.is_ok_and(|reach| reach != Reach::Nothing),
        })
    }

    /// Grants reading sign-ins by their tokens.
    ///
    /// # Errors
    /// Why there is no grant.
    pub fn sign_ins(&self) -> Result<SignInGrant, Denied> {
        self.reach(Right::SignIn).map(SignInGrant)
    }

    /// Grants reading users and identities by their tokens.
    ///
    /// # Errors
    /// Why there is no grant.
    pub fn users(&self) -> Result<UserGrant, Denied> {
        self.reach(Right::User).map(UserGrant)
    }

    /// Grants listing the sign-ins of the site.
    ///
    /// # Errors
    /// Why there is no grant.
    pub fn sign_in_list(&self) -> Result<SiteKeyAccess<'_>, Denied> {
        self.reach(Right::SignIns).map(|_| SiteKeyAccess(PhantomData))
    }

    /// Grants listing the identities of the site.
    ///
    /// # Errors
    /// Why there is no grant.
    pub fn identity_list(&self) -> Result<SiteKeyAccess<'_>, Denied> {
        self.reach(Right::Identities).map(|_| SiteKeyAccess(PhantomData))
    }

    /// Grants reading personal fields of records that another grant covers.
    ///
    /// # Errors
    /// Why there is no grant.
    pub fn personal(&self) -> Result<(), Denied> {
        self.reach(Right::Personal).map(drop)
    }

    /// Grants synchronizing identities with their social networks.
    ///
    /// # Errors
    /// Why there is no grant.
    pub fn synchronize(&self) -> Result<SynchronizeGrant, Denied> {
        self.reach(Right::Synchronize).map(SynchronizeGrant)
    }

    /// Grants moving identities to other users.
    ///
    /// # Errors
    /// Why there is no grant.
    pub fn relink(&self) -> Result<SiteKeyAccess<'_>, Denied> {
        self.reach(Right::Relink).map(|_| SiteKeyAccess(PhantomData))
    }

    /// Grants deleting identities.
    ///
    /// # Errors
    /// Why there is no grant.
    pub fn delete(&self) -> Result<SiteKeyAccess<'_>, Denied> {
        self.reach(Right::Delete).map(|_| SiteKeyAccess(PhantomData))
    }

    /// Grants the operator, who has the keys anyway, a call that tests them.
    pub fn operator_check(&self) -> Option<SiteKeyAccess<'_>> {
        (self.subject == Subject::Operator).then_some(SiteKeyAccess(PhantomData))
    }

    /// Decides a right by the policy.
    fn reach(&self, right: Right) -> Result<Reach, Denied> {
        let holders = right.holders();
        match (&self.subject, holders.person, holders.scope) {
            (Subject::Operator, ..) => Ok(Reach::Everyone),
            (Subject::Anonymous, ..) => Err(Denied::NoCredential),
            (_, PersonAccess::ByWordPressToken, _) => Err(Denied::NoToken),
            (Subject::Person(None), PersonAccess::Own, _) => Ok(Reach::Nothing),
            (Subject::Person(Some(user)), PersonAccess::Own, _) => Ok(Reach::User(user.clone())),
            (Subject::Person(_), PersonAccess::Never, Some(scope)) => Err(Denied::ServicesOnly(scope)),
            (Subject::Service(scopes), _, Some(scope)) if scopes.contains(scope) => Ok(Reach::Everyone),
            (Subject::Service(_), _, Some(scope)) => Err(Denied::MissingScope(scope)),
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

macro_rules! impl_record_grant {
    ($name:ident) => {
        impl $name {
            /// Returns whether the grant can cover any record. If not, no call is needed.
            pub fn reaches_anything(&self) -> bool {
                self.0 != Reach::Nothing
            }

            /// Returns whether the grant covers a record of this owner. A record without a known owner is covered only by
            /// a grant for everyone's records.
            pub fn covers(&self, owner: Option<&str>) -> bool {
                self.0.covers(owner)
            }

            /// Returns the proof that exposes the site's keys.
            pub fn site_key_access(&self) -> SiteKeyAccess<'_> {
                SiteKeyAccess(PhantomData)
            }
        }
    };
}

impl_record_grant!(SignInGrant);
impl_record_grant!(UserGrant);

impl SynchronizeGrant {
    /// Returns whether the grant covers all identities, so that the owner need not be read first.
    pub fn reaches_everyone(&self) -> bool {
        self.0 == Reach::Everyone
    }

    /// Returns the proof that exposes the site's keys for an identity of this owner, if the grant covers it.
    pub fn site_key_access(&self, owner: Option<&str>) -> Option<SiteKeyAccess<'_>> {
        self.0.covers(owner).then_some(SiteKeyAccess(PhantomData))
    }
}

#[cfg(test)]
mod tests;

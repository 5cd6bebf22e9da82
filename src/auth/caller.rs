//! The caller of a request: built once by the [`Authenticator`](super::Authenticator), then passed by value and never
//! given more rights.

use std::sync::Arc;

use secrecy::SecretString;

use super::grant::{Denied, OneAllGrant, WordPressGrant};
use super::jwt::Claims;
use super::scope::{Scope, Scopes};
use super::service_key::ServiceKey;
use super::token_hash::TokenHash;

/// The scopes that a JWT can give to a person. All others are for services: a person never gets access to the whole
/// site.
const PERSON_SCOPES: [Scope; 2] = [Scope::Explain, Scope::NoCache];

/// The caller of a request: a principal and its grants.
#[derive(Clone, Debug)]
pub struct Caller {
    principal: Principal,
    scopes: Scopes,
    wordpress: Result<WordPressGrant, Denied>,
    oneall: OneAllGrant,
}

/// The identity of a caller, for quotas and for the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Principal {
    /// A caller without a credential.
    Anonymous,
    /// The owner of a WordPress.com token, which is the only credential.
    WordPress {
        /// The hash of the token.
        token: TokenHash,
        /// Whether the token is known to be genuine. Until then it may be invented.
        is_verified: bool,
    },
    /// A person, identified by a JWT.
    User {
        /// The claim `sub`.
        subject: Arc<str>,
    },
    /// A service, identified by its key.
    Service {
        /// The name of the service in the settings.
        name: Arc<str>,
    },
    /// The person that a gateway in personal mode serves.
    Personal,
    /// The operator, who runs a command with the settings and so has all keys.
    Operator,
}

impl Principal {
    /// Returns the kind as one word.
    pub fn kind(&self) -> &'static str {
        match self {
            Principal::Anonymous => "anonymous",
            Principal::WordPress { .. } => "wordpress",
            Principal::User { .. } => "user",
            Principal::Service { .. } => "service",
            Principal::Personal => "personal",
            Principal::Operator => "operator",
        }
    }
}

/// A caller before its WordPress.com grant is known.
pub(super) struct AuthenticatedIdentity {
    principal: Principal,
    scopes: Scopes,
    oneall: OneAllGrant,
}

impl AuthenticatedIdentity {
    /// A caller without a credential.
    pub(super) fn anonymous() -> Self {
        Self { principal: Principal::Anonymous, scopes: Scopes::NONE, oneall: OneAllGrant::anonymous() }
    }

    /// The owner of a WordPress.com token.
    pub(super) fn from_token(token: TokenHash, is_verified: bool) -> Self {
        Self { principal: Principal::WordPress { token, is_verified }, ..Self::anonymous() }
    }

    /// The person of a JWT.
    pub(super) fn person(claims: &Claims) -> Self {
        let principal = Principal::User { subject: claims.subject.as_str().into() };
        let scopes = claims.scopes.iter().filter(|scope| PERSON_SCOPES.contains(scope)).collect();
        Self { principal, scopes, oneall: OneAllGrant::person(claims.oneall_user.as_deref()) }
    }

    /// The service of a key.
    pub(super) fn service(key: &ServiceKey) -> Self {
        let principal = Principal::Service { name: (&*key.service).into() };
        Self { principal, scopes: key.scopes, oneall: OneAllGrant::service(key.scopes) }
    }

    /// Adds the grant of the WordPress.com token.
    pub(super) fn with_wordpress(self, wordpress: Result<WordPressGrant, Denied>) -> Caller {
        Caller { principal: self.principal, scopes: self.scopes, wordpress, oneall: self.oneall }
    }
}

impl Caller {
    /// The operator. Reads the whole OneAll site, or only one user's data if a user is given.
    pub fn operator(wordpress_token: Option<SecretString>, oneall_user: Option<&str>) -> Self {
        let oneall = oneall_user.map_or_else(OneAllGrant::operator, |user| OneAllGrant::person(Some(user)));
        Self {
            principal: Principal::Operator,
            scopes: Scope::ALL.into_iter().collect(),
            wordpress: wordpress_grant(wordpress_token),
            oneall,
        }
    }

    /// The person that a gateway in personal mode serves.
    pub(super) fn personal(wordpress_token: Option<SecretString>, oneall_user: Option<&str>) -> Self {
        Self {
            principal: Principal::Personal,
            scopes: PERSON_SCOPES.into_iter().collect(),
            wordpress: wordpress_grant(wordpress_token),
            oneall: OneAllGrant::person(oneall_user),
        }
    }

    /// Returns the identity of the caller.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Returns whether the caller has no credential, or only a WordPress.com token that may be invented.
    pub fn is_anonymous(&self) -> bool {
        matches!(self.principal, Principal::Anonymous | Principal::WordPress { is_verified: false, .. })
    }

    /// Returns whether the caller has a scope of the gateway itself. Scopes of OneAll are in the grants.
    pub fn has_scope(&self, scope: Scope) -> bool {
        self.scopes.contains(scope)
    }

    /// Returns the grant for WordPress.com, if there is one.
    pub fn wordpress(&self) -> Option<&WordPressGrant> {
        self.wordpress.as_ref().ok()
    }

    /// Returns the grant for WordPress.com, or why there is none.
    pub fn wordpress_or_denied(&self) -> &Result<WordPressGrant, Denied> {
        &self.wordpress
    }

    /// Returns the grant for OneAll.
    pub fn oneall(&self) -> &OneAllGrant {
        &self.oneall
    }
}

fn wordpress_grant(token: Option<SecretString>) -> Result<WordPressGrant, Denied> {
    token.map(WordPressGrant::new).ok_or(Denied::NoToken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_never_gets_a_scope_for_services() {
        let scopes = Scope::ALL.into_iter().collect();
        let claims = Claims { subject: "ada".to_owned(), oneall_user: None, scopes };
        let caller = AuthenticatedIdentity::person(&claims).with_wordpress(Err(Denied::NoToken));
        let scopes: Vec<_> = Scope::ALL.into_iter().filter(|scope| caller.has_scope(*scope)).collect();
        assert_eq!(scopes, PERSON_SCOPES);
    }

    #[test]
    fn the_debug_output_of_a_caller_has_no_token() {
        let caller = Caller::operator(Some(SecretString::from("canary-token")), None);
        assert!(!format!("{caller:?}").contains("canary"));
    }
}

//! Who asks: one request's caller, made once at the border and carried by value, never widened on the way.

use std::sync::Arc;

use secrecy::SecretString;

use super::grant::{Denied, OneAllGrant, WordPressGrant};
use super::jwt::Claims;
use super::scope::{Scope, Scopes};
use super::service_key::ServiceKey;
use super::token_hash::TokenHash;

/// The scopes that a JWT can give a person. All others are services': who signs in is never handed the site.
const OF_PERSONS: [Scope; 2] = [Scope::Explain, Scope::NoCache];

/// Who asks: one request's principal and what it may read.
#[derive(Clone, Debug)]
pub struct Caller {
    principal: Principal,
    scopes: Scopes,
    wordpress: Result<WordPressGrant, Denied>,
    oneall: OneAllGrant,
}

/// Who asks, for limits and for the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Principal {
    /// Nobody who says who they are.
    Anonymous,
    /// Whoever has this WordPress.com token and shows nothing beside it.
    WordPress {
        /// The token's mark.
        token: TokenHash,
        /// Whether WordPress.com is known to accept it; until then anybody may have made it up.
        is_verified: bool,
    },
    /// A person, by their JWT.
    User {
        /// Its `sub`.
        subject: Arc<str>,
    },
    /// A service, by its key.
    Service {
        /// The service's name in the settings.
        name: Arc<str>,
    },
    /// The one person whose a gateway in personal mode is.
    Personal,
    /// Whoever runs a command and has the configuration, and so its keys, in hand.
    Operator,
}

impl Principal {
    /// What kind it is, in one word.
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

/// Who a request is from, its WordPress.com token aside.
pub(super) struct AuthenticatedIdentity {
    principal: Principal,
    scopes: Scopes,
    oneall: OneAllGrant,
}

impl AuthenticatedIdentity {
    /// Nobody.
    pub(super) fn nobody() -> Self {
        Self { principal: Principal::Anonymous, scopes: Scopes::NONE, oneall: OneAllGrant::nobody() }
    }

    /// Whoever has this token.
    pub(super) fn by_token(token: TokenHash, is_verified: bool) -> Self {
        Self { principal: Principal::WordPress { token, is_verified }, ..Self::nobody() }
    }

    /// The person of a JWT.
    pub(super) fn person(claims: &Claims) -> Self {
        let principal = Principal::User { subject: claims.subject.as_str().into() };
        let scopes = claims.scopes.iter().filter(|scope| OF_PERSONS.contains(scope)).collect();
        Self { principal, scopes, oneall: OneAllGrant::person(claims.oneall_user.as_deref()) }
    }

    /// The service of a key.
    pub(super) fn service(key: &ServiceKey) -> Self {
        let principal = Principal::Service { name: (&*key.service).into() };
        Self { principal, scopes: key.scopes, oneall: OneAllGrant::service(key.scopes) }
    }

    /// The caller, with what their WordPress.com token opens.
    pub(super) fn with(self, wordpress: Result<WordPressGrant, Denied>) -> Caller {
        Caller { principal: self.principal, scopes: self.scopes, wordpress, oneall: self.oneall }
    }
}

impl Caller {
    /// The operator of a configuration, who has its keys anyway: reads the whole OneAll site, or as one of its users if one
    /// is named.
    pub fn operator(wordpress_token: Option<SecretString>, oneall_user: Option<&str>) -> Self {
        let oneall = oneall_user.map_or_else(OneAllGrant::operator, |user| OneAllGrant::person(Some(user)));
        Self {
            principal: Principal::Operator,
            scopes: Scope::ALL.into_iter().collect(),
            wordpress: granted(wordpress_token),
            oneall,
        }
    }

    /// The one person of a gateway in personal mode.
    pub(super) fn personal(wordpress_token: Option<SecretString>, oneall_user: Option<&str>) -> Self {
        Self {
            principal: Principal::Personal,
            scopes: OF_PERSONS.into_iter().collect(),
            wordpress: granted(wordpress_token),
            oneall: OneAllGrant::person(oneall_user),
        }
    }

    /// Who it is.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Whether nobody says who they are, not even by a WordPress.com token that is known to be one.
    pub fn is_anonymous(&self) -> bool {
        matches!(self.principal, Principal::Anonymous | Principal::WordPress { is_verified: false, .. })
    }

    /// Whether the caller has a right of the gateway's own; what OneAll's scopes open, the grants say.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(scope)
    }

    /// What the caller may read at WordPress.com, if anything.
    pub fn wordpress(&self) -> Option<&WordPressGrant> {
        self.wordpress.as_ref().ok()
    }

    /// What the caller may read at WordPress.com, or why nothing.
    pub fn wordpress_or_denied(&self) -> &Result<WordPressGrant, Denied> {
        &self.wordpress
    }

    /// What the caller may read at OneAll.
    pub fn oneall(&self) -> &OneAllGrant {
        &self.oneall
    }
}

fn granted(token: Option<SecretString>) -> Result<WordPressGrant, Denied> {
    token.map(WordPressGrant::new).ok_or(Denied::NoToken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_never_given_a_services_scope() {
        let scopes = Scope::ALL.into_iter().collect();
        let claims = Claims { subject: "ada".to_owned(), oneall_user: None, scopes };
        let caller = AuthenticatedIdentity::person(&claims).with(Err(Denied::NoToken));
        let has: Vec<_> = Scope::ALL.into_iter().filter(|scope| caller.may(*scope)).collect();
        assert_eq!(has, OF_PERSONS);
    }

    #[test]
    fn a_caller_prints_no_token() {
        let caller = Caller::operator(Some(SecretString::from("canary-token")), None);
        assert!(!format!("{caller:?}").contains("canary"));
    }
}

//! The access policy: one table that decides grants, that `check --access` prints, and that the schema's
//! `@requiresScopes` come from.
//!
//! A right is granted or denied. A rule lists the rights that allow access to a field. The rule of a type applies to all
//! of its fields without a rule of their own. A test fails for a field without a rule; such a field is never public by
//! accident.

use super::scope::Scope;

/// A right that can be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// A person's own data at WordPress.com.
    WordPress,
    /// A OneAll sign-in, by its token.
    SignIn,
    /// The list of the OneAll site's sign-ins.
    SignIns,
    /// A OneAll user or identity, by its token.
    User,
    /// The list of the OneAll site's identities.
    Identities,
    /// Data of the OneAll user in the caller's JWT.
    OwnUser,
    /// Personal fields: e-mail addresses, phone numbers, birthday and postal addresses.
    Personal,
    /// Synchronizing a OneAll identity with its social network.
    Synchronize,
    /// Moving a OneAll identity to another user.
    Relink,
    /// Deleting a OneAll identity.
    Delete,
}

/// How far a person with a JWT has a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonAccess {
    /// For the data of their own OneAll user.
    Own,
    /// Not at all, whatever the JWT contains.
    Never,
    /// As far as their WordPress.com token allows.
    ByWordPressToken,
}

/// The callers that have a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holders {
    /// A description of the right, for people.
    pub description: &'static str,
    /// How far a person with a JWT has it.
    pub person: PersonAccess,
    /// The scope that gives it to a service. Without a scope, a service has it as far as its WordPress.com token allows.
    pub scope: Option<Scope>,
}

/// The access to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody has access.
    Public,
    /// Everybody who has access to the parent object has access to the field.
    WithParent,
    /// Each of these rights gives access to the field, or to the part that the right is about.
    AnyOf(&'static [Right]),
    /// A part is public (services known by name), and each of these rights gives access to another part.
    Partial(&'static [Right]),
}

/// A rule: a type, or one field as `Type.field`, and the access to it.
#[derive(Clone, Copy, Debug)]
pub struct FieldRule(pub &'static str, pub Access);

impl Right {
    /// All rights.
    pub const ALL: [Right; 10] = [
        Right::WordPress,
        Right::SignIn,
        Right::SignIns,
        Right::User,
        Right::Identities,
        Right::OwnUser,
        Right::Personal,
        Right::Synchronize,
        Right::Relink,
        Right::Delete,
    ];

    /// Returns the callers that have the right.
    pub const fn holders(self) -> Holders {
        let (description, person, scope) = match self {
            Right::WordPress => ("what the WordPress.com token gives access to", PersonAccess::ByWordPressToken, None),
            Right::SignIn => ("a OneAll sign-in, by its token", PersonAccess::Own, Some(Scope::ConnectionsRead)),
            Right::SignIns => ("the list of the site's sign-ins", PersonAccess::Never, Some(Scope::ConnectionsList)),
            Right::User => ("a OneAll user or identity, by its token", PersonAccess::Own, Some(Scope::UsersRead)),
            Right::Identities => ("the list of the site's identities", PersonAccess::Never, Some(Scope::UsersRead)),
            Right::OwnUser => ("data of the OneAll user in the JWT", PersonAccess::Own, None),
            Right::Personal => {
                ("e-mails, phones, birthday, addresses at OneAll", PersonAccess::Own, Some(Scope::Personal))
            }
            Right::Synchronize => {
                ("to synchronize a OneAll identity", PersonAccess::Own, Some(Scope::IdentitiesSynchronize))
            }
            Right::Relink => ("to relink a OneAll identity", PersonAccess::Never, Some(Scope::IdentitiesRelink)),
            Right::Delete => ("to delete a OneAll identity", PersonAccess::Never, Some(Scope::IdentitiesDelete)),
        };
        Holders { description, person, scope }
    }

    /// Returns what gives the right, as in the schema's directive: `wordpress` for a WordPress.com token, `person` for the
    /// JWT of the owner, and scopes of services.
    pub fn requirements(self) -> impl Iterator<Item = &'static str> {
        let holders = self.holders();
        let person = match holders.person {
            PersonAccess::Own => Some("person"),
            PersonAccess::ByWordPressToken => Some("wordpress"),
            PersonAccess::Never => None,
        };
        person.into_iter().chain(holders.scope.map(Scope::as_str))
    }
}

impl Access {
    /// Returns what gives access, each once. Empty if nothing more is required.
    pub fn requirements(self) -> Vec<&'static str> {
        let (Access::AnyOf(rights) | Access::Partial(rights)) = self else { return Vec::new() };
        let mut requirements = Vec::new();
        for requirement in rights.iter().flat_map(|right| right.requirements()) {
            if !requirements.contains(&requirement) {
                requirements.push(requirement);
            }
        }
        requirements
    }
}

/// Returns the access to a field, by its own rule or by the rule of its type.
pub fn access_to(kind: &str, field: &str) -> Option<Access> {
    let of_field = RULES.iter().find(|rule| rule.0.split_once('.') == Some((kind, field)));
    of_field.or_else(|| RULES.iter().find(|rule| rule.0 == kind)).map(|rule| rule.1)
}

const ANY_OBJECT: &[Right] = &[Right::WordPress, Right::SignIn, Right::User];
const WORDPRESS: Access = Access::AnyOf(&[Right::WordPress]);
const SIGN_IN: Access = Access::AnyOf(&[Right::SignIn]);
const USER: Access = Access::AnyOf(&[Right::User]);
const PERSONAL: Access = Access::AnyOf(&[Right::Personal]);
const CONNECTION: Access = Access::AnyOf(&[Right::WordPress, Right::SignIn]);
const OWN: Access = Access::AnyOf(&[Right::WordPress, Right::OwnUser]);

/// All rules.
pub const RULES: &[FieldRule] = &[
    FieldRule("Mutation.applicationRevoke", WORDPRESS),
    FieldRule("Mutation.connectionDisconnect", WORDPRESS),
    FieldRule("Mutation.identityDelete", Access::AnyOf(&[Right::Delete])),
    FieldRule("Mutation.identityRelink", Access::AnyOf(&[Right::Relink])),
    FieldRule("Mutation.identitySynchronize", Access::AnyOf(&[Right::Synchronize])),
    FieldRule("Mutation.publicizeConnectionShare", WORDPRESS),
    FieldRule("Query.application", Access::Partial(&[Right::WordPress])),
    FieldRule("Query.applications", WORDPRESS),
    FieldRule("Query.connection", CONNECTION),
    FieldRule("Query.connections", Access::AnyOf(&[Right::WordPress, Right::SignIns])),
    FieldRule("Query.identities", Access::AnyOf(&[Right::WordPress, Right::Identities])),
    FieldRule("Query.identity", Access::AnyOf(ANY_OBJECT)),
    FieldRule("Query.node", Access::Partial(ANY_OBJECT)),
    FieldRule("Query.nodes", Access::Partial(ANY_OBJECT)),
    FieldRule("Query.providers", Access::Public),
    FieldRule("Query.rateLimit", Access::Public),
    FieldRule("Query.service", Access::Public),
    FieldRule("Query.services", Access::Public),
    FieldRule("Query.viewer", OWN),
    FieldRule("Viewer.applications", WORDPRESS),
    FieldRule("Viewer.connections", WORDPRESS),
    FieldRule("Viewer.identities", OWN),
    FieldRule("Viewer.needsAttentionCount", WORDPRESS),
    FieldRule("Viewer.oneallUser", Access::AnyOf(&[Right::OwnUser])),
    FieldRule("Viewer.wordpressUser", WORDPRESS),
    FieldRule("ProviderState", Access::Public),
    FieldRule("RateLimit", Access::WithParent),
    FieldRule("Connection", Access::WithParent),
    // The list of sign-ins does not contain these.
    FieldRule("Connection.application", SIGN_IN),
    FieldRule("Connection.health", CONNECTION),
    FieldRule("Connection.identity", CONNECTION),
    FieldRule("Connection.service", CONNECTION),
    FieldRule("ConnectionHealth", Access::WithParent),
    FieldRule("HealthAction", Access::WithParent),
    FieldRule("AdditionalAccount", Access::WithParent),
    FieldRule("KeyringRecord", WORDPRESS),
    FieldRule("PublicizeRecord", WORDPRESS),
    FieldRule("SignInRecord", Access::WithParent),
    FieldRule("SignInRecord.action", SIGN_IN),
    FieldRule("SignInRecord.plugin", SIGN_IN),
    FieldRule("SignInRecord.result", SIGN_IN),
    FieldRule("SignInRecord.user", SIGN_IN),
    FieldRule("SignInPlugin", Access::WithParent),
    FieldRule("SignInResult", Access::WithParent),
    FieldRule("Application", Access::WithParent),
    FieldRule("ApplicationAccess", Access::WithParent),
    FieldRule("Permission", Access::WithParent),
    FieldRule("Identity", Access::WithParent),
    FieldRule("Identity.connections", WORDPRESS),
    FieldRule("Identity.emails", PERSONAL),
    FieldRule("Identity.sameAs", OWN),
    FieldRule("IdentityMatch", Access::WithParent),
    FieldRule("PersonName", Access::WithParent),
    FieldRule("Photo", Access::WithParent),
    FieldRule("EmailEntry", PERSONAL),
    FieldRule("UrlEntry", Access::WithParent),
    FieldRule("Account", Access::WithParent),
    FieldRule("Profile", Access::WithParent),
    FieldRule("Profile.addresses", PERSONAL),
    FieldRule("Profile.birthday", PERSONAL),
    FieldRule("Profile.phoneNumbers", PERSONAL),
    FieldRule("Address", PERSONAL),
    FieldRule("LabelledValue", Access::WithParent),
    FieldRule("Organization", Access::WithParent),
    FieldRule("Relationship", Access::WithParent),
    FieldRule("OneAllUser", USER),
    FieldRule("OneAllUser.userToken", Access::WithParent),
    FieldRule("Service", Access::WithParent),
    FieldRule("Service.connections", WORDPRESS),
    FieldRule("Service.identities", OWN),
    // These come from WordPress.com's catalogue, which requires a token.
    FieldRule("Service.additionalAccountsOnly", WORDPRESS),
    FieldRule("Service.connectUrl", WORDPRESS),
    FieldRule("Service.description", WORDPRESS),
    FieldRule("Service.genericon", WORDPRESS),
    FieldRule("Service.iconUrl", WORDPRESS),
    FieldRule("Service.jetpackModule", WORDPRESS),
    FieldRule("Service.jetpackSupport", WORDPRESS),
    FieldRule("Service.status", WORDPRESS),
    FieldRule("Service.supportsMultipleAccounts", WORDPRESS),
    FieldRule("Service.type", WORDPRESS),
    FieldRule("Site", WORDPRESS),
    FieldRule("WordPressUser", WORDPRESS),
    FieldRule("ApplicationConnection", Access::WithParent),
    FieldRule("ApplicationEdge", Access::WithParent),
    FieldRule("ConnectionConnection", Access::WithParent),
    FieldRule("ConnectionEdge", Access::WithParent),
    FieldRule("IdentityConnection", Access::WithParent),
    FieldRule("IdentityEdge", Access::WithParent),
    FieldRule("ServiceConnection", Access::WithParent),
    FieldRule("ServiceEdge", Access::WithParent),
    FieldRule("IncompleteSide", Access::WithParent),
    FieldRule("ApplicationRevokePayload", Access::WithParent),
    FieldRule("ApplicationRevokePayload.viewer", OWN),
    FieldRule("ConnectionDisconnectPayload", Access::WithParent),
    FieldRule("ConnectionDisconnectPayload.viewer", OWN),
    FieldRule("IdentityDeletePayload", Access::WithParent),
    FieldRule("IdentityDeletePayload.viewer", OWN),
    FieldRule("IdentityRelinkPayload", Access::WithParent),
    FieldRule("IdentityRelinkPayload.identity", USER),
    FieldRule("IdentityRelinkPayload.viewer", OWN),
    FieldRule("IdentitySynchronizePayload", Access::WithParent),
    FieldRule("IdentitySynchronizePayload.identity", USER),
    FieldRule("IdentitySynchronizePayload.viewer", OWN),
    FieldRule("PublicizeConnectionSharePayload", Access::WithParent),
    FieldRule("PublicizeConnectionSharePayload.viewer", OWN),
    FieldRule("UserError", Access::WithParent),
    FieldRule("PageInfo", Access::WithParent),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_has_one_rule() {
        for (at, rule) in RULES.iter().enumerate() {
            assert!(RULES[at + 1..].iter().all(|other| other.0 != rule.0), "{}", rule.0);
        }
    }

    #[test]
    fn the_rule_of_a_field_precedes_the_rule_of_its_type() {
        assert_eq!(access_to("OneAllUser", "loginCount"), Some(USER));
        assert_eq!(access_to("OneAllUser", "userToken"), Some(Access::WithParent));
        assert_eq!(access_to("Nothing", "id"), None);
    }

    #[test]
    fn each_requirement_is_returned_once() {
        let requirements = ["wordpress", "person", "oneall:connections:read", "oneall:users:read"];
        assert_eq!(Access::AnyOf(ANY_OBJECT).requirements(), requirements);
        assert_eq!(OWN.requirements(), ["wordpress", "person"]);
        assert_eq!(Access::Public.requirements(), [""; 0]);
    }
}

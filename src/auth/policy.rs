//! Who may read what: the one table by which grants are decided, that `check --access` prints, and of which the schema's
//! `@requiresScopes` are made.
//!
//! A right is what is granted or refused; a line says which rights open a field. A type's line stands for all of its
//! fields that have none of their own. What has no line here is a fault that a test finds, never a field open to all.

use super::scope::Scope;

/// What can be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// A person's own things at WordPress.com.
    WordPress,
    /// A sign-in at OneAll, by its token.
    SignIn,
    /// The list of a OneAll site's sign-ins.
    SignIns,
    /// A user or an identity of a OneAll site, by its token.
    User,
    /// The list of a OneAll site's identities.
    Identities,
    /// What belongs to the user whom the caller's own JWT names.
    OwnUser,
    /// What identifies a person outside: e-mail addresses, telephone numbers, the birthday, postal addresses.
    Personal,
    /// To have an identity of a OneAll site read afresh from its social network.
    Synchronize,
    /// To move an identity of a OneAll site to another user.
    Relink,
    /// To delete an identity of a OneAll site.
    Delete,
}

/// What a person who shows a JWT has of a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonAccess {
    /// What belongs to their own user at OneAll.
    Own,
    /// Nothing, whatever their JWT says.
    Never,
    /// As the WordPress.com token beside reaches.
    ByWordPressToken,
}

/// Who has a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holders {
    /// What it is the right to, for a person to read.
    pub what: &'static str,
    /// What a person has of it who shows a JWT.
    pub person: PersonAccess,
    /// The scope with which a service has it; without one, a service has it as the token beside reaches, or not at all.
    pub scope: Option<Scope>,
}

/// What opens a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing is needed.
    Public,
    /// Whoever was given the thing that it is a field of.
    WithParent,
    /// Each of these rights opens it, or the part of it that the right is about.
    AnyOf(&'static [Right]),
    /// A part of it is open to all (what is known by name), and each of these rights opens another.
    Partial(&'static [Right]),
}

/// A line of the table: a type, or one field as `Type.field`, and what opens it.
#[derive(Clone, Copy, Debug)]
pub struct FieldRule(pub &'static str, pub Access);

impl Right {
    /// Every right.
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

    /// Who has it.
    pub const fn holders(self) -> Holders {
        let (what, person, scope) = match self {
            Right::WordPress => ("what the WordPress.com token reaches", PersonAccess::ByWordPressToken, None),
            Right::SignIn => ("a OneAll sign-in, by its token", PersonAccess::Own, Some(Scope::ConnectionsRead)),
            Right::SignIns => ("the list of the site's sign-ins", PersonAccess::Never, Some(Scope::ConnectionsList)),
            Right::User => ("a OneAll user or identity, by its token", PersonAccess::Own, Some(Scope::UsersRead)),
            Right::Identities => ("the list of the site's identities", PersonAccess::Never, Some(Scope::UsersRead)),
            Right::OwnUser => ("what is of the user whom the JWT names", PersonAccess::Own, None),
            Right::Personal => {
                ("e-mails, phones, birthday, addresses at OneAll", PersonAccess::Own, Some(Scope::Personal))
            }
            Right::Synchronize => {
                ("to synchronize a OneAll identity", PersonAccess::Own, Some(Scope::IdentitiesSynchronize))
            }
            Right::Relink => ("to relink a OneAll identity", PersonAccess::Never, Some(Scope::IdentitiesRelink)),
            Right::Delete => ("to delete a OneAll identity", PersonAccess::Never, Some(Scope::IdentitiesDelete)),
        };
        Holders { what, person, scope }
    }

    /// The ways to it, each as the schema's directive names it: `wordpress` for a WordPress.com token, `person` for a JWT
    /// of whom it is about, and scopes of services.
    pub fn ways(self) -> impl Iterator<Item = &'static str> {
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
    /// The ways that open it, each once; none if nothing more is needed.
    pub fn ways(self) -> Vec<&'static str> {
        let (Access::AnyOf(rights) | Access::Partial(rights)) = self else { return Vec::new() };
        let mut ways = Vec::new();
        for way in rights.iter().flat_map(|right| right.ways()) {
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
        ways
    }
}

/// What opens a field, or all of a type's fields without a line of their own. `None` for what has no line.
pub fn opened(kind: &str, field: &str) -> Option<Access> {
    let of_field = RULES.iter().find(|line| line.0.split_once('.') == Some((kind, field)));
    of_field.or_else(|| RULES.iter().find(|line| line.0 == kind)).map(|line| line.1)
}

const THINGS: &[Right] = &[Right::WordPress, Right::SignIn, Right::User];
const WORDPRESS: Access = Access::AnyOf(&[Right::WordPress]);
const SIGN_IN: Access = Access::AnyOf(&[Right::SignIn]);
const USER: Access = Access::AnyOf(&[Right::User]);
const PERSONAL: Access = Access::AnyOf(&[Right::Personal]);
const CONNECTION: Access = Access::AnyOf(&[Right::WordPress, Right::SignIn]);
const OWN: Access = Access::AnyOf(&[Right::WordPress, Right::OwnUser]);

/// The table.
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
    FieldRule("Query.identity", Access::AnyOf(THINGS)),
    FieldRule("Query.node", Access::Partial(THINGS)),
    FieldRule("Query.nodes", Access::Partial(THINGS)),
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
    // A row of the list of sign-ins does not carry these.
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
    // These stand in WordPress.com's catalogue, which it shows to a person.
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
    fn no_field_has_two_lines() {
        for (at, line) in RULES.iter().enumerate() {
            assert!(RULES[at + 1..].iter().all(|other| other.0 != line.0), "{}", line.0);
        }
    }

    #[test]
    fn a_line_of_a_field_goes_before_that_of_its_type() {
        assert_eq!(opened("OneAllUser", "loginCount"), Some(USER));
        assert_eq!(opened("OneAllUser", "userToken"), Some(Access::WithParent));
        assert_eq!(opened("Nothing", "id"), None);
    }

    #[test]
    fn the_ways_are_named_each_once() {
        let ways = ["wordpress", "person", "oneall:connections:read", "oneall:users:read"];
        assert_eq!(Access::AnyOf(THINGS).ways(), ways);
        assert_eq!(OWN.ways(), ["wordpress", "person"]);
        assert_eq!(Access::Public.ways(), [""; 0]);
    }
}

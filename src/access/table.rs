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
pub enum OfPerson {
    /// What belongs to their own user at OneAll.
    Own,
    /// Nothing, whatever their JWT says.
    Nothing,
    /// As the WordPress.com token beside reaches.
    AsToken,
}

/// Who has a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holders {
    /// What it is the right to, for a person to read.
    pub what: &'static str,
    /// What a person has of it who shows a JWT.
    pub person: OfPerson,
    /// The scope with which a service has it; without one, a service has it as the token beside reaches, or not at all.
    pub scope: Option<Scope>,
}

/// What opens a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// Nothing is needed.
    ToAll,
    /// Whoever was given the thing that it is a field of.
    WithItsThing,
    /// Each of these rights opens it, or the part of it that the right is about.
    By(&'static [Right]),
    /// A part of it is open to all (what is known by name), and each of these rights opens another.
    InPart(&'static [Right]),
}

/// A line of the table: a type, or one field as `Type.field`, and what opens it.
#[derive(Clone, Copy, Debug)]
pub struct Line(pub &'static str, pub Opened);

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
            Right::WordPress => ("what the WordPress.com token reaches", OfPerson::AsToken, None),
            Right::SignIn => ("a OneAll sign-in, by its token", OfPerson::Own, Some(Scope::ConnectionsRead)),
            Right::SignIns => ("the list of the site's sign-ins", OfPerson::Nothing, Some(Scope::ConnectionsList)),
            Right::User => ("a OneAll user or identity, by its token", OfPerson::Own, Some(Scope::UsersRead)),
            Right::Identities => ("the list of the site's identities", OfPerson::Nothing, Some(Scope::UsersRead)),
            Right::OwnUser => ("what is of the user whom the JWT names", OfPerson::Own, None),
            Right::Personal => ("e-mails, phones, birthday, addresses at OneAll", OfPerson::Own, Some(Scope::Personal)),
            Right::Synchronize => {
                ("to synchronize a OneAll identity", OfPerson::Own, Some(Scope::IdentitiesSynchronize))
            }
            Right::Relink => ("to relink a OneAll identity", OfPerson::Nothing, Some(Scope::IdentitiesRelink)),
            Right::Delete => ("to delete a OneAll identity", OfPerson::Nothing, Some(Scope::IdentitiesDelete)),
        };
        Holders { what, person, scope }
    }

    /// The ways to it, each as the schema's directive names it: `wordpress` for a WordPress.com token, `person` for a JWT
    /// of whom it is about, and scopes of services.
    pub fn ways(self) -> impl Iterator<Item = &'static str> {
        let holders = self.holders();
        let person = match holders.person {
            OfPerson::Own => Some("person"),
            OfPerson::AsToken => Some("wordpress"),
            OfPerson::Nothing => None,
        };
        person.into_iter().chain(holders.scope.map(Scope::as_str))
    }
}

impl Opened {
    /// The ways that open it, each once; none if nothing more is needed.
    pub fn ways(self) -> Vec<&'static str> {
        let (Opened::By(rights) | Opened::InPart(rights)) = self else { return Vec::new() };
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
pub fn opened(kind: &str, field: &str) -> Option<Opened> {
    let of_field = LINES.iter().find(|line| line.0.split_once('.') == Some((kind, field)));
    of_field.or_else(|| LINES.iter().find(|line| line.0 == kind)).map(|line| line.1)
}

const THINGS: &[Right] = &[Right::WordPress, Right::SignIn, Right::User];
const WORDPRESS: Opened = Opened::By(&[Right::WordPress]);
const SIGN_IN: Opened = Opened::By(&[Right::SignIn]);
const USER: Opened = Opened::By(&[Right::User]);
const PERSONAL: Opened = Opened::By(&[Right::Personal]);
const CONNECTION: Opened = Opened::By(&[Right::WordPress, Right::SignIn]);
const OWN: Opened = Opened::By(&[Right::WordPress, Right::OwnUser]);

/// The table.
pub const LINES: &[Line] = &[
    Line("Mutation.applicationRevoke", WORDPRESS),
    Line("Mutation.connectionDisconnect", WORDPRESS),
    Line("Mutation.identityDelete", Opened::By(&[Right::Delete])),
    Line("Mutation.identityRelink", Opened::By(&[Right::Relink])),
    Line("Mutation.identitySynchronize", Opened::By(&[Right::Synchronize])),
    Line("Mutation.publicizeConnectionShare", WORDPRESS),
    Line("Query.application", Opened::InPart(&[Right::WordPress])),
    Line("Query.applications", WORDPRESS),
    Line("Query.connection", CONNECTION),
    Line("Query.connections", Opened::By(&[Right::WordPress, Right::SignIns])),
    Line("Query.identities", Opened::By(&[Right::WordPress, Right::Identities])),
    Line("Query.identity", Opened::By(THINGS)),
    Line("Query.node", Opened::InPart(THINGS)),
    Line("Query.nodes", Opened::InPart(THINGS)),
    Line("Query.providers", Opened::ToAll),
    Line("Query.rateLimit", Opened::ToAll),
    Line("Query.service", Opened::ToAll),
    Line("Query.services", Opened::ToAll),
    Line("Query.viewer", OWN),
    Line("Viewer.applications", WORDPRESS),
    Line("Viewer.connections", WORDPRESS),
    Line("Viewer.identities", OWN),
    Line("Viewer.needsAttentionCount", WORDPRESS),
    Line("Viewer.oneallUser", Opened::By(&[Right::OwnUser])),
    Line("Viewer.wordpressUser", WORDPRESS),
    Line("ProviderState", Opened::ToAll),
    Line("RateLimit", Opened::WithItsThing),
    Line("Connection", Opened::WithItsThing),
    // A row of the list of sign-ins does not carry these.
    Line("Connection.application", SIGN_IN),
    Line("Connection.health", CONNECTION),
    Line("Connection.identity", CONNECTION),
    Line("Connection.service", CONNECTION),
    Line("ConnectionHealth", Opened::WithItsThing),
    Line("HealthAction", Opened::WithItsThing),
    Line("AdditionalAccount", Opened::WithItsThing),
    Line("KeyringRecord", WORDPRESS),
    Line("PublicizeRecord", WORDPRESS),
    Line("SignInRecord", Opened::WithItsThing),
    Line("SignInRecord.action", SIGN_IN),
    Line("SignInRecord.plugin", SIGN_IN),
    Line("SignInRecord.result", SIGN_IN),
    Line("SignInRecord.user", SIGN_IN),
    Line("SignInPlugin", Opened::WithItsThing),
    Line("SignInResult", Opened::WithItsThing),
    Line("Application", Opened::WithItsThing),
    Line("ApplicationAccess", Opened::WithItsThing),
    Line("Permission", Opened::WithItsThing),
    Line("Identity", Opened::WithItsThing),
    Line("Identity.connections", WORDPRESS),
    Line("Identity.emails", PERSONAL),
    Line("Identity.sameAs", OWN),
    Line("IdentityMatch", Opened::WithItsThing),
    Line("PersonName", Opened::WithItsThing),
    Line("Photo", Opened::WithItsThing),
    Line("EmailEntry", PERSONAL),
    Line("UrlEntry", Opened::WithItsThing),
    Line("Account", Opened::WithItsThing),
    Line("Profile", Opened::WithItsThing),
    Line("Profile.addresses", PERSONAL),
    Line("Profile.birthday", PERSONAL),
    Line("Profile.phoneNumbers", PERSONAL),
    Line("Address", PERSONAL),
    Line("LabelledValue", Opened::WithItsThing),
    Line("Organization", Opened::WithItsThing),
    Line("Relationship", Opened::WithItsThing),
    Line("OneAllUser", USER),
    Line("OneAllUser.userToken", Opened::WithItsThing),
    Line("Service", Opened::WithItsThing),
    Line("Service.connections", WORDPRESS),
    Line("Service.identities", OWN),
    // These stand in WordPress.com's catalogue, which it shows to a person.
    Line("Service.additionalAccountsOnly", WORDPRESS),
    Line("Service.connectUrl", WORDPRESS),
    Line("Service.description", WORDPRESS),
    Line("Service.genericon", WORDPRESS),
    Line("Service.iconUrl", WORDPRESS),
    Line("Service.jetpackModule", WORDPRESS),
    Line("Service.jetpackSupport", WORDPRESS),
    Line("Service.status", WORDPRESS),
    Line("Service.supportsMultipleAccounts", WORDPRESS),
    Line("Service.type", WORDPRESS),
    Line("Site", WORDPRESS),
    Line("WordPressUser", WORDPRESS),
    Line("ApplicationConnection", Opened::WithItsThing),
    Line("ApplicationEdge", Opened::WithItsThing),
    Line("ConnectionConnection", Opened::WithItsThing),
    Line("ConnectionEdge", Opened::WithItsThing),
    Line("IdentityConnection", Opened::WithItsThing),
    Line("IdentityEdge", Opened::WithItsThing),
    Line("ServiceConnection", Opened::WithItsThing),
    Line("ServiceEdge", Opened::WithItsThing),
    Line("IncompleteSide", Opened::WithItsThing),
    Line("ApplicationRevokePayload", Opened::WithItsThing),
    Line("ApplicationRevokePayload.viewer", OWN),
    Line("ConnectionDisconnectPayload", Opened::WithItsThing),
    Line("ConnectionDisconnectPayload.viewer", OWN),
    Line("IdentityDeletePayload", Opened::WithItsThing),
    Line("IdentityDeletePayload.viewer", OWN),
    Line("IdentityRelinkPayload", Opened::WithItsThing),
    Line("IdentityRelinkPayload.identity", USER),
    Line("IdentityRelinkPayload.viewer", OWN),
    Line("IdentitySynchronizePayload", Opened::WithItsThing),
    Line("IdentitySynchronizePayload.identity", USER),
    Line("IdentitySynchronizePayload.viewer", OWN),
    Line("PublicizeConnectionSharePayload", Opened::WithItsThing),
    Line("PublicizeConnectionSharePayload.viewer", OWN),
    Line("UserError", Opened::WithItsThing),
    Line("PageInfo", Opened::WithItsThing),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_has_two_lines() {
        for (at, line) in LINES.iter().enumerate() {
            assert!(LINES[at + 1..].iter().all(|other| other.0 != line.0), "{}", line.0);
        }
    }

    #[test]
    fn a_line_of_a_field_goes_before_that_of_its_type() {
        assert_eq!(opened("OneAllUser", "loginCount"), Some(USER));
        assert_eq!(opened("OneAllUser", "userToken"), Some(Opened::WithItsThing));
        assert_eq!(opened("Nothing", "id"), None);
    }

    #[test]
    fn the_ways_are_named_each_once() {
        let ways = ["wordpress", "person", "oneall:connections:read", "oneall:users:read"];
        assert_eq!(Opened::By(THINGS).ways(), ways);
        assert_eq!(OWN.ways(), ["wordpress", "person"]);
        assert_eq!(Opened::ToAll.ways(), [""; 0]);
    }
}

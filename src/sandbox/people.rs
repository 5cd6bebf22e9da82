//! The people of the sandbox, and the keys of its OneAll site.
//!
//! Every credential is a constant so that a test can name it; all are invented and open nothing.

/// User name of the site's Basic credential at OneAll.
pub const ONEALL_PUBLIC_KEY: &str = "00000000-5a4d-4000-a000-000000000001";
/// Password of the site's Basic credential at OneAll.
pub const ONEALL_PRIVATE_KEY: &str = "00000000-5a4d-4000-b000-000000000002";

/// One invented person and the credentials that the sandbox knows them by.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    /// Lower-case handle, unique.
    pub name: &'static str,
    /// Who they are and what they are good for, in one line.
    pub about: &'static str,
    /// Bearer token at WordPress.com; none for a person without an account there.
    pub wordpress_token: Option<&'static str>,
    /// `user_token` at OneAll; none for a person who never signed in.
    pub oneall_user: Option<&'static str>,
    /// Whether this is the one person who acts for the whole OneAll site.
    pub operator: bool,
}

const PEOPLE: &[Person] = &[
    Person {
        name: "olga",
        about: "runs the shop: full WordPress.com account, acts for the whole OneAll site",
        wordpress_token: Some("sandbox-wpcom-olga"),
        oneall_user: Some("5a4d0000-0000-4000-8001-000000000001"),
        operator: true,
    },
    Person {
        name: "ada",
        about: "writes Fen Notes: the same Twitter, Facebook and Google accounts on both sides",
        wordpress_token: Some("sandbox-wpcom-ada"),
        oneall_user: Some("5a4d0000-0000-4000-8001-000000000002"),
        operator: false,
    },
    Person {
        name: "ben",
        about: "only WordPress.com: a token for one site",
        wordpress_token: Some("sandbox-wpcom-ben"),
        oneall_user: None,
        operator: false,
    },
    Person {
        name: "cleo",
        about: "only OneAll: signs in with LinkedIn and Google",
        wordpress_token: None,
        oneall_user: Some("5a4d0000-0000-4000-8001-000000000003"),
        operator: false,
    },
    Person {
        name: "dora",
        about: "an auth-scope token: /me works, everything else is refused",
        wordpress_token: Some("sandbox-wpcom-dora"),
        oneall_user: None,
        operator: false,
    },
    Person {
        name: "finn",
        about: "two-step sign-in: connected applications ask for a fresh token for ever",
        wordpress_token: Some("sandbox-wpcom-finn"),
        oneall_user: Some("5a4d0000-0000-4000-8001-000000000004"),
        operator: false,
    },
    Person {
        name: "gus",
        about: "edits Fen Notes with Ada: sees her shared connection, and is a namesake account's owner",
        wordpress_token: Some("sandbox-wpcom-gus"),
        oneall_user: Some("5a4d0000-0000-4000-8001-000000000005"),
        operator: false,
    },
    Person {
        name: "hana",
        about: "a new account: every WordPress.com list is empty",
        wordpress_token: Some("sandbox-wpcom-hana"),
        oneall_user: None,
        operator: false,
    },
];

/// Everyone in the sandbox, the operator first: the default person.
pub fn people() -> &'static [Person] {
    PEOPLE
}

/// The handle of the person whose WordPress.com token this is.
pub(super) fn of_token(token: &str) -> Option<&'static str> {
    PEOPLE.iter().find(|person| person.wordpress_token == Some(token)).map(|person| person.name)
}

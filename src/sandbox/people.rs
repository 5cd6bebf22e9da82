//! The people and services of the sandbox, how they say who they are, and the keys of its OneAll site.
//!
//! Every credential is a constant so that a test can name it; all are invented and open nothing. The JWTs are signed with
//! the secret that stands here, and both they and the services' keys are good until the year 2100.

/// User name of the site's Basic credential at OneAll.
pub const ONEALL_PUBLIC_KEY: &str = "00000000-5a4d-4000-a000-000000000001";
/// Password of the site's Basic credential at OneAll.
pub const ONEALL_PRIVATE_KEY: &str = "00000000-5a4d-4000-b000-000000000002";

/// Who makes the JWTs of the sandbox.
pub const JWT_ISSUER: &str = "https://sandbox.example";
/// For whom they are made.
pub const JWT_AUDIENCE: &str = "commongraph";
/// What they are signed with, by HS256.
pub const JWT_SECRET: &str = "sandbox-secret-known-to-everybody";
/// The claim that says who the person is at OneAll.
pub const JWT_ONEALL_USER_CLAIM: &str = "oneall_user";
/// The application to which the WordPress.com tokens were issued.
pub const WORDPRESS_CLIENT_ID: &str = "90210";

/// One invented service and its key.
#[derive(Debug, Clone, Copy)]
pub struct Service {
    /// Its name, which is its key's ID too.
    pub name: &'static str,
    /// What it is good for, in one line.
    pub about: &'static str,
    /// Its key.
    pub key: &'static str,
    /// What the key is good for.
    pub scopes: &'static [&'static str],
}

const SERVICES: &[Service] = &[
    Service {
        name: "shop",
        about: "the shop's backend: every scope",
        key: "cg_shop_sandbox-key-of-the-shop-with-all-its-scope0",
        scopes: &[
            "oneall:connections:read",
            "oneall:connections:list",
            "oneall:users:read",
            "oneall:personal",
            "oneall:identities:synchronize",
            "oneall:identities:relink",
            "oneall:identities:delete",
            "gateway:metrics",
            "gateway:explain",
            "gateway:no-cache",
        ],
    },
    Service {
        name: "login",
        about: "the login's callback: reads the sign-in that it is told of, with e-mail addresses, and no more",
        key: "cg_login_sandbox-key-of-the-login-to-read-sign-ins00",
        scopes: &["oneall:connections:read", "oneall:personal"],
    },
    Service {
        name: "report",
        about: "a nightly report: lists the site, and sees no e-mail address",
        key: "cg_report_sandbox-key-of-a-report-to-list-the-site000",
        scopes: &["oneall:connections:list", "oneall:connections:read", "oneall:users:read"],
    },
];

/// The services of the sandbox, the one with every scope first.
pub fn services() -> &'static [Service] {
    SERVICES
}

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
    /// What the site's own login gave them: a JWT that says who they are and, if they ever signed in, who at OneAll.
    pub jwt: &'static str,
    /// Whether this is the one person who runs the site, with the key of its service `shop` in hand.
    pub operator: bool,
}

const PEOPLE: &[Person] = &[
    Person {
        name: "olga",
        about: "runs the shop: full WordPress.com account, and the key of the service shop for the OneAll site",
        wordpress_token: Some("sandbox-wpcom-olga"),
        oneall_user: Some("5a4d0000-0000-4000-8001-000000000001"),
        jwt: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL3NhbmRib3guZXhhbXBsZSIsImF1ZCI6ImNvbW1vbmdyYXBoIiwic3ViIjoib2xnYSIsImV4cCI6NDEwMjQ0NDgwMCwib25lYWxsX3VzZXIiOiI1YTRkMDAwMC0wMDAwLTQwMDAtODAwMS0wMDAwMDAwMDAwMDEifQ.q65TisE02TqhiX3BBhXIFPov-8gFdcHbmKptrFLxD28",
        operator: true,
    },
    Person {
        name: "ada",
        about: "writes Fen Notes: the same Twitter, Facebook and Google accounts on both sides",
        wordpress_token: Some("sandbox-wpcom-ada"),
        oneall_user: Some("5a4d0000-0000-4000-8001-000000000002"),
        jwt: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL3NhbmRib3guZXhhbXBsZSIsImF1ZCI6ImNvbW1vbmdyYXBoIiwic3ViIjoiYWRhIiwiZXhwIjo0MTAyNDQ0ODAwLCJvbmVhbGxfdXNlciI6IjVhNGQwMDAwLTAwMDAtNDAwMC04MDAxLTAwMDAwMDAwMDAwMiJ9.0DnGf6xYWgyWoL1Wl9R-JYva4vEvnOAFunIEVIio4Ak",
        operator: false,
    },
    Person {
        name: "ben",
        about: "only WordPress.com: a token for one site",
        wordpress_token: Some("sandbox-wpcom-ben"),
        oneall_user: None,
        jwt: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL3NhbmRib3guZXhhbXBsZSIsImF1ZCI6ImNvbW1vbmdyYXBoIiwic3ViIjoiYmVuIiwiZXhwIjo0MTAyNDQ0ODAwfQ.gX3s36qqvW5RwdyqlL543hMSYjT-U5Jx7DPq1BWerHY",
        operator: false,
    },
    Person {
        name: "cleo",
        about: "only OneAll: signs in with LinkedIn and Google",
        wordpress_token: None,
        oneall_user: Some("5a4d0000-0000-4000-8001-000000000003"),
        jwt: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL3NhbmRib3guZXhhbXBsZSIsImF1ZCI6ImNvbW1vbmdyYXBoIiwic3ViIjoiY2xlbyIsImV4cCI6NDEwMjQ0NDgwMCwib25lYWxsX3VzZXIiOiI1YTRkMDAwMC0wMDAwLTQwMDAtODAwMS0wMDAwMDAwMDAwMDMifQ.3isb3PpBYzKUF9jzllqbQ4XuXc-sxEMo9IOGrR5n2pM",
        operator: false,
    },
    Person {
        name: "dora",
        about: "an auth-scope token: /me works, everything else is refused",
        wordpress_token: Some("sandbox-wpcom-dora"),
        oneall_user: None,
        jwt: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL3NhbmRib3guZXhhbXBsZSIsImF1ZCI6ImNvbW1vbmdyYXBoIiwic3ViIjoiZG9yYSIsImV4cCI6NDEwMjQ0NDgwMH0.gw54o8_6tBXdBQZPFMbZVqgqFRItBYZFNE4lI5jZXOg",
        operator: false,
    },
    Person {
        name: "finn",
        about: "two-step sign-in: connected applications ask for a fresh token for ever",
        wordpress_token: Some("sandbox-wpcom-finn"),
        oneall_user: Some("5a4d0000-0000-4000-8001-000000000004"),
        jwt: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL3NhbmRib3guZXhhbXBsZSIsImF1ZCI6ImNvbW1vbmdyYXBoIiwic3ViIjoiZmlubiIsImV4cCI6NDEwMjQ0NDgwMCwib25lYWxsX3VzZXIiOiI1YTRkMDAwMC0wMDAwLTQwMDAtODAwMS0wMDAwMDAwMDAwMDQifQ.RR5dC9Jw12Iahq44tmzKlJmh_G5OUfpKk3tfmKamVO0",
        operator: false,
    },
    Person {
        name: "gus",
        about: "edits Fen Notes with Ada: sees her shared connection, and is a namesake account's owner",
        wordpress_token: Some("sandbox-wpcom-gus"),
        oneall_user: Some("5a4d0000-0000-4000-8001-000000000005"),
        jwt: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL3NhbmRib3guZXhhbXBsZSIsImF1ZCI6ImNvbW1vbmdyYXBoIiwic3ViIjoiZ3VzIiwiZXhwIjo0MTAyNDQ0ODAwLCJvbmVhbGxfdXNlciI6IjVhNGQwMDAwLTAwMDAtNDAwMC04MDAxLTAwMDAwMDAwMDAwNSJ9.V_ZVmujaQTdn9wx1Y0pXuuIH3UP-7hcbmo44V6G7CBQ",
        operator: false,
    },
    Person {
        name: "hana",
        about: "a new account: every WordPress.com list is empty",
        wordpress_token: Some("sandbox-wpcom-hana"),
        oneall_user: None,
        jwt: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL3NhbmRib3guZXhhbXBsZSIsImF1ZCI6ImNvbW1vbmdyYXBoIiwic3ViIjoiaGFuYSIsImV4cCI6NDEwMjQ0NDgwMH0.gJ1lxlo2ZAKiRRNahemvNvTm8V7IICPzFehJ17f9QYU",
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

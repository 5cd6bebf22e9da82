//! A crowd: as many people like any other as a test wants, each told by a marker.
//!
//! The person at place 42 is called `crowd-0042`, and this name is the marker too: every WordPress.com answer that is given
//! to their token carries it in what it shows, and so does every record at OneAll that is theirs. An answer that holds a
//! marker of anybody else holds what it must not. A marker is ten signs long and none begins another. The token holds the
//! marker as well, so that an answer which shows a token is caught by the same search.
//!
//! | whose | where the marker stands |
//! |---|---|
//! | WordPress.com account | `display_name`, `username`, `email`, avatar and profile links |
//! | Keyring and Publicize connections | `label`, external name, display, ID and picture, the nonces of `refresh_URL` |
//! | connected application | `title`, `description`, `URL`, `icon`, the site's name |
//! | site, which is private | `name`, `description`, `URL` |
//! | services | only the nonces of `connect_URL`: all else is the same for everybody |
//! | OneAll identity | names, e-mail address, profile and picture links, the account's `userid` |
//! | OneAll sign-in | `callback_uri`, and the identity within |
//! | OneAll user | the identities within |
//!
//! Each person has two identities, `google` and `twitter`, and the Twitter account is the same at both providers.

use serde_json::{Value, json};

use super::answer::with;
use super::identities::{self, Identity};
use super::sign_ins::{Shape, SignIn};
use super::stamp::moment;
use super::users::{self, User};
use super::world::{Account, Owner, Scope};
use super::{applications, keyring, publicize, sites};

/// How many people a crowd can have.
pub const SYNTHETIC_USERS_MAX: usize = 10_000;
const TOKEN_BEGIN: &str = "sandbox-wpcom-";
const NAME_BEGIN: &str = "crowd-";

/// One person of a crowd: by what names and numbers they go at both providers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntheticUser {
    /// Handle and marker, such as `crowd-0042`.
    pub name: String,
    /// Bearer token at WordPress.com, with scope `global`.
    pub wordpress_token: String,
    /// Number of the account at WordPress.com.
    pub wordpress_id: u64,
    /// Number of the one site, which is private.
    pub site: u64,
    /// Numbers of the Keyring connections: Twitter, Facebook (broken), Tumblr.
    pub keyring: [u64; 3],
    /// Number of the Publicize connection, which stands on the first Keyring connection.
    pub publicize: u64,
    /// Number of the connected application's grant.
    pub application: u64,
    /// `user_token` at OneAll.
    pub oneall_user: String,
    /// Tokens of the identities: Google, Twitter.
    pub identities: [String; 2],
    /// Tokens of the sign-ins, one in each shape, by Google and by Twitter.
    pub sign_ins: [String; 2],
}

/// The person at this place of a crowd, counted from 0; whether the crowd is as large is not asked.
pub fn synthetic_user(index: usize) -> SyntheticUser {
    let number = index as u64;
    let name = format!("{NAME_BEGIN}{index:04}");
    let token = |kind: &str, number: u64| format!("5a4d0000-0000-4000-{kind}-{number:012}");
    SyntheticUser {
        wordpress_token: format!("{TOKEN_BEGIN}{name}"),
        name,
        wordpress_id: 100_000_000 + number,
        site: 110_000_000 + number,
        keyring: [0, 1, 2].map(|step| 120_000_000 + number * 10 + step),
        publicize: 130_000_000 + number,
        application: 140_000_000 + number,
        oneall_user: token("a001", number),
        identities: [0, 1].map(|step| token("a002", number * 10 + step)),
        sign_ins: [0, 1].map(|step| token("a000", number * 10 + step)),
    }
}

/// The handle in a token of a crowd, whether there is such a person or not.
pub(super) fn handle_of_token(token: &str) -> Option<&str> {
    token.strip_prefix(TOKEN_BEGIN).filter(|handle| handle.starts_with(NAME_BEGIN))
}

/// Everything that a person sees at WordPress.com.
pub(super) fn account(member: &SyntheticUser) -> Account {
    let name = &member.name;
    let owner = Owner { handle: name, id: member.wordpress_id, site: member.site };
    let row = |place: usize, service: &str, label: &str, changes: Value| {
        let external = (format!("{name}-{service}"), format!("{label} of {name}"));
        let row = keyring::row(owner, member.keyring[place], service, label, (&external.0, &external.1));
        with(with(row, json!({"label": format!("{label} {name}")})), changes)
    };
    let external = (format!("{name}-twitter"), format!("Twitter of {name}"));
    let published = publicize::generated(owner, member.publicize, member.keyring[0], (&external.0, &external.1));
    let home = applications::site(member.site, &format!("https://{name}.example"), &format!("Site of {name}"));
    Account {
        handle: name.clone(),
        id: member.wordpress_id,
        scope: Scope::Global,
        two_step: false,
        sites: vec![member.site],
        me: sites::me(owner, &format!("Person {name}"), Scope::Global, 1),
        keyring: vec![
            row(0, "twitter", "Twitter", json!({})),
            row(1, "facebook", "Facebook", json!({"status": "broken"})),
            row(2, "tumblr", "Tumblr", json!({})),
        ],
        singles: Vec::new(),
        publicize: vec![with(published, json!({"label": format!("Twitter {name}")}))],
        applications: vec![applications::row(member.application, &format!("Planner {name}"), home)],
    }
}

/// The person's site.
pub(super) fn site(member: &SyntheticUser) -> Value {
    let name = &member.name;
    sites::private(member.site, &format!("Site of {name}"), &format!("{name}.example"))
}

/// The person at OneAll.
pub(super) fn user(member: &SyntheticUser) -> User {
    let user = users::ordinary(member.oneall_user.clone(), member.wordpress_id % 1000, String::new());
    User { identities: member.identities.to_vec(), ..user }
}

/// The person's identities.
pub(super) fn identities(member: &SyntheticUser) -> [Identity; 2] {
    let name = &member.name;
    [("google", "Google"), ("twitter", "Twitter")].map(|(provider, label)| {
        let place = usize::from(provider == "twitter");
        let token = member.identities[place].clone();
        let account = identities::Account(provider, label, &format!("{name} Person"), &format!("{name}-{provider}"));
        let created = moment("2016-01-01 00:00:00") + (member.wordpress_id % 100_000) as i64 * 60 + place as i64;
        let mut identity =
            identities::plain(token, member.oneall_user.clone(), created, &format!("{name}-{place}"), account);
        identity.body["emails"] = json!([{"value": format!("{name}@mail.example"), "is_verified": true}]);
        identity
    })
}

/// The person's sign-ins.
pub(super) fn sign_ins(member: &SyntheticUser) -> [SignIn; 2] {
    let at = moment("2018-01-01 00:00:00") + (member.wordpress_id % 100_000) as i64 * 120;
    [(0, Shape::First), (1, Shape::Second)].map(|(place, shape)| {
        let token = member.sign_ins[place].clone();
        let mut sign_in = SignIn::ordinary(token, at + place as i64, member.oneall_user.clone(), shape).using(place);
        sign_in.callback_uri = format!("https://shop.example/callback?who={}", member.name);
        sign_in
    })
}

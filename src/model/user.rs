//! The accounts whose own a request asks for: a WordPress.com user and a OneAll user.

use std::sync::Arc;

use async_graphql::{ID, SimpleObject};

use super::{DateTime, Identity, IdentityState, SiteId, SkippedRow, Url, UserToken};

/// A WordPress.com user, as `/me` describes the owner of the token.
///
/// A field is null where WordPress.com does not say, which may be because the token does not reach so far.
#[derive(SimpleObject, Clone, Debug, PartialEq)]
#[graphql(complex)]
pub struct WordPressUser {
    /// The user's number.
    pub user_id: ID,
    /// The name they sign in with. Null where WordPress.com does not say.
    pub username: Option<String>,
    /// The name to show. Null where WordPress.com does not say.
    pub display_name: Option<String>,
    /// Their e-mail address.
    #[graphql(skip)]
    pub email: Option<String>,
    /// Whether they have shown that the address is theirs. Null if WordPress.com does not say: treat that as no.
    pub email_verified: Option<bool>,
    /// Their picture. Null if there is none.
    pub avatar_url: Option<Url>,
    /// Their public profile. Null where WordPress.com does not say.
    pub profile_url: Option<Url>,
    /// The language they use, such as `en`. Null where WordPress.com does not say.
    pub language: Option<String>,
    /// When they joined. Null where WordPress.com does not say.
    pub created_at: Option<DateTime>,
    /// How many sites they have. Null where WordPress.com does not say.
    pub site_count: Option<i32>,
    /// What the token may do: `global`, `auth`, or a list of scopes. It explains a FORBIDDEN elsewhere.
    pub token_scope: Vec<String>,
    /// The one site the token is bound to. Null if it is bound to none.
    pub token_site_id: Option<ID>,
    /// Their main site.
    #[graphql(skip)]
    pub primary_site: Option<SiteId>,
}

/// A user of the OneAll site: one person with all the identities they linked.
#[derive(Clone, Debug, PartialEq)]
pub struct OneAllUser {
    /// The user's token.
    pub key: UserToken,
    /// What OneAll says of them, where it is already at hand.
    pub entry: Option<OneAllUserEntry>,
}

impl OneAllUser {
    /// A user of whom only the token is known. The other fields are read when they are selected.
    pub fn from_token(key: UserToken) -> Self {
        Self { key, entry: None }
    }
}

/// What OneAll says of a user.
#[derive(Clone, Debug, PartialEq)]
pub struct OneAllUserEntry {
    /// Whether all of it can be read.
    pub state: IdentityState,
    /// When the user first came.
    pub created_at: Option<DateTime>,
    /// When they last signed in.
    pub last_login_at: Option<DateTime>,
    /// How often they signed in.
    pub login_count: Option<i32>,
    /// The identities they linked.
    pub identities: Vec<Arc<Identity>>,
    /// Those that could not be read.
    pub skipped: Vec<SkippedRow>,
}

//! Users: a WordPress.com user and a OneAll user.

use std::sync::Arc;

use async_graphql::{ID, SimpleObject};

use super::heap_size::HeapSize;
use super::identity::{Identity, IdentityState};
use super::key::{SiteId, UserToken};
use super::scalar::{DateTime, Url};
use super::skipped_row::SkippedRow;

/// A WordPress.com user: the owner of the token.
///
/// Fields may be null because the token does not have the scope for them.
#[derive(SimpleObject, HeapSize, Clone, Debug, PartialEq)]
#[graphql(complex)]
pub struct WordPressUser {
    /// The user's WordPress.com ID.
    pub user_id: ID,
    /// The user's login name. Null when WordPress.com does not provide it.
    pub username: Option<String>,
    /// The user's display name. Null when WordPress.com does not provide it.
    pub display_name: Option<String>,
    /// The user's email address.
    #[graphql(skip)]
    pub email: Option<String>,
    /// Whether the email address is verified. Null when WordPress.com does not provide it; treat null as false.
    pub email_verified: Option<bool>,
    /// The URL of the user's avatar. Null when there is none.
    pub avatar_url: Option<Url>,
    /// The URL of the user's public profile. Null when WordPress.com does not provide it.
    pub profile_url: Option<Url>,
    /// The user's language, such as `en`. Null when WordPress.com does not provide it.
    pub language: Option<String>,
    /// The time of registration. Null when WordPress.com does not provide it.
    pub created_at: Option<DateTime>,
    /// The number of the user's sites. Null when WordPress.com does not provide it.
    pub site_count: Option<i32>,
    /// The scopes of the token: `global`, `auth`, or a list of scopes. Other fields are FORBIDDEN without their scope.
    pub token_scope: Vec<String>,
    /// The ID of the site to which the token is limited. Null when it is not limited to a site.
    pub token_site_id: Option<ID>,
    /// The user's primary site.
    #[graphql(skip)]
    pub primary_site: Option<SiteId>,
}

/// A user of the OneAll site: a person with all identities that they have linked.
#[derive(Clone, Debug, PartialEq, HeapSize)]
pub struct OneAllUser {
    /// The user's token.
    pub key: UserToken,
    /// The user's data, if already loaded.
    pub entry: Option<OneAllUserEntry>,
}

impl OneAllUser {
    /// A user with only its token. The other fields are read when they are selected.
    pub fn from_token(key: UserToken) -> Self {
        Self { key, entry: None }
    }
}

/// The data of a OneAll user.
#[derive(Clone, Debug, PartialEq, HeapSize)]
pub struct OneAllUserEntry {
    /// Whether all of it can be read.
    pub state: IdentityState,
    /// The time of the user's first sign-in.
    pub created_at: Option<DateTime>,
    /// The time of the user's last sign-in.
    pub last_login_at: Option<DateTime>,
    /// The number of the user's sign-ins.
    pub login_count: Option<i32>,
    /// The identities that the user has linked.
    pub identities: Vec<Arc<Identity>>,
    /// The identities that could not be read.
    pub skipped: Vec<SkippedRow>,
}

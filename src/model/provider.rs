//! The providers.

use async_graphql::Enum;

use super::heap_size::HeapSize;

/// A provider of data.
#[derive(Enum, HeapSize, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[graphql(rename_items = "SCREAMING_SNAKE_CASE")]
pub enum Provider {
    /// WordPress.com: Keyring and Publicize connections, connected applications, sites.
    #[graphql(name = "WORDPRESS")]
    WordPress,
    /// OneAll: social sign-ins, the users they belong to, and full identities.
    #[graphql(name = "ONEALL")]
    OneAll,
}

impl Provider {
    /// Every provider.
    pub const ALL: [Provider; 2] = [Provider::WordPress, Provider::OneAll];

    /// The name in settings, logs and errors: `wordpress` or `oneall`.
    pub fn name(self) -> &'static str {
        match self {
            Provider::WordPress => "wordpress",
            Provider::OneAll => "oneall",
        }
    }

    /// The name in text: `WordPress.com` or `OneAll`.
    pub fn title(self) -> &'static str {
        match self {
            Provider::WordPress => "WordPress.com",
            Provider::OneAll => "OneAll",
        }
    }
}

//! The two providers that the sandbox imitates.

/// The API that a server imitates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Provider {
    /// WordPress.com.
    WordPress,
    /// OneAll.
    OneAll,
}

impl Provider {
    /// The provider's name in faults and logs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Provider::WordPress => "wordpress",
            Provider::OneAll => "oneall",
        }
    }

    /// The provider of this name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Provider::WordPress, Provider::OneAll].into_iter().find(|provider| provider.name() == name)
    }
}

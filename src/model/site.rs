//! A WordPress.com site.

use super::{SiteId, Url};

/// A site at WordPress.com.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// Its number.
    pub key: SiteId,
    /// Its name, where it is already at hand.
    pub name: Option<String>,
    /// Its address, where it is already at hand.
    pub url: Option<Url>,
    /// Its icon, where it is already at hand.
    pub icon_url: Option<Url>,
    /// Its tagline, where it is already at hand.
    pub description: Option<String>,
    /// Whether the person may edit what others wrote there, where it is already at hand.
    pub can_edit_others_posts: Option<bool>,
    /// Whether all of this is at hand: false where another record only names the site.
    pub complete: bool,
}

impl Site {
    /// A site of which only the ID is known. Its other fields are read when they are selected.
    pub fn from_id(key: SiteId) -> Self {
        Self {
            key,
            name: None,
            url: None,
            icon_url: None,
            description: None,
            can_edit_others_posts: None,
            complete: false,
        }
    }
}

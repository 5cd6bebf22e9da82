//! A WordPress.com site.

use super::heap_size::HeapSize;
use super::key::SiteId;
use super::scalar::Url;

/// A WordPress.com site.
#[derive(Clone, Debug, PartialEq, HeapSize)]
pub struct Site {
    /// The site ID.
    pub key: SiteId,
    /// The name, if loaded.
    pub name: Option<String>,
    /// The URL, if loaded.
    pub url: Option<Url>,
    /// The URL of the icon, if loaded.
    pub icon_url: Option<Url>,
    /// The tagline, if loaded.
    pub description: Option<String>,
    /// Whether the viewer may edit other authors' posts, if loaded.
    pub can_edit_others_posts: Option<bool>,
    /// Whether the site is completely loaded. False when another record only refers to it.
    pub complete: bool,
}

impl Site {
    /// A site with only its ID. Its other fields are read when they are selected.
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

//! Maps sites.

use crate::model::{Site, SiteId};
use crate::provider::List;

use super::super::payload;
use super::{link, map_list, required_id};

/// Maps `/me/sites`.
pub fn site_list(payload: payload::Sites) -> List<Site> {
    map_list("sites", payload.sites, |_, _, item| site(item))
}

/// Maps a site that was read on its own. An error names the invalid field.
pub fn site(payload: payload::Site) -> Result<Site, String> {
    let icon = payload.icon.0.unwrap_or_default();
    let capabilities = payload.capabilities.0.unwrap_or_default();
    Ok(Site {
        key: SiteId(required_id("ID", &payload.id)?),
        name: payload.name.text(),
        url: link(payload.url),
        icon_url: link(icon.img).or_else(|| link(icon.ico)),
        description: payload.description.text(),
        can_edit_others_posts: capabilities.edit_others_posts.boolean(),
        complete: true,
    })
}

#[cfg(test)]
mod tests;

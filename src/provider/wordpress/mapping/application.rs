//! Maps connected applications: their site, their permissions, and how far their access reaches.

use crate::model::{
    Application, ApplicationAccess, ApplicationAccessKind, ApplicationId, ApplicationKey, Permission, PermissionRisk,
    Provider, Site, SiteId,
};
use crate::provider::List;
use crate::provider::lenient::Scalar;

use super::super::payload;
use super::{MapContext, Mapped, link, map_list, map_one, map_rows, object, required_id};

/// Maps `/me/connected-applications`.
pub fn application_list(payload: payload::ApplicationList) -> List<Application> {
    map_list("connected_applications", payload.connected_applications, |context, _, item| map(context, item))
}

/// Maps an application that was read on its own. An error names the invalid field.
pub fn application(payload: payload::Application) -> Result<Mapped<Application>, String> {
    map_one("application", |context| map(context, payload))
}

fn map(context: &mut MapContext, item: payload::Application) -> Result<Application, String> {
    let id = item.id.id().map_or_else(|| required_id("ID", &item.connection_id), Ok)?;
    let site = [item.site, item.blog].into_iter().filter_map(|named| named.0).find_map(site);
    let permissions = map_rows(context, "permissions", item.permissions, |_, _, row| permission(object(row)?));
    Ok(Application {
        key: ApplicationKey::Connected(ApplicationId(id)),
        provider: Provider::WordPress,
        provider_id: id.to_string(),
        oauth_version: item.oauth_version.text(),
        name: item.title.text(),
        description: item.description.text(),
        url: link(item.url),
        icon_url: link(item.icon),
        authorized_at: context.date("authorized", &item.authorized),
        permissions,
        access: Some(access(item.scope, site.is_some())),
        site,
    })
}

/// The site of the grant. It has only an ID, a name and a URL.
fn site(name: payload::SiteName) -> Option<Site> {
    Some(Site {
        key: name.site_id.id().map(SiteId)?,
        name: name.site_name.text(),
        url: link(name.site_url),
        icon_url: None,
        description: None,
        can_edit_others_posts: None,
        complete: false,
    })
}

/// The reach of an application's access.
///
/// The documented sample has an empty scope and no site. So an empty scope, or one with ordinary words, means a single
/// site only where the response names one.
fn access(scope: Scalar, has_site: bool) -> ApplicationAccess {
    let scope = scope.text();
    let kind = match scope.as_deref() {
        Some("global") => ApplicationAccessKind::Global,
        Some("auth") => ApplicationAccessKind::IdentityOnly,
        Some(words) if has_site && words.split([' ', ',']).filter(|word| !word.is_empty()).all(is_ordinary) => {
            ApplicationAccessKind::Site
        }
        None if has_site => ApplicationAccessKind::Site,
        _ => ApplicationAccessKind::Unknown,
    };
    ApplicationAccess { kind, scope }
}

/// Whether this is a documented scope other than `global` and `auth`, which define the reach on their own.
fn is_ordinary(scope: &str) -> bool {
    !matches!(scope, "global" | "auth") && risk(scope) != PermissionRisk::Unknown
}

fn permission(row: payload::Permission) -> Result<Permission, String> {
    let name = row.name.text().ok_or("name: expected text")?;
    Ok(Permission { risk: risk(&name), name, description: row.description.text() })
}

/// The risk of a scope, by the description on WordPress.com's OAuth2 page.
///
/// A scope that reads and manages is `Write`. `users` and `notifications` are mainly about the person.
fn risk(scope: &str) -> PermissionRisk {
    match scope {
        "batch" | "freshly-pressed" | "insights" | "read" | "stats" => PermissionRisk::Read,
        "comments" | "follow" | "global" | "media" | "menus" | "posts" | "sharing" | "sites" | "taxonomy"
        | "videos" => PermissionRisk::Write,
        "auth" | "notifications" | "users" => PermissionRisk::Personal,
        _ => PermissionRisk::Unknown,
    }
}

#[cfg(test)]
mod tests;

//! Connected applications: what was given access, to what, and how much that lets it do.

use crate::model::{
    Application, ApplicationAccess, ApplicationAccessKind, ApplicationId, ApplicationKey, Permission, PermissionRisk,
    Provider, Site, SiteId,
};
use crate::provider::List;
use crate::provider::lenient::Scalar;

use super::super::payload;
use super::{MapContext, Mapped, link, map_list, map_one, map_rows, object, required_id};

/// Maps the answer of `/me/connected-applications`.
pub fn application_list(payload: payload::ApplicationList) -> List<Application> {
    map_list("connected_applications", payload.connected_applications, |context, _, item| map(context, item))
}

/// Maps one connected application; an error names the field that makes it unusable.
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

/// The site as an application names it: enough to show, the rest is a read away.
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

/// How far the access reaches. The documented sample has an empty scope and no site at all, so an empty scope, or one of
/// ordinary words, means one site only where a site is named. An empty scope says nothing and is none.
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

/// Whether this is one of the documented scopes, but for the two that say by themselves how far they reach.
fn is_ordinary(scope: &str) -> bool {
    !matches!(scope, "global" | "auth") && risk(scope) != PermissionRisk::Unknown
}

fn permission(row: payload::Permission) -> Result<Permission, String> {
    let name = row.name.text().ok_or("name: expected text")?;
    Ok(Permission { risk: risk(&name), name, description: row.description.text() })
}

/// The risk of a scope, by the names that the OAuth2 page lists and what it says each allows. A scope that reads and
/// manages is Write; `users` and `notifications` are about the person before anything else.
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

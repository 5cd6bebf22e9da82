//! Connected applications: what third parties may do in a person's name.
//!
//! A row is a grant, so that one application appears once per site it was let into. The rows show every scope, both
//! names of the site field, every spelling of no site, and links that a client must not follow.

use serde_json::{Value, json};

use super::answer::{with, without};
use super::stamp::{moment, rfc3339};

/// The permissions and their sentences, as the documentation prints them.
const PERMISSIONS: [(&str, &str); 8] = [
    ("users", "View user information data such as username, name, email, blog, and Gravatar."),
    ("posts", "View and manage posts including reblogs and likes."),
    ("comments", "View and manage a post's comments."),
    ("taxonomy", "View and manage a site's tags and categories."),
    ("follow", "Follow and unfollow blogs."),
    ("notifications", "View and manage a user's notifications."),
    ("stats", "View stats for a site."),
    ("media", "Manage a site's media library."),
];

fn permissions(names: &[&str]) -> Value {
    PERMISSIONS
        .iter()
        .filter(|(name, _)| names.contains(name))
        .map(|(name, description)| json!({"name": name, "description": description}))
        .collect()
}

/// A grant's site.
pub(super) fn site(id: u64, url: &str, name: &str) -> Value {
    json!({"site_ID": id.to_string(), "site_URL": url, "site_name": name})
}

/// A plain row: one site, two permissions.
pub(super) fn row(id: u64, title: &str, site: Value) -> Value {
    let slug = title.to_lowercase().replace(' ', "-");
    let days = i64::try_from(id % 1000).unwrap_or_default();
    json!({
        "ID": id.to_string(),
        "title": title,
        "icon": format!("https://img.example/apps/{slug}.png?w=100"),
        "URL": format!("https://{slug}.example/"),
        "description": format!("{title} works with your site."),
        "permissions": permissions(&["posts", "media"]),
        "authorized": rfc3339(moment("2016-02-03 17:40:00") + days * 86_400 * 200),
        "site": site,
        "scope": "",
        "oauth_version": "2.0",
    })
}

/// The documentation's own sample: it says `blog` where the wire says `site`.
fn sample() -> Value {
    json!({
        "ID": "8367271",
        "title": "VaultPress",
        "icon": "https://files.example/2012/10/wpcc-vp-logo.png?w=100",
        "URL": "http://vaultpress.example/",
        "description": "The world's best WordPress security, backup, and support.",
        "permissions": permissions(&PERMISSIONS.map(|(name, _)| name)),
        "authorized": "2014-06-28T05:44:25+00:00",
        "blog": false,
        "scope": "",
    })
}

/// A person's grants.
pub(super) fn list(handle: &str) -> Vec<Value> {
    match handle {
        "olga" => olga(),
        "ada" => vec![
            row(620001, "Reed Scheduler", site(7_700_123, "http://fen.example", "Fen Notes")),
            with(
                row(620002, "Field App", json!(false)),
                json!({"scope": "global", "permissions": [], "icon": "", "URL": "", "description": ""}),
            ),
        ],
        "ben" => vec![row(630001, "Bike Log", site(7_700_200, "https://bikes.example", "Ben Bikes"))],
        "finn" => vec![row(640001, "Never Shown", json!(false))],
        _ => Vec::new(),
    }
}

fn olga() -> Vec<Value> {
    let shop = || site(3_584_907, "https://shop.example", "Harbour Shop");
    let staging = || site(3_584_908, "https://staging.shop.example", "Harbour Staging");
    vec![
        sample(),
        row(610001, "Harbour Scheduler", shop()),
        // The same application again, for another site.
        row(610002, "Harbour Scheduler", staging()),
        with(row(610003, "Everywhere Editor", json!(false)), json!({"scope": "global"})),
        with(
            row(610004, "Forum Login", json!(false)),
            json!({"scope": "auth", "permissions": permissions(&["users"])}),
        ),
        with(
            row(610005, "Nameless Site Tool", json!(null)),
            json!({"site": {"site_ID": "3584909", "site_URL": "http://old.shop.example", "site_name": false}}),
        ),
        with(
            row(610006, "Empty Handed", json!(false)),
            json!({"icon": "", "URL": "", "description": "", "permissions": [], "scope": "global"}),
        ),
        // A number for an ID, under the name that the documentation's table uses.
        with(without(row(610007, "Old Counter", shop()), &["ID"]), json!({"connection_ID": 610007})),
        with(
            row(610008, "Plain Http", shop()),
            json!({"URL": "http://plain.example/", "icon": "http://img.example/apps/plain.png"}),
        ),
        with(
            row(610009, "Sly Script", json!(false)),
            json!({"URL": "javascript:alert(document.domain)", "icon": "javascript:alert(1)", "scope": "global"}),
        ),
        with(without(row(610010, "Blog Speaker", json!(false)), &["site", "oauth_version"]), json!({"blog": shop()})),
        with(
            without(row(610011, "List Speaker", json!(false)), &["site"]),
            json!({"blog": [staging()], "scope": "posts media"}),
        ),
        with(
            without(row(610012, "Nowhere", json!(false)), &["site"]),
            json!({"blog": [], "authorized": "0000-00-00 00:00:00", "oauth_version": "1.0a"}),
        ),
        with(
            row(610013, "zeta & Söhne <b>", shop()),
            json!({"permissions": [
                {"name": "follow", "description": ""},
                {"name": "brand-new", "description": "Something new."},
            ]}),
        ),
    ]
}

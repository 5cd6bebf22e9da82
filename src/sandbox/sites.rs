//! Sites, and what `/me` says about each account.
//!
//! A site shows the oddities of the real list: an absent icon, an empty logo whose `sizes` is a list, `lang: false`.

use serde_json::{Value, json};

use super::answer::{with, without};
use super::keyring::API;
use super::world::{Owner, Scope};

fn site(id: u64, name: &str, host: &str) -> Value {
    let link = format!("{API}/rest/v1.1/sites/{id}");
    json!({
        "ID": id,
        "name": name,
        "description": format!("{name}, a site of the sandbox"),
        "URL": format!("https://{host}"),
        "user_can_manage": true,
        "capabilities": {"edit_posts": true, "edit_others_posts": true, "manage_options": true, "publish_posts": true},
        "jetpack": false,
        "is_multisite": true,
        "post_count": 42,
        "subscribers_count": 7,
        "lang": "en",
        "icon": {"img": format!("https://{host}/icon.png"), "ico": format!("https://{host}/icon.png?w=16")},
        "logo": {"id": 0, "sizes": [], "url": ""},
        "visible": true,
        "is_private": false,
        "single_user_site": false,
        "is_vip": false,
        "is_following": true,
        "options": {"timezone": "", "gmt_offset": 0, "blog_public": 1, "header_image": false, "max_upload_size": false},
        "plan": {"product_id": 1, "product_slug": "free_plan", "is_free": true},
        "meta": {"links": {"self": link, "help": format!("{link}/help")}},
    })
}

/// A site that only its own people may see.
pub(super) fn private(id: u64, name: &str, host: &str) -> Value {
    with(site(id, name, host), json!({"is_private": true}))
}

/// Every site but those of a crowd.
pub(super) fn list() -> Vec<Value> {
    vec![
        with(
            site(3_584_907, "Harbour Shop", "shop.example"),
            json!({"logo": {
                "id": 9, "sizes": {"thumb": "https://shop.example/logo.png"}, "url": "https://shop.example/logo.png",
            }}),
        ),
        with(
            without(site(3_584_908, "Harbour Staging", "staging.shop.example"), &["icon"]),
            json!({"is_private": true, "visible": null, "lang": false}),
        ),
        with(
            without(site(3_584_909, "", "old.shop.example"), &["icon", "description"]),
            json!({"jetpack": true, "jetpack_modules": ["publicize"], "URL": "http://old.shop.example"}),
        ),
        site(7_700_123, "Fen Notes", "fen.example"),
        with(without(site(7_700_124, "Reed Bakery", "bakery.example"), &["icon"]), json!({"is_private": true})),
        site(7_700_200, "Ben Bikes", "bikes.example"),
        with(
            without(site(7_700_300, "Marsh Diary", "marsh.example"), &["icon"]),
            json!({"capabilities": {"edit_posts": true, "edit_others_posts": false}}),
        ),
    ]
}

/// What `/me` answers. The last fields are secrets of the real answer: canaries that must never be passed on.
pub(super) fn me(owner: Owner, display_name: &str, scope: Scope, sites: usize) -> Value {
    let handle = owner.handle;
    let (token_site, token_scope) = match scope {
        Scope::Site(id) => (json!(id), json!(["posts", "media", "sharing", "sites"])),
        Scope::Auth => (json!(false), json!("auth")),
        // Both spellings are seen in the wild: a list and a text.
        Scope::Global if handle == "olga" => (json!(false), json!(["global"])),
        Scope::Global => (json!(false), json!("global")),
    };
    json!({
        "ID": owner.id,
        "display_name": display_name,
        "username": format!("{handle}{}", owner.id % 100),
        "email": format!("{handle}@mail.example"),
        "primary_blog": owner.site,
        "primary_blog_url": format!("https://{handle}.example"),
        "primary_blog_is_jetpack": false,
        "language": "en",
        "locale_variant": "",
        "token_site_id": token_site,
        "token_scope": token_scope,
        "token_client_id": 90210,
        "avatar_URL": format!("https://img.example/avatars/{handle}.png"),
        "profile_URL": format!("http://profile.example/{handle}"),
        "verified": true,
        "email_verified": handle != "hana",
        "date": "2011-04-05T06:07:08+00:00",
        "site_count": sites,
        "visible_site_count": sites,
        "has_unseen_notes": false,
        "newest_note_type": "comment",
        "phone_account": false,
        "is_valid_google_apps_country": true,
        "abtests": [],
        "social_login_connections": null,
        "social_signup_service": null,
        "logout_URL": format!("https://wordpress.example/wp-login.php?action=logout&_wpnonce=canary-logout-{handle}"),
        "lasagna_jwt": format!("canary-lasagna-{handle}"),
        "meta": {"links": {
            "self": format!("{API}/rest/v1.1/me"),
            "help": format!("{API}/rest/v1.1/me/help"),
            "site": format!("{API}/rest/v1.1/sites/{}", owner.site),
            "flags": format!("{API}/rest/v1.1/me/flags"),
        }},
    })
}

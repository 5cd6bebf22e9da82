//! Publicize connections: a Keyring connection put to work on one site.
//!
//! A row lives in the list of each person who sees it: a shared one is there twice under one number, with each
//! person's own nonces.

use serde_json::{Value, json};

use super::answer::with;
use super::keyring::{API, connect_url};
use super::stamp::{now, plain};
use super::world::Owner;

const DAY: i64 = 86_400;

/// Number, site and Keyring number of a row.
struct Place(u64, u64, u64);

fn row(viewer: Owner, owner_id: u64, place: Place, service: &str, label: &str, external: (&str, &str)) -> Value {
    let Place(id, site, keyring) = place;
    let site_url = format!("{API}/rest/v1.1/sites/{site}");
    json!({
        "ID": id,
        "site_ID": site,
        "user_ID": owner_id,
        "keyring_connection_ID": keyring,
        "keyring_connection_user_ID": owner_id,
        "shared": false,
        "service": service,
        "label": label,
        "issued": "2024-03-09 08:15:00",
        "expires": "0000-00-00 00:00:00",
        "external_ID": external.0,
        "external_name": external.1,
        "external_display": external.1,
        "external_profile_picture": null,
        "external_profile_URL": null,
        "external_follower_count": null,
        "status": "ok",
        "refresh_URL": format!("{}&blog={site}", connect_url(viewer.handle, service, id, true)),
        "meta": {"links": {
            "self": format!("{site_url}/publicize-connections/{id}"),
            "help": format!("{site_url}/publicize-connections/{id}/help"),
            "site": site_url,
            "service": format!("{API}/rest/v1.1/meta/external-services/{service}"),
            "keyring-connection": format!("{API}/rest/v1.1/me/keyring-connections/{keyring}"),
        }},
    })
}

/// The object that the documentation prints for a single *Keyring* connection.
pub(super) fn sample(owner: Owner) -> Value {
    let place = Place(1_234_567, 3_584_907, 1_234_567);
    with(
        row(owner, owner.id, place, "twitter", "Twitter", ("15919116", "Automattic")),
        json!({
            "issued": "2014-08-2302:49:47",
            "expires": "0000-00-0000:00:00",
            "external_display": "@automattic",
            "external_profile_picture": "https://img.example/profile_images/453860857923923968/Rg_FuLjK_400x400.png",
            "external_profile_URL": "http://twitter.example/automattic",
            "external_follower_count": 24103,
        }),
    )
}

/// A row as another person sees it: with links of their own.
pub(super) fn seen_by(viewer: Owner, mut row: Value) -> Value {
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default();
    let link = connect_url(viewer.handle, row["service"].as_str().unwrap_or_default(), number(&row["ID"]), true);
    row["refresh_URL"] = json!(format!("{link}&blog={}", number(&row["site_ID"])));
    with(row, json!({"shared": true}))
}

/// A healthy row of a generated person.
pub(super) fn generated(owner: Owner, id: u64, keyring: u64, external: (&str, &str)) -> Value {
    row(owner, owner.id, Place(id, owner.site, keyring), "twitter", "Twitter", external)
}

/// The one connection that two people see: Ada's, shared on Fen Notes.
fn shared(viewer: Owner) -> Value {
    with(
        row(viewer, 40417, Place(88001, 7_700_123, 51002), "facebook", "Facebook", ("220021", "Reed Bakery")),
        json!({"shared": true, "external_follower_count": 312}),
    )
}

/// The rows that a person sees.
pub(super) fn list(viewer: Owner) -> Vec<Value> {
    let own = |place, service: &str, label: &str, external| row(viewer, viewer.id, place, service, label, external);
    match viewer.handle {
        "olga" => vec![
            sample(viewer),
            own(Place(71001, 3_584_907, 61001), "twitter", "Twitter", ("300400500", "@olga_ops")),
            with(
                own(Place(71002, 3_584_907, 61002), "facebook", "Facebook", ("220011", "Harbour Shop")),
                json!({"status": "broken", "external_follower_count": 5120}),
            ),
            with(
                own(Place(71003, 3_584_907, 61004), "linkedin", "LinkedIn", ("olga-brandt-77", "Olga Brandt")),
                json!({"status": "must_reauth", "expires": plain(now() + 40 * DAY)}),
            ),
            with(
                own(
                    Place(71004, 3_584_908, 61007),
                    "mastodon",
                    "Mastodon",
                    ("110022003300440055", "@olga@shop.example"),
                ),
                json!({"status": null, "site_ID": "3584908", "expires": null}),
            ),
        ],
        "ada" => vec![
            own(Place(72001, 7_700_123, 51001), "twitter", "Twitter", ("200300400", "Ada Reed")),
            shared(viewer),
            with(
                own(Place(72002, 7_700_124, 51005), "tumblr", "Tumblr", ("fen-notes", "fen-notes")),
                json!({"status": "invalid"}),
            ),
        ],
        "gus" => vec![
            shared(viewer),
            own(Place(73001, 7_700_300, 53003), "linkedin", "LinkedIn", ("gus-marsh", "Gus Marsh")),
        ],
        "ben" => vec![
            own(Place(74001, 7_700_200, 52001), "facebook", "Facebook", ("40004000", "Ben Okoro")),
            with(
                own(Place(74002, 7_700_200, 52003), "instagram", "Instagram", ("17841400000000052", "ben.bikes")),
                json!({"status": "unsupported"}),
            ),
        ],
        _ => Vec::new(),
    }
}

//! Keyring connections: the odd rows by hand, a few dull ones, and generated ones for large worlds.
//!
//! Together the rows show every status, date spelling and absent field in the provider's fact sheet.

use serde_json::{Value, json};

use super::answer::{with, without};
use super::stamp::{moment, now, plain};
use super::world::Owner;

/// Root of the links in WordPress.com payloads; invented, so that nothing ever follows one to the real host.
pub(super) const API: &str = "https://public-api.wordpress.example";
const DAY: i64 = 86_400;

/// A link that renews or makes a connection; its nonces carry the person's handle, so that a leak can be told.
pub(super) fn connect_url(handle: &str, service: &str, id: u64, refresh: bool) -> String {
    let refresh = if refresh { "&refresh=1" } else { "" };
    format!(
        "{API}/connect/?action=request&kr_nonce=n-{handle}-{id}&nonce=n-{handle}-{service}{refresh}\
         &for=connect&service={service}&kr_blog_nonce=n-{handle}-blog&magic=keyring"
    )
}

/// One plain healthy row.
pub(super) fn row(owner: Owner, id: u64, service: &str, label: &str, external: (&str, &str)) -> Value {
    json!({
        "ID": id,
        "user_ID": owner.id,
        "type": "publicize",
        "service": service,
        "label": label,
        "issued": "2024-03-09 08:15:00",
        "expires": null,
        "external_ID": external.0,
        "external_name": external.1,
        "external_display": external.1,
        "external_profile_picture": format!("https://img.example/{service}/{}.png", external.0),
        "status": "ok",
        "refresh_URL": connect_url(owner.handle, service, id, true),
        "sites": [owner.site.to_string()],
        "additional_external_users": [],
        "meta": {"links": {
            "self": format!("{API}/rest/v1.1/me/keyring-connections/{id}"),
            "help": format!("{API}/rest/v1.1/me/keyring-connections/{id}/help"),
            "service": format!("{API}/rest/v1.1/meta/external-services/{service}"),
        }},
    })
}

fn user(id: &str, name: &str, changes: Value) -> Value {
    let base = json!({
        "external_ID": id,
        "external_name": name,
        "external_profile_picture": null,
        "external_description": null,
        "external_category": "Shop",
        "external_meta": {},
    });
    with(base, changes)
}

/// A person's list.
pub(super) fn list(owner: Owner) -> Vec<Value> {
    match owner.handle {
        "olga" => olga(owner),
        "ada" => ada(owner),
        "ben" => ben(owner),
        "dora" => vec![row(owner, 55001, "tumblr", "Tumblr", ("dora-tumbles", "Dora Finch"))],
        "finn" => vec![
            row(owner, 54001, "github", "GitHub", ("5550001", "finn-makes")),
            with(
                row(owner, 54002, "mastodon", "Mastodon", ("110099", "@finn@fen.example")),
                json!({"status": "must_reauth", "expires": plain(now() + 2 * DAY)}),
            ),
        ],
        "gus" => vec![
            // The namesake: displayed like Ada's account, but another one.
            row(owner, 53001, "twitter", "Twitter", ("999000111", "Ada Reed")),
            with(row(owner, 53002, "facebook", "Facebook", ("50005000", "Gus Marsh")), json!({"status": "broken"})),
            row(owner, 53003, "linkedin", "LinkedIn", ("gus-marsh", "Gus Marsh")),
        ],
        _ => Vec::new(),
    }
}

fn olga(owner: Owner) -> Vec<Value> {
    let from_now = |days: i64| plain(now() + days * DAY);
    let mut rows = olga_publishing(owner);
    rows.extend([
        with(
            without(
                row(owner, 61007, "mastodon", "Mastodon", ("110022003300440055", "@olga@shop.example")),
                &["additional_external_users"],
            ),
            json!({"ID": "61007", "sites": [3584907, "3584908"]}),
        ),
        with(
            row(owner, 61008, "bluesky", "Bluesky", ("did:plc:5a4d0000olga", "olga.shop.example")),
            json!({"expires": from_now(5)}),
        ),
        with(
            row(owner, 61009, "google_site_verification", "", ("olga@shop.example", "olga@shop.example")),
            json!({"type": "other", "status": "refresh-failed", "label": null, "refresh_URL": "", "issued": ""}),
        ),
        with(
            row(owner, 61010, "mailchimp", "Mailchimp", ("", "")),
            json!({
                "type": "other", "external_ID": null, "external_name": null, "external_display": null,
                "external_profile_picture": null, "sites": [], "issued": null,
            }),
        ),
        with(
            row(owner, 61011, "google_my_business", "Google My Business", ("", "")),
            json!({
                "type": "other", "external_profile_picture": "", "expires": from_now(400),
                "additional_external_users": [
                    user("accounts/1/locations/1", "Harbour Shop", json!({"external_category": null})),
                    {"external_ID": "accounts/1/locations/2", "external_name": "Market Stall"},
                ],
            }),
        ),
        // Displayed like 61002, but another account.
        with(
            row(owner, 61012, "facebook", "Facebook", ("30203099", "Olga Brandt")),
            json!({"expires": "", "sites": []}),
        ),
        // No status at all, and a service that the services list does not know.
        without(row(owner, 61013, "newthing", "New Thing", ("nt-1", "Olga on New Thing")), &["status", "meta"]),
        with(row(owner, 61014, "pinterest", "Pinterest", ("olgapins", "Olga Pins")), json!({"issued": "", "meta": []})),
    ]);
    rows
}

/// The first six: accounts that publish, one health state each.
fn olga_publishing(owner: Owner) -> Vec<Value> {
    vec![
        row(owner, 61001, "twitter", "Twitter", ("300400500", "@olga_ops")),
        with(
            row(owner, 61002, "facebook", "Facebook", ("30203020", "Olga Brandt")),
            json!({
                "status": "broken", "expires": "2026-01-31 00:00:00", "external_profile_picture": null,
                "additional_external_users": [
                    user("220011", "Harbour Shop", json!({})),
                    user("220012", "Harbour Café", json!({
                        "external_meta": [], "external_description": "Tea & cake",
                        "external_profile_picture": "https://img.example/harbour-cafe.png",
                    })),
                ],
            }),
        ),
        with(
            row(owner, 61003, "google_plus", "Google+", ("118118118118118118118", "Olga Brandt")),
            json!({"status": "must_reauth", "issued": "2014-08-2302:49:47", "expires": "0000-00-0000:00:00"}),
        ),
        with(
            row(owner, 61004, "linkedin", "LinkedIn", ("olga-brandt-77", "Olga Brandt")),
            json!({"status": "invalid", "expires": "2019-05-01 12:00:00", "show_linkedin_warning": true}),
        ),
        with(
            row(owner, 61005, "tumblr", "Tumblr", ("olga-tumbles", "olga-tumbles")),
            json!({"status": "unsupported", "issued": "2012-02-29 23:59:59", "expires": "0000-00-00 00:00:00"}),
        ),
        with(
            row(owner, 61006, "instagram", "Instagram", ("17841400000000001", "harbour.shop")),
            json!({"status": null, "expires": false}),
        ),
    ]
}

fn ada(owner: Owner) -> Vec<Value> {
    vec![
        row(owner, 51001, "twitter", "Twitter", ("200300400", "Ada Reed")),
        with(
            row(owner, 51002, "facebook", "Facebook", ("10201020", "Ada Reed")),
            json!({
                "status": "broken", "external_profile_URL": "https://facebook.com/ada.reed",
                "additional_external_users": [user("220021", "Reed Bakery", json!({"external_category": "Bakery"}))],
            }),
        ),
        with(
            row(owner, 51003, "google_plus", "Google+", ("110022003300440055660", "Ada Reed")),
            json!({"issued": "2013-07-0110:00:00", "expires": "0000-00-0000:00:00"}),
        ),
        with(
            row(owner, 51004, "mastodon", "Mastodon", ("109000000000000001", "@heron@fen.example")),
            json!({"label": null, "issued": null, "external_profile_picture": null}),
        ),
        row(owner, 51005, "tumblr", "Tumblr", ("fen-notes", "fen-notes")),
        with(
            row(owner, 51006, "mailchimp", "Mailchimp", ("mc-51006", "Fen Notes letter")),
            json!({"type": "other", "status": "must_reauth"}),
        ),
    ]
}

fn ben(owner: Owner) -> Vec<Value> {
    vec![
        row(owner, 52001, "facebook", "Facebook", ("40004000", "Ben Okoro")),
        row(owner, 52002, "linkedin", "LinkedIn", ("ben-okoro", "Ben Okoro")),
        with(
            row(owner, 52003, "instagram", "Instagram", ("17841400000000052", "ben.bikes")),
            json!({"status": "invalid"}),
        ),
        with(
            row(owner, 52004, "bluesky", "Bluesky", ("did:plc:5a4d0000ben0", "ben.bikes.example")),
            // The word is older than the date: it has ended since it was last tested.
            json!({"expires": "2011-12-31 23:59:59", "status": "ok"}),
        ),
    ]
}

/// Rows for a large world, numbered from 900001.
pub(super) fn generated(owner: Owner<'_>, count: usize) -> impl Iterator<Item = Value> {
    const SERVICES: [(&str, &str); 4] =
        [("twitter", "Twitter"), ("facebook", "Facebook"), ("linkedin", "LinkedIn"), ("mastodon", "Mastodon")];
    let start = moment("2015-01-01 00:00:00");
    (1..=count).zip(1_i64..).map(move |(n, step)| {
        let (service, label) = SERVICES[n % SERVICES.len()];
        let id = 900_000 + n as u64;
        let external = (format!("8{n:011}"), format!("Shop account {n}"));
        with(row(owner, id, service, label, (&external.0, &external.1)), json!({"issued": plain(start + step * 3600)}))
    })
}

/// A row that is added while the world is served.
pub(super) fn added(owner: Owner, id: u64, issued: &str) -> Value {
    let external = (format!("9{id:011}"), format!("Added account {id}"));
    with(row(owner, id, "twitter", "Twitter", (&external.0, &external.1)), json!({"issued": issued}))
}

/// Rows that a single read finds although the list does not hold them: the documentation's own sample.
pub(super) fn singles(owner: Owner) -> Vec<Value> {
    match owner.handle {
        "olga" => vec![super::publicize::sample(owner)],
        _ => Vec::new(),
    }
}

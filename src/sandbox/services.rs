//! The services that a person can connect, in the provider's order, which is not the alphabet's.
//!
//! The list differs per person only by the nonces in its links, which is why it must never be shared between people.

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::answer::{with, without};
use super::keyring::connect_url;

/// Slug, label, type, sentence.
const SERVICES: [(&str, &str, &str, &str); 14] = [
    ("facebook", "Facebook", "publicize", "Publish your posts to your page."),
    ("twitter", "Twitter", "publicize", "Publish your posts to your Twitter account."),
    ("linkedin", "LinkedIn", "publicize", "Publish your posts to your profile or page."),
    ("google_plus", "Google+", "publicize", "Publish your posts to your Google+ account."),
    ("tumblr", "Tumblr", "publicize", "Publish your posts to your Tumblr blog."),
    ("instagram", "Instagram", "publicize", "Publish your posts to your business account."),
    ("mastodon", "Mastodon", "publicize", "Publish your posts to your Mastodon instance."),
    ("bluesky", "Bluesky", "publicize", "Publish your posts to your Bluesky account."),
    ("pinterest", "Pinterest", "publicize", "Pin your posts."),
    ("google_site_verification", "Google Site Verification", "other", "Prove that a site is yours."),
    ("google_my_business", "Google My Business", "other", "Show your shop on the map."),
    ("mailchimp", "Mailchimp", "other", "Send letters to your readers."),
    ("github", "GitHub", "other", "Deploy from a repository."),
    ("dropbox", "Dropbox", "other", "Pick files for your library."),
];

/// The services by slug.
pub(super) fn list(handle: &str) -> IndexMap<String, Value> {
    SERVICES
        .iter()
        .zip(1..)
        .map(|((slug, label, kind, description), number)| {
            let base = json!({
                "ID": slug,
                "label": label,
                "type": kind,
                "description": description,
                "genericon": {"class": slug, "unicode": "\\f203"},
                "icon": format!("http://img.example/services/{slug}-2x.png"),
                "connect_URL": connect_url(handle, slug, number, false),
                "multiple_external_user_ID_support": *slug == "facebook",
                "jetpack_support": *kind == "publicize",
            });
            ((*slug).to_owned(), quirk(slug, base))
        })
        .collect()
}

/// The services that are not like the others.
fn quirk(slug: &str, service: Value) -> Value {
    match slug {
        "facebook" => {
            with(service, json!({"external_users_only": true, "jetpack_module_required": "publicize", "status": "ok"}))
        }
        "twitter" => with(service, json!({"status": "unsupported"})),
        "google_my_business" => {
            let link = service["connect_URL"].clone();
            with(without(service, &["connect_URL"]), json!({"connect_url": link}))
        }
        "mailchimp" => with(service, json!({"genericon": "mail", "external_users_only": false})),
        "github" => without(service, &["icon", "genericon", "description"]),
        _ => service,
    }
}

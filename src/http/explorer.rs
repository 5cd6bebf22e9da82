//! The explorer: GraphiQL at `/`, from files in the binary, so that it works without a network.
//!
//! npm builds the bundle in `explorer/`; it is not in the repository. A binary that was built without it serves a page that
//! loads the same libraries from a content delivery network, each file with its integrity hash. If that fails, the page
//! says which command to run. The content security policy of both pages forbids everything else.

use std::fmt::Write;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::static_file::{REVALIDATE, StaticFile};
use crate::auth::digest::Digest;

mod files {
    include!(concat!(env!("OUT_DIR"), "/explorer_files.rs"));
}

/// Whether this binary has the bundle. Without it, the page needs the network.
pub const ASSETS_BUILT: bool = files::BUILT;

/// The path of the GraphQL endpoint.
const ENDPOINT: &str = "/graphql";

/// The content delivery network, which serves every file of every published npm package.
const OUTSIDE: &str = "https://cdn.jsdelivr.net/npm/";

/// The files that the page loads from the network, in order. `npm run integrity` compares them with the lock file.
const OUTSIDE_FILES: [(&str, &str); 6] = [
    (
        "react@18.3.1/umd/react.production.min.js",
        "sha384-DGyLxAyjq0f9SPpVevD6IgztCFlnMF6oW/XQGmfe+IsZ8TqEiDrcHkMLKI6fiB/Z",
    ),
    (
        "react-dom@18.3.1/umd/react-dom.production.min.js",
        "sha384-gTGxhz21lVGYNMcdJOyq01Edg0jhn/c22nsx0kyqP0TxaV5WVdsSH1fSDUf5YJj1",
    ),
    ("graphiql@4.1.2/graphiql.min.js", "sha384-9XdHu7ajgGJziD4J1zNBKQ842Q/+zZfDv+ib1eMhZWBH6hPAs806x+Jbcf0yNO6B"),
    (
        "@graphiql/plugin-explorer@4.0.6/dist/index.umd.js",
        "sha384-gXYG2RCFRuAiKUaKTbKxOVlvr0U9z0D/V/l5jdvRSH46vQ+9cpkG2d3ByiggUYvD",
    ),
    ("graphiql@4.1.2/graphiql.min.css", "sha384-1el1QShFBnnXTx9x/Cprg82hZWKt0ry29OAYIXt05swbi0KcZDFoj0CWguMpopJr"),
    (
        "@graphiql/plugin-explorer@4.0.6/dist/style.css",
        "sha384-XffIsImDMwexX8UM/Bg3tss0MZOeQmZcnHzk0avUrw9ff0IQ2g9j7QLA6m2lz5D0",
    ),
];

/// The common part of both content security policies. The sources of scripts and styles are added to it.
const POLICY: &str = "default-src 'none'; connect-src 'self'; img-src 'self' data: https:; font-src data:; \
     frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
     %3Cg fill='none' stroke='%23d60590' stroke-width='1.4'%3E%3Ccircle cx='6' cy='8' r='4.3'/%3E\
     %3Ccircle cx='10' cy='8' r='4.3'/%3E%3C/g%3E%3C/svg%3E";

/// A tab that is open on the first visit.
#[derive(Clone, Debug, Serialize)]
pub struct Tab {
    /// A short title, which becomes the name of the operation.
    pub title: String,
    /// The document, with one operation.
    pub query: String,
    /// A JSON object as text, or an empty text.
    pub variables: String,
    /// A JSON object of header names and values as text, or an empty text.
    pub headers: String,
}

/// A file in the binary.
struct File {
    name: &'static str,
    /// Changes with the content. It is the `ETag` and the version in the URL.
    hash: &'static str,
    bytes: &'static [u8],
}

/// A file in the binary, and its compressed forms.
struct Asset {
    file: &'static File,
    content: Arc<StaticFile>,
}

impl Asset {
    fn new(file: &'static File) -> Self {
        Self { file, content: StaticFile::new(file.media_type(), file.hash, file.bytes) }
    }
}

impl File {
    fn find(name: &str) -> Option<&'static Self> {
        files::FILES.iter().find(|file| file.name == name)
    }

    fn media_type(&self) -> &'static str {
        if self.name.ends_with(".css") { "text/css; charset=utf-8" } else { "text/javascript; charset=utf-8" }
    }
}

/// The version in the URL of a file.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Version {
    v: String,
}

/// Builds the routes: the page at `/`, and its files under `/explorer/`.
pub fn routes(tabs: Vec<Tab>) -> Router {
    let headers = page_headers();
    let Html(page) = page(&tabs);
    let page = StaticFile::new("text/html; charset=utf-8", Digest::sha256(&page).to_string(), page);
    let assets: Arc<[Asset]> = files::FILES.iter().map(Asset::new).collect();
    Router::new()
        .route("/", get(async move |request: HeaderMap| (headers, page.respond(&request, "no-store").await)))
        .route("/explorer/{name}", get(send_file))
        .with_state(assets)
}

fn page_headers() -> HeaderMap {
    let fixed = [(header::X_CONTENT_TYPE_OPTIONS, "nosniff"), (header::REFERRER_POLICY, "no-referrer")];
    let mut headers: HeaderMap =
        fixed.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
    // A policy that is not a header value would be a bug. Then everything is forbidden, never allowed.
    let policy = HeaderValue::from_str(&policy(ASSETS_BUILT)).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers
}

/// Returns the content security policy. Without the bundle it lists each file, not the whole network. It also allows inline
/// styles then, because the published GraphiQL adds a `<style>` while a dialog is open. The bundle avoids that.
fn policy(is_built: bool) -> String {
    if is_built {
        return format!("{POLICY}; script-src 'self'; style-src 'self'");
    }
    let mut scripts = String::from("script-src 'self'");
    let mut styles = String::from("style-src 'self' 'unsafe-inline'");
    for (path, _) in OUTSIDE_FILES {
        let sources = if path.ends_with(".css") { &mut styles } else { &mut scripts };
        let _ = write!(sources, " {OUTSIDE}{path}");
    }
    format!("{POLICY}; {scripts}; {styles}")
}

async fn send_file(
    State(assets): State<Arc<[Asset]>>,
    Path(name): Path<String>,
    Query(version): Query<Version>,
    request: HeaderMap,
) -> Response {
    let Some(asset) = assets.iter().find(|asset| asset.file.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // The content of a URL with the hash never changes. Any other URL must be revalidated.
    let is_versioned = version.v == asset.file.hash;
    let cache_control = if is_versioned { "public, max-age=31536000, immutable" } else { REVALIDATE };
    asset.content.clone().respond(&request, cache_control).await
}

/// Renders the page with these tabs.
pub fn page(tabs: &[Tab]) -> Html<String> {
    let (style, script) = if ASSETS_BUILT { ("explorer.css", "explorer.js") } else { ("page.css", "outside.js") };
    let settings = settings(tabs, ASSETS_BUILT);
    let notice = notice(tabs, ASSETS_BUILT);
    Html(format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>commongraph</title>
<link rel="icon" href="{ICON}">
<link rel="stylesheet" href="{style}">
<script type="application/json" id="explorer-settings">{settings}</script>
<script type="module" src="{script}"></script>
</head>
<body>
<div id="explorer">
{notice}</div>
</body>
</html>
"#,
        style = asset_url(style),
        script = asset_url(script),
    ))
}

/// Returns the URL of a file, with its hash.
fn asset_url(name: &str) -> String {
    let hash = File::find(name).map_or("", |file| file.hash);
    format!("/explorer/{name}?v={hash}")
}

/// Returns the settings of the page as JSON. It is escaped so that no text in it can end the element around it.
fn settings(tabs: &[Tab], is_built: bool) -> String {
    let mut settings = json!({ "endpoint": ENDPOINT, "tabs": tabs });
    if !is_built {
        let outside = OUTSIDE_FILES.map(|(path, hash)| json!({ "url": format!("{OUTSIDE}{path}"), "integrity": hash }));
        settings["outside"] = json!(outside);
    }
    settings.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// Renders what the page shows while the explorer loads, or instead of it.
fn notice(tabs: &[Tab], is_built: bool) -> String {
    let curl = escape(&curl(tabs.first()));
    let curl = curl.replacen(ORIGIN, &format!(r#"<span class="origin">{ORIGIN}</span>"#), 1);
    let by_hand = format!("<p>The graph answers without it:</p>\n<pre>{curl}</pre>");
    let mut notice = format!(
        "<div class=\"notice loading\"><p>Loading the explorer…</p>\n\
         <noscript><p>It needs JavaScript.</p>\n{by_hand}</noscript></div>\n"
    );
    if !is_built {
        let _ = writeln!(
            notice,
            "<div class=\"notice unreachable\"><h1>The explorer could not be loaded</h1>\n\
             <p>This binary was built without the explorer's files, and the network that holds them \
             cannot be reached. To have them in the binary, run this in the repository, then build and start it again:</p>\n\
             <pre>cd explorer &amp;&amp; npm ci &amp;&amp; npm run build</pre>\n{by_hand}</div>"
        );
    }
    notice
}

/// A placeholder for the origin of this gateway, until the page knows it.
const ORIGIN: &str = "http://localhost:8080";

/// Returns a command for a POSIX shell that sends the operation of a tab.
fn curl(tab: Option<&Tab>) -> String {
    let object = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
    let mut body = Map::new();
    body.insert("query".to_owned(), json!(tab.map_or("{ __typename }", |tab| tab.query.trim())));
    let variables = object(tab.map_or("", |tab| &tab.variables));
    if !variables.is_empty() {
        body.insert("variables".to_owned(), Value::Object(variables));
    }
    let mut command = format!("curl -s {ORIGIN}{ENDPOINT} \\\n  -H 'Content-Type: application/json' \\\n");
    for (name, value) in object(tab.map_or("", |tab| &tab.headers)) {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let _ = writeln!(command, "  -H {} \\", quote(&format!("{name}: {value}")));
    }
    let _ = write!(command, "  --data {}", quote(&Value::Object(body).to_string()));
    command
}

/// Quotes a word for a POSIX shell.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Escapes text for HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tab() -> Tab {
        Tab {
            title: "Accounts".to_owned(),
            query: "query A { it(is: \"it's\") { a } }".to_owned(),
            variables: "{\"first\": 5}".to_owned(),
            headers: "{\"X-Token\": \"</script><b>&\"}".to_owned(),
        }
    }

    #[test]
    fn no_text_in_a_tab_can_end_the_element_around_it() {
        let Html(page) = page(&[tab()]);
        assert!(!page.contains("</script><b>"), "{page}");
        assert!(page.contains(r"\u003c/script\u003e\u003cb\u003e\u0026"), "{page}");
    }

    #[test]
    fn the_settings_contain_the_tabs() -> Result<(), serde_json::Error> {
        let settings: Value = serde_json::from_str(&settings(&[tab()], true))?;
        assert_eq!(settings["endpoint"], "/graphql");
        assert_eq!(settings["tabs"][0], json!(tab()));
        assert!(settings.get("outside").is_none());
        Ok(())
    }

    #[test]
    fn the_command_is_quoted_for_a_shell() {
        let expected = r#"curl -s http://localhost:8080/graphql \
  -H 'Content-Type: application/json' \
  -H 'X-Token: </script><b>&' \
  --data '{"query":"query A { it(is: \"it'\''s\") { a } }","variables":{"first":5}}'"#;
        assert_eq!(curl(Some(&tab())), expected);
        assert!(curl(None).ends_with(r#"--data '{"query":"{ __typename }"}'"#));
    }

    #[test]
    fn a_policy_lists_files_and_never_a_whole_network() {
        let built = policy(true);
        assert!(built.ends_with("script-src 'self'; style-src 'self'"), "{built}");
        let unbuilt = policy(false);
        for (path, _) in OUTSIDE_FILES {
            assert!(unbuilt.contains(&format!(" {OUTSIDE}{path}")), "{unbuilt}");
        }
        assert!(!unbuilt.contains(&format!("{OUTSIDE} ")) && !unbuilt.contains(&format!("{OUTSIDE};")), "{unbuilt}");
        assert_eq!(page_headers()[header::CONTENT_SECURITY_POLICY], policy(ASSETS_BUILT));
    }

    #[test]
    fn a_page_without_the_bundle_says_which_command_to_run() {
        let notice = notice(&[tab()], false);
        assert!(notice.contains("npm ci &amp;&amp; npm run build"), "{notice}");
        assert!(notice.contains("X-Token: &lt;/script&gt;&lt;b&gt;&amp;"), "{notice}");
    }

    fn assets() -> Arc<[Asset]> {
        files::FILES.iter().map(Asset::new).collect()
    }

    #[tokio::test]
    async fn a_file_is_cached_by_its_hash_and_revalidated() {
        for file in files::FILES {
            let get = |v: &str, request| {
                let version = Query(Version { v: v.to_owned() });
                send_file(State(assets()), Path(file.name.to_owned()), version, request)
            };
            let whole = get(file.hash, HeaderMap::new()).await;
            assert_eq!(whole.status(), StatusCode::OK);
            assert_eq!(whole.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
            let known: HeaderMap =
                [(header::IF_NONE_MATCH, whole.headers()[header::ETAG].clone())].into_iter().collect();
            let again = get("of another build", known).await;
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
            assert_eq!(again.headers()[header::CACHE_CONTROL], "no-cache");
        }
        let path = Path("../main.rs".to_owned());
        let missing = send_file(State(assets()), path, Query(Version::default()), HeaderMap::new()).await;
        assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    }
}

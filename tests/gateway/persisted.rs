//! Documents by hash and by ID: Apollo's protocol, and trusted documents in each of the forms that compilers write.

use std::path::{Path, PathBuf};

use commongraph::config::Settings;
use commongraph::http::persisted::Mode;
use serde_json::{Value, json};

use crate::harness::{Gateway, codes};

const TEXT: &str = "{__typename}";
const HASH: &str = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";

fn extension(hash: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

async fn post(gateway: &Gateway, body: Value) -> Value {
    gateway.client.post(gateway.url()).json(&body).send().await.unwrap().json().await.unwrap()
}

async fn get(gateway: &Gateway, pairs: &[(&str, &str)]) -> Value {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    gateway.client.get(format!("{}?{query}", gateway.url())).send().await.unwrap().json().await.unwrap()
}

/// An answer's first error: its message and its code.
fn error(answer: &Value) -> (String, String) {
    assert!(answer.get("data").is_none(), "{answer}");
    (answer["errors"][0]["message"].as_str().unwrap_or_default().to_owned(), codes(answer)[0].0.clone())
}

fn typename() -> Value {
    json!({ "data": { "__typename": "Query" } })
}

fn not_found() -> (String, String) {
    ("PersistedQueryNotFound".to_owned(), "PERSISTED_QUERY_NOT_FOUND".to_owned())
}

fn not_supported() -> (String, String) {
    ("PersistedQueryNotSupported".to_owned(), "PERSISTED_QUERY_NOT_SUPPORTED".to_owned())
}

/// A folder of one test's own.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        for (file, text) in files {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn trust(mode: Mode, path: PathBuf) -> impl FnOnce(&mut Settings) {
    move |settings| {
        settings.http.trusted_documents.mode = mode;
        settings.http.trusted_documents.path = Some(path);
    }
}

#[tokio::test]
async fn a_hash_is_enough_once_the_text_came_with_it() {
    let gateway = Gateway::start(|_| {}).await;
    let hash_alone = json!({ "extensions": extension(HASH) });
    assert_eq!(error(&post(&gateway, hash_alone.clone()).await), not_found());
    assert_eq!(post(&gateway, json!({ "query": TEXT, "extensions": extension(HASH) })).await, typename());
    assert_eq!(post(&gateway, hash_alone).await, typename());
    let by_get = [("extensions", &*extension(HASH).to_string())];
    assert_eq!(get(&gateway, &by_get).await, typename());
}

#[tokio::test]
async fn a_text_is_kept_under_its_own_hash_and_only_if_it_can_run() {
    let gateway = Gateway::start(|_| {}).await;
    let lie = json!({ "query": "{ connections { totalCount } }", "extensions": extension(HASH) });
    assert_eq!(error(&post(&gateway, lie).await).0, "provided sha does not match query");
    assert_eq!(error(&post(&gateway, json!({ "extensions": extension(HASH) })).await), not_found());
    let broken = "021fb596db81e6d02bf3d2586ee3981fe519f275c0ac9ca76bbcf2ebb4097d96";
    let syntax = post(&gateway, json!({ "query": "{", "extensions": extension(broken) })).await;
    assert_eq!(error(&syntax).1, "BAD_INPUT");
    assert_eq!(error(&post(&gateway, json!({ "extensions": extension(broken) })).await), not_found());
    for wrong in [json!({ "version": 2, "sha256Hash": HASH }), json!({ "version": 1 }), json!([]), json!("x")] {
        let answer = post(&gateway, json!({ "query": TEXT, "extensions": { "persistedQuery": wrong } })).await;
        assert_eq!(error(&answer).1, "BAD_INPUT");
    }
}

#[tokio::test]
async fn without_room_for_texts_hashes_are_not_supported() {
    let gateway = Gateway::start(|settings| settings.http.persisted_max = 0).await;
    assert_eq!(error(&post(&gateway, json!({ "extensions": extension(HASH) })).await), not_supported());
    assert_eq!(error(&post(&gateway, json!({ "documentId": "x" })).await), not_supported());
    assert_eq!(post(&gateway, json!({ "query": TEXT, "extensions": extension(HASH) })).await, typename());
}

#[tokio::test]
async fn trusted_documents_are_answered_by_id_however_it_is_sent_and_nothing_else_is() {
    let relay = json!({ "1a": TEXT, "2b": "query Q($id: ID!) { node(id: $id) { id } }" }).to_string();
    let folder = Folder::new("enforce", &[("relay.json", &relay)]);
    let gateway = Gateway::start(trust(Mode::Enforce, folder.0.join("relay.json"))).await;
    for body in [
        json!({ "documentId": "1a" }),
        json!({ "documentId": "sha256:1a" }),
        json!({ "doc_id": "1a" }),
        json!({ "id": "1a" }),
        json!({ "extensions": extension("1a") }),
        json!({ "query": TEXT }),
        json!({ "query": TEXT, "extensions": extension(HASH) }),
        json!({ "query": TEXT, "extensions": extension("1a") }),
    ] {
        assert_eq!(post(&gateway, body.clone()).await, typename(), "{body}");
    }
    assert_eq!(get(&gateway, &[("documentId", "1a")]).await, typename());
    let other = "{ __typename }";
    assert_eq!(error(&post(&gateway, json!({ "query": other })).await).1, "FORBIDDEN");
    assert_eq!(error(&post(&gateway, json!({ "documentId": "3c" })).await), not_found());
    assert_eq!(error(&post(&gateway, json!({ "extensions": extension(HASH) })).await), not_found());
    let status = gateway.client.post(gateway.url()).json(&json!({ "query": other })).send().await.unwrap().status();
    assert_eq!(status.as_u16(), 403);
}

#[tokio::test]
async fn a_folder_and_every_compilers_manifest_are_read() {
    let apollo = json!({
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [{ "id": HASH, "name": "", "type": "query", "body": TEXT }],
    });
    let codegen = json!({ HASH: TEXT });
    let files = [
        ("documents/inner/Type.graphql", TEXT),
        ("documents/readme.txt", "not a document"),
        ("apollo.json", &apollo.to_string()),
        ("codegen.json", &codegen.to_string()),
    ];
    let folder = Folder::new("forms", &files);
    for (path, ids) in [("documents", &[HASH, "Type"][..]), ("apollo.json", &[HASH]), ("codegen.json", &[HASH])] {
        let gateway = Gateway::start(trust(Mode::Log, folder.0.join(path))).await;
        for id in ids {
            assert_eq!(post(&gateway, json!({ "documentId": id })).await, typename(), "{path} {id}");
        }
        assert_eq!(error(&post(&gateway, json!({ "documentId": "none" })).await), not_found());
        assert_eq!(post(&gateway, json!({ "query": "{ __typename }" })).await, typename());
    }
}

#[tokio::test]
async fn documents_that_cannot_be_read_stop_the_start() {
    let folder = Folder::new("wrong", &[("a.graphql", "{"), ("b.json", "[]"), ("empty/x.txt", "")]);
    for (path, told) in [
        ("", "a.graphql is not a GraphQL document"),
        ("b.json", "is no manifest"),
        ("empty", "there is no document"),
        ("none", "cannot be read"),
    ] {
        let mut settings = Settings::default();
        settings.http.listen.set_port(0);
        trust(Mode::Enforce, folder.0.join(path))(&mut settings);
        let fault = commongraph::app::start(&settings, Vec::new()).await.err().unwrap();
        assert!(fault.starts_with("http.trusted_documents.path: ") && fault.contains(told), "{fault}");
        assert!(!fault.contains(folder.0.to_str().unwrap()), "the value comes back: {fault}");
    }
}

#[tokio::test]
async fn a_name_that_a_client_gives_to_a_document_is_not_written_as_it_is() {
    let log = crate::log::Log::default();
    let _guard = log.listen();
    let gateway = Gateway::start(|settings| settings.http.trusted_documents.mode = Mode::Log).await;
    for name in ["x".repeat(4_000), "a\u{1b}[31mb".to_owned()] {
        post(&gateway, json!({ "query": TEXT, "operationName": name })).await;
    }
    let told = log.text();
    let lines: Vec<_> = told.lines().filter(|line| line.contains("not trusted")).collect();
    assert!(lines.len() == 2 && lines.iter().all(|line| line.contains("sha256:") && line.len() < 500), "{lines:?}");
}

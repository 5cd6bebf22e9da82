//! Documents that would hurt are refused by their code while others are served, and what merely repeats costs nothing.

use serde_json::{Value, json};

use crate::harness::{Asker, World, codes};

/// The query that tools send to learn a schema, with everything they can ask for.
const INTROSPECTION: &str = "query IntrospectionQuery { __schema { description queryType { name kind } mutationType { name kind }
    subscriptionType { name kind } types { ...FullType }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } }
    fragment FullType on __Type { kind name description specifiedByURL isOneOf
    fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
    inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef }
    enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
    fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
    fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
    ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";

/// Fragments that lead one to the next.
fn chain(levels: usize) -> String {
    let one = |n: usize| format!("fragment F{n} on Query {{ ...F{0} ...F{0} }} ", n + 1);
    let last = format!("fragment F{levels} on Query {{ __typename }}");
    format!("{{ ...F0 }} {}{last}", (0..levels).map(one).collect::<String>())
}

fn hostile() -> Vec<(&'static str, String, &'static str)> {
    let many = |count: usize, one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<String>();
    vec![
        ("24 levels", chain(24), "expanded_max"),
        ("31 levels", chain(31), "expanded_max"),
        ("200 levels", chain(200), "tokens_max"),
        ("directives", format!("{{ __typename {} }}", "@a".repeat(20_000)), "bytes_max"),
        ("fewer directives", format!("{{ __typename {} }}", "@a".repeat(900)), "directives_max"),
        ("aliases", format!("{{ {} }}", many(10_000, &|n| format!("a{n}:__typename "))), "bytes_max"),
        ("fewer aliases", format!("{{ {} }}", many(600, &|n| format!("a{n}:__typename "))), "root_fields_max"),
        ("lists", format!("{{ nodes(ids: {}1{}) {{ id }} }}", "[".repeat(1_000), "]".repeat(1_000)), "tokens_max"),
        ("fewer lists", format!("{{ nodes(ids: {}1{}) {{ id }} }}", "[".repeat(900), "]".repeat(900)), "nesting_max"),
        ("types", format!("query($a: {}Int{}) {{ a }}", "[".repeat(900), "]".repeat(900)), "nesting_max"),
        (
            "introspection",
            format!("{{ __schema {{ types {{ {}name{} }} }} }}", "fields{type{".repeat(8), "}}".repeat(8)),
            "introspection_lists_max",
        ),
        (
            "deep introspection",
            format!("{{ __schema {{ types {{ {}name{} }} }} }}", "ofType{".repeat(30), "}".repeat(30)),
            "introspection_depth_max",
        ),
        ("a long string", format!("{{ service(key: \"{}\") {{ id }} }}", "x".repeat(100_000)), "bytes_max"),
        ("a circle", "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }".to_owned(), ""),
        ("a small circle", "{ ...A } fragment A on Query { viewer { __typename } ...A }".to_owned(), ""),
    ]
}

async fn post(world: &World, person: &str, body: &Value) -> (u16, Value) {
    let mut request = world.gateway.client.post(world.gateway.url()).json(body);
    for (name, value) in &Asker::person(person).0 {
        request = request.header(*name, value);
    }
    let request = request.header("Accept", "application/graphql-response+json");
    let reply = request.header("X-Commongraph-Cost", "1").send().await.unwrap();
    (reply.status().as_u16(), reply.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_document_is_refused_by_its_code_while_others_are_served() {
    let world = World::start().await;
    let others = async {
        for _ in 0..20 {
            let answer = world.ask("ada", "{ viewer { wordpressUser { displayName } } }").await;
            assert_eq!(answer["data"]["viewer"]["wordpressUser"]["displayName"], "Ada Reed");
        }
    };
    let attack = async {
        for (what, text, limit) in hostile() {
            let (status, answer) = post(&world, "olga", &json!({ "query": text })).await;
            let code = if limit.is_empty() { "BAD_INPUT" } else { "LIMIT_EXCEEDED" };
            assert_eq!((status, codes(&answer)[0].0.as_str()), (400, code), "{what}: {answer}");
            assert_eq!(answer["errors"][0]["extensions"]["limit"].as_str().unwrap_or_default(), limit, "{what}");
            assert!(answer.get("data").is_none() && answer.to_string().len() < 600, "{what}: {answer}");
        }
        let large = format!("{{ service(key: \"{}\") {{ id }} }}", "x".repeat(300 << 10));
        let (status, answer) = post(&world, "olga", &json!({ "query": large })).await;
        assert_eq!((status, codes(&answer)[0].0.as_str()), (413, "LIMIT_EXCEEDED"));
    };
    tokio::join!(others, attack);
    let counts = world.counts().await;
    assert_eq!(json!(counts), json!({ "GET /rest/v1.1/me": 20 }));
}

#[tokio::test]
async fn a_field_written_150_times_costs_the_calls_of_one() {
    let world = World::start().await;
    let one = "connections(first: 5) { nodes { health { state } } } ";
    let answer = world.ask("olga", &format!("{{ {one} }}")).await;
    let counts = world.counts().await;
    for text in [
        format!("{{ {} }}", one.repeat(120)),
        format!("{{ {} }} fragment F on Query {{ {one} }}", "...F ".repeat(150)),
        format!("{{ {one} {} }}", "connections(first: 5) { totalCount nodes { id } } ".repeat(120))
            .replace("totalCount nodes { id }", "nodes { health { state } }"),
    ] {
        assert_eq!(world.ask("olga", &text).await, answer);
        assert_eq!(world.counts().await, counts);
    }
    let many = format!("{{ viewer {{ {} }} }}", "wordpressUser { email } ".repeat(150));
    let once = world.ask("olga", "{ viewer { wordpressUser { email } } }").await;
    world.counts().await;
    assert_eq!(world.ask("olga", &many).await, once);
    assert_eq!(json!(world.counts().await), json!({ "GET /rest/v1.1/me": 1 }));
}

#[tokio::test]
async fn merging_keeps_what_a_document_means() {
    let world = World::start().await;
    for (written, plain) in [
        (
            "{ connections(first: 9) { nodes { id ...A kind record { ...R } } nodes { record { ...R __typename } id } } }
             fragment A on Connection { provider kind identity { id } identity { displayName } ...B }
             fragment B on Node { id ... on Connection { createdAt provider } }
             fragment R on SignInRecord { connectionToken plugin { key } }",
            "{ connections(first: 9) { nodes { id provider kind identity { id displayName } createdAt
               record { ... on SignInRecord { connectionToken plugin { key } } __typename } } } }",
        ),
        (
            "query($a: Boolean = true, $b: Boolean = false) { viewer { x: wordpressUser { username } } ... on Query @include(if: $a) {
               viewer { x: wordpressUser { email @skip(if: $a) userId @skip(if: $b) } } }
               viewer @include(if: $b) { oneallUser { userToken } } }",
            "{ viewer { x: wordpressUser { username userId } } }",
        ),
        (
            "{ connections(first: 30) { nodes { record { ... on KeyringRecord { __typename } __typename ... on SignInRecord { status }
               ... on KeyringRecord { type } } } } }",
            "{ connections(first: 30) { nodes { record { __typename ... on SignInRecord { status } ... on KeyringRecord { type } } } } }",
        ),
    ] {
        let answer = world.ask("olga", written).await;
        assert_eq!(answer["errors"], json!(null), "{written}");
        assert_eq!(answer["data"].to_string(), world.ask("olga", plain).await["data"].to_string(), "{written}");
    }
}

#[tokio::test]
async fn an_operation_of_150_calls_passes_and_one_of_151_is_refused() {
    let world = World::with(commongraph::sandbox::Settings { extra_sign_ins: 200, ..Default::default() }, |_| {}).await;
    let list = world.ask("olga", "{ connections(first: 100) { nodes { id } } }").await;
    let nodes = list["data"]["connections"]["nodes"].as_array().unwrap();
    let ids: Vec<_> = nodes.iter().map(|row| row["id"].clone()).collect();
    let query =
        "query($ids: [ID!]!) { connections(first: 100) { nodes { health { state } } } nodes(ids: $ids) { id } }";
    let body = |count: usize| json!({ "query": query, "variables": { "ids": ids[..count] } });
    let (status, answer) = post(&world, "olga", &body(47)).await;
    assert_eq!((status, &answer["errors"]), (200, &json!(null)));
    let cost = &answer["extensions"]["cost"];
    assert_eq!((&cost["calls"], &cost["budget"], &cost["remaining"]), (&json!(150), &json!(150), &json!(0)));
    let (status, answer) = post(&world, "olga", &body(48)).await;
    let message = "Provider calls: the document has 151, which exceeds the limit of 150 (`calls_max`).";
    assert_eq!((status, answer["errors"][0]["message"].as_str()), (400, Some(message)));
    assert_eq!(
        answer["errors"][0]["extensions"],
        json!({ "code": "LIMIT_EXCEEDED", "retryable": false, "limit": "calls_max", "allowed": 150, "actual": 151 })
    );
}

#[tokio::test]
async fn what_runs_never_costs_more_than_was_counted() {
    let world = World::start().await;
    let more = "{ viewer { wordpressUser { sites { name } primarySite { name } } needsAttentionCount
        connections(first: 50) { nodes { service { description } sites { name } } } identities { nodes { oneallUser { loginCount } } } } }";
    let tour = [commongraph::app::sample_operations::ACCOUNTS, commongraph::app::sample_operations::VIEWER, more];
    for query in tour {
        world.counts().await;
        let (_, answer) = post(&world, "ada", &json!({ "query": query })).await;
        let made: u64 = world.counts().await.values().sum();
        let counted = answer["extensions"]["cost"]["calls"].as_u64().unwrap();
        assert!(made <= counted, "{query}: {made} calls made, {counted} counted");
    }
}

#[tokio::test]
async fn the_introspection_of_every_tool_passes() {
    let world = World::start().await;
    let answer = world.ask("ada", INTROSPECTION).await;
    assert_eq!(answer["errors"], json!(null));
    assert!(answer["data"]["__schema"]["types"].as_array().unwrap().len() > 30);
}

#[tokio::test]
async fn an_answer_has_at_most_twenty_errors_and_counts_the_rest() {
    let world = World::start().await;
    let ids: Vec<_> = (0..25).map(|n| format!("no-{n}")).collect();
    let (_, answer) = post(
        &world,
        "ada",
        &json!({ "query": "query($ids: [ID!]!) { nodes(ids: $ids) { id } }", "variables": { "ids": ids } }),
    )
    .await;
    assert_eq!(answer["errors"].as_array().unwrap().len(), 20);
    assert_eq!(answer["extensions"]["errorsOmitted"], 5);
    let unknown: String = (0..60).map(|n| format!("x{n} ")).collect();
    let answer = world.ask("ada", &format!("{{ {unknown} }}")).await;
    assert_eq!(answer["errors"].as_array().unwrap().len(), 20);
    assert_eq!(answer["extensions"]["errorsOmitted"], 40);
}

#[tokio::test]
async fn a_get_may_only_query() {
    let world = World::start().await;
    let status = async |query: &str| {
        let url = url::Url::parse_with_params(&world.gateway.url(), [("query", query)]).unwrap();
        world
            .gateway
            .client
            .get(url)
            .header("Accept", "application/graphql-response+json")
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(status("{ __typename }").await, 200);
    assert_eq!(status("mutation { a }").await, 405);
    assert_eq!(status("{ nonsense }").await, 400);
}

#[tokio::test]
async fn cost_is_told_only_when_asked_for() {
    let world = World::start().await;
    assert_eq!(world.ask("ada", "{ __typename }").await, json!({ "data": { "__typename": "Query" } }));
    let request = world.gateway.request(&Asker::nobody(), "{ __typename }", json!({}));
    let answer: Value = request.header("X-Commongraph-Cost", "0").send().await.unwrap().json().await.unwrap();
    assert_eq!(answer, json!({ "data": { "__typename": "Query" } }));
    let (_, answer) =
        post(&world, "ada", &json!({ "query": "{ x: __typename viewer { needsAttentionCount } }" })).await;
    let cost = json!({ "calls": 2, "budget": 150, "remaining": 148, "depth": 2, "selections": 3, "aliases": 1, "rootFields": 2 });
    assert_eq!(answer["extensions"]["cost"], cost);
}

#[tokio::test]
async fn known_names_are_suggested_only_where_that_is_set() {
    let message = |answer: Value| answer["errors"][0]["message"].as_str().unwrap().to_owned();
    let quiet = World::start().await;
    let silent = message(quiet.ask("ada", "{ viewr { __typename } }").await);
    assert!(silent.contains("viewr") && !silent.contains("viewer"), "{silent}");
    let open = World::with(Default::default(), |settings| settings.graph.suggestions = true).await;
    let told = message(open.ask("ada", "{ viewr { __typename } }").await);
    assert!(told.contains("viewer"), "{told}");
    let conflict =
        message(quiet.ask("ada", "{ a: viewer { __typename } ... on Query { a: providers { detail } } }").await);
    assert!(conflict.contains('a'), "{conflict}");
}

#[tokio::test]
async fn a_limit_can_be_raised() {
    let world = World::with(Default::default(), |settings| settings.graph.limits.aliases_max = 40).await;
    let aliases: String = (0..35).map(|n| format!("a{n}: __typename ")).collect();
    let answer = world.ask("ada", &format!("{{ viewer {{ {aliases} }} }}")).await;
    assert_eq!(answer["errors"], json!(null));
}

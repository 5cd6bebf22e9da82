//! Who may ask what: each kind of caller, own and foreign things, and what of it reaches the providers.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use commongraph::app::{self, PersonalCredentials};
use commongraph::auth::Scope;
use commongraph::config::Settings;
use commongraph::sandbox::{Sandbox, WORDPRESS_CLIENT_ID, people};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::harness::{Asker, Canned, Gateway, World, codes, signed};

/// Ada's sign-in and user at OneAll, one of her identities, and Olga's sign-in.
const ADAS: &str = "5a4d0000-0000-4000-8000-000000000002";
const ADA: &str = "5a4d0000-0000-4000-8001-000000000002";
const OLGAS: &str = "5a4d0000-0000-4000-8000-000000000001";
const FAILED: &str = "5a4d0000-0000-4000-8000-000000000003";
const ENCRYPTED: &str = "5a4d0000-0000-4000-8000-000000000005";
const UNKNOWN: &str = "5a4d0000-0000-4000-8000-000000000999";

async fn ask(world: &World, asker: &Asker, query: &str) -> Value {
    world.gateway.ask(asker, query, json!({})).await
}

/// Asks, and how many calls to the providers that took.
async fn ask_and_count(world: &World, asker: &Asker, query: &str) -> (Value, u64) {
    let answer = ask(world, asker, query).await;
    (answer, world.counts().await.values().sum())
}

fn sign_in(token: &str) -> String {
    format!("{{ it: connection(by: {{ connectionToken: \"{token}\" }}) {{ id }} }}")
}

/// What was answered at `it`: the code of its error, or whether there is something.
fn told(answer: &Value) -> String {
    match codes(answer).first() {
        Some((code, _)) => code.clone(),
        None if answer["data"]["it"].is_null() => "null".to_owned(),
        None => "there".to_owned(),
    }
}

/// The callers, in the order of the columns below.
fn callers() -> [(&'static str, Asker); 8] {
    [
        ("nobody", Asker::nobody()),
        ("Ada's token alone", Asker::alone("sandbox-wpcom-ada")),
        ("Ada's JWT alone", Asker::user(ADA)),
        ("Ada with both", Asker::person("ada")),
        ("Ben, who is nobody at OneAll", Asker::person("ben")),
        ("login", Asker::service("login")),
        ("report", Asker::service("report")),
        ("shop", Asker::service("shop")),
    ]
}

#[tokio::test]
async fn each_caller_is_told_what_is_theirs_and_nothing_is_asked_for_what_is_refused() {
    const NO: &str = "UNAUTHENTICATED";
    const NEVER: &str = "FORBIDDEN";
    let world = World::start().await;
    let listed = |list: &str| format!("{{ it: {list}(first: 1) {{ totalCount }} }}");
    let rows: [(String, [&str; 8]); 13] = [
        (sign_in(ADAS), [NO, NO, "there", "there", "null", "there", "there", "there"]),
        (sign_in(OLGAS), [NO, NO, "null", "null", "null", "there", "there", "there"]),
        (sign_in(FAILED), [NO, NO, "null", "null", "null", "there", "there", "there"]),
        (sign_in(ENCRYPTED), [NO, NO, "null", "null", "null", "there", "there", "there"]),
        (sign_in(UNKNOWN), [NO, NO, "null", "null", "null", "null", "null", "null"]),
        (
            "{ it: identity(by: { identityToken: \"5a4d0000-0000-4000-8002-000000000004\" }) { id } }".to_owned(),
            [NO, NO, "there", "there", "null", NEVER, "there", "there"],
        ),
        (
            "{ it: viewer { wordpressUser { userId } } }".to_owned(),
            ["null", "there", "there", "there", "there", "null", "null", "null"],
        ),
        (
            "{ it: application(by: { connectedApplicationId: 8367271 }) { id } }".to_owned(),
            [NO, "null", NO, "null", "null", NO, NO, NO],
        ),
        (
            "{ it: identity(by: { account: { service: \"twitter\", subject: \"200300400\" } }) { id } }".to_owned(),
            [NO, "there", "there", "there", "null", NO, NO, NO],
        ),
        (
            "{ it: service(key: \"google\") { connections { totalCount } } }".to_owned(),
            [NO, "there", NO, "there", "there", NO, NO, NO],
        ),
        (
            "{ it: service(key: \"google\") { identities { totalCount } } }".to_owned(),
            [NO, "there", "there", "there", "there", NO, "UNSUPPORTED_BY_PROVIDER", "UNSUPPORTED_BY_PROVIDER"],
        ),
        ("{ it: providers { authorized } }".to_owned(), ["there"; 8]),
        ("{ it: service(key: \"google\") { label } }".to_owned(), ["there"; 8]),
    ];
    for (query, expected) in &rows {
        for ((name, asker), expected) in callers().iter().zip(expected) {
            let (answer, calls) = ask_and_count(&world, asker, query).await;
            assert_eq!(told(&answer), *expected, "{name}: {query}: {answer}");
            assert!(calls == 0 || !matches!(*expected, NO | NEVER), "{name}: {query}: {calls} calls");
        }
    }
    // A list over both providers has the part that the caller may see.
    for (list, services) in [("connections", [NEVER, "there", "there"]), ("identities", [NEVER, "there", "there"])] {
        let all = [NO, NO, NEVER, NEVER, NEVER, services[0], services[1], services[2]];
        for ((name, asker), expected) in callers().iter().zip(all) {
            let (answer, calls) = ask_and_count(&world, asker, &listed(list)).await;
            let found = codes(&answer).iter().any(|(code, _)| code == expected);
            assert!(found || (expected == "there" && !answer["data"]["it"].is_null()), "{name}: {list}: {answer}");
            let wordpress = asker.0.iter().any(|(header, _)| *header == "X-WordPress-Token");
            assert!(wordpress || expected == "there" || calls == 0, "{name}: {list}: {calls} calls");
        }
    }
}

#[tokio::test]
async fn what_is_somebody_elses_costs_and_looks_like_what_does_not_exist() {
    let world = World::start().await;
    for asker in [Asker::person("ada"), Asker::person("ben")] {
        let unknown = ask_and_count(&world, &asker, &sign_in(UNKNOWN)).await;
        for foreign in [OLGAS, FAILED, ENCRYPTED] {
            assert_eq!(ask_and_count(&world, &asker, &sign_in(foreign)).await, unknown, "{foreign}");
        }
    }
    let foreign = "{ it: identity(by: { identityToken: \"5a4d0000-0000-4000-8002-000000000001\" }) { id } }";
    let unknown = "{ it: identity(by: { identityToken: \"5a4d0000-0000-4000-8002-000000000999\" }) { id } }";
    let ada = Asker::person("ada");
    assert_eq!(ask_and_count(&world, &ada, foreign).await, ask_and_count(&world, &ada, unknown).await);
}

#[tokio::test]
async fn a_refusal_names_the_scope_that_is_missing() {
    let world = World::start().await;
    let user = format!(
        "{{ connection(by: {{ connectionToken: \"{ADAS}\" }}) {{ record {{ ... on SignInRecord {{ user {{ userToken loginCount }} }} }} }} }}"
    );
    for (asker, query, scope) in [
        (Asker::service("login"), "{ connections { totalCount } }", "oneall:connections:list"),
        (Asker::service("login"), "{ identities { totalCount } }", "oneall:users:read"),
        (Asker::service("login"), &*user, "oneall:users:read"),
        (Asker::person("cleo"), "{ connections { totalCount } }", "oneall:connections:list"),
    ] {
        let answer = ask(&world, &asker, query).await;
        let errors = answer["errors"].as_array().unwrap();
        let error = errors.iter().find(|error| error["extensions"]["code"] == "FORBIDDEN").unwrap();
        assert_eq!(error["extensions"]["scope"], scope, "{answer}");
        assert!(error["message"].as_str().unwrap().contains(scope), "{answer}");
    }
    let answer = ask(&world, &Asker::service("login"), &user).await;
    assert_eq!(answer["data"]["connection"]["record"]["user"]["userToken"], ADA);
}

#[tokio::test]
async fn what_identifies_a_person_outside_is_for_themselves_and_for_services_with_that_scope() {
    let world = World::start().await;
    let fields =
        "displayName emails { value } profile { location birthday phoneNumbers { value } addresses { formatted } }";
    let of_sign_in =
        |token: &str| format!("{{ connection(by: {{ connectionToken: \"{token}\" }}) {{ identity {{ {fields} }} }} }}");
    let own = format!("{{ viewer {{ oneallUser {{ identities {{ {fields} }} }} }} }}");

    for asker in [Asker::person("ada"), Asker::service("login"), Asker::service("shop")] {
        let answer = ask(&world, &asker, &of_sign_in(ADAS)).await;
        assert_eq!(answer["errors"], json!(null), "{answer}");
        assert!(answer["data"]["connection"]["identity"]["emails"].is_array(), "{answer}");
    }
    assert_eq!(ask(&world, &Asker::person("ada"), &own).await["errors"], json!(null));

    let answer = ask(&world, &Asker::service("report"), &of_sign_in(ADAS)).await;
    let identity = &answer["data"]["connection"]["identity"];
    assert!(identity["displayName"].is_string(), "{answer}");
    let at = "connection.identity";
    let refused: Vec<_> = codes(&answer);
    for field in ["emails", "profile.birthday", "profile.phoneNumbers", "profile.addresses"] {
        assert!(refused.contains(&("FORBIDDEN".to_owned(), format!("{at}.{field}"))), "{field}: {answer}");
        assert!(identity.pointer(&format!("/{}", field.replace('.', "/"))).unwrap().is_null(), "{field}");
    }
    assert_eq!(refused.len(), 4);
    assert_eq!(answer["errors"][0]["extensions"]["scope"], "oneall:personal");
    // Wherever an identity comes from.
    for query in [
        "{ identities(first: 3) { nodes { emails { value } } } }",
        "{ connections(first: 2) { nodes { identity { emails { value } } } } }",
    ] {
        let answer = ask(&world, &Asker::service("report"), query).await;
        let wrong = codes(&answer).into_iter().filter(|(_, path)| path.ends_with("emails")).count();
        assert!(wrong >= 2 && !answer.to_string().contains('@'), "{answer}");
    }
}

#[tokio::test]
async fn a_credential_that_is_not_good_ends_the_request_even_if_nothing_needs_it() {
    let world = World::start().await;
    let claims = |change: &[(&str, Value)]| {
        let mut claims =
            json!({ "iss": "https://sandbox.example", "aud": "commongraph", "sub": "x", "exp": 4_102_444_800_u64 });
        change.iter().for_each(|(name, value)| claims[*name] = value.clone());
        format!("Bearer {}", signed(&claims))
    };
    let shop = Asker::service("shop").0[0].1.clone();
    let cut = shop[..shop.len() - 1].to_owned();
    for credential in [
        cut,
        shop.replace("cg_shop", "cg_other"),
        shop.replace("cg_shop", "cg_login"),
        shop.replace("Bearer", "Basic"),
        claims(&[("exp", json!(1))]),
        claims(&[("iss", json!("https://other.example"))]),
        claims(&[("aud", json!("other"))]),
        claims(&[("oneall_user", json!("../users"))]),
        claims(&[("nbf", json!("9999"))]),
        claims(&[]) + "x",
        "Bearer eyJhbGciOiJub25lIn0.e30.".to_owned(),
        "Bearer sandbox-wpcom-ada".to_owned(),
    ] {
        for asker in [Asker::nobody(), Asker::alone("sandbox-wpcom-ada")] {
            let asker = asker.with("Authorization", &credential);
            for query in ["{ __typename }", "{ viewer { wordpressUser { userId } } }", "{ nonsense"] {
                let response = world.gateway.request(&asker, query, json!({})).send().await.unwrap();
                let status = response.status().as_u16();
                assert_eq!(status, 401, "{credential}");
                let challenge = response.headers()["www-authenticate"].to_str().unwrap().to_owned();
                assert!(challenge.starts_with("Bearer realm=") && challenge.contains("invalid_token"), "{challenge}");
                let answer: Value = response.json().await.unwrap();
                assert_eq!(codes(&answer), [("UNAUTHENTICATED".to_owned(), String::new())]);
                assert!(answer.get("data").is_none() && !answer.to_string().contains("cg_"), "{answer}");
            }
        }
    }
    assert_eq!(json!(world.counts().await), json!({}));
    let lower = Asker::nobody().with("Authorization", &shop.replace("Bearer", "bearer"));
    assert_eq!(told(&ask(&world, &lower, &sign_in(OLGAS)).await), "there");
}

#[tokio::test]
async fn a_jwt_that_cannot_be_checked_is_the_gateways_trouble_and_nobodys_read() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let world = World::with(Default::default(), |settings| {
        settings.access.jwt.secret = None;
        settings.access.jwt.jwks_url = Some(format!("http://{closed}/keys"));
    })
    .await;
    use base64::Engine;
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let token = format!("{}.{}.{}", part(r#"{"alg":"RS256","kid":"a"}"#), part("{}"), part("signature"));
    let asker = Asker::nobody().with("Authorization", &format!("Bearer {token}"));
    let response = world.gateway.request(&asker, "{ __typename }", json!({})).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (503, "5"));
    let answer: Value = response.json().await.unwrap();
    assert_eq!(codes(&answer), [("PROVIDER_UNAVAILABLE".to_owned(), String::new())]);
    assert_eq!(answer["errors"][0]["extensions"]["retryable"], true);
    // The services' keys need no issuer.
    assert_eq!(told(&ask(&world, &Asker::service("login"), &sign_in(ADAS)).await), "there");
}

#[tokio::test]
async fn each_caller_is_told_what_to_show_for_what_is_missing() {
    let world = World::start().await;
    let query = "{ providers { authorized detail } }";
    for (asker, wordpress, oneall) in [
        (Asker::nobody(), Some("X-WordPress-Token"), Some("in `Authorization")),
        (Asker::alone("token"), None, Some("in `Authorization")),
        (Asker::user(ADA), Some("X-WordPress-Token"), None),
        (Asker::person("ben"), None, Some("names no OneAll user")),
        (Asker::token("token"), None, None),
    ] {
        let answer = ask(&world, &asker, query).await;
        for (at, wanted) in [wordpress, oneall].into_iter().enumerate() {
            let one = &answer["data"]["providers"][at];
            assert_eq!(one["authorized"], json!(wanted.is_none()), "{answer}");
            assert_eq!(one["detail"].is_null(), wanted.is_none(), "{answer}");
            assert!(one["detail"].as_str().unwrap_or_default().contains(wanted.unwrap_or_default()), "{answer}");
        }
    }
    assert_eq!(json!(world.counts().await), json!({}));
}

#[tokio::test]
async fn a_scope_in_a_jwt_hands_nobody_the_site() {
    let world = World::start().await;
    let claims = json!({
        "iss": "https://sandbox.example", "aud": "commongraph", "sub": "x", "exp": 4_102_444_800_u64, "oneall_user": ADA,
        "scope": Scope::NAMES.join(" "),
    });
    let asker = Asker::nobody().with("Authorization", &format!("Bearer {}", signed(&claims)));
    assert_eq!(told(&ask(&world, &asker, &sign_in(OLGAS)).await), "null");
    assert_eq!(told(&ask(&world, &asker, &sign_in(ADAS)).await), "there");
    let list = ask(&world, &asker, "{ connections { totalCount } identities { totalCount } }").await;
    let refused = codes(&list).into_iter().filter(|(code, _)| code == "FORBIDDEN").count();
    assert_eq!((refused, &list["data"]), (2, &json!({ "connections": null, "identities": null })), "{list}");
    let [adas, olgas] =
        [4, 1].map(|last| URL_SAFE_NO_PAD.encode(format!("identity:5a4d0000-0000-4000-8002-00000000000{last}")));
    for change in [
        format!("identityDelete(input: {{ id: \"{adas}\", confirm: true }}) {{ deletedIdentityId }}"),
        format!("identityRelink(input: {{ id: \"{adas}\", userToken: \"{ADA}\" }}) {{ userErrors {{ code }} }}"),
    ] {
        let refused = ask(&world, &asker, &format!("mutation {{ it: {change} }}")).await;
        assert_eq!(codes(&refused), [("FORBIDDEN".to_owned(), "it".to_owned())], "{refused}");
    }
    let foreign =
        format!("mutation {{ it: identitySynchronize(input: {{ id: \"{olgas}\" }}) {{ userErrors {{ code }} }} }}");
    let foreign = ask(&world, &asker, &foreign).await;
    assert_eq!(foreign["data"]["it"], json!({ "userErrors": [{ "code": "NOT_FOUND" }] }), "{foreign}");
    assert!(world.writes().await.is_empty());
}

#[tokio::test]
async fn a_token_alone_can_be_made_not_enough() {
    let world = World::with(Default::default(), |settings| settings.access.wordpress_alone = false).await;
    let query = "{ it: viewer { wordpressUser { userId } } }";
    let (answer, calls) = ask_and_count(&world, &Asker::alone("sandbox-wpcom-ada"), query).await;
    assert_eq!((told(&answer).as_str(), calls), ("UNAUTHENTICATED", 0), "{answer}");
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("Authorization"), "{answer}");
    assert_eq!(told(&ask(&world, &Asker::person("ada"), query).await), "there");
}

#[tokio::test]
async fn a_token_of_another_application_is_no_credential_where_ours_is_named() {
    let query = "{ it: viewer { wordpressUser { userId } } }";
    let ours =
        World::with(Default::default(), |settings| settings.wordpress.client_id = Some(WORDPRESS_CLIENT_ID.to_owned()))
            .await;
    for _ in 0..3 {
        assert_eq!(told(&ask(&ours, &Asker::person("ada"), query).await), "there");
    }
    let counts = ours.counts().await;
    assert_eq!((counts["GET /oauth2/token-info"], counts["GET /rest/v1.1/me"]), (1, 3), "kept for a minute");
    let others = World::with(Default::default(), |settings| settings.wordpress.client_id = Some("1".to_owned())).await;
    for (world, asker) in
        [(&ours, Asker::token("sandbox-wpcom-nobody")), (&ours, Asker::token("x")), (&others, Asker::person("ada"))]
    {
        world.counts().await;
        let answer = ask(world, &asker, query).await;
        assert_eq!(codes(&answer), [("UNAUTHENTICATED".to_owned(), "it.wordpressUser".to_owned())], "{answer}");
        let response = world.gateway.request(&asker, "{ __typename }", json!({})).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 401, "it is known by now");
        assert!(response.headers().contains_key("www-authenticate"));
        assert_eq!(json!(world.counts().await), json!({ "GET /oauth2/token-info": 1 }));
    }
    let alone = ours.gateway.request(&Asker::alone("y"), "{ __typename }", json!({})).send().await.unwrap();
    assert_eq!(alone.status().as_u16(), 401, "who is known by nothing else waits for it");
}

#[tokio::test]
async fn nobody_waits_to_be_told_whose_a_token_is_that_they_do_not_use() {
    let world = World::with(Default::default(), |settings| {
        settings.wordpress.client_id = Some(WORDPRESS_CLIENT_ID.to_owned());
        let upstream = &mut settings.wordpress.upstream;
        (upstream.timeout_ms, upstream.attempt_timeout_ms, upstream.read_timeout_ms) = (600_000, 600_000, 600_000);
        settings.graph.deadline_ms = 600_000;
    })
    .await;
    world.fault(json!({ "path": "/oauth2/token-info", "hang": "head" })).await;
    let ada = Asker::person("ada");
    let waiting = world.gateway.request(&ada, "{ it: viewer { wordpressUser { userId } } }", json!({})).send();
    let waiting = tokio::spawn(waiting);
    while world.open_calls().await == 0 {
        tokio::task::yield_now().await;
    }
    let answer = ask(&world, &ada, "{ it: viewer { oneallUser { loginCount } } }").await;
    assert_eq!((told(&answer).as_str(), world.open_calls().await), ("there", 1), "{answer}");
    assert!(!waiting.is_finished());
    waiting.abort();
}

#[tokio::test]
async fn the_question_whose_a_token_is_stands_among_the_operations_calls_without_the_token() {
    let world =
        World::with(Default::default(), |settings| settings.wordpress.client_id = Some(WORDPRESS_CLIENT_ID.to_owned()))
            .await;
    let asker = Asker::token("sandbox-wpcom-ada").with("X-Commongraph-Explain", "1");
    let answer = ask(&world, &asker, "{ it: viewer { wordpressUser { userId } } }").await;
    let calls = &answer["extensions"]["gateway"]["calls"];
    let paths: Vec<_> = calls.as_array().unwrap().iter().map(|call| call["path"].as_str().unwrap()).collect();
    assert!(paths.len() == 2 && paths[0].starts_with("/oauth2/token-info?client_id="), "{calls}");
    assert!(!calls.to_string().contains("sandbox-wpcom"), "{calls}");
}

#[tokio::test]
async fn a_token_of_which_nobody_can_tell_whose_it_is_is_not_used() {
    let world =
        World::with(Default::default(), |settings| settings.wordpress.client_id = Some(WORDPRESS_CLIENT_ID.to_owned()))
            .await;
    world.fault(json!({ "path": "/oauth2/token-info", "status": 503, "body": "out of order" })).await;
    let ada = Asker::person("ada");
    let answer = ask(&world, &ada, "{ it: viewer { wordpressUser { userId } oneallUser { loginCount } } }").await;
    assert_eq!(codes(&answer), [("PROVIDER_UNAVAILABLE".to_owned(), "it.wordpressUser".to_owned())], "{answer}");
    assert!(answer["data"]["it"]["oneallUser"]["loginCount"].is_number(), "{answer}");
    assert!(!world.counts().await.contains_key("GET /rest/v1.1/me"));
    world.fault(json!([])).await;
    assert_eq!(told(&ask(&world, &ada, "{ it: viewer { wordpressUser { userId } } }").await), "there");
}

#[tokio::test]
async fn whose_a_token_is_is_asked_as_politely_as_everything_else() {
    let world = World::with(Default::default(), |settings| {
        settings.wordpress.client_id = Some(WORDPRESS_CLIENT_ID.to_owned());
        settings.limits.address_calls_per_minute = 1;
        settings.graph.limits.calls_max = 3;
    })
    .await;
    let name = "{ it: viewer { wordpressUser { userId } } }";
    world.fault(json!({ "path": "/oauth2/token-info", "throttle": true, "times": 1 })).await;
    for calls in [1, 0] {
        let answer = ask(&world, &Asker::alone("sandbox-wpcom-ben"), name).await;
        assert_eq!(told(&answer), "PROVIDER_UNAVAILABLE");
        assert_eq!(world.counts().await.values().sum::<u64>(), calls, "who is shut out asks nothing");
    }
    // Each of these questions was paid for by the address, and one more takes the last of its calls.
    let status = async |token: &str| {
        let request = world.gateway.request(&Asker::alone(token), "{ __typename }", json!({}));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!((status("sandbox-wpcom-ada").await, status("sandbox-wpcom-olga").await), (200, 429));
    assert_eq!(json!(world.counts().await), json!({ "GET /oauth2/token-info": 1 }));
    assert_eq!(status("sandbox-wpcom-ada").await, 200, "what is known costs nothing");
}

#[tokio::test]
async fn the_schema_is_told_in_the_graph_to_whoever_shows_a_credential_that_is_known() {
    let gateway = Gateway::start(|_| {}).await;
    let query = "{ __schema { queryType { name } } }";
    for asker in [Asker::nobody(), Asker::alone("token")] {
        let nobody = gateway.ask(&asker, query, json!({})).await;
        assert_eq!(codes(&nobody), [("FORBIDDEN".to_owned(), String::new())]);
    }
    for asker in [Asker::service("login"), Asker::user(ADA)] {
        let told = gateway.ask(&asker, query, json!({})).await;
        assert_eq!(told["data"]["__schema"]["queryType"]["name"], "Query", "{told}");
    }
    let text = gateway.client.get(gateway.url().replace("/graphql", "/schema.graphql")).send().await.unwrap();
    assert!(text.text().await.unwrap().contains("@requiresScopes(scopes: "));
}

#[tokio::test]
async fn a_gateway_for_others_answers_to_any_name_unless_some_are_named() {
    let open = Gateway::start(|_| {}).await;
    let closed = Gateway::start(|settings| {
        settings.http.allowed_hosts = commongraph::http::AllowedHosts::Named(vec!["graph.example.com".to_owned()]);
    })
    .await;
    for (gateway, host, path, status) in [
        (&open, "anything.example", "/graphql", 200),
        (&closed, "graph.example.com", "/graphql", 200),
        (&closed, "graph.example.com:8443", "/graphql", 200),
        (&closed, "anything.example", "/graphql", 421),
        (&closed, "10.1.2.3", "/health/live", 200),
    ] {
        let url = gateway.url().replace("/graphql", path);
        let request = gateway.client.get(format!("{url}?query={{__typename}}")).header("host", host);
        assert_eq!(request.send().await.unwrap().status().as_u16(), status, "{host}{path}");
    }
}

#[tokio::test]
async fn one_persons_own_gateway_wants_what_it_printed_and_this_machines_name() {
    let sandbox = Sandbox::start(Default::default()).await.unwrap();
    let mut settings = Settings::default();
    settings.http.listen.set_port(0);
    app::point_at(&mut settings, &sandbox);
    let ada = people().iter().find(|person| person.name == "ada").unwrap();
    let person = PersonalCredentials::parse(ada.wordpress_token, ada.oneall_user).unwrap();
    let (running, bearer) = app::start_personal(settings, person).await.unwrap();
    let gateway = Gateway { running, client: reqwest::Client::builder().no_proxy().build().unwrap() };
    let hers = Asker::nobody().with("Authorization", &format!("Bearer {}", bearer.expose_secret()));
    let query = "{ viewer { wordpressUser { displayName } oneallUser { userToken } } }";
    let answer = gateway.ask(&hers, query, json!({})).await;
    let whole = json!({ "wordpressUser": { "displayName": "Ada Reed" }, "oneallUser": { "userToken": ADA } });
    assert_eq!(answer, json!({ "data": { "viewer": whole } }));
    assert_eq!(gateway.ask(&Asker::nobody(), query, json!({})).await, json!({ "data": { "viewer": null } }));
    let list = gateway.ask(&Asker::nobody(), "{ connections { totalCount } }", json!({})).await;
    assert_eq!(codes(&list)[0].0, "UNAUTHENTICATED", "{list}");
    for wrong in [Asker::service("shop"), Asker::user(ADA), hers.clone().with("X-WordPress-Token", "other")] {
        let response = gateway.request(&wrong, query, json!({})).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 401, "{wrong:?}");
    }
    let rebound = gateway.request(&hers, query, json!({})).header("host", "rebound.example");
    assert_eq!(rebound.send().await.unwrap().status().as_u16(), 421);
    // Another start, another credential.
    let (_, again) = commongraph::auth::Authenticator::personal(None, None).unwrap();
    assert!(again.expose_secret() != bearer.expose_secret() && again.expose_secret().len() == 43);
}

#[tokio::test]
async fn no_token_leaves_its_place_in_a_path_wherever_it_comes_in() {
    let canned = Canned::start(Vec::new()).await;
    let gateway = canned.gateway().await;
    let long = "a".repeat(10 << 10);
    for bad in ["x/../../users", "..", "%2e%2e", "a?b", "a#b", "a\0b", "a b", "a\nb", "", &*long] {
        for entry in [
            "query Q($t: String!) { connection(by: { connectionToken: $t }) { id } }",
            "query Q($t: String!) { identity(by: { identityToken: $t }) { id } }",
            "query Q($t: ID!) { connection(by: { keyringConnectionId: $t }) { id } }",
            "query Q($t: ID!) { application(by: { connectedApplicationId: $t }) { id } }",
            "query Q($t: ID!) { connection(by: { id: $t }) { id } }",
            "query Q($t: ID!) { application(by: { id: $t }) { id } }",
            "query Q($t: ID!) { identity(by: { id: $t }) { id } }",
            "query Q($t: ID!) { node(id: $t) { id } }",
            "query Q($t: ID!) { nodes(ids: [$t]) { id } }",
        ] {
            let answer = gateway.ask(&Asker::token("token"), entry, json!({ "t": bad })).await;
            let all = codes(&answer);
            assert!(!all.is_empty() && all.iter().all(|(code, _)| code == "BAD_INPUT"), "{bad:.20} {entry}: {answer}");
        }
        // What an ID of ours says inside is no better.
        use base64::Engine;
        for kind in
            ["sign-in", "encrypted", "identity", "keyring", "publicize", "site", "application", "plugin", "service"]
        {
            let id = URL_SAFE_NO_PAD.encode(format!("{kind}:{bad}"));
            let answer = gateway
                .ask(&Asker::token("token"), "query Q($t: ID!) { node(id: $t) { id } }", json!({ "t": id }))
                .await;
            assert!(answer["data"]["node"].is_null(), "{kind}:{bad:.20}: {answer}");
        }
        let service = "query Q($t: String!) { service(key: $t) { key } }";
        let answer = gateway.ask(&Asker::token("token"), service, json!({ "t": bad })).await;
        assert!(answer["data"]["service"].is_null(), "{bad:.20}: {answer}");
    }
    assert_eq!(canned.asked(), [""; 0]);
}

#[test]
fn a_credential_is_in_no_printed_caller() {
    let token = SecretString::from("canary");
    let caller = commongraph::auth::Caller::operator(Some(token), None);
    assert!(!format!("{caller:?}").contains("canary"));
}

//! WordPress.com's refusals: its documented errors, the dialects of one host, and what an edge before it says.

use serde_json::{Value, json};

use super::{CANARY, HTML, JSON, Probe, absent, bare, case, check, check_all, page, refused, wait};
use crate::harness::{Asker, Canned, codes};

const KEYRING: Probe = Probe {
    query: "{ it: connection(by: {keyringConnectionId: \"7\"}) { id } }",
    path: "/rest/v1.1/me/keyring-connections/7",
    at: "it",
};
const APPLICATION: Probe = Probe {
    query: "{ it: application(by: {connectedApplicationId: \"7\"}) { id } }",
    path: "/rest/v1.1/me/connected-applications/7",
    at: "it",
};
const APPLICATIONS: Probe = Probe {
    query: "{ it: applications { totalCount nodes { id } } }",
    path: "/rest/v1.1/me/connected-applications",
    at: "it",
};
const SERVICE: Probe = Probe {
    query: "{ it: service(key: \"unheard_of\") { id } }",
    path: "/rest/v1.1/meta/external-services/unheard_of",
    at: "it",
};
const PUBLICIZE: Probe = Probe {
    query: "{ viewer { wordpressUser { primarySite { publicizeConnections { id } } } } }",
    path: "/rest/v1.1/sites/9/publicize-connections",
    at: "viewer.wordpressUser.primarySite.publicizeConnections",
};
const PUBLICIZE_NODE: Probe = Probe {
    // publicize:7/8
    query: "{ it: node(id: \"cHVibGljaXplOjcvOA\") { id } }",
    path: "/rest/v1.1/sites/7/publicize-connections/8",
    at: "it",
};

fn wordpress(code: &str, status: u16, identifier: &str) -> Value {
    refused("WORDPRESS", code, status, Some(identifier).filter(|text| !text.is_empty()))
}

/// WordPress.com's own dialect, v1.
fn v1(error: &str, message: &str) -> Value {
    json!({ "error": error, "message": format!("{message} {CANARY}"), "data": { "hint": CANARY } })
}

#[tokio::test]
async fn what_wordpress_com_documents_for_applications_has_a_code() {
    let says = |status, error, message, expected| case(status, v1(error, message), expected);
    let cases = || {
        let inactive = "An active access token must be used to retrieve information about the current user.";
        let fresh = "A fresh access token must be used to query information about the current user.";
        vec![
            says(403, "authorization_required", inactive, wordpress("UNAUTHENTICATED", 403, "authorization_required")),
            says(
                401,
                "reauthorization_required",
                fresh,
                wordpress("REAUTHORIZATION_REQUIRED", 401, "reauthorization_required"),
            ),
        ]
    };
    check_all(&APPLICATION, cases()).await;
    check_all(&APPLICATIONS, cases()).await;
    let unknown = "The requested application access token was not found.";
    check(&APPLICATION, says(404, "unknown_application_access_token", unknown, absent())).await;
}

#[tokio::test]
async fn what_wordpress_com_documents_for_keyring_connections_has_a_code() {
    let required = "authorization_required";
    let private = "User cannot access this private blog.";
    let table = [
        (400, "invalid_input", "Please provide a valid numeric keyring connection ID", Some("BAD_INPUT")),
        (404, "not_found", "Keyring connection with this ID not found.", None),
        (403, required, "You do not have permission to access this Keyring connection.", None),
        (403, required, "Access token does not have the required scope", Some("FORBIDDEN")),
        (
            403,
            required,
            "An active access connection must be used to access keyring connections.",
            Some("UNAUTHENTICATED"),
        ),
        (403, required, "This user is not authorized to access keyring connections on this site.", Some("FORBIDDEN")),
        (403, "unauthorized", private, Some("FORBIDDEN")),
        (403, "unauthorized", "User cannot access this restricted blog", Some("FORBIDDEN")),
        // The same word under 401 is an expired or a wrong token (Calypso).
        (401, required, private, Some("UNAUTHENTICATED")),
        (401, "rest_forbidden", "You are not allowed to do that.", Some("UNAUTHENTICATED")),
    ];
    for (status, error, message, code) in table {
        let expected = code.map_or_else(absent, |code| wordpress(code, status, error));
        check(&KEYRING, case(status, v1(error, message), expected)).await;
    }
}

#[tokio::test]
async fn what_wordpress_com_documents_for_publicize_and_services_has_a_code() {
    for error in ["jetpack_connection", "publicize_disabled", "missing_jetpack_module", "incompatible_jetpack"] {
        let expected = wordpress("UNSUPPORTED_BY_PROVIDER", 400, error);
        check(&PUBLICIZE, case(400, v1(error, "This site cannot."), expected)).await;
    }
    let no_list = bare(wordpress("UNSUPPORTED_BY_PROVIDER", 404, ""));
    check(&PUBLICIZE, case(404, v1("not_found", "Site not found."), no_list)).await;
    check(&SERVICE, case(404, v1("not_found", "The service provided does not exist"), absent())).await;
}

#[tokio::test]
async fn a_publicize_connection_of_somebody_else_is_told_like_one_that_is_not_there() {
    check(&PUBLICIZE_NODE, case(404, v1("not_found", "No publicize connection found for this ID"), absent())).await;
    for name in ["publicize", "Jetpack Social"] {
        for verb in ["access", "modify", "globalize"] {
            let message = format!("This user is not authorized to {verb} this {name} connection.");
            check(&PUBLICIZE_NODE, case(403, v1("authorization_required", &message), absent())).await;
        }
    }
}

#[tokio::test]
async fn every_dialect_of_error_is_understood() {
    let text = format!("Words {CANARY}");
    let cases = vec![
        case(
            400,
            v1("invalid_token", "The OAuth2 token is invalid."),
            wordpress("UNAUTHENTICATED", 400, "invalid_token"),
        ),
        case(403, v1("needs_2fa", "Two steps."), wordpress("UNAUTHENTICATED", 403, "needs_2fa")),
        case(400, v1("active-subscriptions", "No."), wordpress("BAD_INPUT", 400, "active-subscriptions")),
        case(
            405,
            json!({ "error": "not_allowed", "error_message": text }),
            wordpress("UNSUPPORTED_BY_PROVIDER", 405, "not_allowed"),
        )
        .with(&[("allow", "POST")]),
        case(
            400,
            json!({ "errors": [{ "error": "upload_error", "message": text }] }),
            wordpress("BAD_INPUT", 400, "upload_error"),
        ),
        case(
            403,
            json!({ "code": "rest_forbidden", "message": text, "data": { "status": 403 } }),
            wordpress("FORBIDDEN", 403, "rest_forbidden"),
        ),
        case(
            412,
            json!({ "code": "no_connected_jetpack", "message": text }),
            wordpress("UNSUPPORTED_BY_PROVIDER", 412, "no_connected_jetpack"),
        ),
        case(
            400,
            json!({ "error": "invalid_request", "error_description": format!("The specified token is invalid. {text}") }),
            wordpress("UNAUTHENTICATED", 400, "invalid_request"),
        ),
        // An identifier that is no plain word is a text like any other.
        case(400, v1(&text, "No."), wordpress("BAD_INPUT", 400, "")),
        case(400, json!({ "error": { "canary": CANARY } }), wordpress("PROVIDER_MALFORMED", 400, "")),
        page(
            400,
            JSON,
            &format!("{{\"error\": \"invalid_token\", \"message\": \"{text}"),
            wordpress("PROVIDER_MALFORMED", 400, ""),
        ),
    ];
    check_all(&KEYRING, cases).await;
}

#[tokio::test]
async fn an_error_inside_a_good_answer_is_an_error() {
    let dump = |code: &str, status: u16| json!({ "errors": { code: [CANARY] }, "error_data": { code: status } });
    let envelope = json!({
        "code": 403,
        "headers": [{ "name": "Content-Type", "value": "application/json" }],
        "body": v1("unauthorized", "User cannot access this private blog."),
    });
    let newer = json!({ "body": { "code": "rest_forbidden", "message": CANARY, "data": { "status": 403 } }, "status": 403, "headers": {} });
    let cases = || {
        vec![
            case(200, envelope.clone(), wordpress("FORBIDDEN", 200, "unauthorized")),
            case(200, newer.clone(), wordpress("FORBIDDEN", 200, "rest_forbidden")),
            case(200, dump("authorization_required", 403), wordpress("FORBIDDEN", 200, "authorization_required")),
            case(200, dump("internal", 500), wordpress("PROVIDER_UNAVAILABLE", 200, "internal")),
            case(
                200,
                v1("invalid_token", "The OAuth2 token is invalid."),
                wordpress("UNAUTHENTICATED", 200, "invalid_token"),
            ),
        ]
    };
    check_all(&KEYRING, cases()).await;
    check_all(&APPLICATIONS, cases()).await;
    check(&KEYRING, case(200, dump("unknown_blog", 404), absent())).await;
}

#[tokio::test]
async fn wordpress_com_out_of_order_is_told_from_wordpress_com_refusing() {
    let ban = include_str!("../../fixtures/wordpress/throttle.html").replace("</p>", " canary-text</p>");
    let html = format!("<html><body>{CANARY}</body></html>");
    let cases = || {
        vec![
            page(500, HTML, &ban, wait(wordpress("RATE_LIMITED", 500, ""), 60)),
            page(500, HTML, &ban, wait(wordpress("RATE_LIMITED", 500, ""), 90)).with(&[("retry-after", "90")]),
            page(200, HTML, &ban, wait(wordpress("RATE_LIMITED", 200, ""), 60)),
            page(429, HTML, &html, wait(wordpress("RATE_LIMITED", 429, ""), 7)).with(&[("retry-after", "7")]),
            case(429, v1("too_many_requests", "Slow down."), wordpress("RATE_LIMITED", 429, "too_many_requests")),
            page(500, "text/plain", "", wordpress("PROVIDER_UNAVAILABLE", 500, "")),
            page(502, HTML, &html, wordpress("PROVIDER_UNAVAILABLE", 502, "")),
            page(503, HTML, &html, wait(wordpress("PROVIDER_UNAVAILABLE", 503, ""), 3)).with(&[("retry-after", "3")]),
            case(500, v1("internal", "Oops."), wordpress("PROVIDER_UNAVAILABLE", 500, "internal")),
            page(403, HTML, &html, wordpress("PROVIDER_UNAVAILABLE", 403, "")),
            page(200, HTML, &html, wordpress("PROVIDER_MALFORMED", 200, "")),
            page(200, JSON, "", wordpress("PROVIDER_MALFORMED", 200, "")),
            page(404, "text/plain", "", wordpress("UNSUPPORTED_BY_PROVIDER", 404, "")),
            case(302, json!({}), wordpress("PROVIDER_MALFORMED", 302, "")).with(&[("location", "/canary-text")]),
            // Nothing to wait for: the same request will be refused again.
            case(403, v1("unauthorized", "No."), wordpress("FORBIDDEN", 403, "unauthorized"))
                .with(&[("retry-after", "7")]),
        ]
    };
    check_all(&KEYRING, cases()).await;
    check_all(&APPLICATIONS, cases()).await;
}

#[tokio::test]
async fn an_answer_that_is_no_list_does_not_pass_for_an_empty_one() {
    for body in
        [json!({ "success": true }), json!([]), json!({}), json!(null), json!({ "connected_applications": CANARY })]
    {
        check(&APPLICATIONS, case(200, body, bare(wordpress("PROVIDER_MALFORMED", 200, "")))).await;
    }
}

#[tokio::test]
async fn a_list_that_wants_a_fresh_token_costs_no_neighbour_and_is_asked_once() {
    let refusal = v1("reauthorization_required", "A fresh access token must be used.").to_string();
    let answers = vec![
        (APPLICATIONS.path, 401, JSON, refusal),
        Canned::json("/rest/v1.1/me", include_str!("../../fixtures/wordpress/me.json")),
    ];
    let canned = Canned::start(answers).await;
    let query = "{ viewer { wordpressUser { username } applications { totalCount } } applications { totalCount } }";
    let answer = canned.gateway().await.ask(&Asker::token("token"), query, json!({})).await;
    assert_eq!(
        answer["data"],
        json!({ "viewer": { "wordpressUser": { "username": "adareed" }, "applications": null }, "applications": null })
    );
    assert!(codes(&answer).iter().all(|(code, _)| code == "REAUTHORIZATION_REQUIRED"), "{answer}");
    assert_eq!(canned.asked().iter().filter(|path| *path == APPLICATIONS.path).count(), 1);
}

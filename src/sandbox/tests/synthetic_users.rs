//! Synthetic users get responses with their own marker only, and the request log counts them separately.

use std::collections::BTreeSet;

use super::*;

/// Every marker in a text.
fn markers(text: &str) -> BTreeSet<&str> {
    text.match_indices("crowd-").filter_map(|(at, _)| text.get(at..at + 10)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_response_to_a_synthetic_user_has_their_marker_and_no_other() {
    let sandbox = Sandbox::start(Settings { synthetic_users: 1_000, ..Settings::default() }).await.unwrap();
    for index in [0, 42, 999] {
        let user = synthetic_user(index);
        let credential = format!("Bearer {}", user.wordpress_token);
        for path in [
            "me".to_owned(),
            "me/sites".to_owned(),
            "me/keyring-connections".to_owned(),
            format!("me/keyring-connections/{}", user.keyring[1]),
            "me/publicize-connections".to_owned(),
            format!("sites/{}/publicize-connections/{}", user.site, user.publicize),
            "me/connected-applications".to_owned(),
            format!("me/connected-applications/{}", user.application),
            format!("sites/{}", user.site),
            "meta/external-services".to_owned(),
        ] {
            let response = send(&sandbox.wordpress_url(), "GET", &format!("/rest/v1.1/{path}"), &credential, "").await;
            assert!(response.starts_with("HTTP/1.1 200"), "{path} {response}");
            assert_eq!(markers(&response), [user.name.as_str()].into(), "{path}");
        }
        let mut paths = vec![format!("/users/{}.json", user.oneall_user)];
        paths.extend(user.identities.iter().map(|token| format!("/identities/{token}.json")));
        paths.extend(user.sign_ins.iter().map(|token| format!("/connections/{token}.json")));
        for path in paths {
            let response = send(&sandbox.oneall_url(), "GET", &path, &site_keys(), "").await;
            assert!(response.starts_with("HTTP/1.1 200"), "{path} {response}");
            assert_eq!(markers(&response), [user.name.as_str()].into(), "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn data_of_another_synthetic_user_is_refused_and_an_unknown_one_gets_401() {
    let sandbox = Sandbox::start(Settings { synthetic_users: 2, ..Settings::default() }).await.unwrap();
    let url = sandbox.wordpress_url();
    let one = synthetic_user(0);
    let other = synthetic_user(1);
    let unknown = synthetic_user(2);
    let credential = format!("Bearer {}", one.wordpress_token);
    for path in [
        format!("/rest/v1.1/me/keyring-connections/{}", other.keyring[0]),
        format!("/rest/v1.1/me/publicize-connections/{}", other.publicize),
        format!("/rest/v1.1/sites/{}", other.site),
    ] {
        let response = send(&url, "GET", &path, &credential, "").await;
        assert!(response.starts_with("HTTP/1.1 403") && markers(&response).is_empty(), "{response}");
    }
    let response = send(&url, "GET", "/rest/v1.1/me", &format!("Bearer {}", unknown.wordpress_token), "").await;
    assert!(response.starts_with("HTTP/1.1 401"), "{response}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_by_their_credential() {
    let sandbox = Sandbox::start(Settings { synthetic_users: 2, ..Settings::default() }).await.unwrap();
    let url = sandbox.wordpress_url();
    let credentials = [
        format!("Bearer {}", synthetic_user(1).wordpress_token),
        format!("Bearer {}", synthetic_user(1).wordpress_token),
        bearer("ada"),
        "Bearer of-nobody".to_owned(),
    ];
    for credential in &credentials {
        send(&url, "GET", "/rest/v1.1/me", credential, "").await;
    }
    send(&url, "GET", "/rest/v1.1/me?authorization=none", "", "").await;
    let all = body_of(&send(&url, "GET", "/__sandbox/requests?rows=false", "", "").await);
    assert_eq!(all["people"]["crowd-0001"]["GET /rest/v1.1/me"], 2);
    assert_eq!(all["people"]["ada"]["GET /rest/v1.1/me"], 1);
    assert_eq!(all["people"]["unknown"]["GET /rest/v1.1/me"], 1);
    assert_eq!(all["people"]["none"]["GET /rest/v1.1/me"], 1);
    assert_eq!(all["requests"], serde_json::json!([]));
    assert_eq!(all["total"], 5);
    let one = body_of(&send(&url, "GET", "/__sandbox/requests?person=crowd-0001", "", "").await);
    assert_eq!((one["total"].as_u64(), one["requests"].as_array().unwrap().len()), (Some(2), 2));
    assert_eq!(one["requests"][0]["status"], 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_synthetic_user_has_the_same_twitter_account_at_both_providers() {
    let sandbox = Sandbox::start(Settings { synthetic_users: 1, ..Settings::default() }).await.unwrap();
    let user = synthetic_user(0);
    let credential = format!("Bearer {}", user.wordpress_token);
    let path = format!("/rest/v1.1/me/keyring-connections/{}", user.keyring[0]);
    let keyring = body_of(&send(&sandbox.wordpress_url(), "GET", &path, &credential, "").await);
    let path = format!("/identities/{}.json", user.identities[1]);
    let identity = body_of(&send(&sandbox.oneall_url(), "GET", &path, &site_keys(), "").await);
    let account = &identity["response"]["result"]["data"]["identity"]["accounts"][0];
    assert_eq!((&keyring["external_ID"], &keyring["service"]), (&account["userid"], &"twitter".into()));
}

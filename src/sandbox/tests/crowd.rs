//! Each of a crowd sees their own marker and no other, and is counted apart.

use std::collections::BTreeSet;

use super::*;

/// Every marker in a text.
fn markers(text: &str) -> BTreeSet<&str> {
    text.match_indices("crowd-").filter_map(|(at, _)| text.get(at..at + 10)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_to_one_of_a_crowd_carries_their_marker_and_no_other() {
    let sandbox = Sandbox::start(Settings { synthetic_users: 1_000, ..Settings::default() }).await.unwrap();
    for index in [0, 42, 999] {
        let member = synthetic_user(index);
        let credential = format!("Bearer {}", member.wordpress_token);
        for path in [
            "me".to_owned(),
            "me/sites".to_owned(),
            "me/keyring-connections".to_owned(),
            format!("me/keyring-connections/{}", member.keyring[1]),
            "me/publicize-connections".to_owned(),
            format!("sites/{}/publicize-connections/{}", member.site, member.publicize),
            "me/connected-applications".to_owned(),
            format!("me/connected-applications/{}", member.application),
            format!("sites/{}", member.site),
            "meta/external-services".to_owned(),
        ] {
            let answer = ask(&sandbox.wordpress_url(), "GET", &format!("/rest/v1.1/{path}"), &credential, "").await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{path} {answer}");
            assert_eq!(markers(&answer), [member.name.as_str()].into(), "{path}");
        }
        let mut paths = vec![format!("/users/{}.json", member.oneall_user)];
        paths.extend(member.identities.iter().map(|token| format!("/identities/{token}.json")));
        paths.extend(member.sign_ins.iter().map(|token| format!("/connections/{token}.json")));
        for path in paths {
            let answer = ask(&sandbox.oneall_url(), "GET", &path, &keys(), "").await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{path} {answer}");
            assert_eq!(markers(&answer), [member.name.as_str()].into(), "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_anothers_in_a_crowd_is_refused_and_nobody_is_beyond_its_end() {
    let sandbox = Sandbox::start(Settings { synthetic_users: 2, ..Settings::default() }).await.unwrap();
    let url = sandbox.wordpress_url();
    let (one, other, beyond) = (synthetic_user(0), synthetic_user(1), synthetic_user(2));
    let credential = format!("Bearer {}", one.wordpress_token);
    for path in [
        format!("/rest/v1.1/me/keyring-connections/{}", other.keyring[0]),
        format!("/rest/v1.1/me/publicize-connections/{}", other.publicize),
        format!("/rest/v1.1/sites/{}", other.site),
    ] {
        let answer = ask(&url, "GET", &path, &credential, "").await;
        assert!(answer.starts_with("HTTP/1.1 403") && markers(&answer).is_empty(), "{answer}");
    }
    let nobody = ask(&url, "GET", "/rest/v1.1/me", &format!("Bearer {}", beyond.wordpress_token), "").await;
    assert!(nobody.starts_with("HTTP/1.1 401"), "{nobody}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_by_the_credential_shown() {
    let sandbox = Sandbox::start(Settings { synthetic_users: 2, ..Settings::default() }).await.unwrap();
    let url = sandbox.wordpress_url();
    let credentials = [
        format!("Bearer {}", synthetic_user(1).wordpress_token),
        format!("Bearer {}", synthetic_user(1).wordpress_token),
        bearer("ada"),
        "Bearer of-nobody".to_owned(),
    ];
    for credential in &credentials {
        ask(&url, "GET", "/rest/v1.1/me", credential, "").await;
    }
    ask(&url, "GET", "/rest/v1.1/me?authorization=none", "", "").await;
    let all = body_of(&ask(&url, "GET", "/__sandbox/requests?rows=false", "", "").await);
    assert_eq!(all["people"]["crowd-0001"]["GET /rest/v1.1/me"], 2);
    assert_eq!(all["people"]["ada"]["GET /rest/v1.1/me"], 1);
    assert_eq!(all["people"]["unknown"]["GET /rest/v1.1/me"], 1);
    assert_eq!(all["people"]["none"]["GET /rest/v1.1/me"], 1);
    assert_eq!(all["requests"], serde_json::json!([]));
    assert_eq!(all["total"], 5);
    let one = body_of(&ask(&url, "GET", "/__sandbox/requests?person=crowd-0001", "", "").await);
    assert_eq!((one["total"].as_u64(), one["requests"].as_array().unwrap().len()), (Some(2), 2));
    assert_eq!(one["requests"][0]["status"], 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_twitter_account_of_one_of_a_crowd_is_the_same_at_both_providers() {
    let sandbox = Sandbox::start(Settings { synthetic_users: 1, ..Settings::default() }).await.unwrap();
    let member = synthetic_user(0);
    let credential = format!("Bearer {}", member.wordpress_token);
    let path = format!("/rest/v1.1/me/keyring-connections/{}", member.keyring[0]);
    let keyring = body_of(&ask(&sandbox.wordpress_url(), "GET", &path, &credential, "").await);
    let path = format!("/identities/{}.json", member.identities[1]);
    let identity = body_of(&ask(&sandbox.oneall_url(), "GET", &path, &keys(), "").await);
    let account = &identity["response"]["result"]["data"]["identity"]["accounts"][0];
    assert_eq!((&keyring["external_ID"], &keyring["service"]), (&account["userid"], &"twitter".into()));
}

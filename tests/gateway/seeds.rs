//! The samples on the providers' own documentation pages, field by field, each from its page's one read.

use serde_json::{Value, json};

use crate::harness::{Asker, Canned, id};

const TOKEN: &str = "8875cb47-9b2e-40f9-8ae0-8428c06937a9";
const CONNECTION_FIELDS: &str = "
fragment Whole on Connection {
  __typename id provider providerId kind label createdAt expiresAt shared
  additionalAccounts { subject name pictureUrl description category }
  health { state providerStatus reason needsAttention expiresIn action { kind url } }
  service { id key label providers }
  identity { ...Account }
  application { ...Grant }
  sites { id siteId }
  record {
    __typename
    ... on KeyringRecord { type showLinkedinWarning }
    ... on PublicizeRecord {
      publicizeConnectionId siteId userId keyringConnectionId keyringUserId refreshUrl helpUrl selfUrl
      site { id siteId } keyringConnection { id kind }
    }
    ... on SignInRecord {
      connectionToken status callbackUrl action
      plugin { key action operation reason status }
      result { flag code info succeeded }
      user { userToken }
    }
  }
}
fragment Account on Identity {
  id provider providerId state subject providerAccountUid displayName username
  name { formatted givenName middleName familyName nickname honorificPrefix honorificSuffix displayName }
  profileUrl pictureUrl thumbnailUrl accountUrl createdAt updatedAt followerCount
  photos { url type size } emails { value verified } urls { url type } accounts { domain userId username }
  service { id key label providers } oneallUser { userToken }
  profile {
    gender birthday location aboutMe note utcOffset relationship { status interestedIn } roles
    languages { value } locales { value } interests { value } phoneNumbers { value } addresses { formatted }
    organizations { name } educations { value } certifications { value } recommendations { value }
  }
}";
const GRANT_FIELDS: &str = "
fragment Grant on Application {
  id provider providerId name description url iconUrl authorizedAt oauthVersion
  permissions { name description risk } access { kind scope } site { id siteId }
}";

fn twitter() -> Value {
    let providers = json!(["WORDPRESS", "ONEALL"]);
    json!({ "id": id("service:twitter"), "key": "twitter", "label": "Twitter", "providers": providers })
}

fn social_link() -> Value {
    json!({
        "id": id("plugin:social_link"), "provider": "ONEALL", "providerId": "social_link", "name": "Social Link",
        "description": null, "url": null, "iconUrl": null, "authorizedAt": null, "oauthVersion": null,
        "permissions": [], "access": null, "site": null,
    })
}

/// The answer to this field, without an error, and what the provider was asked for it.
async fn ask(pages: &[(&'static str, &str)], asker: Asker, field: &str) -> (Value, Vec<String>) {
    let canned = Canned::start(pages.iter().map(|(path, page)| Canned::json(path, page)).collect()).await;
    let gateway = canned.gateway().await;
    let fragments = if field.contains("Whole") { CONNECTION_FIELDS } else { "" };
    let answer = gateway.ask(&asker, &format!("{{ it: {field} }} {fragments} {GRANT_FIELDS}"), json!({})).await;
    assert_eq!(answer["errors"], json!(null));
    (answer["data"]["it"].clone(), canned.asked())
}

#[tokio::test]
async fn the_keyring_page_shows_a_publicize_connection() {
    let (path, list) = ("/rest/v1.1/me/keyring-connections/1234567", "/rest/v1.1/me/keyring-connections");
    let page = include_str!("../fixtures/seeds/wordpress-keyring-connection.json");
    let field = "connection(by: {keyringConnectionId: \"1234567\"}) { ...Whole }";
    let (found, asked) = ask(&[(path, page)], Asker::token("token"), field).await;
    assert_eq!(found, publicize());
    // The list tells whether there is a Keyring connection of this number too.
    assert_eq!(asked, [path, list]);
}

#[tokio::test]
async fn the_keyring_pages_connection_is_found_again_where_it_says_it_is() {
    let own = "/rest/v1.1/sites/3584907/publicize-connections/1234567";
    let page = include_str!("../fixtures/seeds/wordpress-keyring-connection.json");
    let pages = [(own, page), ("/rest/v1.1/me/keyring-connections/1234567", page)];
    let field = format!("connection(by: {{id: \"{}\"}}) {{ ...Whole }}", id("publicize:3584907/1234567"));
    let (found, asked) = ask(&pages, Asker::token("token"), &field).await;
    assert_eq!(found, publicize());
    assert!(found["record"]["selfUrl"].as_str().unwrap().ends_with(own));
    assert_eq!(asked[0], own);
}

#[tokio::test]
async fn the_keyring_pages_connection_is_not_the_keyring_connection_of_that_id() {
    let page = include_str!("../fixtures/seeds/wordpress-keyring-connection.json");
    let pages = [("/rest/v1.1/me/keyring-connections/1234567", page)];
    let field = format!("connection(by: {{id: \"{}\"}}) {{ ...Whole }}", id("keyring:1234567"));
    assert_eq!(ask(&pages, Asker::token("token"), &field).await.0, json!(null));
}

fn publicize() -> Value {
    let site = json!({ "id": id("site:3584907"), "siteId": "3584907" });
    let key = id("publicize:3584907/1234567");
    let refresh = "https://public-api.example/connect/?action=request&kr_nonce=xxxxxxxxxx&nonce=xxxxxxxxxx&refresh=1&\
                   for=connect&service=twitter&kr_blog_nonce=xxxxxxxxxx&magic=keyring&blog=3584907";
    let own = "https://public-api.example/rest/v1.1/sites/3584907/publicize-connections/1234567";
    json!({
        "__typename": "Connection", "id": key, "provider": "WORDPRESS", "providerId": "1234567", "kind": "PUBLICIZE",
        "label": "Twitter", "createdAt": "2014-08-23T02:49:47Z", "expiresAt": null, "shared": false,
        "additionalAccounts": [],
        "health": {
            "state": "OK", "providerStatus": "ok", "reason": null, "needsAttention": false, "expiresIn": null,
            "action": null,
        },
        "service": twitter(),
        "identity": {
            "id": id("account:publicize:3584907/1234567"), "provider": "WORDPRESS", "providerId": null,
            "state": "READABLE", "subject": "15919116", "providerAccountUid": null, "displayName": "@automattic",
            "username": "Automattic", "name": null, "profileUrl": "http://profile.example/automattic",
            "pictureUrl": "https://img.example/profile_images/453860857923923968/Rg_FuLjK_400x400.png",
            "thumbnailUrl": null, "accountUrl": null, "createdAt": null, "updatedAt": null, "followerCount": 24103,
            "photos": [], "emails": null, "urls": [], "accounts": [], "service": twitter(), "oneallUser": null,
            "profile": null,
        },
        "application": null,
        "sites": [site],
        "record": {
            "__typename": "PublicizeRecord", "publicizeConnectionId": "1234567", "siteId": "3584907",
            "userId": "12345678", "keyringConnectionId": "1234567", "keyringUserId": "12345678",
            "refreshUrl": refresh, "helpUrl": format!("{own}/help"), "selfUrl": own, "site": site,
            // Under the number of the Keyring connection stands this one again, which is not it.
            "keyringConnection": null,
        },
    })
}

#[tokio::test]
async fn the_page_of_connected_applications_shows_vaultpress() {
    let path = "/rest/v1.1/me/connected-applications/8367271";
    let page = include_str!("../fixtures/seeds/wordpress-connected-application.json");
    let field = "application(by: {connectedApplicationId: \"8367271\"}) { ...Grant }";
    let (found, asked) = ask(&[(path, page)], Asker::token("token"), field).await;
    let may =
        |name: &str, risk: &str, description: &str| json!({ "name": name, "description": description, "risk": risk });
    assert_eq!(
        found,
        json!({
            "id": id("application:8367271"), "provider": "WORDPRESS", "providerId": "8367271", "name": "VaultPress",
            "description": "Keeps copies of a site and watches over it.", "url": "http://vault.example/",
            "iconUrl": "https://img.example/2012/10/wpcc-vp-logo.png?w=100", "authorizedAt": "2014-06-28T05:44:25Z",
            "oauthVersion": null,
            "permissions": [
                may("users", "PERSONAL", "Reads who you are."),
                may("posts", "WRITE", "Reads and writes posts."),
                may("comments", "WRITE", "Reads and writes comments."),
                may("taxonomy", "WRITE", "Reads and writes tags and categories."),
                may("follow", "WRITE", "Follows and unfollows sites."),
                may("notifications", "PERSONAL", "Reads and clears notifications."),
                may("stats", "READ", "Reads the figures of a site."),
                may("media", "WRITE", "Reads and writes the media library."),
            ],
            "access": { "kind": "UNKNOWN", "scope": null },
            "site": null,
        })
    );
    assert_eq!(asked, [path]);
}

#[tokio::test]
async fn both_pages_of_oneall_show_a_sign_in_with_its_identity() {
    let newer = include_str!("../fixtures/seeds/oneall-connection.json");
    let older = include_str!("../fixtures/seeds/oneall-connection-older.json");
    let path = "/connections/8875cb47-9b2e-40f9-8ae0-8428c06937a9.json";
    for page in [newer, older] {
        let field = format!("connection(by: {{connectionToken: \"{TOKEN}\"}}) {{ ...Whole }}");
        let (found, asked) = ask(&[(path, page)], Asker::service("shop"), &field).await;
        assert_eq!(found, sign_in());
        assert_eq!(asked, [path]);
    }
}

fn sign_in() -> Value {
    let user = json!({ "userToken": "12345678-1234-1234-1234-123456789012" });
    json!({
        "__typename": "Connection", "id": id(&format!("sign-in:{TOKEN}")), "provider": "ONEALL", "providerId": TOKEN,
        "kind": "SIGN_IN", "label": null, "createdAt": "2011-08-25T11:35:40Z", "expiresAt": null, "shared": null,
        "additionalAccounts": [],
        "health": {
            "state": "OK", "providerStatus": null, "reason": null, "needsAttention": false, "expiresIn": null,
            "action": null,
        },
        "service": twitter(),
        "identity": whole_identity(&user),
        "application": social_link(),
        "sites": [],
        "record": {
            "__typename": "SignInRecord", "connectionToken": TOKEN, "status": null, "callbackUrl": null,
            "action": null,
            "plugin": { "key": "social_link", "action": null, "operation": null, "reason": null, "status": null },
            "result": {
                "flag": "success", "code": 200, "info": "The user successfully authenticated", "succeeded": true,
            },
            "user": user,
        },
    })
}

fn whole_identity(user: &Value) -> Value {
    let picture = "http://a1.twimg.com/sticky/default_profile_images/default_profile_6_normal.png";
    json!({
        "id": id("identity:a3ba5j55-aacc-25ag-a4ah-ga4ahab3a2aa"), "provider": "ONEALL",
        "providerId": "a3ba5j55-aacc-25ag-a4ah-ga4ahab3a2aa", "state": "READABLE", "subject": "123456789",
        "providerAccountUid": null, "displayName": "Firstname Lastname", "username": "MyUserNameRocks",
        "name": {
            "formatted": "Firstname Lastname", "givenName": null, "middleName": null, "familyName": null,
            "nickname": null, "honorificPrefix": null, "honorificSuffix": null, "displayName": null,
        },
        "profileUrl": "http://twitter.com/ExampleUser", "pictureUrl": null, "thumbnailUrl": picture,
        "accountUrl": "http://twitter.com/ExampleUser", "createdAt": null, "updatedAt": null,
        "followerCount": null,
        "photos": [{ "url": picture, "type": "thumbnail", "size": null }],
        "emails": [],
        "urls": [{ "url": "http://twitter.com/ExampleUser", "type": "profile" }],
        "accounts": [{ "domain": "twitter.com", "userId": "123456789", "username": "ExampleUser" }],
        "service": twitter(), "oneallUser": user,
        "profile": {
            "gender": null, "birthday": null, "location": null, "aboutMe": null, "note": null, "utcOffset": null,
            "relationship": null, "roles": [], "languages": [], "locales": [], "interests": [],
            "phoneNumbers": [], "addresses": [], "organizations": [], "educations": [], "certifications": [],
            "recommendations": [],
        },
    })
}

#[tokio::test]
async fn the_older_page_of_oneall_shows_a_failed_sign_in() {
    let page = include_str!("../fixtures/seeds/oneall-connection-older-failed.json");
    let path = "/connections/8875cb47-9b2e-40f9-8ae0-8428c06937a9.json";
    let field = format!("connection(by: {{connectionToken: \"{TOKEN}\"}}) {{ ...Whole }}");
    let (found, asked) = ask(&[(path, page)], Asker::service("shop"), &field).await;
    let info = "The user did not authenticate successfully";
    assert_eq!(
        found,
        json!({
            "__typename": "Connection", "id": id(&format!("sign-in:{TOKEN}")), "provider": "ONEALL",
            "providerId": TOKEN, "kind": "SIGN_IN", "label": null, "createdAt": null, "expiresAt": null,
            "shared": null, "additionalAccounts": [],
            "health": {
                "state": "FAILED", "providerStatus": null, "reason": info, "needsAttention": true,
                "expiresIn": null, "action": { "kind": "CONNECT_AGAIN", "url": null },
            },
            "service": null, "identity": null, "application": social_link(), "sites": [],
            "record": {
                "__typename": "SignInRecord", "connectionToken": TOKEN, "status": null, "callbackUrl": null,
                "action": null,
                "plugin": { "key": "social_link", "action": null, "operation": null, "reason": null, "status": null },
                "result": { "flag": "error", "code": 401, "info": info, "succeeded": false },
                "user": null,
            },
        })
    );
    assert_eq!(asked, [path]);
}

#[tokio::test]
async fn nothing_that_only_changes_the_form_of_an_answer_is_ever_sent() {
    // Whatever page is asked for is answered with the same one, which therefore does not say in which order it came.
    let unordered = |page: &str| page.replace("\"asc\"", "null").replace("\"desc\"", "null");
    let canned = Canned::start(vec![
        Canned::json("/rest/v1.1/me", include_str!("../fixtures/wordpress/me.json")),
        Canned::json(
            "/rest/v1.1/me/connected-applications",
            include_str!("../fixtures/wordpress/application-list.json"),
        ),
        Canned::json("/rest/v1.1/me/keyring-connections", include_str!("../fixtures/wordpress/keyring-list.json")),
        Canned::json("/rest/v1.1/me/publicize-connections", include_str!("../fixtures/wordpress/publicize-list.json")),
        Canned::json("/rest/v1.1/me/sites", include_str!("../fixtures/wordpress/sites.json")),
        Canned::json("/rest/v1.1/meta/external-services", include_str!("../fixtures/wordpress/services-map.json")),
        Canned::json("/connections.json", unordered(include_str!("../fixtures/oneall/connections-paged.json"))),
        Canned::json("/identities.json", unordered(include_str!("../fixtures/oneall/identities-paged.json"))),
    ])
    .await;
    let query = "{
        connections { nodes { identity { displayName } sites { name publicizeConnections { id } } service { description } } }
        identities { nodes { displayName oneallUser { loginCount } } }
        applications { nodes { site { name iconUrl } } }
        viewer { wordpressUser { email sites { name } } } services { nodes { type } } }";
    canned.gateway().await.ask(&Asker::token("token"), query, json!({})).await;
    let asked = canned.asked();
    assert!(asked.len() > 12, "{asked:?}");
    let mut names = std::collections::BTreeSet::new();
    for target in &asked {
        let url = url::Url::parse("http://host.example").unwrap().join(target).unwrap();
        names.extend(url.query_pairs().map(|(name, _)| name.into_owned()));
        // It would empty this list.
        assert!(!url.path().ends_with("connected-applications") || url.query().is_none(), "{target}");
    }
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["entries_per_page", "fields", "order_direction", "page"]);
}

//! Pages of real frontends, one operation each, and the calls that each costs by the sandbox's own count.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Asker, World};

/// WordPress.com's page of connected applications: each with its icon, address, date, reach and what it may do.
const APPLICATIONS: &str = "query ConnectedApplications {
  viewer {
    applications(first: 100) {
      totalCount
      nodes { id name iconUrl url authorizedAt access { kind scope } permissions { name description } site { name url } }
    }
  }
}";

/// WordPress.com's page of a site's connections: its services, the person's grants, and their use on the site.
const SHARING: &str = "query Sharing($site: ID!) {
  viewer {
    wordpressUser { userId }
    connections(first: 100, filter: {provider: [WORDPRESS]}, orderBy: {field: SERVICE, direction: ASC}) {
      nodes {
        id kind label shared expiresAt
        service { key label iconUrl supportsMultipleAccounts additionalAccountsOnly }
        health { state needsAttention action { kind url } }
        identity { displayName pictureUrl }
        additionalAccounts { subject name pictureUrl category }
        sites { id name url }
        record {
          ... on KeyringRecord { keyringConnectionId refreshUrl type }
          ... on PublicizeRecord { keyringConnectionId keyringUserId refreshUrl keyringConnection { id } }
        }
      }
    }
  }
  node(id: $site) {
    ... on Site {
      name url canEditOthersPosts
      publicizeConnections { id shared label health { state } identity { displayName }
        record { ... on PublicizeRecord { keyringUserId keyringConnection { id } } } }
    }
  }
  services(first: 100, filter: {provider: [WORDPRESS]}) { nodes { key label type description status connectUrl } }
}";

/// A box of the accounts that a person linked through OneAll, each with its twin at WordPress.com.
const LINKED: &str = "query LinkedAccounts {
  viewer {
    oneallUser {
      loginCount
      identities {
        id displayName username pictureUrl profileUrl createdAt
        service { key label }
        sameAs { matchedBy identity { id provider displayName } }
      }
    }
  }
}";

fn rows<'a>(answer: &'a Value, path: &str) -> &'a Vec<Value> {
    answer.pointer(path).and_then(Value::as_array).unwrap_or_else(|| panic!("{path}: {answer}"))
}

#[tokio::test]
async fn the_page_of_connected_applications_is_one_operation_of_two_calls() {
    let world = World::start().await;
    let answer = world.ask("olga", APPLICATIONS).await;
    assert_eq!(answer["errors"], json!(null));
    let shown = rows(&answer, "/data/viewer/applications/nodes");
    assert!(shown.len() > 8 && answer["data"]["viewer"]["applications"]["totalCount"] == json!(shown.len()));
    // One program with two grants is two rows, each of which can be revoked.
    let distinct: BTreeSet<_> = shown.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(distinct.len(), shown.len());
    // An application names its site by name and address; the one site without a name is read, as it might have one.
    assert_eq!(
        json!(world.counts().await),
        json!({ "GET /rest/v1.1/me/connected-applications": 1, "GET /rest/v1.1/sites/3584909": 1 })
    );
}

#[tokio::test]
async fn the_sharing_page_is_one_operation_of_seven_calls() {
    let world = World::start().await;
    // site:7700123, Fen Notes
    let variables = json!({ "site": "c2l0ZTo3NzAwMTIz" });
    let answer = world.gateway.ask(&Asker::person("ada"), SHARING, variables).await;
    assert_eq!(answer["errors"], json!(null));
    let connections = rows(&answer, "/data/viewer/connections/nodes");
    let keys: Vec<_> = connections.iter().filter_map(|row| row["service"]["key"].as_str()).collect();
    assert!(keys.is_sorted() && keys.len() == connections.len());
    assert_eq!(answer["data"]["node"]["canEditOthersPosts"], true);

    // The frontend's rule: a grant is used where a Publicize connection names it.
    let grants: BTreeSet<_> =
        connections.iter().filter(|row| row["kind"] == "KEYRING").map(|row| &row["id"]).map(Value::to_string).collect();
    let used = rows(&answer, "/data/node/publicizeConnections");
    assert_eq!(used.len(), 2);
    for row in used {
        assert!(grants.contains(&row["record"]["keyringConnection"]["id"].to_string()), "{row}");
        assert_eq!(row["record"]["keyringUserId"], answer["data"]["viewer"]["wordpressUser"]["userId"]);
    }
    assert!(used.iter().any(|row| row["shared"] == true));
    let broken = connections.iter().find(|row| row["health"]["state"] == "BROKEN").unwrap();
    assert_eq!(broken["health"]["action"]["kind"], "RECONNECT");
    assert!(broken["health"]["action"]["url"].as_str().unwrap().starts_with("https://"));
    let services = rows(&answer, "/data/services/nodes");
    assert!(services.iter().any(|row| row["type"] == "publicize" && row["connectUrl"].is_string()));

    // The page's site is read before it is known which others the grants name.
    let reads = [
        "me",
        "me/keyring-connections",
        "me/publicize-connections",
        "meta/external-services",
        "sites/7700123",
        "sites/7700123/publicize-connections",
        "sites/7700124",
    ];
    let expected: serde_json::Map<String, Value> =
        reads.iter().map(|read| (format!("GET /rest/v1.1/{read}"), json!(1))).collect();
    assert_eq!(json!(world.counts().await), Value::Object(expected));
}

#[tokio::test]
async fn the_box_of_linked_accounts_is_one_operation_of_two_calls() {
    let world = World::start().await;
    let answer = world.ask("ada", LINKED).await;
    assert_eq!(answer["errors"], json!(null));
    let linked = rows(&answer, "/data/viewer/oneallUser/identities");
    let twins = linked.iter().filter(|row| row["sameAs"][0]["identity"]["provider"] == "WORDPRESS").count();
    assert_eq!((linked.len(), twins), (4, 3));
    assert!(linked.iter().all(|row| row["service"]["label"].is_string() && row["displayName"] == "Ada Reed"));
    let counts = world.counts().await;
    assert_eq!(counts.values().sum::<u64>(), 2, "{counts:?}");
    assert!(counts.keys().any(|path| path.starts_with("GET /users/")), "{counts:?}");
}

#[tokio::test]
async fn what_a_page_is_expected_to_cost_is_no_less_than_it_costs() {
    let world = World::start().await;
    let expected = async |person: &str, query: &str, variables: Value| {
        let asked = world.gateway.request(&Asker::person(person), query, variables).header("X-Commongraph-Cost", "1");
        let answer: Value = asked.send().await.unwrap().json().await.unwrap();
        let made = world.counts().await.values().sum::<u64>();
        (answer["extensions"]["cost"]["calls"].as_u64().unwrap(), made)
    };
    let site = json!({ "site": "c2l0ZTo3NzAwMTIz" });
    for (person, query, variables) in
        [("olga", APPLICATIONS, json!({})), ("ada", SHARING, site), ("ada", LINKED, json!({}))]
    {
        let (expected, made) = expected(person, query, variables).await;
        assert!(made <= expected && expected <= made + 2, "{query}: {expected} for {made}");
    }
}

#[tokio::test]
async fn a_walk_over_600_sign_ins_and_60_grants_meets_each_once_while_more_come_at_a_constant_price() {
    let recent = ", filter: {createdSince: \"2019-01-01T00:00:00Z\"}";
    for order in ["", ", orderBy: {field: CREATED_AT, direction: ASC}", recent] {
        let sizes = commongraph::sandbox::Settings { extra_sign_ins: 600, extra_keyring: 60, ..Default::default() };
        let world = World::with(sizes, |_| {}).await;
        let add = format!("{}/__sandbox/data/sign-ins", world.sandbox.oneall_url());
        let page = async |after: &str| {
            let query = format!(
                "{{ connections(first: 50{after}{order}) {{ nodes {{ id }} pageInfo {{ hasNextPage endCursor }} }} }}"
            );
            world.ask("olga", &query).await["data"]["connections"].clone()
        };
        let there_throughout = {
            let (mut all, mut after) = (Vec::new(), String::new());
            loop {
                let here = page(&after).await;
                all.extend(here["nodes"].as_array().unwrap().iter().map(|row| row["id"].to_string()));
                if here["pageInfo"]["hasNextPage"] == json!(false) {
                    break all;
                }
                after = format!(", after: {}", here["pageInfo"]["endCursor"]);
            }
        };
        world.counts().await;
        let (mut seen, mut after, mut prices) = (Vec::new(), String::new(), BTreeSet::new());
        loop {
            let here = page(&after).await;
            prices.insert(world.counts().await.values().sum::<u64>());
            seen.extend(here["nodes"].as_array().unwrap().iter().map(|row| row["id"].to_string()));
            if here["pageInfo"]["hasNextPage"] == json!(false) {
                break;
            }
            after = format!(", after: {}", here["pageInfo"]["endCursor"]);
            if seen.len() <= there_throughout.len() {
                let more = world.gateway.client.post(&add).json(&json!({ "count": 7 }));
                more.send().await.unwrap().error_for_status().unwrap();
            }
            world.counts().await;
        }
        let distinct: BTreeSet<_> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len(), "a row came twice");
        let kept: Vec<_> = seen.iter().filter(|id| there_throughout.contains(id)).collect();
        assert_eq!(kept, there_throughout.iter().collect::<Vec<_>>(), "a row was skipped or moved");
        assert_eq!(prices, BTreeSet::from([3]), "each page is one read of each list");
    }
}

//! The README and the pages in `docs/` are true: their queries return the answers shown, and their tables match the program.

use commongraph::graph::error::Code;
use commongraph::metrics::TABLE;
use serde_json::{Value, json};

use crate::harness::{Asker, World};

const README: &str = include_str!("../../README.md");
const AUTHENTICATION: &str = include_str!("../../docs/authentication.md");
const ERRORS: &str = include_str!("../../docs/errors.md");
const OBSERVABILITY: &str = include_str!("../../docs/observability.md");

/// The code blocks of `page` in `language`, in order.
fn blocks(page: &'static str, language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    page.split(&*fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// The JSON body that the curl command in `block` sends.
fn body(block: &str) -> Value {
    let quoted = block.split("-d '").nth(1).unwrap();
    serde_json::from_str(quoted.split('\'').next().unwrap()).unwrap()
}

/// The credentials that the curl command in `block` sends.
fn asker(block: &str) -> Asker {
    let mut asker = Asker::nobody();
    for name in ["Authorization", "X-WordPress-Token"] {
        if let Some(rest) = block.split(&format!("-H '{name}: ")).nth(1) {
            asker = asker.with(name, rest.split('\'').next().unwrap());
        }
    }
    asker
}

/// The code spans in the first column of the table whose first heading is `heading`.
fn first_cells(page: &'static str, heading: &str) -> Vec<&'static str> {
    let rows = page.lines().skip_while(|line| !line.starts_with(&format!("| {heading} |"))).skip(2);
    let cells = rows.take_while(|line| line.starts_with('|')).map(|line| line.split('|').nth(1).unwrap());
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
}

#[tokio::test]
async fn the_first_query_gives_the_answer_beside_it() {
    let world = World::start().await;
    let block = blocks(README, "sh").into_iter().find(|block| block.contains("-d '{\"query\"")).unwrap();
    let given = world.gateway.ask(&asker(block), body(block)["query"].as_str().unwrap(), json!({})).await;
    let told: Value = serde_json::from_str(blocks(README, "json")[0]).unwrap();
    assert_eq!(given, told);
    let providers = told["data"]["connections"]["nodes"].as_array().unwrap().iter().map(|row| &row["provider"]);
    assert!(providers.clone().any(|one| one == "WORDPRESS") && providers.clone().any(|one| one == "ONEALL"));
}

#[tokio::test]
async fn the_callbacks_recipe_says_who_signed_in() {
    let world = World::start().await;
    let block = blocks(AUTHENTICATION, "sh").into_iter().find(|block| block.contains("connectionToken")).unwrap();
    let (asker, asked) = (asker(block), body(block));
    let query = asked["query"].as_str().unwrap();
    let ask = async |token: &str| world.gateway.ask(&asker, query, json!({ "token": token })).await;
    let good = ask(asked["variables"]["token"].as_str().unwrap()).await;
    assert_eq!(good["errors"], json!(null));
    assert!(good["data"]["connection"]["record"]["user"]["userToken"].is_string(), "{good}");
    let failed = ask("5a4d0000-0000-4000-8000-000000000003").await;
    assert_eq!(failed["data"]["connection"]["health"]["state"], "FAILED");
    assert_eq!(failed["data"]["connection"]["identity"], json!(null));
    let encrypted = ask("5a4d0000-0000-4000-8000-000000000005").await;
    assert_eq!(encrypted["data"]["connection"]["identity"]["state"], "ENCRYPTED");
    assert_eq!(ask("no-such-token").await, json!({ "data": { "connection": null } }));
}

#[test]
fn the_table_of_codes_is_the_programs() {
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(first_cells(ERRORS, "code"), codes);
}

#[test]
fn the_table_of_metrics_is_the_programs() {
    let names: Vec<_> = TABLE.iter().map(|row| row.name).collect();
    assert_eq!(first_cells(OBSERVABILITY, "metric"), names);
    for row in &TABLE {
        let line = OBSERVABILITY.lines().find(|line| line.starts_with(&format!("| `{}` |", row.name))).unwrap();
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let labels: Vec<_> = row.labels.iter().map(|(label, _)| format!("`{label}`")).collect();
        assert_eq!(cells[2..5], [row.kind.as_str(), &labels.join(", "), row.help], "{}", row.name);
    }
    let codes = TABLE.iter().flat_map(|row| row.labels).find(|(label, _)| *label == "code").unwrap().1;
    assert_eq!(codes, Code::ALL.map(Code::as_str), "the label's values are all there are");
}

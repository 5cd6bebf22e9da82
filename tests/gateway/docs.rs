//! The README and the pages in `docs/` are true: their queries, commands and tables match the program.

use std::path::{Path, PathBuf};

use commongraph::graph::error::ErrorCode;
use serde_json::{Value, json};

use crate::harness::{Asker, World};
use crate::lifecycle::commongraph;

/// A page's text, by its path from the root of the repository.
fn page(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The README and every page in `docs/`.
fn pages() -> Vec<String> {
    let docs = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")).unwrap();
    let paths = docs.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|it| it == "md"));
    let pages: Vec<_> = paths.chain([PathBuf::from("README.md"), PathBuf::from("CONTRIBUTING.md")]).collect();
    pages.iter().map(|path| page(path.to_str().unwrap())).collect()
}

/// The code blocks of `page` in `language`, in order.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    page.split(&*fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The commands of all pages, each on one line.
fn commands() -> Vec<String> {
    let blocks = pages().into_iter().flat_map(|page| blocks(&page, "sh")).map(|block| block.replace("\\\n", " "));
    blocks.flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// The JSON body that a curl command sends.
fn body(command: &str) -> Value {
    let quoted = command.split("-d '").nth(1).unwrap();
    serde_json::from_str(quoted.split('\'').next().unwrap()).unwrap()
}

/// The credentials that a curl command sends.
fn asker(command: &str) -> Asker {
    let mut asker = Asker::nobody();
    for name in ["Authorization", "X-WordPress-Token"] {
        if let Some(rest) = command.split(&format!("-H '{name}: ")).nth(1) {
            asker = asker.with(name, rest.split('\'').next().unwrap());
        }
    }
    asker
}

/// The code spans in the first column of the table whose first heading is `heading`.
fn first_cells(page: &str, heading: &str) -> Vec<String> {
    let rows = page.lines().skip_while(|line| !line.starts_with(&format!("| {heading} |"))).skip(2);
    let cells = rows.take_while(|line| line.starts_with('|')).map(|line| line.split('|').nth(1).unwrap());
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_first_query_returns_the_answer_shown() {
    let world = World::start().await;
    let readme = page("README.md");
    let block = blocks(&readme, "sh").into_iter().find(|block| block.contains("-d '{\"query\"")).unwrap();
    let actual = world.gateway.ask(&asker(&block), body(&block)["query"].as_str().unwrap(), json!({})).await;
    let shown: Value = serde_json::from_str(&blocks(&readme, "json")[0]).unwrap();
    assert_eq!(actual, shown);
    let providers = shown["data"]["connections"]["nodes"].as_array().unwrap().iter().map(|row| &row["provider"]);
    assert!(providers.clone().any(|one| one == "WORDPRESS") && providers.clone().any(|one| one == "ONEALL"));
}

#[tokio::test]
async fn every_query_that_is_sent_by_curl_has_an_answer_without_errors() {
    let world = World::start().await;
    let blocks: Vec<_> = pages().iter().flat_map(|page| blocks(page, "sh")).collect();
    let queries: Vec<_> = blocks.iter().filter(|block| block.contains("/graphql") && block.contains("-d '")).collect();
    assert!(queries.len() >= 3, "{queries:?}");
    for block in queries {
        let body = body(block);
        let answer = world.gateway.ask(&asker(block), body["query"].as_str().unwrap(), body["variables"].clone()).await;
        assert!(answer["errors"].is_null() && answer["data"].is_object(), "{block}: {answer}");
    }
}

#[tokio::test]
async fn the_callback_recipe_reports_who_signed_in() {
    let world = World::start().await;
    let authentication = page("docs/authentication.md");
    let block = blocks(&authentication, "sh").into_iter().find(|block| block.contains("connectionToken")).unwrap();
    let (asker, body) = (asker(&block), body(&block));
    let query = body["query"].as_str().unwrap();
    let ask = async |token: &str| world.gateway.ask(&asker, query, json!({ "token": token })).await;
    let good = ask(body["variables"]["token"].as_str().unwrap()).await;
    assert_eq!(good["errors"], json!(null));
    assert!(good["data"]["connection"]["record"]["user"]["userToken"].is_string(), "{good}");
    let failed = ask("5a4d0000-0000-4000-8000-000000000003").await;
    assert_eq!(failed["data"]["connection"]["health"]["state"], "FAILED");
    assert_eq!(failed["data"]["connection"]["identity"], json!(null));
    let encrypted = ask("5a4d0000-0000-4000-8000-000000000005").await;
    assert_eq!(encrypted["data"]["connection"]["identity"]["state"], "ENCRYPTED");
    assert_eq!(ask("no-such-token").await, json!({ "data": { "connection": null } }));
}

#[tokio::test]
async fn the_sandbox_accepts_every_fault_shown() {
    let world = World::start().await;
    let faults: Vec<_> = commands().into_iter().filter(|line| line.contains("$PROVIDER/__sandbox/faults")).collect();
    assert!(faults.len() >= 2, "{faults:?}");
    for command in faults {
        let method = command.split("-X ").nth(1).unwrap().split(' ').next().unwrap();
        let url = format!("{}/__sandbox/faults", world.sandbox.oneall_url());
        let request = world.gateway.client.request(method.parse().unwrap(), url).json(&body(&command));
        let status = request.send().await.unwrap().status();
        assert!(status.is_success(), "{command}: {status}");
    }
}

/// The arguments of a command line that runs the program; none if it runs another.
fn arguments(command: &str) -> Option<Vec<String>> {
    let started = ["cargo run --release -- ", "cargo run -- ", "commongraph "];
    let is_variable = |word: &str| word.split('=').next().is_some_and(|name| name.starts_with("COMMONGRAPH_"));
    let line = command.split(" | ").next()?.split(" > ").next()?;
    let line = line.split_once(' ').filter(|(word, _)| is_variable(word)).map_or(line, |(_, rest)| rest);
    let rest = started.iter().find_map(|start| line.strip_prefix(start))?;
    let quoted = rest.split('\'').enumerate().flat_map(|(place, part)| match place % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    Some(quoted.collect())
}

#[test]
fn every_command_line_of_the_program_is_one_that_it_takes() {
    let lines: Vec<_> = commands().iter().filter_map(|line| arguments(line)).collect();
    assert!(lines.len() >= 8, "{lines:?}");
    for line in lines {
        // The help is printed only once everything before it was understood.
        let output = commongraph().args(&line).arg("--help").output().unwrap();
        assert!(output.status.success(), "{line:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_table_of_commands_is_complete() {
    let help = String::from_utf8(commongraph().arg("--help").output().unwrap().stdout).unwrap();
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let commands = commands.map(|line| line.split_whitespace().next().unwrap().to_owned());
    let mut expected: Vec<_> = commands.filter(|name| name != "help").collect();
    let cells = first_cells(&page("docs/quickstart.md"), "command");
    let mut listed: Vec<_> = cells.iter().map(|cell| cell.split(' ').next().unwrap().to_owned()).collect();
    expected.sort();
    listed.sort();
    assert_eq!(listed, expected);
}

#[test]
fn every_document_shown_is_valid() {
    let schema = apollo_compiler::Schema::parse_and_validate(page("schema.graphql"), "schema.graphql").unwrap();
    let documents: Vec<_> = pages().iter().flat_map(|page| blocks(page, "graphql")).collect();
    assert!(documents.len() >= 3, "{documents:?}");
    for document in documents {
        if let Err(errors) = apollo_compiler::ExecutableDocument::parse_and_validate(&schema, &document, "docs") {
            panic!("{document}: {errors}");
        }
    }
}

#[test]
fn the_table_of_error_codes_is_complete() {
    assert_eq!(first_cells(&page("docs/errors.md"), "code"), ErrorCode::ALL.map(ErrorCode::as_str));
}

#[test]
fn the_tables_of_mutations_and_user_errors_are_complete() {
    let schema = apollo_compiler::Schema::parse(page("schema.graphql"), "schema.graphql").unwrap();
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let mutations = page("docs/mutations.md");
    let fields = &schema.get_object("Mutation").unwrap().fields;
    let table: Vec<_> = first_cells(&mutations, "mutation");
    assert_eq!(sorted(table), sorted(fields.keys().map(ToString::to_string).collect()));
    let codes = &schema.get_enum("UserErrorCode").unwrap().values;
    assert_eq!(sorted(first_cells(&mutations, "user error")), sorted(codes.keys().map(ToString::to_string).collect()));
}

/// The metrics page of `docs/observability.md`.
mod metrics {
    use std::collections::BTreeMap;
    use std::fmt::Write;
    use std::path::PathBuf;

    use commongraph::graph::error::ErrorCode;
    use commongraph::metrics::METRICS;

    const BEGIN: &str =
        "<!-- The two tables are generated: cargo test --test gateway docs::metrics -- --ignored -->\n\n";
    const END: &str = "\n## ";

    /// The table of metrics, then the table of label values.
    fn tables() -> String {
        let mut text = "| metric | kind | labels | help |\n|---|---|---|---|\n".to_owned();
        let mut values = BTreeMap::new();
        for row in &METRICS {
            let labels: Vec<_> = row.labels.iter().map(|(label, _)| format!("`{label}`")).collect();
            let labels = labels.join(", ");
            let _ = writeln!(text, "| `{}` | {} | {labels} | {} |", row.name, row.kind.as_str(), row.help);
            for (label, all) in row.labels.iter().filter(|(label, _)| !["version", "code"].contains(label)) {
                let all: Vec<_> = all.iter().map(|value| format!("`{value}`")).collect();
                values.entry((*label, all.join(", "))).or_insert_with(Vec::new).push(row.name);
            }
        }
        text.push_str("\n| label | of | values |\n|---|---|---|\n");
        for ((label, all), metrics) in values {
            let of = if let [metric] = metrics[..] { format!("`{metric}`") } else { "several".to_owned() };
            let _ = writeln!(text, "| `{label}` | {of} | {all} |");
        }
        text.push_str("\nThe values of `code` are the [error codes](errors.md#codes).\n");
        text
    }

    fn page() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/observability.md")
    }

    /// The part of the page that is generated.
    fn generated(page: &str) -> &str {
        let from = page.find(BEGIN).expect("the page has the mark") + BEGIN.len();
        let length = page[from..].find(END).expect("another section follows");
        &page[from..from + length]
    }

    #[test]
    fn the_page_lists_every_metric() {
        let text = std::fs::read_to_string(page()).unwrap();
        assert!(
            generated(&text) == tables(),
            "docs/observability.md is out of date; run: cargo test --test gateway docs::metrics -- --ignored"
        );
        let codes = METRICS.iter().flat_map(|row| row.labels).find(|(label, _)| *label == "code").unwrap().1;
        assert_eq!(codes, ErrorCode::ALL.map(ErrorCode::as_str), "the label has a value for every code");
    }

    #[test]
    #[ignore = "rewrites the tables in docs/observability.md"]
    fn the_tables_are_written() {
        let text = std::fs::read_to_string(page()).unwrap();
        std::fs::write(page(), text.replace(generated(&text), &tables())).unwrap();
    }
}

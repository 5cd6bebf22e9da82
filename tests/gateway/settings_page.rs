//! `docs/configuration.md` lists every setting. The list is generated from the schema of the settings;
//! `cargo test --test gateway settings_page -- --ignored` rewrites it.

use std::fmt::Write;
use std::path::PathBuf;

use serde_json::Value;

const BEGIN: &str = "<!-- The rest is generated: cargo test --test gateway settings_page -- --ignored -->\n";

/// One table of the TOML file, such as `[http.limits]`.
struct Section {
    /// The table's name; several if they have the same settings.
    names: Vec<String>,
    description: String,
    rows: Vec<Row>,
}

/// One setting.
#[derive(Clone, PartialEq)]
struct Row {
    /// Its name within the table.
    name: String,
    value: String,
    default: String,
    description: String,
}

/// The sections of a table and of the tables below it, in the order of their names.
fn sections(name: &str, schema: &Value, out: &mut Vec<Section>) {
    let fields = schema["properties"].as_object().unwrap();
    let is_table = |field: &&Value| field["properties"].is_object() || field["additionalProperties"].is_object();
    let rows: Vec<_> =
        fields.iter().filter(|(_, field)| !is_table(field)).map(|(name, field)| row(name, field)).collect();
    let description = one_line(&schema["description"]);
    match out.iter_mut().find(|section| section.rows == rows && !rows.is_empty()) {
        Some(same) => same.names.push(name.to_owned()),
        None if rows.is_empty() => {}
        None => out.push(Section { names: vec![name.to_owned()], description, rows }),
    }
    for (field_name, field) in fields.iter().filter(|(_, field)| is_table(field)) {
        let name = if name.is_empty() { field_name.clone() } else { format!("{name}.{field_name}") };
        match &field["additionalProperties"] {
            each if each.is_object() => sections(&format!("{name}.<id>"), each, out),
            _ => sections(&name, field, out),
        }
    }
}

fn row(name: &str, field: &Value) -> Row {
    let mut description = one_line(&field["description"]);
    for choice in choices(field) {
        let meaning = one_line(&choice["description"]);
        let _ = write!(description, " `{}`: {meaning}", choice["const"]);
    }
    let default = match &field["default"] {
        Value::Null => "–".to_owned(),
        Value::Number(bytes) if name.ends_with("_bytes") => format!("`{bytes}`{}", binary(bytes.as_u64().unwrap())),
        default => format!("`{default}`"),
    };
    Row { name: name.to_owned(), value: value(field), default, description }
}

fn choices(field: &Value) -> &[Value] {
    field["oneOf"].as_array().map_or(&[], Vec::as_slice)
}

/// What a setting may be.
fn value(field: &Value) -> String {
    let kinds = field["type"].as_array().cloned().unwrap_or_else(|| vec![field["type"].clone()]);
    match kinds[0].as_str() {
        _ if !choices(field).is_empty() => {
            let names: Vec<_> = choices(field).iter().map(|choice| format!("`{}`", choice["const"])).collect();
            names.join(" or ")
        }
        Some("integer") => format!("integer, {} to {}", field["minimum"], field["maximum"]),
        Some("array") => "list of strings".to_owned(),
        Some(kind) => kind.to_owned(),
        None => panic!("a setting of no known type: {field}"),
    }
}

/// A number of bytes in binary units, if it is a whole number of them.
fn binary(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = units.iter().find(|(shift, _)| bytes > 0 && bytes.trailing_zeros() >= *shift);
    unit.map_or_else(String::new, |(shift, unit)| format!(" ({} {unit})", bytes >> shift))
}

fn one_line(text: &Value) -> String {
    text.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The generated part of the page.
fn reference() -> String {
    let mut all = Vec::new();
    sections("", commongraph::config::schema(), &mut all);
    let mut text = String::new();
    for Section { names, description, rows } in all {
        let headings: Vec<_> = names.iter().map(|name| format!("`[{name}]`")).collect();
        let _ = write!(text, "\n### {}\n\n{description}\n\n", headings.join(" and "));
        text.push_str("| setting | value | default | meaning |\n|---|---|---|---|\n");
        let prefix = if names.len() > 1 { names[0].split_once('.').unwrap().1 } else { &names[0] };
        for Row { name, value, default, description } in rows {
            let _ = writeln!(text, "| `{prefix}.{name}` | {value} | {default} | {description} |");
        }
    }
    text
}

fn page() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md")
}

/// The page up to its generated part, and that part.
fn split(page: &str) -> (&str, &str) {
    page.split_at(page.find(BEGIN).expect("the page has the mark") + BEGIN.len())
}

#[test]
fn the_page_lists_every_setting() {
    let text = std::fs::read_to_string(page()).unwrap();
    assert!(
        split(&text).1 == reference(),
        "docs/configuration.md is out of date; run: cargo test --test gateway settings_page -- --ignored"
    );
}

#[test]
#[ignore = "rewrites the list in docs/configuration.md"]
fn the_list_is_written() {
    let text = std::fs::read_to_string(page()).unwrap();
    std::fs::write(page(), format!("{}{}", split(&text).0, reference())).unwrap();
}

/// A value that this setting takes. The default, if it has one.
fn sample(key: &str, field: &Value) -> String {
    let sample = match key.rsplit('.').next().unwrap() {
        "metrics_listen" => "127.0.0.1:1",
        "base_url" => "http://127.0.0.1:1",
        "explorer" => "false",
        "allowed_origins" => "https://app.example.com",
        "trusted_proxies" => "10.0.0.0/8",
        "jwks_url" => "https://issuer.example/keys",
        "client_id" => "10",
        "secret" | "sha256" | "audit_key" => "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
        "scopes" => "oneall:personal",
        "expires_at" => "2100-01-01T00:00:00Z",
        _ => match &field["default"] {
            Value::Null => "acme",
            Value::String(text) => text,
            default => return default.to_string(),
        },
    };
    sample.to_owned()
}

/// The settings that `key` requires.
fn requires(key: &str) -> &'static [&'static str] {
    match key.rsplit_once('.').unwrap() {
        ("oneall", _) => &["oneall.subdomain", "oneall.public_key", "oneall.private_key"],
        ("access.jwt", "secret" | "jwks_url" | "jwks_file") => &["access.jwt.issuer", "access.jwt.audience"],
        ("access.jwt", _) => &["access.jwt.issuer", "access.jwt.audience", "access.jwt.secret"],
        ("http.tls", _) => &["http.tls.certificate_file", "http.tls.private_key_file"],
        _ => &[],
    }
}

/// Every setting's full name and schema.
fn settings(name: &str, schema: &Value, out: &mut Vec<(String, Value)>) {
    if schema["additionalProperties"].is_object() {
        return settings(&format!("{name}.a1"), &schema["additionalProperties"], out);
    }
    let Some(fields) = schema["properties"].as_object() else { return out.push((name.to_owned(), schema.clone())) };
    for (field_name, field) in fields {
        let name = if name.is_empty() { field_name.clone() } else { format!("{name}.{field_name}") };
        settings(&name, field, out);
    }
}

#[test]
fn every_setting_can_be_set_by_its_environment_variable() {
    let mut all = Vec::new();
    settings("", commongraph::config::schema(), &mut all);
    let of = |key: &str| all.iter().find(|(name, _)| name == key).unwrap();
    for (key, _) in &all {
        let needed = requires(key).iter().filter(|other| *other != key).map(|other| of(other));
        let set = needed
            .chain([of(key)])
            .map(|(key, field)| (format!("COMMONGRAPH_{}", key.to_uppercase().replace('.', "__")), sample(key, field)));
        if let Err(error) = commongraph::config::load(None, set, None) {
            panic!("{key}: {error}");
        }
    }
    assert!(all.len() > 100, "only {} found", all.len());
}

#[test]
fn the_example_file_is_valid_as_it_is_and_with_every_setting_uncommented() {
    let example = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/commongraph.toml");
    let text = std::fs::read_to_string(&example).unwrap();
    let is_setting = |line: &str| line.starts_with('#') && line[1..].starts_with(|c: char| c.is_ascii_lowercase());
    let lines: Vec<_> = text.lines().map(|line| if is_setting(line) { &line[1..] } else { line }).collect();
    assert!(text.lines().filter(|line| is_setting(line)).count() > 15);
    let uncommented = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("uncommented.toml");
    std::fs::write(&uncommented, lines.join("\n")).unwrap();
    for file in [example, uncommented] {
        let settings = commongraph::config::load(Some(&file), std::iter::empty(), None).unwrap();
        commongraph::config::mode::check_serve(&settings).unwrap();
    }
}

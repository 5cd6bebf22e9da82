//! The architecture as a test: which module may use which, and no circles of files inside a module.
//!
//! `cargo test --test architecture -- --nocapture` prints the module graph with the number of circles per module.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[path = "architecture/module_graph.rs"]
mod module_graph;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use module_graph::{Arrow, SourceFile, arrows, circles, is_test, parse, read_sources};

/// Each top-level module, in the order in which a request meets them, and the modules that it may use.
const LAYERS: [(&str, &[&str]); 14] = [
    ("lib", &[]),
    ("main", &["app"]),
    ("app", &["config", "http", "graph", "loader", "provider", "upstream", "metrics", "auth", "sandbox"]),
    ("config", &["http", "graph", "provider", "upstream", "auth"]),
    ("http", &["graph", "loader", "provider", "upstream", "metrics", "auth"]),
    ("graph", &["loader", "provider", "upstream", "metrics", "model", "auth"]),
    ("loader", &["provider", "upstream", "metrics", "model", "auth"]),
    ("provider", &["upstream", "metrics", "model", "auth"]),
    ("upstream", &["metrics", "keyed_hash"]),
    ("metrics", &[]),
    ("auth", &["keyed_hash"]),
    ("keyed_hash", &[]),
    ("model", &[]),
    ("sandbox", &[]),
];

fn sources() -> Vec<SourceFile> {
    let files = read_sources(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(files.len() > 100, "only {} files found", files.len());
    files
}

/// The top-level module of a path; the crate's root counts as `lib`.
fn layer(module: &[String]) -> &str {
    module.first().map_or("lib", String::as_str)
}

/// A sentence for each arrow that the layers do not allow.
fn wrong_directions(arrows: &[Arrow]) -> Vec<String> {
    let wrong = arrows.iter().filter(|arrow| {
        let (from, to) = (layer(&arrow.from), layer(&arrow.to));
        let allowed = LAYERS.iter().find(|(name, _)| *name == from).map(|(_, allowed)| *allowed);
        from != to && !allowed.is_some_and(|allowed| allowed.contains(&to))
    });
    wrong
        .map(|arrow| format!("{}:{}: {} must not use {}", arrow.file, arrow.line, layer(&arrow.from), layer(&arrow.to)))
        .collect()
}

/// The circles within each top-level module, as lines of files.
fn circles_by_layer(arrows: &[Arrow]) -> BTreeMap<String, Vec<String>> {
    let layers: BTreeSet<&str> = arrows.iter().map(|arrow| layer(&arrow.from)).collect();
    let within = |name: &str| {
        let inner: Vec<Arrow> =
            arrows.iter().filter(|arrow| layer(&arrow.from) == name && layer(&arrow.to) == name).cloned().collect();
        let describe = |mut circle: Vec<Vec<String>>| {
            circle.sort();
            let inside = |arrow: &&Arrow| circle.contains(&arrow.from) && circle.contains(&arrow.to);
            let edges = inner
                .iter()
                .filter(inside)
                .map(|arrow| format!("    {}:{} uses {}", arrow.file, arrow.line, arrow.to.join("::")));
            let edges: Vec<String> = edges.collect();
            let names: Vec<String> = circle.iter().map(|module| module.join("::")).collect();
            format!("  {} files: {}\n{}", names.len(), names.join(", "), edges.join("\n"))
        };
        circles(&inner).into_iter().map(describe).collect()
    };
    layers.into_iter().map(|name| (name.to_owned(), within(name))).collect()
}

/// The files that no `mod` line declares. The compiler does not read them.
fn undeclared_files(files: &[SourceFile]) -> Vec<&str> {
    let declares = |parent: &SourceFile, name: &str| {
        let mut items = parent.syntax.items.iter();
        items.any(|item| matches!(item, syn::Item::Mod(child) if child.content.is_none() && child.ident == name))
    };
    let is_declared = |file: &SourceFile| match file.module.split_last() {
        Some((name, parent)) => files.iter().any(|other| other.module == parent && declares(other, name)),
        None => true,
    };
    let missing = files.iter().filter(|file| file.path != "src/main.rs" && !is_declared(file));
    missing.map(|file| file.path.as_str()).collect()
}

#[test]
fn every_file_is_declared_as_a_module() {
    let files = sources();
    let undeclared = undeclared_files(&files);
    assert!(undeclared.is_empty(), "delete these files or declare them: {undeclared:?}");
    let files =
        [parse("src/lib.rs", "pub mod graph;"), parse("src/graph.rs", "mod id;"), parse("src/graph/ids.rs", "")];
    assert_eq!(undeclared_files(&files), ["src/graph/ids.rs"]);
}

#[test]
fn a_module_uses_only_the_modules_below_it() {
    let files = sources();
    let known = |file: &&SourceFile| !LAYERS.iter().any(|(name, _)| *name == layer(&file.module));
    let unknown: Vec<&str> = files.iter().filter(known).map(|file| file.path.as_str()).collect();
    assert!(unknown.is_empty(), "give these a place in LAYERS: {unknown:?}");
    let wrong = wrong_directions(&arrows(&files));
    assert!(wrong.is_empty(), "{} arrows go back:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_module_has_a_circle_of_files() {
    let files = sources();
    let arrows = arrows(&files);
    let circles = circles_by_layer(&arrows);
    println!("{:<10} {:>6} {:>7} {:>8}", "module", "files", "arrows", "circles");
    for (name, found) in &circles {
        let files = files.iter().filter(|file| layer(&file.module) == name && !is_test(&file.module)).count();
        let inner = |arrow: &&Arrow| layer(&arrow.from) == name && layer(&arrow.to) == name;
        let pairs: BTreeSet<_> = arrows.iter().filter(inner).map(|arrow| (&arrow.from, &arrow.to)).collect();
        println!("{name:<10} {files:>6} {:>7} {:>8}", pairs.len(), found.len());
    }
    let found: Vec<String> = circles.into_values().flatten().collect();
    assert!(found.is_empty(), "{} circles:\n{}", found.len(), found.join("\n"));
}

/// The arrows of a few files given as text, as `from -> to`.
fn arrows_of(files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<SourceFile> = files.iter().map(|(path, text)| parse(path, text)).collect();
    let name = |module: &[String]| if module.is_empty() { "lib".to_owned() } else { module.join("::") };
    let mut found: Vec<String> =
        arrows(&files).iter().map(|arrow| format!("{} -> {}", name(&arrow.from), name(&arrow.to))).collect();
    found.dedup();
    found
}

#[test]
fn an_arrow_is_found_however_it_is_written() {
    let graph = ("src/graph.rs", "pub struct Query;");
    let samples = [
        "use crate::graph::Query;",
        "use crate::{graph::{self, Query}};",
        "fn f() -> Vec<crate::graph::Query> { todo!() }",
        "use crate::graph as other;",
        "use super::graph;",
        "fn f() { println!(\"{}\", crate::graph::Query) }",
        "mod inner { use super::super::graph::Query; }",
    ];
    for sample in samples {
        assert_eq!(arrows_of(&[graph, ("src/model.rs", sample)]), ["model -> graph"], "{sample}");
    }
}

#[test]
fn a_re_export_counts_for_the_file_that_defines_the_name() {
    let files = [
        ("src/http.rs", "mod cors; mod router; pub use self::cors::Layer;"),
        ("src/http/cors.rs", "pub struct Layer;"),
        ("src/http/router.rs", "use super::Layer;"),
    ];
    assert_eq!(arrows_of(&files), ["http::router -> http::cors"]);
}

#[test]
fn test_code_makes_no_arrows() {
    let files = [
        ("src/graph.rs", "#[cfg(test)] mod tests;"),
        ("src/graph/tests.rs", "use crate::http::X;"),
        ("src/http.rs", "#[cfg(test)] mod more { use crate::graph::Y; } pub struct X;"),
    ];
    assert_eq!(arrows_of(&files), [""; 0]);
}

#[test]
fn a_circle_and_an_arrow_back_are_found() {
    let files = [
        parse("src/model.rs", "mod a; mod b; use crate::graph::Query;"),
        parse("src/model/a.rs", "use super::b::B; pub struct A;"),
        parse("src/model/b.rs", "use super::a::A; pub struct B;"),
        parse("src/graph.rs", "pub struct Query;"),
    ];
    let arrows = arrows(&files);
    assert_eq!(wrong_directions(&arrows), ["src/model.rs:1: model must not use graph"]);
    assert_eq!(circles_by_layer(&arrows)["model"].len(), 1);
}

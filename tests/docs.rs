//! The Markdown pages: every relative link and anchor leads somewhere, and the README stays short and true.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

const README_LINES_MAX: usize = 200;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Markdown page outside of build output, by its path from the root.
fn pages() -> BTreeMap<PathBuf, String> {
    let mut pages = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = folder.join(&name);
            let is_skipped = name.starts_with('.') || ["target", "node_modules"].contains(&name.as_str());
            if entry.file_type().unwrap().is_dir() {
                folders.extend((!is_skipped).then_some(path));
            } else if name.ends_with(".md") {
                pages.insert(path, fs::read_to_string(entry.path()).unwrap());
            }
        }
    }
    pages
}

/// The lines of a page outside of code blocks.
fn prose(page: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    page.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// A line without its code spans.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// The targets of all links and images of a page.
fn links(page: &str) -> Vec<String> {
    let lines: Vec<_> = prose(page).map(without_code).collect();
    let text = lines.join("\n");
    let targets = text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap().to_owned());
    targets.collect()
}

/// The anchors that GitHub gives to the headings of a page.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = prose(page).filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The path that a link from `page` leads to, from the root.
fn target(page: &Path, link: &str) -> PathBuf {
    let mut path = page.parent().unwrap().to_path_buf();
    for part in Path::new(link).components() {
        match part {
            Component::ParentDir => assert!(path.pop(), "{} leads outside", page.display()),
            part => path.push(part),
        }
    }
    path
}

/// Why a link leads nowhere.
fn broken(pages: &BTreeMap<PathBuf, String>, page: &Path, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let path = if path.is_empty() { page.to_path_buf() } else { target(page, path) };
    if !root().join(&path).exists() {
        return Some(format!("{}: no file {}", page.display(), path.display()));
    }
    let found = pages.get(&path).map(|text| anchors(text));
    match (anchor, found) {
        (Some(anchor), Some(found)) if !found.contains(anchor) => {
            Some(format!("{}: no heading #{anchor} in {}", page.display(), path.display()))
        }
        _ => None,
    }
}

#[test]
fn every_relative_link_and_anchor_leads_somewhere() {
    let pages = pages();
    let all = pages.iter().flat_map(|(page, text)| links(text).into_iter().map(move |link| (page, link)));
    let all: Vec<_> = all.collect();
    assert!(all.len() > 100, "only {} links found", all.len());
    let broken: Vec<_> = all.iter().filter_map(|(page, link)| broken(&pages, page, link)).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_page_is_linked_from_another() {
    let pages = pages();
    let linked = pages.iter().flat_map(|(page, text)| {
        let to_files = links(text).into_iter().filter(|link| !link.contains("://") && !link.starts_with('#'));
        to_files.map(|link| target(page, link.split('#').next().unwrap())).filter(move |path| path != page)
    });
    let linked: BTreeSet<_> = linked.collect();
    let lonely: Vec<_> = pages.keys().filter(|page| !linked.contains(*page) && **page != *"README.md").collect();
    assert!(lonely.is_empty(), "{lonely:?}");
}

/// The folders whose files the pages name.
const FOLDERS: [&str; 8] = ["src/", "tests/", "docs/", "examples/", "benches/", "explorer/", "e2e/", ".ci/"];

/// The files and folders that a page names in code spans.
fn named_files(page: &str) -> Vec<String> {
    let spans = prose(page).flat_map(|line| line.split('`').skip(1).step_by(2).flat_map(str::split_whitespace));
    let is_path =
        |word: &&str| FOLDERS.iter().any(|folder| word.starts_with(folder)) && !word.contains(['*', '<', '…']);
    spans.filter(is_path).map(str::to_owned).collect()
}

#[test]
fn every_file_that_a_page_names_exists() {
    let pages = pages();
    let named = pages.iter().flat_map(|(page, text)| named_files(text).into_iter().map(move |file| (page, file)));
    // `acme` is the made-up provider of the guide to adding one; `generated` is not committed.
    let named = named.filter(|(_, file)| !file.contains("acme") && !file.contains("generated"));
    let named: Vec<_> = named.collect();
    assert!(named.len() > 40, "only {} found", named.len());
    let missing: Vec<_> = named.iter().filter(|(_, file)| !root().join(file).exists()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_architecture_page_lists_every_module() {
    let page = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let rows = page.lines().skip_while(|line| !line.starts_with("| module |")).skip(2);
    let listed = rows.take_while(|line| line.starts_with('|')).filter_map(|line| line.split('`').nth(1));
    let listed: BTreeSet<_> = listed.map(str::to_owned).collect();
    let files =
        fs::read_dir(root().join("src")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let modules = files.filter_map(|name| name.strip_suffix(".rs").map(str::to_owned));
    let modules: BTreeSet<_> = modules.filter(|name| name != "lib" && name != "main").collect();
    assert_eq!(listed, modules);
}

#[test]
fn a_broken_link_is_found() {
    let pages = BTreeMap::from([(PathBuf::from("README.md"), "# A `b` c!\n[x](#a-b-c) [y](#none)\n".to_owned())]);
    let page = Path::new("README.md");
    assert_eq!(links(&pages[page]), ["#a-b-c", "#none"]);
    assert_eq!(broken(&pages, page, "#a-b-c"), None);
    assert!(broken(&pages, page, "#none").is_some());
    assert!(broken(&pages, page, "docs/none.md").is_some());
    assert_eq!(broken(&pages, page, "docs/api.md"), None);
}

#[test]
fn the_readme_is_short_and_its_badges_are_true() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let lines = readme.lines().count();
    assert!(lines <= README_LINES_MAX, "{lines} lines");
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let value = |key: &str| {
        let line = manifest.lines().find_map(|line| line.strip_prefix(&format!("{key} = "))).unwrap();
        line.trim_matches('"').to_owned()
    };
    let badge = |name: &str| fs::read_to_string(root().join(format!("docs/images/badge-{name}.svg"))).unwrap();
    assert!(badge("licence").contains(&format!(">{}<", value("license"))));
    assert!(badge("rust").contains(&format!(">{}+<", value("rust-version"))));
    let checks = fs::read_to_string(root().join(".ci/run")).unwrap();
    assert!(badge("audits").contains(">61 of 61 audits<") && checks.contains("\"61 passed, 0 failed\""));
}

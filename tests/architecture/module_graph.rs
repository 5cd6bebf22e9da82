//! Reads `src` with `syn` and finds which file uses which: the arrows of the module graph.
//!
//! An arrow goes from the file that uses a name to the file that defines it. A name that a module re-exports counts for
//! the file where it is defined, so a parent that only re-exports its children is not part of a circle. Test code and
//! `mod` declarations make no arrows. Macro arguments are searched for paths as well.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemUse, UseTree, Visibility};

/// A file of `src`, and the module that it holds.
pub struct SourceFile {
    /// Its path from the repository's root, such as `src/http/cors.rs`.
    pub path: String,
    /// Its module, such as `["http", "cors"]`; empty for `lib.rs`.
    pub module: Vec<String>,
    /// Its syntax tree.
    pub syntax: syn::File,
}

/// A use of a name, with the module that defines it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    /// The module that uses the name.
    pub from: Vec<String>,
    /// The module that defines it.
    pub to: Vec<String>,
    /// The path of the file that uses it.
    pub file: String,
    /// The line of the use, from 1.
    pub line: usize,
}

/// Reads every Rust file under `src`.
pub fn read_sources(root: &Path) -> Vec<SourceFile> {
    let mut paths = Vec::new();
    collect(&root.join("src"), &mut paths);
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        parse(&name, &fs::read_to_string(path).unwrap())
    };
    paths.iter().map(read).collect()
}

/// Parses one file.
pub fn parse(path: &str, text: &str) -> SourceFile {
    let syntax = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
    SourceFile { path: path.to_owned(), module: module_of(path), syntax }
}

fn collect(folder: &Path, paths: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

fn module_of(path: &str) -> Vec<String> {
    let name = path.trim_start_matches("src/").trim_end_matches(".rs");
    if name == "lib" { Vec::new() } else { name.split('/').map(str::to_owned).collect() }
}

/// Whether a module holds only tests.
pub fn is_test(module: &[String]) -> bool {
    module.iter().any(|part| part == "tests")
}

/// Every arrow between two different modules, sorted.
pub fn arrows(files: &[SourceFile]) -> Vec<Arrow> {
    let index = Index::new(files);
    let mut found = BTreeSet::new();
    for file in files.iter().filter(|file| !is_test(&file.module) && !index.is_test_only(&file.module)) {
        let mut finder = PathFinder::default();
        finder.visit_file(&file.syntax);
        for (path, line) in finder.paths {
            let to = index.defining_module(&file.module, &path);
            if let Some(to) = to.filter(|to| *to != file.module) {
                found.insert(Arrow { from: file.module.clone(), to, file: file.path.clone(), line });
            }
        }
    }
    found.into_iter().collect()
}

/// What each module declares: its child modules, what it re-exports, and which children are for tests only.
struct Index {
    modules: BTreeSet<Vec<String>>,
    /// For a module and a name, the absolute path that the name stands for.
    imports: BTreeMap<(Vec<String>, String), Vec<String>>,
    test_only: BTreeSet<Vec<String>>,
}

impl Index {
    fn new(files: &[SourceFile]) -> Self {
        let modules = files.iter().map(|file| file.module.clone()).collect();
        let mut index = Self { modules, imports: BTreeMap::new(), test_only: BTreeSet::new() };
        for file in files {
            index.read_items(&file.module, &file.syntax.items);
        }
        index
    }

    fn read_items(&mut self, module: &[String], items: &[Item]) {
        for item in items {
            match item {
                Item::Mod(child) if is_for_tests(&child.attrs) => {
                    self.test_only.insert(joined(module, &[child.ident.to_string()]));
                }
                Item::Use(import) if !is_for_tests(&import.attrs) => {
                    for (path, name) in leaves(&import.tree) {
                        self.imports.insert((module.to_vec(), name), self.absolute(module, &path));
                    }
                }
                _ => {}
            }
        }
    }

    fn is_test_only(&self, module: &[String]) -> bool {
        (1..=module.len()).any(|length| self.test_only.contains(&module[..length]))
    }

    /// The path from the crate's root; a path into another crate keeps its first part.
    fn absolute(&self, module: &[String], path: &[String]) -> Vec<String> {
        let Some((first, rest)) = path.split_first() else { return Vec::new() };
        match first.as_str() {
            "crate" | "commongraph" => rest.to_vec(),
            "self" => joined(module, rest),
            "super" => self.absolute(&module[..module.len().saturating_sub(1)], &joined(&["self".to_owned()], rest)),
            _ => joined(module, path),
        }
    }

    /// The module that defines what a path names, seen from `module`; none for what is not of this crate.
    fn defining_module(&self, module: &[String], path: &[String]) -> Option<Vec<String>> {
        let starts_inside = matches!(path.first()?.as_str(), "crate" | "commongraph" | "self" | "super");
        let absolute = self.absolute(module, path);
        let is_child = || self.modules.contains(&joined(module, &path[..1]));
        if starts_inside || is_child() { self.follow(absolute, 0) } else { None }
    }

    /// Follows re-exports to the definition.
    fn follow(&self, path: Vec<String>, depth: usize) -> Option<Vec<String>> {
        let length = (0..=path.len()).rev().find(|length| self.modules.contains(&path[..*length]))?;
        let (module, rest) = path.split_at(length);
        let import = rest.first().and_then(|name| self.imports.get(&(module.to_vec(), name.clone())));
        match import {
            Some(target) if depth < 8 => {
                let followed = self.follow(joined(target, &rest[1..]), depth + 1);
                followed.filter(|found| !found.is_empty() || target.len() <= 1).or(Some(module.to_vec()))
            }
            _ => Some(module.to_vec()),
        }
    }
}

/// Collects the paths that a file names, outside its tests.
#[derive(Default)]
struct PathFinder {
    paths: Vec<(Vec<String>, usize)>,
    /// How many inline modules are around.
    depth: usize,
}

impl PathFinder {
    fn add(&mut self, path: Vec<String>, line: usize) {
        // An inline module belongs to its file: one `super` for each leads back to the file's own module.
        let climbs = path.iter().take_while(|part| *part == "super").count().min(self.depth);
        let path = if climbs > 0 { joined(&["self".to_owned()], &path[climbs..]) } else { path };
        let path = match path.as_slice() {
            [first, second, ..] if first == "self" && second == "super" => path[1..].to_vec(),
            _ => path,
        };
        self.paths.push((path, line));
    }

    fn read_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) if colons == 2 || path.is_empty() => {
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    self.add_token_path(std::mem::take(&mut path), other.span().start().line);
                    colons = 0;
                    match other {
                        TokenTree::Group(group) => self.read_tokens(group.stream()),
                        TokenTree::Ident(name) => path.push(name.to_string()),
                        _ => {}
                    }
                }
            }
        }
        self.add_token_path(path, 0);
    }

    fn add_token_path(&mut self, path: Vec<String>, line: usize) {
        if path.len() > 1 {
            self.add(path, line);
        }
    }
}

impl<'ast> Visit<'ast> for PathFinder {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        self.depth += 1;
        visit::visit_item_mod(self, module);
        self.depth -= 1;
    }

    fn visit_item_use(&mut self, import: &'ast ItemUse) {
        // What is re-exported is not used here.
        if matches!(import.vis, Visibility::Inherited) {
            for (path, _) in leaves(&import.tree) {
                self.add(path, import.use_token.span.start().line);
            }
        }
    }

    fn visit_visibility(&mut self, _visibility: &'ast Visibility) {
        // `pub(in path)` says who may see a name; it uses nothing.
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if parts.len() > 1 {
            self.add(parts, path.segments[0].ident.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.read_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}

/// Every name of a `use`, as its path and the name it gets.
fn leaves(tree: &UseTree) -> Vec<(Vec<String>, String)> {
    fn walk(tree: &UseTree, path: &[String], found: &mut Vec<(Vec<String>, String)>) {
        match tree {
            UseTree::Path(part) => walk(&part.tree, &joined(path, &[part.ident.to_string()]), found),
            UseTree::Name(name) if name.ident == "self" => {
                found.push((path.to_vec(), path.last().cloned().unwrap_or_default()));
            }
            UseTree::Name(name) => found.push((joined(path, &[name.ident.to_string()]), name.ident.to_string())),
            UseTree::Rename(name) => found.push((joined(path, &[name.ident.to_string()]), name.rename.to_string())),
            UseTree::Glob(_) => found.push((path.to_vec(), "*".to_owned())),
            UseTree::Group(group) => group.items.iter().for_each(|item| walk(item, path, found)),
        }
    }
    let mut found = Vec::new();
    walk(tree, &[], &mut found);
    found
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn joined(start: &[String], rest: &[String]) -> Vec<String> {
    [start, rest].concat()
}

/// The circles among these arrows: sets of modules of which each reaches each other.
pub fn circles(arrows: &[Arrow]) -> Vec<Vec<Vec<String>>> {
    let mut graph = petgraph::graphmap::DiGraphMap::<&[String], ()>::new();
    for arrow in arrows {
        graph.add_edge(&arrow.from, &arrow.to, ());
    }
    let components = petgraph::algo::tarjan_scc(&graph);
    let is_circle = |component: &Vec<&[String]>| component.len() > 1;
    components.into_iter().filter(is_circle).map(|all| all.into_iter().map(<[String]>::to_vec).collect()).collect()
}

//! The document stage against slow but plain counterparts, and the table of edges against the schema.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use apollo_compiler::schema::ExtendedType;
use async_graphql::parser::types::{Selection, SelectionSet};
use proptest::prelude::*;

use super::edges::{BORNE, Brings, EDGES, Edge, LEAVES, OWN, Read, Rows};
use super::size::size;
use super::*;

fn documents(limits: Limits) -> Documents {
    Documents::build(&crate::graph::schema::sdl(), limits, 1 << 20).unwrap()
}

fn checked(text: &str) -> Result<Checked, Refused> {
    documents(Limits::default()).check(Request::new(text))
}

fn limit_of(refused: &Refused) -> String {
    let extensions = refused.errors[0].extensions.as_ref().unwrap();
    extensions.get("limit").map_or_else(String::new, |limit| limit.to_string().trim_matches('"').to_owned())
}

fn limit(text: &str) -> String {
    limit_of(&checked(text).expect_err(text))
}

#[test]
fn faults_beyond_the_most_errors_of_an_answer_are_counted_and_not_told() {
    for (count, told, omitted) in [(20, 20, 0), (21, 20, 1), (1_900, 20, 1_880)] {
        let unknown: String = (0..count).map(|n| format!("x{n} ")).collect();
        let refused = checked(&format!("{{ {unknown} }}")).unwrap_err();
        assert_eq!((refused.errors.len(), refused.omitted), (told, omitted));
        // The library's sentences are asked for only where they would all be told.
        assert_eq!(refused.invalid.is_some(), omitted == 0);
    }
}

/// Counts a document by writing out every spread.
fn naive(document: &ExecutableDocument, set: &SelectionSet) -> (usize, usize) {
    let (mut selections, mut depth) = (0, 0);
    for item in &set.items {
        let (below, deep) = match &item.node {
            Selection::Field(field) => {
                let (below, deep) = naive(document, &field.node.selection_set.node);
                (below, deep + 1)
            }
            Selection::InlineFragment(fragment) => naive(document, &fragment.node.selection_set.node),
            Selection::FragmentSpread(spread) => document
                .fragments
                .get(&spread.node.fragment_name.node)
                .map_or((0, 0), |fragment| naive(document, &fragment.node.selection_set.node)),
        };
        selections += 1 + below;
        depth = depth.max(deep);
    }
    (selections, depth)
}

/// A selection on `Connection` of random fields, fragments and later fragments' spreads.
fn selections(spreads: &'static [&'static str]) -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("id".to_owned()),
        Just("k: kind".to_owned()),
        Just("kind".to_owned()),
        Just("createdAt @include(if: $yes)".to_owned()),
        Just("... on Node { id }".to_owned()),
        Just("... @skip(if: $yes) { label }".to_owned()),
        Just("record { ... on SignInRecord { status plugin { key } } ... on KeyringRecord { __typename } }".to_owned()),
        prop::sample::select(if spreads.is_empty() { &["provider"] } else { spreads }).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        let inner = prop::collection::vec(inner, 1..4).prop_map(|items| items.join(" "));
        prop_oneof![
            inner.clone().prop_map(|items| format!("... {{ {items} }}")),
            inner.clone().prop_map(|items| format!("... on Connection {{ {items} }}")),
            inner
                .prop_map(|items| format!("record {{ ... on PublicizeRecord {{ keyringConnection {{ {items} }} }} }}")),
        ]
    })
}

fn document() -> impl Strategy<Value = String> {
    let set = |spreads| prop::collection::vec(selections(spreads), 1..5).prop_map(|items| items.join(" "));
    (set(&["...A", "...B", "...C", "id"]), set(&["...B", "...C", "...B ...B"]), set(&["...C", "...C ...C"]), set(&[]))
        .prop_map(|(root, a, b, c)| {
            format!(
                "query($yes: Boolean!) {{ x: __typename @skip(if: $yes) connections(first: 12) {{ nodes {{ {root} ...A }} }} }}
                 fragment A on Connection {{ {a} ...B }} fragment B on Connection {{ {b} ...C }}
                 fragment C on Connection {{ {c} }}"
            )
        })
}

fn generous() -> Limits {
    let mut limits = Limits::default();
    let Limits { tokens_max, depth_max, expanded_max, selections_max, directives_max, aliases_max, .. } = &mut limits;
    (*tokens_max, *depth_max, *expanded_max, *selections_max) = (20_000, 30, 50_000, 50_000);
    (*directives_max, *aliases_max) = (1_000, 10_000);
    limits.calls_max = 10_000;
    limits
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_measured_once_a_fragment_equals_what_writing_it_out_gives(text in document()) {
        let document = parse_query(&text).unwrap();
        let size = size(&document).unwrap();
        let DocumentOperations::Single(operation) = &document.operations else { panic!("one operation") };
        prop_assert_eq!((size.selections, size.depth), naive(&document, &operation.node.selection_set.node));
    }

    #[test]
    fn a_merged_document_is_valid_smaller_and_the_same_when_merged_again(text in document()) {
        let documents = documents(generous());
        let document = parse_query(&text).unwrap();
        let Ok(known) = documents.read(&text, &mut Request::new("")) else { return Ok(()) };
        let (_, ready) = &known.operations[0];
        let again = merge::merge(&documents.schema, &alone(ready.merged.operation.clone()), &ready.merged.operation);
        prop_assert_eq!(format!("{:?}", again.operation.node), format!("{:?}", ready.merged.operation.node));
        prop_assert!(ready.merged.counts.selections <= size(&document).unwrap().selections);
        prop_assert_eq!(again.counts.selections, size(&alone(ready.merged.operation.clone())).unwrap().selections);
        let cost = |operation| cost::cost(&documents.schema, operation, &Variables::default()).calls;
        prop_assert_eq!(cost(&again.operation.node), cost(&ready.merged.operation.node));
    }

    #[test]
    fn no_text_makes_the_stage_panic(
        text in r#"[{}()\[\]@$:!.,"\\#a-d \n]{0,60}|(\PC|\n){0,60}|([{}\[(]|[})\]]|\.\.\.|"|"""|fragment A on Query|query|on|viewer|id|\\u[dD]8|:|@skip|\$a| ){0,40}"#,
    ) {
        if let Err(refused) = checked(&text) {
            prop_assert!(!refused.errors.is_empty());
        }
    }
}

#[test]
fn a_string_hides_brackets_only_where_the_parser_agrees_that_it_is_one() {
    let of = |text| scan::scan(text).map(|tokens| (tokens.count, tokens.nesting));
    assert_eq!(of("{ a(b: \"[[[ \\\" {\") # [[[\n }"), Ok((8, 2)));
    assert_eq!(of("\"\"\"[[ \\\"\"\" [ \"\"\" {"), Ok((2, 1)));
    assert_eq!(of("{ \"[[[\n\" }"), Err(2));
    assert_eq!(of("{ \"\"\" \" [[[["), Err(2));
    assert_eq!(of("\u{feff}{ a, ...b }"), Ok((8, 1)));
}

#[test]
fn a_syntax_error_names_its_place_and_shows_nothing_of_the_text() {
    for (text, place, wrong) in [
        ("{ viewer { SECRET( } }", "line 1, column 20", "`}` does not belong here"),
        ("{ viewer { SECRET", "line 1, column 18", "the text ends too early"),
        ("{\n \"SECRET", "line 2, column 2", "this string does not end, or does not belong here"),
        ("SECRET", "line 1, column 1", "this word does not belong here"),
        ("{ viewer }\n\n }", "line 3, column 2", "`}` does not belong here"),
        ("{ node(id: 01) { id } }", "line 1, column 13", "this number does not belong here"),
        ("{ vi\u{e9}wer }", "line 1, column 5", "this does not belong here"),
    ] {
        let refused = checked(text).unwrap_err();
        assert_eq!(refused.errors[0].message, format!("Syntax error at {place}: {wrong}."), "{text}");
        assert_eq!(refused.fault, OperationErrorKind::Syntax, "{text}");
    }
    let twice = checked("query SECRET { __typename } query SECRET { __typename }").unwrap_err();
    assert_eq!(twice.errors[0].message, "Two operations have the same name.");
}

#[test]
fn each_limit_refuses_what_goes_over_it_by_its_name() {
    let aliases: String = (0..31).map(|n| format!("a{n}: __typename ")).collect();
    let deep = format!(
        "{{ connection(by: {{id: 1}}) {{ {} id {} }} }}",
        "record { ... on PublicizeRecord { keyringConnection { ".repeat(6),
        "} } }".repeat(6)
    );
    let roots: String = (0..21).map(|n| format!("a{n}: __typename ")).collect();
    let ids = format!("{{ nodes(ids: [{}]) {{ id }} }}", "1 ".repeat(101));
    for (text, name) in [
        (format!("{{ __typename }} #{}", " ".repeat(32 << 10)), "bytes_max"),
        (format!("{{ {} }}", "id ".repeat(2_000)), "tokens_max"),
        (format!("{{ nodes(ids: {}{}) {{ id }} }}", "[".repeat(50), "]".repeat(50)), "nesting_max"),
        (deep, "depth_max"),
        (format!("{{ viewer {{ {aliases} }} }}"), "aliases_max"),
        (format!("{{ {roots} }}"), "root_fields_max"),
        ("{ __typename @skip(if: false) @include(if: true) @a @b }".to_owned(), "field_directives_max"),
        (format!("{{ {} }}", "__typename @skip(if: false) ".repeat(21)), "directives_max"),
        (format!("{{ {} }}", "__typename ".repeat(201)), "repeats_max"),
        (ids, "list_entries_max"),
        ("{ a: connections(first: 100) { nodes { health { state } } } b: connections(first: 100) { nodes { health { state } } } }".to_owned(), "calls_max"),
        ("{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }".to_owned(), "introspection_lists_max"),
        (format!("{{ __schema {{ types {{ {} name {} }} }} }}", "ofType { ".repeat(20), "} ".repeat(20)), "introspection_depth_max"),
    ] {
        assert_eq!(limit(&text), name, "{}", &text[..text.len().min(200)]);
    }
    let refused = checked(&format!("{{ viewer {{ {aliases} }} }}")).unwrap_err();
    assert_eq!(refused.errors[0].message, "Aliases: the document has 31, the limit aliases_max is 30.");
}

#[test]
fn variables_are_held_to_the_same_limits() {
    let documents = documents(Limits::default());
    let ask = |text: &str, variables: serde_json::Value| {
        documents.check(Request::new(text).variables(Variables::from_json(variables)))
    };
    let nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let cost = |count: usize| ask(nodes, serde_json::json!({ "ids": vec!["x"; count] }));
    assert_eq!(cost(100).unwrap().estimate().calls, 100);
    assert_eq!(limit_of(&cost(101).unwrap_err()), "list_entries_max");
    let page = "query($n: Int = 7) { connections(first: $n) { nodes { health { state } } } }";
    assert_eq!(ask(page, serde_json::json!({})).unwrap().estimate().calls, 3 + 7);
    assert_eq!(ask(page, serde_json::json!({ "n": 100 })).unwrap().estimate().calls, 3 + 100);
}

#[test]
fn variables_that_are_not_declared_are_dropped() {
    let variables = serde_json::json!({ "id": "1", "more": vec![1; 1_000] });
    let request = Request::new("query($id: ID!) { node(id: $id) { id } }").variables(Variables::from_json(variables));
    assert_eq!(documents(Limits::default()).check(request).unwrap().variables().len(), 1);
}

#[test]
fn conflicting_selections_are_refused_wherever_they_meet() {
    for text in [
        "{ a: viewer { __typename } ... on Query { a: providers { detail } } }",
        "{ viewer { a: needsAttentionCount } viewer { a: __typename } }",
        "{ connections(first: 1) { totalCount } ...F } fragment F on Query { connections(first: 2) { totalCount } }",
    ] {
        let refused = checked(text).expect_err(text);
        assert!(refused.invalid.is_some(), "{text}");
    }
}

#[test]
fn merging_keeps_the_order_of_keys_and_conditions_apart() {
    let text = "query($b: Boolean!) { node(id: 1) { ... on Site { url } id ... on Site { name url } ...S @include(if: $b) ... on Node { id } } }
        fragment S on Site { name }";
    let documents = documents(Limits::default());
    let known = documents.read(text, &mut Request::new("")).unwrap();
    let Selection::Field(node) = &known.operations[0].1.merged.operation.node.selection_set.node.items[0].node else {
        panic!("a field")
    };
    let print = |set: &SelectionSet| -> Vec<String> {
        let one = |item: &Positioned<Selection>| match &item.node {
            Selection::Field(field) => field.node.name.node.to_string(),
            Selection::InlineFragment(inner) => {
                let names = inner.node.selection_set.node.items.iter().map(|item| match &item.node {
                    Selection::Field(field) => field.node.name.node.to_string(),
                    _ => "?".to_owned(),
                });
                format!("{{{}}}{}", names.collect::<Vec<_>>().join(" "), inner.node.directives.len())
            }
            Selection::FragmentSpread(_) => "...".to_owned(),
        };
        set.items.iter().map(one).collect()
    };
    assert_eq!(print(&node.node.selection_set.node), ["{url}0", "id", "{name}0", "{name}1"]);
}

#[test]
fn a_document_is_read_once_and_what_is_kept_is_bounded() {
    let documents = documents(Limits::default());
    let text = |n: usize| format!("query Q{n} {{ __typename }} #{}", "x".repeat(1_000));
    documents.check(Request::new(text(0))).unwrap();
    documents.check(Request::new(text(0))).unwrap();
    assert_eq!(documents.known.len(), 1);
    (0..1_000).for_each(|n| drop(documents.check(Request::new(text(n))).unwrap()));
    assert!(documents.known.weight() <= 1 << 20, "{}", documents.known.weight());
    assert!(documents.known.len() < 500);
}

#[test]
fn the_operation_asked_for_is_the_one_made_ready() {
    let text = "query A { __typename } query B { viewer { needsAttentionCount } }";
    let ask = |name: Option<&str>| {
        let mut request = Request::new(text);
        request.operation_name = name.map(str::to_owned);
        documents(Limits::default()).check(request).map(|checked| checked.estimate().calls)
    };
    assert_eq!((ask(Some("A")).unwrap(), ask(Some("B")).unwrap()), (0, 2));
    assert!(ask(None).unwrap_err().errors[0].message.starts_with("The document has several"));
    assert!(ask(Some("SECRET")).unwrap_err().errors[0].message.starts_with("operationName names no"));
}

fn output_fields(schema: &Schema) -> Vec<(String, String, String)> {
    let objects = schema.types.iter().filter(|(name, _)| !name.starts_with("__"));
    let fields = objects.flat_map(|(name, kind)| match kind {
        ExtendedType::Object(object) => object.fields.values().map(|field| (name.clone(), field.clone())).collect(),
        _ => Vec::new(),
    });
    fields.map(|(name, field)| (name.to_string(), field.name.to_string(), field.ty.to_string())).collect()
}

fn inner(kind: &str) -> &str {
    kind.trim_matches(|c| matches!(c, '[' | ']' | '!'))
}

#[test]
fn every_field_that_leads_to_an_object_has_its_line_in_the_table_and_no_line_is_stale() {
    let schema = documents(Limits::default()).schema;
    let is_composite = |kind: &str| {
        let kind = schema.types.get(inner(kind)).unwrap();
        kind.is_object() || kind.is_interface() || kind.is_union()
    };
    let fields = output_fields(&schema);
    let wanted: BTreeSet<_> = fields
        .iter()
        .filter(|(.., kind)| is_composite(kind))
        .map(|(of, field, _)| (of.as_str(), field.as_str()))
        .collect();
    let listed: BTreeSet<_> = EDGES.iter().map(|edge| (edge.parent, edge.field)).collect();
    assert_eq!(wanted, listed);
    assert_eq!(EDGES.len(), listed.len());
    let exists = |of: &str, field: &str| fields.iter().any(|(a, b, _)| a == of && b == field);
    assert!(LEAVES.iter().all(|edge| exists(edge.parent, edge.field)));
    for own in OWN {
        own.carried.iter().for_each(|field| assert!(exists(own.noun, field), "{}.{field}", own.noun));
    }
    for edge in EDGES {
        let (.., kind) = fields.iter().find(|(of, field, _)| of == edge.parent && field == edge.field).unwrap();
        let is_list = kind.starts_with('[');
        assert_eq!(is_list, matches!(edge.rows, Rows::About(_) | Rows::Ids | Rows::PageRows), "{edge:?}");
        assert_eq!(kind.ends_with("Connection") && inner(kind) != "Connection", edge.rows == Rows::Page, "{edge:?}");
    }
}

/// Whether an edge makes a call for each row that it starts from.
fn is_call_a_row(edge: &Edge) -> bool {
    edge.reads.iter().any(|read| matches!(read, Read::Each(_)))
}

#[test]
fn a_list_leads_only_to_edges_that_batch_or_are_bounded() {
    let schema = documents(Limits::default()).schema;
    let fields = output_fields(&schema);
    let ends = |edge: &Edge| {
        let (.., kind) = fields.iter().find(|(of, field, _)| of == edge.parent && field == edge.field).unwrap();
        match schema.types.get(inner(kind)).unwrap() {
            ExtendedType::Object(object) => vec![object.name.to_string()],
            ExtendedType::Union(union) => union.members.iter().map(|member| member.name.to_string()).collect(),
            _ => EDGES.iter().map(|edge| edge.parent.to_owned()).collect(),
        }
    };
    let mut wrong = Vec::new();
    for list in EDGES.iter().filter(|edge| matches!(edge.rows, Rows::About(_))) {
        let (mut open, mut seen) = (vec![(list, list.brings == Brings::Bare)], BTreeSet::new());
        while let Some((edge, bare)) = open.pop() {
            for noun in ends(edge) {
                let is_read_by_row = bare && OWN.iter().any(|own| own.noun == noun && !own.batched);
                let calls = EDGES.iter().filter(|next| next.parent == noun && is_call_a_row(next));
                let borne = |of: &str, field: &str| BORNE.iter().any(|(a, b, _)| *a == of && *b == field);
                wrong.extend(
                    calls.filter(|next| !borne(next.parent, next.field)).map(|next| format!("{list:?} → {next:?}")),
                );
                if is_read_by_row && !borne(list.parent, list.field) && !borne(edge.parent, edge.field) {
                    wrong.push(format!("{list:?} → each {noun}"));
                }
                for next in EDGES.iter().filter(|next| next.parent == noun && next.rows != Rows::Page) {
                    let bare = if next.brings == Brings::Part { bare } else { next.brings == Brings::Bare };
                    let is_borne = borne(list.parent, list.field) || borne(next.parent, next.field);
                    if !is_borne && seen.insert((next.parent, next.field, bare)) {
                        open.push((next, bare));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} lists lead to a call for each row:\n{}", wrong.len(), wrong.join("\n"));
}

//! Compares the document checks with slow, simple counterparts, and the cost model with the schema.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use apollo_compiler::schema::ExtendedType;
use async_graphql::parser::types::{Selection, SelectionSet};
use proptest::prelude::*;

use super::cost_model::field_cost::{Completeness, FieldCost, ProviderCall, RowCount};
use super::cost_model::field_table::{DETAIL_CALLS, OBJECT_FIELDS, SCALAR_FIELDS, UNBATCHED_LISTS};
use super::*;

fn checker(limits: Limits) -> DocumentChecker {
    DocumentChecker::new(&crate::graph::schema::sdl(), limits, 1 << 20).unwrap()
}

fn check(text: &str) -> Result<CheckedOperation, DocumentError> {
    checker(Limits::default()).check(Request::new(text))
}

fn limit_of(error: &DocumentError) -> String {
    let extensions = error.errors[0].extensions.as_ref().unwrap();
    extensions.get("limit").map_or_else(String::new, |limit| limit.to_string().trim_matches('"').to_owned())
}

fn exceeded_limit(text: &str) -> String {
    limit_of(&check(text).expect_err(text))
}

#[test]
fn errors_beyond_the_limit_are_only_counted() {
    for (count, listed, omitted) in [(20, 20, 0), (21, 20, 1), (1_900, 20, 1_880)] {
        let unknown: String = (0..count).map(|n| format!("x{n} ")).collect();
        let error = check(&format!("{{ {unknown} }}")).unwrap_err();
        assert_eq!((error.errors.len(), error.omitted), (listed, omitted));
        // async-graphql's messages are used only if all of them fit in the response.
        assert_eq!(error.invalid.is_some(), omitted == 0);
    }
}

/// Counts the selections and the depth of a document by expanding every spread.
fn expand(document: &ExecutableDocument, set: &SelectionSet) -> (usize, usize) {
    let mut selections = 0;
    let mut depth = 0;
    for item in &set.items {
        let (below, deep) = match &item.node {
            Selection::Field(field) => {
                let (below, deep) = expand(document, &field.node.selection_set.node);
                (below, deep + 1)
            }
            Selection::InlineFragment(fragment) => expand(document, &fragment.node.selection_set.node),
            Selection::FragmentSpread(spread) => document
                .fragments
                .get(&spread.node.fragment_name.node)
                .map_or((0, 0), |fragment| expand(document, &fragment.node.selection_set.node)),
        };
        selections += 1 + below;
        depth = depth.max(deep);
    }
    (selections, depth)
}

/// A selection on `Connection` of random fields, fragments and spreads of later fragments.
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

fn generous_limits() -> Limits {
    Limits {
        tokens_max: 20_000,
        depth_max: 30,
        expanded_max: 50_000,
        selections_max: 50_000,
        directives_max: 1_000,
        aliases_max: 10_000,
        calls_max: 10_000,
        ..Limits::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn measuring_each_fragment_once_gives_the_expanded_size(text in document()) {
        let document = parse_query(&text).unwrap();
        let size = complexity::measure(&document).unwrap();
        let DocumentOperations::Single(operation) = &document.operations else { panic!("one operation") };
        prop_assert_eq!((size.selections, size.depth), expand(&document, &operation.node.selection_set.node));
    }

    #[test]
    fn normalization_is_idempotent_and_never_adds_selections(text in document()) {
        let checker = checker(generous_limits());
        let document = parse_query(&text).unwrap();
        let Ok(cached) = checker.read(&text, &mut Request::new("")) else { return Ok(()) };
        let once = &cached.operations[0].1.normalized;
        let again = normalize::normalize(
            &checker.schema,
            &single_operation_document(once.operation.clone()),
            &once.operation,
        );
        prop_assert_eq!(format!("{:?}", again.operation.node), format!("{:?}", once.operation.node));
        prop_assert!(once.counts.selections <= complexity::measure(&document).unwrap().selections);
        prop_assert_eq!(again.counts.selections, complexity::measure(&single_operation_document(once.operation.clone())).unwrap().selections);
        let cost = |operation| cost::estimate(&checker.schema, operation, &Variables::default()).calls;
        prop_assert_eq!(cost(&again.operation.node), cost(&once.operation.node));
    }

    #[test]
    fn no_text_causes_a_panic(
        text in r#"[{}()\[\]@$:!.,"\\#a-d \n]{0,60}|(\PC|\n){0,60}|([{}\[(]|[})\]]|\.\.\.|"|"""|fragment A on Query|query|on|viewer|id|\\u[dD]8|:|@skip|\$a| ){0,40}"#,
    ) {
        if let Err(error) = check(&text) {
            prop_assert!(!error.errors.is_empty());
        }
    }
}

#[test]
fn strings_end_where_the_parser_ends_them() {
    let count = |text| lexer_limits::count_tokens(text).map(|counts| (counts.tokens, counts.nesting));
    assert_eq!(count("{ a(b: \"[[[ \\\" {\") # [[[\n }"), Ok((8, 2)));
    assert_eq!(count("\"\"\"[[ \\\"\"\" [ \"\"\" {"), Ok((2, 1)));
    assert_eq!(count("{ \"[[[\n\" }"), Err(2));
    assert_eq!(count("{ \"\"\" \" [[[["), Err(2));
    assert_eq!(count("\u{feff}{ a, ...b }"), Ok((8, 1)));
}

#[test]
fn a_syntax_error_has_a_position_and_does_not_quote_the_text() {
    for (text, position, reason) in [
        ("{ viewer { SECRET( } }", "line 1, column 20", "unexpected `}`"),
        ("{ viewer { SECRET", "line 1, column 18", "unexpected end of the document"),
        ("{\n \"SECRET", "line 2, column 2", "unexpected or unterminated string"),
        ("SECRET", "line 1, column 1", "unexpected name"),
        ("{ viewer }\n\n }", "line 3, column 2", "unexpected `}`"),
        ("{ node(id: 01) { id } }", "line 1, column 13", "unexpected number"),
        ("{ vi\u{e9}wer }", "line 1, column 5", "unexpected character"),
    ] {
        let error = check(text).unwrap_err();
        assert_eq!(error.errors[0].message, format!("Syntax error at {position}: {reason}."), "{text}");
        assert_eq!(error.kind, OperationErrorKind::Syntax, "{text}");
    }
    let duplicate = check("query SECRET { __typename } query SECRET { __typename }").unwrap_err();
    assert_eq!(duplicate.errors[0].message, "Two operations have the same name. Rename one.");
}

#[test]
fn each_limit_rejects_a_document_that_exceeds_it() {
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
        assert_eq!(exceeded_limit(&text), name, "{}", &text[..text.len().min(200)]);
    }
    let error = check(&format!("{{ viewer {{ {aliases} }} }}")).unwrap_err();
    assert_eq!(error.errors[0].message, "Aliases: the document has 31, which exceeds the limit of 30 (`aliases_max`).");
}

#[test]
fn variables_are_subject_to_the_same_limits() {
    let checker = checker(Limits::default());
    let check = |text: &str, variables: serde_json::Value| {
        checker.check(Request::new(text).variables(Variables::from_json(variables)))
    };
    let nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let cost = |count: usize| check(nodes, serde_json::json!({ "ids": vec!["x"; count] }));
    assert_eq!(cost(100).unwrap().estimate().calls, 100);
    assert_eq!(limit_of(&cost(101).unwrap_err()), "list_entries_max");
    let page = "query($n: Int = 7) { connections(first: $n) { nodes { health { state } } } }";
    assert_eq!(check(page, serde_json::json!({})).unwrap().estimate().calls, 3 + 7);
    assert_eq!(check(page, serde_json::json!({ "n": 100 })).unwrap().estimate().calls, 3 + 100);
}

#[test]
fn undeclared_variables_are_removed() {
    let variables = serde_json::json!({ "id": "1", "more": vec![1; 1_000] });
    let request = Request::new("query($id: ID!) { node(id: $id) { id } }").variables(Variables::from_json(variables));
    assert_eq!(checker(Limits::default()).check(request).unwrap().variables().len(), 1);
}

#[test]
fn conflicting_fields_are_rejected_across_fragments() {
    for text in [
        "{ a: viewer { __typename } ... on Query { a: providers { detail } } }",
        "{ viewer { a: needsAttentionCount } viewer { a: __typename } }",
        "{ connections(first: 1) { totalCount } ...F } fragment F on Query { connections(first: 2) { totalCount } }",
    ] {
        let error = check(text).expect_err(text);
        assert!(error.invalid.is_some(), "{text}");
    }
}

#[test]
fn normalization_keeps_key_order_and_separate_conditions() {
    let text = "query($b: Boolean!) { node(id: 1) { ... on Site { url } id ... on Site { name url } ...S @include(if: $b) ... on Node { id } } }
        fragment S on Site { name }";
    let checker = checker(Limits::default());
    let cached = checker.read(text, &mut Request::new("")).unwrap();
    let Selection::Field(node) = &cached.operations[0].1.normalized.operation.node.selection_set.node.items[0].node
    else {
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
fn a_document_is_cached_once_and_the_cache_is_bounded() {
    let checker = checker(Limits::default());
    let text = |n: usize| format!("query Q{n} {{ __typename }} #{}", "x".repeat(1_000));
    checker.check(Request::new(text(0))).unwrap();
    checker.check(Request::new(text(0))).unwrap();
    assert_eq!(checker.cache.len(), 1);
    (0..1_000).for_each(|n| drop(checker.check(Request::new(text(n))).unwrap()));
    assert!(checker.cache.weight() <= 1 << 20, "{}", checker.cache.weight());
    assert!(checker.cache.len() < 500);
}

#[test]
fn operation_name_selects_the_operation() {
    let text = "query A { __typename } query B { viewer { needsAttentionCount } }";
    let check = |name: Option<&str>| {
        let mut request = Request::new(text);
        request.operation_name = name.map(str::to_owned);
        checker(Limits::default()).check(request).map(|checked| checked.estimate().calls)
    };
    assert_eq!((check(Some("A")).unwrap(), check(Some("B")).unwrap()), (0, 2));
    assert!(check(None).unwrap_err().errors[0].message.starts_with("The document has several"));
    assert!(
        check(Some("SECRET")).unwrap_err().errors[0]
            .message
            .starts_with("The document has no operation named in `operationName`")
    );
}

fn output_fields(schema: &Schema) -> Vec<(String, String, String)> {
    let objects = schema.types.iter().filter(|(name, _)| !name.starts_with("__"));
    let fields = objects.flat_map(|(name, kind)| match kind {
        ExtendedType::Object(object) => object.fields.values().map(|field| (name.clone(), field.clone())).collect(),
        _ => Vec::new(),
    });
    fields.map(|(name, field)| (name.to_string(), field.name.to_string(), field.ty.to_string())).collect()
}

fn inner_type(kind: &str) -> &str {
    kind.trim_matches(|c| matches!(c, '[' | ']' | '!'))
}

#[test]
fn the_cost_model_has_every_object_field_of_the_schema_and_no_other() {
    let schema = checker(Limits::default()).schema;
    let is_composite = |kind: &str| {
        let kind = schema.types.get(inner_type(kind)).unwrap();
        kind.is_object() || kind.is_interface() || kind.is_union()
    };
    let fields = output_fields(&schema);
    let expected: BTreeSet<_> = fields
        .iter()
        .filter(|(.., kind)| is_composite(kind))
        .map(|(of, field, _)| (of.as_str(), field.as_str()))
        .collect();
    let listed: BTreeSet<_> = OBJECT_FIELDS.iter().map(|edge| (edge.parent, edge.field)).collect();
    assert_eq!(expected, listed);
    assert_eq!(OBJECT_FIELDS.len(), listed.len());
    let exists = |of: &str, field: &str| fields.iter().any(|(a, b, _)| a == of && b == field);
    assert!(SCALAR_FIELDS.iter().all(|edge| exists(edge.parent, edge.field)));
    for detail in DETAIL_CALLS {
        let type_name = detail.type_name;
        detail.list_fields.iter().for_each(|field| assert!(exists(type_name, field), "{type_name}.{field}"));
    }
    for cost in OBJECT_FIELDS {
        let (.., kind) = fields.iter().find(|(of, field, _)| of == cost.parent && field == cost.field).unwrap();
        let is_list = kind.starts_with('[');
        assert_eq!(is_list, matches!(cost.rows, RowCount::Assumed(_) | RowCount::Ids | RowCount::PageRows), "{cost:?}");
        assert_eq!(
            kind.ends_with("Connection") && inner_type(kind) != "Connection",
            cost.rows == RowCount::Page,
            "{cost:?}"
        );
    }
}

/// Whether a field makes a call for each row of its parent.
fn has_call_per_row(cost: &FieldCost) -> bool {
    cost.calls.iter().any(|call| matches!(call, ProviderCall::PerRow(_)))
}

#[test]
fn calls_below_a_list_are_batched_or_listed_as_unbatched() {
    let schema = checker(Limits::default()).schema;
    let fields = output_fields(&schema);
    let returned_types = |cost: &FieldCost| {
        let (.., kind) = fields.iter().find(|(of, field, _)| of == cost.parent && field == cost.field).unwrap();
        match schema.types.get(inner_type(kind)).unwrap() {
            ExtendedType::Object(object) => vec![object.name.to_string()],
            ExtendedType::Union(union) => union.members.iter().map(|member| member.name.to_string()).collect(),
            _ => OBJECT_FIELDS.iter().map(|edge| edge.parent.to_owned()).collect(),
        }
    };
    let is_unbatched =
        |parent: &str, field: &str| UNBATCHED_LISTS.iter().any(|list| list.parent == parent && list.field == field);
    let mut wrong = Vec::new();
    for list in OBJECT_FIELDS.iter().filter(|cost| matches!(cost.rows, RowCount::Assumed(_))) {
        let mut open = vec![(list, list.completeness == Completeness::Partial)];
        let mut seen = BTreeSet::new();
        while let Some((cost, is_partial)) = open.pop() {
            for type_name in returned_types(cost) {
                let needs_detail =
                    is_partial && DETAIL_CALLS.iter().any(|detail| detail.type_name == type_name && !detail.is_batched);
                let per_row = OBJECT_FIELDS.iter().filter(|next| next.parent == type_name && has_call_per_row(next));
                wrong.extend(
                    per_row
                        .filter(|next| !is_unbatched(next.parent, next.field))
                        .map(|next| format!("{list:?} → {next:?}")),
                );
                if needs_detail && !is_unbatched(list.parent, list.field) && !is_unbatched(cost.parent, cost.field) {
                    wrong.push(format!("{list:?} → each {type_name}"));
                }
                let below = OBJECT_FIELDS.iter().filter(|next| next.parent == type_name && next.rows != RowCount::Page);
                for next in below {
                    let is_partial = match next.completeness {
                        Completeness::Embedded => is_partial,
                        Completeness::Complete => false,
                        Completeness::Partial => true,
                    };
                    let is_listed = is_unbatched(list.parent, list.field) || is_unbatched(next.parent, next.field);
                    if !is_listed && seen.insert((next.parent, next.field, is_partial)) {
                        open.push((next, is_partial));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} lists need a call for each row:\n{}", wrong.len(), wrong.join("\n"));
}

//! The memory of a cached operation, in bytes. It bounds the document cache.
//!
//! Fragments are expanded at each spread, with their arguments, so the memory of an operation does not follow from the
//! length of its text. A shared name is counted at each place, so the sum may be too large but is never too small.

use std::mem::size_of;

use async_graphql::parser::types::{
    BaseType, Directive, Field, InlineFragment, OperationDefinition, Selection, SelectionSet, Type, VariableDefinition,
};
use async_graphql::{Name, Positioned, Value as ConstValue};
use async_graphql_value::Value;

/// The overhead of a shared string.
const SHARED_OVERHEAD: usize = 24;

/// The heap memory of an operation, without the operation itself.
pub(super) fn operation(operation: &OperationDefinition) -> usize {
    let variables = &operation.variable_definitions;
    let variables_size = variables.iter().map(|variable| self::variable(&variable.node)).sum::<usize>();
    list(variables) + variables_size + directives(&operation.directives) + selection_set(&operation.selection_set.node)
}

/// The memory of a list, with its spare capacity and without the heap memory of its items.
pub(super) fn list<T>(rows: &Vec<T>) -> usize {
    rows.capacity() * size_of::<T>()
}

/// The memory of a name.
pub(super) fn name(name: &Name) -> usize {
    SHARED_OVERHEAD + name.len()
}

fn selection_set(set: &SelectionSet) -> usize {
    list(&set.items) + set.items.iter().map(|item| selection(&item.node)).sum::<usize>()
}

fn selection(selection: &Selection) -> usize {
    match selection {
        Selection::Field(field) => self::field(&field.node),
        Selection::InlineFragment(fragment) => self::fragment(&fragment.node),
        // A normalized operation has none.
        Selection::FragmentSpread(spread) => {
            name(&spread.node.fragment_name.node) + directives(&spread.node.directives)
        }
    }
}

fn field(field: &Field) -> usize {
    let alias = field.alias.as_ref().map_or(0, |alias| name(&alias.node));
    let own = name(&field.name.node) + arguments(&field.arguments) + directives(&field.directives);
    alias + own + selection_set(&field.selection_set.node)
}

fn fragment(fragment: &InlineFragment) -> usize {
    let on = fragment.type_condition.as_ref().map_or(0, |condition| name(&condition.node.on.node));
    on + directives(&fragment.directives) + selection_set(&fragment.selection_set.node)
}

fn directives(all: &Vec<Positioned<Directive>>) -> usize {
    let one = |one: &Positioned<Directive>| name(&one.node.name.node) + arguments(&one.node.arguments);
    list(all) + all.iter().map(one).sum::<usize>()
}

fn arguments(all: &Vec<(Positioned<Name>, Positioned<Value>)>) -> usize {
    list(all) + all.iter().map(|(key, value)| name(&key.node) + self::value(&value.node)).sum::<usize>()
}

fn variable(definition: &VariableDefinition) -> usize {
    let default = definition.default_value.as_ref().map_or(0, |value| constant(&value.node));
    name(&definition.name.node)
        + type_reference(&definition.var_type.node)
        + directives(&definition.directives)
        + default
}

fn type_reference(reference: &Type) -> usize {
    match &reference.base {
        BaseType::Named(named) => name(named),
        BaseType::List(inner) => size_of::<Type>() + type_reference(inner),
    }
}

fn value(value: &Value) -> usize {
    match value {
        Value::Variable(text) | Value::Enum(text) => name(text),
        Value::String(text) => text.capacity(),
        Value::List(items) => list(items) + items.iter().map(self::value).sum::<usize>(),
        Value::Object(map) => {
            hash_map(map.capacity()) + map.iter().map(|(key, at)| name(key) + self::value(at)).sum::<usize>()
        }
        Value::Binary(bytes) => bytes.len(),
        Value::Null | Value::Number(_) | Value::Boolean(_) => 0,
    }
}

fn constant(value: &ConstValue) -> usize {
    match value {
        ConstValue::Enum(text) => name(text),
        ConstValue::String(text) => text.capacity(),
        ConstValue::List(items) => list(items) + items.iter().map(constant).sum::<usize>(),
        ConstValue::Object(map) => {
            hash_map(map.capacity()) + map.iter().map(|(key, at)| name(key) + constant(at)).sum::<usize>()
        }
        ConstValue::Binary(bytes) => bytes.len(),
        ConstValue::Null | ConstValue::Number(_) | ConstValue::Boolean(_) => 0,
    }
}

/// The memory of a map with this many entries: the entries, which grow by doubling, and an index with spare capacity.
fn hash_map(entries: usize) -> usize {
    match entries {
        0 => 0,
        _ => 2 * entries.max(4) * (size_of::<(u64, Name, Value)>() + 2 * size_of::<usize>() + 2),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use async_graphql::Request;
    use quick_cache::Weighter;

    use super::super::limits::Limits;
    use super::super::{DocumentChecker, MemoryWeighter};

    fn checker(cache_max_bytes: usize) -> DocumentChecker {
        DocumentChecker::new(&crate::graph::schema::sdl(), Limits::default(), cache_max_bytes).unwrap()
    }

    /// Many operations that spread one fragment with this argument.
    fn spread_often(argument: &str) -> String {
        let aliases: String = (0..20).map(|n| format!("a{n}: service(key: \"a\") {{ ...F }} ")).collect();
        let operations: String = (0..20).map(|n| format!("query A{n} {{ ...R }} ")).collect();
        format!(
            "fragment R on Query {{ {aliases} }} {operations}
             fragment F on Service {{ connections(after: {argument}) {{ totalCount }} }}"
        )
    }

    fn texts() -> Vec<String> {
        let many = |count: usize, one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<String>();
        vec![
            "{ __typename }".to_owned(),
            format!("{{ __typename }} # {}", "x".repeat(10_000)),
            "query Page { connections(first: 20) { totalCount nodes { id kind label provider createdAt } } }"
                .to_owned(),
            spread_often("\"x\""),
            spread_often(&format!("\"{}\"", "x".repeat(40))),
            format!("{{ service(key: \"{}\") {{ label }} }}", "x".repeat(30_000)),
            format!("{{ nodes(ids: [{}]) {{ id }} }}", "1 ".repeat(100)),
            format!("{{ {} }}", many(20, &|n| format!("{}{n}: __typename ", "x".repeat(1_000)))),
            format!("{{ {} }}", "a: __typename ".repeat(200)),
            format!(
                "query($ids: [ID!]! = [{}], $yes: Boolean! = true) {{ nodes(ids: $ids) {{ {} }} }}",
                "\"x\" ".repeat(100),
                "id @include(if: $yes) ... on Site @skip(if: $yes) { name } "
            ),
            "{ connection(by: { id: \"1\" }) { id } b: connection(by: { id: \"2\" }) { id } }".to_owned(),
            many(60, &|n| format!("query A{n} {{ connections(first: {n}) {{ nodes {{ id kind }} }} }} ")),
        ]
    }

    #[test]
    fn the_memory_of_a_cached_document_is_never_underestimated() {
        let checker = checker(1 << 20);
        for text in texts() {
            // The first read also allocates statics of the parsers, which do not belong to a document.
            assert!(checker.read(&text, &mut Request::new("")).is_ok());
            let mut document = None;
            let read = || {
                let read = checker.read(&text, &mut Request::new("")).map_err(|error| error.errors);
                document = Some((text.clone(), Arc::new(read.unwrap())));
            };
            let allocated = u64::try_from(allocation_counter::measure(read).bytes_current).unwrap();
            let (key, document) = document.unwrap();
            let estimate = MemoryWeighter.weight(&key, &document);
            let start = &text[..text.len().min(60)];
            assert!(estimate >= allocated, "{start}: {allocated} bytes are estimated as {estimate}");
            assert!(estimate <= 2 * allocated + 2_048, "{start}: {allocated} bytes are estimated as {estimate}");
        }
    }

    #[test]
    fn the_cache_stays_within_its_memory_limit() {
        let checker = checker(1 << 20);
        let check_all = || {
            for n in 0..200 {
                let request = Request::new(format!("{}# {n}", spread_often("\"x\""))).operation_name("A0");
                assert!(checker.check(request).is_ok());
            }
        };
        let allocated = allocation_counter::measure(check_all).bytes_current;
        assert!(checker.cache.len() > 1 && allocated <= 1 << 20, "{allocated}");
    }

    #[test]
    fn a_document_with_too_many_bytes_of_expanded_arguments_is_rejected() {
        let checker = checker(1 << 20);
        let error = checker.check(Request::new(spread_often(&format!("\"{}\"", "x".repeat(20_000))))).unwrap_err();
        let limit = error.errors[0].extensions.as_ref().and_then(|extensions| extensions.get("limit")).cloned();
        assert_eq!(limit, Some("bytes_max".into()), "{:?}", error.errors);
        assert_eq!(checker.cache.len(), 0);
    }
}

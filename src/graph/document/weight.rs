//! What a kept operation takes in memory, in bytes, so that a cache of operations holds what it says.
//!
//! A fragment that is spread in many places is written out in each, its arguments with it, so the length of a text says
//! nothing about this. A name that several places share counts in each: rather too much than too little.

use std::mem::size_of;

use async_graphql::parser::types::{
    BaseType, Directive, Field, InlineFragment, OperationDefinition, Selection, SelectionSet, Type, VariableDefinition,
};
use async_graphql::{Name, Positioned, Value as Constant};
use async_graphql_value::Value;

/// What a shared text takes beside its letters.
const SHARED: usize = 24;

/// The bytes that an operation's parts take, without the operation's own fields.
pub fn operation(operation: &OperationDefinition) -> usize {
    let variables = &operation.variable_definitions;
    let of_variables = variables.iter().map(|variable| self::variable(&variable.node)).sum::<usize>();
    room(variables) + of_variables + directives(&operation.directives) + set(&operation.selection_set.node)
}

/// What a list takes for its rows, those that are still free included.
pub fn room<T>(rows: &Vec<T>) -> usize {
    rows.capacity() * size_of::<T>()
}

/// What a name takes.
pub fn name(name: &Name) -> usize {
    SHARED + name.len()
}

fn set(set: &SelectionSet) -> usize {
    room(&set.items) + set.items.iter().map(|item| selection(&item.node)).sum::<usize>()
}

fn selection(selection: &Selection) -> usize {
    match selection {
        Selection::Field(field) => self::field(&field.node),
        Selection::InlineFragment(fragment) => self::fragment(&fragment.node),
        // There is none in an operation whose fragments are written out.
        Selection::FragmentSpread(spread) => {
            name(&spread.node.fragment_name.node) + directives(&spread.node.directives)
        }
    }
}

fn field(field: &Field) -> usize {
    let alias = field.alias.as_ref().map_or(0, |alias| name(&alias.node));
    let own = name(&field.name.node) + arguments(&field.arguments) + directives(&field.directives);
    alias + own + set(&field.selection_set.node)
}

fn fragment(fragment: &InlineFragment) -> usize {
    let on = fragment.type_condition.as_ref().map_or(0, |condition| name(&condition.node.on.node));
    on + directives(&fragment.directives) + set(&fragment.selection_set.node)
}

fn directives(all: &Vec<Positioned<Directive>>) -> usize {
    let one = |one: &Positioned<Directive>| name(&one.node.name.node) + arguments(&one.node.arguments);
    room(all) + all.iter().map(one).sum::<usize>()
}

fn arguments(all: &Vec<(Positioned<Name>, Positioned<Value>)>) -> usize {
    room(all) + all.iter().map(|(key, value)| name(&key.node) + self::value(&value.node)).sum::<usize>()
}

fn variable(definition: &VariableDefinition) -> usize {
    let default = definition.default_value.as_ref().map_or(0, |value| constant(&value.node));
    name(&definition.name.node) + kind(&definition.var_type.node) + directives(&definition.directives) + default
}

fn kind(kind: &Type) -> usize {
    match &kind.base {
        BaseType::Named(named) => name(named),
        BaseType::List(inner) => size_of::<Type>() + self::kind(inner),
    }
}

fn value(value: &Value) -> usize {
    match value {
        Value::Variable(text) | Value::Enum(text) => name(text),
        Value::String(text) => text.capacity(),
        Value::List(list) => room(list) + list.iter().map(self::value).sum::<usize>(),
        Value::Object(map) => {
            table(map.capacity()) + map.iter().map(|(key, at)| name(key) + self::value(at)).sum::<usize>()
        }
        Value::Binary(bytes) => bytes.len(),
        Value::Null | Value::Number(_) | Value::Boolean(_) => 0,
    }
}

fn constant(value: &Constant) -> usize {
    match value {
        Constant::Enum(text) => name(text),
        Constant::String(text) => text.capacity(),
        Constant::List(list) => room(list) + list.iter().map(constant).sum::<usize>(),
        Constant::Object(map) => {
            table(map.capacity()) + map.iter().map(|(key, at)| name(key) + constant(at)).sum::<usize>()
        }
        Constant::Binary(bytes) => bytes.len(),
        Constant::Null | Constant::Number(_) | Constant::Boolean(_) => 0,
    }
}

/// What a map takes for so many entries: their rows, which grow by doubling, and an index with places to spare.
fn table(entries: usize) -> usize {
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
    use super::super::{ByBytes, Documents};

    fn documents(kept_max_bytes: usize) -> Documents {
        Documents::build(&crate::graph::schema::sdl(), Limits::default(), kept_max_bytes).unwrap()
    }

    /// Many operations that spread one fragment, whose argument is this.
    fn spread(argument: &str) -> String {
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
            spread("\"x\""),
            spread(&format!("\"{}\"", "x".repeat(40))),
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
    fn a_kept_document_weighs_at_least_what_it_holds() {
        let documents = documents(1 << 20);
        for text in texts() {
            // What the parsers make once, whoever asks first, is no document's.
            assert!(documents.read(&text, &mut Request::new("")).is_ok());
            let mut known = None;
            let read = || {
                let read = documents.read(&text, &mut Request::new("")).map_err(|refused| refused.errors);
                known = Some((text.clone(), Arc::new(read.unwrap())));
            };
            let taken = u64::try_from(allocation_counter::measure(read).bytes_current).unwrap();
            let (key, known) = known.unwrap();
            let weight = ByBytes.weight(&key, &known);
            let begin = &text[..text.len().min(60)];
            assert!(weight >= taken, "{begin}: {taken} bytes are said to be {weight}");
            assert!(weight <= 2 * taken + 2_048, "{begin}: {taken} bytes are said to be {weight}");
        }
    }

    #[test]
    fn all_that_is_kept_stays_within_what_may_be() {
        let documents = documents(1 << 20);
        let ask = || {
            for n in 0..200 {
                let request = Request::new(format!("{}# {n}", spread("\"x\""))).operation_name("A0");
                assert!(documents.check(request).is_ok());
            }
        };
        let taken = allocation_counter::measure(ask).bytes_current;
        assert!(documents.known.len() > 1 && taken <= 1 << 20, "{taken}");
    }

    #[test]
    fn a_document_whose_arguments_are_too_many_bytes_once_written_out_is_refused() {
        let documents = documents(1 << 20);
        let refused = documents.check(Request::new(spread(&format!("\"{}\"", "x".repeat(20_000))))).unwrap_err();
        let limit = refused.errors[0].extensions.as_ref().and_then(|extensions| extensions.get("limit")).cloned();
        assert_eq!(limit, Some("bytes_max".into()), "{:?}", refused.errors);
        assert_eq!(documents.known.len(), 0);
    }
}

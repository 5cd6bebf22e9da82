//! The values of an operation's variables, held against the types that the operation declares for them.
//!
//! The library coerces a value only where a field uses it, and then as that field's failure. A wrong or missing value is
//! the whole request's fault, so it is found here, before anything runs. The types come from the schema's own text.

use std::collections::HashMap;

use async_graphql::parser::types::{BaseType, OperationDefinition, Type, TypeKind, TypeSystemDefinition};
use async_graphql::{Name, Pos, Positioned, Value, Variables};

use super::error::Error;
use super::operation::{Fault, Rejected};

/// How deep a value may be nested; no type of the schema is nested as deep.
const DEPTH_MAX: usize = 32;

/// The input types of the schema, by name.
pub(super) struct Inputs(HashMap<String, Input>);

enum Input {
    Enum(Vec<String>),
    Object { fields: Vec<Field>, is_one_of: bool },
}

struct Field {
    name: String,
    ty: Type,
    has_default: bool,
}

impl Inputs {
    /// Reads the input types out of the schema's text. A text that is no schema has none.
    pub(super) fn read(sdl: &str) -> Self {
        let definitions = async_graphql::parser::parse_schema(sdl).map(|schema| schema.definitions).unwrap_or_default();
        let mut inputs = HashMap::new();
        for definition in definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let is_one_of = definition.node.directives.iter().any(|directive| directive.node.name.node == "oneOf");
            let input = match definition.node.kind {
                TypeKind::Enum(kind) => {
                    Input::Enum(kind.values.into_iter().map(|value| value.node.value.node.to_string()).collect())
                }
                TypeKind::InputObject(kind) => {
                    let field = |field: Positioned<async_graphql::parser::types::InputValueDefinition>| Field {
                        name: field.node.name.node.to_string(),
                        ty: field.node.ty.node,
                        has_default: field.node.default_value.is_some(),
                    };
                    Input::Object { fields: kind.fields.into_iter().map(field).collect(), is_one_of }
                }
                _ => continue,
            };
            inputs.insert(definition.node.name.node.to_string(), input);
        }
        Self(inputs)
    }

    /// Holds the values against the operation's declarations.
    pub(super) fn check(&self, operation: &OperationDefinition, values: &Variables) -> Result<(), Rejected> {
        let mut errors = Vec::new();
        for declared in &operation.variable_definitions {
            let name = &declared.node.name.node;
            let ty = &declared.node.var_type.node;
            let fault = match values.get(name) {
                Some(value) => self.fault(ty, value, 0),
                None if ty.nullable || declared.node.default_value.is_some() => None,
                None => Some("is missing".to_owned()),
            };
            if let Some(fault) = fault {
                errors.push(wrong(name, ty, &fault, declared.pos));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Rejected::new(Fault::Invalid, errors)) }
    }

    /// What is wrong with a value for a type, if anything: words without the value.
    fn fault(&self, ty: &Type, value: &Value, depth: usize) -> Option<String> {
        if depth > DEPTH_MAX {
            return Some("is nested too deep".to_owned());
        }
        match (&ty.base, value) {
            (_, Value::Null) if ty.nullable => None,
            (_, Value::Null) => Some("is null".to_owned()),
            (BaseType::List(of), Value::List(items)) => items.iter().enumerate().find_map(|(index, item)| {
                self.fault(of, item, depth + 1).map(|fault| format!("has an item, number {index}, that {fault}"))
            }),
            (BaseType::List(of), single) => self.fault(of, single, depth + 1),
            (BaseType::Named(name), value) => self.named_fault(name, value, depth),
        }
    }

    fn named_fault(&self, name: &Name, value: &Value, depth: usize) -> Option<String> {
        let mismatch = || Some(format!("is {}", kind(value)));
        match (name.as_str(), value) {
            ("String", Value::String(_)) | ("ID", Value::String(_)) | ("Boolean", Value::Boolean(_)) => None,
            ("Int", Value::Number(number)) => match number.as_i64().map(i32::try_from) {
                Some(Ok(_)) => None,
                _ => Some("is no whole number of 32 bits".to_owned()),
            },
            ("ID", Value::Number(number)) if number.is_i64() || number.is_u64() => None,
            ("Float", Value::Number(_)) => None,
            ("String" | "ID" | "Boolean" | "Int" | "Float", _) => mismatch(),
            (name, value) => match (self.0.get(name), value) {
                (Some(Input::Enum(values)), Value::String(text)) => is_none_of(values, text),
                // A default is written as the document writes it.
                (Some(Input::Enum(values)), Value::Enum(name)) => is_none_of(values, name),
                (Some(Input::Object { fields, is_one_of }), Value::Object(given)) => {
                    let unknown = given.keys().any(|name| !fields.iter().any(|field| field.name == name.as_str()));
                    if unknown {
                        return Some("has a field that the type does not have".to_owned());
                    }
                    if *is_one_of && (given.len() != 1 || given.values().any(|value| *value == Value::Null)) {
                        return Some("has not exactly one field that is set".to_owned());
                    }
                    fields.iter().find_map(|field| self.field_fault(field, given.get(field.name.as_str()), depth))
                }
                (Some(_), _) => mismatch(),
                // A scalar of the schema's own judges its values itself; an unknown type is the validation's to tell.
                (None, _) => None,
            },
        }
    }

    fn field_fault(&self, field: &Field, value: Option<&Value>, depth: usize) -> Option<String> {
        let name = &field.name;
        match value {
            Some(value) => {
                self.fault(&field.ty, value, depth + 1).map(|fault| format!("has a field, {name}, that {fault}"))
            }
            None if field.ty.nullable || field.has_default => None,
            None => Some(format!("lacks the field {name}")),
        }
    }
}

fn is_none_of(values: &[String], text: &str) -> Option<String> {
    let is_known = values.iter().any(|value| value == text);
    (!is_known).then(|| format!("is none of {}", values.join(", ")))
}

fn wrong(name: &Name, ty: &Type, fault: &str, pos: Pos) -> async_graphql::ServerError {
    Error::bad_input(format!("The variable ${name} of type {ty} {fault}.")).at(Some(pos))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Boolean(_) => "true or false",
        Value::List(_) => "a list",
        Value::Object(_) => "an object",
        Value::Enum(_) | Value::Binary(_) => "of another kind",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    const SDL: &str = "enum Color { RED BLUE } input By @oneOf { id: ID name: String } \
         input Box { size: Int! color: Color = RED boxes: [Box!] } scalar When type Query { a: Int }";

    fn faults(declared: &str, values: serde_json::Value) -> Vec<String> {
        let document = async_graphql::parser::parse_query(format!("query Q({declared}) {{ a }}")).unwrap();
        let operation = document.operations.iter().next().unwrap().1;
        match Inputs::read(SDL).check(&operation.node, &Variables::from_json(values)) {
            Ok(()) => Vec::new(),
            Err(rejected) => rejected.errors.into_iter().map(|error| error.message).collect(),
        }
    }

    #[test]
    fn values_that_their_types_take_pass() {
        for (declared, values) in [
            ("$a: Int", json!({})),
            ("$a: Int! = 3", json!({})),
            ("$a: Int!", json!({ "a": -7, "unused": "x" })),
            ("$a: ID!, $b: ID!", json!({ "a": "x", "b": 7 })),
            ("$a: Float!", json!({ "a": 7 })),
            ("$a: [Int!]!", json!({ "a": 7 })),
            ("$a: [Int]", json!({ "a": [7, null] })),
            ("$a: Color", json!({ "a": "BLUE" })),
            ("$a: By!", json!({ "a": { "id": 4 } })),
            ("$a: Box", json!({ "a": { "size": 1, "boxes": { "size": 2, "color": null } } })),
            ("$a: When, $b: Unknown!", json!({ "a": { "any": [1] }, "b": 1 })),
        ] {
            assert_eq!(faults(declared, values), [""; 0], "{declared}");
        }
    }

    #[test]
    fn a_default_that_was_filled_in_passes() {
        let document =
            async_graphql::parser::parse_query("query Q($a: Color = BLUE, $b: Box = {size: 1, color: RED}) { a }");
        let document = document.unwrap();
        let operation = &document.operations.iter().next().unwrap().1.node;
        let default = |at: usize| operation.variable_definitions[at].node.default_value().unwrap().clone();
        let mut values = Variables::default();
        values.insert(Name::new("a"), default(0));
        values.insert(Name::new("b"), default(1));
        assert!(Inputs::read(SDL).check(operation, &values).is_ok());
        values.insert(Name::new("a"), Value::Enum(Name::new("GREEN")));
        assert!(Inputs::read(SDL).check(operation, &values).is_err());
    }

    #[test]
    fn a_value_that_its_type_does_not_take_is_told_without_the_value() {
        for (declared, values, told) in [
            ("$a: Int!", json!({}), "of type Int! is missing."),
            ("$a: Int! = 3", json!({ "a": null }), "of type Int! is null."),
            ("$a: Int", json!({ "a": "SECRET" }), "of type Int is text."),
            ("$a: Int", json!({ "a": 1.5 }), "of type Int is no whole number of 32 bits."),
            ("$a: Int", json!({ "a": 2147483648_i64 }), "of type Int is no whole number of 32 bits."),
            ("$a: String", json!({ "a": 1 }), "of type String is a number."),
            ("$a: Boolean", json!({ "a": "true" }), "of type Boolean is text."),
            ("$a: ID", json!({ "a": 1.5 }), "of type ID is a number."),
            ("$a: [Int!]", json!({ "a": [1, null] }), "of type [Int!] has an item, number 1, that is null."),
            ("$a: Color", json!({ "a": "SECRET" }), "of type Color is none of RED, BLUE."),
            ("$a: By", json!({ "a": { "id": 1, "name": "x" } }), "has not exactly one field that is set."),
            ("$a: By", json!({ "a": { "id": null } }), "has not exactly one field that is set."),
            ("$a: By", json!({ "a": [] , "b": 1 }), "of type By is a list."),
            ("$a: Box", json!({ "a": {} }), "of type Box lacks the field size."),
            ("$a: Box", json!({ "a": { "size": 1, "SECRET": 1 } }), "has a field that the type does not have."),
            ("$a: Box", json!({ "a": { "size": "x" } }), "of type Box has a field, size, that is text."),
        ] {
            let found = faults(declared, values);
            assert!(found.len() == 1 && found[0].ends_with(told) && !found[0].contains("SECRET"), "{found:?}");
        }
    }
}

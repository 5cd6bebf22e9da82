//! Validates the values of an operation's variables against their declared types.
//!
//! async-graphql coerces a value only when a field uses it, and reports a field error. An invalid or missing value is a
//! request error, so it is found here before execution. The input types come from the SDL.

use std::collections::HashMap;

use async_graphql::parser::types::{BaseType, OperationDefinition, Type, TypeKind, TypeSystemDefinition};
use async_graphql::{Name, Pos, Positioned, Value, Variables};

use super::error::Error;
use super::operation::{OperationError, OperationErrorKind};

/// The maximum nesting of a value. No input type of the schema is nested as deep.
const DEPTH_MAX: usize = 32;

/// The input types of the schema, by name.
pub(super) struct InputTypes(HashMap<String, InputType>);

enum InputType {
    Enum(Vec<String>),
    Object { fields: Vec<Field>, is_one_of: bool },
}

struct Field {
    name: String,
    ty: Type,
    has_default: bool,
}

impl InputTypes {
    /// The input types of an SDL document. Invalid SDL has none.
    pub(super) fn from_sdl(sdl: &str) -> Self {
        let definitions = async_graphql::parser::parse_schema(sdl).map(|schema| schema.definitions).unwrap_or_default();
        let mut types = HashMap::new();
        for definition in definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let is_one_of = definition.node.directives.iter().any(|directive| directive.node.name.node == "oneOf");
            let input_type = match definition.node.kind {
                TypeKind::Enum(kind) => {
                    InputType::Enum(kind.values.into_iter().map(|value| value.node.value.node.to_string()).collect())
                }
                TypeKind::InputObject(kind) => {
                    let field = |field: Positioned<async_graphql::parser::types::InputValueDefinition>| Field {
                        name: field.node.name.node.to_string(),
                        ty: field.node.ty.node,
                        has_default: field.node.default_value.is_some(),
                    };
                    InputType::Object { fields: kind.fields.into_iter().map(field).collect(), is_one_of }
                }
                _ => continue,
            };
            types.insert(definition.node.name.node.to_string(), input_type);
        }
        Self(types)
    }

    /// Validates the values of the operation's variables.
    ///
    /// # Errors
    /// One BAD_INPUT error per invalid variable.
    pub(super) fn check(&self, operation: &OperationDefinition, values: &Variables) -> Result<(), OperationError> {
        let mut errors = Vec::new();
        for declared in &operation.variable_definitions {
            let name = &declared.node.name.node;
            let ty = &declared.node.var_type.node;
            let problem = match values.get(name) {
                Some(value) => self.problem(ty, value, 0),
                None if ty.nullable || declared.node.default_value.is_some() => None,
                None => Some("is required".to_owned()),
            };
            if let Some(problem) = problem {
                errors.push(variable_error(name, ty, &problem, declared.pos));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(OperationError::new(OperationErrorKind::Invalid, errors)) }
    }

    /// The problem of a value, as a verb phrase that does not contain the value. `None` when it is valid.
    fn problem(&self, ty: &Type, value: &Value, depth: usize) -> Option<String> {
        if depth > DEPTH_MAX {
            return Some("is nested too deeply".to_owned());
        }
        match (&ty.base, value) {
            (_, Value::Null) if ty.nullable => None,
            (_, Value::Null) => Some("must not be null".to_owned()),
            (BaseType::List(of), Value::List(items)) => items.iter().enumerate().find_map(|(index, item)| {
                self.problem(of, item, depth + 1).map(|problem| format!("has an item at index {index} that {problem}"))
            }),
            (BaseType::List(of), single) => self.problem(of, single, depth + 1),
            (BaseType::Named(name), value) => self.named_problem(name, value, depth),
        }
    }

    fn named_problem(&self, name: &Name, value: &Value, depth: usize) -> Option<String> {
        let mismatch = || Some(format!("must not be {}", kind(value)));
        match (name.as_str(), value) {
            ("String", Value::String(_)) | ("ID", Value::String(_)) | ("Boolean", Value::Boolean(_)) => None,
            ("Int", Value::Number(number)) => match number.as_i64().map(i32::try_from) {
                Some(Ok(_)) => None,
                _ => Some("must be a 32-bit integer".to_owned()),
            },
            ("ID", Value::Number(number)) if number.is_i64() || number.is_u64() => None,
            ("Float", Value::Number(_)) => None,
            ("String" | "ID" | "Boolean" | "Int" | "Float", _) => mismatch(),
            (name, value) => match (self.0.get(name), value) {
                (Some(InputType::Enum(values)), Value::String(text)) => unknown_enum_value(values, text),
                // Default values use the syntax of the document.
                (Some(InputType::Enum(values)), Value::Enum(name)) => unknown_enum_value(values, name),
                (Some(InputType::Object { fields, is_one_of }), Value::Object(given)) => {
                    let unknown = given.keys().any(|name| !fields.iter().any(|field| field.name == name.as_str()));
                    if unknown {
                        return Some("has an unknown field".to_owned());
                    }
                    if *is_one_of && (given.len() != 1 || given.values().any(|value| *value == Value::Null)) {
                        return Some("must have exactly one field that is not null".to_owned());
                    }
                    fields.iter().find_map(|field| self.field_problem(field, given.get(field.name.as_str()), depth))
                }
                (Some(_), _) => mismatch(),
                // Custom scalars validate their own values. Unknown types are found by document validation.
                (None, _) => None,
            },
        }
    }

    fn field_problem(&self, field: &Field, value: Option<&Value>, depth: usize) -> Option<String> {
        let name = &field.name;
        match value {
            Some(value) => {
                self.problem(&field.ty, value, depth + 1).map(|problem| format!("has a field {name} that {problem}"))
            }
            None if field.ty.nullable || field.has_default => None,
            None => Some(format!("is missing the required field {name}")),
        }
    }
}

fn unknown_enum_value(values: &[String], text: &str) -> Option<String> {
    let is_known = values.iter().any(|value| value == text);
    (!is_known).then(|| format!("must be one of {}", values.join(", ")))
}

fn variable_error(name: &Name, ty: &Type, problem: &str, pos: Pos) -> async_graphql::ServerError {
    Error::bad_input(format!("Variable ${name} of type {ty} {problem}.")).at(Some(pos))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Boolean(_) => "a boolean",
        Value::List(_) => "a list",
        Value::Object(_) => "an object",
        Value::Enum(_) | Value::Binary(_) => "a value of this kind",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    const SDL: &str = "enum Color { RED BLUE } input By @oneOf { id: ID name: String } \
         input Box { size: Int! color: Color = RED boxes: [Box!] } scalar When type Query { a: Int }";

    fn problems(declared: &str, values: serde_json::Value) -> Vec<String> {
        let document = async_graphql::parser::parse_query(format!("query Q({declared}) {{ a }}")).unwrap();
        let operation = document.operations.iter().next().unwrap().1;
        match InputTypes::from_sdl(SDL).check(&operation.node, &Variables::from_json(values)) {
            Ok(()) => Vec::new(),
            Err(rejected) => rejected.errors.into_iter().map(|error| error.message).collect(),
        }
    }

    #[test]
    fn valid_values_are_accepted() {
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
            assert_eq!(problems(declared, values), [""; 0], "{declared}");
        }
    }

    #[test]
    fn default_values_are_accepted() {
        let document =
            async_graphql::parser::parse_query("query Q($a: Color = BLUE, $b: Box = {size: 1, color: RED}) { a }");
        let document = document.unwrap();
        let operation = &document.operations.iter().next().unwrap().1.node;
        let default = |at: usize| operation.variable_definitions[at].node.default_value().unwrap().clone();
        let mut values = Variables::default();
        values.insert(Name::new("a"), default(0));
        values.insert(Name::new("b"), default(1));
        assert!(InputTypes::from_sdl(SDL).check(operation, &values).is_ok());
        values.insert(Name::new("a"), Value::Enum(Name::new("GREEN")));
        assert!(InputTypes::from_sdl(SDL).check(operation, &values).is_err());
    }

    #[test]
    fn errors_about_invalid_values_do_not_contain_the_value() {
        for (declared, values, message) in [
            ("$a: Int!", json!({}), "of type Int! is required."),
            ("$a: Int! = 3", json!({ "a": null }), "of type Int! must not be null."),
            ("$a: Int", json!({ "a": "SECRET" }), "of type Int must not be a string."),
            ("$a: Int", json!({ "a": 1.5 }), "of type Int must be a 32-bit integer."),
            ("$a: Int", json!({ "a": 2147483648_i64 }), "of type Int must be a 32-bit integer."),
            ("$a: String", json!({ "a": 1 }), "of type String must not be a number."),
            ("$a: Boolean", json!({ "a": "true" }), "of type Boolean must not be a string."),
            ("$a: ID", json!({ "a": 1.5 }), "of type ID must not be a number."),
            ("$a: [Int!]", json!({ "a": [1, null] }), "of type [Int!] has an item at index 1 that must not be null."),
            ("$a: Color", json!({ "a": "SECRET" }), "of type Color must be one of RED, BLUE."),
            ("$a: By", json!({ "a": { "id": 1, "name": "x" } }), "must have exactly one field that is not null."),
            ("$a: By", json!({ "a": { "id": null } }), "must have exactly one field that is not null."),
            ("$a: By", json!({ "a": [] , "b": 1 }), "of type By must not be a list."),
            ("$a: Box", json!({ "a": {} }), "of type Box is missing the required field size."),
            ("$a: Box", json!({ "a": { "size": 1, "SECRET": 1 } }), "has an unknown field."),
            ("$a: Box", json!({ "a": { "size": "x" } }), "of type Box has a field size that must not be a string."),
        ] {
            let found = problems(declared, values);
            assert!(found.len() == 1 && found[0].ends_with(message) && !found[0].contains("SECRET"), "{found:?}");
        }
    }
}

//! A selection of every field of a type, made from the schema itself: what is added to the graph is asked for too.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::harness::{Asker, Gateway};

/// How many types deep a selection goes; a type is never selected within itself.
const DEPTH_MAX: usize = 8;

const INTROSPECTION: &str = "{ __schema { types { kind name possibleTypes { name } fields { name
    args { name type { kind } } type { name ofType { name ofType { name ofType { name } } } } } } } }";

/// The types of the schema by name.
pub struct Types(HashMap<String, Value>);

impl Types {
    /// Asks a gateway for its schema.
    pub async fn read(gateway: &Gateway) -> Self {
        let answer = gateway.ask(&Asker::nobody(), INTROSPECTION, json!({})).await;
        let types = answer["data"]["__schema"]["types"].as_array().unwrap();
        Self(types.iter().map(|kind| (kind["name"].as_str().unwrap().to_owned(), kind.clone())).collect())
    }

    /// The names of the types that stand behind a union or an interface.
    pub fn possible(&self, name: &str) -> Vec<String> {
        let types = self.0[name]["possibleTypes"].as_array().unwrap();
        types.iter().map(|kind| kind["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Every field of this type, each with every field of its own type, and so on.
    pub fn everything(&self, name: &str) -> String {
        self.select(name, &mut Vec::new())
    }

    /// The fields of this type one by one, each with everything in it.
    pub fn each_field(&self, name: &str) -> Vec<String> {
        let fields = self.0[name]["fields"].as_array().unwrap();
        fields.iter().filter_map(|field| self.field(field, &mut vec![name.to_owned()])).collect()
    }

    fn select(&self, name: &str, path: &mut Vec<String>) -> String {
        let kind = &self.0[name];
        let has_fields = matches!(kind["kind"].as_str().unwrap(), "OBJECT" | "UNION" | "INTERFACE");
        if has_fields && (path.len() >= DEPTH_MAX || path.iter().any(|above| above == name)) {
            return " { __typename }".to_owned();
        }
        path.push(name.to_owned());
        let inner = match kind["kind"].as_str().unwrap() {
            "OBJECT" => {
                let fields = kind["fields"].as_array().unwrap();
                // The rows of a page are selected once, with their cursors.
                let paged = fields.iter().any(|field| field["name"] == "edges");
                let wanted = fields.iter().filter(|field| !(paged && field["name"] == "nodes"));
                wanted.filter_map(|field| self.field(field, path)).collect::<Vec<_>>().join(" ")
            }
            "UNION" => {
                let each = |name: &String| format!("... on {name}{}", self.select(name, path));
                self.possible(name).iter().map(each).collect::<Vec<_>>().join(" ")
            }
            "INTERFACE" => "id".to_owned(),
            _ => String::new(),
        };
        path.pop();
        if inner.is_empty() { inner } else { format!(" {{ __typename {inner} }}") }
    }

    /// A field with everything in it; none if it cannot be asked without an argument.
    fn field(&self, field: &Value, path: &mut Vec<String>) -> Option<String> {
        let arguments = field["args"].as_array().unwrap();
        if arguments.iter().any(|argument| argument["type"]["kind"] == "NON_NULL") {
            return None;
        }
        let counted = arguments.iter().any(|argument| argument["name"] == "first");
        // A page within a page is short: its rows are counted for each row around it.
        let arguments = match (counted, path.len()) {
            (false, _) => "",
            (true, 0 | 1) => "(first: 100)",
            (true, _) => "(first: 5)",
        };
        let mut kind = &field["type"];
        while kind["name"].is_null() {
            kind = &kind["ofType"];
        }
        let inner = self.select(kind["name"].as_str().unwrap(), path);
        Some(format!("{}{arguments}{inner}", field["name"].as_str().unwrap()))
    }
}

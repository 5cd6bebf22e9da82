//! A selection of every field of a type, made from the schema itself: what is added to the graph is asked for too.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use crate::harness::{Asker, Gateway};

/// How many types deep a selection goes; a type is never selected within itself.
const DEPTH_MAX: usize = 8;

const INTROSPECTION: &str = "{ __schema { types { kind name possibleTypes { name } fields { name
    args { name type { kind } } type { name ofType { name ofType { name ofType { name } } } } } } } }";

/// The types of the schema by name.
pub struct Types(HashMap<String, Value>);

/// Where a selection stands and what is left out of it.
struct Way<'a> {
    kinds: Vec<String>,
    fields: Vec<String>,
    rows: u32,
    without: &'a BTreeSet<String>,
}

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

    /// Every field of every object type but those of introspection, as the type's and the field's name.
    pub fn all(&self) -> BTreeSet<(String, String)> {
        let objects = self.0.iter().filter(|(name, kind)| kind["kind"] == "OBJECT" && !name.starts_with("__"));
        let fields =
            objects.flat_map(|(name, kind)| kind["fields"].as_array().unwrap().iter().map(move |it| (name, it)));
        fields.map(|(name, field)| (name.clone(), field["name"].as_str().unwrap().to_owned())).collect()
    }

    /// The name of a field's type, without what says that it is a list or always there.
    pub fn of_field(&self, kind: &str, field: &str) -> &str {
        let fields = self.0[kind]["fields"].as_array().unwrap();
        innermost(&fields.iter().find(|one| one["name"] == field).unwrap()["type"])
    }

    /// Every field of this type, each with every field of its own type, and so on.
    pub fn everything(&self, name: &str) -> String {
        self.select(name, &mut Way::new(100, &BTreeSet::new()))
    }

    /// The same with so many rows of each list, and without some fields: each is named by the fields on the way to it,
    /// with dots.
    pub fn everything_but(&self, name: &str, rows: u32, without: &BTreeSet<String>) -> String {
        self.select(name, &mut Way::new(rows, without))
    }

    /// The fields of this type one by one, each with everything in it.
    pub fn each_field(&self, name: &str) -> Vec<String> {
        let none = BTreeSet::new();
        let mut way = Way::new(100, &none);
        way.kinds.push(name.to_owned());
        let fields = self.0[name]["fields"].as_array().unwrap();
        fields.iter().filter_map(|field| self.field(field, &mut way)).collect()
    }

    fn select(&self, name: &str, way: &mut Way) -> String {
        let kind = &self.0[name];
        let has_fields = matches!(kind["kind"].as_str().unwrap(), "OBJECT" | "UNION" | "INTERFACE");
        if has_fields && (way.kinds.len() >= DEPTH_MAX || way.kinds.iter().any(|above| above == name)) {
            return " { __typename }".to_owned();
        }
        way.kinds.push(name.to_owned());
        let inner = match kind["kind"].as_str().unwrap() {
            "OBJECT" => {
                let fields = kind["fields"].as_array().unwrap();
                // The rows of a page are selected once, with their cursors.
                let paged = fields.iter().any(|field| field["name"] == "edges");
                let select = |field: &Value| match paged && field["name"] == "nodes" {
                    true => Some("nodes { __typename }".to_owned()),
                    false => self.field(field, way),
                };
                fields.iter().filter_map(select).collect::<Vec<_>>().join(" ")
            }
            "UNION" => {
                let each = |name: &String| format!("... on {name}{}", self.select(name, way));
                self.possible(name).iter().map(each).collect::<Vec<_>>().join(" ")
            }
            "INTERFACE" => "id".to_owned(),
            _ => String::new(),
        };
        way.kinds.pop();
        match (has_fields, &*inner) {
            (false, _) => String::new(),
            (true, "") => " { __typename }".to_owned(),
            (true, inner) => format!(" {{ __typename {inner} }}"),
        }
    }

    /// A field with everything in it; none if it cannot be asked without an argument, or is left out.
    fn field(&self, field: &Value, way: &mut Way) -> Option<String> {
        let arguments = field["args"].as_array().unwrap();
        if arguments.iter().any(|argument| argument["type"]["kind"] == "NON_NULL") {
            return None;
        }
        let name = field["name"].as_str().unwrap();
        way.fields.push(name.to_owned());
        let is_left_out = way.without.contains(&way.fields.join("."));
        let counted = arguments.iter().any(|argument| argument["name"] == "first");
        // A page within a page is short: its rows are counted for each row around it.
        let rows = if way.kinds.len() > 1 { way.rows.min(5) } else { way.rows };
        let arguments = if counted { format!("(first: {rows})") } else { String::new() };
        let inner = if is_left_out { String::new() } else { self.select(innermost(&field["type"]), way) };
        way.fields.pop();
        (!is_left_out).then(|| format!("{name}{arguments}{inner}"))
    }
}

impl<'a> Way<'a> {
    fn new(rows: u32, without: &'a BTreeSet<String>) -> Self {
        Self { kinds: Vec::new(), fields: Vec::new(), rows, without }
    }
}

fn innermost(kind: &Value) -> &str {
    kind["name"].as_str().unwrap_or_else(|| innermost(&kind["ofType"]))
}

//! Shows in the schema's text who may ask what: `@requiresScopes`, out of the table of the access room.
//!
//! It is for reading and nothing else: no check looks at it, and the schema by which documents are checked has none of
//! it. So it is written into the printed text, line by line as the library prints it.

use std::fmt::Write;

use super::sdl as bare;
use crate::auth::Scope;
use crate::auth::policy::{self, Access, RULES};

/// What the directive says of itself.
const DEFINITION: &str = r#"
"""
Who may ask for this. Each inner list is one way: a scope of a service's key; `person`, for a person by their JWT, who
has what is their own; `wordpress`, for whoever sends a WordPress.com token, who has what it reaches. On a type it
stands for all fields that have none of their own; without it, nothing more is needed than for what led there.
"""
directive @requiresScopes(scopes: [[String!]!]!) on FIELD_DEFINITION | OBJECT
"#;

/// The schema in the schema language, with who may ask what: as `schema.graphql` holds it.
pub fn sdl() -> String {
    let bare = bare();
    let mut text = String::with_capacity(bare.len() + 8_192);
    let mut place = Place::default();
    for line in bare.lines() {
        let directive = place.step(line).map(directive).unwrap_or_default();
        let (line, brace) = match line.strip_suffix(" {") {
            Some(line) if !directive.is_empty() => (line, " {"),
            _ => (line, ""),
        };
        let _ = writeln!(text, "{line}{directive}{brace}");
    }
    text + DEFINITION
}

/// Where in the text a line stands.
#[derive(Default)]
struct Place<'a> {
    /// The object type whose fields these are.
    kind: Option<&'a str>,
    /// The field whose arguments these are.
    field: Option<&'a str>,
    in_text: bool,
}

impl<'a> Place<'a> {
    /// Goes on by a line; what opens the field or type, if the line is the end of its head.
    fn step(&mut self, line: &'a str) -> Option<Access> {
        let words = line.trim();
        if words == "\"\"\"" {
            self.in_text = !self.in_text;
            return None;
        }
        if self.in_text || words.is_empty() {
            return None;
        }
        if let Some(kind) = line.strip_prefix("type ") {
            self.kind = kind.split(' ').next();
            return self.kind.and_then(own_line);
        }
        if line == "}" {
            self.kind = None;
        }
        let kind = self.kind?;
        let is_end = self.field.is_some() && words.starts_with(')');
        let begins = self.field.is_none().then(|| words.split([':', '(']).next()).flatten();
        let field = if is_end { self.field.take() } else { begins }?;
        if words.ends_with('(') {
            self.field = Some(field);
            return None;
        }
        own_line(&format!("{kind}.{field}"))
    }
}

/// What opens exactly this, by the line of its own.
fn own_line(name: &str) -> Option<Access> {
    RULES.iter().find(|line| line.0 == name).map(|line| line.1)
}

fn directive(opened: Access) -> String {
    // What is open to all in part is not closed to anybody.
    let opened = if matches!(opened, Access::Partial(_)) { Access::Public } else { opened };
    let ways: Vec<_> = opened.requirements().iter().map(|way| format!("[\"{way}\"]")).collect();
    if ways.is_empty() { String::new() } else { format!(" @requiresScopes(scopes: [{}])", ways.join(", ")) }
}

/// The rights, who has them, and the fields that each opens, for a person to read.
pub fn list() -> String {
    use crate::auth::policy::{PersonAccess, Right};
    let mut text = format!(
        "{:<50} {:<10} {:<16} {:<9} {}\n",
        "right", "anonymous", "WordPress token", "person", "service, with the scope"
    );
    let mut row = |what: &str, cells: [&str; 4]| {
        let [anonymous, token, person, service] = cells;
        let _ = writeln!(text, "{what:<50} {anonymous:<10} {token:<16} {person:<9} {service}");
    };
    row("the schema, services known by name, providers", ["yes", "yes", "yes", "yes"]);
    for right in Right::ALL {
        let holders = right.holders();
        let token = if holders.person == PersonAccess::ByWordPressToken { "yes" } else { "-" };
        let person = match holders.person {
            PersonAccess::Own => "own",
            PersonAccess::Never => "never",
            PersonAccess::ByWordPressToken => "token",
        };
        let service = holders.scope.map_or(if token == "yes" { "token" } else { "-" }, Scope::as_str);
        row(holders.description, ["-", token, person, service]);
    }
    text.push_str(
        "\nA token is sent beside, in X-WordPress-Token. Own: what belongs to the OneAll user that the JWT names.\n\n",
    );
    for policy::FieldRule(name, opened) in RULES {
        let needs = match opened {
            Access::Public => "open to all".to_owned(),
            Access::WithParent => continue,
            Access::AnyOf(_) => opened.requirements().join(" | "),
            Access::Partial(_) => format!("in part open to all; else {}", opened.requirements().join(" | ")),
        };
        let _ = writeln!(text, "{name:<36} {needs}");
    }
    text.push_str(
        "\nA type stands for those of its fields that are not named. What is not named at all comes with its thing.\n",
    );
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use apollo_compiler::Schema;

    use super::*;

    /// Every field of every object type, as `(type, field)`.
    fn fields() -> Vec<(String, String)> {
        let schema = Schema::parse_and_validate(bare(), "schema").unwrap();
        let objects =
            schema.types.values().filter_map(|kind| kind.as_object()).filter(|kind| !kind.name.starts_with("__"));
        let fields =
            objects.flat_map(|kind| kind.fields.keys().map(|field| (kind.name.to_string(), field.to_string())));
        fields.collect()
    }

    #[test]
    fn every_field_has_a_line_and_every_line_a_field() {
        let fields = fields();
        let without: Vec<_> = fields.iter().filter(|(kind, field)| policy::access_to(kind, field).is_none()).collect();
        assert!(without.is_empty(), "no line in the table of rights for {without:?}");
        for policy::FieldRule(name, _) in RULES {
            let named = fields.iter().any(|(kind, field)| kind == name || format!("{kind}.{field}") == *name);
            assert!(named, "the table of rights names {name}, and the schema does not");
        }
    }

    #[test]
    fn the_text_is_a_schema_in_which_each_line_of_the_table_stands() {
        let text = sdl();
        let schema =
            Schema::parse_and_validate(&text, "schema.graphql").map_err(|faults| faults.errors.to_string()).unwrap();
        let written = |directives: &[apollo_compiler::Node<apollo_compiler::ast::Directive>]| {
            let one = directives.iter().find(|one| one.name == "requiresScopes");
            one.map(|one| format!(" {one}")).unwrap_or_default()
        };
        for (kind, field) in fields() {
            let of_kind = schema.get_object(&kind).unwrap();
            let own: Vec<_> = of_kind.fields[field.as_str()].directives.iter().cloned().collect();
            let expected = own_line(&format!("{kind}.{field}")).map(directive).unwrap_or_default();
            assert_eq!(written(&own), expected, "{kind}.{field}");
            let all: Vec<_> = of_kind.directives.iter().map(|one| one.node.clone()).collect();
            assert_eq!(written(&all), own_line(&kind).map(directive).unwrap_or_default(), "{kind}");
        }
        let stripped = text.replace(DEFINITION, "");
        assert_eq!(stripped.lines().count(), bare().lines().count());
    }
}

//! Prints the access policy: as `@requiresScopes` directives in the SDL and as a table for `check --access`.
//!
//! The directives are documentation. No check reads them, and documents are validated against a schema without them. So
//! they are inserted into the printed SDL, line by line.

use std::fmt::Write;

use super::schema;
use crate::auth::Scope;
use crate::auth::policy::{self, Access, RULES};

/// The definition of the directive.
const DEFINITION: &str = r#"
"""
The credentials that may read a field. Each inner list is one alternative: a scope of a service key, `person` for a JWT
(own data only), or `wordpress` for a WordPress.com token.

On a type it applies to all fields without a directive of their own. A field without a directive requires only access to
its parent.
"""
directive @requiresScopes(scopes: [[String!]!]!) on FIELD_DEFINITION | OBJECT
"#;

/// The schema as SDL with the access policy, as in `schema.graphql`.
pub fn sdl() -> String {
    let plain = schema::sdl();
    let mut text = String::with_capacity(plain.len() + 8_192);
    let mut cursor = SdlCursor::default();
    for line in plain.lines() {
        let directive = cursor.advance(line).map(directive).unwrap_or_default();
        let (line, brace) = match line.strip_suffix(" {") {
            Some(line) if !directive.is_empty() => (line, " {"),
            _ => (line, ""),
        };
        let _ = writeln!(text, "{line}{directive}{brace}");
    }
    text + DEFINITION
}

/// The current type and field while the SDL is read line by line.
#[derive(Default)]
struct SdlCursor<'a> {
    /// The object type that contains the line.
    type_name: Option<&'a str>,
    /// The field whose arguments the line belongs to.
    field: Option<&'a str>,
    in_description: bool,
}

impl<'a> SdlCursor<'a> {
    /// Reads a line. Returns the rule of the type or field whose head ends on this line.
    fn advance(&mut self, line: &'a str) -> Option<Access> {
        let words = line.trim();
        if words == "\"\"\"" {
            self.in_description = !self.in_description;
            return None;
        }
        if self.in_description || words.is_empty() {
            return None;
        }
        if let Some(type_name) = line.strip_prefix("type ") {
            self.type_name = type_name.split(' ').next();
            return self.type_name.and_then(exact_rule);
        }
        if line == "}" {
            self.type_name = None;
        }
        let type_name = self.type_name?;
        let ends_arguments = self.field.is_some() && words.starts_with(')');
        let starts_field = self.field.is_none().then(|| words.split([':', '(']).next()).flatten();
        let field = if ends_arguments { self.field.take() } else { starts_field }?;
        if words.ends_with('(') {
            self.field = Some(field);
            return None;
        }
        exact_rule(&format!("{type_name}.{field}"))
    }
}

/// The rule with exactly this name.
fn exact_rule(name: &str) -> Option<Access> {
    RULES.iter().find(|rule| rule.0 == name).map(|rule| rule.1)
}

fn directive(access: Access) -> String {
    // A field that is partly public can be read by everyone.
    let access = if matches!(access, Access::Partial(_)) { Access::Public } else { access };
    let alternatives: Vec<_> = access.requirements().iter().map(|requirement| format!("[\"{requirement}\"]")).collect();
    if alternatives.is_empty() {
        String::new()
    } else {
        format!(" @requiresScopes(scopes: [{}])", alternatives.join(", "))
    }
}

/// The access policy as a text table: who has each right, and which rights each field requires.
pub fn access_table() -> String {
    use crate::auth::policy::{PersonAccess, Right};
    let mut text = format!(
        "{:<50} {:<10} {:<16} {:<9} {}\n",
        "right", "anonymous", "WordPress token", "person", "service, with the scope"
    );
    let mut row = |what: &str, cells: [&str; 4]| {
        let [anonymous, token, person, service] = cells;
        let _ = writeln!(text, "{what:<50} {anonymous:<10} {token:<16} {person:<9} {service}");
    };
    row("the schema, known services, providers", ["yes", "yes", "yes", "yes"]);
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
        "\ntoken: with a WordPress.com token in X-WordPress-Token. own: data of the OneAll user that the JWT names.\n\n",
    );
    for policy::FieldRule(name, access) in RULES {
        let requirement = match access {
            Access::Public => "public".to_owned(),
            Access::WithParent => continue,
            Access::AnyOf(_) => access.requirements().join(" | "),
            Access::Partial(_) => format!("partly public; else {}", access.requirements().join(" | ")),
        };
        let _ = writeln!(text, "{name:<36} {requirement}");
    }
    text.push_str(
        "\nA type applies to its fields that are not listed. A field without a rule requires only access to its parent.\n",
    );
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use apollo_compiler::Schema;

    use super::*;

    /// The fields of all object types, as `(type, field)`.
    fn fields() -> Vec<(String, String)> {
        let schema = Schema::parse_and_validate(schema::sdl(), "schema").unwrap();
        let objects =
            schema.types.values().filter_map(|kind| kind.as_object()).filter(|kind| !kind.name.starts_with("__"));
        let fields =
            objects.flat_map(|kind| kind.fields.keys().map(|field| (kind.name.to_string(), field.to_string())));
        fields.collect()
    }

    #[test]
    fn every_field_has_a_rule_and_every_rule_a_field() {
        let fields = fields();
        let without: Vec<_> = fields.iter().filter(|(kind, field)| policy::access_to(kind, field).is_none()).collect();
        assert!(without.is_empty(), "no rule for {without:?}");
        for policy::FieldRule(name, _) in RULES {
            let exists = fields.iter().any(|(kind, field)| kind == name || format!("{kind}.{field}") == *name);
            assert!(exists, "the policy has a rule for {name}, which is not in the schema");
        }
    }

    #[test]
    fn the_sdl_is_valid_and_has_a_directive_for_each_rule() {
        let text = sdl();
        let schema =
            Schema::parse_and_validate(&text, "schema.graphql").map_err(|error| error.errors.to_string()).unwrap();
        let printed = |directives: &[apollo_compiler::Node<apollo_compiler::ast::Directive>]| {
            let found = directives.iter().find(|directive| directive.name == "requiresScopes");
            found.map(|directive| format!(" {directive}")).unwrap_or_default()
        };
        for (kind, field) in fields() {
            let object = schema.get_object(&kind).unwrap();
            let on_field: Vec<_> = object.fields[field.as_str()].directives.iter().cloned().collect();
            let expected = exact_rule(&format!("{kind}.{field}")).map(directive).unwrap_or_default();
            assert_eq!(printed(&on_field), expected, "{kind}.{field}");
            let on_type: Vec<_> = object.directives.iter().map(|directive| directive.node.clone()).collect();
            assert_eq!(printed(&on_type), exact_rule(&kind).map(directive).unwrap_or_default(), "{kind}");
        }
        let without = text.replace(DEFINITION, "");
        assert_eq!(without.lines().count(), schema::sdl().lines().count());
    }
}

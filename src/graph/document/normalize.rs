//! Rewrites an operation without named fragments and with equal selections merged, so that a field that is selected several
//! times in one place is executed once.
//!
//! The document is valid, so fields with the same response key in one place are the same field with the same arguments.
//! Response keys keep their order. A fragment that applies to every object is replaced by its fields. A fragment that
//! applies to some types only, or has `@skip` or `@include`, stays.

use std::collections::HashMap;

use apollo_compiler::Schema;
use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, InlineFragment, OperationDefinition, OperationType, Selection, SelectionSet,
    TypeCondition,
};
use async_graphql::{Name, Pos, Positioned};

/// A normalized operation.
#[derive(Clone, Debug)]
pub(super) struct NormalizedOperation {
    /// The operation.
    pub operation: Positioned<OperationDefinition>,
    /// The counts of its selections.
    pub counts: SelectionCounts,
}

/// The counts of a normalized operation's selections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SelectionCounts {
    /// Fields and fragments.
    pub selections: usize,
    /// Fields whose alias differs from their name.
    pub aliases: usize,
    /// Root fields.
    pub root_fields: usize,
    /// Mutations.
    pub mutations: usize,
    /// `__schema` and `__type` fields.
    pub introspections: usize,
    /// The maximum number of times that one field was selected in one place.
    pub repeats: usize,
}

/// Normalizes an operation of a valid document.
pub(super) fn normalize(
    schema: &Schema,
    document: &ExecutableDocument,
    operation: &Positioned<OperationDefinition>,
) -> NormalizedOperation {
    let root = match operation.node.ty {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    };
    let mut normalizer = Normalizer { schema, document, counts: SelectionCounts::default() };
    let (selection_set, root_fields) = normalizer.merge(root, &[&operation.node.selection_set]);
    let counts = SelectionCounts { root_fields, ..normalizer.counts };
    let normalized = OperationDefinition {
        ty: operation.node.ty,
        variable_definitions: operation.node.variable_definitions.clone(),
        directives: operation.node.directives.clone(),
        selection_set,
    };
    NormalizedOperation { operation: Positioned::new(normalized, operation.pos), counts }
}

struct Normalizer<'a> {
    schema: &'a Schema,
    document: &'a ExecutableDocument,
    counts: SelectionCounts,
}

/// A field, with all selection sets that were selected under its response key.
struct MergedField<'a> {
    /// The index of its innermost condition.
    condition: usize,
    parent_type: &'a str,
    field: &'a Positioned<Field>,
    selection_sets: Vec<&'a Positioned<SelectionSet>>,
    /// How often it was selected.
    repeats: usize,
}

/// The condition of a fragment: a type, or directives.
struct Condition<'a> {
    /// The index of the condition around it.
    outer: Option<usize>,
    on: Option<&'a Positioned<Name>>,
    directives: &'a [Positioned<Directive>],
    pos: Pos,
}

/// The merged fields of one place, in order.
struct MergedSet<'a> {
    fields: Vec<MergedField<'a>>,
    /// The index of a field, by its condition, response key and directives.
    field_index: HashMap<(usize, &'a str, String), usize>,
    /// The conditions of the fields. The first one always holds.
    conditions: Vec<Condition<'a>>,
    /// The index of a condition, by the condition around it, its type and its directives.
    condition_index: HashMap<(usize, Option<&'a str>, String), usize>,
}

impl<'a> Normalizer<'a> {
    /// Merges the selection sets of one place. Also returns the number of its fields.
    fn merge(
        &mut self,
        parent_type: &'a str,
        sets: &[&'a Positioned<SelectionSet>],
    ) -> (Positioned<SelectionSet>, usize) {
        let mut merged = MergedSet::new();
        sets.iter().for_each(|set| self.collect_fields(&mut merged, 0, parent_type, &set.node));
        let mut fields = Vec::with_capacity(merged.fields.len());
        for field in &merged.fields {
            self.counts.repeats = self.counts.repeats.max(field.repeats);
            fields.push((merged.condition_path(field.condition), self.field(field)));
        }
        let count = fields.len();
        let items = self.group_by_condition(&merged, &mut fields.into_iter().peekable(), 0);
        (Positioned::new(SelectionSet { items }, sets.first().map(|set| set.pos).unwrap_or_default()), count)
    }

    /// Adds the fields of a selection set, with the fields of its fragments.
    fn collect_fields(
        &self,
        merged: &mut MergedSet<'a>,
        condition: usize,
        parent_type: &'a str,
        set: &'a SelectionSet,
    ) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => merged.add(condition, parent_type, field),
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref().map(|condition| &condition.node.on);
                    let directives = &fragment.node.directives;
                    let inner = Condition { outer: Some(condition), on, directives, pos: item.pos };
                    let condition = self.add_condition(merged, condition, parent_type, inner);
                    let parent_type = on.map_or(parent_type, |on| on.node.as_str());
                    self.collect_fields(merged, condition, parent_type, &fragment.node.selection_set.node);
                }
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.document.fragments.get(&spread.node.fragment_name.node) else { continue };
                    let on = &fragment.node.type_condition.node.on;
                    let directives = &spread.node.directives;
                    let inner = Condition { outer: Some(condition), on: Some(on), directives, pos: item.pos };
                    let condition = self.add_condition(merged, condition, parent_type, inner);
                    self.collect_fields(merged, condition, on.node.as_str(), &fragment.node.selection_set.node);
                }
            }
        }
    }

    /// The index of a fragment's condition. If the fragment always applies, it is the condition around the fragment.
    fn add_condition(
        &self,
        merged: &mut MergedSet<'a>,
        outer: usize,
        parent_type: &str,
        condition: Condition<'a>,
    ) -> usize {
        let always_applies = |on: &str| on == parent_type || self.schema.is_subtype(on, parent_type);
        let on = condition.on.filter(|on| !always_applies(on.node.as_str()));
        if on.is_none() && condition.directives.is_empty() {
            return outer;
        }
        let key = (outer, on.map(|on| on.node.as_str()), print_directives(condition.directives));
        let next = merged.conditions.len();
        let index = *merged.condition_index.entry(key).or_insert(next);
        if index == next {
            merged.conditions.push(Condition { on, ..condition });
        }
        index
    }

    fn field(&mut self, merged: &MergedField<'a>) -> Positioned<Field> {
        let field = &merged.field.node;
        self.counts.selections += 1;
        let is_renamed = field.alias.as_ref().is_some_and(|alias| alias.node != field.name.node);
        self.counts.aliases += usize::from(is_renamed);
        let is_introspection = matches!(field.name.node.as_str(), "__schema" | "__type");
        self.counts.introspections += usize::from(is_introspection);
        let is_mutation = merged.parent_type == "Mutation" && field.name.node != "__typename";
        self.counts.mutations += usize::from(is_mutation);
        let selection_set = if field.selection_set.node.items.is_empty() {
            field.selection_set.clone()
        } else {
            let schema = self.schema;
            let definition = schema.type_field(merged.parent_type, &field.name.node);
            let child_type = definition.map_or("", |definition| definition.ty.inner_named_type().as_str());
            self.merge(child_type, &merged.selection_sets).0
        };
        let normalized = Field {
            alias: field.alias.clone(),
            name: field.name.clone(),
            arguments: field.arguments.clone(),
            directives: field.directives.clone(),
            selection_set,
        };
        Positioned::new(normalized, merged.field.pos)
    }

    /// Puts the conditions around the fields again. Adjacent fields under the same condition share one fragment.
    fn group_by_condition(
        &mut self,
        merged: &MergedSet<'a>,
        fields: &mut std::iter::Peekable<std::vec::IntoIter<(Vec<usize>, Positioned<Field>)>>,
        depth: usize,
    ) -> Vec<Positioned<Selection>> {
        let mut items = Vec::new();
        let Some(outer) = fields.peek().map(|(path, _)| path[..depth].to_vec()) else { return items };
        while let Some((path, _)) = fields.peek() {
            if !path.starts_with(&outer) {
                break;
            }
            match path.get(depth) {
                None => items.extend(fields.next().map(|(_, field)| {
                    let pos = field.pos;
                    Positioned::new(Selection::Field(field), pos)
                })),
                Some(index) => {
                    let condition = &merged.conditions[*index];
                    self.counts.selections += 1;
                    let inner = self.group_by_condition(merged, fields, depth + 1);
                    items.push(condition.fragment(inner));
                }
            }
        }
        // The operation is cached, so it must not hold spare capacity.
        items.shrink_to_fit();
        items
    }
}

impl<'a> MergedSet<'a> {
    fn new() -> Self {
        let always = Condition { outer: None, on: None, directives: &[], pos: Pos::default() };
        Self {
            fields: Vec::new(),
            field_index: HashMap::new(),
            conditions: vec![always],
            condition_index: HashMap::new(),
        }
    }

    fn add(&mut self, condition: usize, parent_type: &'a str, field: &'a Positioned<Field>) {
        let key = (condition, field.node.response_key().node.as_str(), print_directives(&field.node.directives));
        let next = self.fields.len();
        let index = *self.field_index.entry(key).or_insert(next);
        if index == next {
            self.fields.push(MergedField { condition, parent_type, field, selection_sets: Vec::new(), repeats: 0 });
        }
        if let Some(merged) = self.fields.get_mut(index) {
            merged.repeats += 1;
            merged.selection_sets.push(&field.node.selection_set);
        }
    }

    /// The indexes of the conditions around a field, the outermost first.
    fn condition_path(&self, condition: usize) -> Vec<usize> {
        let outer = |index: &usize| self.conditions.get(*index).and_then(|condition| condition.outer);
        let mut path: Vec<usize> =
            std::iter::successors(Some(condition), outer).take_while(|index| *index != 0).collect();
        path.reverse();
        path
    }
}

impl Condition<'_> {
    /// An inline fragment with this condition.
    fn fragment(&self, items: Vec<Positioned<Selection>>) -> Positioned<Selection> {
        let type_condition = self.on.map(|on| Positioned::new(TypeCondition { on: on.clone() }, on.pos));
        let selection_set = Positioned::new(SelectionSet { items }, self.pos);
        let fragment = InlineFragment { type_condition, directives: self.directives.to_vec(), selection_set };
        Positioned::new(Selection::InlineFragment(Positioned::new(fragment, self.pos)), self.pos)
    }
}

/// Prints directives, so that they can be compared.
fn print_directives(directives: &[Positioned<Directive>]) -> String {
    let argument = |(name, value): &(Positioned<Name>, Positioned<async_graphql_value::Value>)| {
        format!("{}:{}", name.node, value.node)
    };
    let one = |directive: &Positioned<Directive>| {
        let arguments: Vec<_> = directive.node.arguments.iter().map(argument).collect();
        format!("@{}({})", directive.node.name.node, arguments.join(","))
    };
    directives.iter().map(one).collect()
}

//! Writes an operation without named fragments and with equal selections merged, so that what is asked for several
//! times in one place runs once.
//!
//! The document is valid: fields that stand under one response key in one place are the same field with the same
//! arguments. Response keys keep their order. A fragment that always holds dissolves; one that holds for some types, or
//! under `@skip` or `@include`, stays around its fields.

use std::collections::HashMap;

use apollo_compiler::Schema;
use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, InlineFragment, OperationDefinition, OperationType, Selection, SelectionSet,
    TypeCondition,
};
use async_graphql::{Name, Pos, Positioned};

/// An operation, merged.
#[derive(Clone, Debug)]
pub struct Merged {
    /// The operation.
    pub operation: Positioned<OperationDefinition>,
    /// What it has.
    pub counts: Counts,
}

/// What a merged operation has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Fields and fragments.
    pub selections: usize,
    /// Fields under another name than their own.
    pub aliases: usize,
    /// Fields of the root.
    pub root_fields: usize,
    /// Fields of the root that change something.
    pub mutations: usize,
    /// Introspections.
    pub introspections: usize,
    /// How often the field that was written most often in one place was written.
    pub repeats: usize,
}

/// Merges an operation of a valid document.
pub fn merge(schema: &Schema, document: &ExecutableDocument, operation: &Positioned<OperationDefinition>) -> Merged {
    let root = match operation.node.ty {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    };
    let mut merger = Merger { schema, document, counts: Counts::default() };
    let (selection_set, root_fields) = merger.level(root, &[&operation.node.selection_set]);
    let counts = Counts { root_fields, ..merger.counts };
    let merged = OperationDefinition {
        ty: operation.node.ty,
        variable_definitions: operation.node.variable_definitions.clone(),
        directives: operation.node.directives.clone(),
        selection_set,
    };
    Merged { operation: Positioned::new(merged, operation.pos), counts }
}

struct Merger<'a> {
    schema: &'a Schema,
    document: &'a ExecutableDocument,
    counts: Counts,
}

/// A field, and everything that was selected below it under its response key.
struct Entry<'a> {
    frame: usize,
    parent: &'a str,
    field: &'a Positioned<Field>,
    below: Vec<&'a Positioned<SelectionSet>>,
    times: usize,
}

/// A condition that fields of one place stand under, inside another one.
struct Frame<'a> {
    outer: Option<usize>,
    on: Option<&'a Positioned<Name>>,
    directives: &'a [Positioned<Directive>],
    pos: Pos,
}

/// One place: its fields in order, and the conditions that they stand under; the first is none.
struct Level<'a> {
    entries: Vec<Entry<'a>>,
    index: HashMap<(usize, &'a str, String), usize>,
    frames: Vec<Frame<'a>>,
    frame_index: HashMap<(usize, Option<&'a str>, String), usize>,
}

impl<'a> Merger<'a> {
    /// Merges what was selected in one place, and says how many fields it has.
    fn level(&mut self, parent: &'a str, sets: &[&'a Positioned<SelectionSet>]) -> (Positioned<SelectionSet>, usize) {
        let outermost = Frame { outer: None, on: None, directives: &[], pos: Pos::default() };
        let mut level =
            Level { entries: Vec::new(), index: HashMap::new(), frames: vec![outermost], frame_index: HashMap::new() };
        sets.iter().for_each(|set| self.gather(&mut level, 0, parent, &set.node));
        let mut fields = Vec::with_capacity(level.entries.len());
        for entry in &level.entries {
            self.counts.repeats = self.counts.repeats.max(entry.times);
            fields.push((level.chain(entry.frame), self.field(entry)));
        }
        let count = fields.len();
        let items = self.regroup(&level, &mut fields.into_iter().peekable(), 0);
        (Positioned::new(SelectionSet { items }, sets.first().map(|set| set.pos).unwrap_or_default()), count)
    }

    fn gather(&self, level: &mut Level<'a>, frame: usize, parent: &'a str, set: &'a SelectionSet) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => level.add(frame, parent, field),
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref().map(|condition| &condition.node.on);
                    let frame = self.frame(level, frame, parent, (on, &fragment.node.directives, item.pos));
                    let parent = on.map_or(parent, |on| on.node.as_str());
                    self.gather(level, frame, parent, &fragment.node.selection_set.node);
                }
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.document.fragments.get(&spread.node.fragment_name.node) else { continue };
                    let on = &fragment.node.type_condition.node.on;
                    let frame = self.frame(level, frame, parent, (Some(on), &spread.node.directives, item.pos));
                    self.gather(level, frame, on.node.as_str(), &fragment.node.selection_set.node);
                }
            }
        }
    }

    /// The frame of a fragment's fields: the one around it, if the fragment always holds.
    fn frame(
        &self,
        level: &mut Level<'a>,
        outer: usize,
        parent: &str,
        (on, directives, pos): (Option<&'a Positioned<Name>>, &'a [Positioned<Directive>], Pos),
    ) -> usize {
        let holds = |on: &str| on == parent || self.schema.is_subtype(on, parent);
        let on = on.filter(|on| !holds(on.node.as_str()));
        if on.is_none() && directives.is_empty() {
            return outer;
        }
        let key = (outer, on.map(|on| on.node.as_str()), print(directives));
        let next = level.frames.len();
        let frame = *level.frame_index.entry(key).or_insert(next);
        if frame == next {
            level.frames.push(Frame { outer: Some(outer), on, directives, pos });
        }
        frame
    }

    fn field(&mut self, entry: &Entry<'a>) -> Positioned<Field> {
        let field = &entry.field.node;
        self.counts.selections += 1;
        let is_renamed = field.alias.as_ref().is_some_and(|alias| alias.node != field.name.node);
        self.counts.aliases += usize::from(is_renamed);
        let is_introspection = matches!(field.name.node.as_str(), "__schema" | "__type");
        self.counts.introspections += usize::from(is_introspection);
        let is_mutation = entry.parent == "Mutation" && field.name.node != "__typename";
        self.counts.mutations += usize::from(is_mutation);
        let selection_set = if field.selection_set.node.items.is_empty() {
            field.selection_set.clone()
        } else {
            let schema = self.schema;
            let found = schema.type_field(entry.parent, &field.name.node);
            let child = found.map_or("", |definition| definition.ty.inner_named_type().as_str());
            self.level(child, &entry.below).0
        };
        let merged = Field {
            alias: field.alias.clone(),
            name: field.name.clone(),
            arguments: field.arguments.clone(),
            directives: field.directives.clone(),
            selection_set,
        };
        Positioned::new(merged, entry.field.pos)
    }

    /// Puts the conditions around the fields again; neighbours under one condition share it.
    fn regroup(
        &mut self,
        level: &Level<'a>,
        fields: &mut std::iter::Peekable<std::vec::IntoIter<(Vec<usize>, Positioned<Field>)>>,
        depth: usize,
    ) -> Vec<Positioned<Selection>> {
        let mut items = Vec::new();
        let Some(outer) = fields.peek().map(|(chain, _)| chain[..depth].to_vec()) else { return items };
        while let Some((chain, _)) = fields.peek() {
            if !chain.starts_with(&outer) {
                break;
            }
            match chain.get(depth) {
                None => {
                    items.extend(fields.next().map(|(_, field)| selection(Selection::Field(field.clone()), field.pos)))
                }
                Some(frame) => {
                    let frame = &level.frames[*frame];
                    self.counts.selections += 1;
                    let inner = self.regroup(level, fields, depth + 1);
                    items.push(frame.around(inner));
                }
            }
        }
        items
    }
}

impl<'a> Level<'a> {
    fn add(&mut self, frame: usize, parent: &'a str, field: &'a Positioned<Field>) {
        let key = (frame, field.node.response_key().node.as_str(), print(&field.node.directives));
        let next = self.entries.len();
        let at = *self.index.entry(key).or_insert(next);
        if at == next {
            self.entries.push(Entry { frame, parent, field, below: Vec::new(), times: 0 });
        }
        if let Some(entry) = self.entries.get_mut(at) {
            entry.times += 1;
            entry.below.push(&field.node.selection_set);
        }
    }

    /// The frames around a field, the outermost first.
    fn chain(&self, frame: usize) -> Vec<usize> {
        let outer = |frame: &usize| self.frames.get(*frame).and_then(|frame| frame.outer);
        let mut chain: Vec<usize> = std::iter::successors(Some(frame), outer).take_while(|frame| *frame != 0).collect();
        chain.reverse();
        chain
    }
}

impl Frame<'_> {
    fn around(&self, items: Vec<Positioned<Selection>>) -> Positioned<Selection> {
        let type_condition = self.on.map(|on| Positioned::new(TypeCondition { on: on.clone() }, on.pos));
        let selection_set = Positioned::new(SelectionSet { items }, self.pos);
        let fragment = InlineFragment { type_condition, directives: self.directives.to_vec(), selection_set };
        selection(Selection::InlineFragment(Positioned::new(fragment, self.pos)), self.pos)
    }
}

fn selection(selection: Selection, pos: Pos) -> Positioned<Selection> {
    Positioned::new(selection, pos)
}

/// Directives as text, by which they are compared.
fn print(directives: &[Positioned<Directive>]) -> String {
    let argument = |(name, value): &(Positioned<Name>, Positioned<async_graphql_value::Value>)| {
        format!("{}:{}", name.node, value.node)
    };
    let one = |directive: &Positioned<Directive>| {
        let arguments: Vec<_> = directive.node.arguments.iter().map(argument).collect();
        format!("@{}({})", directive.node.name.node, arguments.join(","))
    };
    directives.iter().map(one).collect()
}

//! The types of the cost model.

/// The cost of a field that returns objects or makes calls.
#[derive(Debug)]
pub(in crate::graph::document) struct FieldCost {
    /// The object type of the field.
    pub parent: &'static str,
    /// The name of the field.
    pub field: &'static str,
    /// The number of rows, for each row of the parent.
    pub rows: RowCount,
    /// How complete the returned objects are.
    pub completeness: Completeness,
    /// The calls that the field makes.
    pub calls: &'static [ProviderCall],
}

/// The number of rows that a field returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::graph::document) enum RowCount {
    /// At most one.
    One,
    /// A page. Its rows are counted where they are selected, as [`RowCount::PageRows`].
    Page,
    /// The rows of the page that contains the field: `first`, `last` or the default page size.
    PageRows,
    /// One for each entry of the argument `ids`.
    Ids,
    /// A list whose length only the provider knows. The estimate assumes this length.
    Assumed(usize),
}

/// How complete the objects are that a field returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::graph::document) enum Completeness {
    /// Part of the parent object, and as complete as the parent.
    Embedded,
    /// Another object with all its fields.
    Complete,
    /// Another object with few fields. The others require a [`DetailCall`].
    Partial,
}

/// A call that a field makes, by its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::graph::document) enum ProviderCall {
    /// One call per operation, even if the field is selected several times.
    PerOperation(&'static str),
    /// One call each time the field is selected, for each row of the parent.
    PerRow(&'static str),
}

/// The call that completes objects of a type whose list rows have few fields.
#[derive(Debug)]
pub(in crate::graph::document) struct DetailCall {
    /// The type.
    pub type_name: &'static str,
    /// The fields that list rows have.
    pub list_fields: &'static [&'static str],
    /// Whether one call completes all rows. Otherwise each row needs a call.
    pub is_batched: bool,
    /// The path of the call.
    pub path: &'static str,
}

/// A list whose rows need a call each. The call budget of the operation bounds it at run time.
#[derive(Debug)]
pub(in crate::graph::document) struct UnbatchedList {
    /// The object type of the field.
    pub parent: &'static str,
    /// The name of the field.
    pub field: &'static str,
    /// Why calls cannot be batched.
    pub reason: &'static str,
}

impl ProviderCall {
    /// The path of the call.
    pub(in crate::graph::document) fn path(self) -> &'static str {
        match self {
            ProviderCall::PerOperation(path) | ProviderCall::PerRow(path) => path,
        }
    }
}

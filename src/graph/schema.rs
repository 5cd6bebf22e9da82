//! Builds the schema and prints it as SDL.
//!
//! No async-graphql extension is registered: one extension would slow every field.

use async_graphql::{EmptySubscription, SDLExportOptions, Schema, SchemaBuilder};

use super::mutation::Mutation;
use super::query::Query;

/// The recursion limit of async-graphql. It is above every depth that the document stage can allow.
const RECURSION_MAX: usize = 128;

/// The executable schema.
pub(super) type GatewaySchema = Schema<Query, Mutation, EmptySubscription>;

/// A builder of the executable schema.
pub(super) fn builder() -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    Schema::build(Query, Mutation, EmptySubscription).limit_recursive_depth(RECURSION_MAX)
}

/// The schema as SDL, without directives of our own. Documents are validated against it.
///
/// [`schema_directives::sdl`](super::schema_directives::sdl) adds the access rules.
pub(crate) fn sdl() -> String {
    builder().finish().sdl_with_options(
        SDLExportOptions::new().include_specified_by().sorted_fields().sorted_arguments().sorted_enum_items(),
    )
}

//! The cost model: for each field, the provider calls that it makes and the number of rows that it returns.
//!
//! - `field_cost` has the types.
//! - `field_table` has the costs of all fields.
//! - `required_calls` removes the calls that a field's arguments make unnecessary.
//! - `report` prints the model for `commongraph check --edges`.
//!
//! `cost` estimates an operation with it before the operation runs.

pub(super) mod field_cost;
pub(super) mod field_table;
pub mod report;
pub(super) mod required_calls;

//! Lists: filters, orders, cursors and pages over both providers.
//!
//! - [`filter`] and [`order`] are the arguments of a list; [`cursor`] names a row by its position in an order.
//! - [`scan`] finds the rows of a page in a list that can only be read in ranges.
//! - [`page`] merges the providers' rows into one page.
//! - [`lists`] has one function per list field of the schema.

pub(crate) mod cursor;
pub(crate) mod filter;
pub(crate) mod lists;
pub(crate) mod order;
pub(crate) mod page;
pub(crate) mod page_size;
mod scan;

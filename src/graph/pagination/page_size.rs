//! The default and the maximum size of a page. The cost estimate of a document uses them too.

/// The number of rows of a page when neither `first` nor `last` is given.
pub(crate) const PAGE_SIZE_DEFAULT: i32 = 20;

/// The maximum number of rows of a page.
pub(crate) const PAGE_SIZE_MAX: i32 = 100;

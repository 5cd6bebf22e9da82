//! The heap memory of entities: the capacity of each string and list, plus the overhead of the allocator.
//!
//! Entities derive `HeapSize`, so a new field is always counted. Shared memory is counted for each owner, so the sum may
//! be too large but is never too small.

use std::sync::Arc;

use async_graphql::ID;
pub use heap_size_derive::HeapSize;

/// A type whose heap memory can be estimated.
pub trait HeapSize {
    /// The size of the heap memory in bytes, without the value itself.
    fn heap_size(&self) -> usize;
}

/// The size of an allocation. Allocators round up by at most an eighth, and small sizes to 16 bytes.
fn allocation(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { bytes + bytes / 8 + 16 }
}

impl HeapSize for String {
    fn heap_size(&self) -> usize {
        allocation(self.capacity())
    }
}

impl<T: HeapSize> HeapSize for Vec<T> {
    fn heap_size(&self) -> usize {
        allocation(self.capacity() * size_of::<T>()) + self.iter().map(HeapSize::heap_size).sum::<usize>()
    }
}

impl<T: HeapSize> HeapSize for Option<T> {
    fn heap_size(&self) -> usize {
        self.as_ref().map_or(0, HeapSize::heap_size)
    }
}

impl<T: HeapSize> HeapSize for Arc<T> {
    fn heap_size(&self) -> usize {
        // The two reference counts precede the value.
        allocation(2 * size_of::<usize>() + size_of::<T>()) + T::heap_size(self)
    }
}

/// Types without heap memory.
macro_rules! no_heap {
    ($($entity:ty),* $(,)?) => {
        $(impl HeapSize for $entity {
            fn heap_size(&self) -> usize {
                0
            }
        })*
    };
}

no_heap!(bool, i32, u32, u64, usize, chrono::DateTime<chrono::Utc>);

impl HeapSize for ID {
    fn heap_size(&self) -> usize {
        self.0.heap_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(HeapSize)]
    struct Named<T> {
        text: String,
        list: Vec<T>,
    }

    #[derive(HeapSize)]
    enum Variants {
        Unit,
        Tuple(String, String),
        Named { text: String },
    }

    fn text(capacity: usize) -> String {
        String::with_capacity(capacity)
    }

    #[test]
    fn the_derived_size_of_a_struct_is_the_sum_of_its_fields() {
        let list = vec![text(10), text(20)];
        let expected = allocation(100) + allocation(2 * size_of::<String>()) + allocation(10) + allocation(20);
        assert_eq!(Named { text: text(100), list }.heap_size(), expected);
    }

    #[test]
    fn the_derived_size_of_an_enum_is_that_of_its_variant() {
        assert_eq!(Variants::Unit.heap_size(), 0);
        assert_eq!(Variants::Tuple(text(10), text(20)).heap_size(), allocation(10) + allocation(20));
        assert_eq!(Variants::Named { text: text(30) }.heap_size(), allocation(30));
    }
}

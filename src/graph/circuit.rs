//! Whether a provider is called, in the graph's words.
//!
//! The numbers behind it are the upstream's; a client needs to know only whether asking makes sense.

use async_graphql::Enum;

use crate::upstream::Circuit;

/// Whether a provider is called.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum CircuitState {
    /// It is.
    Closed,
    /// It is in trouble and left alone for some seconds; what needs it is PROVIDER_UNAVAILABLE at once, unless it is kept.
    Open,
    /// A few reads are let through, to see whether it has recovered.
    HalfOpen,
}

impl From<Circuit> for CircuitState {
    fn from(circuit: Circuit) -> Self {
        match circuit {
            Circuit::Closed => CircuitState::Closed,
            Circuit::Open => CircuitState::Open,
            Circuit::HalfOpen => CircuitState::HalfOpen,
        }
    }
}

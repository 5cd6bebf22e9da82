//! `Query.providers`: which providers this request can reach.

use async_graphql::{Enum, SimpleObject};

use crate::graph::error::Error;
use crate::loader::Loaders;
use crate::model::Provider;
use crate::upstream::Circuit;

/// The availability of a provider for a request.
#[derive(SimpleObject, Debug)]
pub(crate) struct ProviderState {
    /// The provider.
    provider: Provider,
    /// Whether the gateway is configured for the provider.
    configured: bool,
    /// Whether this request may read anything from the provider.
    authorized: bool,
    /// The state of the circuit breaker for the provider.
    circuit: CircuitState,
    /// How to get access to the provider. Null when no action is needed.
    detail: Option<String>,
}

/// The state of the circuit breaker of a provider.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CircuitState {
    /// Requests are sent to the provider.
    Closed,
    /// The provider is failing and gets no requests for some seconds. Data that is not cached is PROVIDER_UNAVAILABLE.
    Open,
    /// A few requests are sent to test whether the provider has recovered.
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

/// The state of every provider. Makes no call.
pub(super) fn provider_states(loaders: &Loaders) -> Vec<ProviderState> {
    let message = |denied: Option<crate::provider::Error>| denied.map(|error| Error::from(error).message);
    let wordpress = &loaders.wordpress.session;
    let oneall = &loaders.oneall.session;
    let oneall_detail = match (oneall.is_configured(), oneall.is_authorized()) {
        (false, _) => Some("Set oneall.subdomain, oneall.public_key and oneall.private_key.".to_owned()),
        (true, false) => message(oneall.denied()).or(Some("The JWT names no OneAll user.".to_owned())),
        (true, true) => None,
    };
    vec![
        ProviderState {
            provider: Provider::WordPress,
            configured: true,
            authorized: wordpress.is_authorized(),
            circuit: wordpress.circuit().into(),
            detail: message(wordpress.denied()),
        },
        ProviderState {
            provider: Provider::OneAll,
            configured: oneall.is_configured(),
            authorized: oneall.is_authorized(),
            circuit: oneall.circuit().into(),
            detail: oneall_detail,
        },
    ]
}

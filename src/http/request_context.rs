//! Authentication of a request, before anything of its body is read.
//!
//! The checks are in the order of their cost: method, media type, rate limit of the address, credentials.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use tokio::time::Instant;

use super::auth::{self, AuthError};
use super::graphql::{Media, RequestError, RequestErrorKind};
use super::middleware::concurrency_limit::MutationStarted;
use super::middleware::request_id::RequestId;
use super::rate_limits::{CallerKey, QuotaHandle};
use super::state::{AppState, CallerState};
use crate::auth::{Caller, LookupMode};
use crate::graph::error::Error;
use crate::upstream::Trace;

/// An authenticated request.
pub(super) struct RequestContext<'a> {
    /// Who sends it.
    pub(super) caller: Caller,
    /// The budgets that pay for it.
    pub(super) quota: QuotaHandle<'a>,
    /// The address of the client, as limits count it.
    pub(super) address: IpAddr,
    /// Whether a mutation of the request has started.
    pub(super) mutation_started: MutationStarted,
    /// When it was received. Deadlines are relative to this.
    pub(super) received_at: Instant,
    /// Its ID.
    pub(super) id: Arc<str>,
    /// The trace that it belongs to.
    pub(super) trace: Option<Trace>,
}

/// Authenticates a request. `accepted` is the media type that the client accepts.
///
/// # Errors
/// If the method, the media type or a credential is not valid, or a limit is reached.
pub(super) async fn authenticate<'a>(
    state: &'a AppState,
    head: &Parts,
    accepted: Option<Media>,
    address: IpAddr,
) -> Result<RequestContext<'a>, RequestError> {
    let received_at = Instant::now();
    if head.method != Method::GET && head.method != Method::POST {
        return Err(RequestError::new(RequestErrorKind::Method, Error::bad_input("Use GET or POST.")));
    }
    if accepted.is_none() {
        let message = "Accept application/graphql-response+json or application/json; nothing else is spoken here.";
        return Err(RequestError::new(RequestErrorKind::NotAcceptable, Error::bad_input(message)));
    }
    let limits = &state.callers.limits;
    limits.charge_address(address)?;
    // An issuer or WordPress.com may have to be called. Meanwhile the request is pending and takes no permit to run.
    let mut pending = state.concurrency.pending(address, CallerKey::Address(address), &head.headers);
    let caller = pending.hold(identify(&state.callers, &head.headers, address)).await??;
    let quota = limits.quota(caller.principal(), address);
    let id = head.extensions.get::<RequestId>().map_or_else(|| "".into(), |id| id.0.clone());
    let mutation_started = head.extensions.get::<MutationStarted>().cloned().unwrap_or_default();
    let trace = head.extensions.get().copied();
    Ok(RequestContext { caller, quota, address, mutation_started, received_at, id, trace })
}

/// Identifies the caller by the headers of a request.
///
/// While the address is blocked because of failed credentials, only a credential that is known to be valid is accepted:
/// many people can share an address. No provider is called then.
async fn identify(callers: &CallerState, headers: &HeaderMap, address: IpAddr) -> Result<Caller, RequestError> {
    let CallerState { authenticator, limits, .. } = callers;
    let blocked = limits.check_credentials(address).err();
    let lookup = if blocked.is_some() { LookupMode::CachedOnly } else { LookupMode::AllowFetch };
    let result = auth::caller(authenticator, headers, lookup, |token| limits.start_check(address, token)).await;
    result.map_err(|error| match (error, blocked) {
        (AuthError::RateLimited(retry_after), _) => retry_after.into(),
        (AuthError::Rejected(rejection), Some(retry_after)) if rejection.may_be_guess() => retry_after.into(),
        (AuthError::Rejected(rejection), _) => {
            if rejection.may_be_guess() {
                limits.record_failure(address);
            }
            auth::refuse(rejection)
        }
    })
}

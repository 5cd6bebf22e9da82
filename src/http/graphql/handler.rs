//! Handles a request to `/graphql`: [`authenticate`], [`parse`], [`validate`], [`execute`], [`render`].
//!
//! A list of operations runs concurrently. Each operation ends in one line of the [`OperationLog`], also if its client
//! leaves.

use std::sync::Arc;

use async_graphql::{Request as Operation, Variables};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::Response;
use futures_util::future::join_all;
use serde_json::Value;

use super::media::{self, Media};
use super::operation_log::OperationLog;
use super::operation_result::{Executed, OperationResult};
use super::parameters::{self, GraphQLBody, Parameters};
use super::render::{self, ResponseLimits};
use super::request_error::{RequestError, RequestErrorKind};
use super::request_options::RequestOptions;
use crate::auth::{Caller, Scope};
use crate::graph::document::CheckedOperation;
use crate::graph::error::{Error, ErrorCode};
use crate::graph::execution::ExecutionContext;
use crate::graph::operation::AllowedOperations;
use crate::http::middleware::client_ip;
use crate::http::middleware::concurrency_limit::Running;
use crate::http::persisted::Document;
use crate::http::rate_limits::{LimitKind, RetryAfter};
use crate::http::request_context::{RequestContext, authenticate};
use crate::http::state::AppState;

/// A request that is parsed and has a permit to run.
struct ParsedRequest<'a> {
    body: GraphQLBody,
    admitted: Admitted<'a>,
}

/// What the operations of a request share.
struct Admitted<'a> {
    options: RequestOptions,
    running: Running<'a>,
}

/// Handles one request. The response has the rate limits of the caller, or of the address if the caller is not known.
pub(in crate::http) async fn handle(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let accepted = media::accepted(&head.headers, state.profile);
    let media = accepted.unwrap_or(Media::Json);
    let address = client_ip::limit_key(&head.extensions);
    let context = match authenticate(&state, &head, accepted, address).await {
        Ok(context) => context,
        Err(error) => return render::unauthenticated(error, &state, media, address),
    };
    let (mut response, reached) = match parse(&state, &head, body, &context).await {
        Ok(request) => respond(&state, request, media, &context).await,
        Err(error) => rejected(error, &state, media),
    };
    if state.callers.authenticator.record_token_result(&context.caller) {
        state.callers.limits.record_failure(address);
    }
    context.quota.write_headers(response.headers_mut(), reached);
    response
}

/// Receives and parses a request. The permit to run is taken once the body has arrived.
async fn parse<'a>(
    state: &'a AppState,
    head: &Parts,
    body: Body,
    context: &RequestContext<'_>,
) -> Result<ParsedRequest<'a>, RequestError> {
    context.quota.charge_request()?;
    let options = RequestOptions::from_head(head)?;
    let (running, body) = if head.method == Method::GET {
        let parameters = parameters::from_query(&head.headers, &head.uri, state.body_max)?;
        (state.concurrency.start(context.address)?, GraphQLBody::Single(parameters))
    } else {
        let pending = state.concurrency.pending(context.address, context.quota.key(), &head.headers);
        let body = parameters::receive(&head.headers, body, state.body_max, pending).await?;
        (state.concurrency.start(context.address)?, parameters::from_body(&body)?)
    };
    if let GraphQLBody::Batch(operations) = &body {
        check_batch(operations.len(), state.batch_max)?;
    }
    Ok(ParsedRequest { body, admitted: Admitted { options, running } })
}

fn check_batch(count: usize, max: usize) -> Result<(), RequestError> {
    let error = match (count, max) {
        (_, 0) => Error::bad_input("Lists of operations are not taken here: send one operation a request."),
        (0, _) => Error::bad_input("The list of operations is empty."),
        _ if count > max => {
            Error::new(ErrorCode::LimitExceeded, format!("The list has {count} operations; at most {max} are taken."))
        }
        _ => return Ok(()),
    };
    Err(RequestError::new(RequestErrorKind::Malformed, error))
}

/// Runs the operations of a request and renders their results. Also returns the rate limit that the operation reached.
async fn respond(
    state: &AppState,
    request: ParsedRequest<'_>,
    media: Media,
    context: &RequestContext<'_>,
) -> (Response, Option<LimitKind>) {
    let ParsedRequest { body, admitted } = request;
    let limits = ResponseLimits { max: state.response_max, unread: &admitted.running.answer };
    let (mut response, reached) = match body {
        GraphQLBody::Single(parameters) => {
            let (result, mut log) = run(state, parameters, context, &admitted, Ok(())).await;
            let (response, reached) = match result {
                Ok(executed) => (render::executed(executed, state.profile, media, &context.id, limits), None),
                Err(error) => rejected(error, state, media),
            };
            log.responded(response.status());
            (response, reached)
        }
        GraphQLBody::Batch(operations) => {
            let runs = operations.into_iter().enumerate().map(async |(index, parameters)| {
                // The first operation is charged as the request itself.
                let charged = if index > 0 { context.quota.charge_request() } else { Ok(()) };
                run(state, parameters, context, &admitted, charged).await
            });
            let (results, logs): (Vec<_>, Vec<_>) = join_all(runs).await.into_iter().unzip();
            let response = render::batch(results, &context.id, limits);
            logs.into_iter().for_each(|mut log| log.responded(response.status()));
            (response, None)
        }
    };
    response.extensions_mut().insert(admitted.running.answer);
    (response, reached)
}

fn rejected(error: RequestError, state: &AppState, media: Media) -> (Response, Option<LimitKind>) {
    let reached = error.limit;
    (render::rejected(error, state.profile, media), reached)
}

/// Runs one operation, unless the charge for it as a request failed.
async fn run(
    state: &AppState,
    parameters: Parameters,
    context: &RequestContext<'_>,
    admitted: &Admitted<'_>,
    charged: Result<(), RetryAfter>,
) -> (OperationResult, OperationLog) {
    let mut log = OperationLog::start(&state.metrics, context, parameters.operation_name.as_deref());
    let result = match charged {
        Ok(()) => validate_and_execute(state, parameters, context, admitted, &mut log).await,
        Err(retry_after) => Err(retry_after.into()),
    };
    log.finish(&result);
    (result, log)
}

async fn validate_and_execute(
    state: &AppState,
    parameters: Parameters,
    context: &RequestContext<'_>,
    admitted: &Admitted<'_>,
    log: &mut OperationLog,
) -> OperationResult {
    let (operation, document) = validate(state, parameters, &context.caller, admitted.options.allowed).await?;
    log.validated(&operation);
    state.persisted.store(document);
    execute(state, operation, context, admitted, log).await
}

/// Finds the document, and validates it and the variables.
async fn validate(
    state: &AppState,
    mut parameters: Parameters,
    caller: &Caller,
    allowed: AllowedOperations,
) -> Result<(CheckedOperation, Document), RequestError> {
    let document = state.persisted.find(&mut parameters)?;
    let mut operation = Operation::new(&*document.text);
    if let Some(variables) = parameters.variables {
        operation = operation.variables(Variables::from_json(Value::Object(variables)));
    }
    if let Some(name) = parameters.operation_name {
        operation = operation.operation_name(name);
    }
    Ok((state.graph.check(operation, caller, allowed).await?, document))
}

/// Executes an operation, if the budget of the caller allows its calls.
async fn execute(
    state: &AppState,
    operation: CheckedOperation,
    context: &RequestContext<'_>,
    Admitted { options, running }: &Admitted<'_>,
    log: &mut OperationLog,
) -> OperationResult {
    let RequestContext { caller, quota, received_at, id, trace, mutation_started, .. } = context;
    let rate_limit = Some(quota.check_calls(operation.estimate().calls())?);
    let is_mutation = !operation.is_query();
    if is_mutation {
        running.answer.expect_mutation()?;
        mutation_started.set();
    }
    let mut calls = state.graph.calls(*received_at, options.deadline);
    if options.bypasses_cache && caller.has_scope(Scope::NoCache) {
        calls = calls.bypassing_cache();
    }
    if let Some(trace) = trace {
        calls = calls.with_trace(*trace);
    }
    log.executing(&calls);
    let _charge = quota.charge_calls_on_drop(&calls);
    let execution =
        ExecutionContext { calls, rate_limit, aliases: state.callers.pseudonymizer.clone(), request_id: id.clone() };
    let mut outcome = state.graph.execute(operation, caller, execution).await;
    if options.wants_cost {
        outcome = outcome.with_cost();
    }
    if options.wants_calls {
        outcome = outcome.with_call_records(caller);
    }
    Ok(Executed { response: outcome.response, is_mutation })
}

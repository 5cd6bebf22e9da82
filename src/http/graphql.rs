//! GraphQL over HTTP in four stages: parse the request, check what it asks, execute it, render the answer.
//!
//! A request is taken only in forms that a foreign page in a browser cannot send without asking first: a POST must say
//! that its body is JSON, and a GET may only query. Every refusal is a GraphQL error in JSON; which status it has is the
//! profile's matter (`refusal`), and which media type the client's (`media`).

mod ending;
mod media;
mod parameters;
mod refusal;
mod render;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Request as Operation, Variables};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName, Method, header};
use axum::response::Response;
use futures_util::future::join_all;
use tokio::time::Instant;

pub(super) use self::ending::plain;
pub(super) use self::media::{Media, quality};
pub(super) use self::parameters::Parameters;
pub(super) use self::refusal::{Fault, Refusal};
pub(super) use self::render::{errors_alone, timed_out_mutation};

use self::ending::Ending;
use self::parameters::Asked;
use self::render::{Answer, AnswerLimits, Executed};
use super::auth::Unmet;
use super::guard::RequestId;
use super::limits::{Key, Limits, Over, Payer, Wait};
use super::load::{Load, MutationStarted, Running};
use super::peer::Peer;
use super::persisted::{Found, Persisted};
use super::{Callers, Profile, auth};
use crate::auth::{Caller, LookupMode, Scope};
use crate::graph::Graph;
use crate::graph::document::CheckedOperation;
use crate::graph::error::{Error, ErrorCode};
use crate::graph::execution::ExecutionContext;
use crate::graph::operation::AllowedOperations;
use crate::metrics::Metrics;
use crate::upstream::Trace;

/// The header of a request that asks, with `1`, for the operation's cost in `extensions.cost`.
pub(super) const COST: HeaderName = HeaderName::from_static("x-commongraph-cost");

/// The header of a request that asks, with `1`, for the operation's reads in `extensions.gateway.calls`.
pub(super) const EXPLAIN: HeaderName = HeaderName::from_static("x-commongraph-explain");

/// The header of a request that gives an operation less time than it has: a whole number of milliseconds.
pub(super) const DEADLINE: HeaderName = HeaderName::from_static("x-commongraph-deadline");

/// Who asks where no address is known: all of them together are one.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// What every request meets.
pub(super) struct Edge {
    /// The graph.
    pub(super) graph: Arc<Graph>,
    /// How callers are met.
    pub(super) callers: Callers,
    /// The documents that are known by a hash or an ID.
    pub(super) persisted: Persisted,
    /// Which statuses are given.
    pub(super) profile: Profile,
    /// The largest body, in bytes.
    pub(super) body_max: usize,
    /// The most operations in a list; 0 for no lists.
    pub(super) batch_max: usize,
    /// The largest answer, in bytes.
    pub(super) answer_max: usize,
    /// What requests may hold at once.
    pub(super) load: Load,
    /// Where operations are counted.
    pub(super) metrics: Metrics,
}

/// How an operation came.
#[derive(Clone, Copy)]
struct Way {
    allowed: AllowedOperations,
    /// Whether its cost is told, in `extensions.cost`.
    wants_cost: bool,
    /// Whether its reads are told, if the caller may know.
    wants_calls: bool,
    /// Whether it reads past the cache, if the caller may.
    wants_live: bool,
    /// How long it may take, if the caller says so.
    deadline: Option<Duration>,
}

/// A request that may run.
struct Admitted<'a> {
    way: Way,
    running: Running<'a>,
}

/// One who asks, and who pays for it.
struct Visitor<'a> {
    caller: Caller,
    payer: Payer<'a>,
    /// The caller's address, by which limits count.
    address: IpAddr,
    /// Whether a mutation of the request has started.
    mutation_started: MutationStarted,
    /// When the request came; its operations have their time from then.
    came: Instant,
    /// The request's ID.
    id: Arc<str>,
    /// The trace that the request belongs to.
    trace: Option<Trace>,
}

/// Answers one request, and tells the caller what they have left.
pub(super) async fn answer(State(edge): State<Arc<Edge>>, request: Request) -> Response {
    let edge = &*edge;
    let (head, body) = request.into_parts();
    let media = media::accepted(&head.headers, edge.profile);
    let address = address(&head.extensions);
    match meet(edge, &head, media, address).await {
        Ok(visitor) => {
            let mut response = attend(edge, &head, body, media.unwrap_or(Media::Json), &visitor).await;
            if edge.callers.access.record_token_result(&visitor.caller) {
                edge.callers.limits.failed(address);
            }
            let over = response.extensions().get::<Over>().copied();
            visitor.payer.tell(response.headers_mut(), over);
            response
        }
        Err(refusal) => {
            let response = render::refused(refusal, edge.profile, media.unwrap_or(Media::Json));
            tell_address(&edge.callers.limits, response, address)
        }
    }
}

/// Answers what a caller asks.
async fn attend(edge: &Edge, head: &Parts, body: Body, media: Media, visitor: &Visitor<'_>) -> Response {
    let (admitted, asked) = match begin(edge, head, body, visitor).await {
        Ok(begun) => begun,
        Err(refusal) => return render::refused(refusal, edge.profile, media),
    };
    let limits = AnswerLimits { max: edge.answer_max, unread: &admitted.running.answer };
    let mut response = match asked {
        Asked::One(parameters) => {
            let (answer, mut ending) = run(edge, parameters, visitor, &admitted, Ok(())).await;
            let response = match answer {
                Ok(executed) => render::answered(executed, edge.profile, media, &visitor.id, limits),
                Err(refusal) => render::refused(refusal, edge.profile, media),
            };
            ending.answered(response.status());
            response
        }
        Asked::Batch(all) => {
            let runs = all.into_iter().enumerate().map(async |(number, parameters)| {
                // The request itself has paid for the first.
                let toll = if number > 0 { visitor.payer.take() } else { Ok(()) };
                run(edge, parameters, visitor, &admitted, toll).await
            });
            let (answers, endings): (Vec<_>, Vec<_>) = join_all(runs).await.into_iter().unzip();
            let response = render::batch(answers, &visitor.id, limits);
            endings.into_iter().for_each(|mut ending| ending.answered(response.status()));
            response
        }
    };
    response.extensions_mut().insert(admitted.running.answer);
    response
}

/// Refuses what is asked beside the graph, because the address asks too much.
pub(super) fn too_many(limits: &Limits, wait: Wait, address: IpAddr) -> Response {
    tell_address(limits, render::refused(wait.into(), Profile::Stable, Media::Json), address)
}

fn tell_address(limits: &Limits, mut response: Response, address: IpAddr) -> Response {
    let over = response.extensions().get::<Over>().copied();
    limits.tell(response.headers_mut(), address, over);
    response
}

/// Refuses a method that the graph does not take.
pub(super) fn wrong_method() -> Response {
    let refusal = Refusal::new(Fault::Method, Error::bad_input("Use GET or POST."));
    render::refused(refusal, Profile::Stable, Media::Json)
}

impl Way {
    fn of(head: &Parts) -> Result<Self, Refusal> {
        let allowed = if head.method == Method::POST { AllowedOperations::All } else { AllowedOperations::QueriesOnly };
        let is_one = |name| head.headers.get(name).is_some_and(|value| value == "1");
        let (wants_cost, wants_calls) = (is_one(COST), is_one(EXPLAIN));
        let (wants_live, deadline) = (says_no_cache(&head.headers), deadline(&head.headers)?);
        Ok(Self { allowed, wants_cost, wants_calls, wants_live, deadline })
    }
}

/// The time that a request gives its operations, if it does.
fn deadline(headers: &HeaderMap) -> Result<Option<Duration>, Refusal> {
    let mut given = headers.get_all(DEADLINE).iter();
    let Some(first) = given.next() else { return Ok(None) };
    let digits = first.to_str().ok().filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()));
    // What is too large to be counted is more than there is.
    let number = digits.map(|digits| digits.parse().unwrap_or(u64::MAX)).filter(|number| *number > 0);
    match (number, given.next()) {
        (Some(number), None) => Ok(Some(Duration::from_millis(number))),
        _ => {
            let message = "X-Commongraph-Deadline must be one whole number of milliseconds, at least 1.";
            Err(Refusal::new(Fault::Unreadable, Error::bad_input(message)))
        }
    }
}

/// Whether `Cache-Control` says `no-cache`, among whatever else.
fn says_no_cache(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case("no-cache"))
}

/// Whether a request may read the metrics; if not, what it is told.
pub(super) async fn may_scrape(edge: &Edge, head: &Parts) -> Result<(), Response> {
    let visitor = async {
        let visitor = meet(edge, head, Some(Media::Json), address(&head.extensions)).await?;
        visitor.payer.take()?;
        if visitor.caller.has_scope(Scope::Metrics) {
            return Ok(());
        }
        let (fault, code) = match visitor.caller.is_anonymous() {
            true => (Fault::Unauthenticated, ErrorCode::Unauthenticated),
            false => (Fault::Forbidden, ErrorCode::Forbidden),
        };
        let message = "The metrics are for services whose key has the scope for them.";
        Err(Refusal::new(fault, Error { scope: Some(Scope::Metrics), ..Error::new(code, message) }))
    };
    visitor.await.map_err(|refusal| {
        let response = render::refused(refusal, edge.profile, Media::Json);
        tell_address(&edge.callers.limits, response, address(&head.extensions))
    })
}

/// By which address a request is counted.
pub(super) fn address(extensions: &Extensions) -> IpAddr {
    extensions.get::<Peer>().map_or(NOWHERE, |peer| peer.limit_key())
}

/// Finds out who asks, as cheaply as possible for whom it will not let in.
async fn meet<'a>(edge: &'a Edge, head: &Parts, media: Option<Media>, address: IpAddr) -> Result<Visitor<'a>, Refusal> {
    let came = Instant::now();
    if head.method != Method::GET && head.method != Method::POST {
        return Err(Refusal::new(Fault::Method, Error::bad_input("Use GET or POST.")));
    }
    if media.is_none() {
        let message = "Accept application/graphql-response+json or application/json; nothing else is spoken here.";
        return Err(Refusal::new(Fault::NotAcceptable, Error::bad_input(message)));
    }
    let limits = &edge.callers.limits;
    limits.enter(address)?;
    // An issuer or WordPress.com may have to be asked; that takes no permit of those that run.
    let mut pending = edge.load.pending(address, Key::Address(address), &head.headers);
    let caller = pending.hold(admit(&edge.callers, &head.headers, address)).await??;
    let payer = limits.payer(caller.principal(), address);
    let id = head.extensions.get::<RequestId>().map_or_else(|| "".into(), |id| id.0.clone());
    let mutation_started = head.extensions.get::<MutationStarted>().cloned().unwrap_or_default();
    Ok(Visitor { caller, payer, address, mutation_started, came, id, trace: head.extensions.get().copied() })
}

/// Makes the caller whom a request's headers describe. Where too many were not good, one that is known here to be good
/// goes on, since many can share an address; what may be a guess waits, and costs nobody outside a question.
async fn admit(callers: &Callers, headers: &HeaderMap, address: IpAddr) -> Result<Caller, Refusal> {
    let Callers { access, limits, .. } = callers;
    let shut = limits.may_try(address).err();
    let effort = if shut.is_some() { LookupMode::CachedOnly } else { LookupMode::AllowFetch };
    let admitted = auth::caller(access, headers, effort, |token| limits.ask(address, token)).await;
    admitted.map_err(|why| match (why, shut) {
        (Unmet::Wait(wait), _) => wait.into(),
        (Unmet::Bad(rejection), Some(wait)) if rejection.may_be_guess() => wait.into(),
        (Unmet::Bad(rejection), _) => {
            if rejection.may_be_guess() {
                limits.failed(address);
            }
            auth::refuse(rejection)
        }
    })
}

/// Receives and parses what is asked, of a caller who may ask. The permit to run is taken once the body is there.
async fn begin<'a>(
    edge: &'a Edge,
    head: &Parts,
    body: Body,
    visitor: &Visitor<'_>,
) -> Result<(Admitted<'a>, Asked), Refusal> {
    visitor.payer.take()?;
    let way = Way::of(head)?;
    let (running, asked) = if head.method == Method::GET {
        let parameters = parameters::from_query(&head.headers, &head.uri, edge.body_max)?;
        (edge.load.start(visitor.address)?, Asked::One(parameters))
    } else {
        let pending = edge.load.pending(visitor.address, visitor.payer.key(), &head.headers);
        let body = parameters::receive(&head.headers, body, edge.body_max, pending).await?;
        (edge.load.start(visitor.address)?, parameters::from_body(&body)?)
    };
    if let Asked::Batch(all) = &asked {
        check_batch(all.len(), edge.batch_max)?;
    }
    Ok((Admitted { way, running }, asked))
}

fn check_batch(count: usize, max: usize) -> Result<(), Refusal> {
    let error = match (count, max) {
        (_, 0) => Error::bad_input("Lists of operations are not taken here: send one operation a request."),
        (0, _) => Error::bad_input("The list of operations is empty."),
        _ if count > max => {
            Error::new(ErrorCode::LimitExceeded, format!("The list has {count} operations; at most {max} are taken."))
        }
        _ => return Ok(()),
    };
    Err(Refusal::new(Fault::Malformed, error))
}

/// Checks one operation and executes it, if its toll as a request is paid and the caller can pay for its calls.
async fn run(
    edge: &Edge,
    parameters: Parameters,
    visitor: &Visitor<'_>,
    admitted: &Admitted<'_>,
    toll: Result<(), Wait>,
) -> (Answer, Ending) {
    let mut ending = Ending::begin(edge, visitor, parameters.operation_name.as_deref());
    let answer = match toll {
        Ok(()) => execute(edge, parameters, visitor, admitted, &mut ending).await,
        Err(wait) => Err(wait.into()),
    };
    ending.came_to(&answer);
    (answer, ending)
}

async fn execute(
    edge: &Edge,
    parameters: Parameters,
    visitor: &Visitor<'_>,
    Admitted { way, running }: &Admitted<'_>,
    ending: &mut Ending,
) -> Answer {
    let Visitor { caller, payer, came, id, trace, mutation_started, .. } = visitor;
    let (operation, found) = check(edge, parameters, caller, way.allowed).await?;
    ending.checked(&operation);
    edge.persisted.keep(found);
    let allowance = Some(payer.afford(operation.estimate().calls())?);
    let is_mutation = !operation.is_query();
    if is_mutation {
        running.answer.expect_mutation()?;
        mutation_started.set();
    }
    let mut calls = edge.graph.calls(*came, way.deadline);
    if way.wants_live && caller.has_scope(Scope::NoCache) {
        calls = calls.bypassing_cache();
    }
    if let Some(trace) = trace {
        calls = calls.with_trace(*trace);
    }
    ending.runs(&calls);
    let _bill = payer.bill(&calls);
    let terms = ExecutionContext {
        calls,
        rate_limit: allowance,
        aliases: edge.callers.aliases.clone(),
        request_id: id.clone(),
    };
    let mut outcome = edge.graph.execute(operation, caller, terms).await;
    if way.wants_cost {
        outcome = outcome.with_cost();
    }
    if way.wants_calls {
        outcome = outcome.with_call_records(caller);
    }
    Ok(Executed { response: outcome.response, is_mutation })
}

async fn check(
    edge: &Edge,
    mut parameters: Parameters,
    caller: &Caller,
    allowed: AllowedOperations,
) -> Result<(CheckedOperation, Found), Refusal> {
    let found = edge.persisted.find(&mut parameters)?;
    let mut operation = Operation::new(&*found.text);
    if let Some(variables) = parameters.variables {
        operation = operation.variables(Variables::from_json(serde_json::Value::Object(variables)));
    }
    if let Some(name) = parameters.operation_name {
        operation = operation.operation_name(name);
    }
    Ok((edge.graph.check(operation, caller, allowed).await?, found))
}

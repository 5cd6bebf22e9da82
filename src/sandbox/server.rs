//! One accept loop per provider, and the way of one request through it.
//!
//! The loop is our own rather than `axum::serve` for two reasons: a request can then be refused by dropping its
//! connection without a byte of answer, and all connections live in a set that ends with the sandbox, so that an
//! answer which hangs on purpose cannot outlive it.

use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::request::Parts;
use axum::http::{Method, Request, Response};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::answer::{Answer, Call, Done};
use super::fault::{Aim, Fault, Plan};
use super::gauge::Gauge;
use super::ledger::{Deed, Ledger};
use super::record::Record;
use super::spoil::{Outcome, spoil};
use super::world::World;
use super::{SYNTHETIC_USERS_MAX, Settings, control, fault, oneall, wordpress};

/// Largest body of a write that is read; a longer one is taken for none.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Which of the two APIs a server plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Provider {
    /// WordPress.com.
    WordPress,
    /// OneAll.
    OneAll,
}

impl Provider {
    /// The word for it in faults and in the log.
    pub(super) fn name(self) -> &'static str {
        match self {
            Provider::WordPress => "wordpress",
            Provider::OneAll => "oneall",
        }
    }

    fn answer(self, world: &World, call: &Call) -> Answer {
        match self {
            Provider::WordPress => wordpress::answer(world, call),
            Provider::OneAll => oneall::answer(world, call),
        }
    }

    /// Whose credential a request shows.
    fn person(self, world: &World, call: &Call) -> Option<String> {
        match self {
            Provider::WordPress => wordpress::person(world, call).map(str::to_owned),
            Provider::OneAll => oneall::person(call).map(str::to_owned),
        }
    }

    /// What a request asks to change, if it asks for a change.
    fn write(self, call: &Call, body: &[u8]) -> Option<Write> {
        match self {
            Provider::WordPress => wordpress::write::Write::read(call, body).map(Write::WordPress),
            Provider::OneAll => oneall::write::Write::read(call, body).map(Write::OneAll),
        }
    }
}

/// A change at either provider.
enum Write {
    WordPress(wordpress::write::Write),
    OneAll(oneall::write::Write),
}

impl Write {
    fn deed(&self) -> Deed {
        match self {
            Write::WordPress(write) => write.deed(),
            Write::OneAll(write) => write.deed(),
        }
    }

    fn perform(&self, world: &mut World, call: &Call) -> Done {
        match self {
            Write::WordPress(write) => write.perform(world, call),
            Write::OneAll(write) => write.perform(world, call),
        }
    }
}

/// Everything the two servers share.
#[derive(Debug)]
pub(super) struct Stage {
    /// What exists; behind a lock since it can change while it is served.
    world: RwLock<World>,
    record: Mutex<Record>,
    ledger: Mutex<Ledger>,
    faults: Mutex<Vec<Fault>>,
    /// Answers under way, those of the control endpoints not counted.
    pub(super) open: Gauge,
}

impl Stage {
    /// A fresh world with an empty log and no fault.
    pub(super) fn new(settings: &Settings) -> Self {
        Stage {
            world: RwLock::new(World::build(
                settings.extra_sign_ins,
                settings.extra_keyring,
                settings.synthetic_users.min(SYNTHETIC_USERS_MAX),
            )),
            record: Mutex::default(),
            ledger: Mutex::default(),
            faults: Mutex::default(),
            open: Gauge::default(),
        }
    }

    /// What exists, to be read.
    pub(super) fn world(&self) -> RwLockReadGuard<'_, World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What exists, to be changed.
    pub(super) fn world_mut(&self) -> RwLockWriteGuard<'_, World> {
        self.world.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The log of writes.
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request log.
    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The faults in force.
    pub(super) fn faults(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts connections for ever; dropping the future drops every connection with it.
pub(super) async fn serve(listener: TcpListener, provider: Provider, stage: Arc<Stage>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    connections.spawn(converse(socket, provider, Arc::clone(&stage)));
                }
                // Most likely out of file descriptors: wait for some to come back.
                Err(error) => {
                    tracing::warn!(%error, "sandbox cannot accept");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(socket: TcpStream, provider: Provider, stage: Arc<Stage>) {
    // Small answers must not wait for an acknowledgement; a failure only costs speed.
    let _ = socket.set_nodelay(true);
    let service = service_fn(|request| meet(request, provider, &stage));
    let served = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, provider = provider.name(), "sandbox connection ended");
    }
}

/// Control, or: log → fault → wait → answer, or change and answer → spoil → wait → send.
async fn meet(request: Request<Incoming>, provider: Provider, stage: &Stage) -> Result<Response<Body>, Refused> {
    let (head, body) = request.into_parts();
    if let Some(path) = head.uri.path().strip_prefix("/__sandbox/") {
        let query = head.uri.query().unwrap_or_default();
        let answer = control::answer(stage, &head.method, path, query, Body::new(body)).await;
        return Ok(answer.into_response());
    }
    let underway = stage.open.enter();
    let body = match head.method {
        Method::GET => Bytes::new(),
        _ => to_bytes(Body::new(body), BODY_BYTES_MAX).await.unwrap_or_default(),
    };
    let (outcome, wait) = play(&head, &body, provider, stage).await;
    if let Some(wait) = wait {
        tokio::time::sleep(wait).await;
    }
    match outcome {
        Outcome::Send(_, response) => Ok(response.map(|body| underway.until_sent(body))),
        // Ends when the client leaves or the sandbox is dropped: both drop this future.
        Outcome::Hang => pending().await,
        Outcome::Refuse => Err(Refused),
    }
}

/// Logs a request, does what it asks for unless a fault forbids it, and hands back what to send after which wait.
async fn play(head: &Parts, body: &[u8], provider: Provider, stage: &Stage) -> (Outcome, Option<Duration>) {
    let call = Call::new(head);
    let person = provider.person(&stage.world(), &call);
    let person = person.as_deref();
    let answered = stage.record().note(provider.name(), &call, person);
    let write = provider.write(&call, body);
    let entry = write.as_ref().map(|write| stage.ledger().deliver(provider.name(), person, write.deed()));
    let aim = Aim { provider, method: call.method, path: call.path, person };
    let plan = fault::plan(&mut stage.faults(), aim);
    if let Some(wait) = plan.wait_before {
        tokio::time::sleep(wait).await;
    }
    let done = act(write.as_ref(), &plan, provider, stage, &call);
    let outcome = spoil(done.answer, plan.effect);
    answered.note(outcome.status());
    if let Some(entry) = entry {
        stage.ledger().settle(&entry, done.changed, outcome.status());
    }
    (outcome, plan.wait_after)
}

fn act(write: Option<&Write>, plan: &Plan, provider: Provider, stage: &Stage, call: &Call) -> Done {
    match write {
        None => Done { answer: provider.answer(&stage.world(), call), changed: false },
        Some(_) if plan.spares_the_world => Done { answer: Answer::json(200, &json!({})), changed: false },
        Some(write) => write.perform(&mut stage.world_mut(), call),
    }
}

/// Makes the HTTP layer close the connection without an answer.
#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("refused on purpose")
    }
}

impl std::error::Error for Refused {}

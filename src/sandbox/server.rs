//! One accept loop per provider, and the way of one request through it.
//!
//! The loop is our own rather than `axum::serve` for two reasons: a request can then be refused by dropping its
//! connection without a byte of answer, and all connections live in a set that ends with the sandbox, so that an
//! answer which hangs on purpose cannot outlive it.

use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::answer::{Answer, Call};
use super::fault::Fault;
use super::gauge::Gauge;
use super::record::Record;
use super::spoil::{Outcome, spoil};
use super::world::World;
use super::{Settings, control, fault, oneall, wordpress};

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

    fn person(self, call: &Call) -> Option<&'static str> {
        match self {
            Provider::WordPress => wordpress::person(call),
            Provider::OneAll => oneall::person(call),
        }
    }
}

/// Everything the two servers share.
#[derive(Debug)]
pub(super) struct Stage {
    /// What exists; behind a lock since it can change while it is served.
    pub(super) world: RwLock<World>,
    record: Mutex<Record>,
    faults: Mutex<Vec<Fault>>,
    /// Answers under way, those of the control endpoints not counted.
    pub(super) open: Gauge,
}

impl Stage {
    /// A fresh world with an empty log and no fault.
    pub(super) fn new(settings: &Settings) -> Self {
        Stage {
            world: RwLock::new(World::build(settings.extra_sign_ins, settings.extra_keyring)),
            record: Mutex::default(),
            faults: Mutex::default(),
            open: Gauge::default(),
        }
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

/// Control, or: fault → answer → spoil → log → wait → send.
async fn meet(request: Request<Incoming>, provider: Provider, stage: &Stage) -> Result<Response<Body>, Refused> {
    let (head, body) = request.into_parts();
    if let Some(path) = head.uri.path().strip_prefix("/__sandbox/") {
        let answer = control::answer(stage, &head.method, path, Body::new(body)).await;
        return Ok(answer.into_response());
    }
    let underway = stage.open.enter();
    let call = Call::new(&head);
    let plan = fault::plan(&mut stage.faults(), provider, call.path);
    let answer = {
        let world = stage.world.read().unwrap_or_else(PoisonError::into_inner);
        provider.answer(&world, &call)
    };
    let outcome = spoil(answer, plan.effect);
    stage.record().note(provider.name(), &call, provider.person(&call), outcome.status());
    if let Some(latency) = plan.latency {
        tokio::time::sleep(latency).await;
    }
    match outcome {
        Outcome::Send(_, response) => Ok(response.map(|body| underway.until_sent(body))),
        // Ends when the client leaves or the sandbox is dropped: both drop this future.
        Outcome::Hang => pending().await,
        Outcome::Refuse => Err(Refused),
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

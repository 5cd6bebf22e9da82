//! Why a call has no reply: failures of the network, and refusals by the policies before it.

use std::time::Duration;

/// Why a call has no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No connection: refused, reset, no such name, or the connect timed out.
    #[error("no connection to the provider")]
    Unreachable,
    /// The gateway has no file descriptor, port or memory for a connection. This says nothing about the host.
    #[error("the gateway has no resources for a connection")]
    OutOfResources,
    /// TLS failed: the certificate is not trusted, or there is no common version.
    #[error("TLS to the provider failed")]
    Untrusted,
    /// The deadline passed before a reply came, or before the call could be sent.
    #[error("the provider call timed out")]
    TimedOut,
    /// The connection was lost during the reply, or the reply was not HTTP.
    #[error("the connection was lost")]
    ConnectionLost,
    /// The reply's head or body exceeds the limit.
    #[error("the reply is too large")]
    TooLarge,
    /// The circuit breaker is open for this long.
    #[error("the circuit breaker is open")]
    CircuitOpen(Duration),
    /// The host throttled this credential, so it is not used for this long.
    #[error("the provider throttled the credential")]
    Throttled(Duration),
    /// The queue of calls that wait for this host is full.
    #[error("the queue for the provider is full")]
    QueueFull,
    /// The operation has used up its call budget.
    #[error("the operation's call budget is exhausted")]
    BudgetExhausted,
}

/// Why a sent request has no reply, and whether any byte of it may have reached the host.
#[derive(Clone, Copy, Debug)]
pub struct SendError {
    /// Why.
    pub error: Error,
    /// Whether the request may have been sent.
    pub sent: bool,
}

impl SendError {
    /// The request was certainly not sent.
    pub fn unsent(error: Error) -> Self {
        Self { error, sent: false }
    }

    /// The request may have been sent.
    pub fn sent(error: Error) -> Self {
        Self { error, sent: true }
    }
}

//! Why there is no reply: what the wire says, and what the policies on the way to it refuse.

use std::time::Duration;

/// Why there is no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No connection came about: refused, reset, no such name, or not in time.
    #[error("no connection")]
    Unreachable,
    /// The gateway itself has no file descriptor, port or memory for a connection; the host has no part in it.
    #[error("the gateway has no resources for a connection")]
    OutOfResources,
    /// TLS failed: there is no trust in the host's certificate, or no version in common.
    #[error("no trusted connection: TLS failed")]
    Untrusted,
    /// The time is up, in which there was no answer or no turn to ask for one.
    #[error("no answer in time")]
    TimedOut,
    /// The answer broke off or was not HTTP.
    #[error("the answer broke off")]
    Broken,
    /// The body or the head is larger than the gateway takes.
    #[error("the answer is too large")]
    TooLarge,
    /// The host is in trouble and is left alone for so long.
    #[error("the host is left alone for a while")]
    Open(Duration),
    /// The host asked this credential to slow down, so it is not used for so long.
    #[error("the host asked to slow down")]
    ShutOut(Duration),
    /// Too many reads wait for this host.
    #[error("too many reads wait for this host")]
    Crowded,
    /// The operation has made as many calls as it may.
    #[error("the operation's calls are spent")]
    Spent,
}

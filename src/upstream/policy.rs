//! The policies that a call passes. Each is a pure value over outcomes and instants, so a test can replay any history.

pub(super) mod breaker;
pub(super) mod deadline;
pub(super) mod host;
pub(super) mod queue;
pub(super) mod rate;
pub(super) mod retry;
pub(super) mod sliding_window;
pub(super) mod throttle;

//! Whether the gateway accepts requests.

use tokio_util::sync::CancellationToken;

/// Readiness: on from the start, until it is turned off for good. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Readiness(CancellationToken);

impl Readiness {
    /// Returns whether the gateway is ready.
    pub fn is_ready(&self) -> bool {
        !self.0.is_cancelled()
    }

    /// Turns readiness off, for good.
    pub fn end(&self) {
        self.0.cancel();
    }

    /// Waits until readiness is turned off.
    pub async fn ended(&self) {
        self.0.cancelled().await;
    }
}

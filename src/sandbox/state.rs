//! The state that the two servers share: the stored data, both logs, and the active faults.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::faults::Fault;
use super::fixtures;
use super::fixtures::synthetic_users::SYNTHETIC_USERS_MAX;
use super::in_flight::InFlight;
use super::oneall::store::OneAllStore;
use super::request_log::RequestLog;
use super::wordpress::store::WordPressStore;
use super::write_log::WriteLog;

/// Everything that is stored at both providers.
#[derive(Debug)]
pub(super) struct SandboxData {
    pub(super) wordpress: WordPressStore,
    pub(super) oneall: OneAllStore,
}

impl SandboxData {
    /// The fixed data with this many generated sign-ins, Keyring connections and users.
    ///
    /// More than [`SYNTHETIC_USERS_MAX`] generated users are cut to that number.
    pub(super) fn new(extra_sign_ins: usize, extra_keyring: usize, synthetic_users: usize) -> Self {
        let synthetic_users = synthetic_users.min(SYNTHETIC_USERS_MAX);
        SandboxData {
            wordpress: fixtures::wordpress::store(extra_keyring, synthetic_users),
            oneall: fixtures::oneall::store(extra_sign_ins as u64, synthetic_users),
        }
    }
}

/// The state that the two servers share.
#[derive(Debug)]
pub(super) struct SandboxState {
    data: RwLock<SandboxData>,
    request_log: Mutex<RequestLog>,
    write_log: Mutex<WriteLog>,
    faults: Mutex<Vec<Fault>>,
    /// Responses in progress, without those of the control endpoints.
    pub(super) in_flight: InFlight,
}

impl SandboxState {
    /// State with empty logs and no fault.
    pub(super) fn new(data: SandboxData) -> Self {
        SandboxState {
            data: RwLock::new(data),
            request_log: Mutex::default(),
            write_log: Mutex::default(),
            faults: Mutex::default(),
            in_flight: InFlight::default(),
        }
    }

    /// The stored data, for reading.
    pub(super) fn data(&self) -> RwLockReadGuard<'_, SandboxData> {
        self.data.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stored data, for writing.
    pub(super) fn data_mut(&self) -> RwLockWriteGuard<'_, SandboxData> {
        self.data.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The write log.
    pub(super) fn write_log(&self) -> MutexGuard<'_, WriteLog> {
        self.write_log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request log.
    pub(super) fn request_log(&self) -> MutexGuard<'_, RequestLog> {
        self.request_log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The active faults.
    pub(super) fn faults(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Ranges of the settings by which callers are counted, and the audit log's key.

use super::{Fault, Settings, check_range};
use crate::auth::pseudonym::{self, KEY_LENGTH_MIN};
use crate::http::limits::{KEYS, PER_MINUTE_MAX};

/// Checks them.
pub(super) fn check(settings: &Settings) -> Result<(), Fault> {
    let limits = &settings.limits;
    for (name, value) in limits.amounts() {
        check_range(&format!("limits.{name}"), value.into(), PER_MINUTE_MAX.into())?;
    }
    if !KEYS.contains(&limits.keys_max) {
        let what = format!("out of range; allowed: {} to {}", KEYS.start(), KEYS.end());
        return Err(Fault::new("limits.keys_max", what));
    }
    if settings.log.audit_key.as_ref().is_some_and(|key| !pseudonym::is_key(key)) {
        return Err(Fault::new("log.audit_key", format!("is too short; wanted {KEY_LENGTH_MIN} bytes or more")));
    }
    Ok(())
}

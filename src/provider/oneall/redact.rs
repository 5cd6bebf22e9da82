//! Removes personal data from entities of callers who may not read it, before the entities leave this module.
//!
//! A redacted field is empty in the entity. The entity also has a flag, so that a field can return an error instead of
//! looking empty.

use std::sync::Arc;

use crate::model::{Connection, Identity, OneAllUser};

/// An entity that may contain personal data.
pub(super) trait Redact {
    /// Removes the personal data.
    fn redact(&mut self);
}

impl Redact for Identity {
    fn redact(&mut self) {
        self.redacted = true;
        self.emails = None;
        if let Some(profile) = &mut self.profile {
            profile.redacted = true;
            profile.birthday = None;
            profile.phone_numbers = None;
            profile.addresses = None;
        }
    }
}

impl Redact for Connection {
    fn redact(&mut self) {
        self.identity.iter_mut().map(Arc::make_mut).for_each(Redact::redact);
    }
}

impl Redact for OneAllUser {
    fn redact(&mut self) {
        let identities = self.entry.iter_mut().flat_map(|entry| &mut entry.identities);
        identities.map(Arc::make_mut).for_each(Redact::redact);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EmailEntry, IdentityKey, IdentityToken, LabelledValue, Profile, Provider};

    #[test]
    fn a_redacted_entity_contains_no_personal_data() {
        let Some(token) = IdentityToken::parse("t") else { return };
        let canary = || "canary".to_owned();
        let profile = Profile {
            birthday: Some(canary()),
            phone_numbers: Some(vec![LabelledValue { value: canary(), ..LabelledValue::default() }]),
            addresses: Some(vec![crate::model::identity::Address { formatted: Some(canary()), ..Default::default() }]),
            ..Profile::default()
        };
        let mut identity = Identity {
            emails: Some(vec![EmailEntry { value: canary(), verified: None }]),
            profile: Some(profile),
            ..Identity::with_key(Provider::OneAll, IdentityKey::Token(token))
        };
        assert!(format!("{identity:?}").matches("canary").count() == 4);
        identity.redact();
        assert!(!format!("{identity:?}").contains("canary") && identity.redacted);
    }
}

//! What identifies a person outside, and takes a right of its own: taken out here, before a noun leaves this room.
//!
//! A field that is withheld is empty in the noun, so nothing above can show it; the noun says that it is withheld, so
//! that a field can be refused instead of looking empty.

use std::sync::Arc;

use crate::model::{Connection, Identity, OneAllUser};

/// A noun that may hold what identifies a person outside.
pub(super) trait Redact {
    /// Takes it out.
    fn redact(&mut self);
}

impl Redact for Identity {
    fn redact(&mut self) {
        (self.redacted, self.emails) = (true, None);
        if let Some(profile) = &mut self.profile {
            profile.redacted = true;
            (profile.birthday, profile.phone_numbers, profile.addresses) = (None, None, None);
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
    fn nothing_that_is_withheld_is_left_in_the_noun() {
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

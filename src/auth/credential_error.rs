//! Why a credential is rejected: a precise reason for the log, and a vague one for the client.
//!
//! A client learns that its credential is not valid, or that it has expired. Which check failed stays in the log,
//! because it would guide an attacker. No part of the credential is in either text.

/// The reason why a JWT or a service key is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{}", self.as_str())]
pub enum CredentialError {
    /// The format is wrong, or a claim is missing or has the wrong type.
    Malformed,
    /// The key that it names is unknown, or it names none where one is required.
    UnknownKey,
    /// Its algorithm is not the algorithm of the key.
    WrongAlgorithm,
    /// The signature, or the secret of a service key, is not valid.
    BadSignature,
    /// Another issuer made it.
    WrongIssuer,
    /// It was made for another audience.
    WrongAudience,
    /// It has expired.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// The issuer's key set has not been fetched yet, so it cannot be checked.
    Unavailable,
}

impl CredentialError {
    /// All reasons.
    pub const ALL: [Self; 9] = [
        Self::Malformed,
        Self::UnknownKey,
        Self::WrongAlgorithm,
        Self::BadSignature,
        Self::WrongIssuer,
        Self::WrongAudience,
        Self::Expired,
        Self::NotYetValid,
        Self::Unavailable,
    ];

    /// Returns the reason for the log, as one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown-key",
            Self::WrongAlgorithm => "wrong-algorithm",
            Self::BadSignature => "bad-signature",
            Self::WrongIssuer => "wrong-issuer",
            Self::WrongAudience => "wrong-audience",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::Unavailable => "unavailable",
        }
    }

    /// Returns the reason for the client. It follows the words "The credential in Authorization".
    pub fn client_message(self) -> &'static str {
        match self {
            Self::Expired => "has expired",
            Self::Unavailable => "cannot be checked at present",
            _ => "is not valid",
        }
    }

    /// Returns whether the credential may be valid but cannot be checked now. That is a fault of the gateway, not of
    /// the client.
    pub fn is_unavailable(self) -> bool {
        self == Self::Unavailable
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_reason_is_a_distinct_word() {
        let words: HashSet<_> = CredentialError::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(words.len(), CredentialError::ALL.len());
        assert!(words.iter().all(|word| !word.contains(' ')));
    }

    #[test]
    fn client_messages_do_not_reveal_the_failed_check() {
        let messages: HashSet<_> = CredentialError::ALL.iter().map(|reason| reason.client_message()).collect();
        assert_eq!(messages, HashSet::from(["is not valid", "has expired", "cannot be checked at present"]));
    }
}

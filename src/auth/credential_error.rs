//! Why a credential is refused: one word for the log, and less than that for whoever showed it.
//!
//! A caller who holds a wrong credential learns that it is wrong, and that it has run out if that is all; which check
//! it failed is for the operator, because it is a map for whoever forges one. No value of the credential is in here.

/// Why a credential is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{}", self.as_str())]
pub enum CredentialError {
    /// It is no credential of its kind: a wrong shape, a claim that is missing or of a wrong type, or too large.
    Malformed,
    /// It names a key that is not known, or none where one must be named.
    UnknownKey,
    /// It names an algorithm that is not its key's.
    WrongAlgorithm,
    /// The signature or the secret is not the key's.
    BadSignature,
    /// It is made by another issuer.
    WrongIssuer,
    /// It is made for somebody else.
    WrongAudience,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// No key of the issuer could be had yet, so nothing can be said about it.
    Unavailable,
}

impl CredentialError {
    /// Every reason.
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

    /// The reason as the log has it: one word.
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

    /// What the one who showed the credential is told of it; follows `The credential`.
    pub fn told(self) -> &'static str {
        match self {
            Self::Expired => "has expired",
            Self::Unavailable => "cannot be checked at present",
            _ => "is not valid",
        }
    }

    /// Whether the credential may be a good one that cannot be checked for now: the gateway's trouble, not the caller's.
    pub fn is_unavailable(self) -> bool {
        self == Self::Unavailable
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_reason_is_one_word_of_its_own() {
        let words: HashSet<_> = CredentialError::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(words.len(), CredentialError::ALL.len());
        assert!(words.iter().all(|word| !word.contains(' ')));
    }

    #[test]
    fn whoever_forges_learns_nothing_of_the_check_that_failed() {
        let told: HashSet<_> = CredentialError::ALL.iter().map(|reason| reason.told()).collect();
        assert_eq!(told, HashSet::from(["is not valid", "has expired", "cannot be checked at present"]));
    }
}

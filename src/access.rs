//! Who asks, and what they may read: made once at the border, carried by value, never widened on the way.
//!
//! A provider's read takes a grant, and only this room makes grants; code that forgets to ask who is calling does not
//! compile. The listener is on loopback, so the process that calls is trusted with what the gateway holds: it names the
//! person it acts for, and by naming a OneAll user it gives up the rest of the OneAll site for that request.

pub mod jwks;
pub mod jwt;
pub mod refusal;
pub mod scope;
pub mod service_key;

use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;

/// The longest WordPress.com token taken, in bytes; theirs have 64.
const TOKEN_LENGTH_MAX: usize = 1_024;

/// The longest OneAll user token taken, in bytes; theirs have 36.
const USER_LENGTH_MAX: usize = 128;

/// Who asks: the credentials and rights of one request.
#[derive(Clone, Debug)]
pub struct Caller {
    wordpress: Option<WordPressGrant>,
    oneall: OneAllGrant,
}

/// The right to read at WordPress.com what one person's token reaches.
#[derive(Clone)]
pub struct WordPressGrant {
    token: Arc<SecretString>,
}

/// The right to read at OneAll: one user's own records, or the whole site's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneAllGrant {
    reach: Reach,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reach {
    Site,
    User(Arc<str>),
    Nothing,
}

/// For whom a trusted process acts at OneAll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OneAllActor {
    /// For the site as a whole, as its backend.
    Site,
    /// For the user with this token.
    User(String),
    /// For nobody: a person who has no account there.
    Nobody,
}

impl Caller {
    /// A trusted process on this machine, acting for a person if it names one.
    ///
    /// `wordpress_token` is that person's OAuth token; without it nothing is read at WordPress.com. `oneall` is
    /// whom it acts for at OneAll.
    pub fn on_loopback(wordpress_token: Option<SecretString>, oneall: OneAllActor) -> Self {
        let reach = match oneall {
            OneAllActor::Site => Reach::Site,
            OneAllActor::User(user) => Reach::User(user.into()),
            OneAllActor::Nobody => Reach::Nothing,
        };
        Self {
            wordpress: wordpress_token.map(|token| WordPressGrant { token: Arc::new(token) }),
            oneall: OneAllGrant { reach },
        }
    }

    /// What the caller may read at WordPress.com, if anything.
    pub fn wordpress(&self) -> Option<&WordPressGrant> {
        self.wordpress.as_ref()
    }

    /// What the caller may read at OneAll.
    pub fn oneall(&self) -> &OneAllGrant {
        &self.oneall
    }
}

/// Takes a text for a WordPress.com token if it can be one: visible ASCII without a space, so that it fits a header.
pub fn wordpress_token(text: &str) -> Option<SecretString> {
    let fits = (1..=TOKEN_LENGTH_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    fits.then(|| SecretString::from(text))
}

/// Takes a text for a OneAll user, or for `none`, if it can be one.
pub fn oneall_actor(text: &str) -> Option<OneAllActor> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    match text {
        "none" => Some(OneAllActor::Nobody),
        _ if (1..=USER_LENGTH_MAX).contains(&text.len()) && text.bytes().all(plain) => {
            Some(OneAllActor::User(text.to_owned()))
        }
        _ => None,
    }
}

impl WordPressGrant {
    /// The person's OAuth token, to be shown to WordPress.com and to nobody else.
    pub fn token(&self) -> &SecretString {
        &self.token
    }
}

impl fmt::Debug for WordPressGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WordPressGrant")
    }
}

impl OneAllGrant {
    /// The OneAll user the caller acts for.
    pub fn user(&self) -> Option<&str> {
        match &self.reach {
            Reach::User(user) => Some(user),
            Reach::Site | Reach::Nothing => None,
        }
    }

    /// Whether the caller may read anything there.
    pub fn reaches_anything(&self) -> bool {
        self.reach != Reach::Nothing
    }

    /// Whether the caller may list what belongs to everyone on the site.
    pub fn may_list(&self) -> bool {
        self.reach == Reach::Site
    }

    /// Whether the caller may see a record of this owner. A record without an owner, such as a failed sign-in, is
    /// nobody's in particular, so only the site as a whole may see it.
    pub fn covers(&self, owner: Option<&str>) -> bool {
        match &self.reach {
            Reach::Site => true,
            Reach::User(user) => owner == Some(&**user),
            Reach::Nothing => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_user_sees_only_what_is_theirs() {
        let caller = Caller::on_loopback(None, OneAllActor::User("ada".to_owned()));
        let grant = caller.oneall();
        assert!(grant.covers(Some("ada")) && !grant.covers(Some("ben")) && !grant.covers(None) && !grant.may_list());
    }

    #[test]
    fn nobody_sees_nothing() {
        let caller = Caller::on_loopback(None, OneAllActor::Nobody);
        let grant = caller.oneall();
        assert!(!grant.reaches_anything() && !grant.covers(Some("ada")) && !grant.covers(None) && !grant.may_list());
    }

    #[test]
    fn a_caller_prints_no_token() {
        let caller = Caller::on_loopback(Some(SecretString::from("canary-token")), OneAllActor::Site);
        assert!(!format!("{caller:?}").contains("canary"));
    }
}

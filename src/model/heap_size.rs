//! How much memory a noun holds, by walking it: each text and each list by its capacity, and what an allocator adds.
//!
//! A noun names all its fields here, so one that is added and not weighed does not compile. What several nouns share is
//! weighed in each: the sum may be too large and is never too small.

use std::sync::Arc;

use async_graphql::ID;

use super::user::OneAllUserEntry;
use super::*;

/// What can be weighed.
pub trait HeapSize {
    /// How many bytes it holds beyond itself.
    fn heap_size(&self) -> usize;
}

/// What an allocation of so many bytes takes: allocators round up, by an eighth at most, and small ones to 16 bytes.
fn allocation(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { bytes + bytes / 8 + 16 }
}

impl HeapSize for String {
    fn heap_size(&self) -> usize {
        allocation(self.capacity())
    }
}

impl<T: HeapSize> HeapSize for Vec<T> {
    fn heap_size(&self) -> usize {
        allocation(self.capacity() * size_of::<T>()) + self.iter().map(HeapSize::heap_size).sum::<usize>()
    }
}

impl<T: HeapSize> HeapSize for Option<T> {
    fn heap_size(&self) -> usize {
        self.as_ref().map_or(0, HeapSize::heap_size)
    }
}

impl<T: HeapSize> HeapSize for Arc<T> {
    fn heap_size(&self) -> usize {
        // Its two counts lie before what is shared.
        allocation(2 * size_of::<usize>() + size_of::<T>()) + T::heap_size(self)
    }
}

/// What holds nothing.
macro_rules! bare {
    ($($noun:ty),* $(,)?) => {
        $(impl HeapSize for $noun {
            fn heap_size(&self) -> usize {
                0
            }
        })*
    };
}

/// Texts of which only the words are to be had; they were made to measure.
macro_rules! texts {
    ($($noun:ty),* $(,)?) => {
        $(impl HeapSize for $noun {
            fn heap_size(&self) -> usize {
                allocation(self.as_str().len())
            }
        })*
    };
}

/// What holds what its fields hold.
macro_rules! fields {
    ($($noun:ident { $($field:ident),* $(,)? })*) => {
        $(impl HeapSize for $noun {
            fn heap_size(&self) -> usize {
                let Self { $($field),* } = self;
                0 $(+ $field.heap_size())*
            }
        })*
    };
}

/// What is one of several things.
macro_rules! choices {
    ($($noun:ident { $($choice:ident),* $(,)? })*) => {
        $(impl HeapSize for $noun {
            fn heap_size(&self) -> usize {
                match self {
                    $(Self::$choice(it) => it.heap_size(),)*
                }
            }
        })*
    };
}

bare!(bool, i32, u32, usize, DateTime, Provider, ConnectionKind, HealthState, HealthActionKind, IdentityState);
bare!(ApplicationAccessKind, PermissionRisk, KeyringId, PublicizeId, ApplicationId, SiteId);
texts!(Url, ConnectionToken, UserToken, IdentityToken);

impl HeapSize for ID {
    fn heap_size(&self) -> usize {
        self.0.heap_size()
    }
}

impl<K: HeapSize> HeapSize for OneTimeLink<K> {
    fn heap_size(&self) -> usize {
        match self {
            OneTimeLink::Known(url) => url.heap_size(),
            OneTimeLink::Redacted(key) => key.heap_size(),
        }
    }
}

choices! {
    ConnectionKey { Keyring, Publicize, SignIn }
    ApplicationKey { Connected, Plugin }
    IdentityKey { External, Token, Encrypted }
    ConnectionRecord { Keyring, Publicize, SignIn }
}

fields! {
    SkippedRow { path, detail, rows }
    WordPressUser {
        user_id, username, display_name, email, email_verified, avatar_url, profile_url, language, created_at, site_count,
        token_scope, token_site_id, primary_site,
    }
    OneAllUser { key, entry }
    OneAllUserEntry { state, created_at, last_login_at, login_count, identities, skipped }
    Application {
        key, provider, provider_id, oauth_version, name, description, url, icon_url, authorized_at, permissions, access,
        site,
    }
    Permission { name, description, risk }
    ApplicationAccess { kind, scope }
    Connection {
        key, provider, provider_id, kind, label, created_at, expires_at, shared, additional_accounts, health, service,
        identity, plugin, sites, record, complete,
    }
    ConnectionHealth { state, provider_status, reason, action, expires_at }
    HealthAction { kind, url }
    AdditionalAccount { subject, name, picture_url, description, category }
    KeyringRecord { keyring_connection_id, user_id, kind, refresh_url, show_linkedin_warning }
    PublicizeRecord {
        publicize_connection_id, site_id, user_id, keyring_connection_id, keyring_user_id, refresh_url, help_url, self_url,
        site, keyring,
    }
    SignInRecord { token, status, callback_url, plugin, result, user, action }
    SignInPlugin { key, action, operation, reason, status }
    SignInResult { flag, code, info, succeeded }
    Identity {
        key, provider, provider_id, state, service, service_label, subject, provider_account_uid, display_name, username,
        name, profile_url, picture_url, thumbnail_url, photos, account_url, created_at, updated_at, emails, urls, accounts,
        follower_count, profile, user, complete, redacted,
    }
    PersonName {
        formatted, given_name, middle_name, family_name, nickname, honorific_prefix, honorific_suffix, display_name,
    }
    Photo { url, kind, size }
    EmailEntry { value, verified }
    UrlEntry { url, kind }
    Account { domain, user_id, username }
    Profile {
        gender, birthday, location, about_me, note, utc_offset, relationship, languages, locales, interests, phone_numbers,
        addresses, organizations, educations, roles, certifications, recommendations, owner, redacted,
    }
    Relationship { status, interested_in }
    LabelledValue { value, label, detail }
    Address {
        formatted, kind, company, given_name, middle_name, family_name, street_address, complement, locality, region,
        postal_code, country, code, phone_number, fax_number,
    }
    Organization { name, title, kind, location, department, description, start_date, end_date }
    ServiceEntry {
        slug, label, kind, description, icon_url, genericon, connect_url, supports_multiple_accounts,
        additional_accounts_only, jetpack_support, jetpack_module, status,
    }
    Site { key, name, url, icon_url, description, can_edit_others_posts, complete }
}

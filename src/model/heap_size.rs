//! The heap memory of entities: the capacity of each string and list, plus the overhead of the allocator.
//!
//! Every field of an entity is listed, so a new field that is not counted does not compile. Shared memory is counted for
//! each owner, so the sum may be too large but is never too small.

use std::sync::Arc;

use async_graphql::ID;

use super::user::OneAllUserEntry;
use super::*;

/// A type whose heap memory can be estimated.
pub trait HeapSize {
    /// The size of the heap memory in bytes, without the value itself.
    fn heap_size(&self) -> usize;
}

/// The size of an allocation. Allocators round up by at most an eighth, and small sizes to 16 bytes.
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
        // The two reference counts precede the value.
        allocation(2 * size_of::<usize>() + size_of::<T>()) + T::heap_size(self)
    }
}

/// Types without heap memory.
macro_rules! no_heap {
    ($($entity:ty),* $(,)?) => {
        $(impl HeapSize for $entity {
            fn heap_size(&self) -> usize {
                0
            }
        })*
    };
}

/// Wrappers of strings without spare capacity.
macro_rules! strings {
    ($($entity:ty),* $(,)?) => {
        $(impl HeapSize for $entity {
            fn heap_size(&self) -> usize {
                allocation(self.as_str().len())
            }
        })*
    };
}

/// Structs: the sum of their fields.
macro_rules! fields {
    ($($entity:ident { $($field:ident),* $(,)? })*) => {
        $(impl HeapSize for $entity {
            fn heap_size(&self) -> usize {
                let Self { $($field),* } = self;
                0 $(+ $field.heap_size())*
            }
        })*
    };
}

/// Enums: the size of their variant.
macro_rules! variants {
    ($($entity:ident { $($variant:ident),* $(,)? })*) => {
        $(impl HeapSize for $entity {
            fn heap_size(&self) -> usize {
                match self {
                    $(Self::$variant(it) => it.heap_size(),)*
                }
            }
        })*
    };
}

no_heap!(bool, i32, u32, usize, DateTime, Provider, ConnectionKind, HealthState, HealthActionKind, IdentityState);
no_heap!(ApplicationAccessKind, PermissionRisk, KeyringId, PublicizeId, ApplicationId, SiteId);
strings!(Url, ConnectionToken, UserToken, IdentityToken);

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

variants! {
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

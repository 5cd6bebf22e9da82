//! Identities: a person's accounts at services.
//!
//! OneAll uses the Portable Contacts format, and every documented field is here. Its credentials (`source.access_token`,
//! `refresh_token`, `publish_token`) have no field anywhere, so they can never be printed.

use async_graphql::{Enum, SimpleObject};

use super::heap_size::HeapSize;
use super::key::{IdentityKey, UserToken};
use super::provider::Provider;
use super::scalar::{DateTime, Url};

/// A person's account at a service, as a provider knows it.
///
/// WordPress.com provides a name, a picture and an ID; OneAll provides the whole profile. All fields of an encrypted identity
/// except its keys are null or empty.
#[derive(SimpleObject, HeapSize, Clone, Debug, PartialEq)]
#[graphql(complex)]
pub struct Identity {
    /// The key at the provider.
    #[graphql(skip)]
    pub key: IdentityKey,
    /// The provider of the identity.
    pub provider: Provider,
    /// The OneAll identity token. Null at WordPress.com, and for an encrypted identity that is known only by its sign-in.
    pub provider_id: Option<String>,
    /// Whether the identity can be read. ENCRYPTED when the OneAll site encrypts user data.
    pub state: IdentityState,
    /// The provider's slug of the service.
    #[graphql(skip)]
    pub service: Option<String>,
    /// The provider's name of the service, if any (`source.name` at OneAll).
    #[graphql(skip)]
    pub service_label: Option<String>,
    /// The ID of the account at the service. Null when the provider does not provide it.
    pub subject: Option<String>,
    /// OneAll's ID of the account on the site, the same for all users who linked it. Null at WordPress.com and when OneAll
    /// provides none.
    pub provider_account_uid: Option<String>,
    /// The display name. Null when the provider provides none.
    pub display_name: Option<String>,
    /// The login name or handle; it may contain spaces. Null when the service provides none.
    pub username: Option<String>,
    /// The parts of the person's name. Null at WordPress.com and when the service provides none.
    pub name: Option<PersonName>,
    /// The URL of the profile page. Null when unknown.
    pub profile_url: Option<Url>,
    /// The URL of a picture. Null when unknown.
    pub picture_url: Option<Url>,
    /// The URL of a small picture. Null at WordPress.com and when OneAll provides none.
    pub thumbnail_url: Option<Url>,
    /// Pictures in several sizes.
    pub photos: Vec<Photo>,
    /// OneAll's URL that identifies the account. It is not always the profile page. Null at WordPress.com.
    pub account_url: Option<Url>,
    /// The time of creation at the provider. Null at WordPress.com and when OneAll does not provide it.
    pub created_at: Option<DateTime>,
    /// The time of the last update at the provider. Null at WordPress.com and when OneAll does not provide it.
    pub updated_at: Option<DateTime>,
    /// The email addresses. Empty when the service provides none.
    #[graphql(skip)]
    pub emails: Option<Vec<EmailEntry>>,
    /// Links of the person.
    pub urls: Vec<UrlEntry>,
    /// The accounts at the service, mostly one.
    pub accounts: Vec<Account>,
    /// The number of followers. Null except for Publicize connections for which WordPress.com provides it.
    pub follower_count: Option<i32>,
    /// The profile of the person. Null when the provider has none.
    pub profile: Option<Profile>,
    /// The OneAll user who owns it, if known.
    #[graphql(skip)]
    pub user: Option<UserToken>,
    /// False for a row of a list that has fewer fields than the object (OneAll's `/identities.json`).
    #[graphql(skip)]
    pub complete: bool,
    /// Whether personal data were removed because the caller may not read them.
    #[graphql(skip)]
    pub redacted: bool,
}

impl Identity {
    /// A readable identity with a key only.
    pub fn with_key(provider: Provider, key: IdentityKey) -> Self {
        Self {
            key,
            provider,
            provider_id: None,
            state: IdentityState::Readable,
            service: None,
            service_label: None,
            subject: None,
            provider_account_uid: None,
            display_name: None,
            username: None,
            name: None,
            profile_url: None,
            picture_url: None,
            thumbnail_url: None,
            photos: Vec::new(),
            account_url: None,
            created_at: None,
            updated_at: None,
            emails: None,
            urls: Vec::new(),
            accounts: Vec::new(),
            follower_count: None,
            profile: None,
            user: None,
            complete: true,
            redacted: false,
        }
    }
}

/// Whether an identity or a OneAll user can be read.
#[derive(Enum, HeapSize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdentityState {
    /// The data can be read.
    Readable,
    /// The OneAll site encrypts user data. The gateway does not have the key.
    Encrypted,
}

/// The parts of a person's name.
#[derive(SimpleObject, HeapSize, Clone, Debug, Default, PartialEq)]
pub struct PersonName {
    /// The complete name, formatted for display. Null when the service provides none.
    pub formatted: Option<String>,
    /// The first name. Null when the service provides none.
    pub given_name: Option<String>,
    /// The middle name. Null when the service provides none.
    pub middle_name: Option<String>,
    /// The last name. Null when the service provides none.
    pub family_name: Option<String>,
    /// The nickname. Null when the service provides none.
    pub nickname: Option<String>,
    /// The prefix, such as "Dr". Null when the service provides none.
    pub honorific_prefix: Option<String>,
    /// The suffix, such as "Jr". Null when the service provides none.
    pub honorific_suffix: Option<String>,
    /// The display name. Null when the service provides none.
    pub display_name: Option<String>,
}

/// A picture.
#[derive(SimpleObject, HeapSize, Clone, Debug, PartialEq)]
pub struct Photo {
    /// The URL of the picture.
    pub url: Url,
    /// The type, such as `thumbnail`. Null when the record has none; only older records have it.
    #[graphql(name = "type")]
    pub kind: Option<String>,
    /// OneAll's size, from `2:XS` to `5:L`. Null when the record has none; only newer records have it.
    pub size: Option<String>,
}

/// An email address.
#[derive(SimpleObject, HeapSize, Clone, Debug, PartialEq)]
pub struct EmailEntry {
    /// The email address.
    pub value: String,
    /// Whether the service has verified the address. Null when the service does not provide it; treat null as false.
    pub verified: Option<bool>,
}

/// A link of a person.
#[derive(SimpleObject, HeapSize, Clone, Debug, PartialEq)]
pub struct UrlEntry {
    /// The URL.
    pub url: Url,
    /// The type, such as `profile`. Null when the service provides none.
    #[graphql(name = "type")]
    pub kind: Option<String>,
}

/// An account at a service.
#[derive(SimpleObject, HeapSize, Clone, Debug, PartialEq)]
pub struct Account {
    /// The domain of the service, such as `twitter.com`. Null when the service does not provide it.
    pub domain: Option<String>,
    /// The ID of the account at the service. Null when the service does not provide it.
    pub user_id: Option<String>,
    /// The handle of the account. Null when the service does not provide it.
    pub username: Option<String>,
}

/// The profile of a person at a service. Fields are null or empty when the service provides nothing.
#[derive(SimpleObject, HeapSize, Clone, Debug, Default, PartialEq)]
#[graphql(complex)]
pub struct Profile {
    /// The gender, mostly `male` or `female`. Null when the service provides none.
    pub gender: Option<String>,
    /// The birthday as the service provides it, mostly MM/DD/YYYY.
    #[graphql(skip)]
    pub birthday: Option<String>,
    /// The location. Null when the service provides none.
    pub location: Option<String>,
    /// The description that the person wrote. Null when the service provides none.
    pub about_me: Option<String>,
    /// A note about the person. Null when the service provides none.
    pub note: Option<String>,
    /// The offset from UTC in hours and minutes, such as `2:00`. Null when the service provides none.
    pub utc_offset: Option<String>,
    /// The relationship status. Null when the service provides none.
    pub relationship: Option<Relationship>,
    /// The languages, with level and remark.
    pub languages: Vec<LabelledValue>,
    /// The locales, such as `en_GB`.
    pub locales: Vec<LabelledValue>,
    /// The interests, with category.
    pub interests: Vec<LabelledValue>,
    /// The phone numbers, with type.
    #[graphql(skip)]
    pub phone_numbers: Option<Vec<LabelledValue>>,
    /// The postal addresses.
    #[graphql(skip)]
    pub addresses: Option<Vec<Address>>,
    /// The organizations, such as employers and clubs.
    pub organizations: Vec<Organization>,
    /// The schools, with type.
    pub educations: Vec<LabelledValue>,
    /// The roles.
    pub roles: Vec<String>,
    /// The certifications: `value` is the name and `label` the number. `detail` lists issuer, start and end, separated by
    /// commas; missing parts are omitted.
    pub certifications: Vec<LabelledValue>,
    /// The recommendations, with author.
    pub recommendations: Vec<LabelledValue>,
    /// The identity that has the profile.
    #[graphql(skip)]
    pub owner: Option<IdentityKey>,
    /// Whether the birthday, phone numbers and addresses were removed.
    #[graphql(skip)]
    pub redacted: bool,
}

/// The relationship status of a person.
#[derive(SimpleObject, HeapSize, Clone, Debug, Default, PartialEq)]
pub struct Relationship {
    /// The status, such as `single`. Null when the service provides none.
    pub status: Option<String>,
    /// The gender that the person is interested in, such as `women`. Null when the service provides none.
    pub interested_in: Option<String>,
}

/// A value with a label and a detail.
#[derive(SimpleObject, HeapSize, Clone, Debug, Default, PartialEq)]
pub struct LabelledValue {
    /// The value.
    pub value: String,
    /// The type, category or degree. Null when the service provides none.
    pub label: Option<String>,
    /// A remark or further information. Null when the service provides none.
    pub detail: Option<String>,
}

/// A postal address.
#[derive(SimpleObject, HeapSize, Clone, Debug, Default, PartialEq)]
pub struct Address {
    /// The complete address, formatted for display. Null when the service provides none.
    pub formatted: Option<String>,
    /// The type, such as `billing`. Null when the service provides none.
    #[graphql(name = "type")]
    pub kind: Option<String>,
    /// The company. Null when the service provides none.
    pub company: Option<String>,
    /// The addressee's first name. Null when the service provides none.
    pub given_name: Option<String>,
    /// The addressee's middle name. Null when the service provides none.
    pub middle_name: Option<String>,
    /// The addressee's last name. Null when the service provides none.
    pub family_name: Option<String>,
    /// The street and number. Null when the service provides none.
    pub street_address: Option<String>,
    /// The second line of the address. Null when the service provides none.
    pub complement: Option<String>,
    /// The city or town. Null when the service provides none.
    pub locality: Option<String>,
    /// The state or region. Null when the service provides none.
    pub region: Option<String>,
    /// The postal code. Null when the service provides none.
    pub postal_code: Option<String>,
    /// The country. Null when the service provides none.
    pub country: Option<String>,
    /// OneAll's `code`, mostly the country code. Null when the service provides none.
    pub code: Option<String>,
    /// The phone number. Null when the service provides none.
    pub phone_number: Option<String>,
    /// The fax number. Null when the service provides none.
    pub fax_number: Option<String>,
}

/// An organization, such as an employer or a club.
#[derive(SimpleObject, HeapSize, Clone, Debug, PartialEq)]
pub struct Organization {
    /// The name of the organization.
    pub name: String,
    /// The title of the person. Null when the service provides none.
    pub title: Option<String>,
    /// The type, such as `job`. Null when the service provides none.
    #[graphql(name = "type")]
    pub kind: Option<String>,
    /// The URL of the picture. Null when the service provides none.
    pub location: Option<String>,
    /// The department. Null when the service provides none.
    pub department: Option<String>,
    /// The description of the work. Null when the service provides none.
    pub description: Option<String>,
    /// The start date, as the service provides it. Null when the service provides none.
    pub start_date: Option<String>,
    /// The end date, as the service provides it. Null when the service provides none, as for a current position.
    pub end_date: Option<String>,
}

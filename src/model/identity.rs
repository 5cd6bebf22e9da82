//! An identity: a person's account at an outside service, as one provider sees it.
//!
//! OneAll writes identities in the Portable Contacts format; what it documents is all here. Its live credentials
//! (`source.access_token`, `refresh_token`, `publish_token`) have no field anywhere, so nothing can print them.

use async_graphql::{Enum, SimpleObject};

use super::{DateTime, IdentityKey, Provider, Url, UserToken};

/// A person's account at an outside service, as one provider sees it.
///
/// WordPress.com knows little of it (a name, a picture, a number); OneAll knows the whole profile the service gave. Of an
/// encrypted identity nothing is known but its keys: all else is null or empty.
#[derive(SimpleObject, Clone, Debug, PartialEq)]
#[graphql(complex)]
pub struct Identity {
    /// Which thing this is at its provider.
    #[graphql(skip)]
    pub key: IdentityKey,
    /// The provider that knows it.
    pub provider: Provider,
    /// OneAll's identity token. Null at WordPress.com, which knows the account only through a connection, and for an
    /// encrypted identity that is known only through its sign-in.
    pub provider_id: Option<String>,
    /// Whether it can be read: ENCRYPTED where the OneAll site encrypts its users' data.
    pub state: IdentityState,
    /// The service's slug as the provider spells it.
    #[graphql(skip)]
    pub service: Option<String>,
    /// The service's name as the provider writes it, where it does (OneAll's `source.name`).
    #[graphql(skip)]
    pub service_label: Option<String>,
    /// The account's own ID at the service: Keyring's `external_ID`, OneAll's `accounts[].userid`. Null where it is not
    /// given.
    pub subject: Option<String>,
    /// OneAll's mark of the account, the same for everyone who uses it on the site. Null at WordPress.com and where OneAll
    /// gives none.
    pub provider_account_uid: Option<String>,
    /// The name to show. Null where the provider knows none.
    pub display_name: Option<String>,
    /// The name the person signs in with, or the service's handle. It may hold spaces. Null if the service gave none.
    pub username: Option<String>,
    /// The parts of the person's name. Null at WordPress.com, and where the service gave none.
    pub name: Option<PersonName>,
    /// The page about the account at the service. Null if none is known.
    pub profile_url: Option<Url>,
    /// A picture of the person. Null if none is known.
    pub picture_url: Option<Url>,
    /// A small picture. Null at WordPress.com, and if OneAll has none.
    pub thumbnail_url: Option<Url>,
    /// Pictures in several sizes.
    pub photos: Vec<Photo>,
    /// OneAll's `id`: a link that names the account. It is not always the profile page. Null at WordPress.com.
    pub account_url: Option<Url>,
    /// When the provider first saw it. Null at WordPress.com, and where OneAll does not say.
    pub created_at: Option<DateTime>,
    /// When the provider last renewed it. Null at WordPress.com, and where OneAll does not say.
    pub updated_at: Option<DateTime>,
    /// E-mail addresses. Empty where the service gave none.
    #[graphql(skip)]
    pub emails: Option<Vec<EmailEntry>>,
    /// Links the person gave.
    pub urls: Vec<UrlEntry>,
    /// The account at the service, as the service names it; now and then several.
    pub accounts: Vec<Account>,
    /// How many follow the account. Null but for a Publicize connection of which WordPress.com knows it.
    pub follower_count: Option<i32>,
    /// What the person says of themselves. Null where the provider has no profile.
    pub profile: Option<Profile>,
    /// The OneAll user who owns it, where the answer says so.
    #[graphql(skip)]
    pub user: Option<UserToken>,
    /// False on a row of a list that carries less than the thing itself (OneAll's `/identities.json`).
    #[graphql(skip)]
    pub complete: bool,
    /// Whether what identifies the person outside was taken out, since the caller has no right to it.
    #[graphql(skip)]
    pub redacted: bool,
}

impl Identity {
    /// A readable identity of which nothing is known but what names it.
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

/// Whether an identity, or a user of the OneAll site, can be read.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdentityState {
    /// Its data is plain.
    Readable,
    /// The OneAll site encrypts user data; the key goes only to the callback of the sign-in, and the gateway has none.
    Encrypted,
}

/// The parts of a person's name, each as the service gave it.
#[derive(SimpleObject, Clone, Debug, Default, PartialEq)]
pub struct PersonName {
    /// The whole name, ready to show. Null where the service gave none.
    pub formatted: Option<String>,
    /// First name. Null where the service gave none.
    pub given_name: Option<String>,
    /// Middle name. Null where the service gave none.
    pub middle_name: Option<String>,
    /// Last name. Null where the service gave none.
    pub family_name: Option<String>,
    /// Nickname. Null where the service gave none.
    pub nickname: Option<String>,
    /// "Dr". Null where the service gave none.
    pub honorific_prefix: Option<String>,
    /// "Jr". Null where the service gave none.
    pub honorific_suffix: Option<String>,
    /// A name to show, beside `formatted`. Null where the service gave none.
    pub display_name: Option<String>,
}

/// A picture in one size.
#[derive(SimpleObject, Clone, Debug, PartialEq)]
pub struct Photo {
    /// Where it is.
    pub url: Url,
    /// An older record's word for it, such as `thumbnail`. Null where the record has none, as newer ones.
    #[graphql(name = "type")]
    pub kind: Option<String>,
    /// OneAll's mark of the size, from `2:XS` to `5:L`. Null where the record has none, as older ones.
    pub size: Option<String>,
}

/// An e-mail address.
#[derive(SimpleObject, Clone, Debug, PartialEq)]
pub struct EmailEntry {
    /// The address.
    pub value: String,
    /// Whether the service says the person controls it. Null where it does not say: treat that as no.
    pub verified: Option<bool>,
}

/// A link the person gave.
#[derive(SimpleObject, Clone, Debug, PartialEq)]
pub struct UrlEntry {
    /// The link.
    pub url: Url,
    /// What it leads to, such as `profile`. Null where the service does not say.
    #[graphql(name = "type")]
    pub kind: Option<String>,
}

/// An account at a service, as the service names it.
#[derive(SimpleObject, Clone, Debug, PartialEq)]
pub struct Account {
    /// The service's domain, such as `twitter.com`. Null where the service did not tell it.
    pub domain: Option<String>,
    /// The account's own ID there. Null where the service did not tell it.
    pub user_id: Option<String>,
    /// Its handle. Null where the service did not tell it, as often.
    pub username: Option<String>,
}

/// What a person says of themselves at the service. Each field is null or empty where the service gave nothing.
#[derive(SimpleObject, Clone, Debug, Default, PartialEq)]
#[graphql(complex)]
pub struct Profile {
    /// The service's word, mostly `male` or `female`. Null where the service gave none.
    pub gender: Option<String>,
    /// As the service gave it: mostly MM/DD/YYYY, now and then only a part.
    #[graphql(skip)]
    pub birthday: Option<String>,
    /// Where the person says they are. Null where the service gave none.
    pub location: Option<String>,
    /// What the person writes about themselves. Null where the service gave none.
    pub about_me: Option<String>,
    /// A note on the person. Null where the service gave none.
    pub note: Option<String>,
    /// Hours and minutes from UTC, such as `2:00`. Null where the service gave none.
    pub utc_offset: Option<String>,
    /// Whether the person has a partner, and whom they look for. Null where the service said nothing of it.
    pub relationship: Option<Relationship>,
    /// Languages: the language, how well, a remark.
    pub languages: Vec<LabelledValue>,
    /// Locales such as `en_GB`.
    pub locales: Vec<LabelledValue>,
    /// Interests, with a category.
    pub interests: Vec<LabelledValue>,
    /// Phone numbers, with a type.
    #[graphql(skip)]
    pub phone_numbers: Option<Vec<LabelledValue>>,
    /// Postal addresses.
    #[graphql(skip)]
    pub addresses: Option<Vec<Address>>,
    /// Employers and clubs.
    pub organizations: Vec<Organization>,
    /// Schools, with a type.
    pub educations: Vec<LabelledValue>,
    /// Roles.
    pub roles: Vec<String>,
    /// Certificates: the name; as the label its number; as the detail who gave it, from when and until when, in this order and
    /// with a comma between. What is not said is left out, so a detail can be a date alone.
    pub certifications: Vec<LabelledValue>,
    /// Recommendations: the text and who wrote it.
    pub recommendations: Vec<LabelledValue>,
    /// The identity whose profile it is.
    #[graphql(skip)]
    pub owner: Option<IdentityKey>,
    /// Whether the birthday, the phone numbers and the addresses were taken out.
    #[graphql(skip)]
    pub redacted: bool,
}

/// Whether a person has a partner, and whom they look for, in the service's words.
#[derive(SimpleObject, Clone, Debug, Default, PartialEq)]
pub struct Relationship {
    /// Such as `single`. Null where the service gave none.
    pub status: Option<String>,
    /// Such as `women`. Null where the service gave none.
    pub interested_in: Option<String>,
}

/// A value with what the service said about it.
#[derive(SimpleObject, Clone, Debug, Default, PartialEq)]
pub struct LabelledValue {
    /// The value.
    pub value: String,
    /// Its type, category or degree. Null where the service gave none.
    pub label: Option<String>,
    /// A remark, or the rest of what was said. Null where the service gave none.
    pub detail: Option<String>,
}

/// A postal address; every part may be missing.
#[derive(SimpleObject, Clone, Debug, Default, PartialEq)]
pub struct Address {
    /// The whole address, ready to show. Null where the service gave none.
    pub formatted: Option<String>,
    /// Such as `billing`. Null where the service gave none.
    #[graphql(name = "type")]
    pub kind: Option<String>,
    /// The company. Null where the service gave none.
    pub company: Option<String>,
    /// The addressee's first name. Null where the service gave none.
    pub given_name: Option<String>,
    /// The addressee's middle name. Null where the service gave none.
    pub middle_name: Option<String>,
    /// The addressee's last name. Null where the service gave none.
    pub family_name: Option<String>,
    /// Street and number. Null where the service gave none.
    pub street_address: Option<String>,
    /// A second line. Null where the service gave none.
    pub complement: Option<String>,
    /// Town. Null where the service gave none.
    pub locality: Option<String>,
    /// State or region. Null where the service gave none.
    pub region: Option<String>,
    /// Postal code. Null where the service gave none.
    pub postal_code: Option<String>,
    /// Country. Null where the service gave none.
    pub country: Option<String>,
    /// OneAll's `code`, which it does not explain: mostly the country's. Null where the service gave none.
    pub code: Option<String>,
    /// Telephone at this address. Null where the service gave none.
    pub phone_number: Option<String>,
    /// Fax at this address. Null where the service gave none.
    pub fax_number: Option<String>,
}

/// An employer or a club.
#[derive(SimpleObject, Clone, Debug, PartialEq)]
pub struct Organization {
    /// Its name.
    pub name: String,
    /// The person's title there. Null where the service gave none.
    pub title: Option<String>,
    /// What it is, such as `job`. Null where the service gave none.
    #[graphql(name = "type")]
    pub kind: Option<String>,
    /// Where it is. Null where the service gave none.
    pub location: Option<String>,
    /// The part of it the person is in. Null where the service gave none.
    pub department: Option<String>,
    /// What the person does or did there. Null where the service gave none.
    pub description: Option<String>,
    /// From when, as the service wrote it. Null where the service gave none.
    pub start_date: Option<String>,
    /// Until when, as the service wrote it. Null where the service gave none, as of a present one.
    pub end_date: Option<String>,
}

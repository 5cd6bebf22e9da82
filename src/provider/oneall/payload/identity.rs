//! An identity in OneAll's JSON: Portable Contacts in camelCase, and OneAll's own fields in snake_case.
//!
//! Two fields are omitted on purpose, because they would be personal data without a purpose. `customData` (cloud
//! storage only) is what the site's owner stored, not what a service reported. `browser` describes the last used
//! device.

use serde::Deserialize;

use crate::provider::lenient::{MaybeObject, Rows, Scalar};

/// An identity: complete, or the short reference (`identity_token`, `provider`) in users and sign-ins.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Identity {
    #[serde(rename = "identity_token")]
    pub(crate) identity_token: Scalar,
    // Only if the identity was read on its own. In a sign-in, the identity is inside its user.
    #[serde(rename = "user_token")]
    pub(crate) user_token: Scalar,
    #[serde(rename = "date_creation")]
    pub(crate) date_creation: Scalar,
    #[serde(rename = "date_last_update")]
    pub(crate) date_last_update: Scalar,
    pub(crate) provider: Scalar,
    #[serde(rename = "provider_identity_uid")]
    pub(crate) provider_identity_uid: Scalar,
    pub(crate) source: MaybeObject<Source>,
    // A URL of the account, not a number.
    pub(crate) id: Scalar,
    pub(crate) display_name: Scalar,
    pub(crate) name: MaybeObject<Name>,
    pub(crate) preferred_username: Scalar,
    pub(crate) profile_url: Scalar,
    pub(crate) thumbnail_url: Scalar,
    pub(crate) picture_url: Scalar,
    pub(crate) current_location: Scalar,
    pub(crate) about_me: Scalar,
    pub(crate) note: Scalar,
    pub(crate) birthday: Scalar,
    pub(crate) gender: Scalar,
    pub(crate) utc_offset: Scalar,
    pub(crate) roles: Rows<Valued>,
    pub(crate) relationship: MaybeObject<Relationship>,
    pub(crate) emails: Rows<Email>,
    pub(crate) urls: Rows<Valued>,
    pub(crate) accounts: Rows<Account>,
    pub(crate) photos: Rows<Valued>,
    pub(crate) languages: Rows<Valued>,
    pub(crate) locales: Rows<Valued>,
    pub(crate) interests: Rows<Valued>,
    pub(crate) addresses: Rows<Address>,
    pub(crate) phone_numbers: Rows<Valued>,
    pub(crate) organizations: Rows<Organization>,
    pub(crate) educations: Rows<Valued>,
    pub(crate) certifications: Rows<Certification>,
    pub(crate) recommendations: Rows<Recommendation>,
}

/// A row of `/identities.json`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct IdentityEntry {
    pub(crate) identity_token: Scalar,
    pub(crate) user_token: Scalar,
    pub(crate) provider: Scalar,
    pub(crate) source: MaybeObject<Source>,
    pub(crate) date_creation: Scalar,
    pub(crate) date_last_update: Scalar,
}

/// The service, by name and key. The live credentials next to them have no field.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Source {
    pub(crate) name: Scalar,
    pub(crate) key: Scalar,
}

/// The parts of a name.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Name {
    pub(crate) formatted: Scalar,
    pub(crate) given_name: Scalar,
    pub(crate) middle_name: Scalar,
    pub(crate) family_name: Scalar,
    pub(crate) nick_name: Scalar,
    pub(crate) honorific_prefix: Scalar,
    pub(crate) honorific_suffix: Scalar,
    pub(crate) display_name: Scalar,
}

/// The relationship status, and who the person is interested in. Its fields are in snake_case.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Relationship {
    pub(crate) status: Scalar,
    pub(crate) interested_in: Scalar,
}

/// A value with optional details. Roles, URLs, photos, languages, locales, interests, phone numbers and educations use
/// this type, and each uses only some of its fields.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Valued {
    pub(crate) value: Scalar,
    #[serde(rename = "type")]
    pub(crate) kind: Scalar,
    pub(crate) size: Scalar,
    pub(crate) category: Scalar,
    pub(crate) proficiency: Scalar,
    pub(crate) description: Scalar,
}

/// An e-mail address. `is_verified` is true, "true", 1, "1" or missing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Email {
    pub(crate) value: Scalar,
    pub(crate) is_verified: Scalar,
}

/// An account at a service. `username` is often missing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Account {
    pub(crate) domain: Scalar,
    pub(crate) userid: Scalar,
    pub(crate) username: Scalar,
}

/// A postal address: `formatted` from a service, the other fields from cloud storage.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Address {
    pub(crate) formatted: Scalar,
    #[serde(rename = "type")]
    pub(crate) kind: Scalar,
    pub(crate) company_name: Scalar,
    pub(crate) first_name: Scalar,
    pub(crate) middle_name: Scalar,
    pub(crate) last_name: Scalar,
    pub(crate) phone_number: Scalar,
    pub(crate) fax_number: Scalar,
    pub(crate) street_address: Scalar,
    pub(crate) complement: Scalar,
    pub(crate) locality: Scalar,
    pub(crate) region: Scalar,
    pub(crate) postal_code: Scalar,
    pub(crate) code: Scalar,
    pub(crate) country: Scalar,
}

/// An employer or a club. A row without a name is skipped.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Organization {
    pub(crate) name: Scalar,
    pub(crate) title: Scalar,
    #[serde(rename = "type")]
    pub(crate) kind: Scalar,
    pub(crate) location: Scalar,
    pub(crate) department: Scalar,
    pub(crate) description: Scalar,
    pub(crate) start_date: Scalar,
    pub(crate) end_date: Scalar,
}

/// A certificate.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Certification {
    pub(crate) name: Scalar,
    pub(crate) number: Scalar,
    pub(crate) authority: Scalar,
    pub(crate) start_date: Scalar,
    pub(crate) end_date: Scalar,
}

/// A text that another person wrote about this one.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Recommendation {
    pub(crate) value: Scalar,
    pub(crate) recommender: MaybeObject<Recommender>,
}

/// The author of a recommendation.
///
/// OneAll documents no keys (its forum module prints all that it gets). These are the usual keys of a name.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Recommender {
    pub(crate) formatted: Scalar,
    pub(crate) display_name: Scalar,
    pub(crate) name: Scalar,
    pub(crate) given_name: Scalar,
    pub(crate) first_name: Scalar,
    pub(crate) family_name: Scalar,
    pub(crate) last_name: Scalar,
}

//! An identity as OneAll writes it: Portable Contacts in camelCase, and OneAll's own fields in snake_case.
//!
//! Two fields are left out on purpose. `customData` (cloud storage only) is whatever the site's owner stored, not
//! something a service said of the account; `browser` describes the device the person last used, which nobody who asks
//! for an identity has asked for. Both would be personal data without a purpose.

use serde::Deserialize;

use crate::provider::lenient::{Loose, Maybe, Rows};

/// An identity, in full or as the short reference (`identity_token`, `provider`) that users and sign-ins carry.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Identity {
    #[serde(rename = "identity_token")]
    pub(crate) identity_token: Loose,
    // Only where the identity itself is read; inside a sign-in the user stands around it.
    #[serde(rename = "user_token")]
    pub(crate) user_token: Loose,
    #[serde(rename = "date_creation")]
    pub(crate) date_creation: Loose,
    #[serde(rename = "date_last_update")]
    pub(crate) date_last_update: Loose,
    pub(crate) provider: Loose,
    #[serde(rename = "provider_identity_uid")]
    pub(crate) provider_identity_uid: Loose,
    pub(crate) source: Maybe<Source>,
    // A link that names the account, not a number.
    pub(crate) id: Loose,
    pub(crate) display_name: Loose,
    pub(crate) name: Maybe<Name>,
    pub(crate) preferred_username: Loose,
    pub(crate) profile_url: Loose,
    pub(crate) thumbnail_url: Loose,
    pub(crate) picture_url: Loose,
    pub(crate) current_location: Loose,
    pub(crate) about_me: Loose,
    pub(crate) note: Loose,
    pub(crate) birthday: Loose,
    pub(crate) gender: Loose,
    pub(crate) utc_offset: Loose,
    pub(crate) roles: Rows<Valued>,
    pub(crate) relationship: Maybe<Relationship>,
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
    pub(crate) identity_token: Loose,
    pub(crate) user_token: Loose,
    pub(crate) provider: Loose,
    pub(crate) source: Maybe<Source>,
    pub(crate) date_creation: Loose,
    pub(crate) date_last_update: Loose,
}

/// The service, by name and key. The live credentials beside them have no field.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Source {
    pub(crate) name: Loose,
    pub(crate) key: Loose,
}

/// The parts of a name.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Name {
    pub(crate) formatted: Loose,
    pub(crate) given_name: Loose,
    pub(crate) middle_name: Loose,
    pub(crate) family_name: Loose,
    pub(crate) nick_name: Loose,
    pub(crate) honorific_prefix: Loose,
    pub(crate) honorific_suffix: Loose,
    pub(crate) display_name: Loose,
}

/// A partner, or whom the person looks for; snake_case inside.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Relationship {
    pub(crate) status: Loose,
    pub(crate) interested_in: Loose,
}

/// A value with what may stand beside it: one shape for roles, urls, photos, languages, locales, interests, telephone
/// numbers and educations, of which each uses some.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Valued {
    pub(crate) value: Loose,
    #[serde(rename = "type")]
    pub(crate) kind: Loose,
    pub(crate) size: Loose,
    pub(crate) category: Loose,
    pub(crate) proficiency: Loose,
    pub(crate) description: Loose,
}

/// An e-mail address; `is_verified` is true, "true", 1, "1" or missing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Email {
    pub(crate) value: Loose,
    pub(crate) is_verified: Loose,
}

/// An account at a service; `username` is often missing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Account {
    pub(crate) domain: Loose,
    pub(crate) userid: Loose,
    pub(crate) username: Loose,
}

/// A postal address: `formatted` from a service, the parts from cloud storage.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Address {
    pub(crate) formatted: Loose,
    #[serde(rename = "type")]
    pub(crate) kind: Loose,
    pub(crate) company_name: Loose,
    pub(crate) first_name: Loose,
    pub(crate) middle_name: Loose,
    pub(crate) last_name: Loose,
    pub(crate) phone_number: Loose,
    pub(crate) fax_number: Loose,
    pub(crate) street_address: Loose,
    pub(crate) complement: Loose,
    pub(crate) locality: Loose,
    pub(crate) region: Loose,
    pub(crate) postal_code: Loose,
    pub(crate) code: Loose,
    pub(crate) country: Loose,
}

/// An employer or a club; a row without a name says nothing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Organization {
    pub(crate) name: Loose,
    pub(crate) title: Loose,
    #[serde(rename = "type")]
    pub(crate) kind: Loose,
    pub(crate) location: Loose,
    pub(crate) department: Loose,
    pub(crate) description: Loose,
    pub(crate) start_date: Loose,
    pub(crate) end_date: Loose,
}

/// A certificate.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Certification {
    pub(crate) name: Loose,
    pub(crate) number: Loose,
    pub(crate) authority: Loose,
    pub(crate) start_date: Loose,
    pub(crate) end_date: Loose,
}

/// What somebody wrote of the person.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Recommendation {
    pub(crate) value: Loose,
    pub(crate) recommender: Maybe<Recommender>,
}

/// Who wrote it. The keys are free (OneAll's own forum module prints whatever comes), so these are the usual ones for a
/// name, and whatever else stands there is dropped.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Recommender {
    pub(crate) formatted: Loose,
    pub(crate) display_name: Loose,
    pub(crate) name: Loose,
    pub(crate) given_name: Loose,
    pub(crate) first_name: Loose,
    pub(crate) family_name: Loose,
    pub(crate) last_name: Loose,
}

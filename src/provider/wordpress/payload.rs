//! What WordPress.com sends, in its own words, read so that a drifting scalar never loses a row.
//!
//! Every scalar is `Loose`, every nested object `Maybe`: the API puts `false`, `""`, `[]` or null where nothing is, and
//! numbers or digits where an ID is. Where documentation and wire name a field differently both names have a field, and
//! the mapping picks; an alias would make an answer that carries both unreadable. What is secret and not asked for
//! (`logout_URL`, `lasagna_jwt`) has no field here, so nothing can show it.

use serde::Deserialize;
use serde::de::{self, DeserializeOwned, Deserializer};
use serde_json::value::RawValue;

use crate::model::Provider;
use crate::provider::lenient::{self, MaybeObject, Rows, Scalar};
use crate::provider::{Error, Reason};

mod user;

pub use user::{Me, Words};

/// Decodes one object: an item, or a list in its wrapper.
///
/// Anything else is an error, as is a wrapper without its list (`{"success":true}`, as a documentation page prints for
/// the applications, or what `?fields=` leaves): an answer that says nothing must not pass for an empty list.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let read: MaybeObject<T> = lenient::decode(Provider::WordPress, body)?;
    read.0.ok_or_else(|| Error::new(Provider::WordPress, Reason::Malformed, NOT_AN_OBJECT))
}

/// What is said of a piece of JSON that should be an object and is none.
pub const NOT_AN_OBJECT: &str = "not an object";

/// `/me/keyring-connections` (v1.1), `/me/connections` (v2), `/me/publicize-connections` and that of a site: the same
/// wrapper around items of one shape.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ConnectionList {
    /// The items.
    #[serde(deserialize_with = "lenient::required_rows")]
    pub connections: Rows<MaybeObject<Connection>>,
}

/// A Keyring or a Publicize connection: the fields of both, as the documented sample of the one is the other.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Connection {
    /// Its number.
    #[serde(rename = "ID")]
    pub id: Scalar,
    /// Publicize: the site it serves.
    #[serde(rename = "site_ID")]
    pub site_id: Scalar,
    /// The WordPress.com user; 0 for none.
    #[serde(rename = "user_ID")]
    pub user_id: Scalar,
    /// Publicize: the Keyring connection it is built on.
    #[serde(rename = "keyring_connection_ID")]
    pub keyring_connection_id: Scalar,
    /// Publicize: whose Keyring connection that is. Calypso's tests have it on a Keyring item too.
    #[serde(rename = "keyring_connection_user_ID")]
    pub keyring_connection_user_id: Scalar,
    /// Keyring: `publicize` or `other`.
    #[serde(rename = "type")]
    pub kind: Scalar,
    /// Publicize: whether every author of the site may use it.
    pub shared: Scalar,
    /// The service's slug.
    pub service: Scalar,
    /// The service's name.
    pub label: Scalar,
    /// When it was made.
    pub issued: Scalar,
    /// When it ends; the zero date, null or `false` for never.
    pub expires: Scalar,
    /// The outside account's own ID.
    #[serde(rename = "external_ID")]
    pub external_id: Scalar,
    /// The outside account's name or handle.
    pub external_name: Scalar,
    /// How to show the outside account.
    pub external_display: Scalar,
    /// Its picture.
    pub external_profile_picture: Scalar,
    /// Publicize: its page.
    #[serde(rename = "external_profile_URL")]
    pub external_profile_url: Scalar,
    /// Publicize: how many follow it.
    pub external_follower_count: Scalar,
    /// An open set of words; null on some rows.
    pub status: Scalar,
    /// Where the person renews it, with a one-time mark.
    #[serde(rename = "refresh_URL")]
    pub refresh_url: Scalar,
    /// Keyring: the sites that use it, as numbers or digits; may be absent.
    pub sites: Rows<Scalar>,
    /// Keyring: other accounts of the same grant; may be absent.
    pub additional_external_users: Rows<MaybeObject<ExternalUser>>,
    /// Keyring, now and then: that LinkedIn's terms have changed.
    pub show_linkedin_warning: Scalar,
    /// Links about the resource.
    pub meta: MaybeObject<Meta>,
}

/// Another account of the same grant.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ExternalUser {
    /// Its own ID at the service.
    #[serde(rename = "external_ID")]
    pub external_id: Scalar,
    /// Its name.
    pub external_name: Scalar,
    /// Its picture.
    pub external_profile_picture: Scalar,
    /// Its description.
    pub external_description: Scalar,
    /// What it is, such as "Bakery".
    pub external_category: Scalar,
}

/// `meta` of an item.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// `[]` when empty.
    pub links: MaybeObject<Links>,
}

/// `meta.links` of an item. The other links repeat IDs that the item carries.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Links {
    /// The resource.
    #[serde(rename = "self")]
    pub own: Scalar,
    /// Its documentation.
    pub help: Scalar,
}

/// `/me/connected-applications`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ApplicationList {
    /// The items.
    #[serde(deserialize_with = "lenient::required_rows")]
    pub connected_applications: Rows<MaybeObject<Application>>,
}

/// A connected application: one grant.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Application {
    /// The grant's number, in digits.
    #[serde(rename = "ID")]
    pub id: Scalar,
    /// The same, by the name that the documentation's table has.
    #[serde(rename = "connection_ID")]
    pub connection_id: Scalar,
    /// Its name.
    pub title: Scalar,
    /// Its icon.
    pub icon: Scalar,
    /// Its home page.
    #[serde(rename = "URL")]
    pub url: Scalar,
    /// What its maker says.
    pub description: Scalar,
    /// What it may do; may be absent.
    pub permissions: Rows<MaybeObject<Permission>>,
    /// When access was given.
    pub authorized: Scalar,
    /// The site it is bound to, as the wire names it: an object, `false`, or a list that holds the object (the documented
    /// type is "bool or array" with no inner shape).
    #[serde(deserialize_with = "lenient::object_or_first")]
    pub site: MaybeObject<SiteName>,
    /// The same, as the documentation names it.
    #[serde(deserialize_with = "lenient::object_or_first")]
    pub blog: MaybeObject<SiteName>,
    /// `global`, `auth` or empty; others are possible.
    pub scope: Scalar,
    /// Such as "2.0"; newer, may be absent.
    pub oauth_version: Scalar,
}

/// One thing an application may do.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Permission {
    /// The scope.
    pub name: Scalar,
    /// What it allows.
    pub description: Scalar,
}

/// A site as an application names it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct SiteName {
    /// Its number, in digits.
    #[serde(rename = "site_ID")]
    pub site_id: Scalar,
    /// Its address.
    #[serde(rename = "site_URL")]
    pub site_url: Scalar,
    /// Its name, or `false`.
    pub site_name: Scalar,
}

/// `/meta/external-services`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Services {
    /// Documented as a list, on the wire a map by slug, `[]` when empty. The order is the provider's.
    #[serde(deserialize_with = "lenient::required_rows")]
    pub services: Rows<MaybeObject<Service>>,
}

/// A service of the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Service {
    /// Its slug: the one `ID` that is no number.
    #[serde(rename = "ID")]
    pub id: Scalar,
    /// Its name.
    pub label: Scalar,
    /// `publicize` or `other`.
    #[serde(rename = "type")]
    pub kind: Scalar,
    /// What connecting it brings.
    pub description: Scalar,
    /// The name of its sign in the icon font.
    #[serde(deserialize_with = "sign")]
    pub genericon: Scalar,
    /// Its icon.
    pub icon: Scalar,
    /// Where the person connects it, as the wire names it.
    #[serde(rename = "connect_URL")]
    pub connect_url: Scalar,
    /// The same, as the documentation's table names it.
    #[serde(rename = "connect_url")]
    pub connect_url_documented: Scalar,
    /// Whether one person can connect several accounts.
    #[serde(rename = "multiple_external_user_ID_support")]
    pub multiple_external_user_id_support: Scalar,
    /// Whether only pages and the like can be used.
    pub external_users_only: Scalar,
    /// Whether it works with Jetpack.
    pub jetpack_support: Scalar,
    /// The Jetpack module it needs.
    pub jetpack_module_required: Scalar,
    /// `unsupported`, or mostly absent.
    pub status: Scalar,
}

/// Reads a service's sign in the icon font: its class alone, or `{"class": …, "unicode": …}`.
fn sign<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Scalar, D::Error> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Parts {
        class: Scalar,
    }
    let json = <&RawValue>::deserialize(deserializer)?.get();
    let parts: MaybeObject<Parts> = serde_json::from_str(json).map_err(de::Error::custom)?;
    parts.0.map_or_else(|| serde_json::from_str(json).map_err(de::Error::custom), |parts| Ok(parts.class))
}

/// `/me/sites`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Sites {
    /// The items.
    #[serde(deserialize_with = "lenient::required_rows")]
    pub sites: Rows<MaybeObject<Site>>,
}

/// A site, of which the API tells much more.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Site {
    /// Its number.
    #[serde(rename = "ID")]
    pub id: Scalar,
    /// Its name.
    pub name: Scalar,
    /// Its tagline.
    pub description: Scalar,
    /// Its address.
    #[serde(rename = "URL")]
    pub url: Scalar,
    /// Absent for some sites of the same list.
    pub icon: MaybeObject<SiteIcon>,
    /// What the person may do there.
    pub capabilities: MaybeObject<Capabilities>,
}

/// What a person may do on a site, of which the API tells much more.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// Whether they may edit what others wrote.
    pub edit_others_posts: Scalar,
}

/// A site's icon in its sizes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct SiteIcon {
    /// The picture.
    pub img: Scalar,
    /// A small picture.
    pub ico: Scalar,
}

#[cfg(test)]
pub(super) mod tests;

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
use crate::provider::lenient::{self, Loose, Maybe, Rows};
use crate::provider::{Error, Reason};

mod owner;

pub use owner::{Me, Words};

/// Decodes one object: an item, or a list in its wrapper.
///
/// Anything else is an error, as is a wrapper without its list (`{"success":true}`, as a documentation page prints for
/// the applications, or what `?fields=` leaves): an answer that says nothing must not pass for an empty list.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let read: Maybe<T> = lenient::decode(Provider::WordPress, body)?;
    read.0.ok_or_else(|| Error::new(Provider::WordPress, Reason::Malformed, NOT_AN_OBJECT))
}

/// What is said of a piece of JSON that should be an object and is none.
pub const NOT_AN_OBJECT: &str = "not an object";

/// `/me/keyring-connections` (v1.1), `/me/connections` (v2), `/me/publicize-connections` and that of a site: the same
/// wrapper around items of one shape.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ConnectionList {
    /// The items.
    #[serde(deserialize_with = "lenient::listed")]
    pub connections: Rows<Maybe<Connection>>,
}

/// A Keyring or a Publicize connection: the fields of both, as the documented sample of the one is the other.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Connection {
    /// Its number.
    #[serde(rename = "ID")]
    pub id: Loose,
    /// Publicize: the site it serves.
    #[serde(rename = "site_ID")]
    pub site_id: Loose,
    /// The WordPress.com user; 0 for none.
    #[serde(rename = "user_ID")]
    pub user_id: Loose,
    /// Publicize: the Keyring connection it is built on.
    #[serde(rename = "keyring_connection_ID")]
    pub keyring_connection_id: Loose,
    /// Publicize: whose Keyring connection that is. Calypso's tests have it on a Keyring item too.
    #[serde(rename = "keyring_connection_user_ID")]
    pub keyring_connection_user_id: Loose,
    /// Keyring: `publicize` or `other`.
    #[serde(rename = "type")]
    pub kind: Loose,
    /// Publicize: whether every author of the site may use it.
    pub shared: Loose,
    /// The service's slug.
    pub service: Loose,
    /// The service's name.
    pub label: Loose,
    /// When it was made.
    pub issued: Loose,
    /// When it ends; the zero date, null or `false` for never.
    pub expires: Loose,
    /// The outside account's own ID.
    #[serde(rename = "external_ID")]
    pub external_id: Loose,
    /// The outside account's name or handle.
    pub external_name: Loose,
    /// How to show the outside account.
    pub external_display: Loose,
    /// Its picture.
    pub external_profile_picture: Loose,
    /// Publicize: its page.
    #[serde(rename = "external_profile_URL")]
    pub external_profile_url: Loose,
    /// Publicize: how many follow it.
    pub external_follower_count: Loose,
    /// An open set of words; null on some rows.
    pub status: Loose,
    /// Where the person renews it, with a one-time mark.
    #[serde(rename = "refresh_URL")]
    pub refresh_url: Loose,
    /// Keyring: the sites that use it, as numbers or digits; may be absent.
    pub sites: Rows<Loose>,
    /// Keyring: other accounts of the same grant; may be absent.
    pub additional_external_users: Rows<Maybe<ExternalUser>>,
    /// Keyring, now and then: that LinkedIn's terms have changed.
    pub show_linkedin_warning: Loose,
    /// Links about the resource.
    pub meta: Maybe<Meta>,
}

/// Another account of the same grant.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ExternalUser {
    /// Its own ID at the service.
    #[serde(rename = "external_ID")]
    pub external_id: Loose,
    /// Its name.
    pub external_name: Loose,
    /// Its picture.
    pub external_profile_picture: Loose,
    /// Its description.
    pub external_description: Loose,
    /// What it is, such as "Bakery".
    pub external_category: Loose,
}

/// `meta` of an item.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// `[]` when empty.
    pub links: Maybe<Links>,
}

/// `meta.links` of an item. The other links repeat IDs that the item carries.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Links {
    /// The resource.
    #[serde(rename = "self")]
    pub own: Loose,
    /// Its documentation.
    pub help: Loose,
}

/// `/me/connected-applications`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ApplicationList {
    /// The items.
    #[serde(deserialize_with = "lenient::listed")]
    pub connected_applications: Rows<Maybe<Application>>,
}

/// A connected application: one grant.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Application {
    /// The grant's number, in digits.
    #[serde(rename = "ID")]
    pub id: Loose,
    /// The same, by the name that the documentation's table has.
    #[serde(rename = "connection_ID")]
    pub connection_id: Loose,
    /// Its name.
    pub title: Loose,
    /// Its icon.
    pub icon: Loose,
    /// Its home page.
    #[serde(rename = "URL")]
    pub url: Loose,
    /// What its maker says.
    pub description: Loose,
    /// What it may do; may be absent.
    pub permissions: Rows<Maybe<Permission>>,
    /// When access was given.
    pub authorized: Loose,
    /// The site it is bound to, as the wire names it: an object, `false`, or a list that holds the object (the documented
    /// type is "bool or array" with no inner shape).
    #[serde(deserialize_with = "lenient::first")]
    pub site: Maybe<SiteName>,
    /// The same, as the documentation names it.
    #[serde(deserialize_with = "lenient::first")]
    pub blog: Maybe<SiteName>,
    /// `global`, `auth` or empty; others are possible.
    pub scope: Loose,
    /// Such as "2.0"; newer, may be absent.
    pub oauth_version: Loose,
}

/// One thing an application may do.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Permission {
    /// The scope.
    pub name: Loose,
    /// What it allows.
    pub description: Loose,
}

/// A site as an application names it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct SiteName {
    /// Its number, in digits.
    #[serde(rename = "site_ID")]
    pub site_id: Loose,
    /// Its address.
    #[serde(rename = "site_URL")]
    pub site_url: Loose,
    /// Its name, or `false`.
    pub site_name: Loose,
}

/// `/meta/external-services`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Services {
    /// Documented as a list, on the wire a map by slug, `[]` when empty. The order is the provider's.
    #[serde(deserialize_with = "lenient::listed")]
    pub services: Rows<Maybe<Service>>,
}

/// A service of the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Service {
    /// Its slug: the one `ID` that is no number.
    #[serde(rename = "ID")]
    pub id: Loose,
    /// Its name.
    pub label: Loose,
    /// `publicize` or `other`.
    #[serde(rename = "type")]
    pub kind: Loose,
    /// What connecting it brings.
    pub description: Loose,
    /// The name of its sign in the icon font.
    #[serde(deserialize_with = "sign")]
    pub genericon: Loose,
    /// Its icon.
    pub icon: Loose,
    /// Where the person connects it, as the wire names it.
    #[serde(rename = "connect_URL")]
    pub connect_url: Loose,
    /// The same, as the documentation's table names it.
    #[serde(rename = "connect_url")]
    pub connect_url_documented: Loose,
    /// Whether one person can connect several accounts.
    #[serde(rename = "multiple_external_user_ID_support")]
    pub multiple_external_user_id_support: Loose,
    /// Whether only pages and the like can be used.
    pub external_users_only: Loose,
    /// Whether it works with Jetpack.
    pub jetpack_support: Loose,
    /// The Jetpack module it needs.
    pub jetpack_module_required: Loose,
    /// `unsupported`, or mostly absent.
    pub status: Loose,
}

/// Reads a service's sign in the icon font: its class alone, or `{"class": …, "unicode": …}`.
fn sign<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Loose, D::Error> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Parts {
        class: Loose,
    }
    let json = <&RawValue>::deserialize(deserializer)?.get();
    let parts: Maybe<Parts> = serde_json::from_str(json).map_err(de::Error::custom)?;
    parts.0.map_or_else(|| serde_json::from_str(json).map_err(de::Error::custom), |parts| Ok(parts.class))
}

/// `/me/sites`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Sites {
    /// The items.
    #[serde(deserialize_with = "lenient::listed")]
    pub sites: Rows<Maybe<Site>>,
}

/// A site, of which the API tells much more.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Site {
    /// Its number.
    #[serde(rename = "ID")]
    pub id: Loose,
    /// Its name.
    pub name: Loose,
    /// Its tagline.
    pub description: Loose,
    /// Its address.
    #[serde(rename = "URL")]
    pub url: Loose,
    /// Absent for some sites of the same list.
    pub icon: Maybe<SiteIcon>,
    /// What the person may do there.
    pub capabilities: Maybe<Capabilities>,
}

/// What a person may do on a site, of which the API tells much more.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// Whether they may edit what others wrote.
    pub edit_others_posts: Loose,
}

/// A site's icon in its sizes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct SiteIcon {
    /// The picture.
    pub img: Loose,
    /// A small picture.
    pub ico: Loose,
}

#[cfg(test)]
pub(super) mod tests;

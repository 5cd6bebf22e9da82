//! The JSON of WordPress.com, with WordPress.com's names. A value of another type never loses its row.
//!
//! Every scalar is a [`Scalar`], and every nested object a [`MaybeObject`]: the API sends `false`, `""`, `[]` or null
//! for nothing, and IDs as numbers or digits. Where the documentation and the responses use different names, each name
//! is a field and the mapping chooses. An alias would reject a response that contains both. Secrets that the gateway
//! does not need (`logout_URL`, `lasagna_jwt`) have no field, so they are never held.

use serde::Deserialize;
use serde::de::{self, DeserializeOwned, Deserializer};
use serde_json::value::RawValue;

use crate::model::Provider;
use crate::provider::lenient::{self, MaybeObject, Rows, Scalar};
use crate::provider::{Error, Reason};

mod user;

pub use user::{Me, Words};

/// Decodes an object: an item, or a list in its wrapper.
///
/// # Errors
/// `Malformed` for any other JSON, and for a wrapper without its list, such as `{"success":true}`. Such a response must
/// not pass as an empty list.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let read: MaybeObject<T> = lenient::decode(Provider::WordPress, body)?;
    read.0.ok_or_else(|| Error::new(Provider::WordPress, Reason::Malformed, NOT_AN_OBJECT))
}

/// The detail for JSON that is not an object.
pub const NOT_AN_OBJECT: &str = "not an object";

/// The wrapper of `/me/keyring-connections` (v1.1), `/me/connections` (v2), `/me/publicize-connections` and
/// `/sites/$site/publicize-connections`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ConnectionList {
    /// The items.
    #[serde(deserialize_with = "lenient::required_rows")]
    pub connections: Rows<MaybeObject<Connection>>,
}

/// A Keyring or Publicize connection. It has the fields of both, because the documented sample of the one is the other.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Connection {
    /// The ID.
    #[serde(rename = "ID")]
    pub id: Scalar,
    /// Publicize: the site.
    #[serde(rename = "site_ID")]
    pub site_id: Scalar,
    /// The WordPress.com user. 0 means none.
    #[serde(rename = "user_ID")]
    pub user_id: Scalar,
    /// Publicize: the Keyring connection that it depends on.
    #[serde(rename = "keyring_connection_ID")]
    pub keyring_connection_id: Scalar,
    /// Publicize: the owner of that Keyring connection. Calypso's tests have it on a Keyring connection too.
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
    /// When the connection was made.
    pub issued: Scalar,
    /// When the connection expires. The zero date, null and `false` mean never.
    pub expires: Scalar,
    /// The ID of the external account.
    #[serde(rename = "external_ID")]
    pub external_id: Scalar,
    /// The name or handle of the external account.
    pub external_name: Scalar,
    /// The display name of the external account.
    pub external_display: Scalar,
    /// The picture of the external account.
    pub external_profile_picture: Scalar,
    /// Publicize: the profile page of the external account.
    #[serde(rename = "external_profile_URL")]
    pub external_profile_url: Scalar,
    /// Publicize: the number of followers.
    pub external_follower_count: Scalar,
    /// An open set of words. Null in some rows.
    pub status: Scalar,
    /// The one-time link with which the person refreshes the connection.
    #[serde(rename = "refresh_URL")]
    pub refresh_url: Scalar,
    /// Keyring: the sites that use it, as numbers or digits. May be absent.
    pub sites: Rows<Scalar>,
    /// Keyring: other accounts of the same grant. May be absent.
    pub additional_external_users: Rows<MaybeObject<ExternalUser>>,
    /// Keyring, in some responses: whether LinkedIn's terms have changed.
    pub show_linkedin_warning: Scalar,
    /// Links about the resource.
    pub meta: MaybeObject<Meta>,
}

/// Another account of the same grant.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ExternalUser {
    /// The ID at the service.
    #[serde(rename = "external_ID")]
    pub external_id: Scalar,
    /// The name.
    pub external_name: Scalar,
    /// The picture.
    pub external_profile_picture: Scalar,
    /// The description.
    pub external_description: Scalar,
    /// The category, such as "Bakery".
    pub external_category: Scalar,
}

/// The `meta` of an item.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// The links. `[]` when empty.
    pub links: MaybeObject<Links>,
}

/// The `meta.links` of an item. The other links repeat IDs that the item has.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Links {
    /// The resource itself.
    #[serde(rename = "self")]
    pub own: Scalar,
    /// The documentation of the resource.
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
    /// The ID of the grant, as digits.
    #[serde(rename = "ID")]
    pub id: Scalar,
    /// The ID of the grant, as the documentation names it.
    #[serde(rename = "connection_ID")]
    pub connection_id: Scalar,
    /// The name.
    pub title: Scalar,
    /// The icon.
    pub icon: Scalar,
    /// The home page.
    #[serde(rename = "URL")]
    pub url: Scalar,
    /// The description by its developer.
    pub description: Scalar,
    /// The permissions. May be absent.
    pub permissions: Rows<MaybeObject<Permission>>,
    /// When the person granted access.
    pub authorized: Scalar,
    /// The site of the grant, as responses name it: an object, `false`, or a list with the object.
    ///
    /// The documented type is "bool or array", without an inner shape.
    #[serde(deserialize_with = "lenient::object_or_first")]
    pub site: MaybeObject<SiteName>,
    /// The site of the grant, as the documentation names it.
    #[serde(deserialize_with = "lenient::object_or_first")]
    pub blog: MaybeObject<SiteName>,
    /// `global`, `auth` or empty. Others are possible.
    pub scope: Scalar,
    /// The OAuth version, such as "2.0". Absent from older responses.
    pub oauth_version: Scalar,
}

/// A permission of an application.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Permission {
    /// The scope.
    pub name: Scalar,
    /// The description of the scope.
    pub description: Scalar,
}

/// The site of an application's grant.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct SiteName {
    /// The ID, as digits.
    #[serde(rename = "site_ID")]
    pub site_id: Scalar,
    /// The URL.
    #[serde(rename = "site_URL")]
    pub site_url: Scalar,
    /// The name, or `false`.
    pub site_name: Scalar,
}

/// `/meta/external-services`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Services {
    /// Documented as a list. Responses have a map by slug, or `[]` when empty. The order is the provider's.
    #[serde(deserialize_with = "lenient::required_rows")]
    pub services: Rows<MaybeObject<Service>>,
}

/// A service of the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Service {
    /// The slug. No other `ID` is text.
    #[serde(rename = "ID")]
    pub id: Scalar,
    /// The name.
    pub label: Scalar,
    /// `publicize` or `other`.
    #[serde(rename = "type")]
    pub kind: Scalar,
    /// What a connection to the service offers.
    pub description: Scalar,
    /// The name of the service's icon in the icon font.
    #[serde(deserialize_with = "icon_name")]
    pub genericon: Scalar,
    /// The icon.
    pub icon: Scalar,
    /// The one-time link with which the person connects the service, as responses name it.
    #[serde(rename = "connect_URL")]
    pub connect_url: Scalar,
    /// The same link, as the documentation names it.
    #[serde(rename = "connect_url")]
    pub connect_url_documented: Scalar,
    /// Whether one person can connect several accounts.
    #[serde(rename = "multiple_external_user_ID_support")]
    pub multiple_external_user_id_support: Scalar,
    /// Whether only additional accounts, such as pages, can be used.
    pub external_users_only: Scalar,
    /// Whether it works with Jetpack.
    pub jetpack_support: Scalar,
    /// The Jetpack module that it needs.
    pub jetpack_module_required: Scalar,
    /// `unsupported`, or absent in most rows.
    pub status: Scalar,
}

/// Reads the name of a service's font icon: text, or `{"class": …, "unicode": …}`.
fn icon_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Scalar, D::Error> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct IconNode {
        class: Scalar,
    }
    let json = <&RawValue>::deserialize(deserializer)?.get();
    let node: MaybeObject<IconNode> = serde_json::from_str(json).map_err(de::Error::custom)?;
    node.0.map_or_else(|| serde_json::from_str(json).map_err(de::Error::custom), |node| Ok(node.class))
}

/// `/me/sites`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Sites {
    /// The items.
    #[serde(deserialize_with = "lenient::required_rows")]
    pub sites: Rows<MaybeObject<Site>>,
}

/// A site. The API returns many more fields.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Site {
    /// The ID.
    #[serde(rename = "ID")]
    pub id: Scalar,
    /// The name.
    pub name: Scalar,
    /// The tagline.
    pub description: Scalar,
    /// The URL.
    #[serde(rename = "URL")]
    pub url: Scalar,
    /// The icon. Absent for some sites.
    pub icon: MaybeObject<SiteIcon>,
    /// The person's permissions on the site.
    pub capabilities: MaybeObject<Capabilities>,
}

/// A person's permissions on a site. The API returns many more fields.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// Whether the person may edit the posts of others.
    pub edit_others_posts: Scalar,
}

/// The sizes of a site's icon.
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

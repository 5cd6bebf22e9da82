//! The fields of `/me` that the gateway shows. The response has many more.

use serde::Deserialize;

use crate::provider::lenient::Scalar;

/// `/me`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Me {
    /// The ID.
    #[serde(rename = "ID")]
    pub id: Scalar,
    /// The display name.
    pub display_name: Scalar,
    /// The user name.
    pub username: Scalar,
    /// The e-mail address.
    pub email: Scalar,
    /// Whether the address is verified.
    pub email_verified: Scalar,
    /// The older name of `email_verified`.
    pub verified: Scalar,
    /// The primary site.
    pub primary_blog: Scalar,
    /// The language, such as `en`.
    pub language: Scalar,
    /// The only site of the token, or `false`.
    pub token_site_id: Scalar,
    /// The scopes of the token: a list, or text.
    pub token_scope: Words,
    /// The picture.
    #[serde(rename = "avatar_URL")]
    pub avatar_url: Scalar,
    /// The public profile.
    #[serde(rename = "profile_URL")]
    pub profile_url: Scalar,
    /// When the person joined.
    pub date: Scalar,
    /// The number of sites.
    pub site_count: Scalar,
}

/// Words as a list or as one text. `token_scope` is a list in WPKIT's fixture and text in WPRS's.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Words {
    /// A list.
    Many(Vec<Scalar>),
    /// One text, or nothing.
    One(Scalar),
}

impl Default for Words {
    fn default() -> Self {
        Words::Many(Vec::new())
    }
}

impl Words {
    /// The separate words. Requests separate scopes by spaces, `token-info` by commas.
    pub fn into_words(self) -> Vec<String> {
        let texts = match self {
            Words::Many(texts) => texts,
            Words::One(text) => vec![text],
        };
        let split = |text: String| -> Vec<String> {
            text.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        texts.into_iter().filter_map(Scalar::text).flat_map(split).collect()
    }
}

//! What `/me` sends of the owner of a token; of all that it tells, only what the graph shows.

use serde::Deserialize;

use crate::provider::lenient::Scalar;

/// `/me`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Me {
    /// The user's number.
    #[serde(rename = "ID")]
    pub id: Scalar,
    /// The name to show.
    pub display_name: Scalar,
    /// The name to sign in with.
    pub username: Scalar,
    /// The e-mail address.
    pub email: Scalar,
    /// Whether the address is proved.
    pub email_verified: Scalar,
    /// The same, older.
    pub verified: Scalar,
    /// The main site.
    pub primary_blog: Scalar,
    /// Such as `en`.
    pub language: Scalar,
    /// The one site of the token, or `false`.
    pub token_site_id: Scalar,
    /// A list or a text.
    pub token_scope: Words,
    /// The picture.
    #[serde(rename = "avatar_URL")]
    pub avatar_url: Scalar,
    /// The public profile.
    #[serde(rename = "profile_URL")]
    pub profile_url: Scalar,
    /// When they joined.
    pub date: Scalar,
    /// How many sites they have.
    pub site_count: Scalar,
}

/// Words in a list or in one text: `token_scope` is the one in WPKIT's fixture and the other in WPRS's.
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
    /// The words, apart: requests separate scopes by blanks, `token-info` by commas.
    pub fn into_words(self) -> Vec<String> {
        let texts = match self {
            Words::Many(texts) => texts,
            Words::One(text) => vec![text],
        };
        let apart = |text: String| -> Vec<String> {
            text.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        texts.into_iter().filter_map(Scalar::text).flat_map(apart).collect()
    }
}

//! What `/me` sends of the owner of a token; of all that it tells, only what the graph shows.

use serde::Deserialize;

use crate::provider::lenient::Loose;

/// `/me`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Me {
    /// The user's number.
    #[serde(rename = "ID")]
    pub id: Loose,
    /// The name to show.
    pub display_name: Loose,
    /// The name to sign in with.
    pub username: Loose,
    /// The e-mail address.
    pub email: Loose,
    /// Whether the address is proved.
    pub email_verified: Loose,
    /// The same, older.
    pub verified: Loose,
    /// The main site.
    pub primary_blog: Loose,
    /// Such as `en`.
    pub language: Loose,
    /// The one site of the token, or `false`.
    pub token_site_id: Loose,
    /// A list or a text.
    pub token_scope: Words,
    /// The picture.
    #[serde(rename = "avatar_URL")]
    pub avatar_url: Loose,
    /// The public profile.
    #[serde(rename = "profile_URL")]
    pub profile_url: Loose,
    /// When they joined.
    pub date: Loose,
    /// How many sites they have.
    pub site_count: Loose,
}

/// Words in a list or in one text: `token_scope` is the one in WPKIT's fixture and the other in WPRS's.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Words {
    /// A list.
    Many(Vec<Loose>),
    /// One text, or nothing.
    One(Loose),
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
        texts.into_iter().filter_map(Loose::text).flat_map(apart).collect()
    }
}

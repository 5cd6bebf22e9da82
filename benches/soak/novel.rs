//! Requests that nobody has sent before: invented tokens and IDs, new persisted queries, and mutations without a lasting
//! effect. Each adds a key to what the gateway remembers, and its memory must not grow without bound.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use commongraph::auth::digest::Digest;
use commongraph::sandbox::synthetic_user;
use serde_json::{Value, json};

use super::cast::Dice;

/// The placeholder for the invented value, in a document and in the expected response.
const INVENTED: &str = "INVENTED";

/// The index of the document that is sent with an invented token and without other credentials.
const UNKNOWN_TOKEN: usize = 0;

/// One new request, with its invented value.
pub struct NovelRequest {
    /// The index of its document in [`documents`].
    pub kind: usize,
    invented: String,
    is_shared: bool,
}

/// The documents, with placeholders. The last one changes who may use a connection, which no other query selects.
pub fn documents() -> Vec<String> {
    let owner = synthetic_user(7);
    let publicize = URL_SAFE_NO_PAD.encode(format!("publicize:{}/{}", owner.site, owner.publicize));
    vec![
        "{ viewer { wordpressUser { displayName } applications { nodes { id } } } }".to_owned(),
        "{ connection(by: { connectionToken: \"INVENTED\" }) { id } identity(by: { identityToken: \"INVENTED\" }) { id } }"
            .to_owned(),
        "{ connection(by: { keyringConnectionId: INVENTED }) { id } application(by: { connectedApplicationId: INVENTED }) { id } }"
            .to_owned(),
        "mutation { applicationRevoke(input: { id: \"INVENTED\" }) { deletedApplicationId userErrors { code } } }".to_owned(),
        format!(
            "mutation {{ publicizeConnectionShare(input: {{ id: \"{publicize}\", shared: SHARED }}) \
             {{ connection {{ id }} userErrors {{ code }} }} }}"
        ),
    ]
}

impl NovelRequest {
    /// Invents a value for the document at this index.
    pub fn invent(kind: usize, dice: &mut Dice) -> Self {
        let number = 900_000_000_000 + dice.below(90_000_000_000);
        let invented = match kind {
            UNKNOWN_TOKEN => format!("made-up-{number}"),
            1 => format!("5a4d0000-0000-4000-bfff-{number}"),
            3 => URL_SAFE_NO_PAD.encode(format!("application:{number}")),
            _ => number.to_string(),
        };
        Self { kind, invented, is_shared: dice.below(2) == 0 }
    }

    /// Invents a value for a random document.
    pub fn random(dice: &mut Dice) -> Self {
        let kind = dice.below(documents().len() as u64) as usize;
        Self::invent(kind, dice)
    }

    /// The invented WordPress.com token, if this request replaces the caller's credentials.
    pub fn token(&self) -> Option<&str> {
        (self.kind == UNKNOWN_TOKEN).then_some(&self.invented)
    }

    /// The document with the invented value.
    pub fn document(&self, text: &str) -> String {
        text.replace(INVENTED, &self.invented).replace("SHARED", if self.is_shared { "true" } else { "false" })
    }

    /// The response with the placeholder instead of the invented value.
    pub fn with_placeholder(&self, answer: &str) -> String {
        answer.replace(&self.invented, INVENTED)
    }
}

/// A new document with the same selections: first sent with its hash, then by its hash alone.
pub fn as_persisted_query(text: &str, dice: &mut Dice) -> [Value; 2] {
    let text = format!("{text}\n# {}", dice.below(u64::MAX));
    let hash = Digest::sha256(&text).to_string();
    let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    [json!({ "query": text, "extensions": extensions }), json!({ "extensions": extensions })]
}

//! What nobody has asked before: made-up tokens, invented things, new documents by hash, and changes that change nothing in
//! the end. Each grows by a key what the gateway remembers, which must not grow with it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use commongraph::auth::digest::Digest;
use commongraph::sandbox::synthetic_user;
use serde_json::{Value, json};

use super::cast::Dice;

/// What stands in a right answer for whatever was invented.
const INVENTED: &str = "INVENTED";

/// Which of the texts is asked by whoever shows a made-up token, and by nobody else.
const OF_GUESSES: usize = 0;

/// Something new, once: what is invented for it, as it stands in the text and in the answer.
pub struct Odd {
    /// Which of the texts.
    pub kind: usize,
    invented: String,
    is_shared: bool,
}

/// The texts, in which something is still to be invented. The last changes who may use a connection, which nothing else asks for.
pub fn texts() -> Vec<String> {
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

impl Odd {
    /// Invents something for this text.
    pub fn invent(kind: usize, dice: &mut Dice) -> Self {
        let number = 900_000_000_000 + dice.below(90_000_000_000);
        let invented = match kind {
            OF_GUESSES => format!("made-up-{number}"),
            1 => format!("5a4d0000-0000-4000-bfff-{number}"),
            3 => URL_SAFE_NO_PAD.encode(format!("application:{number}")),
            _ => number.to_string(),
        };
        Self { kind, invented, is_shared: dice.below(2) == 0 }
    }

    /// Invents something for any of them.
    pub fn any(dice: &mut Dice) -> Self {
        let kind = dice.below(texts().len() as u64) as usize;
        Self::invent(kind, dice)
    }

    /// The token that is shown instead of the asker's credentials, if that is what is made up.
    pub fn token(&self) -> Option<&str> {
        (self.kind == OF_GUESSES).then_some(&self.invented)
    }

    /// The text as it is asked.
    pub fn ask(&self, text: &str) -> String {
        text.replace(INVENTED, &self.invented).replace("SHARED", if self.is_shared { "true" } else { "false" })
    }

    /// The answer as it would be to everybody who invents something.
    pub fn plain(&self, answer: &str) -> String {
        answer.replace(&self.invented, INVENTED)
    }
}

/// A document that nobody has sent before and that asks what this text does: as it is sent with its hash, and by its hash alone.
pub fn by_hash(text: &str, dice: &mut Dice) -> [Value; 2] {
    let text = format!("{text}\n# {}", dice.below(u64::MAX));
    let hash = Digest::sha256(&text).to_string();
    let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    [json!({ "query": text, "extensions": extensions }), json!({ "extensions": extensions })]
}

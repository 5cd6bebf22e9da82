//! A property test: no error of the settings contains a value, which may be a secret.

use std::iter::empty;

use proptest::prelude::*;

use super::{assemble, variables};

proptest! {
    #[test]
    fn an_error_never_contains_a_value(
        table in "(http|graph|wordpress|oneall|log|[a-z]{1,3})(\\.upstream)?",
        name in "(listen|explorer|base_url|keyring_api|subdomain|public_key|private_key|filter|format|[a-z]{1,3})",
        value in r#"("?'?\[?(http://|https://|0x|-)?SECRET([:@/,=` \]'"]SECRET){0,3}'?"?)|-?77777[0-9]{0,25}(\.5)?"#,
    ) {
        let lines = [
            assemble(Some(("F", &format!("{table}.{name} = {value}"))), empty(), None),
            assemble(Some(("F", &format!("{table}.{name} = {}", serde_json::json!(value)))), empty(), None),
            assemble(None, variables(&[(&format!("{table}.{name}").to_uppercase().replace('.', "__"), &value)]), None),
        ];
        for line in lines.into_iter().filter_map(Result::err).map(|error| error.to_string()) {
            let lower = line.to_lowercase();
            prop_assert!(!lower.contains("secret") && !lower.contains("77777"), "{line}");
            prop_assert!(!line.contains('\n'), "{line}");
        }
    }
}

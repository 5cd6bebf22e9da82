//! Finds the security settings that a reload removes or relaxes, so that a file that lost a part is noticed.

use super::Settings;
use crate::graph::Introspection;
use crate::http::AllowedHosts;
use crate::http::persisted::Mode;

/// The names of the settings that protect less in `new` than in `old`, in the order of the settings.
pub(crate) fn relaxed(old: &Settings, new: &Settings) -> Vec<&'static str> {
    let changes = [
        ("http.explorer", !old.http.shows_explorer() && new.http.shows_explorer()),
        (
            "http.allowed_hosts",
            old.http.allowed_hosts != AllowedHosts::Any && new.http.allowed_hosts == AllowedHosts::Any,
        ),
        ("http.trusted_documents.mode", enforces(old) && !enforces(new)),
        ("http.trusted_proxies", !old.http.trusted_proxies.0.is_empty() && new.http.trusted_proxies.0.is_empty()),
        ("access.jwt", old.access.jwt.is_set() && !new.access.jwt.is_set()),
        ("access.keys", !old.access.keys.is_empty() && new.access.keys.is_empty()),
        ("access.wordpress_alone", !old.access.wordpress_alone && new.access.wordpress_alone),
        ("graph.introspection", openness(old.graph.introspection) < openness(new.graph.introspection)),
        ("graph.suggestions", !old.graph.suggestions && new.graph.suggestions),
        ("wordpress.client_id", old.wordpress.client_id.is_some() && new.wordpress.client_id.is_none()),
        ("log.audit_key", old.log.audit_key.is_some() && new.log.audit_key.is_none()),
    ];
    changes.into_iter().filter(|(_, is_relaxed)| *is_relaxed).map(|(name, _)| name).collect()
}

fn enforces(settings: &Settings) -> bool {
    settings.http.trusted_documents.mode == Mode::Enforce
}

/// How many callers may read the schema by introspection, as a rank.
fn openness(introspection: Introspection) -> u8 {
    match introspection {
        Introspection::None => 0,
        Introspection::Callers => 1,
        Introspection::All => 2,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::assemble;

    /// Settings in which every security setting is stricter than its default.
    const STRICT: &str = "
        http.explorer = false
        http.allowed_hosts = ['api.example']
        http.trusted_documents = { mode = 'enforce', path = 'documents' }
        http.trusted_proxies = ['10.0.0.0/8']
        access.jwt = { issuer = 'https://issuer.example', audience = 'us', jwks_file = 'keys.json' }
        access.wordpress_alone = false
        graph.introspection = 'none'
        wordpress.client_id = '1'
        log.audit_key = '00112233445566778899aabbccddeeff'
        [access.keys.a1]
        service = 'shop'
        sha256 = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'
        scopes = ['oneall:users:read']
        expires_at = '2100-01-01T00:00:00Z'
    ";

    fn settings(text: &str) -> Settings {
        assemble(Some(("F", text)), std::iter::empty(), None).unwrap()
    }

    #[test]
    fn each_removed_security_setting_is_named() {
        let names = relaxed(&settings(STRICT), &settings(""));
        assert_eq!(
            names,
            [
                "http.explorer",
                "http.allowed_hosts",
                "http.trusted_documents.mode",
                "http.trusted_proxies",
                "access.jwt",
                "access.keys",
                "access.wordpress_alone",
                "graph.introspection",
                "wordpress.client_id",
                "log.audit_key",
            ]
        );
        assert_eq!(relaxed(&settings(""), &settings("graph.suggestions = true")), ["graph.suggestions"]);
        let all = relaxed(&settings(""), &settings("graph.introspection = 'all'"));
        assert_eq!(all, ["graph.introspection"]);
    }

    #[test]
    fn stricter_and_equal_settings_are_not_named() {
        assert_eq!(relaxed(&settings(""), &settings(STRICT)), [""; 0]);
        assert_eq!(relaxed(&settings(STRICT), &settings(STRICT)), [""; 0]);
        let other = STRICT.replace("api.example", "graph.example").replace("10.0.0.0/8", "192.0.2.1");
        assert_eq!(relaxed(&settings(STRICT), &settings(&other)), [""; 0]);
    }
}

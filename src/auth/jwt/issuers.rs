//! Tokens and key sets in the shapes of common issuers. Each token must be accepted.
//!
//! The values are made up; the members, their types and their order follow what each issuer publishes. Keys and
//! signatures are made when the test runs.
#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::{Value, json};

use super::forge::{NOW, Publisher, Signer, at, base64};
use super::*;

const USER: &str = "5a4d0000-0000-4000-8000-00000000ada1";
const EXPLAIN: &[&str] = &["gateway:explain"];

/// One issuer: its settings, its key set, a token, and what the gateway reads from it.
struct Sample {
    name: &'static str,
    audience: &'static str,
    /// The claim that carries the OneAll user token.
    user_claim: &'static str,
    keys: Vec<Value>,
    header: Value,
    claims: Value,
    user: Option<&'static str>,
    scopes: &'static [&'static str],
}

/// The keys that the samples sign with. Making an RSA key is slow, so there is one.
struct Signers {
    rsa: &'static Signer,
    p256: Signer,
    ed25519: Signer,
}

/// A JWK with members added or replaced; `null` removes one.
fn jwk(signer: &Signer, members: Value) -> Value {
    with(signer.jwk("unset"), members)
}

fn with(mut object: Value, members: Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        object[name] = value.clone();
    }
    object.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    object
}

/// A certificate chain and its thumbprints, which the gateway ignores.
fn certificate() -> Value {
    json!({ "x5c": ["MIIC+DCCAeCgAwIBAgIJBIGjYW6hFpn2MA0GCSqGSIb3DQEBBQUAMCMxITAfBgNVBAM="], "x5t": "NjVBRjY5MDlCMUIwNzU4RTA2", "x5t#S256": "ZjM0YzA1ZGYxNjE1" })
}

impl Signers {
    fn new() -> Self {
        Self { rsa: Signer::rsa(), p256: Signer::p256(), ed25519: Signer::ed25519() }
    }

    /// The signer of a sample, by the algorithm in its header.
    fn signer(&self, header: &Value) -> &Signer {
        match header["alg"].as_str() {
            Some("RS256") => self.rsa,
            Some("ES256") => &self.p256,
            _ => &self.ed25519,
        }
    }

    fn auth0(&self) -> Sample {
        let next = jwk(&Signer::p256(), json!({ "kid": "next", "alg": "ES256" }));
        Sample {
            name: "Auth0",
            audience: "https://graph.example.com",
            user_claim: "https://commongraph/oneall_user_token",
            keys: vec![with(jwk(self.rsa, json!({ "kid": "NjVBRjY5", "alg": "RS256" })), certificate()), next],
            header: json!({ "alg": "RS256", "typ": "JWT", "kid": "NjVBRjY5" }),
            claims: json!({
                "https://commongraph/oneall_user_token": USER, "iss": "https://acme.eu.auth0.com/",
                "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
                "aud": ["https://graph.example.com", "https://acme.eu.auth0.com/userinfo"],
                "iat": NOW, "exp": NOW + 86_400, "scope": "openid profile email gateway:explain", "azp": "p2Uk6IYpG9",
                "gty": "password", "permissions": ["read:things"],
            }),
            user: Some(USER),
            scopes: EXPLAIN,
        }
    }

    fn keycloak(&self) -> Sample {
        let encryption = jwk(self.rsa, json!({ "kid": "enc", "use": "enc", "alg": "RSA-OAEP" }));
        Sample {
            name: "Keycloak",
            audience: "graph",
            user_claim: "oneall_user",
            keys: vec![
                with(encryption, certificate()),
                with(
                    jwk(self.rsa, json!({ "kid": "FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE", "alg": "RS256" })),
                    certificate(),
                ),
            ],
            header: json!({ "alg": "RS256", "typ": "JWT", "kid": "FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE" }),
            claims: json!({
                "exp": NOW + 300, "iat": NOW, "auth_time": NOW - 20, "jti": "onrtac:2f1d6f0c-8e3a-4a52-a9a6-5b5f6c0e1c11",
                "iss": "https://login.example.com/realms/acme", "aud": ["graph", "account"],
                "sub": "0f2d3c4b-5a69-4788-9a0b-1c2d3e4f5a6b", "typ": "Bearer", "azp": "frontend",
                "sid": "b7d1f1f0", "acr": "1", "allowed-origins": ["https://app.example.com"],
                "realm_access": { "roles": ["offline_access", "default-roles-acme"] },
                "resource_access": { "account": { "roles": ["view-profile"] } },
                "scope": "openid email profile gateway:explain", "email_verified": true, "oneall_user": USER,
                "preferred_username": "ada",
            }),
            user: Some(USER),
            scopes: EXPLAIN,
        }
    }

    fn entra_id(&self) -> Sample {
        let tenant = json!({ "issuer": "https://login.microsoftonline.com/8f3b9d60/v2.0", "cloud_instance_name": "microsoftonline.com" });
        let unsigned =
            |kid: &str| with(with(jwk(self.rsa, json!({ "kid": kid, "alg": null })), certificate()), tenant.clone());
        Sample {
            name: "Entra ID",
            audience: "5c6d7e8f-1a2b-4c3d-8e9f-0a1b2c3d4e5f",
            user_claim: "extn.oneallUser",
            keys: vec![unsigned("rIk5aHaTV1cnDkI2QyL0DS1pKkk"), unsigned("another")],
            header: json!({ "typ": "JWT", "alg": "RS256", "kid": "rIk5aHaTV1cnDkI2QyL0DS1pKkk", "x5t": "rIk5aHaTV1cnDkI2QyL0DS1pKkk" }),
            claims: json!({
                "aud": "5c6d7e8f-1a2b-4c3d-8e9f-0a1b2c3d4e5f", "iss": "https://login.microsoftonline.com/8f3b9d60/v2.0",
                "iat": NOW, "nbf": NOW, "exp": NOW + 4_521, "aio": "AWQAm/8TAAAA", "azp": "2d4d11a2", "azpacr": "0",
                "name": "Ada", "oid": "690222be", "preferred_username": "ada@example.com", "rh": "0.AAAA",
                "scp": "access_as_user gateway:explain", "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ",
                "tid": "8f3b9d60", "uti": "fqiBqXLPj0eQa82S-IYFAA", "ver": "2.0", "extn.oneallUser": USER,
            }),
            user: Some(USER),
            scopes: EXPLAIN,
        }
    }

    fn cognito(&self) -> Sample {
        Sample {
            name: "Amazon Cognito, an ID token",
            audience: "1example23456789",
            user_claim: "custom:oneall_user",
            keys: vec![
                jwk(self.rsa, json!({ "kid": "1234example=", "alg": "RS256" })),
                jwk(&Signer::p256(), json!({ "kid": "5678example=", "alg": "ES256" })),
            ],
            header: json!({ "kid": "1234example=", "alg": "RS256" }),
            claims: json!({
                "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "cognito:groups": ["test"], "email_verified": true,
                "iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_example", "cognito:username": "ada",
                "origin_jti": "aaaaaaaa", "aud": "1example23456789", "event_id": "64f513be", "token_use": "id",
                "auth_time": NOW, "exp": NOW + 3_600, "iat": NOW, "jti": "bbbbbbbb", "custom:oneall_user": USER,
            }),
            user: Some(USER),
            scopes: &[],
        }
    }

    fn okta(&self) -> Sample {
        Sample {
            name: "Okta",
            audience: "api://graph",
            user_claim: "oneallUser",
            keys: vec![jwk(self.rsa, json!({ "kid": "mR3wFTtpc8PM1NQj4Yh0", "alg": "RS256" }))],
            header: json!({ "kid": "mR3wFTtpc8PM1NQj4Yh0", "alg": "RS256" }),
            claims: json!({
                "ver": 1, "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
                "iss": "https://acme.okta.com/oauth2/default", "aud": "api://graph", "iat": NOW, "exp": NOW + 3_600,
                "cid": "nmdP1fcyvdVO11AL7ECm", "uid": "00ujmkLgagxeRrAg20g3", "auth_time": NOW - 60,
                "scp": ["openid", "gateway:explain"], "sub": "ada@example.com", "oneallUser": USER,
            }),
            user: Some(USER),
            scopes: EXPLAIN,
        }
    }

    fn ory(&self) -> Sample {
        Sample {
            name: "Ory Hydra",
            audience: "https://graph.example.com",
            user_claim: "oneall_user",
            keys: vec![jwk(&self.ed25519, json!({ "kid": "public:hydra.jwt.access-token", "alg": "EdDSA" }))],
            header: json!({ "alg": "EdDSA", "kid": "public:hydra.jwt.access-token", "typ": "JWT" }),
            claims: json!({
                "aud": ["https://graph.example.com"], "client_id": "frontend", "exp": NOW + 3_600, "ext": {}, "iat": NOW,
                "iss": "https://acme.projects.oryapis.com", "jti": "f9c8f0e4", "nbf": NOW,
                "scp": ["openid", "offline_access", "gateway:explain"], "sub": "ada", "oneall_user": USER,
            }),
            user: Some(USER),
            scopes: EXPLAIN,
        }
    }

    fn clerk(&self) -> Sample {
        Sample {
            name: "Clerk, a person whose metadata has no OneAll user",
            audience: "https://graph.example.com",
            user_claim: "oneall_user",
            keys: vec![jwk(self.rsa, json!({ "kid": "ins_2GIoQhbUpy0hX7B2cVkuTMinXoD", "alg": "RS256" }))],
            header: json!({ "alg": "RS256", "cat": "cl_B7d4PD111AAA", "kid": "ins_2GIoQhbUpy0hX7B2cVkuTMinXoD", "typ": "JWT" }),
            claims: json!({
                "aud": "https://graph.example.com", "azp": "https://app.example.com", "exp": NOW + 60, "fva": [0, -1],
                "iat": NOW, "iss": "https://clerk.example.com", "nbf": NOW - 10, "sid": "sess_123", "sts": "active",
                "sub": "user_2GIpXOEpVyJw51rkZn9Kmnc6Sxr", "v": 2, "oneall_user": null, "scope": null,
            }),
            user: None,
            scopes: &[],
        }
    }

    fn duende(&self) -> Sample {
        Sample {
            name: "Duende IdentityServer",
            audience: "graph",
            user_claim: "oneall_user",
            keys: vec![jwk(&self.p256, json!({ "kid": "2A0F9A0C8D", "alg": "ES256" }))],
            header: json!({ "alg": "ES256", "kid": "2A0F9A0C8D", "typ": "at+jwt" }),
            claims: json!({
                "iss": "https://login.example.com", "nbf": NOW, "iat": NOW, "exp": NOW + 3_600, "aud": "graph",
                "scope": ["openid", "profile", "gateway:explain", "offline_access"], "amr": ["pwd"],
                "client_id": "frontend", "sub": "88421113", "auth_time": NOW, "idp": "local", "sid": "FB3B16D0",
                "jti": "D6E8E5C4", "oneall_user": USER,
            }),
            user: Some(USER),
            scopes: EXPLAIN,
        }
    }

    fn authentik(&self) -> Sample {
        let key = json!({ "kid": "9f4c5b3a", "alg": "ES256" });
        Sample {
            name: "Authentik",
            audience: "h2kX0VbU",
            user_claim: "oneall_user",
            keys: vec![with(jwk(&self.p256, key), certificate())],
            header: json!({ "alg": "ES256", "kid": "9f4c5b3a", "typ": "JWT" }),
            claims: json!({
                "iss": "https://auth.example.com/application/o/graph/", "sub": "7a9b".repeat(16), "aud": "h2kX0VbU",
                "exp": NOW + 300, "iat": NOW, "auth_time": NOW, "acr": "goauthentik.io/providers/oauth2/default",
                "amr": ["pwd"], "sid": "4f1a", "jti": "x7", "azp": "h2kX0VbU", "uid": "b5", "groups": [],
                "scope": "openid email gateway:explain", "oneall_user": USER,
            }),
            user: Some(USER),
            scopes: EXPLAIN,
        }
    }

    /// An issuer of one's own whose key set and tokens are unusual, but as the RFCs allow.
    fn own(&self, name: &'static str, keys: Vec<Value>, header: Value) -> Sample {
        let claims = json!({
            "iss": "https://login.example.com", "aud": ["graph"], "sub": "ada", "exp": NOW as f64 + 300.25,
            "nbf": NOW as f64 - 0.75, "iat": NOW as f64 + 0.5, "scope": null, "scp": "gateway:explain",
        });
        Sample { name, audience: "graph", user_claim: "oneall_user", keys, header, claims, user: None, scopes: EXPLAIN }
    }

    fn own_samples(&self) -> Vec<Sample> {
        let bare = json!({ "kid": null, "use": null });
        let ed25519 = |members| jwk(&self.ed25519, members);
        let p256 = jwk(&self.p256, json!({ "kid": "1", "alg": "ES256", "use": null, "key_ops": ["verify"] }));
        let other_kinds = [
            json!({ "kty": "AKP", "alg": "ML-DSA-65", "kid": "1", "pub": base64(&[7; 64]) }),
            json!({ "kty": "EC", "crv": "P-521", "kid": "1", "x": base64(&[1; 66]), "y": base64(&[2; 66]) }),
            json!({ "kty": "OKP", "crv": "Ed448", "kid": "1", "alg": "Ed448", "x": base64(&[3; 57]) }),
            json!({ "kty": "oct", "kid": "1", "k": base64(&[4; 32]) }),
            with(json!({ "kty": "RSA", "kid": "1" }), certificate()),
            json!({ "kty": 7 }),
            json!("not a key"),
        ];
        let named = |alg: &str| json!({ "alg": alg, "kid": "1" });
        vec![
            self.own("the only key has no ID, use or algorithm", vec![ed25519(bare.clone())], named("EdDSA")),
            self.own("neither key nor token has an ID", vec![ed25519(bare)], json!({ "alg": "EdDSA" })),
            self.own("a key listed twice", vec![p256.clone(), p256.clone()], named("ES256")),
            self.own(
                "keys of two kinds with one ID",
                vec![p256.clone(), ed25519(json!({ "kid": "1" }))],
                named("EdDSA"),
            ),
            self.own("keys of unknown kinds", [other_kinds.to_vec(), vec![p256]].concat(), named("ES256")),
            self.own("RFC 9864 in both", vec![ed25519(json!({ "kid": "1", "alg": "Ed25519" }))], named("Ed25519")),
            self.own("RFC 9864 in the token", vec![ed25519(json!({ "kid": "1", "alg": "EdDSA" }))], named("Ed25519")),
            self.own("RFC 9864 in the key", vec![ed25519(json!({ "kid": "1", "alg": "Ed25519" }))], named("EdDSA")),
        ]
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_of_common_issuers_are_accepted() {
    let signers = Signers::new();
    let common = [Signers::auth0, Signers::keycloak, Signers::entra_id, Signers::cognito, Signers::okta];
    let more = [Signers::ory, Signers::clerk, Signers::duende, Signers::authentik];
    let samples = common.iter().chain(&more).map(|sample| sample(&signers));
    for sample in samples.chain(signers.own_samples()) {
        let settings = Settings {
            issuer: sample.claims["iss"].as_str().map(str::to_owned),
            audience: Some(sample.audience.to_owned()),
            jwks_url: Some("https://issuer.example/keys".to_owned()),
            oneall_user_claim: sample.user_claim.to_owned(),
            ..Settings::default()
        };
        let publisher = Publisher::of(&sample.keys);
        let verifier = Verifier::with_source(&settings, &|_| Ok(Box::new(publisher.clone())), None).unwrap().unwrap();
        let signer = signers.signer(&sample.header);
        let token = signer.raw(&sample.header.to_string(), &sample.claims.to_string());
        let claims = verifier.verify(&token, at(NOW), LookupMode::AllowFetch).await;
        let claims = claims.unwrap_or_else(|error| panic!("{}: {error}", sample.name));
        assert_eq!(Some(&*claims.subject), sample.claims["sub"].as_str(), "{}", sample.name);
        assert_eq!(claims.oneall_user.as_deref(), sample.user, "{}", sample.name);
        assert_eq!(claims.scopes.names(), sample.scopes, "{}", sample.name);
        let forged = Signer::p256().raw(&sample.header.to_string(), &sample.claims.to_string());
        assert!(verifier.verify(&forged, at(NOW), LookupMode::AllowFetch).await.is_err(), "{}", sample.name);
    }
}

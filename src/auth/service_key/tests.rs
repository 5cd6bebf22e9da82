//! Keys that are generated, configured and verified, and keys that are rejected.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn text(id: &str, byte: u8) -> String {
    generate(id, &[byte; SECRET_BYTES]).unwrap().text.expose_secret().to_owned()
}

/// The settings of a key whose secret repeats this byte.
fn settings(id: &str, byte: u8, service: &str, end: SystemTime) -> (String, Settings) {
    let settings = Settings {
        service: Some(service.to_owned()),
        sha256: Some(generate(id, &[byte; SECRET_BYTES]).unwrap().sha256),
        scopes: Scopes::from_claim("oneall:users:read"),
        expires_at: Some(ExpiresAt(end)),
    };
    (id.to_owned(), settings)
}

fn keys() -> ServiceKeys {
    let keys = [settings("a1", 1, "backend", now() + DAY), settings("b2", 2, "backend", now() + 2 * DAY)];
    ServiceKeys::from_settings(&keys.into(), now()).unwrap()
}

fn parse_toml(text: &str) -> Result<BTreeMap<String, Settings>, String> {
    let read = toml::from_str::<BTreeMap<String, Settings>>(text).map_err(|error| error.message().to_owned())?;
    validate(&read, now()).map(|()| read)
}

#[test]
fn a_key_identifies_its_service_until_it_expires() {
    let keys = keys();
    let found = keys.verify(&text("a1", 1), now()).unwrap();
    assert_eq!(&*found.service, "backend");
    assert_eq!(found.scopes.names(), ["oneall:users:read"]);
    assert!(keys.verify(&text("a1", 1), now() + DAY - Duration::from_secs(1)).is_ok());
    assert_eq!(keys.verify(&text("a1", 1), now() + DAY), Err(CredentialError::Expired));
    assert!(keys.verify(&text("b2", 2), now() + DAY).is_ok());
}

#[test]
fn the_secret_of_another_key_and_an_unknown_id_are_rejected() {
    let keys = keys();
    assert_eq!(keys.verify(&text("a1", 2), now()), Err(CredentialError::BadSignature));
    assert_eq!(keys.verify(&text("c3", 1), now()), Err(CredentialError::UnknownKey));
    assert_eq!(keys.verify(&text("a1", 9), now() + 9 * DAY), Err(CredentialError::BadSignature));
    assert_eq!(ServiceKeys::default().verify(&text("a1", 1), now()), Err(CredentialError::UnknownKey));
}

#[test]
fn a_key_in_another_format_is_rejected() {
    let good = text("a1", 1);
    let secret = &good[6..];
    assert_eq!(secret.len(), SECRET_CHARS);
    let long = "a".repeat(ID_MAX_CHARS + 1);
    for wrong in [
        String::new(),
        "cg_".to_owned(),
        "cg_a1".to_owned(),
        "cg_a1_".to_owned(),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}="),
        format!("{good}\0"),
        good[..good.len() - 1].to_owned(),
        format!("CG_a1_{secret}"),
        format!("cg_A1_{secret}"),
        format!("cg__{secret}"),
        format!("cg_{long}_{secret}"),
        format!("cg_a-1_{secret}"),
        format!("cg_../a1_{secret}"),
        format!("cg_a1_{}", secret.replace('A', "+")),
        // Bits behind the last byte.
        format!("cg_a1_{}B", &secret[..42]),
        format!("cg_a1_{}", "A".repeat(10_000)),
        format!("cg_a1_{}", "é".repeat(43)),
    ] {
        assert_eq!(keys().verify(&wrong, now()), Err(CredentialError::Malformed), "{wrong}");
    }
}

#[test]
fn a_generated_key_matches_its_digest_and_is_not_in_debug_output() {
    let fresh = generate("x9", &[7; SECRET_BYTES]).unwrap();
    let toml = format!(
        "[x9]\nservice = 'web'\nsha256 = '{}'\nscopes = 'gateway:metrics'\nexpires_at = 2027-01-31T00:00:00Z",
        fresh.sha256
    );
    let keys = ServiceKeys::from_settings(&parse_toml(&toml).unwrap(), now()).unwrap();
    assert!(keys.verify(fresh.text.expose_secret(), now()).is_ok());
    let printed = format!("{fresh:?} {keys:?}");
    assert!(!printed.contains(fresh.text.expose_secret()) && !printed.contains(&fresh.sha256.to_string()));
    assert!(generate("", &[7; SECRET_BYTES]).is_none() && generate("A", &[7; SECRET_BYTES]).is_none());
}

#[test]
fn an_expiry_is_a_text_or_a_toml_date_and_digests_have_either_case() {
    let hex = "AB".repeat(32);
    let line = |end: &str| format!("[k]\nservice='s'\nsha256='{hex}'\nscopes=['gateway:explain']\nexpires_at={end}");
    let texts =
        ["'2027-01-31T00:00:00Z'", "2027-01-31T00:00:00Z", "'2027-01-31T01:00:00+01:00'", "2027-01-31 00:00:00Z"];
    for end in texts {
        let read = parse_toml(&line(end)).unwrap();
        assert_eq!(read["k"].expires_at.unwrap().to_string(), "2027-01-31T00:00:00Z", "{end}");
        assert_eq!(read["k"].sha256.unwrap().to_string(), hex.to_lowercase());
    }
    for end in ["'SECRET'", "2027-01-31", "2027-01-31T00:00:00", "'2027-01-31'", "''", "12", "{ x = 1 }", "['SECRET']"]
    {
        let message = parse_toml(&line(end)).unwrap_err();
        assert!(message.contains("expected a time such as 2027-01-31T00:00:00Z"), "{end}: {message}");
        assert!(!message.contains("SECRET"), "{message}");
    }
}

#[test]
fn a_wrong_key_in_the_settings_is_reported_in_one_line() {
    let good = settings("a1", 1, "backend", now() + DAY).1;
    let error = |change: fn(&mut Settings)| {
        let mut key = good.clone();
        change(&mut key);
        validate(&[("a1".to_owned(), key)].into(), now()).unwrap_err()
    };
    let service =
        "access.keys.a1.service: is required: a name of 1 to 64 letters, digits, dots, hyphens and underscores";
    assert_eq!(error(|key| key.service = None), service);
    assert_eq!(error(|key| key.service = Some("SECRET here".to_owned())), service);
    assert_eq!(error(|key| key.service = Some("x".repeat(65))), service);
    assert_eq!(error(|key| key.sha256 = None), "access.keys.a1.sha256: is required; `commongraph key new` prints it");
    assert_eq!(error(|key| key.scopes = Scopes::NONE), "access.keys.a1.scopes: at least one scope is required");
    assert_eq!(
        error(|key| key.expires_at = None),
        "access.keys.a1.expires_at: is required, such as 2027-01-31T00:00:00Z"
    );
    let named = [("cg_a1_SECRET".to_owned(), good.clone())];
    assert_eq!(
        validate(&named.into(), now()).unwrap_err(),
        "access.keys: a key ID is not valid; expected 1 to 32 of a-z and 0-9"
    );
    for digest in
        ["SECRET", "0".repeat(63).as_str(), "0".repeat(65).as_str(), &format!("+{}", "0".repeat(63)), &"é".repeat(32)]
    {
        let line = parse_toml(&format!("[a1]\nsha256 = '{digest}'")).unwrap_err();
        assert_eq!(line, "not a digest, expected 64 hex digits");
    }
}

#[test]
fn a_service_may_have_two_active_keys_and_any_number_of_expired_ones() {
    let (soon, ended) = (now() + DAY, now() - DAY);
    let of = |ends: &[SystemTime]| {
        let keys = ends.iter().zip(0..).map(|(end, at)| settings(&format!("k{at}"), at, "backend", *end));
        validate(&keys.chain([settings("other", 9, "other", soon)]).collect(), now())
    };
    assert_eq!(of(&[soon, soon]), Ok(()));
    assert_eq!(of(&[soon, ended, soon, ended, ended]), Ok(()));
    assert_eq!(
        of(&[soon, ended, soon, soon]),
        Err("access.keys.k3.service: exceeds the limit of 2 active keys; remove one of them".to_owned())
    );
}

#[test]
fn keys_that_have_expired_or_expire_within_14_days_are_reported() {
    let end = |days: u32| now() + DAY * days;
    let keys =
        [("gone", now() - DAY), ("today", now()), ("soon", end(14)), ("later", end(14) + Duration::from_secs(1))];
    let keys = keys.into_iter().zip(0..).map(|((id, end), at)| settings(id, at, "backend", end)).collect();
    let reported: Vec<_> = expiring(&keys, now()).iter().map(|key| (key.id.to_owned(), key.has_expired)).collect();
    assert_eq!(reported, [("gone".to_owned(), true), ("soon".to_owned(), false), ("today".to_owned(), true)]);
}

proptest! {
    #[test]
    fn a_key_with_one_changed_character_is_rejected(at in 0..49_usize, with in any::<char>()) {
        let good = text("a1", 1);
        let mut changed: Vec<char> = good.chars().collect();
        prop_assume!(changed[at] != with);
        changed[at] = with;
        prop_assert!(keys().verify(&changed.into_iter().collect::<String>(), now()).is_err());
    }

    #[test]
    fn any_text_is_rejected_without_a_panic(text in ".{0,80}", tail in ".{0,60}") {
        prop_assert!(keys().verify(&text, now()).is_err());
        let tailed = format!("cg_a1_{tail}");
        prop_assert!(keys().verify(&tailed, now()).is_err());
    }

    #[test]
    fn every_generated_key_is_parsed(id in "[a-z0-9]{1,32}", random in any::<[u8; SECRET_BYTES]>()) {
        let fresh = generate(&id, &random).unwrap();
        let text = fresh.text.expose_secret();
        prop_assert_eq!(parse_id(text), Some(&*id));
        prop_assert_eq!(text.len(), 3 + id.len() + 1 + SECRET_CHARS);
        prop_assert!(has_prefix(text));
    }
}

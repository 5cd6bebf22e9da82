//! Keys as they are made, set and shown, and what is refused of them.
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

fn of_toml(text: &str) -> Result<BTreeMap<String, Settings>, String> {
    let read = toml::from_str::<BTreeMap<String, Settings>>(text).map_err(|error| error.message().to_owned())?;
    check(&read, now()).map(|()| read)
}

#[test]
fn a_key_is_its_service_until_it_ends() {
    let keys = keys();
    let found = keys.verify(&text("a1", 1), now()).unwrap();
    assert_eq!(&*found.service, "backend");
    assert_eq!(found.scopes.names(), ["oneall:users:read"]);
    assert!(keys.verify(&text("a1", 1), now() + DAY - Duration::from_secs(1)).is_ok());
    assert_eq!(keys.verify(&text("a1", 1), now() + DAY), Err(CredentialError::Expired));
    assert!(keys.verify(&text("b2", 2), now() + DAY).is_ok());
}

#[test]
fn another_keys_secret_and_an_unknown_id_are_refused() {
    let keys = keys();
    assert_eq!(keys.verify(&text("a1", 2), now()), Err(CredentialError::BadSignature));
    assert_eq!(keys.verify(&text("c3", 1), now()), Err(CredentialError::UnknownKey));
    assert_eq!(keys.verify(&text("a1", 9), now() + 9 * DAY), Err(CredentialError::BadSignature));
    assert_eq!(ServiceKeys::default().verify(&text("a1", 1), now()), Err(CredentialError::UnknownKey));
}

#[test]
fn a_text_is_a_key_to_the_letter_or_not_at_all() {
    let good = text("a1", 1);
    let secret = &good[6..];
    assert_eq!(secret.len(), SECRET_LENGTH);
    let long = "a".repeat(ID_LENGTH_MAX + 1);
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
fn a_fresh_key_is_good_under_the_digest_it_comes_with_and_prints_nothing() {
    let fresh = generate("x9", &[7; SECRET_BYTES]).unwrap();
    let toml = format!(
        "[x9]\nservice = 'web'\nsha256 = '{}'\nscopes = 'gateway:metrics'\nexpires_at = 2027-01-31T00:00:00Z",
        fresh.sha256
    );
    let keys = ServiceKeys::from_settings(&of_toml(&toml).unwrap(), now()).unwrap();
    assert!(keys.verify(fresh.text.expose_secret(), now()).is_ok());
    let printed = format!("{fresh:?} {keys:?}");
    assert!(!printed.contains(fresh.text.expose_secret()) && !printed.contains(&fresh.sha256.to_string()));
    assert!(generate("", &[7; SECRET_BYTES]).is_none() && generate("A", &[7; SECRET_BYTES]).is_none());
}

#[test]
fn an_end_is_written_as_text_or_as_toml_does_and_digits_in_either_case() {
    let hex = "AB".repeat(32);
    let line = |end: &str| format!("[k]\nservice='s'\nsha256='{hex}'\nscopes=['gateway:explain']\nexpires_at={end}");
    let texts =
        ["'2027-01-31T00:00:00Z'", "2027-01-31T00:00:00Z", "'2027-01-31T01:00:00+01:00'", "2027-01-31 00:00:00Z"];
    for end in texts {
        let read = of_toml(&line(end)).unwrap();
        assert_eq!(read["k"].expires_at.unwrap().to_string(), "2027-01-31T00:00:00Z", "{end}");
        assert_eq!(read["k"].sha256.unwrap().to_string(), hex.to_lowercase());
    }
    for end in ["'SECRET'", "2027-01-31", "2027-01-31T00:00:00", "'2027-01-31'", "''", "12", "{ x = 1 }", "['SECRET']"]
    {
        let told = of_toml(&line(end)).unwrap_err();
        assert!(told.contains("expected an instant such as 2027-01-31T00:00:00Z"), "{end}: {told}");
        assert!(!told.contains("SECRET"), "{told}");
    }
}

#[test]
fn what_is_wrong_with_a_key_is_told_in_one_line() {
    let good = settings("a1", 1, "backend", now() + DAY).1;
    let told = |change: fn(&mut Settings)| {
        let mut key = good.clone();
        change(&mut key);
        check(&[("a1".to_owned(), key)].into(), now()).unwrap_err()
    };
    let service =
        "access.keys.a1.service: wanted the name of the service, 1 to 64 letters, digits, dots, hyphens and _";
    assert_eq!(told(|key| key.service = None), service);
    assert_eq!(told(|key| key.service = Some("SECRET here".to_owned())), service);
    assert_eq!(told(|key| key.service = Some("x".repeat(65))), service);
    assert_eq!(told(|key| key.sha256 = None), "access.keys.a1.sha256: is missing; `commongraph key new` prints it");
    assert_eq!(
        told(|key| key.scopes = Scopes::NONE),
        "access.keys.a1.scopes: names none; a key without a scope is good for nothing"
    );
    assert_eq!(
        told(|key| key.expires_at = None),
        "access.keys.a1.expires_at: is missing; every key has an end, such as 2027-01-31T00:00:00Z"
    );
    let named = [("cg_a1_SECRET".to_owned(), good.clone())];
    assert_eq!(
        check(&named.into(), now()).unwrap_err(),
        "access.keys: names a key that cannot be one; wanted 1 to 32 of a-z and 0-9"
    );
    for digest in
        ["SECRET", "0".repeat(63).as_str(), "0".repeat(65).as_str(), &format!("+{}", "0".repeat(63)), &"é".repeat(32)]
    {
        let line = of_toml(&format!("[a1]\nsha256 = '{digest}'")).unwrap_err();
        assert_eq!(line, "no digest, expected 64 hex digits");
    }
}

#[test]
fn a_service_has_two_keys_that_are_good_and_any_number_that_have_ended() {
    let (soon, ended) = (now() + DAY, now() - DAY);
    let of = |ends: &[SystemTime]| {
        let keys = ends.iter().zip(0..).map(|(end, at)| settings(&format!("k{at}"), at, "backend", *end));
        check(&keys.chain([settings("other", 9, "other", soon)]).collect(), now())
    };
    assert_eq!(of(&[soon, soon]), Ok(()));
    assert_eq!(of(&[soon, ended, soon, ended, ended]), Ok(()));
    assert_eq!(
        of(&[soon, ended, soon, soon]),
        Err("access.keys.k3.service: has more than 2 keys that are good now; take one of them out".to_owned())
    );
}

proptest! {
    #[test]
    fn a_key_with_any_one_character_changed_is_refused(at in 0..49_usize, with in any::<char>()) {
        let good = text("a1", 1);
        let mut changed: Vec<char> = good.chars().collect();
        prop_assume!(changed[at] != with);
        changed[at] = with;
        prop_assert!(keys().verify(&changed.into_iter().collect::<String>(), now()).is_err());
    }

    #[test]
    fn any_text_is_refused_without_a_panic(text in ".{0,80}", tail in ".{0,60}") {
        prop_assert!(keys().verify(&text, now()).is_err());
        let tailed = format!("cg_a1_{tail}");
        prop_assert!(keys().verify(&tailed, now()).is_err());
    }

    #[test]
    fn every_key_that_is_made_is_read_again(id in "[a-z0-9]{1,32}", random in any::<[u8; SECRET_BYTES]>()) {
        let fresh = generate(&id, &random).unwrap();
        let text = fresh.text.expose_secret();
        prop_assert_eq!(id_of(text), Some(&*id));
        prop_assert_eq!(text.len(), 3 + id.len() + 1 + SECRET_LENGTH);
        prop_assert!(is_meant(text));
    }
}

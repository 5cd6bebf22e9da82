//! Properties of matches between random identities, and examples of similar identities that do not match.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::model::{Account, ConnectionKey, EmailEntry, IdentityKey, IdentityToken, KeyringId};

/// An identity with a key and the provider's name of a service.
fn identity_at(provider: Provider, service: &str) -> Identity {
    let key = match provider {
        Provider::WordPress => IdentityKey::External(ConnectionKey::Keyring(KeyringId(1))),
        Provider::OneAll => IdentityKey::Token(IdentityToken::parse("token").unwrap()),
    };
    Identity { service: Some(service.to_owned()), ..Identity::with_key(provider, key) }
}

fn keyring(service: &str, subject: &str) -> Identity {
    Identity { subject: Some(subject.to_owned()), ..identity_at(Provider::WordPress, service) }
}

fn oneall(service: &str, accounts: &[(&str, &str)]) -> Identity {
    let account = |(domain, id): &(&str, &str)| Account {
        domain: (!domain.is_empty()).then(|| (*domain).to_owned()),
        user_id: Some((*id).to_owned()),
        username: None,
    };
    Identity { accounts: accounts.iter().map(account).collect(), ..identity_at(Provider::OneAll, service) }
}

fn page(identity: Identity, url: &str) -> Identity {
    Identity { profile_url: Url::parse(url), ..identity }
}

fn identity() -> impl Strategy<Value = Identity> {
    const KEYRING: &[&str] = &["google_plus", "twitter", "facebook", "newthing"];
    const ONEALL: &[&str] = &["google", "twitter", "facebook", "newthing"];
    const DOMAINS: &[Option<&str>] =
        &[None, Some("google.com"), Some("twitter.com"), Some("facebook.com"), Some("else.example")];
    const SUBJECTS: &[Option<&str>] = &[None, Some(""), Some(" "), Some("0"), Some("false"), Some("7"), Some("8")];
    const PAGES: &[&str] = &[
        "",
        "https://twitter.com/",
        "https://twitter.com/heron",
        "http://www.twitter.com/heron/",
        "https://X.com/heron",
        "https://facebook.com/profile.php?id=7",
        "https://facebook.com/profile.php?id=8",
        "https://heron.example/heron",
    ];
    let names = prop::sample::select(vec![None, Some("Ada Reed".to_owned()), Some("ada reed ".to_owned())]);
    let account = (prop::sample::select(DOMAINS), prop::sample::select(SUBJECTS));
    let accounts = prop::collection::vec(account, 0..3);
    let known = (prop::sample::select(SUBJECTS), prop::sample::select(PAGES), any::<bool>());
    (any::<bool>(), 0..KEYRING.len(), known, accounts, names).prop_map(|(ours, service, known, accounts, name)| {
        let (subject, url, sealed) = known;
        let subject = subject.map(str::to_owned);
        let identity = if ours {
            Identity { subject, ..identity_at(Provider::WordPress, KEYRING[service]) }
        } else {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let account = |(domain, id)| Account { domain: text(domain), user_id: text(id), username: None };
            let accounts = accounts.into_iter().map(account).collect();
            Identity { subject, accounts, ..identity_at(Provider::OneAll, ONEALL[service]) }
        };
        let state = if sealed { IdentityState::Encrypted } else { IdentityState::Readable };
        Identity { profile_url: Url::parse(url), display_name: name, state, ..identity }
    })
}

#[test]
fn only_the_first_accounts_are_compared() {
    let mut accounts = vec![("twitter.com", "1"); ACCOUNTS_MAX];
    accounts[ACCOUNTS_MAX - 1].1 = "2";
    accounts.push(("twitter.com", "3"));
    for (subject, is_seen) in [("1", true), ("2", true), ("3", false)] {
        assert_eq!(is_account(&oneall("twitter", &accounts), "twitter", subject), is_seen, "{subject}");
    }
}

proptest! {
    #[test]
    fn matches_are_symmetric(one in identity(), other in identity()) {
        prop_assert_eq!(evidence(&one, &other), evidence(&other, &one));
        prop_assert_eq!(is_same_account(&one, &other), is_same_account(&other, &one));
    }

    #[test]
    fn matches_have_two_providers_and_one_service(one in identity(), other in identity()) {
        if evidence(&one, &other).is_some() {
            prop_assert_ne!(one.provider, other.provider);
            prop_assert_eq!(service_key(&one).unwrap(), service_key(&other).unwrap());
            prop_assert!(is_same_account(&one, &other));
        }
    }

    #[test]
    fn names_and_email_addresses_are_not_evidence(one in identity(), other in identity(), name in "[A-Za-z ]{1,12}") {
        let with_name = |identity: &Identity| Identity {
            display_name: Some(name.clone()),
            username: Some(name.clone()),
            emails: Some(vec![EmailEntry { value: "ada@fen.example".to_owned(), verified: Some(true) }]),
            ..identity.clone()
        };
        prop_assert_eq!(evidence(&with_name(&one), &with_name(&other)), evidence(&one, &other));
    }

    #[test]
    fn empty_ids_are_not_evidence(one in identity(), id in prop::sample::select(vec!["", " ", "\t", "0", "false"])) {
        let without = |identity: &Identity, id: Option<&str>| {
            let id = id.map(str::to_owned);
            let mut identity = Identity { subject: id.clone(), profile_url: None, ..identity.clone() };
            identity.accounts.iter_mut().for_each(|account| account.user_id = id.clone());
            identity
        };
        for (provider, spelling) in [(Provider::WordPress, "google_plus"), (Provider::OneAll, "google")] {
            let other = Identity { subject: Some(id.to_owned()), ..identity_at(provider, spelling) };
            prop_assert_eq!(evidence(&without(&one, Some(id)), &other), None);
            prop_assert_eq!(evidence(&without(&one, None), &other), None);
        }
    }
}

#[test]
fn accounts_match_by_id_across_service_names() {
    let subject = Some(MatchEvidence::Subject);
    for (ours, theirs, domain) in [
        ("twitter", "twitter", "twitter.com"),
        ("google_plus", "google", "google.com"),
        ("instagram-business", "instagram", "instagram.com"),
        ("newthing", "newthing", "newthing.example"),
        ("facebook", "facebook", ""),
    ] {
        assert_eq!(evidence(&keyring(ours, "7"), &oneall(theirs, &[(domain, "7")])), subject, "{ours}");
        assert_eq!(evidence(&keyring(ours, "7"), &oneall(theirs, &[(domain, "8")])), None, "{ours}");
    }
    let alone = Identity { subject: Some("7".to_owned()), ..identity_at(Provider::OneAll, "google") };
    assert_eq!(evidence(&keyring("google_plus", "7"), &alone), subject);
    assert_eq!(evidence(&keyring("google_my_business", "7"), &alone), None);
}

#[test]
fn accounts_at_other_services_do_not_match() {
    let both = oneall("google", &[("twitter.com", "300"), ("google.com", "118")]);
    assert_eq!(evidence(&keyring("google_plus", "118"), &both), Some(MatchEvidence::Subject));
    assert_eq!(evidence(&keyring("google_plus", "300"), &both), None);
    assert_eq!(evidence(&keyring("twitter", "300"), &both), None);
    assert_eq!(evidence(&keyring("google_plus", "300"), &oneall("google", &[("twitter.com", "300")])), None);
}

#[test]
fn equivalent_profile_urls_match_and_others_do_not() {
    let matched = |ours: &str, theirs: &str| {
        let (one, other) = (page(identity_at(Provider::WordPress, "twitter"), ours), oneall("twitter", &[]));
        evidence(&one, &page(other, theirs)) == Some(MatchEvidence::ProfileUrl)
    };
    for spelling in ["http://twitter.com/heron", "https://WWW.Twitter.com/heron/", "https://x.com/heron#top"] {
        assert!(matched("https://twitter.com/heron", spelling), "{spelling}");
    }
    for other in [
        "https://twitter.com/Heron",
        "https://twitter.com/heron2",
        "https://twitter.com/heron?id=2",
        "https://twitter.com:8443/heron",
        "https://mobile.twitter.com/heron",
        "https://heron.example/heron",
    ] {
        assert!(!matched("https://twitter.com/heron", other), "{other}");
        assert!(!matched(other, "https://twitter.com/heron"), "{other}");
    }
    for front in ["https://twitter.com", "https://www.twitter.com/", "https://heron.example/heron"] {
        assert!(!matched(front, front), "{front} is not the profile of an account at the service");
    }
}

#[test]
fn two_ids_outweigh_a_profile_url() {
    let (ours, theirs) = (keyring("twitter", "7"), oneall("twitter", &[("twitter.com", "8")]));
    let address = "https://twitter.com/heron";
    assert_eq!(evidence(&page(ours.clone(), address), &page(theirs, address)), None);
    let unnumbered = page(oneall("twitter", &[]), address);
    assert_eq!(evidence(&page(ours, address), &unnumbered), Some(MatchEvidence::ProfileUrl));
}

//! Identities: every row of the documented structure, the fallbacks, and the rows of a list.

use super::*;
use crate::model::{Address, Identity, IdentityState, LabelledValue, PersonName, Relationship};

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn value(value: &str, label: Option<&str>, detail: Option<&str>) -> LabelledValue {
    LabelledValue { value: value.into(), label: label.map(Into::into), detail: detail.map(Into::into) }
}

fn read(name: &str) -> Identity {
    identity(identity_token(), data(name)).unwrap()
}

fn of(fields: Value) -> Identity {
    let mut node = json!({"identity_token": IDENTITY});
    node.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    identity(identity_token(), inline(&json!({ "identity": node }))).unwrap()
}

#[test]
fn every_field_of_the_account_is_mapped() {
    let i = read("oneall/identity-full");
    assert_eq!((i.provider, i.state, i.complete), (Provider::OneAll, IdentityState::Readable, true));
    assert_eq!((&i.key, i.provider_id.as_deref()), (&IdentityKey::Token(identity_token()), Some(IDENTITY)));
    assert_eq!(i.user, Some(user_token()), "an identity names its owner");
    assert_eq!((i.service.as_deref(), i.service_label.as_deref()), (Some("linkedin"), Some("LinkedIn")));
    assert_eq!(i.provider_account_uid.as_deref(), Some("PIU77"));
    assert_eq!((i.display_name.as_deref(), i.username.as_deref()), (Some("Ada E."), Some("ada e")));
    let name = PersonName {
        formatted: some("Dr Ada Maria Example PhD"),
        given_name: some("Ada"),
        middle_name: some("Maria"),
        family_name: some("Example"),
        nickname: some("Adi"),
        honorific_prefix: some("Dr"),
        honorific_suffix: some("PhD"),
        display_name: some("Ada Example"),
    };
    assert_eq!(i.name, Some(name));
    assert_eq!(url(&i.account_url), Some("https://linkedin.example/in/ada"));
    assert_eq!(url(&i.profile_url), Some("https://linkedin.example/ada"));
    assert_eq!(url(&i.picture_url), Some("https://img.example/p.png"));
    assert_eq!(url(&i.thumbnail_url), Some("https://img.example/t.png"));
    assert_eq!(text(i.created_at).as_deref(), Some("2020-03-01T07:00:00Z"));
    assert_eq!(text(i.updated_at).as_deref(), Some("2020-03-02T09:06:36Z"));
    assert_eq!(i.follower_count, None);
}

#[test]
fn the_account_at_the_own_service_is_the_subject() {
    let i = read("oneall/identity-full");
    assert_eq!((i.accounts.len(), i.subject.as_deref()), (2, Some("22")), "not the first, and a number is text");
    let two = json!([{"domain": "a.example", "userid": "1"}, {"domain": "b.example", "userid": "2"}]);
    assert_eq!(of(json!({"provider": "twitter", "accounts": two})).subject, None, "no guess among other accounts");
    assert_eq!(of(json!({"provider": "b", "accounts": two})).subject.as_deref(), Some("2"));
    let vk = json!([{"domain": "a.example", "userid": "1"}, {"domain": "vk.com", "userid": "2"}]);
    assert_eq!(of(json!({"provider": "vkontakte", "accounts": vk})).subject.as_deref(), Some("2"));
    let bare = read("oneall/identity-bare");
    assert_eq!((bare.subject.as_deref(), bare.username.as_deref()), (Some("9"), Some("nine")), "the only one there is");
}

#[test]
fn rows_without_content_are_skipped() {
    let i = read("oneall/identity-full");
    let emails: Vec<_> = i.emails.as_ref().unwrap().iter().map(|e| (e.value.as_str(), e.verified)).collect();
    let verified = [Some(true), Some(true), Some(true), None, Some(false)];
    let expected = ["a@mail.example", "b@mail.example", "c@mail.example", "d@mail.example", "e@mail.example"];
    assert_eq!(emails, expected.into_iter().zip(verified).collect::<Vec<_>>());
    let urls: Vec<_> = i.urls.iter().map(|u| (u.url.as_str(), u.kind.as_deref())).collect();
    assert_eq!(urls, [("https://ada.example/", Some("blog")), ("https://linkedin.example/other", Some("profile"))]);
    let photos: Vec<_> = i.photos.iter().map(|p| (p.size.as_deref(), p.kind.as_deref())).collect();
    assert_eq!(photos, [(Some("3:S"), None), (None, Some("thumbnail"))]);
}

#[test]
fn every_field_of_the_profile_is_mapped() {
    let p = read("oneall/identity-full").profile.unwrap();
    assert_eq!((p.gender.as_deref(), p.birthday.as_deref()), (Some("female"), Some("12/31/1980")));
    assert_eq!((p.location.as_deref(), p.utc_offset.as_deref()), (Some("Luxembourg"), Some("2:00")));
    assert_eq!((p.about_me.as_deref(), p.note.as_deref()), (Some("I test."), Some("A note")));
    assert_eq!(p.relationship, Some(Relationship { status: some("single"), interested_in: some("men") }));
    assert_eq!(p.roles, ["editor"]);
    let languages = [value("fr", Some("native"), Some("mother tongue")), value("de", Some("spoken"), None)];
    assert_eq!(p.languages, languages);
    assert_eq!(p.locales, [value("fr_LU", None, Some("Luxembourg"))]);
    assert_eq!(p.interests, [value("Chess", Some("games"), None), value("Tea", None, None)]);
    let phones = vec![value("+352 3", Some("mobile"), None), value("352", None, None)];
    assert_eq!(p.phone_numbers, Some(phones));
    assert_eq!(p.educations, [value("Uni", Some("university"), None)]);
    assert_eq!(p.certifications, [value("Cert", Some("7"), Some("Board, 01/2015"))]);
    assert_eq!(p.recommendations, [value("Very good", Some("Bob Example"), None), value("Fine", None, None)]);
    let [employer] = &p.organizations[..] else { panic!("one with a name") };
    assert_eq!((employer.name.as_str(), employer.title.as_deref()), ("Acme", Some("Engineer")));
    assert_eq!((employer.kind.as_deref(), employer.location.as_deref()), (Some("job"), Some("LU")));
    assert_eq!((employer.department.as_deref(), employer.description.as_deref()), (Some("Tests"), Some("Testing")));
    assert_eq!((employer.start_date.as_deref(), employer.end_date.as_deref()), (Some("01/2010"), Some("02/2012")));
    let stored = Address {
        formatted: None,
        kind: some("billing"),
        company: some("Acme"),
        given_name: some("Ada"),
        middle_name: some("M"),
        family_name: some("Example"),
        street_address: some("1 Rue"),
        complement: some("B"),
        locality: some("Luxembourg"),
        region: some("LU"),
        postal_code: some("L-1000"),
        country: None,
        code: some("LU"),
        phone_number: some("+352 1"),
        fax_number: some("+352 2"),
    };
    let formatted = Address { formatted: some("1 Rue, Luxembourg"), ..Address::default() };
    assert_eq!(p.addresses, Some(vec![formatted, stored]), "an empty address is skipped");
}

#[test]
fn an_identity_with_few_fields_uses_fallbacks() {
    let i = read("oneall/identity-bare");
    assert_eq!((i.service.as_deref(), i.service_label.as_deref()), (Some("newcomer"), None), "source.key");
    assert_eq!(i.display_name.as_deref(), Some("Only Name"));
    assert_eq!(url(&i.profile_url), Some("https://n.example/nine"));
    assert_eq!(url(&i.thumbnail_url), Some("https://n.example/t.png"));
    assert_eq!(i.account_url, None, "an id that is no link");
    assert_eq!(i.profile.unwrap().birthday.as_deref(), Some("12/31"), "a part of a date stays as received");
    assert_eq!((i.user, i.created_at), (None, None));
    let nickname = of(json!({"name": {"displayName": "Shown", "formatted": "Formal"}}));
    assert_eq!(nickname.display_name.as_deref(), Some("Shown"));
}

#[test]
fn an_encrypted_identity_has_the_requested_key() {
    for node in [json!("cipher"), json!({"data": "cipher"})] {
        let i = identity(identity_token(), inline(&json!({ "identity": node }))).unwrap();
        assert_eq!((i.state, &i.key), (IdentityState::Encrypted, &IdentityKey::Token(identity_token())));
        assert_eq!((i.emails, i.profile), (None, None));
    }
    let has_encrypted = identity(identity_token(), inline(&json!({"identity_vault": "cipher"}))).unwrap();
    assert_eq!(has_encrypted.state, IdentityState::Encrypted);
    assert_eq!(read("oneall/identity-encrypted").state, IdentityState::Encrypted);
}

#[test]
fn a_response_about_another_identity_is_never_shown() {
    let other = inline(&json!({"identity": {"identity_token": "other", "displayName": "Somebody"}}));
    assert_eq!(
        identity(identity_token(), other).unwrap_err(),
        "identity_token: the response is about another identity"
    );
    for none in [json!({}), json!({"identity": []}), json!({"identity": null}), json!({"identity": {}})] {
        assert!(identity(identity_token(), inline(&none)).is_err(), "{none}");
    }
}

#[test]
fn a_short_reference_is_not_complete() {
    assert!(!of(json!({"provider": "twitter"})).complete);
    assert!(of(json!({"provider": "twitter", "displayName": "A"})).complete);
}

#[test]
fn a_row_of_a_list_has_token_service_dates_and_owner() {
    let page = identity_list(data("oneall/identities-paged"));
    assert_eq!(page.paging, Some(PageMeta { total: 3, size: 2 }));
    let [row] = &page.rows[..] else { panic!("one row") };
    let row = &row.value;
    assert_eq!((&row.key, row.complete), (&IdentityKey::Token(identity_token()), false));
    assert_eq!((row.service.as_deref(), row.service_label.as_deref()), (Some("google"), Some("Google")));
    assert_eq!((row.user.as_ref(), &row.emails, &row.profile), (Some(&user_token()), &None, &None));
    assert_eq!(text(row.created_at).as_deref(), Some("2020-03-01T07:00:00Z"));
    assert_eq!(text(row.updated_at).as_deref(), Some("2020-03-02T09:06:36Z"));
    let bad = identity_list(inline(&json!({"identities": {"entries": [{"user_token": USER}]}})));
    assert_eq!(bad.skipped[0].value.path, "identities[0]");
}

#[test]
fn a_row_with_encrypted_data_is_encrypted() {
    let rows = json!([{"identity_token": "one"}, {"identity_token": "two", "identity_vault": "CANARY"}]);
    let page = identity_list(inline(&json!({ "identities": rows })));
    let states: Vec<_> = page.rows.iter().map(|row| row.value.state).collect();
    assert_eq!(states, [IdentityState::Readable, IdentityState::Encrypted]);
}

#[test]
fn a_rounded_number_is_no_subject() {
    let account = |userid: &str| {
        let text = format!(
            r#"{{"identity":{{"identity_token":"{IDENTITY}","accounts":[{{"domain":"x.example","userid":{userid}}}]}}}}"#
        );
        identity(identity_token(), decode(&text).unwrap()).unwrap()
    };
    assert_eq!(account("18446744073709551615").subject.as_deref(), Some("18446744073709551615"));
    let rounded = account("110022003300440055110022");
    assert_eq!((rounded.subject, &rounded.accounts[0].user_id), (None, &None));
}

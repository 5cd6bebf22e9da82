//! The grants of each kind of caller at OneAll.

#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn a_person_reads_their_own_records_and_never_lists_the_site() {
    let ada = OneAllGrant::person(Some("ada"));
    let (sign_ins, users) = (ada.sign_ins().unwrap(), ada.users().unwrap());
    assert!(sign_ins.covers(Some("ada")) && !sign_ins.covers(Some("ben")) && !sign_ins.covers(None));
    assert!(users.covers(Some("ada")) && !users.covers(Some("ben")) && !users.covers(None));
    assert_eq!(ada.sign_in_list().unwrap_err(), Denied::ServicesOnly(Scope::ConnectionsList));
    assert_eq!(ada.identity_list().unwrap_err(), Denied::ServicesOnly(Scope::UsersRead));
    assert!(ada.personal().is_ok() && ada.operator_check().is_none());
}

#[test]
fn a_person_without_a_oneall_user_reads_nothing_and_is_denied_nothing() {
    let ben = OneAllGrant::person(None);
    let (sign_ins, users) = (ben.sign_ins().unwrap(), ben.users().unwrap());
    assert!(!sign_ins.reaches_anything() && !sign_ins.covers(None) && !users.covers(Some("ada")));
    assert!(!ben.reaches_anything());
}

#[test]
fn a_service_has_the_rights_of_its_scopes_only() {
    let grant = |scopes: &[Scope]| OneAllGrant::service(scopes.iter().copied().collect());
    let callback = grant(&[Scope::ConnectionsRead]);
    assert!(callback.sign_ins().unwrap().covers(None));
    assert_eq!(callback.users().unwrap_err(), Denied::MissingScope(Scope::UsersRead));
    assert_eq!(callback.sign_in_list().unwrap_err(), Denied::MissingScope(Scope::ConnectionsList));
    assert_eq!(callback.identity_list().unwrap_err(), Denied::MissingScope(Scope::UsersRead));
    assert_eq!(callback.personal().unwrap_err(), Denied::MissingScope(Scope::Personal));
    assert!(grant(&[Scope::UsersRead]).identity_list().is_ok());
    assert!(!grant(&[Scope::Personal]).reaches_anything() && callback.reaches_anything());
}

#[test]
fn changing_an_identity_requires_its_own_scope_or_ownership() {
    let ada = OneAllGrant::person(Some("ada"));
    let own = ada.synchronize().unwrap();
    assert!(!own.reaches_everyone() && own.site_key_access(Some("ada")).is_some());
    assert!(own.site_key_access(Some("ben")).is_none() && own.site_key_access(None).is_none());
    assert!(OneAllGrant::person(None).synchronize().unwrap().site_key_access(None).is_none());
    assert_eq!(ada.relink().unwrap_err(), Denied::ServicesOnly(Scope::IdentitiesRelink));
    assert_eq!(ada.delete().unwrap_err(), Denied::ServicesOnly(Scope::IdentitiesDelete));
    let grant = |scope| OneAllGrant::service([scope].into_iter().collect());
    let all = grant(Scope::IdentitiesSynchronize);
    assert!(all.synchronize().unwrap().reaches_everyone() && !all.reaches_anything());
    assert_eq!(all.relink().unwrap_err(), Denied::MissingScope(Scope::IdentitiesRelink));
    assert!(grant(Scope::IdentitiesRelink).relink().is_ok() && grant(Scope::IdentitiesDelete).delete().is_ok());
    assert_eq!(grant(Scope::UsersRead).delete().unwrap_err(), Denied::MissingScope(Scope::IdentitiesDelete));
}

#[test]
fn an_anonymous_caller_is_denied_for_lack_of_a_credential() {
    let nobody = OneAllGrant::anonymous();
    assert_eq!(nobody.sign_ins().unwrap_err(), Denied::NoCredential);
    assert_eq!(nobody.identity_list().unwrap_err(), Denied::NoCredential);
    assert!(!nobody.reaches_anything());
}

//! Maps the profile of an identity: what the person states at the service (Portable Contacts).
//!
//! Texts stay as received: a birthday may be a part of a date, and a gender any word. Rows without content are skipped.

use super::super::payload::{self, Valued};
use crate::model::{Address, IdentityKey, LabelledValue, Organization, Profile, Relationship};
use crate::provider::lenient::{Rows, Scalar};

/// The profile of an identity. It always exists, although it may be empty.
pub(super) fn profile(owner: IdentityKey, node: payload::Identity) -> Profile {
    let described = |row: Valued| labelled(row.value, None, row.description.text());
    let typed = |row: Valued| labelled(row.value, row.kind.text(), None);
    Profile {
        gender: node.gender.text(),
        birthday: node.birthday.text(),
        location: node.current_location.text(),
        about_me: node.about_me.text(),
        note: node.note.text(),
        utc_offset: node.utc_offset.text(),
        relationship: node.relationship.0.and_then(relationship),
        languages: rows(node.languages, |row| {
            labelled(row.value, row.proficiency.text().or(row.kind.text()), row.description.text())
        }),
        locales: rows(node.locales, described),
        interests: rows(node.interests, |row| labelled(row.value, row.category.text(), None)),
        phone_numbers: Some(rows(node.phone_numbers, typed)),
        addresses: Some(rows(node.addresses, address)),
        organizations: rows(node.organizations, organization),
        educations: rows(node.educations, typed),
        owner: Some(owner),
        redacted: false,
        roles: rows(node.roles, |row| row.value.text()),
        certifications: rows(node.certifications, |row| {
            let rest = [row.authority, row.start_date, row.end_date];
            labelled(row.name, row.number.text(), joined(rest, ", "))
        }),
        recommendations: rows(node.recommendations, |row| {
            labelled(row.value, recommender(row.recommender.0.unwrap_or_default()), None)
        }),
    }
}

fn rows<P, T>(rows: Rows<P>, map: impl Fn(P) -> Option<T>) -> Vec<T> {
    rows.readable().filter_map(map).collect()
}

fn labelled(value: Scalar, label: Option<String>, detail: Option<String>) -> Option<LabelledValue> {
    value.text().map(|value| LabelledValue { value, label, detail })
}

fn joined<const N: usize>(parts: [Scalar; N], separator: &str) -> Option<String> {
    let parts: Vec<String> = parts.into_iter().filter_map(Scalar::text).collect();
    (!parts.is_empty()).then(|| parts.join(separator))
}

fn recommender(who: payload::Recommender) -> Option<String> {
    let whole = who.formatted.text().or(who.display_name.text()).or(who.name.text());
    whole.or_else(|| joined([who.given_name, who.first_name, who.family_name, who.last_name], " "))
}

fn relationship(node: payload::Relationship) -> Option<Relationship> {
    let relationship = Relationship { status: node.status.text(), interested_in: node.interested_in.text() };
    (relationship != Relationship::default()).then_some(relationship)
}

fn address(row: payload::Address) -> Option<Address> {
    let address = Address {
        formatted: row.formatted.text(),
        kind: row.kind.text(),
        company: row.company_name.text(),
        given_name: row.first_name.text(),
        middle_name: row.middle_name.text(),
        family_name: row.last_name.text(),
        street_address: row.street_address.text(),
        complement: row.complement.text(),
        locality: row.locality.text(),
        region: row.region.text(),
        postal_code: row.postal_code.text(),
        country: row.country.text(),
        code: row.code.text(),
        phone_number: row.phone_number.text(),
        fax_number: row.fax_number.text(),
    };
    (address != Address::default()).then_some(address)
}

fn organization(row: payload::Organization) -> Option<Organization> {
    Some(Organization {
        name: row.name.text()?,
        title: row.title.text(),
        kind: row.kind.text(),
        location: row.location.text(),
        department: row.department.text(),
        description: row.description.text(),
        start_date: row.start_date.text(),
        end_date: row.end_date.text(),
    })
}

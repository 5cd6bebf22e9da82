//! Maps the services of the catalogue.

use crate::model::key::is_slug;
use crate::model::{OneTimeLink, ServiceEntry};
use crate::provider::List;
use crate::provider::lenient::Scalar;

use super::super::payload;
use super::{link, map_list};

/// Maps `/meta/external-services`, in the provider's order.
pub fn service_list(payload: payload::Services) -> List<ServiceEntry> {
    map_list("services", payload.services, |_, key, item| map_service(item, Some(key)))
}

/// Maps a service that was read on its own. An error names the invalid field.
pub fn service(payload: payload::Service) -> Result<ServiceEntry, String> {
    map_service(payload, None)
}

fn map_service(item: payload::Service, row_key: Option<&str>) -> Result<ServiceEntry, String> {
    Ok(ServiceEntry {
        slug: slug(item.id, row_key).ok_or("ID: expected a service's name")?,
        label: item.label.text(),
        kind: item.kind.text(),
        description: item.description.text(),
        icon_url: link(item.icon),
        genericon: item.genericon.text(),
        connect_url: link(item.connect_url).or_else(|| link(item.connect_url_documented)).map(OneTimeLink::Known),
        supports_multiple_accounts: item.multiple_external_user_id_support.boolean(),
        additional_accounts_only: item.external_users_only.boolean(),
        jetpack_support: item.jetpack_support.boolean(),
        jetpack_module: item.jetpack_module_required.text(),
        status: item.status.text(),
    })
}

/// The slug: the `ID`, or the service's key in a map. The index in a list is a number and no slug.
///
/// A slug becomes part of a path, so it must be a plain word.
fn slug(id: Scalar, row_key: Option<&str>) -> Option<String> {
    let key = row_key.filter(|key| is_slug(key) && !key.bytes().all(|byte| byte.is_ascii_digit()));
    match id {
        Scalar::Text(text) if is_slug(&text) => Some(text),
        _ => key.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests;

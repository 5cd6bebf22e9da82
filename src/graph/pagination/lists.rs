//! The list fields of the schema: which providers contribute to each list, and in which order.

mod connections;
mod identities;

pub(crate) use connections::{
    connections, connections_of_account, connections_to_service, count_needing_attention, viewer_connections,
};
pub(crate) use identities::{
    identities, identities_at_service, keyring_identities, oneall_user_identities, viewer_identities,
};

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use async_graphql::Context;

use super::cursor::Position;
use super::filter::{ApplicationFilter, ServiceFilter, oneall_unsupported};
use super::order::{ApplicationOrder, ConnectionOrder, OrderDirection, SortKey};
use super::page::{Page, PageArguments, ProviderPart, merge};
use super::page_size::PAGE_SIZE_MAX;
use crate::graph::context::ContextExt;
use crate::graph::error::{Error, ErrorCode};
use crate::graph::id::GlobalId;
use crate::loader::Loaders;
use crate::model::key::slug;
use crate::model::{Application, Provider, Service, catalogue};
use crate::provider::wordpress::ServiceSlug;
use crate::provider::{EntityResult, List};

/// Rejects a list argument that is too long.
///
/// # Errors
/// LIMIT_EXCEEDED.
pub(crate) fn check_length(name: &str, length: usize) -> Result<(), Error> {
    if length <= PAGE_SIZE_MAX as usize {
        return Ok(());
    }
    let message = format!("`{name}` has {length} entries, which exceeds the limit of {PAGE_SIZE_MAX}.");
    Err(Error::new(ErrorCode::LimitExceeded, message))
}

/// The applications that the viewer has authorized.
pub(crate) async fn applications(
    ctx: &Context<'_>,
    arguments: PageArguments,
    filter: Option<ApplicationFilter>,
    order: Option<ApplicationOrder>,
) -> Result<Page<Application>, Error> {
    let order = order.map(ConnectionOrder::from).unwrap_or_default();
    let request = arguments.ordered("applications", order)?;
    let filter = filter.unwrap_or_default();
    let position = |row: &Application| Position {
        sort_key: order.sort_key(row.authorized_at, || None, row.name.as_deref()),
        id: GlobalId::Application(row.key.clone()).to_plain(),
    };
    let mut parts = Vec::new();
    if filter.includes(Provider::WordPress) {
        let list = ctx.loaders().wordpress.session.applications().await;
        parts.push((Provider::WordPress, ProviderPart::from_list(list, |row| filter.matches(row), position)));
    }
    if filter.includes(Provider::OneAll) {
        parts.push((Provider::OneAll, ProviderPart::Missing(oneall_unsupported("plugins cannot be listed"))));
    }
    Ok(merge(ctx, &request, parts)?.into_page(&request, ctx))
}

/// The services of WordPress.com's catalogue and the services that the gateway knows.
pub(crate) async fn services(
    ctx: &Context<'_>,
    arguments: PageArguments,
    filter: Option<ServiceFilter>,
) -> Result<Page<Service>, Error> {
    let request = arguments.newest_first("services")?;
    let filter = filter.unwrap_or_default();
    let matches = |row: &Service| filter.matches(row);
    let session = &ctx.loaders().wordpress.session;
    let mut known: BTreeMap<&str, Service> =
        catalogue::KNOWN_SERVICES.iter().map(|service| (service.key, Service::from(service))).collect();
    let mut parts = Vec::new();
    if session.has_token() && filter.includes(Provider::WordPress) {
        let listed = session.services().await.map(|list| {
            // The catalogue may name a service twice. The slug that reads are sent for stays.
            let mut seen = HashSet::new();
            let mut rows: Vec<_> = list.rows.iter().map(|entry| Arc::new(Service::from_entry(entry))).collect();
            rows.sort_by_key(|row| row.slug != catalogue::wordpress_slug(&row.key));
            rows.retain(|row| seen.insert(row.key.clone()));
            rows.iter().for_each(|row| drop(known.remove(row.key.as_str())));
            Arc::new(List { rows, skipped: list.skipped.clone() })
        });
        parts.push((Provider::WordPress, ProviderPart::from_list(listed, matches, service_position)));
    }
    let known = List { rows: known.into_values().map(Arc::new).collect(), skipped: Vec::new() };
    parts.push((Provider::OneAll, ProviderPart::from_list(Ok(Arc::new(known)), matches, service_position)));
    Ok(merge(ctx, &request, parts)?.into_page(&request, ctx))
}

/// The service with this key, or with this name at a provider.
pub(crate) async fn load_service(loaders: &Loaders, key: &str) -> EntityResult<Service> {
    let Some(key) = slug(key) else { return Ok(None) };
    let known = Provider::ALL
        .map(|provider| catalogue::key_for(provider, &key))
        .into_iter()
        .find_map(|key| catalogue::known_service(&key));
    if let Some(service) = known {
        return Ok(Some(Arc::new(service.into())));
    }
    if !loaders.wordpress.session.has_token() {
        return Ok(None);
    }
    let entry = loaders.wordpress.load(ServiceSlug(key)).await?;
    Ok(entry.map(|entry| Arc::new(Service::from_entry(&entry))))
}

fn service_position(row: &Service) -> Position {
    Position {
        sort_key: SortKey::by_date(OrderDirection::Desc, None),
        id: GlobalId::Service(row.key.clone()).to_plain(),
    }
}

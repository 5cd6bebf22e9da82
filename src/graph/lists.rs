//! The lists of the graph: which providers have a part in each, and in which order its rows stand.

mod connections;
mod identities;

pub use connections::{connections, connections_at, connections_of, count_needing_attention, own_connections};
pub use identities::{behind_keyring, identities, identities_at, of_user, own_identities};

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use async_graphql::Context;

use super::ContextExt;
use super::cursor::Place;
use super::error::{Code, Error};
use super::filter::{ApplicationFilter, ServiceFilter, beyond_oneall};
use super::id::GlobalId;
use super::order::{ApplicationOrder, ConnectionOrder, OrderDirection, Rank};
use super::page::{Arguments, FIRST_MAX, Page, Side, merge};
use crate::loader::Loaders;
use crate::model::key::slug;
use crate::model::{Application, Provider, Service, catalogue};
use crate::provider::wordpress::ServiceSlug;
use crate::provider::{Answer, List};

/// Refuses a list argument that is too long.
pub fn check_length(name: &str, length: usize) -> Result<(), Error> {
    if length <= FIRST_MAX as usize {
        return Ok(());
    }
    let message = format!("`{name}` has {length} entries; it may have {FIRST_MAX}.");
    Err(Error::own(Code::LimitExceeded, message))
}

/// The applications the person gave access to.
pub async fn applications(
    ctx: &Context<'_>,
    arguments: Arguments,
    filter: Option<ApplicationFilter>,
    order: Option<ApplicationOrder>,
) -> Result<Page<Application>, Error> {
    let order = order.map(ConnectionOrder::from).unwrap_or_default();
    let (window, filter) = (arguments.ordered("applications", order)?, filter.unwrap_or_default());
    let place = |row: &Application| Place {
        rank: order.rank(row.authorized_at, || None, row.name.as_deref()),
        id: GlobalId::Application(row.key.clone()).plain(),
    };
    let mut sides = Vec::new();
    if filter.asks(Provider::WordPress) {
        let list = ctx.loaders().wordpress.reads.applications().await;
        sides.push((Provider::WordPress, Side::picked(list, |row| filter.keeps(row), place)));
    }
    if filter.asks(Provider::OneAll) {
        sides.push((Provider::OneAll, Side::Missing(beyond_oneall("it does not list the plugins of a site"))));
    }
    Ok(merge(ctx, &window, sides)?.page(&window, ctx))
}

/// Every service that a provider works with: those of WordPress.com's catalogue, and those known by name.
pub async fn services(
    ctx: &Context<'_>,
    arguments: Arguments,
    filter: Option<ServiceFilter>,
) -> Result<Page<Service>, Error> {
    let (window, filter) = (arguments.window("services")?, filter.unwrap_or_default());
    let keeps = |row: &Service| filter.keeps(row);
    let reads = &ctx.loaders().wordpress.reads;
    let mut known: BTreeMap<&str, Service> =
        catalogue::KNOWN_SERVICES.iter().map(|name| (name.key, Service::from(name))).collect();
    let mut sides = Vec::new();
    if reads.is_asked() && filter.asks(Provider::WordPress) {
        let listed = reads.services().await.map(|list| {
            // Two spellings of one service are one service, under the one by which it is read again.
            let mut seen = HashSet::new();
            let mut rows: Vec<_> = list.rows.iter().map(|entry| Arc::new(Service::from_entry(entry))).collect();
            rows.sort_by_key(|row| row.slug != catalogue::wordpress_slug(&row.key));
            rows.retain(|row| seen.insert(row.key.clone()));
            rows.iter().for_each(|row| drop(known.remove(row.key.as_str())));
            Arc::new(List { rows, skipped: list.skipped.clone() })
        });
        sides.push((Provider::WordPress, Side::picked(listed, keeps, service_place)));
    }
    let known = List { rows: known.into_values().map(Arc::new).collect(), skipped: Vec::new() };
    sides.push((Provider::OneAll, Side::picked(Ok(Arc::new(known)), keeps, service_place)));
    Ok(merge(ctx, &window, sides)?.page(&window, ctx))
}

/// The service with this key, in our spelling or a provider's.
pub async fn service(loaders: &Loaders, key: &str) -> Answer<Service> {
    let Some(key) = slug(key) else { return Ok(None) };
    let known = Provider::ALL
        .map(|provider| catalogue::key_for(provider, &key))
        .into_iter()
        .find_map(|key| catalogue::known_service(&key));
    if let Some(name) = known {
        return Ok(Some(Arc::new(name.into())));
    }
    if !loaders.wordpress.reads.is_asked() {
        return Ok(None);
    }
    let entry = loaders.wordpress.find(ServiceSlug(key)).await?;
    Ok(entry.map(|entry| Arc::new(Service::from_entry(&entry))))
}

fn service_place(row: &Service) -> Place {
    Place { rank: Rank::dated(OrderDirection::Desc, None), id: GlobalId::Service(row.key.clone()).plain() }
}

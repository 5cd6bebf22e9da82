//! The lists of connections: everyone's, the person's own, one service's, one account's.

use std::collections::HashSet;

use async_graphql::Context;

use crate::graph::ContextExt;
use crate::graph::cursor::Place;
use crate::graph::error::Error;
use crate::graph::filter::{ConnectionFilter, beyond_oneall, service_key};
use crate::graph::id::GlobalId;
use crate::graph::order::ConnectionOrder;
use crate::graph::page::{Arguments, Page, Side, Window, merge};
use crate::graph::walk::walk;
use crate::loader::Loaders;
use crate::model::{Connection, Identity, Provider, matching};

type Sides = Vec<(Provider, Side<Connection>)>;

/// Every connection the caller may list, at both providers.
pub async fn connections(
    ctx: &Context<'_>,
    arguments: Arguments,
    filter: Option<ConnectionFilter>,
    order: Option<ConnectionOrder>,
) -> Result<Page<Connection>, Error> {
    let window = arguments.ordered("connections", order.unwrap_or_default())?;
    let filter = filter.unwrap_or_default().with_keys();
    let loaders = ctx.loaders();
    let (mut sides, sign_ins) =
        futures_util::join!(stored(loaders, &window, &filter), sign_ins(loaders, &window, &filter));
    sides.extend(sign_ins);
    Ok(merge(ctx, &window, sides)?.page(&window, ctx))
}

/// The person's connections at WordPress.com.
pub async fn own_connections(
    ctx: &Context<'_>,
    arguments: Arguments,
    filter: Option<ConnectionFilter>,
    order: Option<ConnectionOrder>,
) -> Result<Page<Connection>, Error> {
    let window = arguments.ordered("viewer.connections", order.unwrap_or_default())?;
    let filter = filter.unwrap_or_default().with_keys();
    Ok(merge(ctx, &window, stored(ctx.loaders(), &window, &filter).await)?.page(&window, ctx))
}

/// The connections to the service with this key, of those that a list can tell.
pub async fn connections_at(ctx: &Context<'_>, key: &str, arguments: Arguments) -> Result<Page<Connection>, Error> {
    let window = arguments.window("service.connections")?;
    let keeps = |row: &Connection| service_key(row).is_some_and(|service| service == key);
    let mut sides = kept(ctx.loaders(), &window, keeps).await;
    if ctx.loaders().oneall.reads.is_configured() {
        let why = "its list of sign-ins does not tell their services";
        sides.push((Provider::OneAll, Side::Unlisted(beyond_oneall(why))));
    }
    Ok(merge(ctx, &window, sides)?.page(&window, ctx))
}

/// The connections that lead to the account that an identity is, of those that a list can tell.
pub async fn connections_of(
    ctx: &Context<'_>,
    identity: &Identity,
    arguments: Arguments,
) -> Result<Page<Connection>, Error> {
    let window = arguments.window("identity.connections")?;
    let is_it = |other: &Identity| matching::is_same_account(identity, other);
    let mut sides = Vec::new();
    if ctx.loaders().wordpress.reads.is_asked() {
        let keeps = |row: &Connection| row.identity.as_deref().is_some_and(is_it);
        sides = kept(ctx.loaders(), &window, keeps).await;
    }
    if identity.provider == Provider::OneAll {
        let why = "its list of sign-ins does not tell their identities";
        sides.push((Provider::OneAll, Side::Unlisted(beyond_oneall(why))));
    }
    Ok(merge(ctx, &window, sides)?.page(&window, ctx))
}

/// How many of the person's connections at WordPress.com need attention.
pub async fn count_needing_attention(loaders: &Loaders) -> Result<i32, Error> {
    let reads = &loaders.wordpress.reads;
    let (keyring, publicize) = futures_util::join!(reads.keyring_connections(), reads.publicize_connections(None));
    let (keyring, publicize) = (keyring?, publicize?);
    let mut seen = HashSet::new();
    let rows = keyring.rows.iter().chain(&publicize.rows).filter(|row| seen.insert(&row.key));
    let count = rows.filter(|row| row.health.as_ref().is_some_and(|health| health.state.needs_attention())).count();
    Ok(i32::try_from(count).unwrap_or(i32::MAX))
}

/// WordPress.com's side, if it is wanted.
async fn stored(loaders: &Loaders, window: &Window, filter: &ConnectionFilter) -> Sides {
    match filter.asks(Provider::WordPress) {
        true => kept(loaders, window, |row| filter.keeps(row)).await,
        false => Vec::new(),
    }
}

/// WordPress.com's side: of both its lists, the rows for which `keeps` holds.
async fn kept(loaders: &Loaders, window: &Window, keeps: impl Fn(&Connection) -> bool) -> Sides {
    let reads = &loaders.wordpress.reads;
    let (keyring, publicize) = futures_util::join!(reads.keyring_connections(), reads.publicize_connections(None));
    let place_of = |row: &Connection| place(row, window.order());
    [keyring, publicize].map(|list| (Provider::WordPress, Side::picked(list, &keeps, place_of))).into()
}

/// OneAll's side, if it is wanted. What its list cannot tell is not looked for row by row.
async fn sign_ins(
    loaders: &Loaders,
    window: &Window,
    filter: &ConnectionFilter,
) -> Option<(Provider, Side<Connection>)> {
    if !filter.asks(Provider::OneAll) {
        return None;
    }
    let reads = &loaders.oneall.reads;
    let side = match (reads.may_list_sign_ins(), filter.refused_by_oneall(window.order())) {
        (Ok(()), Some(refused)) => Side::Missing(refused),
        _ => {
            let wanted = window.wanted(filter.created_since);
            let place_of = |row: &Connection| place(row, window.order());
            let found = walk(wanted, place_of, |stretch| reads.sign_ins(stretch)).await;
            Side::found(found, filter.created_since.is_none())
        }
    };
    Some((Provider::OneAll, side))
}

fn place(row: &Connection, order: ConnectionOrder) -> Place {
    let rank = order.rank(row.created_at, || service_key(row), row.label.as_deref());
    Place { rank, id: GlobalId::Connection(row.key.clone()).plain() }
}

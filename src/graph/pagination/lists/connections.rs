//! Lists of connections: all, the viewer's, those to one service, and those to one account.

use std::collections::HashSet;

use async_graphql::Context;

use crate::graph::context::ContextExt;
use crate::graph::error::Error;
use crate::graph::id::GlobalId;
use crate::graph::pagination::cursor::Position;
use crate::graph::pagination::filter::{ConnectionFilter, oneall_unsupported, service_key};
use crate::graph::pagination::order::ConnectionOrder;
use crate::graph::pagination::page::{Page, PageArguments, PageRequest, ProviderPart, merge};
use crate::graph::pagination::scan::scan;
use crate::loader::Loaders;
use crate::model::{Connection, Identity, Provider, matching};

type ProviderParts = Vec<(Provider, ProviderPart<Connection>)>;

/// The connections that the caller may list, at both providers.
pub(crate) async fn connections(
    ctx: &Context<'_>,
    arguments: PageArguments,
    filter: Option<ConnectionFilter>,
    order: Option<ConnectionOrder>,
) -> Result<Page<Connection>, Error> {
    let request = arguments.ordered("connections", order.unwrap_or_default())?;
    let filter = filter.unwrap_or_default().with_service_keys();
    let loaders = ctx.loaders();
    let (mut parts, sign_ins) = futures_util::join!(
        filtered_wordpress_parts(loaders, &request, &filter),
        sign_in_part(loaders, &request, &filter)
    );
    parts.extend(sign_ins);
    Ok(merge(ctx, &request, parts)?.into_page(&request, ctx))
}

/// The viewer's WordPress.com connections.
pub(crate) async fn viewer_connections(
    ctx: &Context<'_>,
    arguments: PageArguments,
    filter: Option<ConnectionFilter>,
    order: Option<ConnectionOrder>,
) -> Result<Page<Connection>, Error> {
    let request = arguments.ordered("viewer.connections", order.unwrap_or_default())?;
    let filter = filter.unwrap_or_default().with_service_keys();
    let parts = filtered_wordpress_parts(ctx.loaders(), &request, &filter).await;
    Ok(merge(ctx, &request, parts)?.into_page(&request, ctx))
}

/// The viewer's WordPress.com connections to the service with this key.
pub(crate) async fn connections_to_service(
    ctx: &Context<'_>,
    key: &str,
    arguments: PageArguments,
) -> Result<Page<Connection>, Error> {
    let request = arguments.newest_first("service.connections")?;
    let matches = |row: &Connection| service_key(row).is_some_and(|service| service == key);
    let mut parts = wordpress_parts(ctx.loaders(), &request, matches).await;
    if ctx.loaders().oneall.session.is_configured() {
        let why = "sign-ins cannot be listed by service";
        parts.push((Provider::OneAll, ProviderPart::Unsupported(oneall_unsupported(why))));
    }
    Ok(merge(ctx, &request, parts)?.into_page(&request, ctx))
}

/// The viewer's WordPress.com connections to the account of an identity.
pub(crate) async fn connections_of_account(
    ctx: &Context<'_>,
    identity: &Identity,
    arguments: PageArguments,
) -> Result<Page<Connection>, Error> {
    let request = arguments.newest_first("identity.connections")?;
    let is_same = |other: &Identity| matching::is_same_account(identity, other);
    let mut parts = Vec::new();
    if ctx.loaders().wordpress.session.has_token() {
        let matches = |row: &Connection| row.identity.as_deref().is_some_and(is_same);
        parts = wordpress_parts(ctx.loaders(), &request, matches).await;
    }
    if identity.provider == Provider::OneAll {
        let why = "sign-ins cannot be listed by identity";
        parts.push((Provider::OneAll, ProviderPart::Unsupported(oneall_unsupported(why))));
    }
    Ok(merge(ctx, &request, parts)?.into_page(&request, ctx))
}

/// The number of the viewer's WordPress.com connections that need attention.
pub(crate) async fn count_needing_attention(loaders: &Loaders) -> Result<i32, Error> {
    let session = &loaders.wordpress.session;
    let (keyring, publicize) = futures_util::join!(session.keyring_connections(), session.publicize_connections(None));
    let keyring = keyring?;
    let publicize = publicize?;
    let mut seen = HashSet::new();
    let rows = keyring.rows.iter().chain(&publicize.rows).filter(|row| seen.insert(&row.key));
    let count = rows.filter(|row| row.health.as_ref().is_some_and(|health| health.state.needs_attention())).count();
    Ok(i32::try_from(count).unwrap_or(i32::MAX))
}

/// WordPress.com's part of a filtered list. Empty when the filter excludes WordPress.com.
async fn filtered_wordpress_parts(
    loaders: &Loaders,
    request: &PageRequest,
    filter: &ConnectionFilter,
) -> ProviderParts {
    match filter.includes(Provider::WordPress) {
        true => wordpress_parts(loaders, request, |row| filter.matches(row)).await,
        false => Vec::new(),
    }
}

/// WordPress.com's part: the matching rows of its lists of Keyring and Publicize connections.
async fn wordpress_parts(
    loaders: &Loaders,
    request: &PageRequest,
    matches: impl Fn(&Connection) -> bool,
) -> ProviderParts {
    let session = &loaders.wordpress.session;
    let (keyring, publicize) = futures_util::join!(session.keyring_connections(), session.publicize_connections(None));
    let position_of = |row: &Connection| position(row, request.order());
    [keyring, publicize].map(|list| (Provider::WordPress, ProviderPart::from_list(list, &matches, position_of))).into()
}

/// OneAll's part of a list, or `None` when the filter excludes OneAll.
async fn sign_in_part(
    loaders: &Loaders,
    request: &PageRequest,
    filter: &ConnectionFilter,
) -> Option<(Provider, ProviderPart<Connection>)> {
    if !filter.includes(Provider::OneAll) {
        return None;
    }
    let session = &loaders.oneall.session;
    let part = match (session.may_list_sign_ins(), filter.oneall_error(request.order())) {
        (Ok(()), Some(error)) => ProviderPart::Missing(error),
        _ => {
            let scan_request = request.scan_request(filter.created_since);
            let position_of = |row: &Connection| position(row, request.order());
            let result = scan(scan_request, position_of, |range| session.sign_ins(range)).await;
            ProviderPart::from_scan(result, filter.created_since.is_none())
        }
    };
    Some((Provider::OneAll, part))
}

fn position(row: &Connection, order: ConnectionOrder) -> Position {
    let sort_key = order.sort_key(row.created_at, || service_key(row), row.label.as_deref());
    Position { sort_key, id: GlobalId::Connection(row.key.clone()).to_plain() }
}

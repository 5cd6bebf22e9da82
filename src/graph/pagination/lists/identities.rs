//! Lists of identities: all, the viewer's, and those at one service.

use std::sync::Arc;

use async_graphql::Context;

use crate::graph::context::ContextExt;
use crate::graph::error::Error;
use crate::graph::id::GlobalId;
use crate::graph::pagination::cursor::Position;
use crate::graph::pagination::filter::{IdentityFilter, oneall_unsupported};
use crate::graph::pagination::order::{ConnectionOrder, IdentityOrder};
use crate::graph::pagination::page::{MergedPage, Page, PageArguments, PageRequest, ProviderPart, merge};
use crate::graph::pagination::scan::scan;
use crate::loader::Loaders;
use crate::model::{Connection, Identity, IdentityKey, Provider, matching};
use crate::provider::{self, List};

/// The answer to a read of a list of identities.
type ListAnswer = Result<Arc<List<Identity>>, provider::Error>;

/// The identities that the caller may list, at both providers.
pub(crate) async fn identities(
    ctx: &Context<'_>,
    arguments: PageArguments,
    filter: Option<IdentityFilter>,
    order: Option<IdentityOrder>,
) -> Result<Page<Identity>, Error> {
    let request = arguments.ordered("identities", order.map(ConnectionOrder::from).unwrap_or_default())?;
    let filter = filter.unwrap_or_default().with_service_keys();
    let loaders = ctx.loaders();
    let keyring = async {
        if !filter.includes(Provider::WordPress) {
            return None;
        }
        let list = loaders.wordpress.session.keyring_connections().await.map(|list| Arc::new(accounts(&list)));
        Some((Provider::WordPress, ProviderPart::from_list(list, |row| filter.matches(row), position_in(&request))))
    };
    let site = async {
        if filter.includes(Provider::OneAll) { Some(site_part(loaders, &request, &filter).await) } else { None }
    };
    let (keyring, site) = futures_util::join!(keyring, site);
    let mut merged = merge(ctx, &request, keyring.into_iter().chain(site).collect())?;
    load_selected_details(ctx, &mut merged).await;
    Ok(merged.into_page(&request, ctx))
}

/// The viewer's identities: those of their Keyring connections and those of their OneAll user.
pub(crate) async fn viewer_identities(
    ctx: &Context<'_>,
    arguments: PageArguments,
    filter: Option<IdentityFilter>,
    order: Option<IdentityOrder>,
) -> Result<Page<Identity>, Error> {
    let request = arguments.ordered("viewer.identities", order.map(ConnectionOrder::from).unwrap_or_default())?;
    let filter = filter.unwrap_or_default().with_service_keys();
    let parts = viewer_parts(ctx.loaders(), &request, &filter).await;
    Ok(merge(ctx, &request, parts)?.into_page(&request, ctx))
}

/// The viewer's identities at the service with this key. The identities of a whole site are never searched.
pub(crate) async fn identities_at_service(
    ctx: &Context<'_>,
    key: &str,
    arguments: PageArguments,
) -> Result<Page<Identity>, Error> {
    let request = arguments.newest_first("service.identities")?;
    let filter = IdentityFilter { service: Some(vec![key.to_owned()]), ..IdentityFilter::default() };
    let loaders = ctx.loaders();
    let mut parts = viewer_parts(loaders, &request, &filter).await;
    if loaders.oneall.session.user().is_none() && loaders.oneall.session.may_list_identities().is_ok() {
        let why = "the identities of a site cannot be filtered by service. Send the JWT of the person";
        parts.push((Provider::OneAll, ProviderPart::Unsupported(oneall_unsupported(why))));
    }
    if parts.is_empty() {
        let missing = loaders.wordpress.session.keyring_connections().await.err();
        missing.map_or(Ok(()), |error| Err(Error::from(error)))?;
    }
    Ok(merge(ctx, &request, parts)?.into_page(&request, ctx))
}

/// Both providers' parts of the viewer's identities, as far as the request has credentials and the filter includes them.
async fn viewer_parts(
    loaders: &Loaders,
    request: &PageRequest,
    filter: &IdentityFilter,
) -> Vec<(Provider, ProviderPart<Identity>)> {
    let part = |list: ListAnswer| ProviderPart::from_list(list, |row| filter.matches(row), position_in(request));
    let keyring = async {
        let list = if filter.includes(Provider::WordPress) { keyring_identities(loaders).await } else { None };
        list.map(|list| (Provider::WordPress, part(list)))
    };
    let user = async {
        let list = if filter.includes(Provider::OneAll) { oneall_user_identities(loaders).await } else { None };
        list.map(|list| (Provider::OneAll, part(list)))
    };
    let (keyring, user) = futures_util::join!(keyring, user);
    keyring.into_iter().chain(user).collect()
}

/// The identities of the viewer's Keyring connections. `None` without a token.
pub(crate) async fn keyring_identities(loaders: &Loaders) -> Option<ListAnswer> {
    let session = &loaders.wordpress.session;
    let list = if session.has_token() { session.keyring_connections().await } else { return None };
    Some(list.map(|list| Arc::new(accounts(&list))))
}

/// The identities of the OneAll user that the JWT names. `None` when it names none, and for a service.
pub(crate) async fn oneall_user_identities(loaders: &Loaders) -> Option<ListAnswer> {
    let user = loaders.oneall.load(loaders.oneall.session.user()?).await;
    Some(user.map(|user| {
        let entry = user.as_ref().and_then(|user| user.entry.as_ref());
        Arc::new(List {
            rows: entry.map(|entry| entry.identities.clone()).unwrap_or_default(),
            skipped: entry.map(|entry| entry.skipped.clone()).unwrap_or_default(),
        })
    }))
}

/// The OneAll site's part of the list of all identities.
async fn site_part(
    loaders: &Loaders,
    request: &PageRequest,
    filter: &IdentityFilter,
) -> (Provider, ProviderPart<Identity>) {
    let session = &loaders.oneall.session;
    let part = match (session.may_list_identities(), filter.oneall_error(request.order())) {
        (Ok(()), Some(error)) => ProviderPart::Missing(error),
        _ => {
            let read = |range| session.identities(range);
            ProviderPart::from_scan(scan(request.scan_request(None), position_in(request), read).await, true)
        }
    };
    (Provider::OneAll, part)
}

/// The accounts of a list of connections.
fn accounts(list: &List<Connection>) -> List<Identity> {
    List { rows: list.rows.iter().filter_map(|row| row.identity.clone()).collect(), skipped: list.skipped.clone() }
}

/// Replaces the rows of OneAll's list by complete identities when fields are selected that its rows do not have.
///
/// The identities are read concurrently. A row that cannot be read is not changed, and an error names its index.
async fn load_selected_details(ctx: &Context<'_>, merged: &mut MergedPage<Identity>) {
    // `state` is not among them: a row has no data that shows whether the identity is encrypted.
    const FIELDS_OF_ROWS: [&str; 8] =
        ["__typename", "id", "provider", "providerId", "createdAt", "updatedAt", "service", "oneallUser"];
    let page = ctx.look_ahead();
    let rows = [page.field("nodes"), page.field("edges").field("node")].map(|rows| rows.selection_fields());
    if rows.iter().flatten().flat_map(|row| row.selection_set()).all(|field| FIELDS_OF_ROWS.contains(&field.name())) {
        return;
    }
    let loader = &ctx.loaders().oneall;
    let reads = merged.rows.iter().map(async |(_, row)| match &row.key {
        IdentityKey::Token(token) if !row.complete => Some(loader.load(token.clone()).await),
        _ => None,
    });
    let answers = futures_util::future::join_all(reads).await;
    for (index, ((_, row), answer)) in merged.rows.iter_mut().zip(answers).enumerate() {
        match answer {
            Some(Ok(Some(identity))) => *row = identity,
            Some(Err(error)) => {
                merged.errors.push(Error { row: Some(format!("nodes[{index}]")), ..Error::from(error) });
            }
            Some(Ok(None)) | None => {}
        }
    }
}

fn position_in(request: &PageRequest) -> impl Fn(&Identity) -> Position {
    let order = request.order();
    move |row| Position {
        sort_key: order.sort_key(row.created_at, || matching::service_key(row), row.display_name.as_deref()),
        id: GlobalId::Identity(row.key.clone()).to_plain(),
    }
}

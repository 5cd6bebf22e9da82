//! The lists of identities: everyone's, the person's own, and those at one service.

use std::sync::Arc;

use async_graphql::Context;

use crate::graph::ContextExt;
use crate::graph::cursor::Place;
use crate::graph::error::Error;
use crate::graph::filter::{IdentityFilter, beyond_oneall};
use crate::graph::id::GlobalId;
use crate::graph::order::{ConnectionOrder, IdentityOrder};
use crate::graph::page::{Arguments, Merged, Page, Side, Window, merge};
use crate::graph::walk::walk;
use crate::loader::Loaders;
use crate::model::{Connection, Identity, IdentityKey, Provider, matching};
use crate::provider::{self, List};

/// What a list of identities was answered.
type Listed = Result<Arc<List<Identity>>, provider::Error>;

/// Every identity the caller may list, at both providers.
pub async fn identities(
    ctx: &Context<'_>,
    arguments: Arguments,
    filter: Option<IdentityFilter>,
    order: Option<IdentityOrder>,
) -> Result<Page<Identity>, Error> {
    let window = arguments.ordered("identities", order.map(ConnectionOrder::from).unwrap_or_default())?;
    let filter = filter.unwrap_or_default().with_keys();
    let loaders = ctx.loaders();
    let keyring = async {
        if !filter.asks(Provider::WordPress) {
            return None;
        }
        let list = loaders.wordpress.reads.keyring_connections().await.map(|list| Arc::new(accounts(&list)));
        Some((Provider::WordPress, Side::picked(list, |row| filter.keeps(row), place_in(&window))))
    };
    let site =
        async { if filter.asks(Provider::OneAll) { Some(of_site(loaders, &window, &filter).await) } else { None } };
    let (keyring, site) = futures_util::join!(keyring, site);
    let mut merged = merge(ctx, &window, keyring.into_iter().chain(site).collect())?;
    fill_in(ctx, &mut merged).await;
    Ok(merged.page(&window, ctx))
}

/// The person's own identities: behind their Keyring connections, and of their OneAll user.
pub async fn own_identities(
    ctx: &Context<'_>,
    arguments: Arguments,
    filter: Option<IdentityFilter>,
    order: Option<IdentityOrder>,
) -> Result<Page<Identity>, Error> {
    let window = arguments.ordered("viewer.identities", order.map(ConnectionOrder::from).unwrap_or_default())?;
    let filter = filter.unwrap_or_default().with_keys();
    Ok(merge(ctx, &window, own(ctx.loaders(), &window, &filter).await)?.page(&window, ctx))
}

/// The person's own identities at the service with this key. A whole site's are never searched.
pub async fn identities_at(ctx: &Context<'_>, key: &str, arguments: Arguments) -> Result<Page<Identity>, Error> {
    let window = arguments.window("service.identities")?;
    let filter = IdentityFilter { service: Some(vec![key.to_owned()]), ..IdentityFilter::default() };
    let loaders = ctx.loaders();
    let mut sides = own(loaders, &window, &filter).await;
    if loaders.oneall.reads.user().is_none() && loaders.oneall.reads.may_list_identities().is_ok() {
        let why = "it cannot look for a service among a site's identities, only among a person's own, by their JWT";
        sides.push((Provider::OneAll, Side::Unlisted(beyond_oneall(why))));
    }
    if sides.is_empty() {
        let missing = loaders.wordpress.reads.keyring_connections().await.err();
        missing.map_or(Ok(()), |error| Err(Error::from(error)))?;
    }
    Ok(merge(ctx, &window, sides)?.page(&window, ctx))
}

/// Both sides of the person's own identities, as far as the request says who they are and they are wanted.
async fn own(loaders: &Loaders, window: &Window, filter: &IdentityFilter) -> Vec<(Provider, Side<Identity>)> {
    let side = |list: Listed| Side::picked(list, |row| filter.keeps(row), place_in(window));
    let keyring = async {
        let list = if filter.asks(Provider::WordPress) { behind_keyring(loaders).await } else { None };
        list.map(|list| (Provider::WordPress, side(list)))
    };
    let user = async {
        let list = if filter.asks(Provider::OneAll) { of_user(loaders).await } else { None };
        list.map(|list| (Provider::OneAll, side(list)))
    };
    let (keyring, user) = futures_util::join!(keyring, user);
    keyring.into_iter().chain(user).collect()
}

/// The accounts behind the person's Keyring connections; none without a token.
pub async fn behind_keyring(loaders: &Loaders) -> Option<Listed> {
    let reads = &loaders.wordpress.reads;
    let list = if reads.is_asked() { reads.keyring_connections().await } else { return None };
    Some(list.map(|list| Arc::new(accounts(&list))))
}

/// The identities of the OneAll user whom the JWT names; none if it names none, and for a service.
pub async fn of_user(loaders: &Loaders) -> Option<Listed> {
    let user = loaders.oneall.find(loaders.oneall.reads.user()?).await;
    Some(user.map(|user| {
        let entry = user.as_ref().and_then(|user| user.entry.as_ref());
        Arc::new(List {
            rows: entry.map(|entry| entry.identities.clone()).unwrap_or_default(),
            skipped: entry.map(|entry| entry.skipped.clone()).unwrap_or_default(),
        })
    }))
}

/// The site's side of all identities.
async fn of_site(loaders: &Loaders, window: &Window, filter: &IdentityFilter) -> (Provider, Side<Identity>) {
    let reads = &loaders.oneall.reads;
    let side = match (reads.may_list_identities(), filter.refused_by_oneall(window.order())) {
        (Ok(()), Some(refused)) => Side::Missing(refused),
        _ => Side::found(walk(window.wanted(None), place_in(window), |stretch| reads.identities(stretch)).await, true),
    };
    (Provider::OneAll, side)
}

/// The outside accounts behind a list of connections.
fn accounts(list: &List<Connection>) -> List<Identity> {
    List { rows: list.rows.iter().filter_map(|row| row.identity.clone()).collect(), skipped: list.skipped.clone() }
}

/// A row of OneAll's list of identities says little; if more is asked for, each row shown is read by itself, side by
/// side with the others. One that cannot be read keeps what its row says, and an error names it by its place.
async fn fill_in(ctx: &Context<'_>, merged: &mut Merged<Identity>) {
    // Not `state`: a row has no data by which it could be seen whether that is encrypted.
    const CARRIED: [&str; 8] =
        ["__typename", "id", "provider", "providerId", "createdAt", "updatedAt", "service", "oneallUser"];
    let page = ctx.look_ahead();
    let rows = [page.field("nodes"), page.field("edges").field("node")].map(|rows| rows.selection_fields());
    if rows.iter().flatten().flat_map(|row| row.selection_set()).all(|field| CARRIED.contains(&field.name())) {
        return;
    }
    let loader = &ctx.loaders().oneall;
    let reads = merged.rows.iter().map(async |(_, row)| match &row.key {
        IdentityKey::Token(token) if !row.complete => Some(loader.find(token.clone()).await),
        _ => None,
    });
    let answers = futures_util::future::join_all(reads).await;
    for (index, ((_, row), answer)) in merged.rows.iter_mut().zip(answers).enumerate() {
        match answer {
            Some(Ok(Some(whole))) => *row = whole,
            Some(Err(error)) => {
                merged.errors.push(Error { row: Some(format!("nodes[{index}]")), ..Error::from(error) });
            }
            Some(Ok(None)) | None => {}
        }
    }
}

fn place_in(window: &Window) -> impl Fn(&Identity) -> Place {
    let order = window.order();
    move |row| Place {
        rank: order.rank(row.created_at, || matching::service_key(row), row.display_name.as_deref()),
        id: GlobalId::Identity(row.key.clone()).plain(),
    }
}

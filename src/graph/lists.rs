//! The lists of the graph: which providers have a part in each, and in which order its rows stand.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use async_graphql::Context;

use super::ContextExt;
use super::cursor::Place;
use super::error::{Code, Error};
use super::id::GlobalId;
use super::page::{Arguments, FIRST_MAX, Merged, Page, Side, Window, merge};
use super::walk::walk;
use crate::loader::Loaders;
use crate::model::key::slug;
use crate::model::{Application, Connection, Identity, IdentityKey, Provider, Service, ServiceEntry, catalogue};
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

/// Every connection the caller may list, at both providers.
pub async fn connections(ctx: &Context<'_>, arguments: Arguments) -> Result<Page<Connection>, Error> {
    let window = arguments.window("connections")?;
    let loaders = ctx.loaders();
    let (keyring, publicize, sign_ins) = futures_util::join!(
        loaders.wordpress.reads.keyring_connections(),
        loaders.wordpress.reads.publicize_connections(None),
        sign_ins(loaders, &window)
    );
    let sides = vec![
        (Provider::WordPress, Side::whole(keyring, connection_place)),
        (Provider::WordPress, Side::whole(publicize, connection_place)),
        (Provider::OneAll, sign_ins),
    ];
    Ok(merge(ctx, &window, sides)?.page(&window, ctx))
}

/// The person's connections at WordPress.com.
pub async fn own_connections(ctx: &Context<'_>, arguments: Arguments) -> Result<Page<Connection>, Error> {
    let window = arguments.window("viewer.connections")?;
    let reads = &ctx.loaders().wordpress.reads;
    let (keyring, publicize) = futures_util::join!(reads.keyring_connections(), reads.publicize_connections(None));
    let sides = [keyring, publicize].map(|list| (Provider::WordPress, Side::whole(list, connection_place)));
    Ok(merge(ctx, &window, sides.into())?.page(&window, ctx))
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

async fn sign_ins(loaders: &Loaders, window: &Window) -> Side<Connection> {
    let (from, need) = window.start();
    let read = |stretch| loaders.oneall.reads.sign_ins(stretch);
    Side::found(walk(window.toward(), from, need, connection_place, read).await)
}

/// The applications the person gave access to.
pub async fn applications(ctx: &Context<'_>, arguments: Arguments) -> Result<Page<Application>, Error> {
    let window = arguments.window("applications")?;
    let list = ctx.loaders().wordpress.reads.applications().await;
    let place = |row: &Application| Place { at: row.authorized_at, id: GlobalId::Application(row.key.clone()).plain() };
    Ok(merge(ctx, &window, vec![(Provider::WordPress, Side::whole(list, place))])?.page(&window, ctx))
}

/// Every identity the caller may list, at both providers.
pub async fn identities(ctx: &Context<'_>, arguments: Arguments) -> Result<Page<Identity>, Error> {
    let window = arguments.window("identities")?;
    let loaders = ctx.loaders();
    let (from, need) = window.start();
    let read = |stretch| loaders.oneall.reads.identities(stretch);
    let (keyring, site) = futures_util::join!(
        loaders.wordpress.reads.keyring_connections(),
        walk(window.toward(), from, need, identity_place, read)
    );
    let sides = vec![
        (Provider::WordPress, Side::whole(keyring.map(|list| Arc::new(accounts(&list))), identity_place)),
        (Provider::OneAll, Side::found(site)),
    ];
    let mut merged = merge(ctx, &window, sides)?;
    fill_in(ctx, &mut merged).await;
    Ok(merged.page(&window, ctx))
}

/// The person's own identities: behind their Keyring connections, and of their OneAll user.
pub async fn own_identities(ctx: &Context<'_>, arguments: Arguments) -> Result<Page<Identity>, Error> {
    let window = arguments.window("viewer.identities")?;
    let loaders = ctx.loaders();
    let behind_keyring = async {
        let reads = &loaders.wordpress.reads;
        let list = if reads.is_asked() { reads.keyring_connections().await } else { return None };
        let list = list.map(|list| Arc::new(accounts(&list)));
        Some((Provider::WordPress, Side::whole(list, identity_place)))
    };
    let of_user = async {
        let list = loaders.oneall.find(loaders.oneall.reads.user()?).await.map(|user| {
            let entry = user.as_ref().and_then(|user| user.entry.as_ref());
            Arc::new(List {
                rows: entry.map(|entry| entry.identities.clone()).unwrap_or_default(),
                skipped: entry.map(|entry| entry.skipped.clone()).unwrap_or_default(),
            })
        });
        Some((Provider::OneAll, Side::whole(list, identity_place)))
    };
    let (keyring, user) = futures_util::join!(behind_keyring, of_user);
    Ok(merge(ctx, &window, keyring.into_iter().chain(user).collect())?.page(&window, ctx))
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

/// Every service that a provider works with: those of WordPress.com's catalogue, and those known by name.
pub async fn services(ctx: &Context<'_>, arguments: Arguments) -> Result<Page<Service>, Error> {
    let window = arguments.window("services")?;
    let reads = &ctx.loaders().wordpress.reads;
    let mut known: BTreeMap<&str, Service> = catalogue::NAMES.iter().map(|name| (name.key, named(name))).collect();
    let mut sides = Vec::new();
    if reads.is_asked() {
        let listed = reads.services().await.map(|list| {
            // Two spellings of one service are one service, under the one by which it is read again.
            let mut seen = HashSet::new();
            let mut rows: Vec<_> = list.rows.iter().map(|entry| Arc::new(listed(entry))).collect();
            rows.sort_by_key(|row| row.slug != catalogue::wordpress_slug(&row.key));
            rows.retain(|row| seen.insert(row.key.clone()));
            rows.iter().for_each(|row| drop(known.remove(row.key.as_str())));
            Arc::new(List { rows, skipped: list.skipped.clone() })
        });
        sides.push((Provider::WordPress, Side::whole(listed, service_place)));
    }
    let known = List { rows: known.into_values().map(Arc::new).collect(), skipped: Vec::new() };
    sides.push((Provider::OneAll, Side::whole(Ok(Arc::new(known)), service_place)));
    Ok(merge(ctx, &window, sides)?.page(&window, ctx))
}

/// The service with this key, in our spelling or a provider's.
pub async fn service(loaders: &Loaders, key: &str) -> Answer<Service> {
    let Some(key) = slug(key) else { return Ok(None) };
    let known = Provider::ALL
        .map(|provider| catalogue::key_of(provider, &key))
        .into_iter()
        .find_map(|key| catalogue::named(&key));
    if let Some(name) = known {
        return Ok(Some(Arc::new(named(name))));
    }
    if !loaders.wordpress.reads.is_asked() {
        return Ok(None);
    }
    let entry = loaders.wordpress.find(ServiceSlug(key)).await?;
    Ok(entry.map(|entry| Arc::new(listed(&entry))))
}

fn listed(entry: &ServiceEntry) -> Service {
    let key = catalogue::key_of(Provider::WordPress, &entry.slug);
    Service { key, slug: entry.slug.clone(), label: entry.label.clone(), entry: Some(entry.clone()) }
}

fn named(name: &catalogue::Name) -> Service {
    let slug = catalogue::wordpress_slug(name.key).to_owned();
    Service { key: name.key.to_owned(), slug, label: None, entry: None }
}

fn service_place(row: &Service) -> Place {
    Place { at: None, id: GlobalId::Service(row.key.clone()).plain() }
}

fn connection_place(row: &Connection) -> Place {
    Place { at: row.created_at, id: GlobalId::Connection(row.key.clone()).plain() }
}

fn identity_place(row: &Identity) -> Place {
    Place { at: row.created_at, id: GlobalId::Identity(row.key.clone()).plain() }
}

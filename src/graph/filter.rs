//! What a client leaves out of a list, and which of it a provider's list can tell.
//!
//! WordPress.com gives its lists whole, so all of a filter is known of their rows. OneAll's list of sign-ins tells dates
//! and nothing else that can be asked for here; to filter it by more, every sign-in of the site would have to be read.
//! That is never done: OneAll's side is then missing, with a code.

use async_graphql::InputObject;

use super::error::{Code, Error};
use super::order::ConnectionOrder;
use crate::model::{
    Application, ApplicationAccessKind, Connection, DateTime, HealthState, Identity, PermissionRisk, Provider, Service,
    catalogue, matching,
};

/// Which connections are wanted. All that is said must hold; of a list, one entry. A list without entries fits none.
///
/// OneAll's list of sign-ins tells when each was made and no more, so with `service`, `state` or `needsAttention` its
/// side of the page is missing, UNSUPPORTED_BY_PROVIDER in `incomplete` and in `errors`, unless `provider` leaves OneAll out.
/// What a person has to see to: `filter: {provider: [WORDPRESS], needsAttention: true}`.
#[derive(InputObject, Clone, Debug, Default)]
pub struct ConnectionFilter {
    /// The providers that recorded them. One that is left out is not asked.
    pub provider: Option<Vec<Provider>>,
    /// The services, by our keys or as a provider spells them: `google` fits WordPress.com's `google_plus` too.
    pub service: Option<Vec<String>>,
    /// How well they work.
    pub state: Option<Vec<HealthState>>,
    /// Only those made at this time or later; those without a date are left out. OneAll's list is read no further back.
    /// `totalCount` is then null if OneAll has a side.
    pub created_since: Option<DateTime>,
    /// Whether a person has something to do about them.
    pub needs_attention: Option<bool>,
}

/// Which applications are wanted. All that is said must hold; of a list, one entry. A list without entries fits none.
/// Old ones that can change something: `filter: {canWrite: true, authorizedBefore: "2020-01-01T00:00:00Z"}`.
#[derive(InputObject, Clone, Debug, Default)]
pub struct ApplicationFilter {
    /// The providers that know them. OneAll cannot list the plugins of a site: if it is named, its side is missing.
    pub provider: Option<Vec<Provider>>,
    /// True for those that may change or publish something, and those of which WordPress.com does not say enough to rule
    /// it out; false for the others.
    pub can_write: Option<bool>,
    /// Only those that were given access before this time; those without a date are left out.
    pub authorized_before: Option<DateTime>,
}

/// Which identities are wanted. All that is said must hold; of a list, one entry. A list without entries fits none.
/// A person's accounts at two services: `filter: {service: ["google", "facebook"]}`.
#[derive(InputObject, Clone, Debug, Default)]
pub struct IdentityFilter {
    /// The providers that know them. One that is left out is not asked.
    pub provider: Option<Vec<Provider>>,
    /// The services, by our keys or as a provider spells them. OneAll cannot look for a service among all identities of a
    /// site: in `Query.identities` its side is then missing.
    pub service: Option<Vec<String>>,
}

/// Which services are wanted. A list without entries fits none. Those of one provider: `filter: {provider: [ONEALL]}`.
#[derive(InputObject, Clone, Debug, Default)]
pub struct ServiceFilter {
    /// Those that one of these providers works with.
    pub provider: Option<Vec<Provider>>,
}

/// Whether a provider is wanted.
fn asks(wanted: Option<&Vec<Provider>>, provider: Provider) -> bool {
    wanted.is_none_or(|wanted| wanted.contains(&provider))
}

/// Services under our keys, however the client spells them.
fn keys(services: Option<Vec<String>>) -> Option<Vec<String>> {
    services.map(|services| services.iter().map(|spelling| catalogue::key_for_any_spelling(spelling)).collect())
}

/// Why OneAll's side of a list is missing.
pub fn beyond_oneall(why: &str) -> Error {
    let message = format!("OneAll cannot do this: {why}.");
    Error { provider: Some(Provider::OneAll), ..Error::own(Code::UnsupportedByProvider, message) }
}

impl ConnectionFilter {
    /// The filter with its services under our keys.
    pub fn with_keys(self) -> Self {
        Self { service: keys(self.service), ..self }
    }

    /// Whether this provider's connections are wanted.
    pub fn asks(&self, provider: Provider) -> bool {
        asks(self.provider.as_ref(), provider)
    }

    /// Whether a connection of which everything is known is wanted.
    pub fn keeps(&self, row: &Connection) -> bool {
        let state = row.health.as_ref().map_or(HealthState::Unknown, |health| health.state);
        self.service.as_ref().is_none_or(|wanted| service_key(row).is_some_and(|key| wanted.contains(&key)))
            && self.state.as_ref().is_none_or(|wanted| wanted.contains(&state))
            && self.created_since.is_none_or(|since| row.created_at.is_some_and(|at| at >= since))
            && self.needs_attention.is_none_or(|wanted| state.needs_attention() == wanted)
    }

    /// Why OneAll's list cannot be asked for this, in this order.
    pub fn refused_by_oneall(&self, order: ConnectionOrder) -> Option<Error> {
        let fields = [
            ("service", self.service.is_some()),
            ("state", self.state.is_some()),
            ("needsAttention", self.needs_attention.is_some()),
        ];
        if let Some((field, _)) = fields.into_iter().find(|(_, is_said)| *is_said) {
            return Some(beyond_oneall(&format!("its list of sign-ins does not tell what `{field}` asks for")));
        }
        (!order.is_by_date()).then(|| beyond_oneall("its list of sign-ins comes by date and in no other order"))
    }
}

/// Our key for the service of a connection of which everything is known.
pub fn service_key(row: &Connection) -> Option<String> {
    row.service.as_deref().map(|slug| catalogue::key_for(row.provider, slug))
}

impl ApplicationFilter {
    /// Whether this provider's applications are wanted: WordPress.com's are unless it is left out, OneAll's if named.
    pub fn asks(&self, provider: Provider) -> bool {
        self.provider.as_ref().map_or(provider == Provider::WordPress, |wanted| wanted.contains(&provider))
    }

    /// Whether an application is wanted.
    pub fn keeps(&self, row: &Application) -> bool {
        self.can_write.is_none_or(|wanted| may_write(row) == wanted)
            && self.authorized_before.is_none_or(|before| row.authorized_at.is_some_and(|at| at < before))
    }
}

/// Whether an application may change something, or nothing rules it out. A token for one site without a list of scopes
/// reaches all of it, as WordPress.com's documentation says.
fn may_write(row: &Application) -> bool {
    let only_reads = |risk| matches!(risk, PermissionRisk::Read | PermissionRisk::Personal);
    let harmless = row.permissions.iter().all(|permission| only_reads(permission.risk));
    match row.access.as_ref().map(|access| access.kind) {
        Some(ApplicationAccessKind::Global) => true,
        Some(ApplicationAccessKind::IdentityOnly) => !harmless,
        Some(ApplicationAccessKind::Site | ApplicationAccessKind::Unknown) | None => {
            !harmless || row.permissions.is_empty()
        }
    }
}

impl IdentityFilter {
    /// The filter with its services under our keys.
    pub fn with_keys(self) -> Self {
        Self { service: keys(self.service), ..self }
    }

    /// Whether this provider's identities are wanted.
    pub fn asks(&self, provider: Provider) -> bool {
        asks(self.provider.as_ref(), provider)
    }

    /// Whether an identity is wanted.
    pub fn keeps(&self, row: &Identity) -> bool {
        self.service.as_ref().is_none_or(|wanted| matching::service_key(row).is_some_and(|key| wanted.contains(&key)))
    }

    /// Why OneAll's list of a site's identities cannot be asked for this, in this order.
    pub fn refused_by_oneall(&self, order: ConnectionOrder) -> Option<Error> {
        if self.service.is_some() {
            return Some(beyond_oneall("it cannot look for a service among a site's identities"));
        }
        (!order.is_by_date()).then(|| beyond_oneall("its list of identities comes by date and in no other order"))
    }
}

impl ServiceFilter {
    /// Whether this provider's services are wanted.
    pub fn asks(&self, provider: Provider) -> bool {
        asks(self.provider.as_ref(), provider)
    }

    /// Whether a service is wanted: by the table of names, and by WordPress.com's catalogue if that lists it.
    pub fn keeps(&self, row: &Service) -> bool {
        let known = catalogue::known_service(&row.key).map_or_else(Vec::new, catalogue::KnownService::providers);
        let listed = row.entry.is_some().then_some(Provider::WordPress);
        let providers: Vec<Provider> = known.into_iter().chain(listed).collect();
        self.provider.as_ref().is_none_or(|wanted| wanted.iter().any(|provider| providers.contains(provider)))
    }
}

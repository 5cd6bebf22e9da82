//! The filters of the lists, and which filters each provider supports.
//!
//! WordPress.com returns complete lists, so every filter works. Rows of OneAll's lists have little more than a date. Other
//! filters would need one read per row of the site, so OneAll's part of the page is then missing, with an error code.

use async_graphql::InputObject;

use crate::graph::error::{Error, ErrorCode};
use crate::graph::pagination::order::ConnectionOrder;
use crate::model::{
    Application, ApplicationAccessKind, Connection, DateTime, HealthState, Identity, PermissionRisk, Provider, Service,
    catalogue, matching,
};

/// Filtering options for connections. All fields must match; a list matches any of its entries, and an empty list matches
/// nothing.
///
/// OneAll supports only `provider` and `createdSince`. With other filters it is UNSUPPORTED_BY_PROVIDER in `incomplete` and
/// `errors`, unless `provider` excludes it.
#[derive(InputObject, Clone, Debug, Default)]
pub(crate) struct ConnectionFilter {
    /// Include only connections of these providers. Other providers are not called.
    pub(crate) provider: Option<Vec<Provider>>,
    /// Include only connections to these services, by key or by a provider's name: `google` also matches `google_plus`.
    pub(crate) service: Option<Vec<String>>,
    /// Include only connections in these states.
    pub(crate) state: Option<Vec<HealthState>>,
    /// Include only connections created at or after this time; those without a date are excluded. `totalCount` is then null
    /// when OneAll is included.
    pub(crate) created_since: Option<DateTime>,
    /// Include only connections that need attention, or only those that do not.
    pub(crate) needs_attention: Option<bool>,
}

/// Filtering options for applications. All fields must match; a list matches any of its entries, and an empty list matches
/// nothing.
#[derive(InputObject, Clone, Debug, Default)]
pub(crate) struct ApplicationFilter {
    /// Include only applications of these providers. OneAll cannot list its plugins.
    pub(crate) provider: Option<Vec<Provider>>,
    /// Include only applications that may write (or whose permissions are unknown), or only those that may not.
    pub(crate) can_write: Option<bool>,
    /// Include only applications authorized before this time. Those without a date are excluded.
    pub(crate) authorized_before: Option<DateTime>,
}

/// Filtering options for identities. All fields must match; a list matches any of its entries, and an empty list matches
/// nothing.
#[derive(InputObject, Clone, Debug, Default)]
pub(crate) struct IdentityFilter {
    /// Include only identities of these providers. Other providers are not called.
    pub(crate) provider: Option<Vec<Provider>>,
    /// Include only identities at these services, by key or by a provider's name. In `Query.identities`, OneAll does not
    /// support this filter.
    pub(crate) service: Option<Vec<String>>,
}

/// Filtering options for services. An empty list matches nothing.
#[derive(InputObject, Clone, Debug, Default)]
pub(crate) struct ServiceFilter {
    /// Include only services that one of these providers supports.
    pub(crate) provider: Option<Vec<Provider>>,
}

/// Whether a provider is included.
fn includes(providers: Option<&Vec<Provider>>, provider: Provider) -> bool {
    providers.is_none_or(|providers| providers.contains(&provider))
}

/// The keys of services that the client may name as a provider does.
fn service_keys(services: Option<Vec<String>>) -> Option<Vec<String>> {
    services.map(|services| services.iter().map(|name| catalogue::key_for_any_slug(name)).collect())
}

/// The error for OneAll's missing part of a list. `why` completes the sentence.
pub(crate) fn oneall_unsupported(why: &str) -> Error {
    let message = format!("Not supported by OneAll: {why}.");
    Error { provider: Some(Provider::OneAll), ..Error::new(ErrorCode::UnsupportedByProvider, message) }
}

impl ConnectionFilter {
    /// The filter with the keys of its services.
    pub(crate) fn with_service_keys(self) -> Self {
        Self { service: service_keys(self.service), ..self }
    }

    /// Whether connections of this provider are included.
    pub(crate) fn includes(&self, provider: Provider) -> bool {
        includes(self.provider.as_ref(), provider)
    }

    /// Whether a complete connection matches.
    pub(crate) fn matches(&self, row: &Connection) -> bool {
        let state = row.health.as_ref().map_or(HealthState::Unknown, |health| health.state);
        self.service.as_ref().is_none_or(|wanted| service_key(row).is_some_and(|key| wanted.contains(&key)))
            && self.state.as_ref().is_none_or(|wanted| wanted.contains(&state))
            && self.created_since.is_none_or(|since| row.created_at.is_some_and(|at| at >= since))
            && self.needs_attention.is_none_or(|wanted| state.needs_attention() == wanted)
    }

    /// The error when OneAll does not support this filter and order.
    pub(crate) fn oneall_error(&self, order: ConnectionOrder) -> Option<Error> {
        let fields = [
            ("service", self.service.is_some()),
            ("state", self.state.is_some()),
            ("needsAttention", self.needs_attention.is_some()),
        ];
        if let Some((field, _)) = fields.into_iter().find(|(_, is_set)| *is_set) {
            return Some(oneall_unsupported(&format!("sign-ins cannot be filtered by `{field}`")));
        }
        (!order.is_by_date()).then(|| oneall_unsupported("sign-ins can be ordered by CREATED_AT only"))
    }
}

/// The key of the service of a complete connection.
pub(crate) fn service_key(row: &Connection) -> Option<String> {
    row.service.as_deref().map(|slug| catalogue::key_for(row.provider, slug))
}

impl ApplicationFilter {
    /// Whether applications of this provider are included. OneAll is included only when it is named.
    pub(crate) fn includes(&self, provider: Provider) -> bool {
        self.provider.as_ref().map_or(provider == Provider::WordPress, |providers| providers.contains(&provider))
    }

    /// Whether an application matches.
    pub(crate) fn matches(&self, row: &Application) -> bool {
        self.can_write.is_none_or(|wanted| can_write(row) == wanted)
            && self.authorized_before.is_none_or(|before| row.authorized_at.is_some_and(|at| at < before))
    }
}

/// Whether an application may write, or may do so for all that is known. By WordPress.com's documentation, a token for one
/// site without a list of scopes has full access to the site.
fn can_write(row: &Application) -> bool {
    let only_reads = |risk| matches!(risk, PermissionRisk::Read | PermissionRisk::Personal);
    let is_read_only = row.permissions.iter().all(|permission| only_reads(permission.risk));
    match row.access.as_ref().map(|access| access.kind) {
        Some(ApplicationAccessKind::Global) => true,
        Some(ApplicationAccessKind::IdentityOnly) => !is_read_only,
        Some(ApplicationAccessKind::Site | ApplicationAccessKind::Unknown) | None => {
            !is_read_only || row.permissions.is_empty()
        }
    }
}

impl IdentityFilter {
    /// The filter with the keys of its services.
    pub(crate) fn with_service_keys(self) -> Self {
        Self { service: service_keys(self.service), ..self }
    }

    /// Whether identities of this provider are included.
    pub(crate) fn includes(&self, provider: Provider) -> bool {
        includes(self.provider.as_ref(), provider)
    }

    /// Whether an identity matches.
    pub(crate) fn matches(&self, row: &Identity) -> bool {
        self.service.as_ref().is_none_or(|wanted| matching::service_key(row).is_some_and(|key| wanted.contains(&key)))
    }

    /// The error when OneAll does not support this filter and order.
    pub(crate) fn oneall_error(&self, order: ConnectionOrder) -> Option<Error> {
        if self.service.is_some() {
            return Some(oneall_unsupported("the identities of a site cannot be filtered by service"));
        }
        (!order.is_by_date()).then(|| oneall_unsupported("identities can be ordered by CREATED_AT only"))
    }
}

impl ServiceFilter {
    /// Whether services of this provider are included.
    pub(crate) fn includes(&self, provider: Provider) -> bool {
        includes(self.provider.as_ref(), provider)
    }

    /// Whether a service matches, by the known services and by WordPress.com's catalogue.
    pub(crate) fn matches(&self, row: &Service) -> bool {
        let known = catalogue::known_service(&row.key).map_or_else(Vec::new, catalogue::KnownService::providers);
        let listed = row.entry.is_some().then_some(Provider::WordPress);
        let providers: Vec<Provider> = known.into_iter().chain(listed).collect();
        self.provider.as_ref().is_none_or(|wanted| wanted.iter().any(|provider| providers.contains(provider)))
    }
}

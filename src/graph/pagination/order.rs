//! The orders of the lists and the sort keys of rows.
//!
//! In every order, rows without a value come last, and ties are ordered by ID. Sort keys are comparable only within one
//! order. A cursor contains its order, so a list keeps one order from its first page to its last.

use std::cmp::Reverse;

use async_graphql::{Enum, InputObject};

use crate::model::DateTime;

/// The number of leading characters of a text that are compared. Equal prefixes are ordered by ID.
const TEXT_LENGTH_MAX: usize = 48;

/// Ordering options for connections. Connections without a value come last in both directions, and ties are ordered by ID.
#[derive(InputObject, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionOrder {
    /// The property to order by.
    pub(crate) field: ConnectionOrderField,
    /// The direction of the order.
    pub(crate) direction: OrderDirection,
}

/// Properties by which connections can be ordered.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ConnectionOrderField {
    /// Order connections by creation time. The only order that OneAll supports.
    CreatedAt,
    /// Order connections by the key of the service. OneAll does not support this order.
    Service,
    /// Order connections by label, ignoring case. OneAll does not support this order.
    Label,
}

/// Ordering options for applications. Applications without a value come last in both directions, and ties are ordered by
/// ID.
#[derive(InputObject, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ApplicationOrder {
    /// The property to order by.
    pub(crate) field: ApplicationOrderField,
    /// The direction of the order.
    pub(crate) direction: OrderDirection,
}

/// Properties by which applications can be ordered.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ApplicationOrderField {
    /// Order applications by authorization time.
    AuthorizedAt,
    /// Order applications by name, ignoring case.
    Name,
}

/// Ordering options for identities. Identities without a value come last in both directions, and ties are ordered by ID.
#[derive(InputObject, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IdentityOrder {
    /// The property to order by.
    pub(crate) field: IdentityOrderField,
    /// The direction of the order.
    pub(crate) direction: OrderDirection,
}

/// Properties by which identities can be ordered.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum IdentityOrderField {
    /// Order identities by creation time. WordPress.com's identities have none.
    CreatedAt,
    /// Order identities by the key of the service. In `Query.identities`, OneAll does not support this order.
    Service,
    /// Order identities by display name, ignoring case. In `Query.identities`, OneAll does not support this order.
    DisplayName,
}

/// The direction of an order.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum OrderDirection {
    /// Ascending: oldest first, or A to Z.
    Asc,
    /// Descending: newest first, or Z to A.
    Desc,
}

impl Default for ConnectionOrder {
    fn default() -> Self {
        Self { field: ConnectionOrderField::CreatedAt, direction: OrderDirection::Desc }
    }
}

/// The name of an application is its label.
impl From<ApplicationOrder> for ConnectionOrder {
    fn from(order: ApplicationOrder) -> Self {
        let field = match order.field {
            ApplicationOrderField::AuthorizedAt => ConnectionOrderField::CreatedAt,
            ApplicationOrderField::Name => ConnectionOrderField::Label,
        };
        Self { field, direction: order.direction }
    }
}

/// The display name of an identity is its label.
impl From<IdentityOrder> for ConnectionOrder {
    fn from(order: IdentityOrder) -> Self {
        let field = match order.field {
            IdentityOrderField::CreatedAt => ConnectionOrderField::CreatedAt,
            IdentityOrderField::Service => ConnectionOrderField::Service,
            IdentityOrderField::DisplayName => ConnectionOrderField::Label,
        };
        Self { field, direction: order.direction }
    }
}

impl ConnectionOrder {
    /// The sort key of a row in this order. The service key is computed only when it is needed.
    pub(crate) fn sort_key(
        self,
        at: Option<DateTime>,
        service: impl FnOnce() -> Option<String>,
        label: Option<&str>,
    ) -> SortKey {
        match self.field {
            ConnectionOrderField::CreatedAt => SortKey::by_date(self.direction, at),
            ConnectionOrderField::Service => SortKey::by_text(self.direction, service().as_deref()),
            ConnectionOrderField::Label => SortKey::by_text(self.direction, label),
        }
    }

    /// The name of the order in a cursor.
    pub(crate) fn tag(self) -> &'static str {
        match (self.field, self.direction) {
            (ConnectionOrderField::CreatedAt, OrderDirection::Desc) => "newest",
            (ConnectionOrderField::CreatedAt, OrderDirection::Asc) => "oldest",
            (ConnectionOrderField::Service, OrderDirection::Asc) => "service",
            (ConnectionOrderField::Service, OrderDirection::Desc) => "service-down",
            (ConnectionOrderField::Label, OrderDirection::Asc) => "label",
            (ConnectionOrderField::Label, OrderDirection::Desc) => "label-down",
        }
    }

    /// Whether rows are ordered by date.
    pub(crate) fn is_by_date(self) -> bool {
        self.field == ConnectionOrderField::CreatedAt
    }

    /// Parses the sort key of a cursor. `None` when it is invalid.
    pub(crate) fn parse_sort_key(self, value: Option<&str>) -> Option<SortKey> {
        match (self.is_by_date(), value) {
            (true, Some(text)) => DateTime::parse(text).map(|at| SortKey::by_date(self.direction, Some(at))),
            (true, None) => Some(SortKey::by_date(self.direction, None)),
            (false, text) => Some(SortKey::by_text(self.direction, text)),
        }
    }
}

/// A value to order by. A missing value comes last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SortValue<T> {
    /// The row has this value.
    Present(T),
    /// The row has no value.
    Missing,
}

/// The value by which a row is ordered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SortKey {
    /// Its date, newest first.
    DateDesc(SortValue<Reverse<DateTime>>),
    /// Its date, oldest first.
    DateAsc(SortValue<DateTime>),
    /// A text, A to Z.
    TextAsc(SortValue<String>),
    /// A text, Z to A.
    TextDesc(SortValue<Reverse<String>>),
}

impl<T> From<Option<T>> for SortValue<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Self::Present)
    }
}

impl<T> SortValue<T> {
    fn value(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Missing => None,
        }
    }
}

impl SortKey {
    /// A sort key by date.
    pub(crate) fn by_date(direction: OrderDirection, at: Option<DateTime>) -> Self {
        match direction {
            OrderDirection::Desc => Self::DateDesc(at.map(Reverse).into()),
            OrderDirection::Asc => Self::DateAsc(at.into()),
        }
    }

    /// A sort key by text.
    pub(crate) fn by_text(direction: OrderDirection, text: Option<&str>) -> Self {
        let text = text.map(|text| text.to_lowercase().chars().take(TEXT_LENGTH_MAX).collect::<String>());
        match direction {
            OrderDirection::Asc => Self::TextAsc(text.into()),
            OrderDirection::Desc => Self::TextDesc(text.map(Reverse).into()),
        }
    }

    /// The date, if the order is by date.
    pub(crate) fn date(&self) -> Option<DateTime> {
        match self {
            Self::DateDesc(at) => at.value().map(|at| at.0),
            Self::DateAsc(at) => at.value().copied(),
            Self::TextAsc(_) | Self::TextDesc(_) => None,
        }
    }

    /// The sort key as a cursor contains it. `None` when the row has no value.
    pub(crate) fn encode(&self) -> Option<String> {
        match self {
            Self::DateDesc(_) | Self::DateAsc(_) => self.date().map(|at| at.to_string()),
            Self::TextAsc(text) => text.value().cloned(),
            Self::TextDesc(text) => text.value().map(|text| text.0.clone()),
        }
    }
}

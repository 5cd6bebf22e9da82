//! In which order the rows of a list stand, and where a row stands in it.
//!
//! Whatever the order, rows that lack what it goes by come last, and ties go by ID. A rank compares only with ranks of
//! its own order; a list has one order from its first page to its last, and a cursor names it.

use std::cmp::Reverse;

use async_graphql::{Enum, InputObject};

use crate::model::DateTime;

/// How many characters of a text decide its place; rows that share them go by ID.
const TEXT_LENGTH_MAX: usize = 48;

/// In which order connections come. Rows that lack the field come last, and ties go by ID, in either direction. The
/// oldest first: `orderBy: {field: CREATED_AT, direction: ASC}`.
#[derive(InputObject, Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionOrder {
    /// What the order goes by.
    pub field: ConnectionOrderField,
    /// Which way.
    pub direction: OrderDirection,
}

/// What connections are ordered by.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionOrderField {
    /// When it was made: the one order that OneAll has.
    CreatedAt,
    /// Our key for the service, such as `google`. OneAll's list names no service, so its rows are then missing.
    Service,
    /// The provider's label, whatever its capitals. OneAll's list has no labels, so its rows are then missing.
    Label,
}

/// In which order applications come. Rows that lack the field come last, and ties go by ID, in either direction. From A
/// to Z: `orderBy: {field: NAME, direction: ASC}`.
#[derive(InputObject, Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApplicationOrder {
    /// What the order goes by.
    pub field: ApplicationOrderField,
    /// Which way.
    pub direction: OrderDirection,
}

/// What applications are ordered by.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApplicationOrderField {
    /// When the person gave it access.
    AuthorizedAt,
    /// Its name, whatever its capitals.
    Name,
}

/// In which order identities come. Rows that lack the field come last, and ties go by ID, in either direction. The
/// oldest first: `orderBy: {field: CREATED_AT, direction: ASC}`.
#[derive(InputObject, Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentityOrder {
    /// What the order goes by.
    pub field: IdentityOrderField,
    /// Which way.
    pub direction: OrderDirection,
}

/// What identities are ordered by.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdentityOrderField {
    /// When the provider first saw it: the one order that OneAll has for a site's. WordPress.com's have no date.
    CreatedAt,
    /// Our key for the service, such as `google`. In `Query.identities`, OneAll's rows are then missing.
    Service,
    /// The name to show, whatever its capitals. In `Query.identities`, OneAll's rows are then missing.
    DisplayName,
}

/// Which way an order goes.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderDirection {
    /// Oldest first, or from A to Z.
    Asc,
    /// Newest first, or from Z to A.
    Desc,
}

impl Default for ConnectionOrder {
    fn default() -> Self {
        Self { field: ConnectionOrderField::CreatedAt, direction: OrderDirection::Desc }
    }
}

/// What names an application is its label.
impl From<ApplicationOrder> for ConnectionOrder {
    fn from(order: ApplicationOrder) -> Self {
        let field = match order.field {
            ApplicationOrderField::AuthorizedAt => ConnectionOrderField::CreatedAt,
            ApplicationOrderField::Name => ConnectionOrderField::Label,
        };
        Self { field, direction: order.direction }
    }
}

/// What names an identity is its label.
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
    /// The rank of a row in this order: its date, its service's key and what it is called are asked for as needed.
    pub fn rank(self, at: Option<DateTime>, service: impl FnOnce() -> Option<String>, label: Option<&str>) -> Rank {
        match self.field {
            ConnectionOrderField::CreatedAt => Rank::dated(self.direction, at),
            ConnectionOrderField::Service => Rank::lettered(self.direction, service().as_deref()),
            ConnectionOrderField::Label => Rank::lettered(self.direction, label),
        }
    }

    /// The order's name in a cursor.
    pub fn name(self) -> &'static str {
        match (self.field, self.direction) {
            (ConnectionOrderField::CreatedAt, OrderDirection::Desc) => "newest",
            (ConnectionOrderField::CreatedAt, OrderDirection::Asc) => "oldest",
            (ConnectionOrderField::Service, OrderDirection::Asc) => "service",
            (ConnectionOrderField::Service, OrderDirection::Desc) => "service-down",
            (ConnectionOrderField::Label, OrderDirection::Asc) => "label",
            (ConnectionOrderField::Label, OrderDirection::Desc) => "label-down",
        }
    }

    /// Whether the order goes by date.
    pub fn is_by_date(self) -> bool {
        self.field == ConnectionOrderField::CreatedAt
    }

    /// The rank of a row of this order, as a cursor has it.
    pub fn parse(self, value: Option<&str>) -> Option<Rank> {
        match (self.is_by_date(), value) {
            (true, Some(text)) => DateTime::parse(text).map(|at| Rank::dated(self.direction, Some(at))),
            (true, None) => Some(Rank::dated(self.direction, None)),
            (false, text) => Some(Rank::lettered(self.direction, text)),
        }
    }
}

/// Something to be ordered by, or the lack of it, which comes last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ranked<T> {
    /// What the row is ordered by.
    By(T),
    /// The row lacks it.
    Last,
}

/// What a row is ordered by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// Its date, the newest first.
    Newest(Ranked<Reverse<DateTime>>),
    /// Its date, the oldest first.
    Oldest(Ranked<DateTime>),
    /// A text, from A to Z.
    Up(Ranked<String>),
    /// A text, from Z to A.
    Down(Ranked<Reverse<String>>),
}

impl<T> From<Option<T>> for Ranked<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Last, Self::By)
    }
}

impl<T> Ranked<T> {
    fn value(&self) -> Option<&T> {
        match self {
            Self::By(value) => Some(value),
            Self::Last => None,
        }
    }
}

impl Rank {
    /// A rank by date.
    pub fn dated(direction: OrderDirection, at: Option<DateTime>) -> Self {
        match direction {
            OrderDirection::Desc => Self::Newest(at.map(Reverse).into()),
            OrderDirection::Asc => Self::Oldest(at.into()),
        }
    }

    /// A rank by text.
    pub fn lettered(direction: OrderDirection, text: Option<&str>) -> Self {
        let text = text.map(|text| text.to_lowercase().chars().take(TEXT_LENGTH_MAX).collect::<String>());
        match direction {
            OrderDirection::Asc => Self::Up(text.into()),
            OrderDirection::Desc => Self::Down(text.map(Reverse).into()),
        }
    }

    /// The date, if it is a rank by one.
    pub fn date(&self) -> Option<DateTime> {
        match self {
            Self::Newest(at) => at.value().map(|at| at.0),
            Self::Oldest(at) => at.value().copied(),
            Self::Up(_) | Self::Down(_) => None,
        }
    }

    /// The rank as a cursor has it; none if the row lacks what it is ordered by.
    pub fn print(&self) -> Option<String> {
        match self {
            Self::Newest(_) | Self::Oldest(_) => self.date().map(|at| at.to_string()),
            Self::Up(text) => text.value().cloned(),
            Self::Down(text) => text.value().map(|text| text.0.clone()),
        }
    }
}

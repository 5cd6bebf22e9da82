//! Every metric there is: its name, its kind, its labels with all their values, and what it says.
//!
//! A label has only values that stand here: none of them comes from a client or a provider, so the number of series is
//! known. Names are as they are queried; a metric is added here and nowhere else.

/// A metric.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name, with the ending that its kind gives it: `_total`, `_info`, or its unit.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its labels, each with all its values.
    pub labels: &'static [(&'static str, &'static [&'static str])],
    /// What it says, without a full stop.
    pub help: &'static str,
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A count that only grows.
    Counter,
    /// A number of this moment.
    Gauge,
    /// How often something took how long, in seconds.
    Histogram,
    /// A constant.
    Info,
}

impl Kind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Info => "info",
        }
    }
}

impl Row {
    /// The name by which its help and its type are told: OpenMetrics leaves the ending of a count to its samples.
    pub fn family(&self) -> &'static str {
        let ending = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        self.name.strip_suffix(ending).unwrap_or(self.name)
    }
}

const PROVIDER: (&str, &[&str]) = ("provider", &["wordpress", "oneall"]);
const KIND: (&str, &[&str]) = ("kind", &["query", "mutation", "unknown"]);
const CODES: &[&str] = &[
    "UNAUTHENTICATED",
    "FORBIDDEN",
    "REAUTHORIZATION_REQUIRED",
    "RATE_LIMITED",
    "PROVIDER_UNAVAILABLE",
    "PROVIDER_TIMEOUT",
    "PROVIDER_MALFORMED",
    "NOT_CONFIGURED",
    "BAD_INPUT",
    "UNSUPPORTED_BY_PROVIDER",
    "LIMIT_EXCEEDED",
    "PERSISTED_QUERY_NOT_FOUND",
    "PERSISTED_QUERY_NOT_SUPPORTED",
    "OVERLOADED",
    "UNCERTAIN",
    "INTERNAL",
];

pub(super) const BUILD: Row = Row {
    name: "commongraph_build_info",
    kind: Kind::Info,
    labels: &[("version", &[env!("CARGO_PKG_VERSION")])],
    help: "The version of the gateway",
};

pub(super) const OPERATIONS: Row = Row {
    name: "commongraph_operations_total",
    kind: Kind::Counter,
    labels: &[KIND, ("outcome", &["good", "partial", "failed", "refused", "given_up"])],
    help: "Operations by outcome. Refused: did not run. Given up: the client left or the time ran out",
};

pub(super) const OPERATION_ERRORS: Row = Row {
    name: "commongraph_operation_errors_total",
    kind: Kind::Counter,
    labels: &[("code", CODES)],
    help: "Errors in responses to operations, by code",
};

pub(super) const OPERATION_DURATION: Row = Row {
    name: "commongraph_operation_duration_seconds",
    kind: Kind::Histogram,
    labels: &[KIND],
    help: "Duration of operations, from the parsed request to the rendered response",
};

pub(super) const REQUESTS: Row = Row {
    name: "commongraph_http_requests_total",
    kind: Kind::Counter,
    labels: &[("class", &["1xx", "2xx", "3xx", "4xx", "5xx"])],
    help: "HTTP responses by class of status code",
};

pub(super) const REFUSALS: Row = Row {
    name: "commongraph_http_refusals_total",
    kind: Kind::Counter,
    labels: &[("status", &["429", "503"])],
    help: "Requests refused by a rate limit (429) or by overload (503)",
};

pub(super) const REQUEST_DURATION: Row = Row {
    name: "commongraph_http_request_duration_seconds",
    kind: Kind::Histogram,
    labels: &[],
    help: "Duration of HTTP requests, from their header section to that of the response",
};

pub(super) const REQUESTS_UNDER_WAY: Row = Row {
    name: "commongraph_http_requests_in_flight",
    kind: Kind::Gauge,
    labels: &[],
    help: "HTTP requests in progress",
};

pub(super) const CONNECTIONS: Row =
    Row { name: "commongraph_http_connections_open", kind: Kind::Gauge, labels: &[], help: "Open client connections" };

pub(super) const LIMIT_REFUSALS: Row = Row {
    name: "commongraph_http_limit_refusals_total",
    kind: Kind::Counter,
    labels: &[("limit", &["requests_max", "bodies_max_bytes", "unread_answers_max_bytes"])],
    help: "Requests that found no room in a limit of http.limits",
};

pub(super) const LIMIT_USED: Row = Row {
    name: "commongraph_http_limit_used_bytes",
    kind: Kind::Gauge,
    labels: &[("limit", &["bodies_max_bytes", "unread_answers_max_bytes"])],
    help: "Bytes in use of a limit of http.limits",
};

pub(super) const CONNECTIONS_RECLAIMED: Row = Row {
    name: "commongraph_http_connections_reclaimed_total",
    kind: Kind::Counter,
    labels: &[],
    help: "Idle connections that were closed to make room for another client",
};

pub(super) const READS: Row = Row {
    name: "commongraph_upstream_reads_total",
    kind: Kind::Counter,
    labels: &[PROVIDER, ("verdict", &["HIT", "STALE", "STALE_IF_ERROR", "SHARED", "MISS", "LIVE", "REFUSED"])],
    help: "Reads of a provider, by the source of the response",
};

pub(super) const CALLS: Row = Row {
    name: "commongraph_upstream_calls_total",
    kind: Kind::Counter,
    labels: &[
        PROVIDER,
        (
            "outcome",
            &[
                "good",
                "absent",
                "refused",
                "denied",
                "throttled",
                "down",
                "garbled",
                "unreachable",
                "out_of_resources",
                "timed_out",
                "broken",
                "too_large",
                "given_up",
            ],
        ),
    ],
    help: "HTTP calls to a provider, each attempt, by outcome",
};

pub(super) const RETRIES: Row = Row {
    name: "commongraph_upstream_retries_total",
    kind: Kind::Counter,
    labels: &[PROVIDER],
    help: "Retries of reads",
};

pub(super) const WRITES: Row = Row {
    name: "commongraph_upstream_writes_total",
    kind: Kind::Counter,
    labels: &[
        PROVIDER,
        ("method", &["POST", "PUT", "DELETE"]),
        ("outcome", &["done", "absent", "refused", "unsent", "uncertain"]),
    ],
    help: "Mutations sent to a provider, by outcome. Absent: already gone. Uncertain: may have taken effect",
};

pub(super) const CALL_DURATION: Row = Row {
    name: "commongraph_upstream_call_duration_seconds",
    kind: Kind::Histogram,
    labels: &[PROVIDER],
    help: "Duration of HTTP calls to a provider, without time in a queue",
};

pub(super) const CIRCUIT: Row = Row {
    name: "commongraph_upstream_breaker_state",
    kind: Kind::Gauge,
    labels: &[PROVIDER, ("state", &["closed", "half_open", "open"])],
    help: "1 for the current state of the circuit breaker, 0 for the others",
};

pub(super) const CALLS_UNDER_WAY: Row = Row {
    name: "commongraph_upstream_calls_in_flight",
    kind: Kind::Gauge,
    labels: &[PROVIDER],
    help: "Calls to a provider in progress, or waiting for the rate limit",
};

pub(super) const WAITING: Row = Row {
    name: "commongraph_upstream_reads_waiting",
    kind: Kind::Gauge,
    labels: &[PROVIDER],
    help: "Reads that wait in a queue",
};

pub(super) const CACHE_BYTES: Row = Row {
    name: "commongraph_upstream_cache_bytes",
    kind: Kind::Gauge,
    labels: &[PROVIDER],
    help: "Memory of a provider's cached responses, in bytes",
};

pub(super) const CACHE_ENTRIES: Row = Row {
    name: "commongraph_upstream_cache_entries",
    kind: Kind::Gauge,
    labels: &[PROVIDER],
    help: "Cached responses of a provider",
};

pub(super) const LOG_LINES_DROPPED: Row = Row {
    name: "commongraph_log_lines_dropped_total",
    kind: Kind::Counter,
    labels: &[],
    help: "Log lines dropped because stderr could not be written, without those of the audit log",
};

pub(super) const AUDIT_LINES_DROPPED: Row = Row {
    name: "commongraph_audit_lines_dropped_total",
    kind: Kind::Counter,
    labels: &[],
    help: "Audit log lines dropped because stderr could not be written",
};

/// Every metric, in the order in which they are told.
pub const TABLE: [Row; 24] = [
    BUILD,
    OPERATIONS,
    OPERATION_ERRORS,
    OPERATION_DURATION,
    REQUESTS,
    REFUSALS,
    REQUEST_DURATION,
    REQUESTS_UNDER_WAY,
    CONNECTIONS,
    LIMIT_REFUSALS,
    LIMIT_USED,
    CONNECTIONS_RECLAIMED,
    READS,
    CALLS,
    RETRIES,
    WRITES,
    CALL_DURATION,
    CIRCUIT,
    CALLS_UNDER_WAY,
    WAITING,
    CACHE_BYTES,
    CACHE_ENTRIES,
    LOG_LINES_DROPPED,
    AUDIT_LINES_DROPPED,
];

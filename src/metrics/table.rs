//! The table of all metrics: name, kind, labels with all their values, and help text.
//!
//! A label has only the values that are listed here. None of them comes from a client or a provider, so the number of
//! series is fixed. Names are written as they are queried.

/// The definition of a metric.
#[derive(Clone, Copy, Debug)]
pub struct MetricDefinition {
    /// The name, with its suffix: `_total` for a counter, `_info` for a constant, or the unit.
    pub name: &'static str,
    /// The kind.
    pub kind: MetricKind,
    /// The labels, each with all its values.
    pub labels: &'static [(&'static str, &'static [&'static str])],
    /// The help text, without a full stop.
    pub help: &'static str,
}

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// A count that only increases.
    Counter,
    /// A current value.
    Gauge,
    /// A distribution of durations, in seconds.
    Histogram,
    /// A constant.
    Info,
}

impl MetricKind {
    /// The name of the kind in the OpenMetrics format.
    pub const fn as_str(self) -> &'static str {
        match self {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
            MetricKind::Info => "info",
        }
    }
}

impl MetricDefinition {
    /// The name of the metric family, as `# HELP` and `# TYPE` have it: without `_total` and `_info`, which only
    /// samples have.
    pub fn family(&self) -> &'static str {
        let suffix = match self.kind {
            MetricKind::Counter => "_total",
            MetricKind::Info => "_info",
            MetricKind::Gauge | MetricKind::Histogram => "",
        };
        self.name.strip_suffix(suffix).unwrap_or(self.name)
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

pub(super) const BUILD: MetricDefinition = MetricDefinition {
    name: "commongraph_build_info",
    kind: MetricKind::Info,
    labels: &[("version", &[env!("CARGO_PKG_VERSION")])],
    help: "The version of the gateway",
};

pub(super) const OPERATIONS: MetricDefinition = MetricDefinition {
    name: "commongraph_operations_total",
    kind: MetricKind::Counter,
    labels: &[KIND, ("outcome", &["good", "partial", "failed", "refused", "given_up"])],
    help: "Operations by outcome. Refused: did not run. Given up: the client left or the time ran out",
};

pub(super) const OPERATION_ERRORS: MetricDefinition = MetricDefinition {
    name: "commongraph_operation_errors_total",
    kind: MetricKind::Counter,
    labels: &[("code", CODES)],
    help: "Errors in responses to operations, by code",
};

pub(super) const OPERATION_DURATION: MetricDefinition = MetricDefinition {
    name: "commongraph_operation_duration_seconds",
    kind: MetricKind::Histogram,
    labels: &[KIND],
    help: "Duration of operations, from the parsed request to the rendered response",
};

pub(super) const REQUESTS: MetricDefinition = MetricDefinition {
    name: "commongraph_http_requests_total",
    kind: MetricKind::Counter,
    labels: &[("class", &["1xx", "2xx", "3xx", "4xx", "5xx"])],
    help: "HTTP responses by class of status code",
};

pub(super) const REFUSALS: MetricDefinition = MetricDefinition {
    name: "commongraph_http_refusals_total",
    kind: MetricKind::Counter,
    labels: &[("status", &["429", "503"])],
    help: "Requests refused by a rate limit (429) or by overload (503)",
};

pub(super) const REQUEST_DURATION: MetricDefinition = MetricDefinition {
    name: "commongraph_http_request_duration_seconds",
    kind: MetricKind::Histogram,
    labels: &[],
    help: "Duration of HTTP requests, from their header section to that of the response",
};

pub(super) const REQUESTS_IN_FLIGHT: MetricDefinition = MetricDefinition {
    name: "commongraph_http_requests_in_flight",
    kind: MetricKind::Gauge,
    labels: &[],
    help: "HTTP requests in progress",
};

pub(super) const CONNECTIONS: MetricDefinition = MetricDefinition {
    name: "commongraph_http_connections_open",
    kind: MetricKind::Gauge,
    labels: &[],
    help: "Open client connections",
};

pub(super) const LIMIT_REFUSALS: MetricDefinition = MetricDefinition {
    name: "commongraph_http_limit_refusals_total",
    kind: MetricKind::Counter,
    labels: &[("limit", &["requests_max", "bodies_max_bytes", "unread_answers_max_bytes"])],
    help: "Requests that found no room in a limit of http.limits",
};

pub(super) const LIMIT_USED: MetricDefinition = MetricDefinition {
    name: "commongraph_http_limit_used_bytes",
    kind: MetricKind::Gauge,
    labels: &[("limit", &["bodies_max_bytes", "unread_answers_max_bytes"])],
    help: "Bytes in use of a limit of http.limits",
};

pub(super) const CONNECTIONS_RECLAIMED: MetricDefinition = MetricDefinition {
    name: "commongraph_http_connections_reclaimed_total",
    kind: MetricKind::Counter,
    labels: &[],
    help: "Idle connections that were closed to make room for another client",
};

pub(super) const READS: MetricDefinition = MetricDefinition {
    name: "commongraph_upstream_reads_total",
    kind: MetricKind::Counter,
    labels: &[PROVIDER, ("verdict", &["HIT", "STALE", "STALE_IF_ERROR", "SHARED", "MISS", "LIVE", "REFUSED"])],
    help: "Reads of a provider, by the source of the response",
};

pub(super) const CALLS: MetricDefinition = MetricDefinition {
    name: "commongraph_upstream_calls_total",
    kind: MetricKind::Counter,
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

pub(super) const RETRIES: MetricDefinition = MetricDefinition {
    name: "commongraph_upstream_retries_total",
    kind: MetricKind::Counter,
    labels: &[PROVIDER],
    help: "Retries of reads",
};

pub(super) const WRITES: MetricDefinition = MetricDefinition {
    name: "commongraph_upstream_writes_total",
    kind: MetricKind::Counter,
    labels: &[
        PROVIDER,
        ("method", &["POST", "PUT", "DELETE"]),
        ("outcome", &["done", "absent", "refused", "unsent", "uncertain"]),
    ],
    help: "Mutations sent to a provider, by outcome. Absent: already gone. Uncertain: may have taken effect",
};

pub(super) const CALL_DURATION: MetricDefinition = MetricDefinition {
    name: "commongraph_upstream_call_duration_seconds",
    kind: MetricKind::Histogram,
    labels: &[PROVIDER],
    help: "Duration of HTTP calls to a provider, without time in a queue",
};

pub(super) const CIRCUIT: MetricDefinition = MetricDefinition {
    name: "commongraph_upstream_breaker_state",
    kind: MetricKind::Gauge,
    labels: &[PROVIDER, ("state", &["closed", "half_open", "open"])],
    help: "1 for the current state of the circuit breaker, 0 for the others",
};

pub(super) const CALLS_IN_FLIGHT: MetricDefinition = MetricDefinition {
    name: "commongraph_upstream_calls_in_flight",
    kind: MetricKind::Gauge,
    labels: &[PROVIDER],
    help: "Calls to a provider in progress, or waiting for the rate limit",
};

pub(super) const WAITING: MetricDefinition = MetricDefinition {
    name: "commongraph_upstream_reads_waiting",
    kind: MetricKind::Gauge,
    labels: &[PROVIDER],
    help: "Reads that wait in a queue",
};

pub(super) const CACHE_BYTES: MetricDefinition = MetricDefinition {
    name: "commongraph_upstream_cache_bytes",
    kind: MetricKind::Gauge,
    labels: &[PROVIDER],
    help: "Memory of a provider's cached responses, in bytes",
};

pub(super) const CACHE_ENTRIES: MetricDefinition = MetricDefinition {
    name: "commongraph_upstream_cache_entries",
    kind: MetricKind::Gauge,
    labels: &[PROVIDER],
    help: "Cached responses of a provider",
};

pub(super) const LOG_LINES_DROPPED: MetricDefinition = MetricDefinition {
    name: "commongraph_log_lines_dropped_total",
    kind: MetricKind::Counter,
    labels: &[],
    help: "Log lines dropped because stderr could not be written, without those of the audit log",
};

pub(super) const AUDIT_LINES_DROPPED: MetricDefinition = MetricDefinition {
    name: "commongraph_audit_lines_dropped_total",
    kind: MetricKind::Counter,
    labels: &[],
    help: "Audit log lines dropped because stderr could not be written",
};

/// All metrics, in the order of the output.
pub const METRICS: [MetricDefinition; 24] = [
    BUILD,
    OPERATIONS,
    OPERATION_ERRORS,
    OPERATION_DURATION,
    REQUESTS,
    REFUSALS,
    REQUEST_DURATION,
    REQUESTS_IN_FLIGHT,
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
    CALLS_IN_FLIGHT,
    WAITING,
    CACHE_BYTES,
    CACHE_ENTRIES,
    LOG_LINES_DROPPED,
    AUDIT_LINES_DROPPED,
];

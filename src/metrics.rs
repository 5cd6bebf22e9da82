//! What is counted: every counter, gauge and histogram of the gateway, and their text in OpenMetrics' format.
//!
//! It is a value that outlasts reloads and is handed down to whoever counts; nothing global. A label has only values of
//! the table (`table`), so that no client can make series: never a name that a client chose, a token, an address or a path.
//! An exporter that pushes (OTLP) has its place beside `text`: it reads the same registry.

mod table;

pub use self::table::{Kind, Row, TABLE};

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry, Unit};

/// The bounds of all histograms, in seconds: from a warm cache to the longest that an operation may take.
const BUCKETS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0];

/// The media type of the text.
pub const TEXT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One series of a metric: each label with its value, in the table's order.
type Labels<const N: usize> = [(&'static str, &'static str); N];
type Labelled<const N: usize, M> = Family<Labels<N>, M, fn() -> M>;
type Counters<const N: usize> = Labelled<N, Counter>;
type Gauges<const N: usize> = Labelled<N, Gauge>;
type Histograms<const N: usize> = Labelled<N, Histogram>;

/// Sets the gauges that are read off when somebody asks.
type Measure = Arc<dyn Fn() + Send + Sync>;

/// What is counted; its copies count together.
#[derive(Clone)]
pub struct Metrics(Arc<Book>);

struct Book {
    registry: Registry,
    operations: Counters<2>,
    operation_errors: Counters<1>,
    operation_duration: Histograms<1>,
    requests: Counters<1>,
    refusals: Counters<1>,
    request_duration: Histogram,
    requests_under_way: Gauge,
    connections: Gauge,
    limit_refusals: Counters<1>,
    limit_used: Gauges<1>,
    connections_reclaimed: Counter,
    reads: Counters<2>,
    calls: Counters<2>,
    retries: Counters<1>,
    writes: Counters<3>,
    call_duration: Histograms<1>,
    circuit: Gauges<2>,
    calls_under_way: Gauges<1>,
    waiting: Gauges<1>,
    cache_bytes: Gauges<1>,
    cache_entries: Gauges<1>,
    log_lines_dropped: Counter,
    audit_lines_dropped: Counter,
    measure: Mutex<Option<Measure>>,
}

/// How one host stands at this moment.
#[derive(Clone, Copy, Debug)]
pub struct HostGauges {
    /// The breaker's state, in the table's words.
    pub circuit: &'static str,
    /// How many turns are taken.
    pub calls_under_way: usize,
    /// How many reads wait for one.
    pub waiting: usize,
    /// How many bytes of answers are kept, as their bound counts them.
    pub cache_bytes: u64,
    /// How many answers are kept.
    pub cache_entries: usize,
}

/// One more of what a gauge counts, as long as it is held.
#[derive(Debug)]
pub struct Held(Gauge);

impl Held {
    fn of(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Counts what happens at one limit. Its clones count together.
#[derive(Clone, Debug)]
pub struct LimitMeter {
    metrics: Metrics,
    limit: &'static str,
}

impl LimitMeter {
    /// Counts a request that found no room.
    pub fn refuse(&self) {
        self.metrics.0.limit_refusals.get_or_create(&[("limit", self.limit)]).inc();
    }

    /// Sets how many bytes are in use.
    pub fn set_used(&self, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.metrics.0.limit_used.get_or_create(&[("limit", self.limit)]).set(bytes);
    }
}

impl Default for Metrics {
    /// Nothing was counted yet: every series is there, at zero.
    fn default() -> Self {
        let mut registry = Registry::default();
        let all = &mut registry;
        add(all, &table::BUILD, Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let book = Book {
            operations: labelled(all, &table::OPERATIONS, Counter::default),
            operation_errors: labelled(all, &table::OPERATION_ERRORS, Counter::default),
            operation_duration: labelled(all, &table::OPERATION_DURATION, histogram),
            requests: labelled(all, &table::REQUESTS, Counter::default),
            refusals: labelled(all, &table::REFUSALS, Counter::default),
            request_duration: alone(all, &table::REQUEST_DURATION, histogram()),
            requests_under_way: alone(all, &table::REQUESTS_UNDER_WAY, Gauge::default()),
            connections: alone(all, &table::CONNECTIONS, Gauge::default()),
            limit_refusals: labelled(all, &table::LIMIT_REFUSALS, Counter::default),
            limit_used: labelled(all, &table::LIMIT_USED, Gauge::default),
            connections_reclaimed: alone(all, &table::CONNECTIONS_RECLAIMED, Counter::default()),
            reads: labelled(all, &table::READS, Counter::default),
            calls: labelled(all, &table::CALLS, Counter::default),
            retries: labelled(all, &table::RETRIES, Counter::default),
            writes: labelled(all, &table::WRITES, Counter::default),
            call_duration: labelled(all, &table::CALL_DURATION, histogram),
            circuit: labelled(all, &table::CIRCUIT, Gauge::default),
            calls_under_way: labelled(all, &table::CALLS_UNDER_WAY, Gauge::default),
            waiting: labelled(all, &table::WAITING, Gauge::default),
            cache_bytes: labelled(all, &table::CACHE_BYTES, Gauge::default),
            cache_entries: labelled(all, &table::CACHE_ENTRIES, Gauge::default),
            log_lines_dropped: alone(all, &table::LOG_LINES_DROPPED, Counter::default()),
            audit_lines_dropped: alone(all, &table::AUDIT_LINES_DROPPED, Counter::default()),
            measure: Mutex::default(),
            registry,
        };
        Self(Arc::new(book))
    }
}

impl Metrics {
    /// An operation ended.
    pub fn operation(&self, kind: &'static str, outcome: &'static str, took: Duration) {
        self.0.operations.get_or_create(&[("kind", kind), ("outcome", outcome)]).inc();
        self.0.operation_duration.get_or_create(&[("kind", kind)]).observe(took.as_secs_f64());
    }

    /// An operation's answer had so many errors of this code.
    pub fn operation_errors(&self, code: &'static str, count: u64) {
        self.0.operation_errors.get_or_create(&[("code", code)]).inc_by(count);
    }

    /// A request is being answered, as long as what is returned is held.
    pub fn request(&self) -> Held {
        Held::of(self.0.requests_under_way.clone())
    }

    /// A request was answered with this status.
    pub fn answered(&self, status: u16, took: Duration) {
        let class = match status {
            ..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        self.0.requests.get_or_create(&[("class", class)]).inc();
        self.0.request_duration.observe(took.as_secs_f64());
        let refused = match status {
            429 => "429",
            503 => "503",
            _ => return,
        };
        self.0.refusals.get_or_create(&[("status", refused)]).inc();
    }

    /// A connection is open, as long as what is returned is held.
    pub fn connection(&self) -> Held {
        Held::of(self.0.connections.clone())
    }

    /// Returns the meter of a limit of `http.limits`.
    pub fn limit(&self, limit: &'static str) -> LimitMeter {
        LimitMeter { metrics: self.clone(), limit }
    }

    /// An idle connection is closed to make room for another one.
    pub fn connection_reclaimed(&self) {
        self.0.connections_reclaimed.inc();
    }

    /// A read of this provider ended so.
    pub fn read(&self, provider: &'static str, verdict: &'static str) {
        self.0.reads.get_or_create(&[("provider", provider), ("verdict", verdict)]).inc();
    }

    /// A call to this provider ended so.
    pub fn call(&self, provider: &'static str, outcome: &'static str, took: Duration) {
        self.0.calls.get_or_create(&[("provider", provider), ("outcome", outcome)]).inc();
        self.0.call_duration.get_or_create(&[("provider", provider)]).observe(took.as_secs_f64());
    }

    /// A call to this provider is to be tried again.
    pub fn retry(&self, provider: &'static str) {
        self.0.retries.get_or_create(&[("provider", provider)]).inc();
    }

    /// A write at this provider ended so.
    pub fn write(&self, provider: &'static str, method: &'static str, outcome: &'static str) {
        self.0.writes.get_or_create(&[("provider", provider), ("method", method), ("outcome", outcome)]).inc();
    }

    /// How this provider's host stands.
    pub fn host(&self, provider: &'static str, state: HostGauges) {
        for name in table::CIRCUIT.labels.iter().filter(|(label, _)| *label == "state").flat_map(|(_, names)| *names) {
            let labels = [("provider", provider), ("state", *name)];
            self.0.circuit.get_or_create(&labels).set(i64::from(*name == state.circuit));
        }
        for (gauges, value) in [
            (&self.0.calls_under_way, state.calls_under_way as u64),
            (&self.0.waiting, state.waiting as u64),
            (&self.0.cache_bytes, state.cache_bytes),
            (&self.0.cache_entries, state.cache_entries as u64),
        ] {
            gauges.get_or_create(&[("provider", provider)]).set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }

    /// Counts a line of the operational log that was dropped.
    pub fn log_line_dropped(&self) {
        self.0.log_lines_dropped.inc();
    }

    /// Counts a line of the audit log that was dropped.
    pub fn audit_line_dropped(&self) {
        self.0.audit_lines_dropped.inc();
    }

    /// From now on this sets the gauges of hosts, each time before they are told.
    pub fn measured_by(&self, measure: impl Fn() + Send + Sync + 'static) {
        *self.0.measure.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(measure));
    }

    /// All of it, in OpenMetrics' format.
    pub fn text(&self) -> String {
        let measure = self.0.measure.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(measure) = measure {
            measure();
        }
        let mut text = String::new();
        // Writing into memory fails for no reason.
        let _ = encode(&mut text, &self.0.registry);
        text
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn add(registry: &mut Registry, row: &Row, metric: impl Metric) {
    match row.family().strip_suffix("_seconds") {
        Some(name) => registry.register_with_unit(name, row.help, Unit::Seconds, metric),
        None => registry.register(row.family(), row.help, metric),
    }
}

/// A metric without labels.
fn alone<M: Metric + Clone>(registry: &mut Registry, row: &Row, metric: M) -> M {
    add(registry, row, metric.clone());
    metric
}

/// A metric with labels: all of its series, at zero.
fn labelled<const N: usize, M: Clone>(registry: &mut Registry, row: &Row, new: fn() -> M) -> Labelled<N, M>
where
    Labelled<N, M>: Metric,
{
    let family = Labelled::new_with_constructor(new);
    series(row).iter().for_each(|labels| drop(family.get_or_create(labels)));
    add(registry, row, family.clone());
    family
}

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

/// Every series of a metric: each value of each label with each of the others.
fn series<const N: usize>(row: &Row) -> Vec<Labels<N>> {
    let mut all = vec![Vec::new()];
    for (label, values) in row.labels {
        let with = |begun: &Vec<_>, value| begun.iter().copied().chain([(*label, value)]).collect();
        all = all.iter().flat_map(|begun| values.iter().map(move |value| with(begun, *value))).collect();
    }
    all.into_iter().filter_map(|labels| labels.try_into().ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The lines of samples, each up to its value.
    fn samples(text: &str) -> BTreeSet<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.rsplit_once(' ')).map(|(name, _)| name.to_owned()).collect()
    }

    #[test]
    fn every_metric_of_the_table_is_told_with_its_help_and_no_other() {
        let text = Metrics::default().text();
        for row in &TABLE {
            let (name, kind) = (row.family(), row.kind.as_str());
            assert!(text.contains(&format!("# HELP {name} {}.\n# TYPE {name} {kind}\n", row.help)), "{name} in {text}");
            assert!(samples(&text).iter().any(|sample| sample.starts_with(row.name)), "{} in {text}", row.name);
        }
        assert_eq!(text.matches("# TYPE").count(), TABLE.len());
        assert!(text.ends_with("# EOF\n"), "{text}");
    }

    #[test]
    fn whatever_is_counted_makes_no_series_that_was_not_there() {
        let metrics = Metrics::default();
        let before = samples(&metrics.text());
        let instant = Duration::from_millis(1);
        metrics.operation("query", "partial", instant);
        metrics.operation_errors("INTERNAL", 2);
        for status in [101, 200, 294, 304, 404, 429, 500, 503, 999] {
            metrics.answered(status, instant);
        }
        metrics.read("oneall", "STALE");
        metrics.call("wordpress", "timed_out", instant);
        metrics.retry("wordpress");
        metrics.write("wordpress", "DELETE", "uncertain");
        metrics.log_line_dropped();
        metrics.audit_line_dropped();
        let state =
            HostGauges { circuit: "open", calls_under_way: 1, waiting: 2, cache_bytes: 3, cache_entries: usize::MAX };
        metrics.host("oneall", state);
        drop(metrics.connection());
        metrics.limit("bodies_max_bytes").refuse();
        metrics.limit("unread_answers_max_bytes").set_used(7);
        metrics.connection_reclaimed();
        let under_way = metrics.request();
        let text = metrics.text();
        assert_eq!(samples(&text), before);
        for line in [
            "commongraph_operations_total{kind=\"query\",outcome=\"partial\"} 1\n",
            "commongraph_operation_errors_total{code=\"INTERNAL\"} 2\n",
            "commongraph_http_requests_total{class=\"5xx\"} 3\n",
            "commongraph_http_refusals_total{status=\"429\"} 1\n",
            "commongraph_http_requests_in_flight 1\n",
            "commongraph_http_connections_open 0\n",
            "commongraph_http_limit_refusals_total{limit=\"bodies_max_bytes\"} 1\n",
            "commongraph_http_limit_used_bytes{limit=\"unread_answers_max_bytes\"} 7\n",
            "commongraph_http_connections_reclaimed_total 1\n",
            "commongraph_upstream_breaker_state{provider=\"oneall\",state=\"open\"} 1\n",
            "commongraph_upstream_breaker_state{provider=\"oneall\",state=\"closed\"} 0\n",
            "commongraph_log_lines_dropped_total 1\n",
            "commongraph_audit_lines_dropped_total 1\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        drop(under_way);
        assert!(metrics.text().contains("commongraph_http_requests_in_flight 0\n"));
    }
}

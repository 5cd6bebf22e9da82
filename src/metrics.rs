//! The metrics of the gateway: counters, gauges and histograms, and their text in the OpenMetrics format.
//!
//! [`Metrics`] is a value that outlasts reloads and is passed to the code that counts; nothing is global. The values of
//! labels come from the table of metrics (`table`), so that no client can create a series. A label never has a name
//! that a client chose, a token, an address or a path. An exporter that pushes, such as OTLP, would read the same
//! registry.

mod table;

pub use self::table::{METRICS, MetricDefinition, MetricKind};

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

/// The bucket bounds of all histograms, in seconds: from a cached response to the default timeout of a request.
const BUCKETS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0];

/// The media type of [`Metrics::text`].
pub const TEXT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One series of a metric: each label with its value, in the table's order.
type Labels<const N: usize> = [(&'static str, &'static str); N];
type MetricFamily<const N: usize, M> = Family<Labels<N>, M, fn() -> M>;
type Counters<const N: usize> = MetricFamily<N, Counter>;
type Gauges<const N: usize> = MetricFamily<N, Gauge>;
type Histograms<const N: usize> = MetricFamily<N, Histogram>;

/// A function that sets the gauges of hosts when the metrics are read.
type Collector = Arc<dyn Fn() + Send + Sync>;

/// The metrics. Clones share their values.
#[derive(Clone)]
pub struct Metrics(Arc<Instruments>);

struct Instruments {
    registry: Registry,
    operations: Counters<2>,
    operation_errors: Counters<1>,
    operation_duration: Histograms<1>,
    requests: Counters<1>,
    refusals: Counters<1>,
    request_duration: Histogram,
    requests_in_flight: Gauge,
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
    collect: Mutex<Option<Collector>>,
}

/// The current state of a provider's host.
#[derive(Clone, Copy, Debug)]
pub struct HostGauges {
    /// The state of the circuit breaker, as the label of the metric has it.
    pub circuit: &'static str,
    /// The number of calls in flight, or waiting for the rate limit.
    pub calls_under_way: usize,
    /// The number of reads that wait in a queue.
    pub waiting: usize,
    /// The memory of the cached responses, in bytes, as the limit of the cache counts it.
    pub cache_bytes: u64,
    /// The number of cached responses.
    pub cache_entries: usize,
}

/// Adds one to a gauge until it is dropped.
#[derive(Debug)]
pub struct GaugeGuard(Gauge);

impl GaugeGuard {
    fn new(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Counts what happens at one limit. Clones share their values.
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
    /// Registers all metrics. Every series exists from the start, with the value 0.
    fn default() -> Self {
        let mut registry = Registry::default();
        let all = &mut registry;
        add_to_registry(all, &table::BUILD, Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let instruments = Instruments {
            operations: register_family(all, &table::OPERATIONS, Counter::default),
            operation_errors: register_family(all, &table::OPERATION_ERRORS, Counter::default),
            operation_duration: register_family(all, &table::OPERATION_DURATION, histogram),
            requests: register_family(all, &table::REQUESTS, Counter::default),
            refusals: register_family(all, &table::REFUSALS, Counter::default),
            request_duration: register_single(all, &table::REQUEST_DURATION, histogram()),
            requests_in_flight: register_single(all, &table::REQUESTS_IN_FLIGHT, Gauge::default()),
            connections: register_single(all, &table::CONNECTIONS, Gauge::default()),
            limit_refusals: register_family(all, &table::LIMIT_REFUSALS, Counter::default),
            limit_used: register_family(all, &table::LIMIT_USED, Gauge::default),
            connections_reclaimed: register_single(all, &table::CONNECTIONS_RECLAIMED, Counter::default()),
            reads: register_family(all, &table::READS, Counter::default),
            calls: register_family(all, &table::CALLS, Counter::default),
            retries: register_family(all, &table::RETRIES, Counter::default),
            writes: register_family(all, &table::WRITES, Counter::default),
            call_duration: register_family(all, &table::CALL_DURATION, histogram),
            circuit: register_family(all, &table::CIRCUIT, Gauge::default),
            calls_under_way: register_family(all, &table::CALLS_IN_FLIGHT, Gauge::default),
            waiting: register_family(all, &table::WAITING, Gauge::default),
            cache_bytes: register_family(all, &table::CACHE_BYTES, Gauge::default),
            cache_entries: register_family(all, &table::CACHE_ENTRIES, Gauge::default),
            log_lines_dropped: register_single(all, &table::LOG_LINES_DROPPED, Counter::default()),
            audit_lines_dropped: register_single(all, &table::AUDIT_LINES_DROPPED, Counter::default()),
            collect: Mutex::default(),
            registry,
        };
        Self(Arc::new(instruments))
    }
}

impl Metrics {
    /// Counts an operation that ended, and records its duration.
    pub fn operation(&self, kind: &'static str, outcome: &'static str, took: Duration) {
        self.0.operations.get_or_create(&[("kind", kind), ("outcome", outcome)]).inc();
        self.0.operation_duration.get_or_create(&[("kind", kind)]).observe(took.as_secs_f64());
    }

    /// Counts errors of one code in the response to an operation.
    pub fn operation_errors(&self, code: &'static str, count: u64) {
        self.0.operation_errors.get_or_create(&[("code", code)]).inc_by(count);
    }

    /// Counts a request as in flight until the guard is dropped.
    pub fn request(&self) -> GaugeGuard {
        GaugeGuard::new(self.0.requests_in_flight.clone())
    }

    /// Counts a response by its status code, and records the duration of its request.
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

    /// Counts a connection as open until the guard is dropped.
    pub fn connection(&self) -> GaugeGuard {
        GaugeGuard::new(self.0.connections.clone())
    }

    /// Returns the meter of a limit of `http.limits`.
    pub fn limit(&self, limit: &'static str) -> LimitMeter {
        LimitMeter { metrics: self.clone(), limit }
    }

    /// Counts an idle connection that is closed to make room for another one.
    pub fn connection_reclaimed(&self) {
        self.0.connections_reclaimed.inc();
    }

    /// Counts a read of a provider, by the source of its response.
    pub fn read(&self, provider: &'static str, verdict: &'static str) {
        self.0.reads.get_or_create(&[("provider", provider), ("verdict", verdict)]).inc();
    }

    /// Counts a call to a provider by its outcome, and records its duration.
    pub fn call(&self, provider: &'static str, outcome: &'static str, took: Duration) {
        self.0.calls.get_or_create(&[("provider", provider), ("outcome", outcome)]).inc();
        self.0.call_duration.get_or_create(&[("provider", provider)]).observe(took.as_secs_f64());
    }

    /// Counts a retry of a call to a provider.
    pub fn retry(&self, provider: &'static str) {
        self.0.retries.get_or_create(&[("provider", provider)]).inc();
    }

    /// Counts a mutation that was sent to a provider, by its outcome.
    pub fn write(&self, provider: &'static str, method: &'static str, outcome: &'static str) {
        self.0.writes.get_or_create(&[("provider", provider), ("method", method), ("outcome", outcome)]).inc();
    }

    /// Sets the gauges of a provider's host.
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

    /// Sets the function that is called before the metrics are read. It sets the gauges of the hosts.
    pub fn set_collector(&self, collect: impl Fn() + Send + Sync + 'static) {
        *self.0.collect.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(collect));
    }

    /// The values of all metrics, in the OpenMetrics format.
    pub fn text(&self) -> String {
        let collect = self.0.collect.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(collect) = collect {
            collect();
        }
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn add_to_registry(registry: &mut Registry, definition: &MetricDefinition, metric: impl Metric) {
    match definition.family().strip_suffix("_seconds") {
        Some(name) => registry.register_with_unit(name, definition.help, Unit::Seconds, metric),
        None => registry.register(definition.family(), definition.help, metric),
    }
}

/// Registers a metric without labels.
fn register_single<M: Metric + Clone>(registry: &mut Registry, definition: &MetricDefinition, metric: M) -> M {
    add_to_registry(registry, definition, metric.clone());
    metric
}

/// Registers a metric with labels, and creates all of its series with the value 0.
fn register_family<const N: usize, M: Clone>(
    registry: &mut Registry,
    definition: &MetricDefinition,
    new: fn() -> M,
) -> MetricFamily<N, M>
where
    MetricFamily<N, M>: Metric,
{
    let family = MetricFamily::new_with_constructor(new);
    series(definition).iter().for_each(|labels| drop(family.get_or_create(labels)));
    add_to_registry(registry, definition, family.clone());
    family
}

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

/// The label sets of all series of a metric: every combination of the values of its labels.
fn series<const N: usize>(definition: &MetricDefinition) -> Vec<Labels<N>> {
    let mut all = vec![Vec::new()];
    for (label, values) in definition.labels {
        let with = |labels: &Vec<_>, value| labels.iter().copied().chain([(*label, value)]).collect();
        all = all.iter().flat_map(|labels| values.iter().map(move |value| with(labels, *value))).collect();
    }
    all.into_iter().filter_map(|labels| labels.try_into().ok()).collect()
}

#[cfg(test)]
mod tests;

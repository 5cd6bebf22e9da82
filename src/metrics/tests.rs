//! Tests of the metrics and of their text.
use std::collections::BTreeSet;

use super::*;

/// The sample lines, without their values.
fn samples(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit_once(' ')).map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn the_text_has_every_metric_of_the_table_with_its_help_and_no_other() {
    let text = Metrics::default().text();
    for definition in &METRICS {
        let (name, kind) = (definition.family(), definition.kind.as_str());
        assert!(
            text.contains(&format!("# HELP {name} {}.\n# TYPE {name} {kind}\n", definition.help)),
            "{name} in {text}"
        );
        assert!(
            samples(&text).iter().any(|sample| sample.starts_with(definition.name)),
            "{} in {text}",
            definition.name
        );
    }
    assert_eq!(text.matches("# TYPE").count(), METRICS.len());
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[test]
fn counting_creates_no_new_series() {
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
    let in_flight = metrics.request();
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
    drop(in_flight);
    assert!(metrics.text().contains("commongraph_http_requests_in_flight 0\n"));
}

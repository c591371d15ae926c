//! What operators see of tenants: figures that are bounded for Prometheus, whole in the platform API, and
//! a dashboard that asks for nothing that is not there.

#[path = "support/server.rs"]
mod server;

use server::{PLATFORM_KEY, TestServer};
use std::collections::BTreeSet;
use vivero_client::{EntityIn, EntityType};

async fn metrics(server: &TestServer) -> String {
    let http = reqwest::Client::new();
    let request = http.get(format!("{}/metrics", server.base_url)).bearer_auth(PLATFORM_KEY);
    request.send().await.expect("an answer").text().await.expect("text")
}

/// The value of a tenant's figure.
fn of(text: &str, family: &str, tenant: &str) -> f64 {
    let start = format!("vivero_{family}_total{{tenant=\"{tenant}\"}} ");
    let value = text.lines().find_map(|line| line.strip_prefix(&start));
    value.unwrap_or_else(|| panic!("{start} is not there:\n{text}")).parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_tenant_costs_is_counted_for_it_alone() {
    let server = TestServer::start().await;
    let (busy, idle) = (server.tenant("aster").await, server.tenant("begonia").await);
    for number in 0..5 {
        let lot = EntityIn::new(format!("L-{number}"), "Salvia nemorosa", EntityType::Cutting, 10);
        busy.entities().create(lot).await.expect("a lot");
    }
    busy.entities().list().send().await.expect("lots");
    idle.me().await.expect("her");

    let text = metrics(&server).await;
    assert_eq!(of(&text, "tenant_requests", "aster"), 6.0);
    assert_eq!(of(&text, "tenant_requests", "begonia"), 1.0);
    assert!(of(&text, "tenant_commits", "aster") >= 5.0);
    assert!(of(&text, "tenant_reads", "aster") > of(&text, "tenant_reads", "begonia"));
    assert!(of(&text, "tenant_busy_seconds", "aster") > 0.0);
    assert_eq!(of(&text, "tenant_requests_failed", "aster"), 0.0);
    // Also where there are none.
    for figure in ["bytes_max", "bytes", "indexes", "lists", "lists_passed_on", "catch_ups"] {
        assert!(text.contains(&format!("\nvivero_bitmap_{figure} ")), "bitmap_{figure}:\n{text}");
    }

    let platform = server.client().platform(PLATFORM_KEY);
    let usage = platform.tenants().usage("aster").await.expect("figures");
    assert_eq!((usage.requests.total, usage.requests.failed), (6, 0));
    assert!(usage.store.commits >= 5 && usage.store.rows >= 5);
    assert!(usage.requests.seconds_p50.is_some() && usage.requests.seconds > 0.0);
    assert!(usage.store.storage_bytes.is_some_and(|bytes| bytes > 10_000), "{:?}", usage.store);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_call_is_named_without_values() {
    let mut builder = TestServer::builder();
    // Everything is slow.
    builder = builder.slow_call(std::time::Duration::ZERO);
    let server = builder.start().await;
    let tenant = server.tenant("aster").await;
    tenant.entities().list().q("hidden words").send().await.expect("lots");
    let platform = server.client().platform(PLATFORM_KEY);
    let usage = platform.tenants().usage("aster").await.expect("figures");
    let call = "list entities searching 2 words sort -created_at limit 51";
    let calls: Vec<&str> = usage.slow_calls.iter().map(|slow| slow.call.as_str()).collect();
    assert!(calls.contains(&call), "{calls:?}");
    assert!(!format!("{usage:?}").contains("hidden"));
    assert!(usage.slow_calls.len() <= 32 && usage.store.slow_calls >= calls.len() as u64);
}

/// Each figure the dashboard asks for is one that the server gives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dashboard_asks_for_figures_there_are() {
    let server = TestServer::start().await;
    server.tenant("aster").await.me().await.expect("her");
    let text = metrics(&server).await;
    let given: BTreeSet<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    let file =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/grafana/vivero.json");
    let dashboard = std::fs::read_to_string(file).expect("the dashboard");
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).expect("JSON");
    let expressions: Vec<&str> = dashboard["panels"]
        .as_array()
        .expect("panels")
        .iter()
        .flat_map(|panel| panel["targets"].as_array().expect("targets"))
        .map(|target| target["expr"].as_str().expect("an expression"))
        .collect();
    let names: BTreeSet<&str> = expressions
        .iter()
        .flat_map(|e| e.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')))
        .filter(|word| word.starts_with("vivero_"))
        .collect();
    assert!(expressions.len() > 15 && names.len() > 10);
    let missing: Vec<_> = names.difference(&given).collect();
    assert!(missing.is_empty(), "the dashboard asks for {missing:?}");
}

//! What operators see of tenants: figures that are bounded for Prometheus, whole in the platform API, and
//! a dashboard that asks for nothing that is not there.

#[path = "support/server.rs"]
mod server;

use server::{PLATFORM_KEY, TestServer};
use std::collections::{BTreeMap, BTreeSet};
use vivero_client::{EntityIn, EntityType};
use vivero_core::operations::{NewOperation, OperationKind, OperationState};

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

/// The figures of all tenants, by family and name. No series may be there twice: who collects them refuses all.
fn of_each(text: &str) -> BTreeMap<&str, BTreeMap<&str, f64>> {
    let mut families: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((family, rest)) = line.split_once("{tenant=\"") else { continue };
        let (tenant, value) = rest.split_once("\"} ").expect("a series");
        let value = value.parse().expect("a number");
        let before = families.entry(family).or_default().insert(tenant, value);
        assert_eq!(before, None, "{family} of {tenant} is there twice");
    }
    families
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_beyond_the_fifty_busiest_are_one_series_and_the_platform_has_each() {
    let server = TestServer::start().await;
    let slugs: Vec<String> = (0..53).map(|n| format!("tenant-{n}")).collect();
    let idle = ["tenant-7", "tenant-30", "tenant-52"];
    for slug in &slugs {
        let tenant = server.tenant(slug).await;
        let requests = if idle.contains(&slug.as_str()) { 1 } else { 2 };
        for _ in 0..requests {
            tenant.me().await.expect("her");
        }
    }
    let text = metrics(&server).await;
    let families = of_each(&text);
    assert_eq!(families.len(), 11, "{:?}", families.keys());
    let shown: BTreeSet<&str> =
        slugs.iter().map(String::as_str).filter(|s| !idle.contains(s)).chain(["other"]).collect();
    for (family, series) in &families {
        let names: BTreeSet<&str> = series.keys().copied().collect();
        assert_eq!(names, shown, "{family}");
    }
    let requests = &families["vivero_tenant_requests_total"];
    assert_eq!(requests["other"], 3.0);
    assert_eq!(requests.values().sum::<f64>(), 103.0, "nothing is left out");
    assert!(families["vivero_tenant_reads_total"]["other"] > 0.0);
    let platform = server.client().platform(PLATFORM_KEY);
    let mut sum = 0;
    for slug in &slugs {
        let usage = platform.tenants().usage(slug).await.expect("figures");
        let expected = if idle.contains(&slug.as_str()) { 1 } else { 2 };
        assert_eq!(usage.requests.total, expected, "{slug}");
        assert!(usage.store.reads > 0 && usage.store.commits > 0, "{slug}: {:?}", usage.store);
        sum += usage.requests.total;
    }
    assert_eq!(sum, 103);
    // Who becomes busy takes a name from another, and the sum is the same.
    let busy = server.client().tenant("tenant-52");
    let busy = busy.sign_in("owner@tenant-52.example", server::PASSWORD).await.expect("the Admin");
    for _ in 0..4 {
        busy.me().await.expect("her");
    }
    let text = metrics(&server).await;
    let families = of_each(&text);
    let requests = &families["vivero_tenant_requests_total"];
    assert_eq!((requests.len(), requests["tenant-52"], requests["other"]), (51, 5.0, 4.0));
    assert_eq!(requests.values().sum::<f64>(), 107.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_was_given_free_or_means_all_others_is_one_series() {
    let server = TestServer::start().await;
    server.tenant("aster").await.me().await.expect("her");
    let operations = server.vivero().operations();
    for kind in [OperationKind::Delete, OperationKind::Purge] {
        let mut parameters = serde_json::json!({"confirm": "aster"});
        if kind == OperationKind::Delete {
            parameters["grace_days"] = 0.into();
        }
        let slug = "aster".parse().expect("a slug");
        let asked = operations.ask(NewOperation { kind, slug, parameters, key: None }).await;
        let done = operations.run(asked.expect("asked").id).await.expect("an answer");
        assert_eq!(done.state, OperationState::Done, "{done:?}");
    }
    server.tenant("aster").await.me().await.expect("her");
    server.tenant("other").await.me().await.expect("her");
    let text = metrics(&server).await;
    let families = of_each(&text);
    let requests = &families["vivero_tenant_requests_total"];
    assert_eq!(*requests, BTreeMap::from([("aster", 2.0), ("other", 1.0)]), "{text}");
    let platform = server.client().platform(PLATFORM_KEY);
    for slug in ["aster", "other"] {
        let usage = platform.tenants().usage(slug).await.expect("figures");
        assert_eq!(usage.requests.total, 1, "{slug}: its own");
    }
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

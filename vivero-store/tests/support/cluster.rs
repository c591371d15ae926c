//! The Galera cluster that `tests/run --cluster` starts.

use std::path::PathBuf;

/// `HOST:PORT` of the nodes of the cluster whose folder `tests/run --cluster` names.
pub(crate) fn galera() -> [String; 3] {
    let folder = std::env::var_os("VIVERO_TEST_GALERA").expect(
        "VIVERO_TEST_GALERA names the folder of a cluster; run this by tests/run --cluster",
    );
    let ports = std::fs::read_to_string(PathBuf::from(folder).join("ports")).expect("the ports");
    let nodes: Vec<String> = ports.lines().take(3).map(|p| format!("127.0.0.1:{p}")).collect();
    nodes.try_into().expect("three nodes")
}

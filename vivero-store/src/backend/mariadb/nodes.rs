//! The nodes of one server: itself alone, or those of a Galera cluster, which hold the same.
//!
//! All connections of a process go to one node for as long as it answers and is part of the cluster, so
//! that units of work do not meet at different nodes, where one of them would be refused at its commit;
//! then to the next.

use super::{Purpose, run};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{Executor as _, MySqlConnection, Row as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Debug)]
struct List {
    nodes: Vec<(String, u16)>,
    preferred: AtomicUsize,
}

/// The nodes; clones share which one is in use.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nodes(Option<Arc<List>>);

impl Nodes {
    /// Hosts and ports, in the order in which they are tried. One alone is no cluster.
    pub(crate) fn new(nodes: Vec<(String, u16)>) -> Self {
        let preferred = AtomicUsize::new(0);
        Self((nodes.len() > 1).then(|| Arc::new(List { nodes, preferred })))
    }

    /// Hosts and ports of a cluster's; none of a server that is alone.
    pub(crate) fn all(&self) -> &[(String, u16)] {
        self.0.as_ref().map_or(&[], |list| &list.nodes)
    }

    /// Whether it is a cluster.
    pub(crate) const fn are_many(&self) -> bool {
        self.0.is_some()
    }

    /// Each node to try, the one in use first, with how `account` reaches it.
    pub(super) fn reach(&self, account: &MySqlConnectOptions) -> Vec<(usize, MySqlConnectOptions)> {
        let Some(list) = &self.0 else { return vec![(0, account.clone())] };
        let first = list.preferred.load(Ordering::Relaxed);
        (0..list.nodes.len())
            .map(|i| (first + i) % list.nodes.len())
            .map(|i| (i, account.clone().host(&list.nodes[i].0).port(list.nodes[i].1)))
            .collect()
    }

    /// Whether it is a server by itself.
    pub(super) const fn is_alone(&self) -> bool {
        self.0.is_none()
    }

    /// The node that answered is the one in use.
    pub(super) fn note_answer(&self, node: usize) {
        let Some(list) = &self.0 else { return };
        let before = list.preferred.swap(node, Ordering::Relaxed);
        if before != node {
            let (host, port) = &list.nodes[node];
            tracing::warn!(
                node = format!("{host}:{port}"),
                "another node of the database is used now"
            );
        }
    }

    /// Sets a connection up as one of a cluster's: it reads what was committed before, at whichever node.
    /// `false` if its node is none of the cluster at the moment.
    pub(super) async fn prepare(
        &self,
        connection: &mut MySqlConnection,
        purpose: Purpose,
    ) -> sqlx::Result<bool> {
        if self.0.is_none() {
            return Ok(true);
        }
        let status = connection.fetch_optional("SHOW STATUS LIKE 'wsrep_ready'").await?;
        let ready = status.map(|row| row.try_get::<String, _>(1)).transpose()?;
        if ready.is_some_and(|ready| ready != "ON") {
            return Ok(false);
        }
        // 1 is for reading, 2 for changing what is there.
        let wait = match purpose {
            Purpose::Reading => 1,
            Purpose::Writing => 3,
        };
        run(connection, &format!("SET SESSION wsrep_sync_wait = {wait}")).await?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_that_answered_is_tried_first() {
        let hosts = ["a", "b", "c"].map(|host| (host.to_owned(), 3306));
        let nodes = Nodes::new(hosts.to_vec());
        let order = |nodes: &Nodes| -> Vec<String> {
            let reached = nodes.reach(&MySqlConnectOptions::new());
            reached.iter().map(|(_, account)| account.get_host().to_owned()).collect()
        };
        assert_eq!(order(&nodes), ["a", "b", "c"]);
        nodes.clone().note_answer(1);
        assert_eq!(order(&nodes), ["b", "c", "a"], "clones share it");
        assert_eq!(order(&Nodes::new(vec![("a".into(), 1)])).len(), 1);
    }
}

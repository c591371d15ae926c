//! A removal that the first server cannot do yet.

use crate::first::says;
use tokio::task::JoinHandle;

/// The connection on which the server is asked to remove a database, and waits for who uses it. `running` is who asks.
pub(crate) async fn waits_to_drop<T>(running: &JoinHandle<T>, database: &str) -> String {
    let waiting = format!(
        "SELECT CAST(id AS CHAR) FROM information_schema.processlist WHERE info LIKE 'DROP DATABASE%{database}%' \
         AND state LIKE 'Waiting for%'"
    );
    loop {
        assert!(!running.is_finished(), "it did not wait");
        if let Some(connection) = says(&waiting).await.pop() {
            return connection;
        }
        tokio::task::yield_now().await;
    }
}

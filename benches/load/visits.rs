//! Other tenants beside the one under load: what the server's memory is when it has seen them all.

use super::api::{Api, Demo, refused};
use super::http::Connection;
use super::process::{Usage, Watch};
use crate::Failure;
use serde_json::Value as Json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tokio::task::JoinSet;

/// Visitors at once.
const AT_ONCE: usize = 8;
const SECRET: &str = "a long enough secret";

/// The other tenants.
#[derive(Debug)]
pub(crate) struct Visits {
    demo: Arc<Demo>,
    tenants: usize,
    pid: Option<u32>,
}

impl Visits {
    pub(crate) fn new(demo: &Demo, tenants: usize, pid: Option<u32>) -> Self {
        Self { demo: Arc::new(demo.clone()), tenants, pid }
    }

    /// Makes what tenants are missing.
    pub(crate) async fn make(&self) -> Result<(), Failure> {
        self.all("made", |demo, number| async move {
            let origin = demo.find().await?;
            let body = serde_json::json!({
                "organization": slug(number), "slug": slug(number), "email": email(number),
                "password": SECRET,
            });
            let body = body.to_string();
            let request = format!(
                "POST {}/api/v1/platform/tenants HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                origin.prefix,
                origin.host,
                demo.platform_key,
                body.len()
            );
            let mut connection = Connection::new(origin.address);
            let answer = connection.exchange(request.as_bytes()).await?;
            // 409: it is there from a former run.
            if answer.is_success() || answer.status == 409 {
                return Ok(());
            }
            Err(refused("making a tenant", &answer).into())
        })
        .await
    }

    /// Signs in to each and lists its lots.
    pub(crate) async fn visit(&self) -> Result<(), Failure> {
        self.all("signed in to and listed", |demo, number| async move {
            let api = Api::open(&demo.of(slug(number), email(number), SECRET)).await?;
            let mut connection = Connection::new(api.address);
            api.get::<Json>(&mut connection, "/entities?limit=50&total=true").await.map(|_| ())
        })
        .await
    }

    /// Does something with each, some at a time, and prints what it did to the server's memory.
    async fn all<D>(
        &self,
        what: &str,
        visit: impl Fn(Arc<Demo>, usize) -> D + Copy + Send + Sync + 'static,
    ) -> Result<(), Failure>
    where
        D: Future<Output = Result<(), Failure>> + Send,
    {
        let watch = self.pid.and_then(Watch::start);
        let (begun, next) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
        let mut visitors = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (demo, next, tenants) = (Arc::clone(&self.demo), Arc::clone(&next), self.tenants);
            visitors.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= tenants {
                        return Ok::<_, Failure>(());
                    }
                    visit(Arc::clone(&demo), number).await?;
                }
            });
        }
        while let Some(visitor) = visitors.join_next().await {
            visitor??;
        }
        let took = begun.elapsed().as_secs_f64();
        let memory = watch.and_then(|watch| watch.usage()).as_ref().map_or_else(String::new, told);
        eprintln!("load: {} tenants {what} in {took:.0} s{memory}", self.tenants);
        Ok(())
    }
}

fn told(usage: &Usage) -> String {
    format!(": memory {:.0} MiB, peak {:.0} MiB", usage.resident_mib, usage.peak_mib)
}

fn slug(number: usize) -> String {
    format!("visited-{number:05}")
}

fn email(number: usize) -> String {
    format!("grower{number}@example.com")
}

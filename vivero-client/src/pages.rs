//! Lists that come in pages, as one stream.

use crate::{HistoryEntry, HistoryList, Result, TenantClient};
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt as _, TryStreamExt as _, iter, try_unfold};
use std::fmt;
use std::future::Future;
use uuid::Uuid;

/// The rows of all pages: `fetch` gets a page and the request for the next one. A page is asked for
/// when the one before it is used up.
pub(crate) fn rows<Q, T, F>(
    first: Q,
    fetch: impl Fn(Q) -> F + Send + Sync + Clone + 'static,
) -> BoxStream<'static, Result<T>>
where
    Q: Send + 'static,
    T: Send + 'static,
    F: Future<Output = Result<(Vec<T>, Option<Q>)>> + Send + 'static,
{
    let pages = try_unfold(Some(first), move |request| {
        let fetch = fetch.clone();
        async move {
            let Some(request) = request else { return Ok(None) };
            let (items, next) = fetch(request).await?;
            Ok(Some((iter(items.into_iter().map(Ok)), next)))
        }
    });
    pages.try_flatten().boxed()
}

type Fetch =
    fn(TenantClient, Uuid, Option<i64>, Option<u32>) -> BoxFuture<'static, Result<HistoryList>>;

/// Which changes of a record, newest first.
#[derive(Clone)]
#[must_use = "nothing happens before `send` or `stream`"]
pub struct HistoryRequest {
    tenant: TenantClient,
    id: Uuid,
    before: Option<i64>,
    limit: Option<u32>,
    fetch: Fetch,
}

impl HistoryRequest {
    pub(crate) const fn new(tenant: TenantClient, id: Uuid, fetch: Fetch) -> Self {
        Self { tenant, id, before: None, limit: None, fetch }
    }
    /// Only changes before this version.
    pub const fn before(mut self, version: i64) -> Self {
        self.before = Some(version);
        self
    }
    /// Rows of a page, 1 to 200; 50 if not said.
    pub const fn limit(mut self, rows: u32) -> Self {
        self.limit = Some(rows);
        self
    }
    /// One page.
    pub async fn send(self) -> Result<HistoryList> {
        (self.fetch)(self.tenant, self.id, self.before, self.limit).await
    }
    /// All of them, page after page. An error ends the stream.
    pub fn stream(self) -> BoxStream<'static, Result<HistoryEntry>> {
        rows(self, |request| async move {
            let page = request.clone().send().await?;
            let next = page.next_before.map(|version| request.before(version));
            Ok((page.items, next))
        })
    }
}

impl fmt::Debug for HistoryRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HistoryRequest")
            .field("id", &self.id)
            .field("before", &self.before)
            .finish()
    }
}

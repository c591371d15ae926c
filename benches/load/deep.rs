//! Cursors far down in long lists, found by walking there as a client would.

use super::api::{Api, PageHead, encode};
use super::each::millis;
use super::http::Connection;
use super::random::Random;
use super::sample::Sample;
use super::targets::{self, SORTS};
use crate::Failure;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// 250 pages of 200 rows end where the 1,000th page of 50 ends.
const PAGES: u64 = 250;
const ROWS: u64 = 200;
/// Places of each list that are kept, one page of 200 apart.
const KEPT: usize = 20;
/// Filters of each kind beside the unfiltered list: those that match most, and those that match
/// least of all that have a 1,000th page, which are the hardest for a keyset condition.
const FILTERS: usize = 4;
const WALKERS: usize = 4;

/// A list whose pages are slow is left after this; how far it was walked is printed.
const WALK: Duration = Duration::from_secs(15);
/// Lists whose pages of 200 take longer than this are printed.
const SLOW_MS: f64 = 50.0;

/// A list that was walked.
#[derive(Debug)]
struct Walk {
    query: String,
    /// The last places reached.
    cursors: VecDeque<String>,
    /// Pages of 200.
    pages: u64,
    took: Duration,
}

/// Targets that go on from the last places of long lists, in every sort.
pub(crate) async fn targets(
    api: &Api,
    sample: &Sample,
    random: &mut Random,
) -> Result<Vec<String>, Failure> {
    let filters = long_lists(api, sample).await?;
    let queries = filters.iter().flat_map(|f| SORTS.map(|sort| format!("{f}&sort={sort}")));
    let queries: Arc<[String]> = queries.collect();
    eprintln!("load: walking to the 1,000th page of {} lists", queries.len());
    let mut walkers = JoinSet::new();
    let turn = Arc::new(AtomicUsize::new(0));
    for _ in 0..WALKERS {
        walkers.spawn(walk_all(api.clone(), Arc::clone(&queries), Arc::clone(&turn)));
    }
    let mut walks = Vec::new();
    while let Some(walked) = walkers.join_next().await {
        walks.extend(walked??);
    }
    walks.sort_by(|a, b| a.query.cmp(&b.query));
    tell(&walks);
    let target = |walk: &Walk, cursor: &String| {
        api.target(&format!("/entities?limit=50{}&cursor={cursor}", walk.query))
    };
    let found = walks.iter().flat_map(|walk| walk.cursors.iter().map(|c| target(walk, c)));
    Ok(targets::mixed(found.collect(), random))
}

fn tell(walks: &[Walk]) {
    let cursors: usize = walks.iter().map(|walk| walk.cursors.len()).sum();
    let last = |walk: &Walk| walk.pages * ROWS / 50;
    eprintln!(
        "load: {cursors} cursors in {} lists, the last of each at page {} to {} of 50",
        walks.len(),
        walks.iter().map(last).min().unwrap_or(0),
        walks.iter().map(last).max().unwrap_or(0),
    );
    for walk in walks {
        let page = millis(walk.took) / walk.pages.max(1) as f64;
        if page > SLOW_MS {
            let query = walk.query.trim_start_matches('&');
            eprintln!(
                "load:   slow, {page:.0} ms a page of {ROWS}, left at {}: {query}",
                last(walk)
            );
        }
    }
}

/// The unfiltered list and filters whose lists are long enough; empty text is no filter.
async fn long_lists(api: &Api, sample: &Sample) -> Result<Vec<String>, Failure> {
    let mut connection = Connection::new(api.address);
    let mut long = Vec::new();
    for query in targets::broad(sample) {
        let path = format!("/entities?limit=1&total=true{query}");
        let page: PageHead = api.get(&mut connection, &path).await?;
        let total = page.total.unwrap_or(0);
        if total > PAGES * ROWS {
            long.push((total, query));
        }
    }
    long.sort();
    let mut filters = vec![String::new()];
    filters.extend(long.iter().rev().take(FILTERS).map(|(_, query)| query.clone()));
    let narrow = long.len().saturating_sub(FILTERS).min(FILTERS);
    filters.extend(long.iter().take(narrow).map(|(_, query)| query.clone()));
    Ok(filters)
}

/// Takes turns with the other walkers until every list is walked.
async fn walk_all(
    api: Api,
    queries: Arc<[String]>,
    turn: Arc<AtomicUsize>,
) -> Result<Vec<Walk>, Failure> {
    let mut connection = Connection::new(api.address);
    let mut walks = Vec::new();
    while let Some(query) = queries.get(turn.fetch_add(1, Ordering::Relaxed)) {
        walks.push(walk(&api, &mut connection, query).await?);
    }
    Ok(walks)
}

async fn walk(api: &Api, connection: &mut Connection, query: &str) -> Result<Walk, Failure> {
    let since = Instant::now();
    let mut cursors = VecDeque::with_capacity(KEPT + 1);
    let mut pages = 0;
    while pages < PAGES && since.elapsed() < WALK {
        let after = cursors.back().map_or_else(String::new, |c| format!("&cursor={c}"));
        let path = format!("/entities?limit={ROWS}{query}{after}");
        let page: PageHead = api.get(connection, &path).await?;
        let Some(next) = page.next_cursor else { break };
        cursors.push_back(encode(&next));
        if cursors.len() > KEPT {
            cursors.pop_front();
        }
        pages += 1;
    }
    Ok(Walk { query: query.to_owned(), cursors, pages, took: since.elapsed() })
}

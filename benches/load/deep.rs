//! Cursors far down in long lists, found by walking there as a client would.

use super::api::{Api, PageHead, encode};
use super::http::Connection;
use super::random::Random;
use super::sample::Sample;
use super::targets::{self, SORTS};
use crate::Failure;
use std::collections::VecDeque;
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

/// Targets that go on from the last places of long lists, in every sort.
pub(crate) async fn targets(
    api: &Api,
    sample: &Sample,
    random: &mut Random,
) -> Result<Vec<String>, Failure> {
    let filters = long_lists(api, sample).await?;
    let walks = filters.iter().flat_map(|f| SORTS.map(|sort| format!("{f}&sort={sort}")));
    let mut queues = vec![Vec::new(); WALKERS];
    for (index, walk) in walks.enumerate() {
        queues[index % WALKERS].push(walk);
    }
    let mut walkers = JoinSet::new();
    for queue in queues {
        walkers.spawn(walk_all(api.clone(), queue));
    }
    let (mut found, mut shallowest, mut deepest) = (Vec::new(), PAGES, 0);
    while let Some(walked) = walkers.join_next().await {
        let (targets, fewest, most) = walked??;
        found.extend(targets);
        shallowest = shallowest.min(fewest);
        deepest = deepest.max(most);
    }
    eprintln!(
        "load: {} cursors in {} lists, the last of each at page {} to {} of 50",
        found.len(),
        filters.len() * SORTS.len(),
        shallowest * ROWS / 50,
        deepest * ROWS / 50,
    );
    for filter in filters.iter().filter(|filter| !filter.is_empty()) {
        eprintln!("load:   deep within {}", filter.trim_start_matches('&'));
    }
    Ok(targets::mixed(found, random))
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

/// Walks each list; gives the targets and the fewest and most pages of 200 that one had.
async fn walk_all(api: Api, walks: Vec<String>) -> Result<(Vec<String>, u64, u64), Failure> {
    let mut connection = Connection::new(api.address);
    let (mut targets, mut fewest, mut most) = (Vec::new(), PAGES, 0);
    for query in walks {
        let mut cursors = VecDeque::with_capacity(KEPT + 1);
        let mut pages = 0;
        while pages < PAGES {
            let after = cursors.back().map_or_else(String::new, |c| format!("&cursor={c}"));
            let path = format!("/entities?limit={ROWS}{query}{after}");
            let page: PageHead = api.get(&mut connection, &path).await?;
            let Some(next) = page.next_cursor else { break };
            cursors.push_back(encode(&next));
            if cursors.len() > KEPT {
                cursors.pop_front();
            }
            pages += 1;
        }
        fewest = fewest.min(pages);
        most = most.max(pages);
        let target =
            |cursor: &String| api.target(&format!("/entities?limit=50{query}&cursor={cursor}"));
        targets.extend(cursors.iter().map(target));
    }
    Ok((targets, fewest, most))
}

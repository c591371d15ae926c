//! Targets asked for one at a time, with nothing else going on: what a query itself costs.

use super::api::{Api, refused};
use super::http::Connection;
use crate::Failure;
use std::time::{Duration, Instant};

/// How often a target is tried; the quickest counts, because it was disturbed least.
const TRIES: usize = 3;
/// What takes this long is not tried again at once.
const ENOUGH: Duration = Duration::from_millis(100);

/// The quickest of a few tries.
pub(crate) async fn alone(
    api: &Api,
    connection: &mut Connection,
    target: &str,
) -> Result<Duration, Failure> {
    let mut request = Vec::new();
    api.write_get(&mut request, target);
    let mut quickest = Duration::MAX;
    for _ in 0..TRIES {
        if quickest > ENOUGH && quickest < Duration::MAX {
            break;
        }
        connection.ready().await?;
        let start = Instant::now();
        let answer = connection.exchange(&request).await?;
        let took = start.elapsed();
        if !answer.is_success() {
            return Err(refused(target, &answer).into());
        }
        quickest = quickest.min(took);
    }
    Ok(quickest)
}

/// Asks for every target and prints the slowest.
pub(crate) async fn slowest(
    api: &Api,
    name: &str,
    targets: &[String],
    shown: usize,
) -> Result<(), Failure> {
    let mut connection = Connection::new(api.address);
    let mut times = Vec::with_capacity(targets.len());
    for target in targets {
        times.push((alone(api, &mut connection, target).await?, target));
    }
    times.sort_unstable_by(|a, b| b.cmp(a));
    // Some of these were only disturbed, which another try shows.
    for (time, target) in times.iter_mut().take(3 * shown) {
        *time = alone(api, &mut connection, target).await?.min(*time);
    }
    times.sort_unstable_by(|a, b| b.cmp(a));
    let at = |percent: usize| {
        times.get(times.len() * (100 - percent) / 100).map_or(0.0, |(time, _)| millis(*time))
    };
    println!(
        "{name}: {} targets alone, ms: p50 {:.2}, p99 {:.2}, slowest:",
        targets.len(),
        at(50),
        at(99)
    );
    for (time, target) in times.iter().take(shown) {
        println!("{:10.2}  {target}", millis(*time));
    }
    Ok(())
}

/// In milliseconds.
pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

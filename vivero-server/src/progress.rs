//! Progress of long work: a bar on a terminal, plain lines elsewhere, nothing for machines.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A bar, or lines where there is no terminal.
    Shown,
    /// Nothing.
    Hidden,
}

impl Progress {
    /// Begins work of `total` steps.
    #[must_use]
    pub fn start(self, what: &str, total: u64) -> Bar {
        let bar = (self == Self::Shown && std::io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template(
                "{msg} {bar:40} {human_pos}/{human_len} {per_sec} {eta}",
            )
            .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(total).with_style(style).with_message(what.to_owned())
        });
        let lines = self == Self::Shown && bar.is_none();
        Bar {
            what: what.to_owned(),
            total,
            bar,
            lines,
            begun: Instant::now(),
            at: AtomicU64::new(0),
            shown: Mutex::new(0),
        }
    }
}

/// Progress of one piece of work.
#[derive(Debug)]
pub struct Bar {
    what: String,
    total: u64,
    bar: Option<ProgressBar>,
    lines: bool,
    begun: Instant,
    at: AtomicU64,
    shown: Mutex<u64>,
}

impl Bar {
    /// Work done so far.
    pub fn set(&self, at: u64) {
        self.at.store(at, Ordering::Relaxed);
        self.show();
    }
    /// More work done.
    pub fn advance(&self, by: u64) {
        self.at.fetch_add(by, Ordering::Relaxed);
        self.show();
    }
    /// Steps done so far.
    pub fn at(&self) -> u64 {
        self.at.load(Ordering::Relaxed)
    }
    /// Steps there are.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }
    /// How long the rest will take if it goes on as it went; nothing is known before the first step is done.
    #[must_use]
    pub fn eta(&self) -> Option<Duration> {
        rest(self.begun.elapsed(), self.at(), self.total)
    }
    /// The end.
    pub fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn show(&self) {
        let at = self.at.load(Ordering::Relaxed);
        if let Some(bar) = &self.bar {
            bar.set_position(at);
        } else if self.lines && self.total > 0 {
            // A line per tenth: a log file should not fill with progress.
            let tenth = at * 10 / self.total;
            let mut shown = self.shown.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if tenth > *shown {
                *shown = tenth;
                let eta = self.eta().filter(|_| at < self.total);
                let eta = eta.map_or_else(String::new, |eta| {
                    format!(", about {:.0} s to go", eta.as_secs_f64())
                });
                eprintln!("{}: {at} of {} ({}%){eta}", self.what, self.total, tenth * 10);
            }
        }
    }
}

fn rest(elapsed: Duration, at: u64, total: u64) -> Option<Duration> {
    let left = total.saturating_sub(at) as f64;
    (at > 0).then(|| elapsed.mul_f64(left / at as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_what_the_first_part_took() {
        let ten = Duration::from_secs(10);
        assert_eq!(rest(ten, 0, 100), None, "nothing is known before the first");
        assert_eq!(rest(ten, 25, 100), Some(Duration::from_secs(30)));
        assert_eq!(rest(ten, 100, 100), Some(Duration::ZERO));
        assert_eq!(rest(ten, 101, 100), Some(Duration::ZERO), "more than was thought");
    }
}

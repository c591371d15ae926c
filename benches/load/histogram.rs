//! Latencies in log-linear buckets: constant memory, no allocation while measuring, and an error
//! of less than 1 % of the value.

use std::time::Duration;

/// Values below 2^7 µs have a bucket each; every doubling above is cut into 2^6.
const LINEAR_BITS: u32 = 7;
const HALF: usize = 1 << (LINEAR_BITS - 1);
/// Up to 2^36 µs, which is 19 hours.
const BUCKETS: usize = HALF * (36 - LINEAR_BITS as usize + 2);

/// How often each latency was seen.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    buckets: Box<[u64]>,
    count: u64,
    max: Duration,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { buckets: vec![0; BUCKETS].into_boxed_slice(), count: 0, max: Duration::ZERO }
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        let index = bucket(latency.as_micros() as u64).min(BUCKETS - 1);
        self.buckets[index] += 1;
        self.count += 1;
        self.max = self.max.max(latency);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
        self.max = self.max.max(other.max);
    }

    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn max_ms(&self) -> f64 {
        self.max.as_secs_f64() * 1_000.0
    }

    /// The latency that `percent` of all stay within, in milliseconds, rounded up to its bucket.
    pub(crate) fn percentile_ms(&self, percent: f64) -> f64 {
        let rank = (self.count as f64 * percent / 100.0).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return (upper_edge(index) as f64 / 1_000.0).min(self.max_ms());
            }
        }
        self.max_ms()
    }
}

const fn bucket(micros: u64) -> usize {
    let bits = u64::BITS - micros.leading_zeros();
    if bits <= LINEAR_BITS {
        return micros as usize;
    }
    let shift = bits - LINEAR_BITS;
    HALF * shift as usize + (micros >> shift) as usize
}

const fn upper_edge(index: usize) -> u64 {
    if index < 2 * HALF {
        return index as u64 + 1;
    }
    let shift = index / HALF - 1;
    ((index - HALF * shift) as u64 + 1) << shift
}

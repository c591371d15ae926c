//! Chance that comes out the same on every machine and with every version of the libraries.
//!
//! xoshiro256++ is one of `rand`'s named portable generators; what is derived from its words uses
//! integers only, because sampling methods of libraries change and `exp` and `ln` differ by platform.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

/// A stream of random decisions.
#[derive(Debug)]
pub(super) struct Dice(Xoshiro256PlusPlus);

impl Dice {
    /// `purpose` keeps streams with the same seed apart.
    pub(super) fn new(seed: u64, purpose: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed ^ purpose.rotate_left(32)))
    }

    /// Below `n`; 0 if `n` is 0. The bias of the multiplication is under n/2⁶⁴.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// Within `low..=high`; `low` if they are the wrong way round.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high.saturating_sub(low)).unwrap_or(0);
        low + self.below(span + 1) as i64
    }

    pub(super) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// One of `items`, which must not be empty.
    pub(super) fn one_of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// One of `items` by its weight (out of the sum of all).
    pub(super) fn weighted<T: Copy>(&mut self, items: &[(T, u32)]) -> T {
        let total = items.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut left = self.below(total);
        for &(item, weight) in items {
            match left.checked_sub(u64::from(weight)) {
                Some(rest) => left = rest,
                None => return item,
            }
        }
        items[items.len() - 1].0
    }

    /// About log-normal around `median`, from a seventh to seven times as much.
    pub(super) fn spread(&mut self, median: i64) -> i64 {
        // exp(0.8 z) in thousandths at each sixteenth of the normal distribution, ends cut at ±2.4.
        const QUANTILES: [i64; 17] = [
            147, 293, 399, 492, 583, 676, 775, 882, 1000, 1134, 1291, 1479, 1715, 2033, 2509, 3412,
            6821,
        ];
        let at = self.below(16_000) as i64;
        let (step, rest) = ((at / 1000) as usize, at % 1000);
        let factor = QUANTILES[step] + (QUANTILES[step + 1] - QUANTILES[step]) * rest / 1000;
        median * factor / 1000
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

/// Items of which the first are by far the most popular (Zipf–Mandelbrot, exponent 1).
#[derive(Debug)]
pub(super) struct Ranked<T> {
    items: Vec<T>,
    sums: Vec<u64>,
}

impl<T: Copy> Ranked<T> {
    /// `flatness` takes the edge off the first ranks: with 0 the first is twice as popular as the
    /// second.
    pub(super) fn new(items: Vec<T>, flatness: u64) -> Self {
        let mut sum = 0;
        let sums = (1..=items.len() as u64)
            .map(|rank| {
                sum += 1_000_000_000 / (rank + flatness);
                sum
            })
            .collect();
        Self { items, sums }
    }

    /// `None` only if there are no items.
    pub(super) fn pick(&self, dice: &mut Dice) -> Option<T> {
        let at = dice.below(self.sums.last().copied()?);
        self.items.get(self.sums.partition_point(|sum| *sum <= at)).copied()
    }
}

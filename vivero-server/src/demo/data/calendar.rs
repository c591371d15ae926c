//! How many lots were registered on each day of the last five years, and what became of them.
//!
//! Each programme gives the chance that a lot of a certain age is still growing, for sale, sold or
//! archived. That alone would make the mix of statuses hang on the season in which one looks, so
//! each status is weighted to the share a nursery's records have of it. The weights are floating
//! point, but of sums, products and quotients only, which IEEE 754 makes the same everywhere.

use super::programmes::{PROGRAMMES, Programme};
use super::{DemoPlan, dice::Dice};
use chrono::{Datelike, NaiveDate, TimeDelta};
use vivero_core::entity::Status;

/// Days looked back on: five years.
const DAYS: i64 = 1_826;
/// Work registered ahead of its start, at most.
const PLANNED_DAYS: i64 = 60;
/// Work done on Monday … Sunday.
const WEEKDAYS: [u32; 7] = [20, 21, 20, 19, 15, 4, 1];
/// Shares of the records by status, in thousandths.
pub(super) const SHARES: [(Status, u32); 7] = [
    (Status::Registered, 30),
    (Status::Processing, 240),
    (Status::Ready, 150),
    (Status::Completed, 200),
    (Status::Archived, 350),
    (Status::OnHold, 10),
    (Status::Destroyed, 20),
];
const CELLS: usize = PROGRAMMES.len() * SHARES.len();

/// The days, one after the other.
#[derive(Debug)]
pub(super) struct Calendar {
    plan: DemoPlan,
    scale: [f64; SHARES.len()],
    total: u64,
    so_far: u64,
    /// The next day, counted back from today.
    back: i64,
}

/// A day on which lots are registered.
#[derive(Debug)]
pub(super) struct Day {
    pub(super) date: NaiveDate,
    /// How long before today.
    pub(super) age: i64,
    /// How many lots.
    pub(super) lots: u64,
    sums: [u64; CELLS],
}

impl Calendar {
    pub(super) fn new(plan: DemoPlan) -> Self {
        let mut natural = [0.0; SHARES.len()];
        for back in 1..=DAYS {
            for cells in weights(before(plan.today, back), back).chunks(SHARES.len()) {
                natural.iter_mut().zip(cells).for_each(|(sum, cell)| *sum += cell);
            }
        }
        let mut scale = natural;
        for (scale, (_, share)) in scale.iter_mut().zip(SHARES) {
            *scale = f64::from(share) * 1e12 / *scale;
        }
        let mut calendar = Self { plan, scale, total: 0, so_far: 0, back: DAYS };
        calendar.total = (1..=DAYS).map(|back| calendar.sums(back)[CELLS - 1]).sum();
        calendar
    }

    fn sums(&self, back: i64) -> [u64; CELLS] {
        let weights = weights(before(self.plan.today, back), back);
        let mut sum = 0;
        std::array::from_fn(|cell| {
            sum += (weights[cell] * self.scale[cell % SHARES.len()]) as u64;
            sum
        })
    }

    /// Lots to be registered when `weight` of the total weight has passed; all of them at the end.
    fn due(&self, weight: u64) -> u64 {
        let due =
            u128::from(self.plan.records) * u128::from(weight) / u128::from(self.total.max(1));
        u64::try_from(due).unwrap_or(self.plan.records)
    }
}

impl Iterator for Calendar {
    type Item = Day;
    fn next(&mut self) -> Option<Day> {
        let age = self.back;
        if age < 1 {
            return None;
        }
        self.back -= 1;
        let sums = self.sums(age);
        let done = self.due(self.so_far);
        self.so_far += sums[CELLS - 1];
        let lots = self.due(self.so_far) - done;
        Some(Day { date: before(self.plan.today, age), age, lots, sums })
    }
}

impl Day {
    /// The programme of one of the day's lots and what became of it.
    pub(super) fn lot(&self, dice: &mut Dice) -> (usize, Status) {
        let at = dice.below(self.sums[CELLS - 1]);
        let cell = self.sums.partition_point(|sum| *sum <= at).min(CELLS - 1);
        (cell / SHARES.len(), SHARES[cell % SHARES.len()].0)
    }
}

/// The day `days` before `today`.
pub(super) fn before(today: NaiveDate, days: i64) -> NaiveDate {
    today.checked_sub_signed(TimeDelta::days(days)).unwrap_or(today)
}

/// How much of each programme and status there is among the lots registered on `date`.
fn weights(date: NaiveDate, age: i64) -> [f64; CELLS] {
    let month = date.month0() as usize;
    let weekday = f64::from(WEEKDAYS[date.weekday().num_days_from_monday() as usize]);
    let mut cells = [0.0; CELLS];
    for (cells, programme) in cells.chunks_mut(SHARES.len()).zip(PROGRAMMES) {
        let year: u32 = programme.season.iter().sum();
        let started =
            f64::from(programme.share * programme.season[month]) / f64::from(year) * weekday;
        for (cell, chance) in cells.iter_mut().zip(chances(programme, age)) {
            *cell = started * chance;
        }
    }
    cells
}

/// The chance of each status for a lot registered `age` days ago, in the order of [`SHARES`].
fn chances(programme: &Programme, age: i64) -> [f64; SHARES.len()] {
    let (ready, sold) = (programme.weeks, programme.sells);
    let passed = |low: i64, high: i64| ramp(age, low * 7, high * 7);
    let ripe = passed(ready.0, ready.1);
    let gone = passed(ready.0 + sold.0, ready.1 + sold.1);
    let filed = passed(ready.0 + sold.0 + 26, ready.1 + sold.1 + 78);
    let planned = 1.0 - ramp(age, 1, PLANNED_DAYS);
    let lost = ramp(age, 1, 28) - filed;
    [planned, 1.0 - ripe, ripe - gone, gone - filed, filed, 1.0 - gone, lost.max(0.0)]
}

/// 0 up to `low`, 1 from `high`, straight between.
fn ramp(at: i64, low: i64, high: i64) -> f64 {
    if at >= high {
        1.0
    } else if at <= low {
        0.0
    } else {
        (at - low) as f64 / (high - low) as f64
    }
}

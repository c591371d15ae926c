//! The life of one lot: what its dates, stage, count and grade are, given what became of it.

use super::calendar::before;
use super::dice::Dice;
use super::programmes::{Count, Programme};
use chrono::{Datelike, NaiveDate, TimeDelta};
use vivero_core::entity::{EntityType, Grade, Stage, Status};

/// When nurseries sell, January to December (shares of the year in percent).
const SALES: [u64; 12] = [2, 3, 9, 18, 24, 13, 6, 5, 8, 6, 3, 3];

/// A lot of known age and outcome.
#[derive(Debug)]
pub(super) struct Life<'a> {
    pub(super) programme: &'a Programme,
    /// When it was registered, and how many days ago that is.
    pub(super) registered_on: NaiveDate,
    pub(super) age: i64,
    /// Its status, or the one it had before it was put on hold.
    pub(super) status: Status,
    /// How slow the plant is within its programme: 0 to 100.
    pub(super) pace: i64,
}

impl Life<'_> {
    /// The status before a hold: growing or for sale, whichever a lot of that age can be.
    pub(super) fn before_hold(&self, dice: &mut Dice) -> Status {
        let (soonest, latest) = self.programme.weeks;
        if self.age < soonest * 7 {
            Status::Processing
        } else if self.age > latest * 7 || dice.percent(40) {
            Status::Ready
        } else {
            Status::Processing
        }
    }

    /// Day of sowing, sticking, grafting or arrival: some lots are entered a few days later.
    pub(super) fn started_on(&self, dice: &mut Dice) -> Option<NaiveDate> {
        let late = if dice.percent(65) { 0 } else { dice.between(1, 3) };
        (self.status != Status::Registered).then(|| before(self.registered_on, late))
    }

    /// Days from registration to being ready for sale, more often than not in the season.
    pub(super) fn growing_days(&self, dice: &mut Dice) -> i64 {
        let (soonest, latest) = (self.programme.weeks.0 * 7, self.programme.weeks.1 * 7);
        let slack = (latest - soonest) / 2;
        let low = soonest + slack * self.pace / 100;
        let high = low + slack;
        // A slow plant that is ready already was quicker than usual.
        let by = |end: i64| (if low < end { low } else { soonest.min(end) }, high.min(end));
        let (low, high) = match self.status {
            Status::Registered => (low.max(self.age + 7), high.max(self.age + 28)),
            Status::Processing => (low.max(self.age + 3), high.max(self.age + 21)),
            Status::Ready => by(self.age),
            Status::Completed | Status::Archived => {
                by((self.age - self.programme.sells.0 * 7).max(0))
            }
            Status::OnHold | Status::Destroyed => (low, high),
        };
        let mut days = dice.between(low, high);
        for _ in 0..3 {
            let ready_on = after(self.registered_on, days);
            if dice.below(24) < SALES[ready_on.month0() as usize] {
                break;
            }
            days = dice.between(low, high);
        }
        days
    }

    /// How far it has grown of the days it needs.
    pub(super) fn stage(&self, growing_days: i64, dice: &mut Dice) -> Stage {
        let grown = self.age * 100 / growing_days.max(1);
        let progress = match self.status {
            Status::Registered | Status::OnHold => return Stage::Propagation,
            Status::Completed | Status::Archived => return Stage::Finished,
            Status::Ready => {
                let waits = self.programme.kind != EntityType::FieldStock && dice.percent(15);
                return if waits { Stage::Hardening } else { Stage::Finished };
            }
            Status::Processing => grown,
            Status::Destroyed => dice.between(0, grown.min(100)),
        };
        let ends: [i64; 3] = match self.programme.kind {
            EntityType::ContainerPlant => [0, 15, 85],
            EntityType::YoungPlant => [0, 30, 80],
            EntityType::BoughtIn => [0, 0, 50],
            EntityType::FieldStock => [0, 10, 101],
            EntityType::Seed | EntityType::Cutting | EntityType::Graft | EntityType::Bulb => {
                [25, 50, 85]
            }
        };
        match ends.iter().position(|end| progress < *end) {
            Some(0) => Stage::Propagation,
            Some(1) => Stage::Rooting,
            Some(2) => Stage::GrowingOn,
            _ => Stage::Hardening,
        }
    }

    /// How many are left of those it began with.
    pub(super) fn quantity(&self, count: Count, dice: &mut Dice) -> i64 {
        let begun = (dice.spread(count.median) / count.step).max(1) * count.step;
        let left = match self.status {
            Status::Registered | Status::OnHold => 1_000,
            Status::Processing if dice.percent(40) => 1_000,
            Status::Processing => 1_000 - dice.between(0, 120),
            Status::Ready if dice.percent(30) => 1_000 - dice.between(0, 150),
            Status::Ready => dice.between(40, 900),
            Status::Completed if dice.percent(15) => dice.between(5, 60),
            Status::Destroyed if dice.percent(30) => dice.between(50, 1_000),
            // What is archived has no balance; most of what is closed has none either.
            Status::Completed | Status::Destroyed | Status::Archived => return 0,
        };
        (begun * left / 1_000).max(1)
    }

    pub(super) fn grade(&self, dice: &mut Dice) -> Grade {
        let by_chance: &[(Grade, u32)] = match self.status {
            Status::Registered | Status::Processing => {
                &[(Grade::Ungraded, 74), (Grade::First, 20), (Grade::Extra, 4), (Grade::Second, 2)]
            }
            Status::Destroyed => &[(Grade::Second, 45), (Grade::Ungraded, 45), (Grade::First, 10)],
            _ => {
                &[(Grade::First, 62), (Grade::Extra, 18), (Grade::Second, 14), (Grade::Ungraded, 6)]
            }
        };
        dice.weighted(by_chance)
    }
}

/// The day `days` after `date`.
pub(super) fn after(date: NaiveDate, days: i64) -> NaiveDate {
    date.checked_add_signed(TimeDelta::days(days)).unwrap_or(date)
}

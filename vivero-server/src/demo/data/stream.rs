//! The lots themselves, one after the other.

use super::calendar::{Calendar, Day};
use super::dice::{Dice, Ranked};
use super::labels::{Codes, Origin, Suppliers, attributes};
use super::life::{Life, after};
use super::programmes::{Count, PROGRAMMES, Programme};
use super::sites::{Place, Sites};
use super::taxa::{self, Taxon};
use super::{DemoEntity, DemoPlan};
use chrono::{DateTime, Datelike, NaiveTime, TimeDelta, Utc};
use vivero_core::entity::{EntityType, NewEntity, Stage, Status, Unit};

/// Lots are registered between half past six and half past four.
const OPENS_S: u32 = 23_400;
const OPEN_US: u64 = 36_000_000_000;

/// All lots of a plan, in the order of registration.
#[derive(Debug)]
pub(super) struct Stream {
    plan: DemoPlan,
    calendar: Calendar,
    day: Option<Day>,
    /// Lots of the day, and of all days, that are made already.
    made_today: u64,
    made: u64,
    dice: Dice,
    taxa: Vec<Taxon>,
    /// How slow each taxon is: 0 to 100.
    paces: Vec<i64>,
    /// The taxa of each programme, best sellers first.
    ranges: Vec<Ranked<usize>>,
    sites: Sites,
    /// Where there is room, in the order of [`Place::ALL`].
    spots: [Ranked<usize>; 5],
    suppliers: Suppliers,
    codes: Codes,
}

impl Stream {
    pub(super) fn new(plan: DemoPlan) -> Self {
        let mut dice = Dice::new(plan.seed, 2);
        let taxa = taxa::all();
        let mut order: Vec<usize> = (0..taxa.len()).collect();
        dice.shuffle(&mut order);
        let range = |programme: &Programme| {
            Ranked::new(order.iter().copied().filter(|i| programme.takes(&taxa[*i])).collect(), 4)
        };
        let sites = Sites::new(plan.seed);
        Self {
            plan,
            calendar: Calendar::new(plan),
            day: None,
            made_today: 0,
            made: 0,
            ranges: PROGRAMMES.iter().map(range).collect(),
            paces: taxa.iter().map(|_| dice.between(0, 100)).collect(),
            spots: Place::ALL.map(|place| sites.spots(place, &mut dice)),
            suppliers: Suppliers::new(&mut dice),
            codes: Codes::new(&taxa),
            sites,
            taxa,
            dice,
        }
    }

    fn lot(&mut self, day: &Day) -> Option<DemoEntity> {
        let dice = &mut self.dice;
        let (number, status) = day.lot(dice);
        let programme = &PROGRAMMES[number];
        let index = self.ranges[number].pick(dice)?;
        let taxon = &self.taxa[index];
        let mut life = Life {
            programme,
            registered_on: day.date,
            age: day.age,
            status,
            pace: self.paces[index],
        };
        let held_from = (status == Status::OnHold).then(|| life.before_hold(dice));
        life.status = held_from.unwrap_or(status);
        let started_on = life.started_on(dice);
        let days = life.growing_days(dice);
        let stage = life.stage(days, dice);
        let location = room(&self.spots, &life, stage, dice);
        let origin = if dice.percent(programme.bought) {
            self.suppliers.pick(dice)
        } else {
            Origin::Own(location.map_or('N', |at| self.sites.letter(at)), index)
        };
        let count = counted(programme, stage, dice);
        let container = dice.weighted(programme.containers);
        let passport = programme.kind != EntityType::Seed || count.unit != Unit::Gram;
        let year = day.date.year();
        Some(DemoEntity {
            created_at: moment(day, self.made_today, dice),
            location,
            status,
            held_from,
            new: NewEntity {
                code: self.codes.next(index, year),
                name: taxon.name.clone(),
                kind: programme.kind,
                stage,
                location_id: None,
                batch_number: Some(origin.batch_number(started_on.unwrap_or(day.date))),
                supplier_reference: origin.supplier_reference(year, dice),
                quantity: life.quantity(count, dice),
                unit: count.unit,
                quality_grade: life.grade(dice),
                attributes: attributes(taxon, container, origin, passport, dice),
                started_on,
                ready_on: Some(after(day.date, days)),
            },
        })
    }
}

impl Iterator for Stream {
    type Item = DemoEntity;

    fn next(&mut self) -> Option<DemoEntity> {
        let day = loop {
            match self.day.take() {
                Some(day) if self.made_today < day.lots => break day,
                _ => {
                    self.day = Some(self.calendar.next()?);
                    self.made_today = 0;
                }
            }
        };
        let lot = self.lot(&day);
        self.made_today += 1;
        self.made += 1;
        self.day = Some(day);
        lot
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.plan.records - self.made).unwrap_or(usize::MAX);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Stream {}

/// Where a lot stands; what is only planned has often no place yet.
fn room(
    spots: &[Ranked<usize>; 5],
    life: &Life<'_>,
    stage: Stage,
    dice: &mut Dice,
) -> Option<usize> {
    if life.status == Status::Registered && dice.percent(60) {
        return None;
    }
    let [rooting, growing, waiting] = life.programme.places;
    let place = dice.weighted(match stage {
        Stage::Propagation | Stage::Rooting => rooting,
        Stage::GrowingOn => growing,
        Stage::Hardening | Stage::Finished => waiting,
    });
    spots[place as usize].pick(dice)
}

/// In what a lot is counted. Seed is weighed only until it has come up.
fn counted(programme: &Programme, stage: Stage, dice: &mut Dice) -> Count {
    let count = dice.weighted(programme.counts);
    let weighed = count.unit == Unit::Gram && stage != Stage::Propagation;
    if weighed { programme.counts[0].0 } else { count }
}

/// The day's lots are spread evenly over its hours, each within its own part of them.
fn moment(day: &Day, made: u64, dice: &mut Dice) -> DateTime<Utc> {
    let micros = (u128::from(made) * u128::from(OPEN_US) + u128::from(dice.below(OPEN_US)))
        / u128::from(day.lots.max(1));
    let opens = NaiveTime::from_num_seconds_from_midnight_opt(OPENS_S, 0).unwrap_or_default();
    let opened = day.date.and_time(opens).and_utc();
    opened + TimeDelta::microseconds(i64::try_from(micros).unwrap_or(0))
}

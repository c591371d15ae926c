//! The request targets of the reading operations.

use super::api::{Api, encode};
use super::random::Random;
use super::sample::{FILTERS, Lot, Sample};
use std::fmt::Write as _;

/// Every sort that entities declare, both ways.
pub(crate) const SORTS: [&str; 10] = [
    "created_at",
    "-created_at",
    "updated_at",
    "-updated_at",
    "code",
    "-code",
    "name",
    "-name",
    "quantity",
    "-quantity",
];
/// Requests made of each combination of filters and sort.
const VALUES: usize = 4;
/// Lots whose words are searched for.
const SEARCHED: usize = 400;
/// Lots looked at to find one that has a value for every filter wanted.
const TRIES: usize = 50;

/// Which filters a list has: bits of [`FILTERS`], and a level of the tree of places if any.
#[derive(Debug, Clone, Copy)]
struct Shape {
    filters: usize,
    level: Option<usize>,
}

impl Shape {
    /// Every combination of the declared filters, none included.
    fn all() -> impl Iterator<Item = Self> {
        let levels = [None, Some(0), Some(1), Some(2)];
        (0..1 << FILTERS.len()).flat_map(move |filters| levels.map(|level| Self { filters, level }))
    }

    const fn has(self, filter: usize) -> bool {
        self.filters >> filter & 1 == 1
    }

    fn fits(self, lot: &Lot) -> bool {
        self.level.is_none_or(|level| lot.places[level].is_some())
            && (0..FILTERS.len()).all(|f| !self.has(f) || lot.values[f].is_some())
    }

    /// The filters as a query, each value from the lot that `choose` gives for it.
    fn query<'a>(self, mut choose: impl FnMut(Self) -> Option<&'a Lot>) -> Option<String> {
        let mut query = String::new();
        for (filter, name) in FILTERS.iter().enumerate().filter(|(f, _)| self.has(*f)) {
            let lot = choose(Self { filters: 1 << filter, level: None })?;
            add(&mut query, name, lot.values[filter].as_deref()?);
        }
        if let Some(level) = self.level {
            let lot = choose(Self { filters: 0, level: self.level })?;
            add(&mut query, "location_id", lot.places[level].as_deref()?);
        }
        Some(query)
    }
}

/// Adds `&name=value`.
fn add(query: &mut String, name: &str, value: &str) {
    // Writing into a String cannot fail.
    let _ = write!(query, "&{name}={}", encode(value));
}

fn find<'a>(lots: &'a [Lot], shape: Shape, random: &mut Random) -> Option<&'a Lot> {
    (0..TRIES).find_map(|_| random.pick(lots).filter(|lot| shape.fits(lot)))
}

/// Every combination of filters in every sort, with values that exist, in random order.
pub(crate) fn lists(api: &Api, sample: &Sample, random: &mut Random, options: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for shape in Shape::all() {
        for sort in SORTS {
            for variant in 0..VALUES {
                let query = if variant + 1 < VALUES {
                    let one = find(&sample.lots, shape, random);
                    shape.query(|_| one)
                } else {
                    shape.query(|single| find(&sample.lots, single, random))
                };
                if let Some(query) = query {
                    targets.push(
                        api.target(&format!("/entities?limit=50{options}{query}&sort={sort}")),
                    );
                }
            }
        }
    }
    mixed(targets, random)
}

/// Queries that match many lots: one or more filters with the values that are most common.
pub(crate) fn broad(sample: &Sample) -> Vec<String> {
    let mut queries = Vec::new();
    for shape in Shape::all() {
        let wanted = shape.filters.count_ones() + u32::from(shape.level.is_some());
        if shape.level.is_some_and(|level| level > 0) || !(1..=3).contains(&wanted) {
            continue;
        }
        let common = |single: Shape| {
            let value = |lot: &'_ Lot| -> Option<String> {
                let filter = (0..FILTERS.len()).find(|f| single.has(*f));
                filter.map_or_else(|| lot.places[0].clone(), |f| lot.values[f].clone())
            };
            let mut values: Vec<String> = sample.lots.iter().filter_map(value).collect();
            values.sort();
            let most =
                values.chunk_by(|a, b| a == b).max_by_key(|same| same.len())?.first()?.clone();
            sample.lots.iter().find(|lot| value(lot).as_ref() == Some(&most))
        };
        queries.extend(shape.query(common));
    }
    queries
}

/// One target per sampled lot.
pub(crate) fn gets(api: &Api, sample: &Sample, random: &mut Random) -> Vec<String> {
    let target = |lot: &Lot| api.target(&format!("/entities/{}", lot.id));
    mixed(sample.lots.iter().map(target).collect(), random)
}

/// Words, starts of words, codes, batch numbers and pairs of them, alone and within a status.
pub(crate) fn searches(api: &Api, sample: &Sample, random: &mut Random) -> Vec<String> {
    let mut targets = Vec::new();
    for _ in 0..SEARCHED {
        let Some(lot) = random.pick(&sample.lots) else { break };
        let mut searched = vec![lot.code.clone()];
        searched.extend(lot.values[3].clone());
        let words: Vec<&str> = lot
            .name
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| word.chars().count() >= 3)
            .collect();
        if let Some(word) = random.pick(&words) {
            searched.push((*word).to_owned());
            searched.push(word.chars().take(3 + random.below(3)).collect());
        }
        if let [first, .., last] = words.as_slice() {
            searched.push(format!("{first} {last}"));
            let start = |word: &str| word.chars().take(3).collect::<String>();
            searched.push(format!("{} {}", start(first), start(last)));
        }
        for text in searched {
            let query = format!("/entities?limit=50&q={}", encode(&text));
            if let Some(status) = &lot.values[1] {
                targets.push(api.target(&format!("{query}&status={status}")));
            }
            targets.push(api.target(&query));
        }
    }
    mixed(targets, random)
}

/// Each target once, in random order.
pub(crate) fn mixed(mut targets: Vec<String>, random: &mut Random) -> Vec<String> {
    targets.sort_unstable();
    targets.dedup();
    random.shuffle(&mut targets);
    targets
}

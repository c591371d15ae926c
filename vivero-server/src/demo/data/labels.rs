//! What is written on a lot: its code, batch number, supplier's reference and attributes.

use super::dice::{Dice, Ranked};
use super::programmes::Container;
use super::taxa::Taxon;
use chrono::{Datelike, NaiveDate};
use serde_json::{Map, Value as Json};

/// Where the nursery itself is.
const HOME: &str = "NL";
/// The country of each supplier.
const SUPPLIERS: [&str; 24] = [
    "NL", "NL", "DE", "NL", "BE", "DK", "IT", "GB", "NL", "FR", "DE", "PL", "ES", "NL", "BE", "PT",
    "DE", "IT", "HU", "IE", "DK", "NL", "FR", "AT",
];

/// Running numbers by genus and year: `LAV-2026-00012`.
#[derive(Debug)]
pub(super) struct Codes {
    prefixes: Vec<String>,
    /// Which prefix each taxon has.
    of_taxon: Vec<usize>,
    given: Vec<u32>,
    year: i32,
}

impl Codes {
    pub(super) fn new(taxa: &[Taxon]) -> Self {
        let mut prefixes: Vec<String> = taxa.iter().map(|taxon| taxon.prefix.clone()).collect();
        prefixes.sort();
        prefixes.dedup();
        let place = |taxon: &Taxon| prefixes.partition_point(|prefix| *prefix < taxon.prefix);
        let of_taxon = taxa.iter().map(place).collect();
        let given = vec![0; prefixes.len()];
        Self { prefixes, of_taxon, given, year: 0 }
    }

    /// The next code for a taxon; years must not go back.
    pub(super) fn next(&mut self, taxon: usize, year: i32) -> String {
        if year != self.year {
            self.year = year;
            self.given.fill(0);
        }
        let prefix = self.of_taxon[taxon];
        self.given[prefix] += 1;
        format!("{}-{year}-{:05}", self.prefixes[prefix], self.given[prefix])
    }
}

/// Those the nursery buys from, the favourites first.
#[derive(Debug)]
pub(super) struct Suppliers(Ranked<usize>);

/// Where a lot comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Origin {
    /// Mother plants: the site's letter and the number of the taxon.
    Own(char, usize),
    Supplier(usize),
}

impl Suppliers {
    pub(super) fn new(dice: &mut Dice) -> Self {
        let mut order: Vec<usize> = (0..SUPPLIERS.len()).collect();
        dice.shuffle(&mut order);
        Self(Ranked::new(order, 2))
    }

    pub(super) fn pick(&self, dice: &mut Dice) -> Origin {
        Origin::Supplier(self.0.pick(dice).unwrap_or(0))
    }
}

impl Origin {
    /// Lots of one week and one origin share a batch number: `26W14-N217`, `26W14-V07`.
    pub(super) fn batch_number(self, started_on: NaiveDate) -> String {
        let week = started_on.iso_week();
        let (year, week) = (week.year().rem_euclid(100), week.week());
        match self {
            Self::Own(site, taxon) => format!("{year:02}W{week:02}-{site}{:03}", taxon + 1),
            Self::Supplier(number) => format!("{year:02}W{week:02}-V{:02}", number + 1),
        }
    }

    /// The supplier's own number for the lot: each has a style of its own.
    pub(super) fn supplier_reference(self, year: i32, dice: &mut Dice) -> Option<String> {
        let Self::Supplier(supplier) = self else { return None };
        let number = dice.between(1_000, 99_999);
        Some(match supplier % 5 {
            0 => format!("LOT {number}"),
            1 => format!("{year}/{number:05}"),
            2 => format!("DN{number:06}-{}", number % 9 + 1),
            3 => format!("{:02}.{number:05}", year.rem_euclid(100)),
            _ => format!("P{number:07}"),
        })
    }

    const fn country(self) -> &'static str {
        match self {
            Self::Own(..) => HOME,
            Self::Supplier(number) => SUPPLIERS[number % SUPPLIERS.len()],
        }
    }
}

/// What the nursery notes of a lot beyond vivero's own fields.
pub(super) fn attributes(
    taxon: &Taxon,
    container: Container,
    origin: Origin,
    passport: bool,
    dice: &mut Dice,
) -> Json {
    let mut all = Map::new();
    let mut set = |key: &str, value: Json| drop(all.insert(key.to_owned(), value));
    set("family", taxon.family.into());
    set("group", taxon.group.as_str().into());
    set("colour", taxon.colour.into());
    set("origin", origin.country().into());
    set("passport", passport.into());
    match container {
        Container::Pot(name, litres) => {
            set("container", name.into());
            set("pot_size_l", litres.into());
        }
        Container::Tray(name, cells) => {
            set("container", name.into());
            set("cells", cells.into());
        }
        Container::Ground(name, sizes) => {
            set("container", name.into());
            set("size_cm", (*dice.one_of(sizes)).into());
        }
        Container::Crate(calibres) => {
            set("container", "Crate".into());
            set("calibre", (*dice.one_of(calibres)).into());
        }
    }
    Json::Object(all)
}

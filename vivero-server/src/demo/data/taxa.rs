//! What the demo nursery grows: botanical names in common cultivation, with their cultivars.
//!
//! Family, habit and the usual way to propagate are those of general horticultural practice; the
//! colour is of the flower, or of leaf, bark or fruit where that is what the plant is sold for.

mod bedding;
mod bulbs;
mod perennials;
mod shrubs;
mod trees;

/// Habit and use, as a nursery's catalogue divides its stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    Shrub,
    Perennial,
    Tree,
    Conifer,
    Climber,
    Bedding,
    Bulb,
    Grass,
}

impl Group {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Shrub => "shrub",
            Self::Perennial => "perennial",
            Self::Tree => "tree",
            Self::Conifer => "conifer",
            Self::Climber => "climber",
            Self::Bedding => "bedding",
            Self::Bulb => "bulb",
            Self::Grass => "grass",
        }
    }
}

/// How new plants of it are usually made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Seed,
    Cutting,
    Graft,
    /// Divided or from tissue culture: reaches the nursery as a young plant.
    Plug,
    Bulb,
}

/// A species or hybrid with the forms that are grown of it.
#[derive(Debug)]
pub(super) struct Species {
    name: &'static str,
    family: &'static str,
    group: Group,
    start: Start,
    forms: &'static [(&'static str, &'static str)],
}

/// One line a species: habit, start, family, name, then each cultivar (empty: the species itself)
/// with its colour.
macro_rules! species {
    ($($group:ident $start:ident $family:ident $name:literal: $($form:literal $colour:ident),+;)*) => {
        &[$(Species {
            name: $name,
            family: stringify!($family),
            group: Group::$group,
            start: Start::$start,
            forms: &[$(($form, stringify!($colour))),+],
        }),*]
    };
}
use species;

/// One plant that is grown: a species or one of its cultivars.
#[derive(Debug)]
pub(super) struct Taxon {
    /// Botanical name with the cultivar in single quotes.
    pub(super) name: String,
    pub(super) family: &'static str,
    pub(super) group: Group,
    pub(super) start: Start,
    pub(super) colour: &'static str,
    /// First letters of the genus, in capitals: how the nursery's own codes begin.
    pub(super) prefix: String,
}

/// Every taxon, grouped by habit. The position is the nursery's number for it.
pub(super) fn all() -> Vec<Taxon> {
    let tables = [
        shrubs::SHRUBS,
        shrubs::CLIMBERS,
        perennials::PERENNIALS,
        perennials::GRASSES,
        trees::TREES,
        trees::CONIFERS,
        bedding::BEDDING,
        bulbs::BULBS,
    ];
    tables.into_iter().flatten().flat_map(Species::taxa).collect()
}

impl Species {
    fn taxa(&self) -> impl Iterator<Item = Taxon> + '_ {
        self.forms.iter().map(|&(cultivar, colour)| Taxon {
            name: match cultivar {
                "" => self.name.to_owned(),
                cultivar => format!("{} '{cultivar}'", self.name),
            },
            family: self.family,
            group: self.group,
            start: self.start,
            colour,
            prefix: prefix(self.name),
        })
    }
}

/// The sign of a hybrid genus (`×`) is not part of its name.
fn prefix(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphabetic).take(3).map(|c| c.to_ascii_uppercase()).collect()
}

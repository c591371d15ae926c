//! How the demo nursery produces: what is made from what, when in the year, for how long, in what
//! container and where.
//!
//! Times: 8–12 weeks for herbaceous, 1–2 years for woody stock (growers' pages); seasons are those
//! of a temperate northern nursery.

use super::sites::Place;
use super::taxa::{Group, Start, Taxon};
use vivero_core::entity::{EntityType, Unit};

/// What a lot grows in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Container {
    /// Name and litres.
    Pot(&'static str, f64),
    /// Name and cells.
    Tray(&'static str, u32),
    /// Open ground or root ball: name and the sizes graded to (cm of height or girth).
    Ground(&'static str, &'static [&'static str]),
    /// Dry, by calibre.
    Crate(&'static [&'static str]),
}

// 9 cm across holds about 0.5 L, 13 cm 1 L, 17 cm 2 L, 19 cm 3 L.
const P9: Container = Container::Pot("P9", 0.5);
const L1: Container = Container::Pot("1 L", 1.0);
const L2: Container = Container::Pot("2 L", 2.0);
const L3: Container = Container::Pot("3 L", 3.0);
const L5: Container = Container::Pot("5 L", 5.0);
const L10: Container = Container::Pot("10 L", 10.0);
const L15: Container = Container::Pot("15 L", 15.0);
const T32: Container = Container::Tray("Tray 32", 32);
const T38: Container = Container::Tray("Tray 38", 38);
const T84: Container = Container::Tray("Tray 84", 84);
const T105: Container = Container::Tray("Tray 105", 105);
const T144: Container = Container::Tray("Tray 144", 144);
const ROOT_BALL: Container =
    Container::Ground("Root ball", &["8-10", "10-12", "12-14", "14-16", "125-150", "150-175"]);
const BARE_ROOT: Container =
    Container::Ground("Bare root", &["40-60", "60-80", "80-100", "100-125"]);
const CRATE: Container = Container::Crate(&["6/7", "7/8", "8/10", "10/12", "12/14", "14/16"]);

/// In what a lot is counted: the unit, its median and what numbers are rounded to at the start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Count {
    pub(super) unit: Unit,
    pub(super) median: i64,
    pub(super) step: i64,
}

const fn count(unit: Unit, median: i64, step: i64) -> Count {
    Count { unit, median, step }
}

/// One way of producing stock.
#[derive(Debug)]
pub(super) struct Programme {
    pub(super) kind: EntityType,
    groups: &'static [Group],
    starts: &'static [Start],
    /// Share of all lots started, in thousandths.
    pub(super) share: u32,
    /// When lots are started, January to December.
    pub(super) season: [u32; 12],
    /// Weeks from start to ready: soonest and latest.
    pub(super) weeks: (i64, i64),
    /// Weeks from ready until the last is sold: soonest and latest.
    pub(super) sells: (i64, i64),
    /// How many in a hundred come from a supplier, not from the nursery's own stock.
    pub(super) bought: u64,
    pub(super) containers: &'static [(Container, u32)],
    pub(super) counts: &'static [(Count, u32)],
    /// Where it makes roots, where it grows, where it waits to be sold.
    pub(super) places: [&'static [(Place, u32)]; 3],
}

impl Programme {
    pub(super) fn takes(&self, taxon: &Taxon) -> bool {
        self.groups.contains(&taxon.group) && self.starts.contains(&taxon.start)
    }
}

use EntityType::{BoughtIn, ContainerPlant, Cutting, FieldStock, Graft, Seed, YoungPlant};
use Place::{Field, Glass, Ground, Store, Tunnel};
use Unit::{Bundle, Gram, Piece, Plant, Tray};

const HERBACEOUS: &[Group] = &[Group::Perennial, Group::Grass];
const WOODY: &[Group] = &[Group::Shrub, Group::Climber, Group::Conifer, Group::Tree];
const ANY: &[Start] = &[Start::Seed, Start::Cutting, Start::Graft, Start::Plug];
const UNDER_GLASS: &[(Place, u32)] = &[(Glass, 9), (Tunnel, 1)];
const OUTDOORS: &[(Place, u32)] = &[(Ground, 8), (Tunnel, 2)];
const IN_FIELDS: &[(Place, u32)] = &[(Field, 1)];
const MIXED: &[(Place, u32)] = &[(Glass, 3), (Tunnel, 5), (Ground, 2)];

/// Every way of producing, with shares that add up to 1,000.
#[rustfmt::skip]
pub(super) const PROGRAMMES: &[Programme] = &[
    // Bedding plugs from seed.
    Programme {
        kind: Seed, groups: &[Group::Bedding], starts: &[Start::Seed], share: 90,
        season: [18, 22, 16, 8, 4, 5, 8, 6, 2, 1, 2, 8], weeks: (4, 8), sells: (1, 8), bought: 60,
        containers: &[(T84, 2), (T105, 3), (T144, 5)],
        counts: &[(count(Plant, 4_200, 144), 6), (count(Tray, 40, 1), 3), (count(Gram, 25, 5), 1)],
        places: [&[(Glass, 1)], UNDER_GLASS, UNDER_GLASS],
    },
    // Bedding and patio pots.
    Programme {
        kind: ContainerPlant, groups: &[Group::Bedding], starts: ANY, share: 110,
        season: [6, 16, 26, 18, 6, 3, 6, 8, 6, 3, 1, 1], weeks: (5, 10), sells: (1, 8), bought: 8,
        containers: &[(P9, 6), (L1, 3), (L2, 1)],
        counts: &[(count(Plant, 1_400, 20), 4), (count(Tray, 90, 1), 1)],
        places: [UNDER_GLASS, UNDER_GLASS, &[(Glass, 4), (Tunnel, 4), (Ground, 2)]],
    },
    // Soft cuttings of bedding and perennials.
    Programme {
        kind: Cutting, groups: &[Group::Bedding, Group::Perennial], starts: &[Start::Cutting], share: 90,
        season: [14, 18, 14, 10, 8, 8, 8, 7, 5, 2, 2, 4], weeks: (5, 9), sells: (1, 10), bought: 25,
        containers: &[(T84, 3), (T105, 5), (T144, 2)],
        counts: &[(count(Plant, 3_150, 105), 3), (count(Tray, 30, 1), 1)],
        places: [UNDER_GLASS, UNDER_GLASS, &[(Glass, 6), (Tunnel, 4)]],
    },
    // Perennials and grasses from seed.
    Programme {
        kind: Seed, groups: HERBACEOUS, starts: &[Start::Seed], share: 60,
        season: [8, 14, 14, 10, 8, 10, 14, 10, 6, 2, 2, 2], weeks: (6, 10), sells: (2, 14), bought: 60,
        containers: &[(T84, 4), (T105, 4), (T144, 2)],
        counts: &[(count(Plant, 2_100, 105), 6), (count(Tray, 25, 1), 3), (count(Gram, 15, 5), 1)],
        places: [UNDER_GLASS, UNDER_GLASS, &[(Glass, 4), (Tunnel, 6)]],
    },
    // Perennial plugs from tissue culture or division, to be potted on or sold as liners.
    Programme {
        kind: YoungPlant, groups: HERBACEOUS, starts: &[Start::Plug], share: 80,
        season: [10, 14, 14, 10, 6, 6, 8, 12, 12, 4, 2, 2], weeks: (4, 9), sells: (2, 14), bought: 100,
        containers: &[(T32, 4), (T38, 4), (T84, 2)],
        counts: &[(count(Plant, 1_520, 38), 3), (count(Tray, 36, 1), 1)],
        places: [UNDER_GLASS, &[(Glass, 5), (Tunnel, 5)], &[(Glass, 3), (Tunnel, 7)]],
    },
    // Perennials in small pots.
    Programme {
        kind: ContainerPlant, groups: HERBACEOUS, starts: ANY, share: 150,
        season: [3, 10, 18, 16, 10, 8, 8, 10, 10, 4, 2, 1], weeks: (8, 12), sells: (3, 20), bought: 8,
        containers: &[(P9, 6), (L1, 4)],
        counts: &[(count(Plant, 900, 10), 5), (count(Tray, 60, 1), 1)],
        places: [MIXED, MIXED, OUTDOORS],
    },
    // Perennials in sales pots.
    Programme {
        kind: ContainerPlant, groups: HERBACEOUS, starts: ANY, share: 90,
        season: [2, 8, 18, 18, 10, 8, 6, 10, 12, 5, 2, 1], weeks: (9, 24), sells: (4, 26), bought: 8,
        containers: &[(L1, 2), (L2, 6), (L3, 3)],
        counts: &[(count(Plant, 480, 10), 1)],
        places: [MIXED, &[(Tunnel, 5), (Ground, 5)], OUTDOORS],
    },
    // Cuttings of shrubs, climbers and conifers: softwood in summer, hardwood in winter.
    Programme {
        kind: Cutting, groups: WOODY, starts: &[Start::Cutting], share: 70,
        season: [7, 6, 4, 3, 6, 14, 18, 16, 12, 6, 4, 4], weeks: (26, 52), sells: (4, 30), bought: 25,
        containers: &[(T32, 3), (T84, 3), (T105, 3), (P9, 3)],
        counts: &[(count(Plant, 2_520, 84), 4), (count(Tray, 40, 1), 1)],
        places: [UNDER_GLASS, &[(Glass, 4), (Tunnel, 6)], &[(Tunnel, 7), (Ground, 3)]],
    },
    // Trees, hedging and conifers from seed.
    Programme {
        kind: Seed, groups: WOODY, starts: &[Start::Seed], share: 15,
        season: [4, 10, 22, 24, 8, 2, 1, 2, 8, 10, 6, 3], weeks: (30, 56), sells: (6, 40), bought: 60,
        containers: &[(T32, 3), (T38, 3), (T84, 2)],
        counts: &[(count(Plant, 3_200, 32), 6), (count(Tray, 60, 1), 2), (count(Gram, 500, 50), 2)],
        places: [&[(Glass, 5), (Tunnel, 5)], &[(Tunnel, 7), (Ground, 3)], &[(Tunnel, 5), (Ground, 5)]],
    },
    // Shrubs, climbers and conifers in sales pots.
    Programme {
        kind: ContainerPlant, groups: &[Group::Shrub, Group::Climber, Group::Conifer], starts: ANY, share: 100,
        season: [4, 10, 16, 16, 10, 8, 6, 8, 10, 7, 3, 2], weeks: (44, 90), sells: (6, 40), bought: 8,
        containers: &[(L2, 4), (L3, 5), (L5, 2)],
        counts: &[(count(Plant, 360, 10), 1)],
        places: [&[(Tunnel, 7), (Glass, 3)], OUTDOORS, OUTDOORS],
    },
    // Specimens.
    Programme {
        kind: ContainerPlant, groups: WOODY, starts: &[Start::Cutting, Start::Graft, Start::Seed], share: 30,
        season: [8, 14, 18, 12, 6, 4, 3, 5, 8, 10, 8, 4], weeks: (52, 104), sells: (10, 52), bought: 8,
        containers: &[(L5, 2), (L10, 5), (L15, 3)],
        counts: &[(count(Plant, 70, 5), 1)],
        places: [OUTDOORS, &[(Ground, 1)], &[(Ground, 1)]],
    },
    // Grafts: on the bench in winter, budding in summer.
    Programme {
        kind: Graft, groups: WOODY, starts: &[Start::Graft], share: 25,
        season: [22, 24, 14, 4, 1, 2, 8, 16, 4, 1, 1, 3], weeks: (40, 72), sells: (8, 40), bought: 15,
        containers: &[(P9, 5), (L2, 3), (L3, 2)],
        counts: &[(count(Plant, 180, 10), 1)],
        places: [&[(Glass, 1)], &[(Glass, 4), (Tunnel, 6)], OUTDOORS],
    },
    // Trees in open ground.
    Programme {
        kind: FieldStock, groups: &[Group::Tree, Group::Conifer], starts: &[Start::Seed, Start::Graft, Start::Cutting], share: 15,
        season: [8, 14, 22, 10, 1, 1, 1, 1, 2, 10, 18, 12], weeks: (78, 120), sells: (8, 60), bought: 10,
        containers: &[(ROOT_BALL, 1)],
        counts: &[(count(Plant, 40, 5), 1)],
        places: [IN_FIELDS, IN_FIELDS, IN_FIELDS],
    },
    // Hedging, lifted bare root in bundles.
    Programme {
        kind: FieldStock, groups: WOODY, starts: &[Start::Seed], share: 15,
        season: [6, 12, 24, 16, 2, 1, 1, 1, 4, 10, 14, 9], weeks: (52, 100), sells: (6, 40), bought: 10,
        containers: &[(BARE_ROOT, 1)],
        counts: &[(count(Bundle, 160, 10), 4), (count(Plant, 4_000, 25), 1)],
        places: [IN_FIELDS, IN_FIELDS, IN_FIELDS],
    },
    // Bulbs, cooled and then grown on.
    Programme {
        kind: EntityType::Bulb, groups: &[Group::Bulb], starts: &[Start::Bulb], share: 30,
        season: [3, 4, 6, 3, 1, 1, 2, 10, 26, 24, 14, 6], weeks: (10, 22), sells: (1, 8), bought: 100,
        containers: &[(CRATE, 5), (P9, 3), (L1, 2)],
        counts: &[(count(Piece, 5_000, 250), 1)],
        places: [&[(Store, 6), (Glass, 2), (Ground, 2)], &[(Glass, 6), (Tunnel, 4)], &[(Glass, 4), (Tunnel, 4), (Ground, 2)]],
    },
    // Finished plants bought to fill the range.
    Programme {
        kind: BoughtIn, groups: &[Group::Shrub, Group::Climber, Group::Conifer, Group::Tree, Group::Perennial, Group::Grass], starts: ANY, share: 30,
        season: [3, 8, 18, 22, 16, 6, 3, 4, 10, 6, 3, 1], weeks: (0, 3), sells: (1, 20), bought: 100,
        containers: &[(P9, 2), (L1, 1), (L2, 4), (L3, 4), (L5, 2), (L10, 1)],
        counts: &[(count(Plant, 180, 5), 1)],
        places: [&[(Store, 3), (Ground, 7)], OUTDOORS, &[(Ground, 8), (Tunnel, 1), (Store, 1)]],
    },
];

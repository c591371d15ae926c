//! The nursery's places: seven sites with glass, tunnels, open ground and stores.

use super::DemoLocation;
use super::dice::{Dice, Ranked};
use vivero_core::location::LocationKind;

/// What a place offers to plants. Container ground and open field are both fields to vivero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Glass,
    Tunnel,
    Ground,
    Field,
    Store,
}

impl Place {
    pub(super) const ALL: [Self; 5] =
        [Self::Glass, Self::Tunnel, Self::Ground, Self::Field, Self::Store];
}

struct Site {
    code: char,
    name: &'static str,
    /// Beds in each house, tunnel or piece of land.
    glass: &'static [u32],
    tunnels: &'static [u32],
    ground: &'static [u32],
    fields: &'static [u32],
}

#[rustfmt::skip]
const SITES: [Site; 7] = [
    Site { code: 'N', name: "North Nursery", glass: &[16, 16, 14, 12], tunnels: &[8, 8, 8], ground: &[12, 12, 10], fields: &[4] },
    Site { code: 'R', name: "Riverside", glass: &[20, 18, 16], tunnels: &[8, 8, 8, 8], ground: &[16, 14], fields: &[4] },
    Site { code: 'O', name: "Old Orchard", glass: &[10, 8], tunnels: &[10, 10, 8, 8], ground: &[18, 16, 12], fields: &[10, 8] },
    Site { code: 'H', name: "Hill Top", glass: &[8], tunnels: &[6, 6, 6], ground: &[14, 12], fields: &[14, 14, 12, 12, 10, 8] },
    Site { code: 'M', name: "Mill Lane", glass: &[24, 24, 20, 18], tunnels: &[8, 8], ground: &[10, 8], fields: &[] },
    Site { code: 'W', name: "West Meadow", glass: &[6], tunnels: &[10, 10, 10, 10, 8], ground: &[20, 18, 14], fields: &[8, 6] },
    Site { code: 'E', name: "East Field", glass: &[6], tunnels: &[6, 6], ground: &[12, 10], fields: &[18, 16, 14, 12, 10, 8] },
];

/// What a row of houses (tunnels, fields …) is like.
struct Range {
    place: Place,
    kind: LocationKind,
    letter: char,
    name: &'static str,
    /// What one of its parts is called.
    part: &'static str,
    /// Smallest and largest bed, m².
    bed_m2: (i64, i64),
}

const GLASS: Range = Range {
    place: Place::Glass,
    kind: LocationKind::Greenhouse,
    letter: 'G',
    name: "Greenhouse",
    part: "Bench",
    bed_m2: (40, 140),
};
const TUNNEL: Range = Range {
    place: Place::Tunnel,
    kind: LocationKind::Tunnel,
    letter: 'T',
    name: "Tunnel",
    part: "Bed",
    bed_m2: (50, 110),
};
const GROUND: Range = Range {
    place: Place::Ground,
    kind: LocationKind::Field,
    letter: 'C',
    name: "Container Ground",
    part: "Bed",
    bed_m2: (180, 520),
};
const FIELD: Range = Range {
    place: Place::Field,
    kind: LocationKind::Field,
    letter: 'F',
    name: "Field",
    part: "Block",
    bed_m2: (1_500, 6_500),
};

/// The tree of places, and what each offers to plants: `None` where none stand directly.
#[derive(Debug)]
pub(super) struct Sites {
    pub(super) locations: Vec<DemoLocation>,
    places: Vec<Option<Place>>,
}

impl Sites {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed, 1);
        let mut sites = Self { locations: Vec::with_capacity(1_000), places: Vec::new() };
        for site in &SITES {
            let top =
                sites.add(site.code.to_string(), site.name.to_owned(), LocationKind::Site, None);
            for (range, sizes) in [
                (GLASS, site.glass),
                (TUNNEL, site.tunnels),
                (GROUND, site.ground),
                (FIELD, site.fields),
            ] {
                for (number, beds) in (1..).zip(sizes) {
                    sites.house(&range, top, number, *beds, &mut dice);
                }
            }
            for (number, name) in [(1, "Cold Store"), (2, "Packing Hall")] {
                let code = format!("{}-S{number:02}", site.code);
                let store = sites.add(code, name.to_owned(), LocationKind::Store, Some(top));
                sites.places[store] = Some(Place::Store);
                sites.locations[store].area_dm2 = Some(dice.between(12, 60) * 1_000);
            }
            sites.enclose(top, 130);
        }
        sites
    }

    fn house(&mut self, range: &Range, site: usize, number: u32, beds: u32, dice: &mut Dice) {
        let code = format!("{}-{}{number:02}", self.locations[site].code, range.letter);
        let house = self.add(code, format!("{} {number}", range.name), range.kind, Some(site));
        for bed in 1..=beds {
            let code = format!("{}-B{bed:02}", self.locations[house].code);
            let name = format!("{}, {} {bed}", self.locations[house].name, range.part);
            let bed = self.add(code, name, LocationKind::Bed, Some(house));
            self.places[bed] = Some(range.place);
            let (low, high) = range.bed_m2;
            self.locations[bed].area_dm2 = Some(dice.between(low / 10, high / 10) * 1_000);
        }
        self.enclose(house, 115);
    }

    fn add(
        &mut self,
        code: String,
        name: String,
        kind: LocationKind,
        parent: Option<usize>,
    ) -> usize {
        self.locations.push(DemoLocation { code, name, kind, parent, area_dm2: None });
        self.places.push(None);
        self.locations.len() - 1
    }

    /// A place is as large as what lies in it, with `percent` − 100 for paths.
    fn enclose(&mut self, place: usize, percent: i64) {
        let parts = self.locations.iter().filter(|l| l.parent == Some(place));
        let area: i64 = parts.filter_map(|l| l.area_dm2).sum();
        self.locations[place].area_dm2 = Some(area * percent / 100);
    }

    /// The spots that offer `place`, the nursery's favourites first.
    pub(super) fn spots(&self, place: Place, dice: &mut Dice) -> Ranked<usize> {
        let mut spots: Vec<usize> =
            (0..self.places.len()).filter(|i| self.places[*i] == Some(place)).collect();
        dice.shuffle(&mut spots);
        Ranked::new(spots, 12)
    }

    /// The letter of the site a location lies on.
    pub(super) fn letter(&self, location: usize) -> char {
        self.locations[location].code.chars().next().unwrap_or('N')
    }
}

//! Believable data of a large container nursery, for trying vivero out and for measuring it.
//!
//! Everything follows from a seed, a number of records and a day: the same three give the same data
//! on every machine. Nothing is kept in memory but the day being written, so millions of records
//! cost no more than a thousand.

mod calendar;
mod dice;
mod labels;
mod life;
mod programmes;
mod sites;
mod stream;
mod taxa;
#[cfg(test)]
mod tests;

use chrono::{DateTime, NaiveDate, Utc};
use vivero_core::entity::{NewEntity, Status};
use vivero_core::location::LocationKind;

/// What to make: the whole of the demo data follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoPlan {
    /// Where chance begins.
    pub seed: u64,
    /// How many entities.
    pub records: u64,
    /// The day on which the nursery is seen; everything was created before it.
    pub today: NaiveDate,
}

/// A place of the demo nursery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoLocation {
    /// Short name, unique: `N-G03-B12` is bench 12 in greenhouse 3 of site N.
    pub code: String,
    /// Name.
    pub name: String,
    /// What kind of place it is.
    pub kind: LocationKind,
    /// Position of the place it lies in, in the same list and before it.
    pub parent: Option<usize>,
    /// Area in square decimetres.
    pub area_dm2: Option<i64>,
}

/// A lot of the demo nursery as it is today.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoEntity {
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// Position of the place where it stands, in the list of locations.
    pub location: Option<usize>,
    /// Where it is in its life.
    pub status: Status,
    /// What a hold would be released to; given exactly when it is on hold.
    pub held_from: Option<Status>,
    /// Everything else, with the stage it has today and without a location id.
    pub new: NewEntity,
}

impl DemoPlan {
    /// A nursery of `records` entities as it is on the morning of `today`.
    #[must_use]
    pub const fn new(seed: u64, records: u64, today: NaiveDate) -> Self {
        Self { seed, records, today }
    }

    /// Seven sites with what lies on them, parents before children. The places are the same for
    /// every plan; their areas follow from the seed.
    #[must_use]
    pub fn locations(&self) -> Vec<DemoLocation> {
        sites::Sites::new(self.seed).locations
    }

    /// The lots in the order in which they were registered, over the last five years.
    #[must_use]
    pub fn entities(&self) -> impl ExactSizeIterator<Item = DemoEntity> + Send + use<> {
        stream::Stream::new(*self)
    }
}

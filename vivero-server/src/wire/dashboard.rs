//! The dashboard on the wire.

use poem_openapi::Object;
use serde::Serialize;
use std::collections::BTreeMap;
use uuid::Uuid;
use vivero_core::service::Dashboard;

/// Most places named in [`EntityFigures::by_location`].
const TOP_LOCATIONS: usize = 20;

/// How many entities stand at one place.
#[derive(Debug, Serialize, Object)]
pub(crate) struct LocationCount {
    /// The place.
    pub(crate) location_id: Uuid,
    /// Entities there.
    pub(crate) count: i64,
}

/// Figures of the stock.
#[derive(Debug, Serialize, Object)]
pub(crate) struct EntityFigures {
    /// Entities.
    pub(crate) total: i64,
    /// The sum of their quantities.
    pub(crate) quantity: i64,
    /// Entities by status.
    pub(crate) by_status: BTreeMap<String, i64>,
    /// Entities by type.
    pub(crate) by_type: BTreeMap<String, i64>,
    /// Entities by stage.
    pub(crate) by_stage: BTreeMap<String, i64>,
    /// The twenty places with most entities, most first.
    pub(crate) by_location: Vec<LocationCount>,
}

/// Figures of the places.
#[derive(Debug, Serialize, Object)]
pub(crate) struct LocationFigures {
    /// Places.
    pub(crate) total: i64,
    /// Places by kind.
    pub(crate) by_kind: BTreeMap<String, i64>,
}

/// Figures of the people.
#[derive(Debug, Serialize, Object)]
pub(crate) struct UserFigures {
    /// People.
    pub(crate) total: i64,
    /// People who may sign in.
    pub(crate) active: i64,
}

/// The figures of the start page, as of one position of the journal.
#[derive(Debug, Serialize, Object)]
pub(crate) struct DashboardOut {
    /// The position.
    pub(crate) position: u64,
    /// Stock.
    pub(crate) entities: EntityFigures,
    /// Places.
    pub(crate) locations: LocationFigures,
    /// People.
    pub(crate) users: UserFigures,
}

impl From<&Dashboard> for DashboardOut {
    fn from(board: &Dashboard) -> Self {
        let by = |resource: &str, field: &str| {
            board.by(resource, field).into_iter().map(|(value, n)| (value.to_owned(), n)).collect()
        };
        let places = board.by("entity", "location_id").into_iter();
        let by_location = places
            .filter_map(|(id, count)| Some(LocationCount { location_id: id.parse().ok()?, count }))
            .take(TOP_LOCATIONS)
            .collect();
        Self {
            position: board.position(),
            entities: EntityFigures {
                total: board.total("entity"),
                quantity: board.sum("entity", "quantity"),
                by_status: by("entity", "status"),
                by_type: by("entity", "kind"),
                by_stage: by("entity", "stage"),
                by_location,
            },
            locations: LocationFigures {
                total: board.total("location"),
                by_kind: by("location", "kind"),
            },
            users: UserFigures { total: board.total("user"), active: board.active_users() },
        }
    }
}

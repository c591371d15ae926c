//! Places where stock stands. They form a tree: site → greenhouse, tunnel or field → bed.

use crate::Record;
use crate::error::{Check, Error, Result};
use crate::ids::LocationId;
use crate::record::Stored;
use crate::text_enum;

/// Most levels a tree of locations can have.
pub const MAX_DEPTH: usize = 8;

text_enum! {
    /// What kind of place a location is.
    pub enum LocationKind {
        /// Premises of their own; only at the top.
        Site = "site",
        /// Heated or cold glass.
        Greenhouse = "greenhouse",
        /// Film tunnel.
        Tunnel = "tunnel",
        /// Open ground.
        Field = "field",
        /// Part of one of these.
        Bed = "bed",
        /// Cold store, packing hall and the like.
        Store = "store",
    }
}

impl LocationKind {
    /// Whether a place of this kind may lie directly in `parent` (`None`: at the top).
    #[must_use]
    pub fn fits_in(self, parent: Option<Self>) -> bool {
        match (self, parent) {
            (Self::Site, parent) => parent.is_none(),
            (_, None | Some(Self::Bed | Self::Store)) => {
                self == Self::Bed && parent == Some(Self::Bed)
            }
            (Self::Bed, Some(Self::Site | Self::Greenhouse | Self::Tunnel | Self::Field)) => true,
            (_, Some(Self::Site)) => true,
            (_, Some(Self::Greenhouse | Self::Tunnel | Self::Field)) => false,
        }
    }
}

/// A place where stock stands.
#[derive(Debug, Clone, PartialEq, Eq, Record)]
#[record(table = "locations", resource = "location", location = "id", validate = validate)]
pub struct Location {
    /// Identity.
    pub id: LocationId,
    /// The place it lies in; none for a site.
    #[record(filter)]
    pub parent_id: Option<LocationId>,
    /// What kind of place it is.
    #[record(filter, count, max = 16)]
    pub kind: LocationKind,
    /// Short name, unique in the tenant, 1 to 64 characters.
    #[record(unique, sort, search, max = 64)]
    pub code: String,
    /// Name, 1 to 200 characters.
    #[record(sort, search, max = 200)]
    pub name: String,
    /// Area in square decimetres (1 m² = 100); 0 to 10¹².
    pub area_dm2: Option<i64>,
    /// Ids from the top down to this one, each followed by `/`. Kept by vivero.
    #[record(sort, command, max = 320)]
    pub path: String,
}

/// A location with its version and dates.
pub type StoredLocation = Stored<Location>;

pub(crate) fn validate(location: &Location, check: &mut Check) {
    check.text("code", &location.code, 1, 64);
    check.text("name", &location.name, 1, 200);
    if let Some(area) = location.area_dm2 {
        check.range("area_dm2", area, 0, 1_000_000_000_000);
    }
}

/// The path of a location below `parent`, after checking that it may lie there.
pub(crate) fn path_below(
    id: LocationId,
    kind: LocationKind,
    parent: Option<&Location>,
) -> Result<String> {
    if !kind.fits_in(parent.map(|p| p.kind)) {
        let place = parent.map_or("at the top", |p| p.kind.as_str());
        let message = format!("a {kind} cannot lie in: {place}");
        return Err(Error::invalid("parent_id", "kind_fits_parent", message));
    }
    let above = parent.map_or("", |p| p.path.as_str());
    if above.matches('/').count() >= MAX_DEPTH {
        return Err(Error::invalid(
            "parent_id",
            "max_depth",
            format!("must be at most {MAX_DEPTH} levels deep"),
        ));
    }
    if above.contains(&id.uuid().simple().to_string()) {
        return Err(Error::invalid(
            "parent_id",
            "no_cycle",
            "must not lie below the location itself",
        ));
    }
    Ok(format!("{above}{}/", id.uuid().simple()))
}

/// A place to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLocation {
    /// See [`Location::parent_id`].
    pub parent_id: Option<LocationId>,
    /// See [`Location::kind`].
    pub kind: LocationKind,
    /// See [`Location::code`].
    pub code: String,
    /// See [`Location::name`].
    pub name: String,
    /// See [`Location::area_dm2`].
    pub area_dm2: Option<i64>,
}

impl NewLocation {
    /// A place of `kind` within `parent`.
    #[must_use]
    pub fn new(
        kind: LocationKind,
        code: impl Into<String>,
        name: impl Into<String>,
        parent: Option<LocationId>,
    ) -> Self {
        Self { parent_id: parent, kind, code: code.into(), name: name.into(), area_dm2: None }
    }
}

/// The fields of a location that an edit may change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocationPatch {
    /// See [`Location::parent_id`]; moves the place with everything below it.
    pub parent_id: Option<Option<LocationId>>,
    /// See [`Location::code`].
    pub code: Option<String>,
    /// See [`Location::name`].
    pub name: Option<String>,
    /// See [`Location::area_dm2`].
    pub area_dm2: Option<Option<i64>>,
}

//! The tracked lot of living stock: many plants of one kind that live, move and are sold together.

pub mod lifecycle;

use crate::error::Check;
use crate::ids::{EntityId, LocationId};
use crate::record::Stored;
use crate::text_enum;
use crate::{JsonText, Record};
use chrono::NaiveDate;
pub use lifecycle::{Stage, Status};
use serde_json::Value as Json;

/// Most bytes of an entity's attributes as JSON.
pub const MAX_ATTRIBUTES_BYTES: usize = 16_384;
/// Deepest nesting of an entity's attributes.
pub const MAX_ATTRIBUTES_DEPTH: usize = 8;
/// Most pieces one entity can have.
pub const MAX_QUANTITY: i64 = 1_000_000_000;

text_enum! {
    /// What kind of stock an entity is.
    pub enum EntityType {
        /// Sown.
        Seed = "seed",
        /// Rooted from a cut shoot.
        Cutting = "cutting",
        /// Scion on rootstock.
        Graft = "graft",
        /// Plug or liner, ready to be potted on.
        YoungPlant = "young_plant",
        /// In its sales container.
        ContainerPlant = "container_plant",
        /// In open ground.
        FieldStock = "field_stock",
        /// Bulb, corm or tuber.
        Bulb = "bulb",
        /// Bought as it is.
        BoughtIn = "bought_in",
    }
}

text_enum! {
    /// What one of an entity's quantity is.
    pub enum Unit {
        /// Single plants.
        Plant = "plant",
        /// Trays of plugs.
        Tray = "tray",
        /// Bundles of bare-root plants.
        Bundle = "bundle",
        /// Seeds or bulbs.
        Piece = "piece",
        /// Grams of seed.
        Gram = "gram",
    }
}

text_enum! {
    /// Quality as graded for sale.
    pub enum Grade {
        /// Extra.
        Extra = "extra",
        /// First.
        First = "first",
        /// Second.
        Second = "second",
        /// Not graded for sale.
        Ungraded = "ungraded",
    }
}

/// A tracked lot of living stock.
#[derive(Debug, Clone, PartialEq, Record)]
#[record(table = "entities", resource = "entity", location = "location_id", facets(status, kind, stage, quality_grade), validate = validate)]
pub struct Entity {
    /// Identity.
    pub id: EntityId,
    /// The grower's own number, unique in the tenant, 1 to 64 characters.
    #[record(unique, sort, search, max = 64)]
    pub code: String,
    /// What it is, usually the botanical name, 1 to 200 characters.
    #[record(sort, search, max = 200)]
    pub name: String,
    /// Kind of stock; `type` on the wire.
    #[record(filter, count, max = 16)]
    pub kind: EntityType,
    /// Where it is in its life. Changed by transitions.
    #[record(filter, count, command, max = 16)]
    pub status: Status,
    /// How far it has grown. Changed by transitions.
    #[record(filter, count, command, max = 16)]
    pub stage: Stage,
    /// The status to go back to when a hold is released.
    #[record(command, max = 16)]
    pub held_from: Option<Status>,
    /// Where it stands. Changed by moves.
    #[record(filter, count, command)]
    pub location_id: Option<LocationId>,
    /// Traceability code, as in part C of a plant passport (EU 2016/2031, Annex VII).
    #[record(filter, search, max = 64)]
    pub batch_number: Option<String>,
    /// The supplier's own number for the lot.
    #[record(max = 128)]
    pub supplier_reference: Option<String>,
    /// How many, in `unit`; 0 to 1,000,000,000. Changed by transitions.
    #[record(sort, sum, command)]
    pub quantity: i64,
    /// What one of `quantity` is.
    #[record(max = 16)]
    pub unit: Unit,
    /// Quality for sale.
    #[record(filter, count, max = 16)]
    pub quality_grade: Grade,
    /// Whatever else the grower keeps: a JSON object of at most 16 KiB, 8 levels deep.
    #[record(search, max = 16384)]
    pub attributes: JsonText,
    /// Day of sowing, sticking, grafting or arrival.
    pub started_on: Option<NaiveDate>,
    /// Day from which it can be sold.
    pub ready_on: Option<NaiveDate>,
}

/// An entity with its version and dates.
pub type StoredEntity = Stored<Entity>;

/// Checks an entity's own fields; called before every write.
pub(crate) fn validate(entity: &Entity, check: &mut Check) {
    check.text("code", &entity.code, 1, 64);
    check.text("name", &entity.name, 1, 200);
    check.optional_text("batch_number", entity.batch_number.as_deref(), 64);
    check.optional_text("supplier_reference", entity.supplier_reference.as_deref(), 128);
    check.range("quantity", entity.quantity, 0, MAX_QUANTITY);
    if !entity.attributes.is_object() {
        check.fail("attributes", "object", "must be an object");
    } else if entity.attributes.as_str().contains(RESERVED) {
        // Who reads the journal or an answer with `serde_json` would find something else than was written.
        check.fail("attributes", "reserved", "must have no field $serde_json::private::RawValue");
    } else if depth(entity.attributes.as_str()) > MAX_ATTRIBUTES_DEPTH {
        check.fail(
            "attributes",
            "max_depth",
            format!("must be at most {MAX_ATTRIBUTES_DEPTH} levels deep"),
        );
    } else if entity.attributes.as_str().len() > MAX_ATTRIBUTES_BYTES {
        check.fail(
            "attributes",
            "max_bytes",
            format!("must be at most {MAX_ATTRIBUTES_BYTES} bytes of JSON"),
        );
    }
    if let (Some(start), Some(ready)) = (entity.started_on, entity.ready_on)
        && ready < start
    {
        check.fail("ready_on", "not_before_started_on", "must not be before started_on");
    }
}

/// A field that `serde_json` takes for something of its own, as it is written.
const RESERVED: &str = "\"$serde_json::private::RawValue\":";

/// Levels of objects and lists in JSON text, however many: reading it into a tree ends at 127.
fn depth(json: &str) -> usize {
    let (mut level, mut deepest) = (0_usize, 0);
    let (mut in_text, mut is_escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_text,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                level += 1;
                deepest = deepest.max(level);
            }
            b'}' | b']' if !in_text => level = level.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A lot to be registered.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntity {
    /// See [`Entity::code`].
    pub code: String,
    /// See [`Entity::name`].
    pub name: String,
    /// See [`Entity::kind`].
    pub kind: EntityType,
    /// See [`Entity::stage`].
    pub stage: Stage,
    /// See [`Entity::location_id`].
    pub location_id: Option<LocationId>,
    /// See [`Entity::batch_number`].
    pub batch_number: Option<String>,
    /// See [`Entity::supplier_reference`].
    pub supplier_reference: Option<String>,
    /// See [`Entity::quantity`].
    pub quantity: i64,
    /// See [`Entity::unit`].
    pub unit: Unit,
    /// See [`Entity::quality_grade`].
    pub quality_grade: Grade,
    /// See [`Entity::attributes`].
    pub attributes: Json,
    /// See [`Entity::started_on`].
    pub started_on: Option<NaiveDate>,
    /// See [`Entity::ready_on`].
    pub ready_on: Option<NaiveDate>,
}

impl NewEntity {
    /// A lot of `quantity` plants with nothing else said of it.
    #[must_use]
    pub fn new(
        code: impl Into<String>,
        name: impl Into<String>,
        kind: EntityType,
        quantity: i64,
    ) -> Self {
        Self {
            code: code.into(),
            name: name.into(),
            kind,
            stage: Stage::Propagation,
            location_id: None,
            batch_number: None,
            supplier_reference: None,
            quantity,
            unit: Unit::Plant,
            quality_grade: Grade::Ungraded,
            attributes: Json::Object(serde_json::Map::new()),
            started_on: None,
            ready_on: None,
        }
    }
    /// Sets where it stands.
    #[must_use]
    pub const fn at(mut self, location: LocationId) -> Self {
        self.location_id = Some(location);
        self
    }

    /// The entity as it is registered, under `id`.
    #[must_use]
    pub fn into_entity(self, id: EntityId) -> Entity {
        Entity {
            id,
            code: self.code.trim().to_owned(),
            name: self.name.trim().to_owned(),
            kind: self.kind,
            status: Status::Registered,
            stage: self.stage,
            held_from: None,
            location_id: self.location_id,
            batch_number: self.batch_number,
            supplier_reference: self.supplier_reference,
            quantity: self.quantity,
            unit: self.unit,
            quality_grade: self.quality_grade,
            attributes: self.attributes.into(),
            started_on: self.started_on,
            ready_on: self.ready_on,
        }
    }
}

/// The fields of an entity that an edit may change. An absent field stays as it is; the inner
/// `None` of a double option clears it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EntityPatch {
    /// See [`Entity::code`].
    pub code: Option<String>,
    /// See [`Entity::name`].
    pub name: Option<String>,
    /// See [`Entity::kind`].
    pub kind: Option<EntityType>,
    /// See [`Entity::batch_number`].
    pub batch_number: Option<Option<String>>,
    /// See [`Entity::supplier_reference`].
    pub supplier_reference: Option<Option<String>>,
    /// See [`Entity::unit`].
    pub unit: Option<Unit>,
    /// See [`Entity::quality_grade`].
    pub quality_grade: Option<Grade>,
    /// See [`Entity::attributes`]; replaces the whole object.
    pub attributes: Option<Json>,
    /// See [`Entity::started_on`].
    pub started_on: Option<Option<NaiveDate>>,
    /// See [`Entity::ready_on`].
    pub ready_on: Option<Option<NaiveDate>>,
}

impl EntityPatch {
    /// Writes the fields that are given onto `entity`.
    pub fn apply(self, entity: &mut Entity) {
        fn set<T>(field: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *field = value;
            }
        }
        set(&mut entity.code, self.code.map(|c| c.trim().to_owned()));
        set(&mut entity.name, self.name.map(|n| n.trim().to_owned()));
        set(&mut entity.kind, self.kind);
        set(&mut entity.batch_number, self.batch_number);
        set(&mut entity.supplier_reference, self.supplier_reference);
        set(&mut entity.unit, self.unit);
        set(&mut entity.quality_grade, self.quality_grade);
        set(&mut entity.attributes, self.attributes.map(JsonText::from));
        set(&mut entity.started_on, self.started_on);
        set(&mut entity.ready_on, self.ready_on);
    }
}

/// A step in an entity's life: any of status, stage and quantity, with the reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transition {
    /// Status to go to; see [`lifecycle::TRANSITIONS`].
    pub status: Option<Status>,
    /// Stage to go to; back to an earlier one only with a reason.
    pub stage: Option<Stage>,
    /// Pieces gained (+) or lost (−).
    pub quantity_change: Option<i64>,
    /// Why; needed for a hold, a destruction, a step back and a loss. 1 to 500 characters.
    pub reason: Option<String>,
}

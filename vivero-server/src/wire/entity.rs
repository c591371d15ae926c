//! Entities on the wire. The domain's `kind` is `type` here.

use super::schema::{describe, inline};
use super::stamp::Day;
use super::{Change, Stamp, Word, page_type, present};
use poem_openapi::Object;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use uuid::Uuid;
use vivero_core::entity::{
    EntityPatch as CorePatch, EntityType, Grade, NewEntity, Stage, Status, StoredEntity,
    Transition, Unit,
};
use vivero_core::json_text::Tree;
use vivero_core::{JsonText, LocationId};

/// A JSON object with whatever fields the grower wants.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct Attributes(pub(crate) Map<String, Json>);

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = BTreeMap::<String, Tree>::deserialize(deserializer)?;
        Ok(Self(all.into_iter().map(|(name, Tree(value))| (name, value)).collect()))
    }
}

describe!(
    [] Attributes, true, Attributes, "object".into(), any_object(), |_| (), |v| Some(v)
);

fn any_object() -> MetaSchemaRef {
    inline(MetaSchema {
        additional_properties: Some(Box::new(inline(MetaSchema::ANY))),
        ..MetaSchema::new("object")
    })
}

/// The same on the way out, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct AttributesOut(JsonText);

describe!(
    [] AttributesOut, true, AttributesOut, "object".into(), any_object(), |_| (), |v| Some(v)
);

impl From<JsonText> for AttributesOut {
    fn from(attributes: JsonText) -> Self {
        Self(if attributes.is_object() { attributes } else { JsonText::default() })
    }
}

/// A tracked lot of living stock.
#[derive(Debug, Serialize, Object)]
pub(crate) struct EntityOut {
    /// Identity.
    pub(crate) id: Uuid,
    /// The grower's own number, unique in the tenant.
    pub(crate) code: String,
    /// What it is, usually the botanical name.
    pub(crate) name: String,
    /// Kind of stock.
    pub(crate) r#type: Word<EntityType>,
    /// Where it is in its life.
    pub(crate) status: Word<Status>,
    /// How far it has grown.
    pub(crate) stage: Word<Stage>,
    /// The status to go back to when a hold is released.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) held_from: Option<Word<Status>>,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) location_id: Option<Uuid>,
    /// Traceability code, as in part C of a plant passport.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) batch_number: Option<String>,
    /// The supplier's own number for the lot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) supplier_reference: Option<String>,
    /// How many, in `unit`.
    pub(crate) quantity: i64,
    /// What one of `quantity` is.
    pub(crate) unit: Word<Unit>,
    /// Quality for sale.
    pub(crate) quality_grade: Word<Grade>,
    /// Whatever else the grower keeps.
    pub(crate) attributes: AttributesOut,
    /// Day of sowing, sticking, grafting or arrival.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) started_on: Option<Day>,
    /// Day from which it can be sold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) ready_on: Option<Day>,
    /// Grows with each change; also in `ETag`.
    pub(crate) version: i64,
    /// When it was registered.
    pub(crate) created_at: Stamp,
    /// Who registered it; the nil UUID if no person did.
    pub(crate) created_by: Uuid,
    /// When it was last changed.
    pub(crate) updated_at: Stamp,
    /// Who last changed it; the nil UUID if no person did.
    pub(crate) updated_by: Uuid,
    /// When it was deleted, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(crate) deleted_at: Option<Stamp>,
}

impl From<StoredEntity> for EntityOut {
    fn from(stored: StoredEntity) -> Self {
        let e = stored.record;
        Self {
            id: e.id.uuid(),
            code: e.code,
            name: e.name,
            r#type: Word(e.kind),
            status: Word(e.status),
            stage: Word(e.stage),
            held_from: e.held_from.map(Word),
            location_id: e.location_id.map(Into::into),
            batch_number: e.batch_number,
            supplier_reference: e.supplier_reference,
            quantity: e.quantity,
            unit: Word(e.unit),
            quality_grade: Word(e.quality_grade),
            attributes: e.attributes.into(),
            started_on: e.started_on.map(Day),
            ready_on: e.ready_on.map(Day),
            version: stored.version,
            created_at: Stamp(stored.created_at),
            created_by: stored.created_by,
            updated_at: Stamp(stored.updated_at),
            updated_by: stored.updated_by,
            deleted_at: stored.deleted_at.map(Stamp),
        }
    }
}

page_type! {
    /// One page of entities.
    EntityList of EntityOut, from StoredEntity
}

/// An entity to be registered.
#[derive(Debug, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntityIn {
    /// The grower's own number, unique in the tenant.
    #[oai(validator(min_length = 1, max_length = 64))]
    pub(crate) code: String,
    /// What it is, usually the botanical name.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub(crate) name: String,
    /// Kind of stock.
    pub(crate) r#type: Word<EntityType>,
    /// How many, in `unit`.
    #[oai(validator(minimum(value = "0"), maximum(value = "1000000000")))]
    pub(crate) quantity: i64,
    /// How far it has grown; `propagation` if absent.
    #[serde(default, deserialize_with = "present")]
    pub(crate) stage: Option<Word<Stage>>,
    /// Where it stands.
    #[oai(nullable)]
    pub(crate) location_id: Option<Uuid>,
    /// Traceability code, as in part C of a plant passport.
    #[oai(nullable, validator(min_length = 1, max_length = 64))]
    pub(crate) batch_number: Option<String>,
    /// The supplier's own number for the lot.
    #[oai(nullable, validator(min_length = 1, max_length = 128))]
    pub(crate) supplier_reference: Option<String>,
    /// What one of `quantity` is; `plant` if absent.
    #[serde(default, deserialize_with = "present")]
    pub(crate) unit: Option<Word<Unit>>,
    /// Quality for sale; `ungraded` if absent.
    #[serde(default, deserialize_with = "present")]
    pub(crate) quality_grade: Option<Word<Grade>>,
    /// Whatever else the grower keeps: at most 16 KiB of JSON, 8 levels deep.
    #[serde(default, deserialize_with = "present")]
    pub(crate) attributes: Option<Attributes>,
    /// Day of sowing, sticking, grafting or arrival.
    #[oai(nullable)]
    pub(crate) started_on: Option<Day>,
    /// Day from which it can be sold; not before `started_on`.
    #[oai(nullable)]
    pub(crate) ready_on: Option<Day>,
}

impl From<EntityIn> for NewEntity {
    fn from(body: EntityIn) -> Self {
        let mut new = Self::new(body.code, body.name, body.r#type.0, body.quantity);
        new.location_id = body.location_id.map(LocationId::from_uuid);
        new.batch_number = body.batch_number;
        new.supplier_reference = body.supplier_reference;
        new.started_on = body.started_on.map(|day| day.0);
        new.ready_on = body.ready_on.map(|day| day.0);
        if let Some(Word(stage)) = body.stage {
            new.stage = stage;
        }
        if let Some(Word(unit)) = body.unit {
            new.unit = unit;
        }
        if let Some(Word(grade)) = body.quality_grade {
            new.quality_grade = grade;
        }
        if let Some(Attributes(map)) = body.attributes {
            new.attributes = Json::Object(map);
        }
        new
    }
}

/// Edits of an entity. Absent fields stay; null clears. Status, stage and quantity change by
/// transitions, the place by moves.
#[derive(Debug, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntityPatch {
    /// The grower's own number, unique in the tenant.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(min_length = 1, max_length = 64))]
    pub(crate) code: Option<String>,
    /// What it is, usually the botanical name.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(min_length = 1, max_length = 200))]
    pub(crate) name: Option<String>,
    /// Kind of stock.
    #[serde(default, deserialize_with = "present")]
    pub(crate) r#type: Option<Word<EntityType>>,
    /// Traceability code.
    #[serde(default)]
    #[oai(validator(min_length = 1, max_length = 64))]
    pub(crate) batch_number: Change<String>,
    /// The supplier's own number for the lot.
    #[serde(default)]
    #[oai(validator(min_length = 1, max_length = 128))]
    pub(crate) supplier_reference: Change<String>,
    /// What one of `quantity` is.
    #[serde(default, deserialize_with = "present")]
    pub(crate) unit: Option<Word<Unit>>,
    /// Quality for sale.
    #[serde(default, deserialize_with = "present")]
    pub(crate) quality_grade: Option<Word<Grade>>,
    /// Replaces all attributes: at most 16 KiB of JSON, 8 levels deep.
    #[serde(default, deserialize_with = "present")]
    pub(crate) attributes: Option<Attributes>,
    /// Day of sowing, sticking, grafting or arrival.
    #[serde(default)]
    pub(crate) started_on: Change<Day>,
    /// Day from which it can be sold; not before `started_on`.
    #[serde(default)]
    pub(crate) ready_on: Change<Day>,
}

impl From<EntityPatch> for CorePatch {
    fn from(body: EntityPatch) -> Self {
        Self {
            code: body.code,
            name: body.name,
            kind: body.r#type.map(|w| w.0),
            batch_number: body.batch_number.0,
            supplier_reference: body.supplier_reference.0,
            unit: body.unit.map(|w| w.0),
            quality_grade: body.quality_grade.map(|w| w.0),
            attributes: body.attributes.map(|a| Json::Object(a.0)),
            started_on: body.started_on.0.map(|day| day.map(|day| day.0)),
            ready_on: body.ready_on.0.map(|day| day.map(|day| day.0)),
        }
    }
}

/// A step in an entity's life: any of status, stage and quantity, with the reason.
#[derive(Debug, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransitionIn {
    /// Status to go to.
    #[serde(default, deserialize_with = "present")]
    pub(crate) status: Option<Word<Status>>,
    /// Stage to go to; back to an earlier one only with a reason.
    #[serde(default, deserialize_with = "present")]
    pub(crate) stage: Option<Word<Stage>>,
    /// Pieces gained (+) or lost (−).
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(minimum(value = "-1000000000"), maximum(value = "1000000000")))]
    pub(crate) quantity_change: Option<i64>,
    /// Why; needed for a hold, a destruction, a step back and a loss.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(min_length = 1, max_length = 500))]
    pub(crate) reason: Option<String>,
}

impl From<TransitionIn> for Transition {
    fn from(body: TransitionIn) -> Self {
        Self {
            status: body.status.map(|w| w.0),
            stage: body.stage.map(|w| w.0),
            quantity_change: body.quantity_change,
            reason: body.reason,
        }
    }
}

/// Where to move an entity.
#[derive(Debug, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoveIn {
    /// The place to go to.
    pub(crate) location_id: Uuid,
}

//! serde's names and the document's are the same.

use super::auth::{InvitationIn, LoginIn, PasswordIn, RefreshIn, TokensOut};
use super::entity::{Attributes, EntityIn, EntityOut, EntityPatch, MoveIn, TransitionIn};
use super::file::{FileOut, FilePatch, LinkIn, LinkOut};
use super::journal::{AuditEntryOut, EventOut};
use super::location::{LocationIn, LocationOut, LocationPatch};
use super::role::{RoleIn, RoleOut, RolePatch};
use super::tenant::{TenantIn, TrialIn};
use super::user::{InvitedOut, UserIn, UserOut, UserPatch};
use chrono::{DateTime, NaiveDate};
use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use vivero_core::entity::{EntityType, NewEntity, Status};
use vivero_core::files::{File, FileState};
use vivero_core::journal::{Actor, Changes, Entry, SealedEntry};
use vivero_core::location::{Location, LocationKind};
use vivero_core::service::{FileLink, Invitation};
use vivero_core::token::TokenPair;
use vivero_core::user::{List, Role, User, UserStatus};
use vivero_core::{EntityId, FileId, LocationId, RoleId, Stored, UserId, Uuid};

/// Names and required names of a described type.
fn described<T: Type>() -> (BTreeSet<String>, BTreeSet<String>) {
    let mut registry = Registry::new();
    T::register(&mut registry);
    let MetaSchemaRef::Reference(name) = T::schema_ref() else {
        panic!("{} has no name", T::name())
    };
    let schema = &registry.schemas[&name];
    let names = schema.properties.iter().map(|(name, _)| (*name).to_owned()).collect();
    (names, schema.required.iter().map(|name| (*name).to_owned()).collect())
}

/// Names serde knows, from its own words about one it does not know.
fn read_by_serde<T: DeserializeOwned>() -> BTreeSet<String> {
    let error = match serde_json::from_value::<T>(json!({"no such field": 1})) {
        Ok(_) => panic!("an unknown field was taken"),
        Err(error) => error.to_string(),
    };
    let known = error.split_once("expected").expect("a list of fields").1;
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whether serde asks for `field`.
fn is_required<T: DeserializeOwned>(all: &BTreeSet<String>, field: &str) -> bool {
    // Null is taken by no required field, so the first error is about another field unless this one
    // is all there is to miss.
    let others = all.iter().filter(|name| *name != field);
    let body: Json =
        others.map(|name| (name.clone(), sample(name))).collect::<serde_json::Map<_, _>>().into();
    match serde_json::from_value::<T>(body) {
        Ok(_) => false,
        Err(error) => error.to_string().contains(&format!("missing field `{field}`")),
    }
}

fn sample(name: &str) -> Json {
    match name {
        "type" => json!("seed"),
        "kind" => json!("site"),
        "stage" => json!("rooting"),
        "status" => json!("active"),
        "unit" => json!("tray"),
        "plan" => json!("trial"),
        "operation_type" => json!("mixed"),
        "quality_grade" => json!("first"),
        "quantity" | "quantity_change" | "area_dm2" => json!(1),
        "location_id" | "parent_id" => json!(Uuid::nil()),
        "attributes" => json!({}),
        "started_on" | "ready_on" => json!("2026-03-01"),
        "roles" | "locations" | "grants" => json!([]),
        _ => json!("text"),
    }
}

fn check_in<T: Type + DeserializeOwned>() {
    let (names, required) = described::<T>();
    assert_eq!(read_by_serde::<T>(), names, "{}", T::name());
    for name in &names {
        assert_eq!(is_required::<T>(&names, name), required.contains(name), "{}.{name}", T::name());
    }
}

#[test]
fn bodies_are_read_under_the_names_of_the_document() {
    check_in::<EntityIn>();
    check_in::<MoveIn>();
    check_in::<LocationIn>();
    check_in::<LocationPatch>();
    check_in::<UserIn>();
    check_in::<UserPatch>();
    check_in::<RoleIn>();
    check_in::<RolePatch>();
    check_in::<TrialIn>();
    check_in::<TenantIn>();
    check_in::<LoginIn>();
    check_in::<RefreshIn>();
    check_in::<InvitationIn>();
    check_in::<PasswordIn>();
    check_in::<FilePatch>();
    assert_eq!(read_by_serde::<LinkIn>(), described::<LinkIn>().0);
    assert_eq!(read_by_serde::<EntityPatch>(), described::<EntityPatch>().0);
    assert_eq!(read_by_serde::<TransitionIn>(), described::<TransitionIn>().0);
}

/// `full` has every optional field.
fn check_out<T: Type + Serialize>(full: &T) {
    let json = serde_json::to_value(full).expect("JSON");
    let written: BTreeSet<String> = json.as_object().expect("object").keys().cloned().collect();
    assert_eq!(written, described::<T>().0, "{}", T::name());
}

fn stored<R>(record: R) -> Stored<R> {
    let at = DateTime::UNIX_EPOCH;
    let by = Uuid::nil();
    Stored {
        record,
        version: 3,
        created_at: at,
        created_by: by,
        updated_at: at,
        updated_by: by,
        deleted_at: Some(at),
    }
}

fn user() -> Stored<User> {
    stored(User {
        id: UserId::from_uuid(Uuid::nil()),
        email: "a@example.com".into(),
        name: "A".into(),
        status: UserStatus::Active,
        roles: List(vec![RoleId::from_uuid(Uuid::nil())]),
        locations: List(Vec::new()),
    })
}

#[test]
fn answers_are_written_under_the_names_of_the_document() {
    let place = LocationId::from_uuid(Uuid::nil());
    let mut new = NewEntity::new("L1", "Lavandula", EntityType::Cutting, 5).at(place);
    new.batch_number = Some("B".into());
    new.supplier_reference = Some("S".into());
    new.started_on = NaiveDate::from_ymd_opt(2026, 3, 1);
    new.ready_on = new.started_on;
    let mut entity = new.into_entity(EntityId::from_uuid(Uuid::nil()));
    entity.held_from = Some(Status::Ready);
    check_out(&EntityOut::from(stored(entity)));

    let location = Location {
        id: place,
        parent_id: Some(place),
        kind: LocationKind::Bed,
        code: "B1".into(),
        name: "Bed".into(),
        area_dm2: Some(1),
        path: "x/".into(),
    };
    check_out(&LocationOut::from(stored(location)));
    let file = File {
        id: FileId::from_uuid(Uuid::nil()),
        name: "beds.csv".into(),
        media_type: "text/csv".into(),
        size: 9,
        sha256: "0".repeat(64),
        state: FileState::Stored,
        entity_id: Some(EntityId::from_uuid(Uuid::nil())),
        location_id: Some(place),
        uploaded_by: Some(UserId::from_uuid(Uuid::nil())),
    };
    check_out(&FileOut::from(stored(file)));
    let link = FileLink { url: "u".into(), expires_at: DateTime::UNIX_EPOCH };
    check_out(&LinkOut::from(link));
    check_out(&UserOut::from(user()));
    let invitation = Invitation { token: "t".into(), ends_at: DateTime::UNIX_EPOCH };
    let invited = InvitedOut::new(user(), invitation);
    check_out(&invited.invitation);
    check_out(&invited);

    let role = Role {
        id: RoleId::from_uuid(Uuid::nil()),
        name: "R".into(),
        description: String::new(),
        grants: List(Vec::new()),
        built_in: false,
    };
    check_out(&RoleOut::from(stored(role)));

    let tokens = TokenPair { access_token: "a".into(), refresh_token: "r".into(), expires_in: 1 };
    check_out(&TokensOut::from(tokens));
}

#[test]
fn whoever_gives_no_name_is_called_by_the_address_alone() {
    let trial =
        json!({"organization": "A", "email": "\u{b}a@example.com\n", "password": "plants 4 all"});
    let trial: TrialIn = serde_json::from_value(trial).expect("a sign-up");
    assert_eq!(trial.tenant(None, None).owner.name, "a@example.com");
}

#[test]
fn an_entity_s_kind_is_its_type_in_the_journal_too() {
    let mut changes = Changes::default();
    changes.0.insert("kind".into(), (json!("seed"), json!("bulb")));
    let entry = |resource: &str| Entry {
        at: DateTime::UNIX_EPOCH,
        actor: Actor::System { reason: "import".into() },
        action: format!("{resource}.update"),
        resource: resource.into(),
        record_id: Uuid::nil(),
        version: 2,
        changes: changes.clone(),
        cause: Some("r-1".into()),
    };
    let sealed = |resource| SealedEntry { position: 9, hash: [0; 32], entry: entry(resource) };
    let event = EventOut::from(sealed("entity"));
    check_out(&event);
    let json = serde_json::to_value(&event).expect("JSON");
    assert_eq!(json["changes"], json!({"type": {"before": "seed", "after": "bulb"}}));
    let audit = AuditEntryOut::from(sealed("location"));
    check_out(&audit);
    let json = serde_json::to_value(&audit).expect("JSON");
    assert_eq!(json["changes"]["kind"]["after"], "bulb");
    assert_eq!(json["hash"], "0".repeat(64));
}

#[test]
fn every_field_of_attributes_is_a_field() {
    let raw = "$serde_json::private::RawValue";
    for attributes in [
        json!({ raw: "[1]" }),
        json!({ "x": { raw: "[1]", "a": 1 } }),
        json!({ "x": [{ raw: 5 }, -1, 18_446_744_073_709_551_615_u64, 8.556_437_535_901_935e-10] }),
    ] {
        let text = attributes.to_string();
        let read: Attributes = serde_json::from_str(&text).expect("an object");
        assert_eq!(serde_json::to_string(&read).expect("text"), text);
    }
    for other in ["[]", "null", "\"{}\"", "1"] {
        assert!(serde_json::from_str::<Attributes>(other).is_err(), "{other}");
    }
}

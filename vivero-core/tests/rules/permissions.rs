use proptest::prelude::*;
use vivero_core::entity::Entity;
use vivero_core::location::Location;
use vivero_core::permission::{Grant, PermissionSet, Scope, Scopes, scope_predicate};
use vivero_core::query::Predicate;
use vivero_core::user::{Role, Session, User};
use vivero_core::{LocationId, Record as _, UserId, Uuid, Value};

const RESOURCES: &[&str] = &["entity", "location", "user"];
const ACTIONS: &[&str] = &["read", "create", "move"];

fn scope() -> impl Strategy<Value = Scope> {
    proptest::sample::select(vec![Scope::Own, Scope::Location, Scope::All])
}

fn grant() -> impl Strategy<Value = Grant> {
    let resource = prop_oneof![3 => proptest::sample::select(RESOURCES), 1 => Just("*")];
    let action = prop_oneof![3 => proptest::sample::select(ACTIONS), 1 => Just("*")];
    let named = (resource, action).prop_map(|(r, a)| format!("{r}.{a}"));
    let permission = prop_oneof![12 => named, 1 => Just("*".to_owned())];
    (permission, scope()).prop_map(|(p, s)| format!("{p}@{}", s.as_str()).parse().expect("a grant"))
}

fn grants() -> impl Strategy<Value = Vec<Grant>> {
    proptest::collection::vec(grant(), 0..6)
}

fn halves(permission: &str) -> (&str, &str) {
    permission.split_once('.').unwrap_or(("*", "*"))
}

/// Whether one grant alone gives all that another gives.
fn includes(wide: &Grant, narrow: &Grant) -> bool {
    let ((wr, wa), (nr, na)) = (halves(wide.permission()), halves(narrow.permission()));
    (wr == "*" || wr == nr)
        && (wa == "*" || wa == na)
        && (wide.scope() == Scope::All || wide.scope() == narrow.scope())
}

fn every_permission() -> impl Iterator<Item = String> {
    RESOURCES.iter().flat_map(|r| ACTIONS.iter().map(move |a| format!("{r}.{a}")))
}

/// The condition a set puts on entities, `None` if it gives nothing.
fn reach(set: &PermissionSet, permission: &str) -> Option<Predicate> {
    let person = Some(UserId::from_uuid(Uuid::from_u128(1)));
    let places = [LocationId::from_uuid(Uuid::from_u128(2))];
    set.scopes(permission).map(|s| scope_predicate(s, Entity::SCHEMA, person, &places))
}

#[test]
fn grants_are_read_and_refused() {
    for (text, shown) in [
        ("entity.read", "entity.read"),
        ("entity.read@all", "entity.read"),
        ("entity.update@location", "entity.update@location"),
        ("entity.*@own", "entity.*@own"),
        ("*.read", "*.read"),
        ("*", "*"),
        ("*.*", "*.*"),
        ("stock_take.re_count", "stock_take.re_count"),
    ] {
        let grant: Grant = text.parse().expect(text);
        assert_eq!(grant.to_string(), shown);
        let json = serde_json::to_string(&grant).expect("to JSON");
        assert_eq!(json, format!("{shown:?}"));
        assert_eq!(serde_json::from_str::<Grant>(&json).expect("from JSON"), grant);
    }
    let long = format!("{}.read", "x".repeat(96));
    for text in [
        "",
        ".",
        "entity",
        "entity.",
        ".read",
        "Entity.read",
        "entity.read.all",
        "entity read",
        "entity.read@",
        "entity.read@All",
        "entity.read@everywhere",
        "entity.read@own@all",
        "@all",
        "e*.read",
        "entity.r*",
        "**",
        "entity.read ",
        " entity.read",
        "entité.read",
        "entity.read1",
        &long,
    ] {
        assert!(text.parse::<Grant>().is_err(), "{text:?} is not a grant");
    }
}

#[test]
fn nothing_is_allowed_without_a_grant() {
    let nobody = PermissionSet::new(&[]);
    for permission in
        every_permission().chain(["".into(), "*".into(), "*.*".into(), "entity.*".into()])
    {
        assert!(nobody.scopes(&permission).is_none(), "{permission}");
        let refused = nobody.require(&permission).expect_err("nothing is allowed");
        assert_eq!(refused.code(), "permission_missing");
    }
    for text in ["*@own", "entity.read@own", "*.read@own", "entity.*@own"] {
        assert!(!nobody.covers(&text.parse().expect("a grant")), "{text}");
    }
    let reader = PermissionSet::new(&[Grant::all("entity.read")]);
    for permission in every_permission().filter(|p| p != "entity.read") {
        assert!(reader.scopes(&permission).is_none(), "a reader of entities may not {permission}");
    }
    assert!(reader.scopes("entity.rea").is_none());
    assert!(reader.scopes("entity.read_all").is_none());
    assert!(reader.scopes("my.entity.read").is_none());
}

#[test]
fn a_scope_compiles_to_one_condition() {
    let person = UserId::from_uuid(Uuid::from_u128(1));
    let bed = LocationId::from_uuid(Uuid::from_u128(2));
    let both = ["entity.read@own", "entity.read@location"];
    let set = |grants: &[&str]| {
        let grants: Vec<Grant> = grants.iter().map(|g| g.parse().expect("a grant")).collect();
        PermissionSet::new(&grants).scopes("entity.read").expect("granted")
    };
    let own = |column| Predicate::Equals(column, Value::Id(person.uuid()));
    let within = |column| Predicate::Within(column, vec![bed.uuid()]);
    for (grants, schema, someone, places, wanted) in [
        (&["*"][..], Entity::SCHEMA, Some(person), vec![bed], Predicate::All),
        (&["*@own", "*"], Entity::SCHEMA, None, vec![], Predicate::All),
        (&["*@location"], Entity::SCHEMA, Some(person), vec![bed], within("location_id")),
        (&["*@location"], Location::SCHEMA, Some(person), vec![bed], within("id")),
        (&["*@location"], Entity::SCHEMA, Some(person), vec![], Predicate::None),
        (&["*@location"], Role::SCHEMA, Some(person), vec![bed], Predicate::None),
        (&["*@own"], Entity::SCHEMA, Some(person), vec![bed], own("created_by")),
        (&["*@own"], Session::SCHEMA, Some(person), vec![], own("user_id")),
        (&["*@own"], User::SCHEMA, Some(person), vec![], own("id")),
        (&["*@own"], Entity::SCHEMA, None, vec![bed], Predicate::None),
        (&both, Entity::SCHEMA, None, vec![bed], within("location_id")),
        (
            &both,
            Entity::SCHEMA,
            Some(person),
            vec![bed],
            Predicate::Or(vec![within("location_id"), own("created_by")]),
        ),
    ] {
        let compiled = scope_predicate(set(grants), schema, someone, &places);
        assert_eq!(compiled, wanted, "{grants:?} on {}", schema.table);
    }
}

proptest! {
    #[test]
    fn a_grant_reads_back_what_it_shows(grant in grant()) {
        let again: Grant = grant.to_string().parse().expect("a shown grant is a grant");
        prop_assert_eq!(again.scope(), grant.scope());
        prop_assert_eq!(again, grant);
    }

    #[test]
    fn reading_a_grant_never_panics(text in "\\PC{0,40}|[a-z*.@]{0,20}") {
        if let Ok(grant) = text.parse::<Grant>() {
            prop_assert_eq!(grant.to_string(), text.strip_suffix("@all").unwrap_or(&text));
        }
    }

    #[test]
    fn a_set_covers_what_one_of_its_grants_includes(grants in grants(), asked in grant()) {
        let wanted = grants.iter().any(|g| includes(g, &asked));
        prop_assert_eq!(PermissionSet::new(&grants).covers(&asked), wanted);
    }

    #[test]
    fn covers_and_scopes_agree(grants in grants(), resource in 0..3_usize, action in 0..3_usize) {
        let set = PermissionSet::new(&grants);
        let permission = format!("{}.{}", RESOURCES[resource], ACTIONS[action]);
        let covered = [Scope::All, Scope::Location, Scope::Own]
            .map(|s| set.covers(&format!("{permission}@{}", s.as_str()).parse().expect("a grant")));
        let scopes = set.scopes(&permission);
        prop_assert_eq!(scopes.is_some(), covered.contains(&true));
        prop_assert_eq!(scopes.is_some_and(Scopes::is_all), covered[0]);
        prop_assert_eq!(set.require(&permission).is_ok(), scopes.is_some());
    }

    #[test]
    fn more_grants_never_reach_less(some in grants(), more in grants()) {
        let all: Vec<Grant> = some.iter().chain(&more).cloned().collect();
        let (few, many) = (PermissionSet::new(&some), PermissionSet::new(&all));
        for permission in every_permission() {
            for scope in ["own", "location", "all"] {
                let asked: Grant = format!("{permission}@{scope}").parse().expect("a grant");
                prop_assert!(!few.covers(&asked) || many.covers(&asked), "{} was lost", asked);
                let either = few.covers(&asked) || PermissionSet::new(&more).covers(&asked);
                prop_assert_eq!(many.covers(&asked), either, "a union gives no more than its parts");
            }
        }
    }

    #[test]
    fn handing_out_what_one_has_gives_nothing_new(grants in grants(), handed in grant()) {
        let set = PermissionSet::new(&grants);
        prop_assume!(set.covers(&handed));
        let with: Vec<Grant> = grants.iter().cloned().chain([handed]).collect();
        let with = PermissionSet::new(&with);
        for permission in every_permission() {
            prop_assert_eq!(reach(&set, &permission), reach(&with, &permission));
        }
    }
}

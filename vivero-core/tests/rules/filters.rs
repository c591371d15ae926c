use crate::rules;
use chrono::DateTime;
use proptest::prelude::*;
use vivero_core::entity::{Entity, EntityType, Status};
use vivero_core::location::Location;
use vivero_core::query::{Deleted, Predicate, Sort};
use vivero_core::user::{Credential, Role, Session, User};
use vivero_core::{Cursor, EntityFilter, Filter, LocationId, Page, Record as _, Uuid, Value};

#[test]
fn a_filter_becomes_a_query_with_its_scope_apart() {
    let bed = LocationId::from_uuid(Uuid::from_u128(1));
    let filter: Filter = EntityFilter::new()
        .status(Status::Ready)
        .kind(EntityType::Bulb)
        .location(bed)
        .search(" hebe ")
        .sort("-name")
        .into();
    let scope = Predicate::Within("location_id", vec![bed.uuid()]);
    let query = filter.into_query(Entity::SCHEMA, &Page::first(7), scope.clone()).expect("a query");
    let text = |t: &str| Value::Text(t.into());
    assert_eq!(
        query.filter,
        Predicate::And(vec![
            Predicate::Equals("status", text("ready")),
            Predicate::Equals("kind", text("bulb")),
            scope.clone(),
        ])
    );
    assert_eq!((query.scope, query.limit, query.deleted), (scope, 7, Deleted::Hidden));
    assert_eq!((query.sort.column, query.sort.descending), (Some("name"), true));
    assert!(query.search.is_some() && query.after.is_none());
}

#[test]
fn what_is_not_declared_is_refused() {
    let ask = |filter: Filter, schema| {
        let refused = filter.into_query(schema, &Page::default(), Predicate::All);
        refused.err().map_or(String::new(), |e| rules(&e).join(", "))
    };
    assert_eq!(ask(Filter::new(), Entity::SCHEMA), "");
    let by_code = Filter::new().equals("code", "x".to_owned());
    assert_eq!(ask(by_code, Entity::SCHEMA), "code: known_filter", "no index, no filter");
    let unknown = Filter::new().equals("nonsense", 1_i64);
    assert_eq!(ask(unknown, Entity::SCHEMA), "nonsense: known_filter");
    for sort in ["", "-", "--name", "nonsense", "attributes", "Name", " name", "seq", "id", "name;"]
    {
        assert_eq!(ask(Filter::new().sort(sort), Entity::SCHEMA), "sort: known_sort", "{sort:?}");
    }
    assert_eq!(ask(Filter::new().search("x"), Session::SCHEMA), "q: searchable");
    assert_eq!(ask(Filter::new().search("  "), Session::SCHEMA), "", "nothing is searched for");
    assert_eq!(ask(Filter::new().search("!"), Entity::SCHEMA), "q: words");
}

#[test]
fn a_cursor_is_only_good_for_its_own_sort() {
    let cursor = Cursor { sort: "name".into(), key: Value::Text("Hebe".into()), seq: 3 };
    let page = Page::first(5).after(cursor.encode());
    let query =
        |sort: &str| Filter::new().sort(sort).into_query(Entity::SCHEMA, &page, Predicate::All);
    assert_eq!(query("name").expect("its own sort").after, Some(cursor));
    for other in ["-name", "code", "created_at"] {
        let refused = query(other).expect_err("another sort");
        assert_eq!(rules(&refused), ["cursor: cursor_sort"], "{other}");
    }
}

#[test]
fn a_cursor_with_a_key_of_another_kind_is_refused() {
    let text = Value::Text("Hebe".into());
    for (schema, sort, key, good) in [
        (Entity::SCHEMA, "name", text.clone(), true),
        (Entity::SCHEMA, "name", Value::Int(1), false),
        (Entity::SCHEMA, "name", Value::Null, false),
        (Entity::SCHEMA, "-quantity", Value::Int(1), true),
        (Entity::SCHEMA, "-quantity", text.clone(), false),
        (Entity::SCHEMA, "created_at", Value::Null, true),
        (Entity::SCHEMA, "created_at", Value::Int(1), false),
        (Entity::SCHEMA, "updated_at", Value::Time(DateTime::UNIX_EPOCH), true),
        (Entity::SCHEMA, "updated_at", text, false),
        (Entity::SCHEMA, "updated_at", Value::Null, false),
    ] {
        let cursor = Cursor { sort: sort.into(), key, seq: 1 };
        let page = Page::first(5).after(cursor.encode());
        let query = Filter::new().sort(sort).into_query(schema, &page, Predicate::All);
        match query {
            Ok(query) => assert_eq!((query.after, good), (Some(cursor), true)),
            Err(refused) => {
                assert_eq!((rules(&refused), good), (vec!["cursor: cursor".into()], false));
            }
        }
    }
}

#[test]
fn every_declared_sort_reads_back_its_name() {
    let schemas = [
        Entity::SCHEMA,
        Location::SCHEMA,
        User::SCHEMA,
        Role::SCHEMA,
        Credential::SCHEMA,
        Session::SCHEMA,
    ];
    for schema in schemas {
        let declared = schema.columns.iter().filter(|c| c.sort).map(|c| c.name);
        for name in declared.chain(["created_at", "updated_at"]) {
            for text in [name.to_owned(), format!("-{name}")] {
                let sort = Sort::parse(&text, schema).expect("a declared sort");
                assert_eq!(sort.name(), text);
                assert_eq!(sort.descending, text.starts_with('-'));
                let nullable = schema.column(name).is_some_and(|c| c.nullable);
                assert_eq!(sort.required, !nullable, "{}.{name}", schema.table);
            }
        }
    }
    assert_eq!(Sort::default().name(), "-created_at", "newest first");
}

#[test]
fn schemas_keep_secrets_out_of_sight() {
    let schemas = [
        Entity::SCHEMA,
        Location::SCHEMA,
        User::SCHEMA,
        Role::SCHEMA,
        Credential::SCHEMA,
        Session::SCHEMA,
    ];
    for schema in schemas {
        for column in schema.columns.iter().filter(|c| c.secret) {
            let shown = column.search || column.sort || column.count || column.sum;
            assert!(!shown, "{}.{}", schema.table, column.name);
        }
        for named in schema.facets.iter().chain(&schema.owner).chain(&schema.location) {
            let known = *named == "id" || schema.column(named).is_some();
            assert!(known, "{} names {named}", schema.table);
        }
    }
    for (schema, column) in [
        (Credential::SCHEMA, "password_hash"),
        (Credential::SCHEMA, "invitation_hash"),
        (Session::SCHEMA, "seed"),
    ] {
        assert!(schema.column(column).is_some_and(|c| c.secret), "{}.{column}", schema.table);
    }
}

fn simple() -> impl Strategy<Value = Predicate> {
    let equals = (0..3_i64).prop_map(|n| Predicate::Equals("a", Value::Int(n)));
    let one_of = proptest::collection::vec((0..3_i64).prop_map(Value::Int), 0..3)
        .prop_map(|values| Predicate::OneOf("a", values));
    prop_oneof![Just(Predicate::All), Just(Predicate::None), equals, one_of]
}

fn predicate() -> impl Strategy<Value = Predicate> {
    simple().prop_recursive(3, 12, 3, |inner| {
        let parts = proptest::collection::vec(inner, 0..3);
        prop_oneof![parts.clone().prop_map(Predicate::And), parts.prop_map(Predicate::Or)]
    })
}

fn meets(a: i64, predicate: &Predicate) -> bool {
    match predicate {
        Predicate::All => true,
        Predicate::Equals(_, value) => *value == Value::Int(a),
        Predicate::OneOf(_, values) => values.contains(&Value::Int(a)),
        Predicate::And(all) => all.iter().all(|p| meets(a, p)),
        Predicate::Or(any) => any.iter().any(|p| meets(a, p)),
        Predicate::None | Predicate::Within(..) => false,
    }
}

proptest! {
    #[test]
    fn joining_two_conditions_means_both(one in predicate(), two in predicate()) {
        let both = one.clone().and(two.clone());
        for a in 0..3 {
            prop_assert_eq!(meets(a, &both), meets(a, &one) && meets(a, &two), "{:?}", both);
        }
    }

    #[test]
    fn reading_a_sort_never_panics(text in "\\PC{0,30}") {
        let _ = Sort::parse(&text, Entity::SCHEMA);
    }
}

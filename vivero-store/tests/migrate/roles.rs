//! Built-in roles of tenants that an older version made.

use crate::place::Place;
use crate::{on_both_engines, versions};
use vivero_core::journal::Actor;
use vivero_core::permission::Grant;
use vivero_core::port::TenantStore;
use vivero_core::query::{Predicate, Query};
use vivero_core::record::{Record as _, Stored};
use vivero_core::tenant::Tenant;
use vivero_core::user::{BUILT_IN_ROLES, List, Role};
use vivero_core::{RoleId, Uuid};

on_both_engines! {
    built_in_roles_get_what_was_declared_since
}

fn role(id: u64, name: &str, grants: &[&str], built_in: bool) -> Role {
    Role {
        id: RoleId::from_uuid(Uuid::from_u128(u128::from(id))),
        name: name.into(),
        description: String::new(),
        grants: List(grants.iter().map(|g| g.parse().expect("a grant")).collect()),
        built_in,
    }
}

async fn roles(store: &dyn TenantStore) -> Vec<Stored<Role>> {
    let mut reading = store.read().await.expect("reading");
    let rows = reading.list(Role::SCHEMA, &Query::new(Predicate::All, 100)).await.expect("roles");
    let mut all: Vec<_> =
        rows.into_iter().map(|row| Stored::<Role>::from_row(row).expect("a role")).collect();
    all.sort_by_key(|role| role.record.id.uuid());
    all
}

/// As an older program leaves it: another version is noted.
async fn make_older(place: &Place, tenant: &Tenant) {
    let sql = if place.is_mariadb() {
        "UPDATE engine_state SET tables_of = 'older'"
    } else {
        "PRAGMA user_version = 7; PRAGMA application_id = 7"
    };
    place.raw(tenant, sql).await;
}

async fn built_in_roles_get_what_was_declared_since(place: Place) {
    let fleet = place.open(&[], &[], true).await;
    let tenant = versions::provision(&fleet, 0).await;
    let store = fleet.open(&tenant).await.expect("opening");
    let someone = Uuid::from_u128(77);
    let older = [
        role(1, "Viewer", &["entity.read", "old.read"], true),
        role(2, "Operator", &["entity.read@location"], true),
        role(3, "Viewers of ours", &["entity.read"], false),
    ];
    let mut work = store.begin().await.expect("a work");
    let mut rows = Vec::new();
    for (id, role) in (1..).zip(older) {
        rows.push(versions::row(id, role));
    }
    // Somebody has edited this one.
    rows[1].updated_by = someone;
    work.insert(Role::SCHEMA, rows).await.expect("roles");
    work.commit().await.expect("committing");
    store.seal().await.expect("sealing");
    drop(store);
    fleet.close().await;
    make_older(&place, &tenant).await;

    for _ in 0..2 {
        let fleet = place.open(&[], &[], true).await;
        let store = fleet.open(&tenant).await.expect("opening");
        let found = roles(&*store).await;
        let grants = |at: usize| &found[at].record.grants.0;
        let declared = BUILT_IN_ROLES.iter().find(|r| r.name == "Viewer").expect("declared");
        assert!(declared.grants.iter().all(|grant| grants(0).contains(grant)), "{:?}", grants(0));
        let old: Grant = "old.read".parse().expect("a grant");
        assert!(grants(0).contains(&old), "nothing is taken away");
        assert_eq!(grants(0).len(), declared.grants.len() + 1, "nothing is there twice");
        assert_eq!(found[0].version, 2, "once, however often it is opened");
        assert_eq!((grants(1).len(), found[1].version), (1, 1), "what somebody edited is left");
        assert_eq!((grants(2).len(), found[2].version), (1, 1), "what is their own is left");
        let id = Uuid::from_u128(1);
        let history = store.history(Role::SCHEMA, id, None, 10).await.expect("history");
        assert_eq!(history.len(), 1, "the change is on record");
        assert_eq!(history[0].actor, Actor::System { reason: "migration".into() });
        assert_eq!((history[0].action.as_str(), history[0].version), ("role.update", 2));
        store.seal().await.expect("sealing");
        let report = store.verify(None).await.expect("verifying");
        assert!(report.breaks.is_empty() && report.unsealed == 0, "{report:?}");
        drop(store);
        fleet.close().await;
        make_older(&place, &tenant).await;
    }
}

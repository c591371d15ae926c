//! Whole databases as rows: what is read is what there is, what is made of it is equal.

use super::Harness;
use super::ground::Ground;
use super::sample::{Sample, State};
use crate::copy::{Chain, JOURNAL, JOURNAL_SEAL, Part, Since, TableShape};
use crate::journal::{Actor, Anchor, Changes, Entry};
use crate::operations::{Marks, Operation, OperationKind, OperationState, TenantChange};
use crate::port::TenantStore;
use crate::query::{Predicate, Query};
use crate::tenant::{Tenant, TenantState};
use crate::{Error, TenantId, Value};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::json;
use std::collections::BTreeMap;

type Rows = BTreeMap<String, Vec<Vec<Value>>>;

async fn read(
    store: &dyn TenantStore,
    since: Option<Since>,
) -> (Vec<TableShape>, Vec<Part>, Since) {
    let mut snapshot = store.snapshot(since).await.expect("a snapshot");
    let (extent, tables) = (snapshot.extent().clone(), snapshot.tables().to_vec());
    let mut parts = Vec::new();
    while let Some(part) = snapshot.next().await.expect("the next rows") {
        parts.push(part);
    }
    let answers_from = DateTime::<Utc>::UNIX_EPOCH;
    let position = extent.head.position;
    (tables, parts, Since { journal_seq: extent.journal_seq, position, answers_from })
}

fn by_table(tables: &[TableShape], parts: &[Part]) -> Rows {
    let mut rows = Rows::new();
    for part in parts {
        let of = rows.entry(tables[part.table].name.clone()).or_default();
        of.extend(part.rows.iter().cloned());
    }
    rows
}

/// A tenant with records of every kind of value, changed and deleted ones, and more than one chunk.
async fn filled(harness: &dyn Harness, name: &str) -> Ground {
    let ground = Ground::new(harness, name).await;
    let mut samples: Vec<Sample> =
        (0..1_200).map(|i| ground.source.sample(format!("S-{i:05}"))).collect();
    for (i, sample) in samples.iter_mut().enumerate() {
        sample.state = *ground.source.pick(State::ALL);
        sample.name = format!("Großes Gewächshaus 🌱 {i}");
        sample.pieces = -1_000_000_007 * i as i64;
        sample.rank = Some(i64::MIN + i as i64);
        sample.weight = (i % 3 == 0).then_some(7);
        sample.seen_at = DateTime::from_timestamp_micros(4_102_444_799_999_999 - i as i64);
        sample.due_on = NaiveDate::from_ymd_opt(2099, 12, 31);
        sample.checked = Some(i % 2 == 0);
        sample.papers = json!({"z": 1.5, "a": ["ä", null, i], "deep": {"b": "x".repeat(i % 300)}});
        sample.seal = (0..=255).collect();
        sample.note = Some("a blank at the end ".repeat(i % 40));
    }
    let ids = ground.create(samples).await;
    ground.edit::<Sample>(ids[3], |s| s.name = "changed".into()).await;
    ground.set_deleted::<Sample>(ids[5], true).await;
    ground.seal().await;
    // The last entries are committed and not sealed, unless the sealer was quicker.
    ground.edit::<Sample>(ids[7], |s| s.pieces = 1).await;
    ground
}

/// Makes the database of the tenant's next generation from rows and switches to it.
async fn switched(ground: &Ground, tables: &[TableShape], parts: Vec<Part>) -> (Tenant, Anchor) {
    let next = Tenant { generation: ground.tenant.generation + 1, ..ground.tenant.clone() };
    let loading = ground.fleet.load(&next, tables, Chain::Keep).await;
    let mut loading = loading.expect("a database to be made");
    for part in parts {
        loading.add(part).await.expect("adding rows");
    }
    let head = loading.finish().await.expect("finishing");
    let operation = operation(ground).await;
    let change = TenantChange {
        from: TenantState::Active,
        state: TenantState::Active,
        generation: next.generation,
        marks: Marks { neutral: true, ..Marks::default() },
        anchor: Some(head),
    };
    let changed = ground.fleet.book().change_tenant(&operation, next.id, &change).await;
    (changed.expect("the switch"), head)
}

async fn operation(ground: &Ground) -> Operation {
    let at = ground.source.now();
    let asked = Operation {
        id: ground.source.id(),
        tenant: ground.tenant.id,
        slug: ground.tenant.slug.clone(),
        kind: OperationKind::Move,
        parameters: json!({}),
        state: OperationState::Queued,
        step: String::new(),
        result: json!({}),
        done: 0,
        total: 0,
        message: None,
        token: 0,
        created_at: at,
        changed_at: at,
    };
    ground.fleet.book().add_operation(&asked).await.expect("on record");
    let until = at + TimeDelta::seconds(30);
    let lease = ground.fleet.take_lease("a copy", ground.source.id(), at, until).await;
    let lease = lease.expect("asking").expect("it is free");
    ground.fleet.book().claim_operation(asked.id, &lease, at).await.expect("claimed")
}

pub(super) async fn a_database_made_from_rows_is_equal_to_the_row(harness: &dyn Harness) {
    let ground = filled(harness, "equal").await;
    ground.seal().await;
    let (tables, parts, _) = read(&*ground.store, None).await;
    let before = by_table(&tables, &parts);
    assert_eq!(before["conformance_samples"].len(), 1_200, "deleted ones are part of it");
    assert!(parts.len() > before.len(), "what is large comes in parts");
    let all = ground.all().await;
    let (tenant, head) = switched(&ground, &tables, parts).await;
    assert!(tenant.neutral && tenant.generation == 2, "{tenant:?}");
    let store = ground.fleet.open(&tenant).await.expect("opening what was made");
    store.ensure(<Sample as crate::Record>::SCHEMA).await.expect("the table is known");
    let (tables, parts, _) = read(&*store, None).await;
    let after = by_table(&tables, &parts);
    for (table, rows) in &before {
        assert_eq!(Some(rows), after.get(table), "table {table}");
    }
    assert_eq!(before.len(), after.len());
    let report = store.verify(Some(head)).await.expect("a report");
    assert!(report.breaks.is_empty() && report.unsealed == 0, "{report:?}");
    let mut rows = store.read().await.expect("a connection");
    let query = Query::new(Predicate::All, 10_000);
    let schema = <Sample as crate::Record>::SCHEMA;
    assert_eq!(rows.list(schema, &query).await.expect("a list"), all, "lists are the same");
    drop(rows);
    let made = Ground { tenant, store, ..ground };
    made.assert_counts("in what was made").await;
    made.create_one(made.source.sample("the next")).await;
    made.assert_counts("after the next change").await;
    made.fleet.retire(made.tenant.id, 1).await;
    made.fleet.remove(made.tenant.id, 1).await.expect("the old one is of no use");
    let refused = made.fleet.remove(made.tenant.id, 2).await;
    assert!(matches!(refused, Err(Error::Illegal { .. })), "the one in use stays: {refused:?}");
}

pub(super) async fn a_snapshot_sees_one_instant(harness: &dyn Harness) {
    let ground = filled(harness, "instant").await;
    let mut snapshot = ground.store.snapshot(None).await.expect("a snapshot");
    let extent = snapshot.extent().clone();
    ground.create_one(ground.source.sample("later")).await;
    ground.seal().await;
    let tables = snapshot.tables().to_vec();
    let mut parts = Vec::new();
    while let Some(part) = snapshot.next().await.expect("the next rows") {
        parts.push(part);
    }
    drop(snapshot);
    let rows = by_table(&tables, &parts);
    assert_eq!(rows["conformance_samples"].len(), 1_200);
    assert_eq!(rows[JOURNAL].len() as i64, extent.journal_seq, "numbers have no gap here");
    assert_eq!(rows[JOURNAL_SEAL].len() as u64, extent.head.position);
    // Entries come before the seals that name them.
    let mut seen = 0;
    for part in &parts {
        let last = |row: Option<&Vec<Value>>, i: usize| match row.map(|r| r[i].clone()) {
            Some(Value::Int(n)) => n,
            other => panic!("a number, not {other:?}"),
        };
        match tables[part.table].name.as_str() {
            JOURNAL => seen = last(part.rows.last(), 0),
            JOURNAL_SEAL => assert!(last(part.rows.last(), 1) <= seen, "a seal before its entry"),
            _ => {}
        }
    }
}

pub(super) async fn what_changed_since_is_caught_up(harness: &dyn Harness) {
    let ground = filled(harness, "since").await;
    ground.seal().await;
    let (tables, parts, since) = read(&*ground.store, None).await;
    let next = Tenant { generation: 2, ..ground.tenant.clone() };
    let mut loading = ground.fleet.load(&next, &tables, Chain::Keep).await.expect("to be made");
    for part in parts {
        loading.add(part).await.expect("adding rows");
    }
    loading.index().await.expect("indexes");
    // Two records swap a value that must be unique, one is new, one is deleted.
    let all = ground.all().await;
    let code = |row: &crate::record::Row| super::ground::record_of::<Sample>(row).code;
    let (first, last) = (&all[0], &all[all.len() - 1]);
    let (a, b) = (code(first), code(last));
    ground.edit::<Sample>(first.id, |s| s.code = "in between".into()).await;
    ground.edit::<Sample>(last.id, |s| s.code.clone_from(&a)).await;
    ground.edit::<Sample>(first.id, |s| s.code.clone_from(&b)).await;
    ground.create_one(ground.source.sample("new")).await;
    ground.set_deleted::<Sample>(all[9].id, true).await;
    ground.seal().await;
    let (_, parts, _) = read(&*ground.store, Some(since)).await;
    let rows: usize = parts.iter().map(|p| p.rows.len()).sum();
    assert!(rows < 200, "only what changed: {rows}");
    // Twice: catching up again does no harm.
    for part in parts.clone().into_iter().chain(parts) {
        loading.replace(part).await.expect("catching up");
    }
    let head = loading.finish().await.expect("finishing");
    let operation = operation(&ground).await;
    let change = TenantChange {
        from: TenantState::Active,
        state: TenantState::Active,
        generation: 2,
        marks: Marks::default(),
        anchor: None,
    };
    let changed = ground.fleet.book().change_tenant(&operation, next.id, &change).await;
    let store = ground.fleet.open(&changed.expect("the switch")).await.expect("opening");
    let (tables, parts, _) = read(&*ground.store, None).await;
    let want = by_table(&tables, &parts);
    let (tables, parts, _) = read(&*store, None).await;
    let have = by_table(&tables, &parts);
    for (table, rows) in &want {
        assert_eq!(Some(rows), have.get(table), "table {table}");
    }
    let report = store.verify(Some(head)).await.expect("a report");
    assert!(report.breaks.is_empty(), "{report:?}");
}

pub(super) async fn another_tenants_rows_are_sealed_anew(harness: &dyn Harness) {
    let ground = filled(harness, "anew").await;
    let (tables, parts, _) = read(&*ground.store, None).await;
    let id = TenantId::from_uuid(ground.source.id());
    let tenant = Tenant {
        id,
        slug: "second-tenant".parse().expect("a slug"),
        state: TenantState::Loading,
        ..ground.tenant.clone()
    };
    let operation = operation(&ground).await;
    let marks = Marks { neutral: true, ..Marks::default() };
    ground.fleet.book().enter_tenant(&operation, &tenant, &marks).await.expect("entered");
    let entry = Entry {
        at: ground.source.now(),
        actor: Actor::Platform,
        action: "tenant.clone".into(),
        resource: "tenant".into(),
        record_id: id.uuid(),
        version: 1,
        changes: Changes::default(),
        cause: None,
    };
    let chain = Chain::Anew(Box::new(entry));
    let mut loading = ground.fleet.load(&tenant, &tables, chain).await.expect("to be made");
    for part in parts {
        loading.add(part).await.expect("adding rows");
    }
    let head = loading.finish().await.expect("finishing");
    let found = ground.fleet.find(id).await.expect("the registry").expect("entered");
    let store = ground.fleet.open(&found).await.expect("opening");
    let report = store.verify(Some(head)).await.expect("a report");
    assert!(report.breaks.is_empty() && report.unsealed == 0, "{report:?}");
    let feed = store.feed_back(None, 1).await.expect("the feed");
    assert_eq!(feed[0].entry.action, "tenant.clone");
    store.ensure(<Sample as crate::Record>::SCHEMA).await.expect("the table is known");
    let counts = store.counts().await.expect("figures");
    let recount = store.recount().await.expect("a recount");
    let without_zeros = super::ground::without_zeros;
    assert_eq!(without_zeros(counts.values.iter()), without_zeros(recount.iter()));
}

pub(super) async fn a_fenced_database_is_read_and_not_written(harness: &dyn Harness) {
    let ground = Ground::new(harness, "fence").await;
    let id = ground.create_one(ground.source.sample("before")).await;
    ground.store.fence(true).await.expect("fenced");
    ground.store.fence(true).await.expect("twice does no harm");
    let mut work = ground.begin().await;
    let row = ground.row(ground.source.sample("refused"));
    let entry = ground.entry::<Sample>("create", &row, Changes::default());
    work.insert(<Sample as crate::Record>::SCHEMA, vec![row]).await.expect("a row");
    // An engine may send entries no earlier than with the commit.
    let refused = match work.journal(vec![entry]).await {
        Ok(()) => work.commit().await,
        Err(e) => {
            drop(work);
            Err(e)
        }
    };
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    assert!(ground.find(id).await.is_some(), "reading goes on");
    ground.store.fence(false).await.expect("open again");
    ground.create_one(ground.source.sample("after")).await;
    assert_eq!(ground.all().await.len(), 2);
}

pub(super) async fn whoever_was_overtaken_changes_nothing(harness: &dyn Harness) {
    let ground = Ground::new(harness, "overtaken").await;
    let slow = operation(&ground).await;
    let at = ground.source.now() + TimeDelta::minutes(5);
    let until = at + TimeDelta::seconds(30);
    let lease = ground.fleet.take_lease("a copy", ground.source.id(), at, until).await;
    let lease = lease.expect("asking").expect("it has ended");
    let book = ground.fleet.book();
    let quick = book.claim_operation(slow.id, &lease, at).await.expect("claimed");
    assert!(quick.token > slow.token);
    let late = book.note_operation(&slow).await;
    assert!(matches!(late, Err(Error::Illegal { .. })), "{late:?}");
    let change = TenantChange {
        from: TenantState::Active,
        state: TenantState::Archived,
        generation: 7,
        marks: Marks::default(),
        anchor: None,
    };
    let late = book.change_tenant(&slow, ground.tenant.id, &change).await;
    assert!(matches!(late, Err(Error::Illegal { .. })), "{late:?}");
    let late = book.forget_tenant(&slow, ground.tenant.id).await;
    assert!(matches!(late, Err(Error::Illegal { .. })), "{late:?}");
    let now =
        ground.fleet.find(ground.tenant.id).await.expect("the registry").expect("still there");
    assert_eq!((now.state, now.generation), (TenantState::Active, 1));
    // From another state than it is in, nothing is changed either.
    let wrong = TenantChange { from: TenantState::Suspended, ..change };
    let refused = book.change_tenant(&quick, ground.tenant.id, &wrong).await;
    assert!(matches!(refused, Err(Error::Illegal { .. })), "{refused:?}");
    let again = Operation { id: ground.source.id(), ..quick.clone() };
    let second = book.add_operation(&again).await;
    assert!(matches!(second, Err(Error::Illegal { .. })), "one at a time: {second:?}");
    let done = Operation { state: OperationState::Done, ..quick };
    book.note_operation(&done).await.expect("noted");
    book.add_operation(&again).await.expect("the first is over");
    let listed = book.list_operations(Some(&ground.tenant.slug), 10).await.expect("a list");
    assert_eq!(listed.len(), 2);
    assert_eq!(book.open_operations().await.expect("a list").len(), 1);
}

//! Tables of record types that are not vivero's own.

use super::Harness;
use super::ground::{Ground, record_of, sort_by};
use super::sample::Sample;
use super::sorting::{every_sort, tied_samples};
use crate::Record;
use crate::ids::{RecordId, UserId};
use crate::port::TenantStore;
use crate::query::{Predicate, Query};
use crate::record::Row;
use futures_util::future::join_all;
use std::sync::Arc;

/// A record type as it was at first.
#[derive(Debug, Clone, PartialEq, Record)]
#[record(table = "conformance_barrels", resource = "barrel")]
struct BarrelBefore {
    id: RecordId<Self>,
    #[record(unique, sort, search, max = 32)]
    number: String,
    litres: i64,
}

/// The same record type with columns that were declared later.
#[derive(Debug, Clone, PartialEq, Record)]
#[record(table = "conformance_barrels", resource = "barrel")]
struct BarrelNow {
    id: RecordId<Self>,
    #[record(unique, sort, search, max = 32)]
    number: String,
    #[record(filter, sort, max = 32)]
    wood: Option<String>,
    litres: i64,
    #[record(sort, sum)]
    emptied: Option<i64>,
    #[record(filter)]
    cooper: UserId,
}

async fn ensure<R: Record>(store: &dyn TenantStore) {
    store.ensure(R::SCHEMA).await.expect("making a table or bringing it up to date");
}

async fn barrels<R: Record>(ground: &Ground, sort: Option<&'static str>) -> Vec<R> {
    let mut query = Query::new(Predicate::All, 100);
    query.sort = sort_by(R::SCHEMA, sort, false);
    ground.list_in(R::SCHEMA, &query).await.iter().map(record_of).collect()
}

pub(super) async fn a_table_of_ones_own_is_made_once(harness: &dyn Harness) {
    let ground = Ground::new(harness, "made once").await;
    ensure::<BarrelBefore>(&*ground.store).await;
    let id = RecordId::from_uuid(ground.source.id());
    let barrel = BarrelBefore { id, number: "B-1".into(), litres: 225 };
    ground.create_one(barrel.clone()).await;
    for _ in 0..3 {
        ensure::<BarrelBefore>(&*ground.store).await;
        let kept: Vec<BarrelBefore> = barrels(&ground, Some("number")).await;
        assert_eq!(kept, std::slice::from_ref(&barrel), "making it again keeps what is in it");
    }
    ground.assert_counts("with a table of one's own").await;
    let ground = ground.reopen(harness).await;
    ensure::<BarrelBefore>(&*ground.store).await;
    let kept: Vec<BarrelBefore> = barrels(&ground, None).await;
    assert_eq!(kept, [barrel], "so does making it again after reopening");
    ground.assert_counts("with a table of one's own, reopened").await;
}

pub(super) async fn a_column_declared_later_is_added(harness: &dyn Harness) {
    let ground = Ground::new(harness, "added").await;
    ensure::<BarrelBefore>(&*ground.store).await;
    let id = RecordId::from_uuid(ground.source.id());
    ground.create_one(BarrelBefore { id, number: "B-1".into(), litres: 225 }).await;
    ground.seal().await;

    let ground = ground.reopen(harness).await;
    ensure::<BarrelNow>(&*ground.store).await;
    ensure::<BarrelNow>(&*ground.store).await;
    let old: Vec<BarrelNow> = barrels(&ground, None).await;
    let wanted = BarrelNow {
        id: RecordId::from_uuid(id.uuid()),
        number: "B-1".into(),
        wood: None,
        litres: 225,
        emptied: None,
        cooper: UserId::from_uuid(crate::Uuid::nil()),
    };
    assert_eq!(old, std::slice::from_ref(&wanted), "an old row has no value in the new columns");
    let second = RecordId::from_uuid(ground.source.id());
    let oak = Some("oak".to_owned());
    let new = BarrelNow {
        id: second,
        number: "B-2".into(),
        wood: oak,
        litres: 300,
        emptied: Some(2),
        cooper: UserId::from_uuid(ground.source.id()),
    };
    ground.create_one(new.clone()).await;
    let edit = |b: &mut BarrelNow| b.wood = Some("chestnut".into());
    ground.edit(id.uuid(), edit).await;
    for sort in [Some("wood"), Some("number"), None] {
        let all: Vec<BarrelNow> = barrels(&ground, sort).await;
        let chestnut = BarrelNow { wood: Some("chestnut".into()), ..wanted.clone() };
        assert_eq!(all, [chestnut, new.clone()], "new columns are written, read and sorted by");
    }
    let query = Query::new(Predicate::Equals("wood", crate::Value::Text("oak".into())), 10);
    let rows: Vec<Row> = ground.list_in(BarrelNow::SCHEMA, &query).await;
    assert_eq!(rows.len(), 1, "and filtered by");
    let query = Query::new(Predicate::Equals("cooper", crate::Value::Id(crate::Uuid::nil())), 10);
    let rows: Vec<Row> = ground.list_in(BarrelNow::SCHEMA, &query).await;
    assert_eq!(rows.len(), 1, "an id that is needed is the nil one in old rows");
    ground.assert_counts("with a column declared later").await;
}

pub(super) async fn a_table_made_twice_at_once_is_made_once(harness: &dyn Harness) {
    let ground = Ground::new(harness, "twice at once").await;
    let tasks = (0..8).map(|_| {
        let store = Arc::clone(&ground.store);
        tokio::spawn(async move { store.ensure(BarrelNow::SCHEMA).await })
    });
    for task in join_all(tasks).await {
        task.expect("no panic").expect("each finds the table made");
    }
    assert!(barrels::<BarrelNow>(&ground, None).await.is_empty(), "and empty");
}

pub(super) async fn two_record_types_do_not_mix(harness: &dyn Harness) {
    let ground = Ground::new(harness, "mix types").await;
    ensure::<BarrelBefore>(&*ground.store).await;
    let id = RecordId::from_uuid(ground.source.id());
    ground.create_one(BarrelBefore { id, number: "SAME".into(), litres: 1 }).await;
    assert_eq!(ground.find(id.uuid()).await, None, "an id is looked for in its own table");
    let sample = Sample::new(id.uuid(), "SAME");
    ground.create_one(sample).await;
    ground.edit(id.uuid(), |s: &mut Sample| s.pieces = 1).await;
    ground.seal().await;
    for (schema, versions) in [(Sample::SCHEMA, vec![2, 1]), (BarrelBefore::SCHEMA, vec![1])] {
        let entries = ground.store.history(schema, id.uuid(), None, 10).await.expect("history");
        let told: Vec<i64> = entries.iter().map(|e| e.version).collect();
        assert_eq!(told, versions, "each type has its own history, also of equal ids");
    }
    let mut rows = ground.store.read().await.expect("a connection for reading");
    let since = rows.changes_since(BarrelBefore::SCHEMA, id.uuid(), 0, 10).await.expect("changes");
    assert_eq!(since.len(), 1, "and its own changes");
    drop(rows);
    ground.assert_counts("with two record types").await;
}

pub(super) async fn a_table_that_was_filled_is_as_quick_and_whole_as_any(harness: &dyn Harness) {
    let ground = Ground::new(harness, "filling").await;
    let fill = |on| ground.store.filling(Sample::SCHEMA, on);
    fill(true).await.expect("an empty table may be filled");
    let ids = tied_samples(&ground, 24).await;
    assert!(ground.find(ids[3]).await.is_some(), "a row is found by its id meanwhile");
    // What is filled a second time has rows: nothing happens to it.
    fill(true).await.expect("filling twice does no harm");
    fill(false).await.expect("the filling ends");
    fill(false).await.expect("ending twice does no harm");
    fill(true).await.expect("a table with rows stays as it is");
    for sort in every_sort() {
        let query = Query { sort, ..Query::new(Predicate::All, 100) };
        assert_eq!(ground.list(&query).await.len(), 24, "every row is listed by every sort");
    }
    ground.assert_counts("after filling").await;
}

pub(super) async fn a_filling_that_was_cut_off_is_made_whole_at_the_next_opening(
    harness: &dyn Harness,
) {
    let ground = Ground::new(harness, "filling cut off").await;
    ground.store.filling(Sample::SCHEMA, true).await.expect("an empty table may be filled");
    tied_samples(&ground, 24).await;
    let ground = ground.reopen(harness).await;
    for sort in every_sort() {
        let query = Query { sort, ..Query::new(Predicate::All, 100) };
        assert_eq!(ground.list(&query).await.len(), 24, "every row is listed by every sort");
    }
}

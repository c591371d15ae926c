//! What the cases stand on: a tenant with time, ids and dice, and the writes and reads of a service
//! without its rules.

use super::Harness;
use super::sample::Sample;
use crate::clock::{Clock as _, IdSource as _, ManualClock, SeededIds};
use crate::error::ErrorKind;
use crate::ids::{SYSTEM_ACTOR, TenantId, UserId};
use crate::journal::{Actor, Changes, CountKey, Entry};
use crate::location::{Location, LocationKind};
use crate::page::Cursor;
use crate::port::{Fleet, Provision, TenantStore, Work};
use crate::query::{Deleted, Predicate, Query, Sort};
use crate::record::{Record, Row, Schema, Stored};
use crate::tenant::{OperationType, Plan, Tenant};
use crate::{Error, LocationId, Uuid, Value};
use chrono::{DateTime, Duration, Utc};
use std::collections::BTreeMap;
use std::sync::Arc;

/// 2026-03-01T08:00:00Z.
const START: i64 = 1_772_352_000;

/// Instants, ids and chance that depend on a name alone.
#[derive(Debug)]
pub(super) struct Source {
    clock: ManualClock,
    ids: SeededIds,
}

impl Source {
    pub(super) fn new(name: &str) -> Self {
        let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let start = DateTime::from_timestamp(START, 0).expect("a date in range");
        Self { clock: ManualClock::new(start), ids: SeededIds::new(seed) }
    }
    /// Each call is a little later than the one before.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.advance(Duration::microseconds(1_001));
        self.clock.now()
    }
    pub(super) fn id(&self) -> Uuid {
        self.ids.id(self.now())
    }
    pub(super) fn fill(&self, bytes: &mut [u8]) {
        self.ids.fill(bytes);
    }
    pub(super) fn dice(&self, sides: usize) -> usize {
        let mut bytes = [0; 8];
        self.ids.fill(&mut bytes);
        let sides = u64::try_from(sides).expect("fits");
        usize::try_from(u64::from_le_bytes(bytes) % sides).expect("fits")
    }
    pub(super) fn pick<'t, T>(&self, from: &'t [T]) -> &'t T {
        &from[self.dice(from.len())]
    }
    pub(super) fn sample(&self, code: impl Into<String>) -> Sample {
        Sample::new(self.id(), code)
    }
    pub(super) fn provision(&self, slug: &str) -> Provision {
        Provision {
            id: TenantId::from_uuid(self.id()),
            slug: slug.parse().expect("a slug that fits"),
            organization: format!("Organisation of {slug}"),
            operation_type: OperationType::ContainerNursery,
            plan: Plan::Contract,
            at: self.now(),
            key: None,
            fingerprint: None,
            seed: Vec::new(),
            entries: Vec::new(),
        }
    }
}

/// One tenant of a fresh fleet, with the table of [`Sample`].
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) fleet: Arc<dyn Fleet>,
    pub(super) tenant: Tenant,
    pub(super) store: Arc<dyn TenantStore>,
    pub(super) source: Arc<Source>,
    /// Who acts.
    pub(super) by: UserId,
}

impl Ground {
    pub(super) async fn new(harness: &dyn Harness, name: &str) -> Self {
        let source = Arc::new(Source::new(name));
        Self::in_fleet(harness.fleet().await, source, "first-tenant").await
    }

    pub(super) async fn in_fleet(fleet: Arc<dyn Fleet>, source: Arc<Source>, slug: &str) -> Self {
        let tenant = fleet.provision(source.provision(slug)).await.expect("provisioning a tenant");
        let store = fleet.open(&tenant).await.expect("opening a tenant");
        store.ensure(Sample::SCHEMA).await.expect("making a table");
        let by = UserId::from_uuid(source.id());
        Self { fleet, tenant, store, source, by }
    }

    /// The same tenant after closing and opening the storage.
    pub(super) async fn reopen(self, harness: &dyn Harness) -> Self {
        let Self { fleet, tenant, store, source, by } = self;
        drop(store);
        let fleet = harness.reopen(fleet).await;
        let found = fleet.find(tenant.id).await.expect("finding a tenant after reopening");
        let tenant = Tenant::clone(&found.expect("a tenant is in the registry after reopening"));
        let store = fleet.open(&tenant).await.expect("opening a tenant after reopening");
        store.ensure(Sample::SCHEMA).await.expect("bringing a table up to date after reopening");
        Self { fleet, tenant, store, source, by }
    }

    pub(super) fn row<R: Record>(&self, record: R) -> Row {
        let at = self.source.now();
        Row {
            seq: 0,
            id: record.record_id(),
            version: 1,
            created_at: at,
            created_by: self.by.uuid(),
            updated_at: at,
            updated_by: self.by.uuid(),
            deleted_at: None,
            values: record.into_values(),
        }
    }

    pub(super) fn entry<R: Record>(&self, action: &str, row: &Row, changes: Changes) -> Entry {
        let resource = R::SCHEMA.resource;
        Entry {
            at: row.updated_at,
            actor: Actor::User { id: self.by },
            action: format!("{resource}.{action}"),
            resource: resource.into(),
            record_id: row.id,
            version: row.version,
            changes,
            cause: None,
        }
    }

    pub(super) async fn begin(&self) -> Box<dyn Work> {
        self.store.begin().await.expect("beginning a work")
    }

    /// Adds records with their entries, within a work.
    pub(super) async fn add<R: Record>(&self, work: &mut dyn Work, records: Vec<R>) -> Vec<Uuid> {
        let rows: Vec<Row> = records.into_iter().map(|r| self.row(r)).collect();
        let ids = rows.iter().map(|r| r.id).collect();
        let created = |row: &Row| Changes::between(R::SCHEMA, None, Some(&row.values));
        let entries = rows.iter().map(|r| self.entry::<R>("create", r, created(r))).collect();
        work.insert(R::SCHEMA, rows).await.expect("inserting rows");
        work.journal(entries).await.expect("journalling");
        ids
    }

    /// Adds records in a work of their own.
    pub(super) async fn create<R: Record>(&self, records: Vec<R>) -> Vec<Uuid> {
        let mut work = self.begin().await;
        let ids = self.add(&mut *work, records).await;
        work.commit().await.expect("committing");
        ids
    }

    pub(super) async fn create_one<R: Record>(&self, record: R) -> Uuid {
        self.create(vec![record]).await[0]
    }

    /// The successor of a row, with the entry that tells of the change.
    pub(super) fn successor<R: Record>(&self, row: &Row, record: R) -> (Row, Entry) {
        let after = record.into_values();
        let changes = Changes::between(R::SCHEMA, Some(&row.values), Some(&after));
        let new = Row {
            version: row.version + 1,
            updated_at: self.source.now(),
            updated_by: self.by.uuid(),
            values: after,
            ..row.clone()
        };
        let entry = self.entry::<R>("update", &new, changes);
        (new, entry)
    }

    /// Changes a record in a work of its own.
    pub(super) async fn edit<R: Record>(&self, id: Uuid, edit: impl FnOnce(&mut R)) -> Row {
        let mut work = self.begin().await;
        let new = self.edit_in(&mut *work, id, edit).await;
        work.commit().await.expect("committing");
        new
    }

    pub(super) async fn edit_in<R: Record>(
        &self,
        work: &mut dyn Work,
        id: Uuid,
        edit: impl FnOnce(&mut R),
    ) -> Row {
        let found = work.find(R::SCHEMA, id, &Predicate::All, Deleted::Hidden).await;
        let row = found.expect("finding a row").expect("the row is there");
        let mut record = record_of::<R>(&row);
        edit(&mut record);
        let (new, entry) = self.successor(&row, record);
        let done = work.update(R::SCHEMA, &row, new.clone()).await.expect("updating a row");
        assert!(done, "an update with the stored version is done");
        work.journal(vec![entry]).await.expect("journalling");
        new
    }

    /// Deletes or recovers a record in a work of its own.
    pub(super) async fn set_deleted<R: Record>(&self, id: Uuid, deleted: bool) -> Row {
        let mut work = self.begin().await;
        let new = self.set_deleted_in::<R>(&mut *work, id, deleted).await;
        work.commit().await.expect("committing");
        new
    }

    pub(super) async fn set_deleted_in<R: Record>(
        &self,
        work: &mut dyn Work,
        id: Uuid,
        deleted: bool,
    ) -> Row {
        let which = if deleted { Deleted::Hidden } else { Deleted::Only };
        let found = work.find(R::SCHEMA, id, &Predicate::All, which).await;
        let row = found.expect("finding a row").expect("the row is there");
        let at = self.source.now();
        let new = Row {
            version: row.version + 1,
            updated_at: at,
            updated_by: self.by.uuid(),
            deleted_at: deleted.then_some(at),
            ..row.clone()
        };
        let (action, before, after) = if deleted {
            ("delete", Some(&row.values[..]), None)
        } else {
            ("recover", None, Some(&row.values[..]))
        };
        let entry = self.entry::<R>(action, &new, Changes::between(R::SCHEMA, before, after));
        let done = work.update(R::SCHEMA, &row, new.clone()).await.expect("updating a row");
        assert!(done, "a deletion with the stored version is done");
        work.journal(vec![entry]).await.expect("journalling");
        new
    }

    pub(super) async fn find(&self, id: Uuid) -> Option<Row> {
        self.find_in(Sample::SCHEMA, id, &Predicate::All, Deleted::Hidden).await
    }

    pub(super) async fn find_in(
        &self,
        schema: &'static Schema,
        id: Uuid,
        scope: &Predicate,
        deleted: Deleted,
    ) -> Option<Row> {
        let mut rows = self.store.read().await.expect("a connection for reading");
        rows.find(schema, id, scope, deleted).await.expect("finding a row")
    }

    pub(super) async fn list(&self, query: &Query) -> Vec<Row> {
        self.list_in(Sample::SCHEMA, query).await
    }

    pub(super) async fn list_in(&self, schema: &'static Schema, query: &Query) -> Vec<Row> {
        let mut rows = self.store.read().await.expect("a connection for reading");
        rows.list(schema, query).await.expect("listing rows")
    }

    pub(super) async fn count(&self, query: &Query) -> u64 {
        self.count_in(Sample::SCHEMA, query).await
    }

    pub(super) async fn count_in(&self, schema: &'static Schema, query: &Query) -> u64 {
        let mut rows = self.store.read().await.expect("a connection for reading");
        rows.count(schema, query).await.expect("counting rows")
    }

    /// Every live sample, in the default order.
    pub(super) async fn all(&self) -> Vec<Row> {
        self.list(&Query::new(Predicate::All, 10_000)).await
    }

    pub(super) async fn seal(&self) -> u64 {
        self.store.seal().await.expect("sealing")
    }

    /// Asserts that sealed figures equal a recount.
    pub(super) async fn assert_counts(&self, when: &str) {
        let head = self.seal().await;
        let counts = self.store.counts().await.expect("the figures");
        assert_eq!(counts.position, head, "{when}: figures stand at the head after sealing");
        let recount = self.store.recount().await.expect("a recount");
        let projected = without_zeros(counts.values.iter());
        let counted = without_zeros(recount.iter());
        assert_eq!(projected, counted, "{when}: the projected figures (left) equal a recount");
    }

    /// A tree site → greenhouse → bed → bed, and a second site; all ids from the top down.
    pub(super) async fn plant_tree(&self) -> Vec<LocationId> {
        use LocationKind::{Bed, Greenhouse, Site};
        let plan =
            [(None, Site), (Some(0), Greenhouse), (Some(1), Bed), (Some(2), Bed), (None, Site)];
        let mut tree: Vec<Location> = Vec::new();
        for (i, (parent, kind)) in plan.into_iter().enumerate() {
            let id = LocationId::from_uuid(self.source.id());
            let parent = parent.map(|p: usize| &tree[p]);
            let above = parent.map_or("", |p| p.path.as_str());
            tree.push(Location {
                id,
                parent_id: parent.map(|p| p.id),
                kind,
                code: format!("P-{i}"),
                name: format!("Place {i}"),
                area_dm2: None,
                path: format!("{above}{}/", id.uuid().simple()),
            });
        }
        let ids = tree.iter().map(|l| l.id).collect();
        self.create(tree).await;
        ids
    }
}

/// Reads a row as a record.
pub(super) fn record_of<R: Record>(row: &Row) -> R {
    Stored::<R>::from_row(row.clone()).expect("a row that decodes").record
}

pub(super) fn codes(rows: &[Row]) -> Vec<String> {
    rows.iter().map(|r| record_of::<Sample>(r).code).collect()
}

pub(super) fn without_zeros<'c>(
    counts: impl Iterator<Item = (&'c CountKey, &'c i128)>,
) -> BTreeMap<CountKey, i128> {
    counts.filter(|(_, n)| **n != 0).map(|(key, n)| (key.clone(), *n)).collect()
}

/// A sort as a caller asks for it.
pub(super) fn sort_by(schema: &'static Schema, column: Option<&str>, descending: bool) -> Sort {
    let minus = if descending { "-" } else { "" };
    let text = format!("{minus}{}", column.unwrap_or("created_at"));
    Sort::parse(&text, schema).expect("a declared sort")
}

/// The cursor after `row`, through the text a caller would send back.
pub(super) fn cursor_after(row: &Row, sort: Sort, schema: &Schema) -> Cursor {
    let key = match sort.column {
        None => Value::Null,
        Some("updated_at") => Value::Time(row.updated_at),
        Some(name) => row.values[schema.index_of(name).expect("a column of the schema")].clone(),
    };
    let cursor = Cursor { sort: sort.name(), key, seq: row.seq };
    Cursor::decode(&cursor.encode(), &sort.name()).expect("a cursor reads itself back")
}

/// Whether trying again is what the error asks for.
pub(super) fn may_retry(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Unavailable)
}

/// The actor of rows no person made.
pub(super) const NOBODY: Uuid = SYSTEM_ACTOR;

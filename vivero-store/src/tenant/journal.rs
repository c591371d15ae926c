//! The journal on disk: appending, sealing, reading, verifying.

use super::figures;
use crate::backend::{Addition, Backend, Cells, Meaning, Sql};
use std::collections::HashMap;
use uuid::Uuid;
use vivero_core::ids::TenantId;
use vivero_core::journal::{
    Actor, Anchor, ChainBreak, ChainReport, Changes, CountKey, Entry, SealedEntry, StoredText,
    count_deltas, genesis, instant, link,
};
use vivero_core::record::{Kind, Schema};
use vivero_core::{Error, Result, Value};

const ENTRY: &str =
    "j.at, j.actor, j.action, j.resource, j.record_id, j.version, j.changes, j.cause";
/// What appends entries, up to their values.
const HEAD: &str =
    "INSERT INTO journal (at, actor, action, resource, record_id, version, changes, cause) VALUES ";
/// Parameters of one statement: SQLite takes 32,766, MariaDB 65,535.
const ROWS_AT_ONCE: usize = 500;
/// Entries sealed in one transaction: more would keep writers waiting.
pub(crate) const SEAL_AT_ONCE: i64 = 4_000;
/// Entries and figures of a small seal, which are rows of three statements: what is written in many delays of a
/// sealer under load.
const SMALL: usize = 1_000;

pub(crate) async fn append<B: Backend>(
    connection: &mut B::Connection,
    entries: Vec<Entry>,
) -> Result<()> {
    for sql in additions(entries)? {
        B::defer(connection, sql).await.map_err(Into::<Error>::into)?;
    }
    Ok(())
}

/// What appends one entry.
pub(crate) fn addition(entry: Entry) -> Result<Addition> {
    let (head, row) = (HEAD.to_owned(), values(entry)?);
    Ok(Addition { head, row, may_combine: false, guard: None, meaning: Meaning::Plain })
}

/// Statements that append entries.
pub(crate) fn additions(entries: Vec<Entry>) -> Result<Vec<Sql>> {
    let mut all = Vec::new();
    let mut entries = entries.into_iter().peekable();
    while entries.peek().is_some() {
        let mut sql = Sql::new(HEAD);
        for (i, entry) in entries.by_ref().take(ROWS_AT_ONCE).enumerate() {
            sql.add(if i == 0 { "" } else { ", " }).append(Sql::row(values(entry)?));
        }
        all.push(sql);
    }
    Ok(all)
}

fn values(entry: Entry) -> Result<Vec<Value>> {
    let changes =
        serde_json::to_string(&entry.changes).map_err(|e| Error::internal("writing changes", e))?;
    Ok(vec![
        Value::Time(entry.at),
        Value::Text(entry.actor.encode()),
        Value::Text(entry.action),
        Value::Text(entry.resource),
        Value::Id(entry.record_id),
        Value::Int(entry.version),
        Value::Text(changes),
        entry.cause.map_or(Value::Null, Value::Text),
    ])
}

/// An entry as its columns hold it.
struct Raw {
    at: chrono::DateTime<chrono::Utc>,
    actor: String,
    action: String,
    resource: String,
    record_id: Uuid,
    version: i64,
    changes: String,
    cause: Option<String>,
}

impl Raw {
    /// Kinds of the columns of [`ENTRY`].
    const KINDS: [Kind; 8] = [
        Kind::Time,
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Id,
        Kind::Int,
        Kind::Text,
        Kind::Text,
    ];

    /// From the columns of [`ENTRY`] that begin at `from`.
    fn read(row: &mut Cells, from: usize) -> Result<Self> {
        Ok(Self {
            at: row.time(from).ok_or_else(|| Error::corrupt("journal.at"))?,
            actor: row.text(from + 1),
            action: row.text(from + 2),
            resource: row.text(from + 3),
            record_id: row.id(from + 4),
            version: row.int(from + 5),
            changes: row.text(from + 6),
            cause: row.opt_text(from + 7),
        })
    }
    fn link(&self, previous: &[u8; 32], position: u64) -> [u8; 32] {
        link(
            previous,
            position,
            &StoredText {
                at: &instant(self.at),
                actor: &self.actor,
                action: &self.action,
                resource: &self.resource,
                record_id: self.record_id,
                version: self.version,
                changes: &self.changes,
                cause: self.cause.as_deref(),
            },
        )
    }
    /// Only the changes that figures are made of; the rest is passed over unread.
    fn counted_changes(&self, schema: &Schema) -> Result<Changes> {
        let bad = |_| Error::corrupt("journal.changes");
        let all: HashMap<&str, &serde_json::value::RawValue> =
            serde_json::from_str(&self.changes).map_err(bad)?;
        let mut changes = Changes::default();
        for column in schema.columns.iter().filter(|c| c.count || c.sum) {
            if let Some(change) = all.get(column.name) {
                changes.0.insert(
                    column.name.to_owned(),
                    serde_json::from_str(change.get()).map_err(bad)?,
                );
            }
        }
        Ok(changes)
    }
    fn into_entry(self) -> Result<Entry> {
        Ok(Entry {
            at: self.at,
            actor: Actor::decode(&self.actor).ok_or_else(|| Error::corrupt("journal.actor"))?,
            action: self.action,
            resource: self.resource,
            record_id: self.record_id,
            version: self.version,
            changes: serde_json::from_str::<Changes>(&self.changes)
                .map_err(|_| Error::corrupt("journal.changes"))?,
            cause: self.cause,
        })
    }
}

/// The end of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) position: u64,
    pub(crate) hash: [u8; 32],
    seq: i64,
}

impl Head {
    /// Whether everything up to that row of the journal is sealed.
    pub(crate) fn covers(&self, seq: i64) -> bool {
        self.seq >= seq
    }
}

/// The last row of the journal, sealed or not; 0 if there is none.
pub(crate) async fn last<B: Backend>(connection: &mut B::Connection) -> Result<i64> {
    Ok(Sql::new("SELECT max(seq) FROM journal").number::<B>(connection).await?.unwrap_or(0))
}

pub(crate) async fn head<B: Backend>(
    connection: &mut B::Connection,
    tenant: TenantId,
) -> Result<Head> {
    let row = Sql::new("SELECT position, hash, seq FROM chain WHERE one = 1")
        .first::<B>(connection, &[Kind::Int, Kind::Bytes, Kind::Int])
        .await?;
    match row {
        None => Ok(Head { position: 0, hash: genesis(tenant), seq: 0 }),
        Some(row) => Ok(Head { position: row.natural(0), hash: row.hash(1)?, seq: row.int(2) }),
    }
}

/// Whether a database has the change that was anchored, at its position and with its hash.
pub(crate) async fn has<B: Backend>(
    connection: &mut B::Connection,
    tenant: TenantId,
    anchor: Anchor,
) -> Result<bool> {
    if anchor.position == 0 {
        return Ok(true);
    }
    let head = head::<B>(connection, tenant).await?;
    if head.position <= anchor.position {
        return Ok((head.position, head.hash) == (anchor.position, anchor.hash));
    }
    let found = Sql::new("SELECT hash FROM journal_seal WHERE position = ?")
        .with(Value::Int(i64::try_from(anchor.position).unwrap_or(i64::MAX)))
        .first::<B>(connection, &[Kind::Bytes])
        .await?;
    Ok(found.is_some_and(|row| row.hash(0).is_ok_and(|hash| hash == anchor.hash)))
}

/// A seal that is worked out but not written.
pub(crate) struct Sealing {
    /// The head it goes on from.
    pub(crate) from: Head,
    /// The head it makes.
    pub(crate) to: Head,
    /// The figures that change.
    pub(crate) deltas: HashMap<CountKey, i128>,
    links: Vec<(u64, i64, [u8; 32])>,
}

impl Sealing {
    /// Whether writing it takes about as long as a short work.
    pub(crate) fn is_small(&self) -> bool {
        self.links.len() + self.deltas.len() <= SMALL
    }
}

/// Works out the next seal, of up to [`SEAL_AT_ONCE`] entries, on a reading connection: hashing and
/// counting keep no writer waiting. `None` if there is nothing to seal.
pub(crate) async fn prepare_seal<B: Backend>(
    connection: &mut B::Connection,
    tenant: TenantId,
    schemas: &[&'static Schema],
) -> Result<Option<Sealing>> {
    let from = head::<B>(connection, tenant).await?;
    let kinds: Vec<Kind> = [Kind::Int].into_iter().chain(Raw::KINDS).collect();
    let rows = Sql::new(format!(
        "SELECT j.seq, {ENTRY} FROM journal j WHERE j.seq > ? ORDER BY j.seq LIMIT ?"
    ))
    .with(Value::Int(from.seq))
    .with(Value::Int(SEAL_AT_ONCE))
    .fetch::<B>(connection, &kinds)
    .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut to = from;
    let mut deltas: HashMap<CountKey, i128> = HashMap::new();
    let mut links = Vec::with_capacity(rows.len());
    for mut row in rows {
        let raw = Raw::read(&mut row, 1)?;
        to.position += 1;
        to.seq = row.int(0);
        to.hash = raw.link(&to.hash, to.position);
        links.push((to.position, to.seq, to.hash));
        if let Some(schema) = schemas.iter().find(|s| s.resource == raw.resource && counted(s)) {
            for (key, by) in count_deltas(schema, &raw.action, &raw.counted_changes(schema)?) {
                *deltas.entry(key).or_default() += by;
            }
        }
    }
    deltas.retain(|_, by| *by != 0);
    Ok(Some(Sealing { from, to, deltas, links }))
}

/// Writes a seal inside the caller's transaction; `false` if another was faster.
pub(crate) async fn write_seal<B: Backend>(
    connection: &mut B::Connection,
    tenant: TenantId,
    sealing: &Sealing,
) -> Result<bool> {
    if head::<B>(connection, tenant).await? != sealing.from {
        return Ok(false);
    }
    for chunk in sealing.links.chunks(ROWS_AT_ONCE) {
        let mut sql = Sql::new("INSERT INTO journal_seal (position, seq, hash) VALUES ");
        for (i, (at, seq, hash)) in chunk.iter().enumerate() {
            sql.add(if i == 0 { "(?, ?, ?)" } else { ", (?, ?, ?)" });
            sql.bind(position(*at)).bind(Value::Int(*seq)).bind(Value::Bytes(hash.to_vec()));
        }
        B::defer(connection, sql).await.map_err(Into::<Error>::into)?;
    }
    figures::add::<B>(connection, sealing.deltas.iter().map(|(key, by)| (key, *by))).await?;
    let sql = if sealing.from.position == 0 {
        "INSERT INTO chain (position, hash, seq, one) VALUES (?, ?, ?, 1)"
    } else {
        "UPDATE chain SET position = ?, hash = ?, seq = ? WHERE one = 1"
    };
    let sql = Sql::new(sql)
        .with(position(sealing.to.position))
        .with(Value::Bytes(sealing.to.hash.to_vec()))
        .with(Value::Int(sealing.to.seq));
    B::defer(connection, sql).await.map_err(Into::<Error>::into)?;
    Ok(true)
}

/// Whether a record type has figures: all but vivero's own books have at least their number.
pub(crate) fn counted(schema: &Schema) -> bool {
    !matches!(schema.resource, "credential" | "session")
}

fn position(position: u64) -> Value {
    Value::Int(i64::try_from(position).unwrap_or(i64::MAX))
}

pub(crate) async fn changes_since<B: Backend>(
    connection: &mut B::Connection,
    schema: &Schema,
    record: Uuid,
    after: i64,
    limit: u32,
) -> Result<Vec<Entry>> {
    Sql::new(format!(
        "SELECT {ENTRY} FROM journal j WHERE j.record_id = ? AND j.version > ? AND j.resource = ? \
         ORDER BY j.version, j.seq LIMIT ?"
    ))
    .with(Value::Id(record))
    .with(Value::Int(after))
    .with(Value::Text(schema.resource.into()))
    .with(Value::Int(limit.into()))
    .fetch::<B>(connection, &Raw::KINDS)
    .await?
    .iter_mut()
    .map(|row| Raw::read(row, 0)?.into_entry())
    .collect()
}

pub(crate) async fn history<B: Backend>(
    connection: &mut B::Connection,
    schema: &Schema,
    record: Uuid,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Entry>> {
    Sql::new(format!(
        "SELECT {ENTRY} FROM journal j WHERE j.record_id = ? AND j.version < ? AND j.resource = ? \
         ORDER BY j.version DESC, j.seq DESC LIMIT ?"
    ))
    .with(Value::Id(record))
    .with(Value::Int(before.unwrap_or(i64::MAX)))
    .with(Value::Text(schema.resource.into()))
    .with(Value::Int(limit.into()))
    .fetch::<B>(connection, &Raw::KINDS)
    .await?
    .iter_mut()
    .map(|row| Raw::read(row, 0)?.into_entry())
    .collect()
}

/// Sealed entries in order: after `from` upwards, or before it downwards.
pub(crate) async fn feed<B: Backend>(
    connection: &mut B::Connection,
    from: u64,
    backwards: bool,
    limit: u32,
) -> Result<Vec<SealedEntry>> {
    let (sign, order) = if backwards { ("<", " DESC") } else { (">", "") };
    let kinds: Vec<Kind> = [Kind::Int, Kind::Bytes].into_iter().chain(Raw::KINDS).collect();
    let mut rows = Sql::new(format!(
        "SELECT s.position, s.hash, {ENTRY} FROM journal_seal s JOIN journal j ON j.seq = s.seq \
         WHERE s.position {sign} ? ORDER BY s.position{order} LIMIT ?"
    ))
    .with(position(from))
    .with(Value::Int(limit.into()))
    .fetch::<B>(connection, &kinds)
    .await?;
    rows.iter_mut()
        .map(|row| {
            Ok(SealedEntry {
                position: row.natural(0),
                hash: row.hash(1)?,
                entry: Raw::read(row, 2)?.into_entry()?,
            })
        })
        .collect()
}

/// Recomputes the chain in pieces, so that memory does not grow with it.
pub(crate) async fn verify<B: Backend>(
    connection: &mut B::Connection,
    tenant: TenantId,
    anchor: Option<Anchor>,
) -> Result<ChainReport> {
    let head = head::<B>(connection, tenant).await?;
    let mut report =
        ChainReport { checked: 0, head: head.position, unsealed: 0, breaks: Vec::new() };
    let mut previous = genesis(tenant);
    let mut at = 0;
    let kinds: Vec<Kind> =
        [Kind::Int, Kind::Bytes, Kind::Int].into_iter().chain(Raw::KINDS).collect();
    'chain: loop {
        // The journal may have been thinned out: a seal without its entry must not be overlooked.
        let rows = Sql::new(format!(
            "SELECT s.position, s.hash, j.seq, {ENTRY} FROM journal_seal s LEFT JOIN journal j ON j.seq = s.seq \
             WHERE s.position > ? ORDER BY s.position LIMIT ?"
        ))
        .with(position(at))
        .with(Value::Int(2_000))
        .long()
        .fetch::<B>(connection, &kinds)
        .await?;
        if rows.is_empty() {
            break;
        }
        for mut row in rows {
            let here = row.natural(0);
            if here != at + 1 {
                report.fail(
                    at + 1,
                    "missing",
                    format!("positions {} to {} are missing", at + 1, here - 1),
                );
                break 'chain;
            }
            at = here;
            if row.is_null(2) {
                report.fail(here, "missing", "the sealed entry is gone".into());
                break 'chain;
            }
            let sealed = row.hash(1)?;
            let computed = Raw::read(&mut row, 3)?.link(&previous, here);
            if computed != sealed {
                report.fail(
                    here,
                    "edited",
                    "the entry or an earlier one is not what was sealed".into(),
                );
                break 'chain;
            }
            if let Some(anchor) = anchor.filter(|a| a.position == here)
                && anchor.hash != sealed
            {
                report.fail(
                    here,
                    "anchor_mismatch",
                    "the chain is not the one that was anchored".into(),
                );
            }
            report.checked += 1;
            previous = sealed;
        }
    }
    if report.breaks.is_empty() {
        if at != head.position || previous != head.hash {
            report.fail(
                at,
                "truncated",
                format!("the chain ends at {at}, its head says {}", head.position),
            );
        }
        if let Some(anchor) = anchor.filter(|a| a.position > at) {
            report.fail(
                at,
                "truncated",
                format!("position {} was anchored, the chain ends at {at}", anchor.position),
            );
        }
    }
    let unsealed = Sql::new("SELECT count(*) FROM journal WHERE seq > ?")
        .with(Value::Int(head.seq))
        .number::<B>(connection)
        .await?;
    report.unsealed = u64::try_from(unsealed.unwrap_or(0)).unwrap_or(0);
    Ok(report)
}

trait Fail {
    fn fail(&mut self, position: u64, kind: &'static str, detail: String);
}
impl Fail for ChainReport {
    fn fail(&mut self, position: u64, kind: &'static str, detail: String) {
        self.breaks.push(ChainBreak { position, kind, detail });
    }
}

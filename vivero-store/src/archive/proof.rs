//! What is proven while rows pass by: counts, digests, and the links of the chain.

use super::{Header, TableSum, Trailer, hex};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::collections::VecDeque;
use uuid::Uuid;
use vivero_core::copy::{CHAIN, JOURNAL, JOURNAL_SEAL, TableShape};
use vivero_core::journal::{StoredText, genesis, instant, link};
use vivero_core::{TenantId, Value};

/// Counts and digests of tables.
pub(super) struct Sums(Vec<(u64, u64, Sha256)>);

impl Sums {
    pub(super) fn new(tables: usize) -> Self {
        Self((0..tables).map(|_| (0, 0, Sha256::new())).collect())
    }
    pub(super) fn add(&mut self, table: usize, rows: usize, bytes: &[u8]) {
        if let Some((number, length, hash)) = self.0.get_mut(table) {
            *number += rows as u64;
            *length += bytes.len() as u64;
            hash.update(bytes);
        }
    }
    pub(super) fn trailer(self, tables: &[TableShape]) -> Trailer {
        let mut content = Sha256::new();
        let (mut rows, mut bytes) = (0, 0);
        let mut sums = Vec::with_capacity(tables.len());
        for (table, (number, length, hash)) in tables.iter().zip(self.0) {
            let digest = hash.finalize();
            content.update((table.name.len() as u64).to_be_bytes());
            content.update(table.name.as_bytes());
            content.update(number.to_be_bytes());
            content.update(digest);
            rows += number;
            bytes += length;
            sums.push(TableSum { name: table.name.clone(), rows: number, sha256: hex(&digest) });
        }
        Trailer { tables: sums, rows, bytes, content: hex(&content.finalize()) }
    }
}

/// What reading an archive to its end has proven.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Proof {
    /// What it says of itself.
    pub header: Header,
    /// Counts and digests, which are those of the rows.
    pub trailer: Trailer,
    /// Sealed entries whose links were recomputed and held.
    pub sealed: u64,
    /// Entries that were committed and not yet sealed.
    pub unsealed: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
}

/// Recomputes the chain as its rows pass by: entries come before the seals that name them.
pub(super) struct Links {
    columns: Option<Columns>,
    /// Entries whose seals are yet to come.
    entries: VecDeque<Vec<Value>>,
    /// Entries so far, and how many of them are sealed: the first, for sealing follows their order.
    seen: u64,
    sealed: u64,
    pub(super) position: u64,
    pub(super) hash: [u8; 32],
    pub(super) unsealed: u64,
    chain: Option<(u64, [u8; 32])>,
}

/// Where the journal's columns are.
#[derive(Clone, Copy)]
struct Columns([usize; 9]);

impl Columns {
    fn of(table: &TableShape) -> Option<Self> {
        let names = [
            "seq",
            "at",
            "actor",
            "action",
            "resource",
            "record_id",
            "version",
            "changes",
            "cause",
        ];
        let mut places = [0; 9];
        for (place, name) in places.iter_mut().zip(names) {
            *place = table.columns.iter().position(|c| c.name == name)?;
        }
        Some(Self(places))
    }
    fn link(self, row: &[Value], previous: &[u8; 32], position: u64) -> Option<[u8; 32]> {
        let text = |i: usize| {
            if let Some(Value::Text(t)) = row.get(self.0[i]) { Some(t.as_str()) } else { None }
        };
        let at = if let Some(Value::Time(at)) = row.get(self.0[1]) {
            instant(*at)
        } else {
            return None;
        };
        let record_id =
            if let Some(Value::Id(id)) = row.get(self.0[5]) { *id } else { Uuid::nil() };
        let version = if let Some(Value::Int(version)) = row.get(self.0[6]) { *version } else { 0 };
        let stored = StoredText {
            at: &at,
            actor: text(2)?,
            action: text(3)?,
            resource: text(4)?,
            record_id,
            version,
            changes: text(7)?,
            cause: text(8),
        };
        Some(link(previous, position, &stored))
    }
}

impl Links {
    pub(super) fn new(tenant: TenantId, sealed: u64, tables: &[TableShape]) -> Self {
        Self {
            seen: 0,
            sealed,
            columns: tables.iter().find(|t| t.name == JOURNAL).and_then(Columns::of),
            entries: VecDeque::new(),
            position: 0,
            hash: genesis(tenant),
            unsealed: 0,
            chain: None,
        }
    }

    /// Takes rows of a table; what is broken, in words.
    pub(super) fn add(&mut self, table: &TableShape, rows: &[Vec<Value>]) -> Result<(), String> {
        match table.name.as_str() {
            JOURNAL => {
                for row in rows {
                    self.seen += 1;
                    if self.seen <= self.sealed {
                        self.entries.push_back(row.clone());
                    } else {
                        self.unsealed += 1;
                    }
                }
                Ok(())
            }
            JOURNAL_SEAL => rows.iter().try_for_each(|row| self.seal(row)),
            CHAIN => {
                if let [_, Value::Int(position), Value::Bytes(hash), ..] =
                    rows.first().map_or(&[][..], |r| r)
                {
                    let hash = hash.as_slice().try_into().map_err(|_| "its head is no hash")?;
                    self.chain = Some((u64::try_from(*position).unwrap_or(0), hash));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn seal(&mut self, row: &[Value]) -> Result<(), String> {
        let [Value::Int(position), Value::Int(seq), Value::Bytes(hash)] = row else {
            return Err("a seal is of another form".into());
        };
        let position = u64::try_from(*position).unwrap_or(0);
        if position != self.position + 1 {
            return Err(format!("position {} is missing", self.position + 1));
        }
        let columns = self.columns.ok_or("the journal is of another form")?;
        let is = |row: &Vec<Value>| row.get(columns.0[0]) == Some(&Value::Int(*seq));
        let entry = self.entries.pop_front().filter(|entry| is(entry));
        let entry = entry.ok_or_else(|| format!("the entry at position {position} is missing"))?;
        let computed = columns.link(&entry, &self.hash, position);
        if computed.is_none_or(|c| c.as_slice() != hash.as_slice()) {
            return Err(format!(
                "the entry at position {position} or an earlier one is not what was sealed"
            ));
        }
        self.position = position;
        self.hash.copy_from_slice(hash);
        Ok(())
    }

    /// The end of all rows.
    pub(super) fn end(&mut self) -> Result<(), String> {
        let (position, hash) = self.chain.unwrap_or((0, self.hash));
        if position != self.position || hash != self.hash {
            return Err(format!("it ends at position {}, its head says {position}", self.position));
        }
        Ok(())
    }
}

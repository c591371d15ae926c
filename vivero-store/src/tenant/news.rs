//! What changed in a table since an index was right.

use super::plan::{Table, below_paths};
use crate::backend::{Backend, Cells, Sql};
use crate::bitmaps::mirror::At;
use uuid::Uuid;
use vivero_core::record::{Kind, Row};
use vivero_core::{Error, Result, Value};

/// What the turn leaps over: this many bits below count the turns.
const LEAP_BITS: u32 = 32;

/// How the turn numbers a state: works without entries of their own apart.
pub(super) const fn age(turn: i64) -> i64 {
    turn >> LEAP_BITS
}

/// What an entry of the journal is told by.
pub(super) const ENTRY: &str = "SELECT seq, record_id, at FROM journal";
pub(super) const ENTRY_KINDS: [Kind; 3] = [Kind::Int, Kind::Id, Kind::Time];

pub(super) fn entry(cells: Cells) -> At {
    At { seq: cells.int(0), record: cells.id(1), at: cells.time(2).unwrap_or_default() }
}

/// What happened since an index was right.
pub(super) struct News {
    pub(super) turn: i64,
    /// The last entry.
    pub(super) journal: At,
    /// Whether the entry they begin after is there.
    follow: bool,
    pub(super) rows: Vec<Row>,
    /// How many records the entries name.
    named: i64,
    /// All places, if some changed.
    pub(super) places: Vec<(Uuid, String)>,
}

/// Reads, in one state, what changed after an entry of the journal; no rows if there are too many entries.
pub(super) async fn news<B: Backend>(
    connection: &mut B::Connection,
    table: &Table,
    begin: At,
    most: i64,
) -> Result<News> {
    let since = begin.seq;
    let turn = B::TURN.unwrap_or("0");
    let resource = || Value::Text(table.schema.resource.into());
    let state = Sql::new(format!(
        "SELECT ({turn}), (SELECT count(DISTINCT record_id) FROM journal WHERE seq > ? AND resource = ?)"
    ))
    .with(Value::Int(since))
    .with(resource());
    // The few records named lead, whatever the database thinks of it.
    let rows = Sql::new(format!(
        "SELECT {} FROM (SELECT DISTINCT record_id FROM journal WHERE seq > ? AND resource = ? \
         AND (SELECT max(seq) FROM journal) <= ?) k STRAIGHT_JOIN {} t ON t.id = k.record_id",
        table.columns, table.schema.table
    ))
    .with(Value::Int(since))
    .with(resource())
    .with(Value::Int(since.saturating_add(most)));
    let places = Sql::new(format!(
        "SELECT {} WHERE EXISTS (SELECT 1 FROM journal WHERE seq > ? AND resource = 'location')",
        below_paths()
    ))
    .with(Value::Int(since));
    let ends =
        Sql::new(format!("{ENTRY} WHERE seq IN (?, (SELECT max(seq) FROM journal)) ORDER BY seq"))
            .with(Value::Int(since));
    let queries = vec![
        (state, &[Kind::Int; 2][..]),
        (ends, &ENTRY_KINDS[..]),
        (rows, &table.kinds[..]),
        (places, &[Kind::Id, Kind::Text][..]),
    ];
    let mut answers = B::at_once(connection, queries).await.map_err(Into::<Error>::into)?;
    let mut next = || if answers.is_empty() { Vec::new() } else { answers.remove(0) };
    let state = next().into_iter().next().ok_or_else(|| Error::corrupt("there is no turn"))?;
    let ends: Vec<At> = next().into_iter().map(entry).collect();
    let rows = next().into_iter().map(|cells| table.decode(cells)).collect();
    let places = next().into_iter().map(|mut cells| (cells.id(0), cells.text(1))).collect();
    Ok(News {
        turn: state.int(0),
        journal: ends.last().copied().unwrap_or(At::BEGINNING),
        follow: begin == At::BEGINNING || ends.first() == Some(&begin),
        rows,
        named: state.int(1),
        places,
    })
}

impl News {
    /// Whether they are all that happened to an index that stood for this turn, and for the entry they begin after. A
    /// row that an entry names
    /// and that is not there was removed in a way that the journal does not tell.
    pub(super) fn are_all(&self, turn: i64) -> bool {
        self.follow
            && age(self.turn) == age(turn)
            && i64::try_from(self.rows.len()) == Ok(self.named)
    }
}

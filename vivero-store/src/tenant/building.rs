//! Building an index of a table that is there.

use super::lists::aside;
use super::news::{ENTRY, ENTRY_KINDS, entry, news};
use super::plan::{Table, below_paths};
use crate::backend::{Backend, Cells, Sql};
use crate::bitmaps::mirror::{At, Mirror, Outcome, State};
use crate::bitmaps::{self, Index, Unfit};
use std::sync::Arc;
use vivero_core::record::Kind;
use vivero_core::{Error, Result, Value};

/// Rows read at once for an index that is built.
const ROWS_AT_ONCE: i64 = 2_000;
/// After so many times it is asked whether there is still room for more.
const WEIGHED_AFTER: u32 = 16;
/// So far below the lowest number that is there may be rows that are about to be committed.
const UNCOMMITTED: i64 = 4_096;
/// An index that is being built; says when it is over, however it ends.
pub(super) struct Building {
    pub(super) outcome: Outcome,
    pub(super) mirror: Arc<Mirror>,
}

impl Drop for Building {
    fn drop(&mut self) {
        self.mirror.note_built(self.outcome);
    }
}

pub(super) async fn build<B: Backend>(pool: B::Pool, table: Arc<Table>, mut building: Building) {
    let mirror = Arc::clone(&building.mirror);
    let Ok(_one) = mirror.budget.building.acquire().await else { return };
    building.outcome = match built::<B>(&pool, &table, &mirror).await {
        Ok(Built::State(state)) => {
            if mirror.set(*state) {
                Outcome::Done
            } else {
                Outcome::TooLarge
            }
        }
        Ok(Built::Unfit) => Outcome::TooLarge,
        Ok(Built::Overtaken) => Outcome::Overtaken,
        Err(error) => {
            tracing::debug!(table = table.schema.table, %error, "no index is built");
            Outcome::Failed
        }
    };
}

/// What came of reading a table.
enum Built {
    State(Box<State>),
    /// Something does not fit into an index.
    Unfit,
    /// Something was written meanwhile that the journal does not tell of.
    Overtaken,
}

/// An index as of now. It is read in parts, each as of another instant, and then caught up from the
/// beginning: so no transaction is open for long, and no connection is kept.
async fn built<B: Backend>(
    pool: &B::Pool,
    table: &Arc<Table>,
    mirror: &Arc<Mirror>,
) -> Result<Built> {
    let schema = table.schema;
    let mut connection = B::acquire(pool).await?;
    let queries = vec![
        (
            Sql::new(format!(
                "SELECT ({}), (SELECT coalesce(min(seq), 1) FROM {})",
                B::TURN.unwrap_or("0"),
                schema.table
            )),
            &[Kind::Int; 2][..],
        ),
        (Sql::new(format!("{ENTRY} ORDER BY seq DESC LIMIT 1")), &ENTRY_KINDS[..]),
        (Sql::new(format!("SELECT {}", below_paths())), &[Kind::Id, Kind::Text][..]),
    ];
    let mut answers = B::at_once(&mut connection, queries).await.map_err(Into::<Error>::into)?;
    drop(connection);
    let places = answers.pop().unwrap_or_default();
    let mut first = || answers.pop().and_then(|rows| rows.into_iter().next());
    let journal = first().map_or(At::BEGINNING, entry);
    let state = first();
    let state = state.ok_or_else(|| Error::corrupt("there is no turn"))?;
    let (turn, first) = (state.int(0), (state.int(1) - UNCOMMITTED).max(1));
    let mut index = Index::new(schema, first);
    index.set_places(places.into_iter().map(|mut c| (c.id(0), c.text(1))).collect());
    let mut parts = 0_u32;
    let mut part = part_after::<B>(pool, table, first - 1).await?;
    while let Some(last) = part.last() {
        parts += 1;
        if parts.is_multiple_of(WEIGHED_AFTER) && !mirror.has_room(&index) {
            return Ok(Built::Unfit);
        }
        let after = last.int(0);
        let decoding = Arc::clone(table);
        let added = aside(move || {
            let rows = part.into_iter().map(|cells| decoding.decode(cells));
            for row in rows.filter(|row| row.deleted_at.is_none()) {
                index.add(&row)?;
            }
            Ok::<_, Unfit>(index)
        });
        // While one part is taken in the next is read.
        let (added, next) = tokio::join!(added, part_after::<B>(pool, table, after));
        let Ok(more) = added? else { return Ok(Built::Unfit) };
        (index, part) = (more, next?);
    }
    let finished = aside(move || index.finish().map(|()| index));
    let Ok(mut index) = finished.await? else { return Ok(Built::Unfit) };
    let mut connection = B::acquire(pool).await?;
    let news = news::<B>(&mut connection, table, journal, i64::MAX / 2).await?;
    drop(connection);
    if !news.are_all(turn) || news.turn < turn {
        return Ok(Built::Overtaken);
    }
    let (turn, journal) = (news.turn, news.journal);
    let caught_up = aside(move || {
        if !news.places.is_empty() {
            index.set_places(news.places);
        }
        news.rows.iter().try_for_each(|row| index.put(row))?;
        Ok::<_, Unfit>(index)
    });
    Ok(match caught_up.await? {
        Ok(index) => Built::State(Box::new(State::new(index, turn, journal))),
        Err(Unfit) => Built::Unfit,
    })
}

/// The rows behind a number that are read at once.
async fn part_after<B: Backend>(pool: &B::Pool, table: &Table, after: i64) -> Result<Vec<Cells>> {
    let sql = Sql::new(format!(
        "SELECT {} FROM {} t{} WHERE t.seq > ? ORDER BY t.seq LIMIT ?",
        needed(table),
        table.schema.table,
        B::NO_INDEX
    ))
    .with(Value::Int(after))
    .with(Value::Int(ROWS_AT_ONCE))
    .long();
    let mut connection = B::acquire(pool).await?;
    sql.fetch::<B>(&mut connection, &table.kinds).await
}

/// The columns of a table, those that an index does not need left out.
fn needed(table: &Table) -> String {
    let columns = table.columns.split(", ").map(|column| match column.strip_prefix("t.") {
        Some(name) if !bitmaps::needs(table.schema, name) => "NULL",
        _ => column,
    });
    columns.collect::<Vec<_>>().join(", ")
}

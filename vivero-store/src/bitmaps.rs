//! Lists out of memory: bitmap indexes of a record table.
//!
//! However a database is indexed, a list by several facets, a place and a sort looks at many ranges of
//! indexes, and a search at many words; both cost the database milliseconds. Here the rows of each value, of
//! each word and in each order are kept in memory, about a hundred bytes a row, so that the rows of a page are
//! known in microseconds; the database is asked for these rows alone, by their primary key.
//!
//! An [`Index`] is plain data and knows no database. What keeps it exact is in `tenant/lists.rs`.

mod below;
pub(crate) mod budget;
mod column;
mod dictionary;
mod evaluate;
mod fixed;
mod loose;
pub(crate) mod mirror;
mod order;
mod packed;
mod places;
mod segment;
mod set;
mod slices;
mod sorted;
#[cfg(test)]
mod tests;
mod texts;
mod value;
mod words;

use below::Below;
use column::{FEW_VALUES, Filterable};
use order::Order;
use packed::Packed;
use places::Places;
use roaring::RoaringBitmap;
use std::sync::{Mutex, PoisonError};
use texts::Texts;
use uuid::Uuid;
use vivero_core::Value;
use vivero_core::query::{Deleted, Query};
use vivero_core::record::{Kind, Row, Schema};
use vivero_core::search::document;
use words::Words;

/// Rows of a longer page are not looked for here.
const LONGEST_PAGE: u32 = 2_000;
/// When more than one row in so many has other words than when the index was built, it is time for another.
const MOVED_SHARE: usize = 8;

/// From which sizes on something is done another way. Tests have smaller ones.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    /// A column with up to so many values has a set of rows for each.
    values: usize,
    /// Steps along an order that are made in the hope to find a page.
    walk: usize,
    /// Rows of a bucket of an order.
    bucket: usize,
    /// So few rows are looked at one by one.
    few: u64,
}

const SIZES: Sizes = Sizes { values: FEW_VALUES, walk: 2_000, bucket: 512, few: 512 };

/// What is there cannot be kept in an index: a number of a row that is out of reach, a value that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unfit;

/// What an index answers a query with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The page: numbers (`seq`) and versions of its rows, in order.
    pub(crate) rows: Vec<(i64, i64)>,
    /// How many rows there are in all.
    pub(crate) total: u64,
}

/// Bitmap indexes over the rows of one table that are not deleted.
#[derive(Debug)]
pub(crate) struct Index {
    schema: &'static Schema,
    sizes: Sizes,
    /// The `seq` of the row at place 0.
    base: i64,
    texts: Texts,
    live: RoaringBitmap,
    versions: Packed,
    columns: Vec<Filterable>,
    orders: Vec<Order>,
    words: Option<Words>,
    places: Places,
    below: Mutex<Below>,
}

/// The columns that conditions are on: filters, facets, and what scopes ask for.
fn filterable(schema: &Schema) -> impl Iterator<Item = (&'static str, Kind)> + '_ {
    let asked = |name: &&'static str| Some(*name) == schema.location || Some(*name) == schema.owner;
    let columns = schema.columns.iter().filter(move |c| {
        let some = c.filter || schema.facets.contains(&c.name) || asked(&c.name);
        // Of a unique one, each value has one row, which the database finds as quickly.
        some && !c.unique && !matches!(c.kind, Kind::Json | Kind::Bytes)
    });
    columns.map(|c| (c.name, c.kind)).chain([("created_by", Kind::Id)])
}

/// Whether an index needs the values of a column.
pub(crate) fn needs(schema: &Schema, name: &str) -> bool {
    matches!(name, "seq" | "id" | "version" | "updated_at" | "created_by" | "deleted_at")
        || filterable(schema).any(|(column, _)| column == name)
        || schema.column(name).is_some_and(|c| c.sort || c.search)
}

impl Index {
    /// An index to be filled with [`Index::add`], whose first row has this number.
    pub(crate) fn new(schema: &'static Schema, base: i64) -> Self {
        Self::sized(schema, base, SIZES)
    }

    fn sized(schema: &'static Schema, base: i64, sizes: Sizes) -> Self {
        let sorts = schema.columns.iter().filter(|c| c.sort).map(|c| (c.name, c.kind));
        Self {
            schema,
            sizes,
            base,
            texts: Texts::default(),
            live: RoaringBitmap::new(),
            versions: Packed::default(),
            columns: filterable(schema)
                .filter_map(|(name, kind)| Filterable::new(name, kind))
                .collect(),
            orders: std::iter::once(("updated_at", Kind::Time))
                .chain(sorts)
                .filter_map(|(name, kind)| Order::paged(name, kind, sizes))
                .collect(),
            words: schema.is_searchable().then(Words::default),
            places: Places::default(),
            below: Mutex::default(),
        }
    }

    /// The place of a row; none for one that is out of reach.
    fn place(&self, seq: i64) -> Result<u32, Unfit> {
        let place = seq.checked_sub(self.base).and_then(|place| u32::try_from(place).ok());
        place.filter(|place| *place < u32::MAX - 1).ok_or(Unfit)
    }

    fn value(&self, row: &Row, name: &str) -> Value {
        match name {
            "updated_at" => Value::Time(row.updated_at),
            "created_by" => Value::Id(row.created_by),
            name => {
                let value = self.schema.index_of(name).and_then(|i| row.values.get(i));
                value.cloned().unwrap_or(Value::Null)
            }
        }
    }

    fn note_version(&mut self, place: u32, version: i64) -> Result<(), Unfit> {
        self.versions.set(place, u64::try_from(version).map_err(|_| Unfit)?);
        Ok(())
    }

    /// Takes in a row that is not deleted; in the order of their numbers, before [`Index::finish`].
    pub(crate) fn add(&mut self, row: &Row) -> Result<(), Unfit> {
        let place = self.place(row.seq)?;
        self.note_version(place, row.version)?;
        for at in 0..self.columns.len() {
            let value = self.value(row, self.columns[at].name);
            self.columns[at].note(place, &value, &mut self.texts)?;
        }
        for at in 0..self.orders.len() {
            let value = self.value(row, self.orders[at].name);
            self.orders[at].note(place, &value, &mut self.texts)?;
        }
        if let Some(words) = &mut self.words {
            words.add(place, &document(self.schema, &row.values))?;
        }
        self.live.insert(place);
        Ok(())
    }

    /// Puts everything in order: from now on it answers, and rows come in by [`Index::put`].
    pub(crate) fn finish(&mut self) -> Result<(), Unfit> {
        if let Some(words) = &mut self.words {
            words.finish()?;
        }
        for column in &mut self.columns {
            column.gather(&self.live, &self.texts, self.sizes.values);
        }
        let numbers = self.texts.fix()?;
        let Self { columns, orders, live, texts, .. } = self;
        columns.iter_mut().for_each(|column| column.sort(live, &numbers, texts));
        orders.iter_mut().for_each(|order| order.sort(live, &numbers, texts));
        self.versions.shrink();
        self.live.optimize();
        Ok(())
    }

    /// Sets the tree of places: ids and paths.
    pub(crate) fn set_places(&mut self, places: Vec<(Uuid, String)>) {
        self.places = Places::new(places);
        self.below = Mutex::default();
    }

    /// Takes over a row as it is now, new, changed or deleted. After an error the index is of no more use.
    pub(crate) fn put(&mut self, row: &Row) -> Result<(), Unfit> {
        let place = self.place(row.seq)?;
        let held = self.live.contains(place);
        if row.deleted_at.is_some() {
            return if held { self.take(place) } else { Ok(()) };
        }
        self.note_version(place, row.version)?;
        for at in 0..self.columns.len() {
            let value = self.value(row, self.columns[at].name);
            let is_another = self.columns[at].put(place, &value, held, &mut self.texts)?;
            if is_another && self.columns[at].kind == Kind::Id {
                let id = if let Value::Id(id) = value { Some(id) } else { None };
                self.note_moved(place, at, id);
            }
        }
        for at in 0..self.orders.len() {
            let value = self.value(row, self.orders[at].name);
            self.orders[at].put(place, &value, held, &mut self.texts)?;
        }
        if let Some(words) = &mut self.words {
            words.put(place, &document(self.schema, &row.values))?;
        }
        self.live.insert(place);
        Ok(())
    }

    fn take(&mut self, place: u32) -> Result<(), Unfit> {
        for at in 0..self.columns.len() {
            self.columns[at].take(place, &self.texts)?;
            self.note_moved(place, at, None);
        }
        for order in &mut self.orders {
            order.remove(place, &self.texts)?;
        }
        // Its words stay until they change: who is not there is never found.
        self.live.remove(place);
        Ok(())
    }

    /// Whether so much has changed since it was built that another one would be smaller and quicker.
    pub(crate) fn is_worn(&self) -> bool {
        let rows = usize::try_from(self.live.len()).unwrap_or(usize::MAX);
        self.words.as_ref().is_some_and(|words| words.moved() > 5_000 + rows / MOVED_SHARE)
    }

    /// The page that a query asks for; `None` if it asks for what is not kept here.
    pub(crate) fn find(&self, query: &Query) -> Option<Found> {
        if query.deleted != Deleted::Hidden || query.limit > LONGEST_PAGE {
            return None;
        }
        let matching = self.matching(query)?;
        let places = if query.limit == 0 { Vec::new() } else { self.page(query, &matching)? };
        let version = |place: u32| i64::try_from(self.versions.get(place)).unwrap_or(0);
        let rows = places.into_iter().map(|place| (self.base + i64::from(place), version(place)));
        Some(Found { rows: rows.collect(), total: matching.len() })
    }

    /// How many rows a query has; `None` as above.
    pub(crate) fn count(&self, query: &Query) -> Option<u64> {
        if query.deleted != Deleted::Hidden {
            return None;
        }
        self.matching(query).map(|rows| rows.len())
    }

    /// The first rows of `matching` behind the cursor.
    fn page(&self, query: &Query, matching: &RoaringBitmap) -> Option<Vec<u32>> {
        let (limit, descending) = (query.limit as usize, query.sort.descending);
        let place = |seq: i64| seq.saturating_sub(self.base);
        let Some(name) = query.sort.column else {
            let after = query.after.as_ref().map(|cursor| place(cursor.seq));
            let bound = |place: i64| u32::try_from(place.max(0)).unwrap_or(u32::MAX);
            return Some(match (after, descending) {
                (None, false) => matching.iter().take(limit).collect(),
                (None, true) => matching.iter().rev().take(limit).collect(),
                (Some(after), false) => {
                    matching.range(bound(after.saturating_add(1))..).take(limit).collect()
                }
                (Some(after), true) => matching.range(..bound(after)).rev().take(limit).collect(),
            });
        };
        let order = self.orders.iter().find(|order| order.name == name)?;
        let mark = match &query.after {
            Some(cursor) => Some(order.mark(&cursor.key, place(cursor.seq), &self.texts)?),
            None => None,
        };
        let (all, some) = (self.live.len(), matching.len());
        let mut page = Vec::with_capacity(limit);
        if some == 0 {
            return Some(page);
        }
        // A walk is short unless few rows match, or those that do lie elsewhere in this order.
        let expected = usize::try_from(all / some).unwrap_or(usize::MAX).saturating_mul(limit);
        if some == all || expected <= self.sizes.walk / 2 {
            let mut left = if some == all { usize::MAX } else { self.sizes.walk };
            let mut rows = order.walk(mark.as_ref(), descending, &self.texts);
            loop {
                let Some(row) = rows.next() else { return Some(page) };
                if some == all || matching.contains(row) {
                    page.push(row);
                    if page.len() >= limit {
                        return Some(page);
                    }
                }
                left -= 1;
                if left == 0 {
                    break;
                }
            }
        }
        let first = order.first(matching, mark.as_ref(), limit, descending, &self.texts);
        let mut page: Vec<u32> = first.iter().collect();
        let compare = |a: &u32, b: &u32| {
            let order = order.compare_rows(*a, *b, &self.texts);
            if descending { order.reverse() } else { order }
        };
        if page.len() > limit && limit > 0 {
            page.select_nth_unstable_by(limit - 1, compare);
            page.truncate(limit);
        }
        page.sort_unstable_by(compare);
        Some(page)
    }

    /// Memory it takes, about.
    pub(crate) fn bytes(&self) -> usize {
        self.parts().iter().map(|(_, bytes)| bytes).sum()
    }

    /// Memory of its parts, about.
    pub(crate) fn parts(&self) -> Vec<(&'static str, usize)> {
        let below = self.below.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = set::bitmap_bytes(&self.live) + self.versions.bytes();
        let places = self.places.bytes() + below.bytes();
        let mut parts = vec![("texts", self.texts.bytes()), ("rows", rows), ("places", places)];
        parts.extend(self.columns.iter().map(|column| (column.name, column.bytes())));
        parts.extend(self.orders.iter().map(|order| (order.name, order.bytes())));
        parts.push(("words", self.words.as_ref().map_or(0, Words::bytes)));
        parts
    }
}

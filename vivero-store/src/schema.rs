//! Tables and indexes from record schemas, brought up to date step by step.
//!
//! What is lacking is worked out here; [`crate::migrate`] does it, step by step.

use crate::backend::{Backend, Key};
use crate::migrate::Shape;
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use vivero_core::record::{Column, Kind, Record as _, Schema};
use vivero_core::user::{BUILT_IN_ROLES, Credential, Role, Session, User};

/// vivero's own record types, in the order in which their tables are made.
pub(crate) const OWN: &[&Schema] = &[
    vivero_core::location::Location::SCHEMA,
    vivero_core::entity::Entity::SCHEMA,
    vivero_core::files::File::SCHEMA,
    vivero_core::files::USAGE_SCHEMA,
    User::SCHEMA,
    Role::SCHEMA,
    Credential::SCHEMA,
    Session::SCHEMA,
];

/// Grows when a release needs more of a database than its tables say of themselves.
pub(crate) const SCHEMA_VERSION: i64 = 1;

/// Columns every record table has, in the order in which rows are read.
pub(crate) const BASE: &[(&str, Kind, bool)] = &[
    ("seq", Kind::Int, false),
    ("id", Kind::Id, false),
    ("version", Kind::Int, false),
    ("created_at", Kind::Time, false),
    ("created_by", Kind::Id, false),
    ("updated_at", Kind::Time, false),
    ("updated_by", Kind::Id, false),
    ("deleted_at", Kind::Time, true),
];

/// An index of a record table: what a plan chooses from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Index {
    /// Ends with a digest of the columns: another choice of columns is another index.
    pub(crate) name: String,
    pub(crate) columns: Vec<&'static str>,
    pub(crate) purpose: Purpose,
}

/// What an index is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Finds the rows with a value; they come in order of creation.
    Filter,
    /// Has the order of a sort.
    Sort(&'static str),
    /// Has the order of a sort, or of creation, for each combination of the facets.
    Sets(Option<&'static str>),
    /// Has the order of a sort, or of creation, for each place.
    Place(Option<&'static str>),
    /// Has the order of a sort for each value of a lead filter.
    Lead(&'static str),
}

/// The table of the combinations of facets that occur, if a record type has facets.
pub(crate) fn sets(schema: &Schema) -> Option<(String, Vec<&'static Column>)> {
    let columns: Vec<_> = schema.facets.iter().filter_map(|name| schema.column(name)).collect();
    (!columns.is_empty())
        .then(|| (format!("{}_sets_{}", schema.table, digest(schema.facets)), columns))
}

fn digest(columns: &[&str]) -> String {
    let hash = Sha256::digest(columns.join(",").as_bytes());
    hash.iter().take(4).map(|b| format!("{b:02x}")).collect()
}

/// The filters that ride along in an index, so that rows that do not match are passed over without
/// being read.
fn riders(schema: &Schema) -> impl Iterator<Item = &'static str> + '_ {
    schema.columns.iter().filter(|c| c.filter && rides(c)).map(|c| c.name)
}

/// Short values only: a long one would make every entry of every sort's index long.
fn rides(column: &Column) -> bool {
    !column.domain.is_empty() || matches!(column.kind, Kind::Id | Kind::Bool)
}

/// The sorts that have an index: `updated_at` and every declared one.
pub(crate) fn sorts(schema: &Schema) -> Vec<&'static str> {
    std::iter::once("updated_at")
        .chain(schema.columns.iter().filter(|c| c.sort).map(|c| c.name))
        .collect()
}

/// Every index of a record table, besides the unique ones.
///
/// - one per filter that is neither a facet nor the place: finds few rows, and walks many in order of
///   creation (`seq` ends every index);
/// - one over the facets together per sort, and one in order of creation: what is asked for by facets
///   is merged from the ranges of the combinations that match (`tenant/plan/walk.rs`), so nothing is
///   passed over, whatever the sort and however deep the page;
/// - the same over the place of a row: what is asked for by a place with all below it is merged from
///   the ranges of these places;
/// - one per sort, for lists that name neither;
/// - one per lead filter that is no facet and sort: for filters whose rows gather at one end of a sort.
///
/// Short filters ride along, so that rows that do not match are passed over without being read.
pub(crate) fn indexes(schema: &Schema) -> Vec<Index> {
    let mut indexes = Vec::new();
    let mut add = |name: String, purpose: Purpose, columns: Vec<&'static str>| {
        let name = format!("{}_{name}_{}", schema.table, digest(&columns));
        indexes.push(Index { name, columns, purpose });
    };
    let is_facet = |name: &str| schema.facets.contains(&name);
    let riding = |first: &[&'static str], facets: bool| -> Vec<&'static str> {
        let rest = riders(schema)
            .filter(|r| !first.contains(r) && (facets || !is_facet(r)))
            .chain(["deleted_at"]);
        first.iter().copied().chain(rest).collect()
    };
    let place = schema.columns.iter().find(|c| c.filter && Some(c.name) == schema.location);
    let is_place = |name: &str| place.is_some_and(|c| c.name == name);
    let plain = |c: &&Column| c.filter && !c.unique && !is_facet(c.name) && !is_place(c.name);
    for column in schema.columns.iter().filter(plain) {
        add(format!("by_{}", column.name), Purpose::Filter, vec![column.name]);
    }
    for sort in std::iter::once(None).chain(sorts(schema).into_iter().map(Some)) {
        if !schema.facets.is_empty() {
            let name = format!("sets_{}", sort.unwrap_or("created"));
            let last = sort.filter(|s| !is_facet(s)).into_iter().chain(["seq"]);
            let key: Vec<&'static str> = schema.facets.iter().copied().chain(last).collect();
            add(name, Purpose::Sets(sort), riding(&key, false));
        }
        if let Some(place) = place {
            let name = format!("place_{}", sort.unwrap_or("created"));
            let last = sort.filter(|s| *s != place.name).into_iter().chain(["seq"]);
            let key: Vec<&'static str> = std::iter::once(place.name).chain(last).collect();
            add(name, Purpose::Place(sort), riding(&key, true));
        }
        let Some(sort) = sort else { continue };
        // `seq` breaks ties and so comes before the riders, or the index would not have the order.
        add(format!("sort_{sort}"), Purpose::Sort(sort), riding(&[sort, "seq"], false));
        let leads = schema.columns.iter().filter(|c| c.lead && c.name != sort && !is_facet(c.name));
        for lead in leads {
            add(format!("{}_{sort}", lead.name), Purpose::Lead(sort), vec![lead.name, sort]);
        }
    }
    indexes
}

/// A statement of a schema.
struct Statement {
    text: String,
    /// Whether it makes a key of the table, which may be made with the table already.
    key: bool,
}

impl Statement {
    /// The name of what it makes: all of them say `IF NOT EXISTS`.
    fn makes(&self) -> &str {
        let (_, rest) = self.text.split_once("IF NOT EXISTS ").unwrap_or_default();
        rest.split([' ', '(']).next().unwrap_or_default()
    }
}

/// What the key of a record table by id is called.
pub(crate) fn id_key(table: &str) -> String {
    format!("{table}_id")
}

/// The keys of a record table besides its primary one.
fn keys(schema: &Schema) -> Vec<Key> {
    let table = schema.table;
    let unique = |name: String, column| Key { name, unique: true, columns: vec![column] };
    let columns = schema.columns.iter().filter(|c| c.unique).map(|c| c.name);
    std::iter::once(unique(id_key(table), "id"))
        .chain(columns.map(|c| unique(format!("{table}_unique_{c}"), c)))
        .chain(indexes(schema).into_iter().map(|i| Key {
            name: i.name,
            unique: false,
            columns: i.columns,
        }))
        .collect()
}

/// Every statement that makes `schema`'s table from nothing.
fn statements<B: Backend>(schema: &Schema) -> Vec<Statement> {
    let table = schema.table;
    let base = BASE[1..].iter().map(|(name, kind, nullable)| {
        let column = Column { kind: *kind, ..Column::of::<i64>(name) };
        let null = if *nullable { "" } else { " NOT NULL" };
        format!("{name} {}{null}", B::column_type(&column))
    });
    let columns: Vec<String> = base.chain(schema.columns.iter().map(definition::<B>)).collect();
    let keys = keys(schema);
    let mut texts = vec![B::create_table(table, &columns, &keys)];
    if let Some((sets, columns)) = sets(schema) {
        texts.extend(B::create_sets(table, &sets, &columns));
    }
    if schema.is_searchable() {
        texts.extend(B::create_search(table));
    }
    let mut all: Vec<Statement> =
        texts.into_iter().map(|text| Statement { text, key: false }).collect();
    let keys = keys.iter().map(|key| {
        let unique = if key.unique { "UNIQUE " } else { "" };
        let columns = key.columns.join(", ");
        let text =
            format!("CREATE {unique}INDEX IF NOT EXISTS {} ON {table} ({columns})", key.name);
        Statement { text, key: true }
    });
    // The table comes first; a trigger or a search index needs no key.
    all.splice(1..1, keys);
    all
}

fn definition<B: Backend>(column: &Column) -> String {
    // A column added later must have a value in the rows that are there.
    let default = if column.nullable {
        String::new()
    } else {
        format!(" NOT NULL DEFAULT {}", B::empty(column))
    };
    format!("{} {}{default}", column.name, B::column_type(column))
}

/// Names a set of schemas: two builds with the same fingerprint make the same tables and built-in roles.
pub(crate) fn fingerprint<B: Backend>(schemas: &[&'static Schema]) -> String {
    let mut hash = Sha256::new();
    hash.update(SCHEMA_VERSION.to_be_bytes());
    // Tenants that are there get what a built-in role may do by now (`tenant/built_in.rs`).
    for grant in BUILT_IN_ROLES.iter().flat_map(|role| role.grants) {
        hash.update(grant.to_string().as_bytes());
    }
    for (_, sql) in B::BOOKKEEPING {
        hash.update(sql.as_bytes());
    }
    for schema in schemas {
        for statement in statements::<B>(schema) {
            hash.update(statement.text.as_bytes());
        }
    }
    hash.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect()
}

/// The statement that enters the combinations of facets that rows have already, if there are facets.
pub(crate) fn fill_sets(schema: &Schema) -> Option<String> {
    let (sets, columns) = sets(schema)?;
    let names: Vec<&str> = columns.iter().map(|c| c.name).collect();
    let names = names.join(", ");
    let table = schema.table;
    Some(format!("INSERT INTO {sets} ({names}) SELECT DISTINCT {names} FROM {table}"))
}

/// The statements that bring `schemas` up from what is there. Each does no harm when it is repeated,
/// but for filling the combinations of facets, which is repeated only if it is among `unfinished`.
pub(crate) fn lacking<B: Backend>(
    shape: &Shape,
    schemas: &[&'static Schema],
    unfinished: &HashSet<String>,
) -> Vec<String> {
    let mut all = Vec::new();
    for schema in schemas {
        let is_new = !shape.has_table(schema.table);
        if !is_new {
            for column in schema.columns.iter().filter(|c| !shape.has_column(schema.table, c.name))
            {
                let (table, definition) = (schema.table, definition::<B>(column));
                all.push(format!("ALTER TABLE {table} {} {definition}", B::ADD_COLUMN));
            }
        }
        for statement in statements::<B>(schema) {
            let with_table = is_new && statement.key && B::KEYS_WITH_TABLE;
            if !with_table && !shape.has(schema.table, statement.makes()) {
                all.push(statement.text);
            }
        }
        for former in sets(schema).iter().flat_map(|(sets, _)| B::former_triggers(sets)) {
            if shape.has(schema.table, &former) {
                all.push(format!("DROP TRIGGER IF EXISTS {former}"));
            }
        }
        let there = |name: &str| shape.has_table(name);
        if let (false, Some((sets, _)), Some(fill)) = (is_new, sets(schema), fill_sets(schema))
            && (!there(&sets) || unfinished.contains(&fill))
        {
            all.push(fill);
        }
    }
    all
}

/// Whether record tables have columns that these schemas do not: then a newer version made them.
pub(crate) fn has_columns_beyond(shape: &Shape, schemas: &[&'static Schema]) -> bool {
    schemas.iter().any(|schema| {
        shape.columns(schema.table).any(|name| {
            schema.column(name).is_none() && !BASE.iter().any(|(base, ..)| *base == name)
        })
    })
}

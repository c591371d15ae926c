//! What a database has: tables, columns, indexes, triggers.

use crate::backend::{Backend, Sql};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use vivero_core::Result;
use vivero_core::migration::{DriftKind, Finding, checksum};
use vivero_core::record::Kind;

/// What there is, by kind, table and name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    objects: BTreeMap<(String, String, String), String>,
    columns: HashMap<String, HashSet<String>>,
}

impl Shape {
    pub(crate) async fn read<B: Backend>(connection: &mut B::Connection) -> Result<Self> {
        let mut shape = Self::default();
        let sql = Sql::new(B::OBJECTS).long();
        for mut row in sql.fetch::<B>(connection, &[Kind::Text; 4]).await? {
            let (kind, table, name) = (row.text(0), row.text(1), row.text(2));
            if kind == "column" {
                shape.columns.entry(table.clone()).or_default().insert(name.clone());
            }
            shape.objects.insert((kind, table, name), row.text(3));
        }
        Ok(shape)
    }

    pub(crate) fn has_table(&self, table: &str) -> bool {
        self.columns.contains_key(table)
    }
    pub(crate) fn has_column(&self, table: &str, column: &str) -> bool {
        self.columns.get(table).is_some_and(|columns| columns.contains(column))
    }
    /// Every table with its columns, by name.
    pub(crate) fn tables(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        self.columns
            .iter()
            .map(|(table, all)| (table.as_str(), all.iter().map(String::as_str).collect()))
            .collect()
    }
    pub(crate) fn columns(&self, table: &str) -> impl Iterator<Item = &str> {
        self.columns.get(table).into_iter().flatten().map(String::as_str)
    }
    /// Whether a table, or an index or trigger of `table`, has this name.
    pub(crate) fn has(&self, table: &str, name: &str) -> bool {
        let of = |kind: &str| (kind.to_owned(), table.to_owned(), name.to_owned());
        self.has_table(name)
            || self.objects.contains_key(&of("index"))
            || self.objects.contains_key(&of("trigger"))
            // An index of a table that belongs to it, such as that of the combinations of facets.
            || self.objects.keys().any(|(kind, _, n)| kind != "column" && n == name)
    }

    /// A digest of all there is.
    pub(crate) fn hash(&self) -> String {
        let texts = self.objects.iter().flat_map(|((kind, table, name), definition)| {
            [kind.as_str(), table.as_str(), name.as_str(), definition.as_str()]
        });
        checksum(texts)
    }

    /// How this differs from what it should be.
    pub(crate) fn against(&self, expected: &Self) -> Vec<Finding> {
        let finding = |kind, (sort, table, name): &(String, String, String), e, a| {
            let what = format!("{sort} {table}.{name}");
            Finding { kind, what, expected: e, actual: a }
        };
        let mut all = Vec::new();
        for (key, wanted) in &expected.objects {
            match self.objects.get(key) {
                None => all.push(finding(DriftKind::Missing, key, Some(wanted.clone()), None)),
                Some(found) if found != wanted => {
                    let (wanted, found) = (Some(wanted.clone()), Some(found.clone()));
                    all.push(finding(DriftKind::Changed, key, wanted, found));
                }
                Some(_) => {}
            }
        }
        for (key, found) in self.objects.iter().filter(|(k, _)| !expected.objects.contains_key(k)) {
            // An index that another version made, of a table that is wanted.
            let left = key.0 == "index" && expected.has_table(&key.1);
            let kind = if left { DriftKind::LeftOver } else { DriftKind::Extra };
            all.push(finding(kind, key, None, Some(found.clone())));
        }
        all
    }
}

//! Which names a table, a resource and a column may have.

/// The columns every record has; a store keeps them itself.
const BASE_COLUMNS: &[&str] = &[
    "version",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
    "deleted_at",
    "seq",
    "search_text",
];

/// The tables every tenant's database has besides its records.
const BASE_TABLES: &[&str] =
    &["journal", "journal_seal", "counts", "stamp", "idempotency", "schema_steps"];

/// Beginnings of table names that belong to vivero and to SQLite.
const BASE_PREFIXES: &[&str] = &["vivero_", "sqlite_"];

/// Why `name` cannot be a table, if it cannot.
pub(crate) fn refuse_table(name: &str) -> Option<String> {
    if let Some(reason) = refuse(name) {
        return Some(format!("`table` {reason}"));
    }
    if let Some(prefix) = BASE_PREFIXES.iter().find(|p| name.starts_with(*p)) {
        return Some(format!("`table` must not start with `{prefix}`: such tables are reserved"));
    }
    BASE_TABLES
        .contains(&name)
        .then(|| format!("the table `{name}` is vivero's own; choose another name"))
}

/// Why `name` cannot be a resource, if it cannot.
pub(crate) fn refuse_resource(name: &str) -> Option<String> {
    refuse(name).map(|reason| format!("`resource` {reason}"))
}

/// Why `name` cannot be a column, if it cannot.
pub(crate) fn refuse_column(name: &str) -> Option<String> {
    if let Some(reason) = refuse(name) {
        return Some(format!("the name of a column {reason}"));
    }
    BASE_COLUMNS
        .contains(&name)
        .then(|| format!("every record already has a column `{name}`; choose another name"))
}

// Databases disagree on case and quoting of other characters; this much means the same in all.
fn refuse(name: &str) -> Option<&'static str> {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    (!plain).then_some("must be of a-z, 0-9 and `_`, and start with a letter")
}

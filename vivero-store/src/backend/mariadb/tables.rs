//! Tables, in this engine's words.
//!
//! Text is `utf8mb4_nopad_bin`: compared byte by byte, blanks at the end included, as SQLite does.

use crate::backend::Key;
use vivero_core::record::{Column, Kind};

const OPTIONS: &str =
    "ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin";

macro_rules! table {
    ($text:literal) => {
        table!($text, "")
    };
    ($text:literal, $more:literal) => {
        concat!(
            "CREATE TABLE IF NOT EXISTS ",
            $text,
            " ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin",
            $more
        )
    };
}

/// The same of a small table whose rows nobody has to look for: where each has its statistics in the server's
/// own tables, reading them is half of what it costs to open one.
macro_rules! small_table {
    ($text:literal) => {
        table!($text, " STATS_PERSISTENT=0")
    };
}

/// Whose turn it is to write, and for which record types the tables were made last.
const STATE: &str = small_table!(
    "engine_state (one TINYINT PRIMARY KEY, turn BIGINT NOT NULL, tables_of VARCHAR(64) NOT NULL DEFAULT '')"
);
// The row of this table, of `stamp` and of `chain` is number 1, as nobody writes another. A check would say so
// too, but it is parsed whenever the table is opened.
const FIRST_TURN: &str = "INSERT IGNORE INTO engine_state (one, turn) VALUES (1, 0)";

pub(super) const BOOKKEEPING: &[(&str, &str)] = &[
    ("engine_state", STATE),
    ("engine_state", FIRST_TURN),
    (
        "stamp",
        small_table!(
            "stamp (one TINYINT PRIMARY KEY, tenant_id BINARY(16) NOT NULL, \
             generation BIGINT NOT NULL, created_at DATETIME(6) NOT NULL)"
        ),
    ),
    (
        "schema_steps",
        small_table!(
            "schema_steps (step BIGINT AUTO_INCREMENT PRIMARY KEY, statement LONGTEXT NOT NULL, \
             state VARCHAR(16) NOT NULL, migration BIGINT NOT NULL DEFAULT 0, \
             number BIGINT NOT NULL DEFAULT 0, checksum VARCHAR(64) NOT NULL DEFAULT '', \
             token BIGINT NOT NULL DEFAULT 0, started_at DATETIME(6), finished_at DATETIME(6), error LONGTEXT)"
        ),
    ),
    (
        "journal",
        table!(
            "journal (seq BIGINT AUTO_INCREMENT PRIMARY KEY, at DATETIME(6) NOT NULL, \
             actor LONGTEXT NOT NULL, action VARCHAR(255) NOT NULL, resource VARCHAR(255) NOT NULL, \
             record_id BINARY(16) NOT NULL, version BIGINT NOT NULL, changes LONGTEXT NOT NULL, \
             cause LONGTEXT, KEY journal_record (record_id, version))"
        ),
    ),
    (
        "journal_seal",
        table!(
            "journal_seal (position BIGINT PRIMARY KEY, seq BIGINT NOT NULL, hash BINARY(32) NOT NULL)"
        ),
    ),
    (
        "chain",
        small_table!(
            "chain (one TINYINT PRIMARY KEY, position BIGINT NOT NULL, \
             hash BINARY(32) NOT NULL, seq BIGINT NOT NULL)"
        ),
    ),
    (
        "counts",
        table!(
            "counts (resource VARCHAR(64) NOT NULL, field VARCHAR(65) NOT NULL, \
             value VARCHAR(600) NOT NULL, n BIGINT NOT NULL, PRIMARY KEY (resource, field, value))"
        ),
    ),
    (
        "idempotency",
        table!(
            "idempotency (name VARCHAR(700) PRIMARY KEY, fingerprint VARCHAR(255) NOT NULL, \
             response LONGTEXT NOT NULL, at DATETIME(6) NOT NULL, KEY idempotency_at (at))"
        ),
    ),
];

/// Columns that `schema_steps` got later.
pub(super) const STEP_COLUMNS: &[(&str, &str)] = &[
    ("migration", "BIGINT NOT NULL DEFAULT 0"),
    ("number", "BIGINT NOT NULL DEFAULT 0"),
    ("checksum", "VARCHAR(64) NOT NULL DEFAULT ''"),
    ("token", "BIGINT NOT NULL DEFAULT 0"),
    ("started_at", "DATETIME(6)"),
    ("finished_at", "DATETIME(6)"),
    ("error", "LONGTEXT"),
];

/// Columns, indexes and triggers, with their definitions.
pub(super) const OBJECTS: &str = "SELECT 'column', table_name, column_name, concat(column_type, \
    if(is_nullable = 'NO', ' NOT NULL', ''), coalesce(concat(' DEFAULT ', column_default), ''), \
    coalesce(concat(' ', collation_name), ''), if(extra = '', '', concat(' ', extra))) \
    FROM information_schema.columns WHERE table_schema = database() \
    UNION ALL SELECT 'index', table_name, index_name, concat(if(max(non_unique) = 0, 'UNIQUE ', ''), '(', \
    group_concat(concat(column_name, coalesce(concat('(', sub_part, ')'), '')) ORDER BY seq_in_index), ')') \
    FROM information_schema.statistics WHERE table_schema = database() GROUP BY table_name, index_name \
    UNION ALL SELECT 'trigger', event_object_table, trigger_name, \
    concat(action_timing, ' ', event_manipulation, ' ', action_statement) \
    FROM information_schema.triggers WHERE trigger_schema = database()";

pub(super) const REGISTRY: &[&str] = &[
    STATE,
    FIRST_TURN,
    table!(
        "tenants (id BINARY(16) PRIMARY KEY, slug VARCHAR(64) NOT NULL, organization VARCHAR(255) NOT NULL, \
         operation_type VARCHAR(64) NOT NULL, state VARCHAR(32) NOT NULL, plan LONGTEXT NOT NULL, \
         generation BIGINT NOT NULL, schema_version BIGINT NOT NULL, version BIGINT NOT NULL, \
         created_at DATETIME(6) NOT NULL, changed_at DATETIME(6) NOT NULL, provision_key VARCHAR(700), \
         provision_fingerprint VARCHAR(255), UNIQUE KEY slug (slug), \
         UNIQUE KEY provision_key (provision_key), KEY tenants_state (state))"
    ),
    table!(
        "audit_anchors (tenant_id BINARY(16) PRIMARY KEY, position BIGINT NOT NULL, \
         hash BINARY(32) NOT NULL, at DATETIME(6) NOT NULL)"
    ),
    table!("secrets (name VARCHAR(64) PRIMARY KEY, secret VARBINARY(4096) NOT NULL)"),
    table!(
        "tenant_schemas (tenant_id BINARY(16) PRIMARY KEY, generation BIGINT NOT NULL, \
         fingerprint VARCHAR(64) NOT NULL, at DATETIME(6) NOT NULL)"
    ),
    table!(
        "migrations (id BIGINT PRIMARY KEY, name VARCHAR(255) NOT NULL, checksum VARCHAR(64) NOT NULL, \
         at DATETIME(6) NOT NULL)"
    ),
    table!(
        "migration_runs (id BINARY(16) PRIMARY KEY, target VARCHAR(64) NOT NULL, state VARCHAR(16) NOT NULL, \
         reason LONGTEXT, ring BIGINT NOT NULL, rings BIGINT NOT NULL, operator VARCHAR(255) NOT NULL, \
         options LONGTEXT NOT NULL, token BIGINT NOT NULL, started_at DATETIME(6) NOT NULL, \
         finished_at DATETIME(6))"
    ),
    table!(
        "migration_tenants (run_id BINARY(16) NOT NULL, tenant_id BINARY(16) NOT NULL, \
         slug VARCHAR(64) NOT NULL, ring BIGINT NOT NULL, state VARCHAR(16) NOT NULL, step LONGTEXT, \
         error LONGTEXT, attempts BIGINT NOT NULL, micros BIGINT NOT NULL, PRIMARY KEY (run_id, tenant_id))"
    ),
    table!(
        "leases (name VARCHAR(190) PRIMARY KEY, holder BINARY(16) NOT NULL, token BIGINT NOT NULL, \
         until DATETIME(6) NOT NULL)"
    ),
    table!(
        "tenant_databases (tenant_id BINARY(16) PRIMARY KEY, database_name VARCHAR(64) NOT NULL, \
         account VARCHAR(64) NOT NULL, password VARBINARY(512) NOT NULL, UNIQUE KEY database_name (database_name))"
    ),
    table!(
        "tenant_marks (tenant_id BINARY(16) PRIMARY KEY, neutral BOOLEAN NOT NULL, delete_after DATETIME(6), \
         archived_as VARCHAR(255))"
    ),
    table!(
        "tenant_events (tenant_id BINARY(16) NOT NULL, version BIGINT NOT NULL, at DATETIME(6) NOT NULL, \
         state VARCHAR(32) NOT NULL, generation BIGINT NOT NULL, operation_id BINARY(16), \
         PRIMARY KEY (tenant_id, version))"
    ),
    table!(
        "operations (id BINARY(16) PRIMARY KEY, tenant_id BINARY(16) NOT NULL, slug VARCHAR(64) NOT NULL, \
         kind VARCHAR(32) NOT NULL, parameters LONGTEXT NOT NULL, state VARCHAR(32) NOT NULL, \
         step VARCHAR(64) NOT NULL, result LONGTEXT NOT NULL, done BIGINT NOT NULL, total BIGINT NOT NULL, \
         message LONGTEXT, token BIGINT NOT NULL, created_at DATETIME(6) NOT NULL, \
         changed_at DATETIME(6) NOT NULL, KEY operations_slug (slug, created_at), \
         KEY operations_state (state))"
    ),
    // Installations of before know one server, and passwords that stay.
    "ALTER TABLE tenant_databases \
     ADD COLUMN IF NOT EXISTS server VARCHAR(64) NOT NULL DEFAULT 'main', \
     ADD COLUMN IF NOT EXISTS next_password VARBINARY(512), \
     ADD KEY IF NOT EXISTS tenant_databases_server (server)",
    // Generations that are elsewhere than the tenant: on the server it is being moved to.
    table!(
        "tenant_generations (tenant_id BINARY(16) NOT NULL, generation BIGINT NOT NULL, \
         server VARCHAR(64) NOT NULL, password VARBINARY(512) NOT NULL, PRIMARY KEY (tenant_id, generation), \
         KEY tenant_generations_server (server))"
    ),
    table!(
        "database_servers (name VARCHAR(64) PRIMARY KEY, address VARCHAR(300) NOT NULL, \
         tls_mode VARCHAR(32) NOT NULL, tls_ca LONGTEXT, account VARCHAR(128) NOT NULL, \
         password VARBINARY(4096), weight BIGINT NOT NULL, capacity BIGINT, state VARCHAR(16) NOT NULL, \
         version BIGINT NOT NULL, changed_at DATETIME(6) NOT NULL)"
    ),
    // What is left on servers that did not answer when it was to be removed.
    table!(
        "leftovers (server VARCHAR(64) NOT NULL, database_name VARCHAR(64) NOT NULL, account VARCHAR(64) NOT NULL, \
         noted_at DATETIME(6) NOT NULL, PRIMARY KEY (server, database_name))"
    ),
    // What tenants had on servers that were lost, when their moves were turned back: never removed by itself. Not
    // among `leftovers`, which programs of before clear.
    table!(
        "kept_databases (server VARCHAR(64) NOT NULL, database_name VARCHAR(64) NOT NULL, account VARCHAR(64) NOT NULL, \
         tenant_id BINARY(16) NOT NULL, slug VARCHAR(64) NOT NULL, generation BIGINT NOT NULL, \
         operation_id BINARY(16) NOT NULL, kept_at DATETIME(6) NOT NULL, PRIMARY KEY (server, database_name), \
         KEY kept_databases_tenant (tenant_id))"
    ),
    // Of each server the last time it was emptied.
    table!(
        "server_drains (server VARCHAR(64) PRIMARY KEY, id BINARY(16) NOT NULL, target VARCHAR(64), \
         state VARCHAR(16) NOT NULL, total BIGINT NOT NULL, moved BIGINT NOT NULL, failed BIGINT NOT NULL, \
         failures LONGTEXT NOT NULL, tenant VARCHAR(64), operation_id BINARY(16), settled VARCHAR(64) NOT NULL, \
         message LONGTEXT, token BIGINT NOT NULL, created_at DATETIME(6) NOT NULL, \
         changed_at DATETIME(6) NOT NULL)"
    ),
    table!(
        "standby_databases (id BINARY(16) PRIMARY KEY, server VARCHAR(64) NOT NULL, \
         database_name VARCHAR(64) NOT NULL, account VARCHAR(64) NOT NULL, password VARBINARY(512) NOT NULL, \
         state VARCHAR(16) NOT NULL, tables_of VARCHAR(64) NOT NULL, made_at DATETIME(6) NOT NULL, \
         KEY standby_databases_state (state, tables_of))"
    ),
];

/// Longest text that a key can hold three of, nearly; longer ones cannot be sorted or filtered by.
const LONGEST_IN_KEY: u32 = 768;

pub(super) fn column_type(column: &Column) -> String {
    let in_key = column.filter || column.sort || column.unique;
    match column.kind {
        Kind::Bool => "BOOLEAN".into(),
        Kind::Int => "BIGINT".into(),
        Kind::Id => "BINARY(16)".into(),
        Kind::Time => "DATETIME(6)".into(),
        Kind::Date => "DATE".into(),
        Kind::Json => "LONGTEXT".into(),
        // Many of them share a key, and none is longer than its name.
        Kind::Text if !column.domain.is_empty() => format!("VARCHAR({})", column.max.min(64)),
        Kind::Text if column.max <= 255 || in_key && column.max <= LONGEST_IN_KEY => {
            format!("VARCHAR({})", column.max)
        }
        Kind::Text => "LONGTEXT".into(),
        Kind::Bytes if column.max <= 255 => format!("VARBINARY({})", column.max),
        Kind::Bytes => "LONGBLOB".into(),
    }
}

pub(super) const fn empty(column: &Column) -> &'static str {
    match column.kind {
        Kind::Bool | Kind::Int => "0",
        Kind::Time => "'1970-01-01 00:00:00'",
        Kind::Json => "'{}'",
        Kind::Date => "'1970-01-01'",
        Kind::Text | Kind::Bytes => "''",
        Kind::Id => "x'00000000000000000000000000000000'",
    }
}

pub(super) fn create(table: &str, columns: &[String], keys: &[Key]) -> String {
    let keys = keys.iter().map(|key| {
        let unique = if key.unique { "UNIQUE " } else { "" };
        format!(", {unique}KEY {} ({})", key.name, key.columns.join(", "))
    });
    format!(
        "CREATE TABLE IF NOT EXISTS {table} (seq BIGINT AUTO_INCREMENT PRIMARY KEY, {}{}) {OPTIONS}",
        columns.join(", "),
        keys.collect::<String>()
    )
}

/// The variable in which triggers are told of a combination that is there.
pub(super) const COMBINATION: &str = "@vivero_combination";

/// The combinations of facets, entered by triggers. Who may enter one has the turn, so looking first and then
/// entering cannot enter one twice, and their numbers are in the order of commits.
pub(super) fn create_sets(table: &str, sets: &str, columns: &[&Column]) -> Vec<String> {
    let list = |each: &dyn Fn(&&Column) -> String, between: &str| -> String {
        columns.iter().map(each).collect::<Vec<_>>().join(between)
    };
    let names = list(&|c| c.name.to_owned(), ", ");
    let typed = list(&|c| format!("{} {}", c.name, column_type(c)), ", ");
    let new = list(&|c| format!("NEW.{}", c.name), ", ");
    let quoted = list(&|c| format!("quote(NEW.{})", c.name), ", ");
    let same = list(&|c| format!("s.{0} <=> NEW.{0}", c.name), " AND ");
    let kept = list(&|c| format!("OLD.{0} <=> NEW.{0}", c.name), " AND ");
    // Asking first and entering then: one statement for both would read the table it writes, by way of a
    // temporary table at every row. Told and found are compared as bytes, whatever collation a connection has.
    let enter = |unless: &str| {
        format!(
            "IF {unless}NOT (cast(concat_ws(',', '{sets}', {quoted}) AS BINARY) <=> {COMBINATION}) \
             AND NOT EXISTS (SELECT 1 FROM {sets} s WHERE {same}) \
             THEN INSERT INTO {sets} ({names}) VALUES ({new}); END IF"
        )
    };
    vec![
        format!(
            "CREATE TABLE IF NOT EXISTS {sets} (n BIGINT AUTO_INCREMENT PRIMARY KEY, {typed}, \
             KEY {sets}_values ({names})) {OPTIONS}"
        ),
        format!(
            "CREATE TRIGGER IF NOT EXISTS {sets}_inserted AFTER INSERT ON {table} FOR EACH ROW {}",
            enter("")
        ),
        format!(
            "CREATE TRIGGER IF NOT EXISTS {sets}_updated AFTER UPDATE ON {table} FOR EACH ROW {}",
            enter(&format!("NOT ({kept}) AND "))
        ),
    ]
}

pub(super) fn create_search(table: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {table}_search (rowid BIGINT NOT NULL, word VARBINARY({}) NOT NULL, \
         PRIMARY KEY (rowid, word), KEY {table}_search_word (word, rowid)) {OPTIONS}",
        super::search::LONGEST_WORD
    )
}

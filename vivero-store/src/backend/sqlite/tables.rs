//! Tables that do not come from record schemas.

/// Tables that every tenant database has besides its records.
pub(super) const BOOKKEEPING: &[(&str, &str)] = &[
    (
        "stamp",
        "CREATE TABLE IF NOT EXISTS stamp (one INTEGER PRIMARY KEY CHECK (one = 1), tenant_id BLOB NOT NULL, \
         generation INTEGER NOT NULL, created_at INTEGER NOT NULL)",
    ),
    (
        "schema_steps",
        "CREATE TABLE IF NOT EXISTS schema_steps (step INTEGER PRIMARY KEY, statement TEXT NOT NULL, \
         state TEXT NOT NULL, migration INTEGER NOT NULL DEFAULT 0, number INTEGER NOT NULL DEFAULT 0, \
         checksum TEXT NOT NULL DEFAULT '', token INTEGER NOT NULL DEFAULT 0, started_at INTEGER, \
         finished_at INTEGER, error TEXT)",
    ),
    (
        "journal",
        "CREATE TABLE IF NOT EXISTS journal (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, \
         actor TEXT NOT NULL, action TEXT NOT NULL, resource TEXT NOT NULL, record_id BLOB NOT NULL, \
         version INTEGER NOT NULL, changes TEXT NOT NULL, cause TEXT)",
    ),
    ("journal_record", "CREATE INDEX IF NOT EXISTS journal_record ON journal (record_id, version)"),
    (
        "journal_seal",
        "CREATE TABLE IF NOT EXISTS journal_seal (position INTEGER PRIMARY KEY, seq INTEGER NOT NULL, hash BLOB NOT NULL)",
    ),
    (
        "chain",
        "CREATE TABLE IF NOT EXISTS chain (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL, \
         hash BLOB NOT NULL, seq INTEGER NOT NULL)",
    ),
    (
        "counts",
        "CREATE TABLE IF NOT EXISTS counts (resource TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, \
         n INTEGER NOT NULL, PRIMARY KEY (resource, field, value)) WITHOUT ROWID",
    ),
    (
        "idempotency",
        "CREATE TABLE IF NOT EXISTS idempotency (name TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, \
         response TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID",
    ),
    ("idempotency_at", "CREATE INDEX IF NOT EXISTS idempotency_at ON idempotency (at)"),
];

/// Columns that `schema_steps` got later.
pub(super) const STEP_COLUMNS: &[(&str, &str)] = &[
    ("migration", "INTEGER NOT NULL DEFAULT 0"),
    ("number", "INTEGER NOT NULL DEFAULT 0"),
    ("checksum", "TEXT NOT NULL DEFAULT ''"),
    ("token", "INTEGER NOT NULL DEFAULT 0"),
    ("started_at", "INTEGER"),
    ("finished_at", "INTEGER"),
    ("error", "TEXT"),
];

/// Columns, indexes and triggers, with their definitions. An id that is needed has the nil one where none is
/// given; older versions left it empty, which is no drift.
pub(super) const OBJECTS: &str = "SELECT 'column', m.name, c.name, c.type \
    || CASE c.\"notnull\" WHEN 1 THEN ' NOT NULL' ELSE '' END || coalesce(' DEFAULT ' || \
    CASE c.dflt_value WHEN 'x''00000000000000000000000000000000''' THEN 'x''''' ELSE c.dflt_value END, '') \
    || CASE WHEN c.pk > 0 THEN ' KEY ' || c.pk ELSE '' END \
    FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND substr(m.name, 1, 7) <> 'sqlite_' \
    UNION ALL SELECT m.type, m.tbl_name, m.name, coalesce(m.sql, '') FROM sqlite_schema m \
    WHERE m.type IN ('index', 'trigger') AND substr(m.name, 1, 7) <> 'sqlite_'";

/// The tables of the registry.
pub(super) const REGISTRY: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS tenants (id BLOB PRIMARY KEY, slug TEXT NOT NULL UNIQUE, organization TEXT NOT NULL, \
     operation_type TEXT NOT NULL, state TEXT NOT NULL, plan TEXT NOT NULL, generation INTEGER NOT NULL, \
     schema_version INTEGER NOT NULL, version INTEGER NOT NULL, created_at INTEGER NOT NULL, \
     changed_at INTEGER NOT NULL, provision_key TEXT UNIQUE, provision_fingerprint TEXT) STRICT",
    "CREATE INDEX IF NOT EXISTS tenants_state ON tenants (state)",
    "CREATE TABLE IF NOT EXISTS audit_anchors (tenant_id BLOB PRIMARY KEY, position INTEGER NOT NULL, \
     hash BLOB NOT NULL, at INTEGER NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, secret BLOB NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS tenant_schemas (tenant_id BLOB PRIMARY KEY, generation INTEGER NOT NULL, \
     fingerprint TEXT NOT NULL, at INTEGER NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS migrations (id INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, \
     at INTEGER NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS migration_runs (id BLOB PRIMARY KEY, target TEXT NOT NULL, state TEXT NOT NULL, \
     reason TEXT, ring INTEGER NOT NULL, rings INTEGER NOT NULL, operator TEXT NOT NULL, options TEXT NOT NULL, \
     token INTEGER NOT NULL, started_at INTEGER NOT NULL, finished_at INTEGER) STRICT",
    "CREATE TABLE IF NOT EXISTS migration_tenants (run_id BLOB NOT NULL, tenant_id BLOB NOT NULL, slug TEXT NOT NULL, \
     ring INTEGER NOT NULL, state TEXT NOT NULL, step TEXT, error TEXT, attempts INTEGER NOT NULL, \
     micros INTEGER NOT NULL, PRIMARY KEY (run_id, tenant_id)) STRICT",
    "CREATE TABLE IF NOT EXISTS leases (name TEXT PRIMARY KEY, holder BLOB NOT NULL, token INTEGER NOT NULL, \
     until INTEGER NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS tenant_marks (tenant_id BLOB PRIMARY KEY, neutral INTEGER NOT NULL, \
     delete_after INTEGER, archived_as TEXT) STRICT",
    "CREATE TABLE IF NOT EXISTS tenant_events (tenant_id BLOB NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL, \
     state TEXT NOT NULL, generation INTEGER NOT NULL, operation_id BLOB, PRIMARY KEY (tenant_id, version)) STRICT",
    "CREATE TABLE IF NOT EXISTS operations (id BLOB PRIMARY KEY, tenant_id BLOB NOT NULL, slug TEXT NOT NULL, \
     kind TEXT NOT NULL, parameters TEXT NOT NULL, state TEXT NOT NULL, step TEXT NOT NULL, result TEXT NOT NULL, \
     done INTEGER NOT NULL, total INTEGER NOT NULL, message TEXT, token INTEGER NOT NULL, \
     created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL) STRICT",
    "CREATE INDEX IF NOT EXISTS operations_slug ON operations (slug, created_at)",
    "CREATE INDEX IF NOT EXISTS operations_state ON operations (state)",
];

//! The records are the truth; every other table is an index over them, but for leases, heartbeats, logs and stored answers.

use alloc::format;
use alloc::string::String;

use crate::door::sql::{Sql, StoreError, first};
use crate::wire::shard::Shard;

/// The version that this code reads and writes, kept in `meta`.
pub const VERSION: u64 = 4;

/// Columns that tables of an earlier version may lack.
const LATER: &[(&str, &str)] = &[
    (
        "SELECT retried_seq FROM backfill LIMIT 0",
        "ALTER TABLE backfill ADD COLUMN retried_seq INTEGER",
    ),
    (
        "SELECT due FROM partition_state LIMIT 0",
        "ALTER TABLE partition_state ADD COLUMN due BLOB",
    ),
    (
        "SELECT granted_ms FROM scheduler LIMIT 0",
        "ALTER TABLE scheduler ADD COLUMN granted_ms INTEGER",
    ),
    (
        "SELECT heard_seq FROM attempt LIMIT 0",
        "ALTER TABLE attempt ADD COLUMN heard_seq INTEGER",
    ),
];

const TABLES: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS record (
        seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, event_id BLOB NOT NULL, kind TEXT NOT NULL, actor TEXT NOT NULL,
        cause BLOB, body TEXT NOT NULL, chain BLOB NOT NULL)",
    // The content of manifests, by their address. Content never changes, so it is no state.
    "CREATE TABLE IF NOT EXISTS manifest (digest BLOB PRIMARY KEY, content BLOB NOT NULL, seq INTEGER) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS run (
        run BLOB PRIMARY KEY, manifest BLOB NOT NULL, triggered_seq INTEGER NOT NULL, triggered_ms INTEGER NOT NULL, tasks INTEGER,
        run_key TEXT, planned_seq INTEGER, cancel_seq INTEGER, finished_seq INTEGER, finished_ms INTEGER, outcome INTEGER, due_ms INTEGER) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS run_open ON run (run) WHERE finished_seq IS NULL",
    "CREATE INDEX IF NOT EXISTS run_due ON run (due_ms) WHERE due_ms IS NOT NULL",
    "CREATE TABLE IF NOT EXISTS run_key (run_key TEXT PRIMARY KEY, fingerprint BLOB NOT NULL, run BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS backfill (
        backfill BLOB PRIMARY KEY, requested_seq INTEGER NOT NULL, mode INTEGER NOT NULL, changes INTEGER NOT NULL,
        retried_seq INTEGER) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS backfill_chunk (
        backfill BLOB NOT NULL, chunk INTEGER NOT NULL, run BLOB NOT NULL, PRIMARY KEY (backfill, chunk)) WITHOUT ROWID",
    // A schedule that the current manifest does not declare has no manifest.
    "CREATE TABLE IF NOT EXISTS schedule (
        name TEXT PRIMARY KEY, manifest BLOB, cursor_s INTEGER NOT NULL, skipped_s INTEGER, skipped TEXT,
        changes INTEGER NOT NULL, paused_seq INTEGER, ticked_seq INTEGER) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS sensor (
        name TEXT PRIMARY KEY, manifest BLOB, changes INTEGER NOT NULL, paused_seq INTEGER, reports INTEGER NOT NULL, reported_seq INTEGER,
        cursor TEXT, queue TEXT, due_ms INTEGER) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS automation (
        name TEXT PRIMARY KEY, manifest BLOB, changes INTEGER NOT NULL, paused_seq INTEGER, evaluations INTEGER NOT NULL,
        evaluated_seq INTEGER) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS sensor_due ON sensor (queue, due_ms) WHERE due_ms IS NOT NULL",
    "CREATE TABLE IF NOT EXISTS sensor_message (
        sensor TEXT NOT NULL, message TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (sensor, message)) WITHOUT ROWID",
    // A look of a sensor is an attempt with no `requested_seq` but 0: no record asked for it.
    "CREATE TABLE IF NOT EXISTS attempt (
        run BLOB NOT NULL, task BLOB NOT NULL, attempt INTEGER NOT NULL, task_key TEXT NOT NULL, state INTEGER NOT NULL,
        queue TEXT NOT NULL, rank INTEGER NOT NULL, due_ms INTEGER NOT NULL, deadline_ms INTEGER, worker TEXT,
        requested_seq INTEGER NOT NULL, started_seq INTEGER, closed_seq INTEGER, heard_seq INTEGER,
        PRIMARY KEY (run, task, attempt)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS attempt_leasable ON attempt (queue, rank, due_ms, requested_seq) WHERE state = 0",
    "CREATE INDEX IF NOT EXISTS attempt_due ON attempt (due_ms, requested_seq) WHERE state IN (1, 2)",
    "CREATE TABLE IF NOT EXISTS materialization (
        asset TEXT NOT NULL, partition TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (asset, partition)) WITHOUT ROWID",
    // Sets of ordinals, a row for each stretch of them; NULL for an empty set.
    "CREATE TABLE IF NOT EXISTS partition_state (
        asset TEXT NOT NULL, stretch INTEGER NOT NULL, newest INTEGER NOT NULL, made BLOB, failed BLOB, stale BLOB, due BLOB,
        PRIMARY KEY (asset, stretch)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS partition_stale ON partition_state (asset, stretch) WHERE stale IS NOT NULL",
    // The ordinals of partitions that no declaration lists: first come, first counted.
    "CREATE TABLE IF NOT EXISTS partition_name (
        asset TEXT NOT NULL, partition TEXT NOT NULL, ordinal INTEGER NOT NULL, PRIMARY KEY (asset, partition)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS partition_ordinal ON partition_name (asset, ordinal)",
    "CREATE TABLE IF NOT EXISTS answer (
        name TEXT PRIMARY KEY, fingerprint BLOB NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS answer_age ON answer (at_ms)",
    "CREATE TABLE IF NOT EXISTS scheduler (
        id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, holder TEXT NOT NULL, expires_ms INTEGER NOT NULL, granted_ms INTEGER)",
    "CREATE TABLE IF NOT EXISTS log (
        run BLOB NOT NULL, task BLOB NOT NULL, attempt INTEGER NOT NULL, start INTEGER NOT NULL, text TEXT NOT NULL,
        PRIMARY KEY (run, task, attempt, start)) WITHOUT ROWID",
];

/// Makes the tables and columns that are missing. The answer is the version that wrote the ledger; above [`VERSION`] it must not be written.
///
/// # Errors
/// What the store says.
pub fn install(sql: &mut dyn Sql) -> Result<u64, StoreError> {
    for table in TABLES {
        sql.execute(table, &[])?;
    }
    sql.execute(
        "INSERT INTO meta (name, value) VALUES ('version', ?1) ON CONFLICT DO NOTHING",
        &[VERSION.into()],
    )?;
    let version = first(
        sql,
        "SELECT value FROM meta WHERE name = 'version'",
        &[],
        |row| row.unsigned(0),
    )?
    .unwrap_or(VERSION);
    if version >= VERSION {
        return Ok(version);
    }
    for (probe, addition) in LATER {
        if sql.query(probe, &[], &mut |_| {}).is_err() {
            sql.execute(addition, &[])?;
        }
    }
    sql.execute(
        "UPDATE meta SET value = ?1 WHERE name = 'version'",
        &[VERSION.into()],
    )?;
    Ok(VERSION)
}

/// Which ledger of its workspace a store holds; `None` for one that was never used.
///
/// # Errors
/// What the store says.
pub fn shard(sql: &mut dyn Sql) -> Result<Option<Shard>, StoreError> {
    let text = first(
        sql,
        "SELECT value FROM meta WHERE name = 'shard'",
        &[],
        |row| String::from(row.text(0)),
    )?;
    Ok(text.and_then(|text| {
        let (index, count) = text.split_once('/')?;
        Shard::new(index.parse().ok()?, count.parse().ok()?)
    }))
}

/// Whether a store holds this ledger of its workspace; one that was never used becomes it. A ledger stays what it is, so a store that
/// was used without being told is the only one.
///
/// # Errors
/// What the store says.
pub fn settle(sql: &mut dyn Sql, shard: Shard) -> Result<bool, StoreError> {
    if let Some(stored) = self::shard(sql)? {
        return Ok(stored == shard);
    }
    if shard.is_only() {
        return Ok(true);
    }
    let used = first(sql, "SELECT seq FROM record LIMIT 1", &[], |row| {
        row.unsigned(0)
    })?;
    if used.is_some() {
        return Ok(false);
    }
    let text = format!("{}/{}", shard.index(), shard.count());
    sql.execute(
        "INSERT INTO meta (name, value) VALUES ('shard', ?1)",
        &[text.as_str().into()],
    )?;
    Ok(true)
}

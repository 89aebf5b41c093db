//! A house is in order when its records hold, and its indexes are those that its records give.

use arcoflow_core::door::verify::{Verifier, rebuild};

use crate::house::House;
use crate::store::Store;

/// Everything that has to hold of a house at any moment.
#[track_caller]
pub(crate) fn check(house: &mut House) {
    let records = house.records();
    let mut verifier = Verifier::new();
    for record in &records {
        verifier
            .take(record)
            .unwrap_or_else(|broken| panic!("record {}: {}", broken.seq, broken.sentence));
    }
    let manifests = manifests(house);
    let mut copy = Store::new();
    rebuild(
        &house.config,
        &mut copy,
        &manifests,
        &mut records.into_iter(),
    )
    .expect("the ledger can be built again");
    for (statement, what) in INDEXES {
        assert_eq!(
            dump(&mut house.store, statement),
            dump(&mut copy, statement),
            "live and replayed {what} differ"
        );
    }
}

/// What of the indexes follows from the records alone: leases and heartbeats do not.
const INDEXES: &[(&str, &str)] = &[
    ("SELECT run, manifest, triggered_seq, triggered_ms, tasks, run_key, planned_seq, cancel_seq, finished_seq, finished_ms, outcome, due_ms FROM run ORDER BY run", "runs"),
    (
        "SELECT run, task, attempt, task_key, CASE state WHEN 1 THEN 0 ELSE state END, queue, rank, requested_seq, started_seq, closed_seq, heard_seq
         FROM attempt WHERE requested_seq > 0 ORDER BY run, task, attempt",
        "attempts",
    ),
    ("SELECT asset, partition, seq FROM materialization ORDER BY asset, partition", "materialisations"),
    ("SELECT asset, stretch, newest, made, failed, stale, due FROM partition_state ORDER BY asset, stretch", "partition states"),
    ("SELECT asset, partition, ordinal FROM partition_name ORDER BY asset, ordinal", "partition names"),
    ("SELECT seq, at_ms, event_id, kind, actor, cause, body, chain FROM record ORDER BY seq", "records"),
    (
        "SELECT backfill, requested_seq, mode, changes, retried_seq FROM backfill ORDER BY backfill",
        "backfills",
    ),
    (
        "SELECT backfill, chunk, run FROM backfill_chunk ORDER BY backfill, chunk",
        "chunks",
    ),
    (
        "SELECT run_key, fingerprint, run FROM run_key ORDER BY run_key",
        "run keys",
    ),
    (
        "SELECT name, manifest, changes, paused_seq, reports, reported_seq, cursor, queue FROM sensor ORDER BY name",
        "sensors",
    ),
    (
        "SELECT sensor, message, seq FROM sensor_message ORDER BY sensor, message",
        "messages",
    ),
    (
        "SELECT name, manifest, cursor_s, skipped_s, skipped, changes, paused_seq, ticked_seq FROM schedule ORDER BY name",
        "schedules",
    ),
    (
        "SELECT name, manifest, changes, paused_seq, evaluations, evaluated_seq FROM automation ORDER BY name",
        "automations",
    ),
    ("SELECT value FROM meta WHERE name = 'manifest'", "current manifest"),
    ("SELECT name, value FROM meta WHERE name LIKE 'heard-%' AND value NOT LIKE '%#0' ORDER BY name", "what was heard"),
];

fn dump(store: &mut Store, statement: &'static str) -> Vec<String> {
    let mut prepared = store
        .connection
        .prepare(statement)
        .expect("the statement is SQL");
    let columns = prepared.column_count();
    let mut rows = prepared.query([]).expect("the query runs");
    let mut lines = Vec::new();
    while let Some(row) = rows.next().expect("a row") {
        let cells: Vec<String> = (0..columns)
            .map(|column| format!("{:?}", row.get_ref(column).expect("a column")))
            .collect();
        lines.push(cells.join("|"));
    }
    lines
}

fn manifests(house: &mut House) -> Vec<Vec<u8>> {
    let mut prepared = house
        .store
        .connection
        .prepare("SELECT content FROM manifest")
        .expect("SQL");
    let rows = prepared
        .query_map([], |row| row.get::<_, Vec<u8>>(0))
        .expect("rows");
    rows.map(|row| row.expect("a manifest")).collect()
}

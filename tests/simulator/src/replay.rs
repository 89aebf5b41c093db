//! Live is replay: the indexes of a door that was never empty are those of a new one that read the same records.

use arcoflow_core::door::schema;
use arcoflow_core::door::verify::extend;
use arcoflow_core::wire::record::Record;

use crate::door::Door;
use crate::judge::Broken;
use crate::store::{NewDatabase, Store};

/// What of the indexes follows from the records alone, a line for each row: leases, heartbeats and looks do not.
const INDEXES: &[(&str, &str)] = &[
    (
        "SELECT quote(run) || quote(manifest) || quote(triggered_seq) || quote(triggered_ms) || quote(tasks) || quote(run_key) || quote(planned_seq)
            || quote(cancel_seq) || quote(finished_seq) || quote(finished_ms) || quote(outcome) || quote(due_ms) FROM run ORDER BY run",
        "runs",
    ),
    (
        "SELECT quote(run) || quote(task) || quote(attempt) || task_key || CASE state WHEN 1 THEN 0 ELSE state END || queue || quote(rank)
            || quote(requested_seq) || quote(started_seq) || quote(closed_seq) || CASE state WHEN 2 THEN quote(deadline_ms) ELSE '' END
         FROM attempt WHERE requested_seq > 0 ORDER BY run, task, attempt",
        "attempts",
    ),
    ("SELECT asset || '[' || partition || ']' || quote(seq) FROM materialization ORDER BY asset, partition", "materialisations"),
    (
        "SELECT asset || quote(stretch) || quote(newest) || quote(made) || quote(failed) || quote(stale) FROM partition_state ORDER BY asset, stretch",
        "partitions",
    ),
    ("SELECT quote(backfill) || quote(requested_seq) || quote(mode) || quote(changes) || quote(retried_seq) FROM backfill ORDER BY backfill", "backfills"),
    ("SELECT quote(backfill) || quote(chunk) || quote(run) FROM backfill_chunk ORDER BY backfill, chunk", "chunks"),
    ("SELECT run_key || quote(fingerprint) || quote(run) FROM run_key ORDER BY run_key", "run keys"),
    (
        "SELECT name || quote(manifest) || quote(cursor_s) || quote(skipped_s) || quote(skipped) || quote(changes) || quote(paused_seq) || quote(ticked_seq)
         FROM schedule ORDER BY name",
        "schedules",
    ),
    (
        "SELECT name || quote(manifest) || quote(changes) || quote(paused_seq) || quote(reports) || quote(reported_seq) || quote(cursor) || quote(queue)
         FROM sensor ORDER BY name",
        "sensors",
    ),
    ("SELECT sensor || ' ' || message || quote(seq) FROM sensor_message ORDER BY sensor, message", "messages"),
    ("SELECT quote(value) FROM meta WHERE name = 'manifest'", "current manifest"),
];

/// A store that reads every record once, and nothing else.
pub(crate) struct Replica {
    store: Store,
    /// The newest record that it has read.
    seq: u64,
}

impl Replica {
    pub(crate) fn new(new_database: NewDatabase) -> Replica {
        let mut store = Store::new(new_database);
        schema::install(&mut store).expect("the tables are made");
        Replica { store, seq: 0 }
    }

    pub(crate) fn seq(&self) -> u64 {
        self.seq
    }

    /// Reads the records that follow, and compares; but rows that begin like a forgotten one.
    pub(crate) fn check(
        &mut self,
        door: &mut Door,
        records: Vec<Record>,
        forgotten: &[String],
    ) -> Result<(), Broken> {
        let broken = |detail| {
            Err(Broken {
                rule: "I10 live is replay",
                detail,
            })
        };
        let manifests = door.manifests();
        let mut records = records.into_iter();
        match extend(&door.config, &mut self.store, &manifests, &mut records) {
            Ok(count) => self.seq += count,
            Err(error) => return broken(error.into_detail()),
        }
        for (statement, what) in INDEXES {
            let lines = |store: &mut Store| -> Vec<String> {
                let lines = store.lines(statement).into_iter();
                let is_known = |line: &String| !forgotten.iter().any(|row| line.starts_with(row));
                lines.filter(is_known).collect()
            };
            let (live, replayed) = (lines(&mut door.store), lines(&mut self.store));
            if live != replayed {
                let differs = live
                    .iter()
                    .zip(&replayed)
                    .find(|(live, replayed)| live != replayed);
                return broken(format!(
                    "{what}: {} and {}: {differs:?}",
                    live.len(),
                    replayed.len()
                ));
            }
        }
        Ok(())
    }
}

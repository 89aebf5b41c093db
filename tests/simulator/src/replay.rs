//! Live is replay: the indexes of a door that was never empty are those of a new one that read the same records.

use arcoflow_core::door::verify::rebuild;
use arcoflow_core::wire::record::Record;

use crate::door::Door;
use crate::judge::Broken;
use crate::store::Store;

/// What of the indexes follows from the records alone: leases and heartbeats do not.
const INDEXES: &[(&str, &str)] = &[
    ("SELECT run, manifest, triggered_seq, triggered_ms, tasks, run_key, planned_seq, cancel_seq, finished_seq, finished_ms, outcome FROM run ORDER BY run", "runs"),
    (
        "SELECT run, task, attempt, task_key, CASE state WHEN 1 THEN 0 ELSE state END, queue, rank, requested_seq, started_seq, closed_seq
         FROM attempt ORDER BY run, task, attempt",
        "attempts",
    ),
    ("SELECT asset, partition, seq FROM materialization ORDER BY asset, partition", "materialisations"),
    ("SELECT backfill, requested_seq, mode, changes FROM backfill ORDER BY backfill", "backfills"),
    ("SELECT backfill, chunk, run FROM backfill_chunk ORDER BY backfill, chunk", "chunks"),
    ("SELECT run_key, fingerprint, run FROM run_key ORDER BY run_key", "run keys"),
    ("SELECT value FROM meta WHERE name = 'manifest'", "current manifest"),
];

/// Builds the indexes again and compares.
pub(crate) fn check(door: &mut Door, records: Vec<Record>) -> Result<(), Broken> {
    let manifests = door.manifests();
    let mut copy = Store::new();
    let built = rebuild(
        &door.config,
        &mut copy,
        &manifests,
        &mut records.into_iter(),
    );
    if let Err(error) = built {
        return Err(Broken {
            rule: "I10 live is replay",
            detail: error.into_detail(),
        });
    }
    for (statement, what) in INDEXES {
        let (live, replayed) = (door.store.dump(statement), copy.dump(statement));
        if live != replayed {
            let differs = live
                .iter()
                .zip(&replayed)
                .find(|(live, replayed)| live != replayed);
            return Err(Broken {
                rule: "I10 live is replay",
                detail: format!("{what}: {differs:?}"),
            });
        }
    }
    Ok(())
}

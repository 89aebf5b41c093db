//! Two stores hold the same ledger when their indexes agree in everything that follows from the records.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use sha2::{Digest, Sha256};

use crate::door::sql::{Row, Sql, StoreError};
use crate::identity::digest::Sha256Digest;
use crate::identity::spelling;

/// An index that a store keeps beside the records.
#[derive(Clone, Copy, Debug)]
struct Index {
    name: &'static str,
    statement: &'static str,
    columns: &'static [(&'static str, Kind)],
}

/// What a column holds.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Integer,
    Text,
    Blob,
}

use Kind::{Blob, Integer, Text};

/// What follows from the records. A lease and a heartbeat are no records: a leased attempt counts as one that was asked for,
/// and neither its deadline for silence nor a worker that has not started is looked at.
const INDEXES: &[Index] = &[
    Index {
        name: "runs",
        statement: "SELECT run, manifest, triggered_seq, triggered_ms, tasks, run_key, planned_seq, cancel_seq, finished_seq, finished_ms, outcome, due_ms FROM run ORDER BY run",
        columns: &[
            ("run", Blob),
            ("manifest", Blob),
            ("triggered_seq", Integer),
            ("triggered_ms", Integer),
            ("tasks", Integer),
            ("run_key", Text),
            ("planned_seq", Integer),
            ("cancel_seq", Integer),
            ("finished_seq", Integer),
            ("finished_ms", Integer),
            ("outcome", Integer),
            ("due_ms", Integer),
        ],
    },
    Index {
        name: "attempts",
        statement: "SELECT run, task, attempt, task_key, CASE state WHEN 1 THEN 0 ELSE state END, queue, rank, deadline_ms, CASE WHEN started_seq IS NULL THEN NULL ELSE worker END, requested_seq, started_seq, closed_seq, heard_seq FROM attempt WHERE requested_seq > 0 ORDER BY run, task, attempt",
        columns: &[
            ("run", Blob),
            ("task", Blob),
            ("attempt", Integer),
            ("task_key", Text),
            ("state", Integer),
            ("queue", Text),
            ("rank", Integer),
            ("deadline_ms", Integer),
            ("worker", Text),
            ("requested_seq", Integer),
            ("started_seq", Integer),
            ("closed_seq", Integer),
            ("heard_seq", Integer),
        ],
    },
    Index {
        name: "other ledgers",
        statement: "SELECT name, value FROM meta WHERE name >= 'heard-' AND name < 'heard.' AND value NOT LIKE '%#0' ORDER BY name",
        columns: &[("name", Text), ("value", Text)],
    },
    Index {
        name: "materializations",
        statement: "SELECT asset, partition, seq FROM materialization ORDER BY asset, partition",
        columns: &[("asset", Text), ("partition", Text), ("seq", Integer)],
    },
    Index {
        name: "run keys",
        statement: "SELECT run_key, fingerprint, run FROM run_key ORDER BY run_key",
        columns: &[("run_key", Text), ("fingerprint", Blob), ("run", Blob)],
    },
    Index {
        name: "backfills",
        statement: "SELECT backfill, requested_seq, mode, changes FROM backfill ORDER BY backfill",
        columns: &[
            ("backfill", Blob),
            ("requested_seq", Integer),
            ("mode", Integer),
            ("changes", Integer),
        ],
    },
    Index {
        name: "chunks",
        statement: "SELECT backfill, chunk, run FROM backfill_chunk ORDER BY backfill, chunk",
        columns: &[("backfill", Blob), ("chunk", Integer), ("run", Blob)],
    },
    Index {
        name: "manifests",
        statement: "SELECT digest, seq FROM manifest WHERE seq IS NOT NULL ORDER BY digest",
        columns: &[("digest", Blob), ("seq", Integer)],
    },
    Index {
        name: "schedules",
        statement: "SELECT name, manifest, cursor_s, skipped_s, skipped, changes, paused_seq, ticked_seq FROM schedule ORDER BY name",
        columns: &[
            ("name", Text),
            ("manifest", Blob),
            ("cursor_s", Integer),
            ("skipped_s", Integer),
            ("skipped", Text),
            ("changes", Integer),
            ("paused_seq", Integer),
            ("ticked_seq", Integer),
        ],
    },
    Index {
        name: "sensors",
        statement: "SELECT name, manifest, changes, paused_seq, reports, reported_seq, cursor, queue FROM sensor ORDER BY name",
        columns: &[
            ("name", Text),
            ("manifest", Blob),
            ("changes", Integer),
            ("paused_seq", Integer),
            ("reports", Integer),
            ("reported_seq", Integer),
            ("cursor", Text),
            ("queue", Text),
        ],
    },
    Index {
        name: "automations",
        statement: "SELECT name, manifest, changes, paused_seq, evaluations, evaluated_seq FROM automation ORDER BY name",
        columns: &[
            ("name", Text),
            ("manifest", Blob),
            ("changes", Integer),
            ("paused_seq", Integer),
            ("evaluations", Integer),
            ("evaluated_seq", Integer),
        ],
    },
    Index {
        name: "partition states",
        statement: "SELECT asset, stretch, newest, made, failed, stale, due FROM partition_state ORDER BY asset, stretch",
        columns: &[
            ("asset", Text),
            ("stretch", Integer),
            ("newest", Integer),
            ("made", Blob),
            ("failed", Blob),
            ("stale", Blob),
            ("due", Blob),
        ],
    },
    Index {
        name: "partition names",
        statement: "SELECT asset, partition, ordinal FROM partition_name ORDER BY asset, partition",
        columns: &[("asset", Text), ("partition", Text), ("ordinal", Integer)],
    },
    Index {
        name: "messages",
        statement: "SELECT sensor, message, seq FROM sensor_message ORDER BY sensor, message",
        columns: &[("sensor", Text), ("message", Text), ("seq", Integer)],
    },
    Index {
        name: "current manifest",
        statement: "SELECT value FROM meta WHERE name = 'manifest'",
        columns: &[("digest", Blob)],
    },
];

/// What is no record and is kept in place: who holds an attempt, and until when.
const LEASES: Index = Index {
    name: "leases",
    statement: "SELECT run, task, attempt, state, due_ms, worker FROM attempt ORDER BY run, task, attempt",
    columns: &[
        ("run", Blob),
        ("task", Blob),
        ("attempt", Integer),
        ("state", Integer),
        ("due_ms", Integer),
        ("worker", Text),
    ],
};

/// A digest of everything that a door goes by beside the records, leases and heartbeats among it: two doors that were asked the same
/// at the same times have the same one.
///
/// # Errors
/// What the store says.
pub fn fingerprint(sql: &mut dyn Sql) -> Result<Sha256Digest, StoreError> {
    let mut hash = Sha256::new();
    hash.update(b"arcoflow-door:v1:");
    for index in INDEXES.iter().chain([&LEASES]) {
        hash.update(index.name);
        sql.query(index.statement, &[], &mut |row| {
            hash.update(text_of(row, index));
            hash.update(b"\n");
        })?;
    }
    Ok(Sha256Digest::from_bytes(hash.finalize().into()))
}

/// A row in which two stores differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The index.
    pub index: &'static str,
    /// The row of the first store, column by column, when it has one at this place.
    pub left: Option<String>,
    /// The row of the second store.
    pub right: Option<String>,
}

/// How many rows of an index agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// The index.
    pub index: &'static str,
    /// Its rows.
    pub rows: u64,
}

/// Compares the indexes of two stores. The answer is what agrees, and the first row that does not.
///
/// # Errors
/// What a store says.
pub fn compare(
    left: &mut dyn Sql,
    right: &mut dyn Sql,
) -> Result<(Vec<Agreed>, Option<Difference>), StoreError> {
    let mut agreed = Vec::new();
    for index in INDEXES {
        let (here, there) = (digests(left, index)?, digests(right, index)?);
        let place = here.iter().zip(&there).position(|(a, b)| a != b);
        let place =
            place.or_else(|| (here.len() != there.len()).then(|| here.len().min(there.len())));
        if let Some(place) = place {
            let difference = Difference {
                index: index.name,
                left: row_at(left, index, place)?,
                right: row_at(right, index, place)?,
            };
            return Ok((agreed, Some(difference)));
        }
        agreed.push(Agreed {
            index: index.name,
            rows: here.len() as u64,
        });
    }
    Ok((agreed, None))
}

/// The content of every manifest of a store, in the order of their addresses.
///
/// # Errors
/// What the store says.
pub fn manifests(sql: &mut dyn Sql) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut contents = Vec::new();
    sql.query(
        "SELECT content FROM manifest ORDER BY digest",
        &[],
        &mut |row| contents.push(row.blob(0).to_vec()),
    )?;
    Ok(contents)
}

/// The first eight bytes of the digest of each row, in order.
fn digests(sql: &mut dyn Sql, index: &Index) -> Result<Vec<u64>, StoreError> {
    let mut digests = Vec::new();
    sql.query(index.statement, &[], &mut |row| {
        let hash = Sha256::digest(text_of(row, index).as_bytes());
        let mut head = [0; 8];
        head.copy_from_slice(&hash[..8]);
        digests.push(u64::from_le_bytes(head));
    })?;
    Ok(digests)
}

fn row_at(sql: &mut dyn Sql, index: &Index, place: usize) -> Result<Option<String>, StoreError> {
    let (mut at, mut found) = (0, None);
    sql.query(index.statement, &[], &mut |row| {
        if at == place {
            found = Some(text_of(row, index));
        }
        at += 1;
    })?;
    Ok(found)
}

fn text_of(row: &dyn Row, index: &Index) -> String {
    let columns = index.columns.iter().enumerate();
    let cells: Vec<String> = columns
        .map(|(column, (name, kind))| {
            let value = match kind {
                _ if row.is_null(column) => "null".to_string(),
                Integer => row.integer(column).to_string(),
                Text => format!("{:?}", row.text(column)),
                Blob => spelling::hex(row.blob(column)),
            };
            format!("{name}={value}")
        })
        .collect();
    cells.join(" ")
}

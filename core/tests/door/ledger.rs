//! The ledger can be checked by anyone, and every step of the door reaches what it needs by an index.

use std::fs;
use std::path::Path;

use arcoflow_core::door::replay::Replay;
use arcoflow_core::door::verify::Verifier;
use arcoflow_core::wire::record::{GENESIS, Record};
use serde_json::{Value, json};

use crate::house::{House, asset, manifest};

fn ledger() -> Vec<Record> {
    let mut house = House::with(&manifest(vec![
        asset("raw/a", &[], json!({})),
        asset("mart/b", &["raw/a"], json!({})),
    ]));
    house.trigger(&json!({}));
    house.work(|house, envelope| house.succeed(envelope));
    house.records()
}

fn breaks_at(records: &[Record]) -> Option<u64> {
    let mut verifier = Verifier::new();
    records
        .iter()
        .find_map(|record| verifier.take(record).err())
        .map(|broken| broken.seq)
}

#[test]
fn a_ledger_breaks_exactly_where_a_byte_was_changed() {
    let records = ledger();
    assert!(records.len() > 8);
    assert_eq!(breaks_at(&records), None);
    for place in 0..records.len() {
        let seq = records[place].seq;
        let change = |what: &dyn Fn(&mut Record)| {
            let mut changed = records.clone();
            what(&mut changed[place]);
            breaks_at(&changed)
        };
        assert_eq!(change(&|record| record.actor.push('x')), Some(seq));
        assert_eq!(change(&|record| record.at_ms += 1), Some(seq));
        assert_eq!(change(&|record| record.kind.push('x')), Some(seq));
        assert_eq!(change(&|record| record.chain = GENESIS), Some(seq));
        assert_eq!(change(&|record| record.body.insert(1, ' ')), Some(seq));
        let mut missing = records.clone();
        missing.remove(place);
        assert_eq!(
            breaks_at(&missing),
            records.get(place + 1).map(|record| record.seq)
        );
    }
}

#[test]
fn the_first_record_of_a_chain_can_be_computed_by_hand() {
    // Known answer from Python: hashlib.sha256(bytes(32) + canonical).hexdigest()
    let record = Record {
        seq: 1,
        at_ms: 1_750_000_000_000,
        event_id: arcoflow_core::identity::ids::EventId::parse("01JXRM6D00ZZZZZZZZZZZZZZZZ")
            .expect("an id"),
        kind: "run_cancel_requested".to_string(),
        actor: "key:test".to_string(),
        cause: None,
        body: r#"{"reason":"late","run":"01JXRM6D00AAAAAAAAAAAAAAAA"}"#.to_string(),
        chain: GENESIS,
    };
    let canonical = r#"{"actor":"key:test","at_ms":1750000000000,"body":{"reason":"late","run":"01JXRM6D00AAAAAAAAAAAAAAAA"},"event_id":"01JXRM6D00ZZZZZZZZZZZZZZZZ","kind":"run_cancel_requested","seq":1}"#;
    assert_eq!(String::from_utf8_lossy(&record.canonical()), canonical);
    assert_eq!(
        GENESIS.next(&record.canonical()).to_hex(),
        "f18a9533edaa882aa4d6d3dea7696df2fe60cf083750b156b254d5d33f158ada"
    );
}

#[test]
fn a_record_leaves_and_comes_back_as_it_was() {
    for record in ledger() {
        assert_eq!(Record::from_json(&record.to_json()), Some(record));
    }
}

#[test]
fn nothing_is_scanned() {
    let house = House::new();
    let hot = [
        "SELECT run FROM attempt WHERE state = 0 AND queue = ?1 AND rank = ?2 AND due_ms <= ?3 ORDER BY due_ms, requested_seq LIMIT ?4",
        "SELECT rank FROM attempt WHERE state = 0 AND queue = ?1 AND rank >= ?2 ORDER BY rank LIMIT 1",
        "SELECT run FROM attempt WHERE state IN (1, 2) AND due_ms <= ?1 ORDER BY due_ms, requested_seq LIMIT ?2",
        "SELECT due_ms FROM attempt WHERE state IN (1, 2) ORDER BY due_ms LIMIT 1",
        "SELECT name FROM sensor WHERE manifest IS NOT NULL AND queue = ?1 AND due_ms <= ?2 ORDER BY due_ms LIMIT ?3",
        "SELECT due_ms FROM sensor WHERE queue = ?1 AND due_ms > ?2 ORDER BY due_ms LIMIT 1",
        "SELECT seq FROM sensor_message WHERE sensor = ?1 AND message = ?2",
        "SELECT due_ms FROM run WHERE due_ms IS NOT NULL ORDER BY due_ms LIMIT 1",
        "SELECT run FROM run WHERE due_ms IS NOT NULL AND due_ms <= ?1 ORDER BY due_ms LIMIT ?2",
        "SELECT run FROM attempt WHERE run = ?1 AND task = ?2 ORDER BY attempt DESC LIMIT 1",
        "SELECT seq FROM record ORDER BY seq DESC LIMIT 1",
        "SELECT run FROM run WHERE run < ?1 AND finished_seq IS NULL ORDER BY run DESC LIMIT ?2",
        "SELECT run FROM run WHERE run < ?1 ORDER BY run DESC LIMIT ?2",
        "DELETE FROM answer WHERE at_ms < ?1",
    ];
    for statement in hot {
        let explained = format!("EXPLAIN QUERY PLAN {statement}");
        let mut prepared = house.store.connection.prepare(&explained).expect("SQL");
        let steps = prepared
            .raw_query()
            .mapped(|row| row.get::<_, String>(3))
            .collect::<Result<Vec<_>, _>>()
            .expect("a plan");
        for step in &steps {
            let seeks = step.contains("USING INDEX")
                || step.contains("USING COVERING INDEX")
                || step.contains("PRIMARY KEY")
                || step == "SCAN record";
            assert!(
                seeks && !step.contains("TEMP B-TREE"),
                "{statement}: {step}"
            );
        }
    }
}

#[test]
fn the_rows_that_a_task_writes_are_counted() {
    let mut house = House::with(&manifest(vec![asset("raw/a", &[], json!({}))]));
    house.trigger(&json!({}));
    house.schedule();
    let mut rows = Vec::new();
    let before = house.store.written;
    let envelope = house.lease(1).remove(0);
    rows.push(("lease", house.store.written - before));
    for (what, body) in [
        ("started", json!({})),
        ("heartbeat", json!({})),
        ("completed", json!({ "outcome": "SUCCEEDED" })),
    ] {
        house.now_ms += 1_000;
        let before = house.store.written;
        house.callback(&envelope, what, body).expect(200);
        rows.push((what, house.store.written - before));
    }
    assert_eq!(
        rows,
        [
            ("lease", 1),
            ("started", 2),
            ("heartbeat", 1),
            ("completed", 4)
        ]
    );
}

fn exported() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/ledger")
}

fn learned() -> Replay {
    let mut replay = Replay::default();
    for entry in fs::read_dir(exported().join("manifests")).expect("manifests") {
        let path = entry.expect("a manifest").path();
        let content = fs::read(&path).expect("a manifest");
        let address = replay.learn(&content).expect("it can be read").to_string();
        assert_eq!(
            path.file_stem().and_then(|name| name.to_str()),
            Some(address.replace(':', "-").as_str())
        );
    }
    replay
}

fn lines() -> Vec<String> {
    let text = fs::read_to_string(exported().join("ledger.jsonl")).expect("a ledger");
    text.lines().map(String::from).collect()
}

fn said(replay: &Replay) -> Value {
    serde_json::to_value(replay.result()).expect("JSON")
}

#[test]
fn an_export_is_replayed_to_what_its_door_said() {
    let mut replay = learned();
    for line in lines() {
        replay.take_line(line.as_bytes()).expect("it holds");
    }
    let states = fs::read(exported().join("states.json")).expect("states");
    let states: Value = serde_json::from_slice(&states).expect("JSON");
    assert_eq!(said(&replay), states);
}

#[test]
fn a_replay_stays_before_a_line_that_is_not_the_next_one() {
    let mut replay = learned();
    let lines = lines();
    for (place, line) in lines.iter().enumerate() {
        let before = said(&replay);
        for at in (0..line.len()).filter(|at| line.is_char_boundary(*at)) {
            let mut touched = line.clone().into_bytes();
            touched[at] ^= 1;
            let broken = replay
                .take_line(&touched)
                .expect_err("a bit is turned over");
            assert!(!broken.sentence.is_empty());
        }
        let spaced = line.replacen(':', ": ", 1);
        let next = lines.get(place + 1).cloned().unwrap_or_default();
        for wrong in [spaced, next, String::new(), "{}".to_string()] {
            replay
                .take_line(wrong.as_bytes())
                .expect_err("it is not the next record");
        }
        assert_eq!(said(&replay), before);
        replay.take_line(line.as_bytes()).expect("it holds");
    }
}

#[test]
fn a_run_without_its_manifest_has_no_state_and_the_chain_holds() {
    let mut replay = Replay::default();
    let lacked = lines().into_iter().filter_map(|line| {
        let record = Record::from_json(line.as_bytes())?;
        let event = replay.verify(&record).expect("it holds");
        let lacks = replay.lacks(&event);
        replay.fold(&record, &event);
        lacks
    });
    assert_eq!(lacked.count(), 4);
    let result = replay.result();
    assert_eq!(result.records, lines().len() as u64);
    assert_eq!(result.runs.len(), 4);
    for run in result.runs {
        assert_eq!((run.state, run.state_fingerprint), (None, None));
    }
}

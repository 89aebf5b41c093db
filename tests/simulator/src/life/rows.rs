//! Somebody takes a row out of the door's indexes by hand: the records ask for it, and a sweep has it written again.

use arcoflow_core::door::sql::{Sql, Value, first};
use serde_json::Value as Json;

use super::{BEGIN_MS, Life, MINUTE_MS};
use crate::judge::{Broken, rule};
use crate::post::{Call, Node};

/// The period of sweeps that is promised, in milliseconds.
const PERIOD_MS: u64 = 30_000;
/// What a request or a node that was in the way may add to two periods.
const SLACK_MS: u64 = MINUTE_MS;

/// The names of the rows that something waits for, how one is taken away, and how it is looked for.
struct Index {
    names: &'static str,
    delete: &'static str,
    find: &'static str,
}

const ATTEMPTS: Index = Index {
    names: "SELECT lower(hex(run)) || ' ' || task_key || ' ' || attempt || ' ' || quote(run) || quote(task) || quote(attempt)
            FROM attempt WHERE state IN (0, 1, 2) AND requested_seq > 0 ORDER BY 1",
    delete: "DELETE FROM attempt WHERE lower(hex(run)) || ' ' || task_key || ' ' || attempt = ?1",
    find: "SELECT 1 FROM attempt WHERE lower(hex(run)) || ' ' || task_key || ' ' || attempt = ?1",
};

const RUNS: Index = Index {
    names: "SELECT lower(hex(run)) FROM run WHERE finished_seq IS NULL ORDER BY 1",
    delete: "DELETE FROM run WHERE lower(hex(run)) = ?1",
    find: "SELECT 1 FROM run WHERE lower(hex(run)) = ?1",
};

/// Runs of which an attempt failed after a record: what is decided next is that it is tried again.
const JUST_FAILED: &str =
    "SELECT DISTINCT lower(hex(run)) FROM attempt AS last WHERE state IN (4, 6) AND closed_seq > ?1
    AND EXISTS (SELECT 1 FROM run WHERE run.run = last.run AND finished_seq IS NULL) ORDER BY 1";

/// Runs of which an attempt is due before a time: without its run nobody knows what it is due for.
const SOON_DUE: &str = "SELECT DISTINCT lower(hex(run)) FROM attempt WHERE state IN (1, 2) AND requested_seq > 0 AND due_ms <= ?1
    AND EXISTS (SELECT 1 FROM run WHERE run.run = attempt.run AND finished_seq IS NULL) ORDER BY 1";

/// A row that is not where it was.
#[derive(Debug)]
struct Lost {
    name: String,
    run: String,
    /// The task and the attempt; none for the row of a run.
    attempt: Option<(String, u64)>,
    /// How it begins where indexes are compared.
    begins: String,
    at_ms: u64,
    /// The newest record then.
    seq: u64,
}

impl Lost {
    fn index(&self) -> Index {
        if self.attempt.is_some() {
            ATTEMPTS
        } else {
            RUNS
        }
    }

    fn of(line: &str, at_ms: u64, seq: u64) -> Lost {
        let words: Vec<&str> = line.split(' ').collect();
        let word = |place: usize| words.get(place).copied().unwrap_or("").to_owned();
        Lost {
            name: words.get(..3).map_or(word(0), |name| name.join(" ")),
            run: word(0),
            attempt: words
                .get(2)
                .and_then(|attempt| Some((word(1), attempt.parse().ok()?))),
            begins: word(3),
            at_ms,
            seq,
        }
    }
}

/// The row that is lost, if there is one.
#[derive(Debug, Default)]
pub(super) struct Rows {
    lost: Option<Lost>,
    /// Whether the next run of which an attempt fails loses its row.
    awaits_failure: bool,
    /// Until when something was in the way of sweeps.
    troubled_ms: u64,
    /// How the rows of attempts begin that ended before they were there again: nothing waits for them any more.
    pub(super) forgotten: Vec<String>,
}

impl Rows {
    pub(super) fn is_one_lost(&self) -> bool {
        self.lost.is_some()
    }

    /// No more rows are taken.
    pub(super) fn lie_still(&mut self) {
        self.awaits_failure = false;
    }

    /// Something is in the way of sweeps until then.
    pub(super) fn trouble(&mut self, until_ms: u64) {
        self.troubled_ms = self.troubled_ms.max(until_ms);
    }

    /// A node is away until then; without a scheduler nobody sweeps.
    pub(super) fn away(&mut self, node: Node, until_ms: u64) {
        if let Node::Scheduler(_) = node {
            self.trouble(until_ms);
        }
    }
}

impl Life {
    /// Tells what no record says.
    fn say(&self, what: &str) {
        if self.tell {
            println!("{:>10}        {what}", self.now_ms - BEGIN_MS);
        }
    }

    /// Takes one row away.
    pub(super) fn lose_row(&mut self) -> Result<(), Broken> {
        self.sync()?;
        if !self.door.is_up || self.rows.is_one_lost() || self.door.store.unsynced() > 0 {
            return Ok(());
        }
        match self.fate.below(6) {
            0 => {
                let lines = self.door.store.lines(RUNS.names);
                self.lose_one(&RUNS, &lines);
            }
            1 => {
                let lines = self.runs(SOON_DUE, self.door.clock(self.now_ms) + PERIOD_MS);
                self.lose_one(&RUNS, &lines);
            }
            2 => self.rows.awaits_failure = true,
            _ => {
                let lines = self.door.store.lines(ATTEMPTS.names);
                self.lose_one(&ATTEMPTS, &lines);
            }
        }
        Ok(())
    }

    /// Takes the row of a run away as soon as one of its attempts has failed, before anybody decides what follows.
    pub(super) fn lose_row_after(&mut self, seq: u64) {
        if !self.rows.awaits_failure || self.rows.is_one_lost() || !self.door.is_up {
            return;
        }
        let lines = self.runs(JUST_FAILED, seq);
        self.rows.awaits_failure = lines.is_empty();
        self.lose_one(&RUNS, &lines);
    }

    fn runs(&mut self, sql: &'static str, number: u64) -> Vec<String> {
        let mut runs = Vec::new();
        let mut push = |row: &dyn arcoflow_core::door::sql::Row| runs.push(row.text(0).to_owned());
        let asked = self.door.store.query(sql, &[number.into()], &mut push);
        asked.expect("a query");
        runs
    }

    fn lose_one(&mut self, index: &Index, lines: &[String]) {
        let Some(line) = self.fate.pick(lines) else {
            return;
        };
        let lost = Lost::of(line, self.now_ms, self.judge.seq());
        let name = Value::Text(&lost.name);
        let taken = self.door.store.execute(index.delete, &[name]);
        assert_eq!(taken.expect("a row is taken away"), 1, "{lost:?}");
        self.marks.hit("row lost");
        self.say(&format!("row lost: {}", lost.name));
        self.rows.lost = Some(lost);
    }

    /// After a sweep that knew of the row it is there again.
    pub(super) fn swept(&mut self, call: &Call, status: u16) -> Result<(), Broken> {
        let Some(lost) = self.rows.lost.as_ref() else {
            return Ok(());
        };
        if call.method != "POST" || call.target != "/v1/sweep" || status != 200 {
            return Ok(());
        }
        let asked: Json = serde_json::from_slice(&call.body).unwrap_or(Json::Null);
        let knew = asked["asOf"].as_u64() >= Some(lost.seq);
        self.look_for_row()?;
        rule(
            !knew || !self.rows.is_one_lost(),
            "I30 a sweep has what was lost written again",
            || format!("{:?}: {asked}", self.rows),
        )
    }

    /// Looks whether the row is there again, or nothing waits for it any more.
    pub(super) fn look_for_row(&mut self) -> Result<(), Broken> {
        let Some(lost) = self.rows.lost.take() else {
            return Ok(());
        };
        let found = first(
            &mut self.door.store,
            lost.index().find,
            &[Value::Text(&lost.name)],
            |_| (),
        );
        let attempt = lost.attempt.as_ref();
        let attempt = attempt.map(|(task, attempt)| (task.as_str(), *attempt));
        if found.expect("a query").is_some() {
            self.marks.hit("row written again");
            self.say(&format!("row written again: {}", lost.name));
        } else if attempt.is_some() && !self.judge.is_open(&lost.run, attempt) {
            self.rows.forgotten.push(lost.begins);
        } else {
            let since_ms = lost.at_ms.max(self.rows.troubled_ms);
            let in_time = self.now_ms <= since_ms + 2 * PERIOD_MS + SLACK_MS;
            self.rows.lost = Some(lost);
            return rule(
                in_time,
                "I30 what was lost is there again within two periods",
                || format!("{:?}", self.rows),
            );
        }
        Ok(())
    }
}

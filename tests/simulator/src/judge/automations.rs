//! The rules of what begins by itself: each tick once, each chunk once at a time, each message and each look once.

use std::collections::{BTreeMap, BTreeSet};

use arcoflow_core::wire::record::Record;
use serde_json::{Value, json};

use super::{Verdict, rule, text};
use crate::marks::Marks;
use crate::pipeline::{LOOKS, SCHEDULES};
use crate::settings::Settings;

#[derive(Debug, Default)]
struct Schedule {
    /// The last tick that was dealt with, in seconds since 1970.
    cursor_s: i64,
    is_paused: bool,
    /// Ticks up to here may be passed over whatever the policy says.
    skipped_s: i64,
}

#[derive(Debug, Default)]
struct Sensor {
    reports: u64,
    cursor: Option<u64>,
    is_paused: bool,
}

pub(super) struct Automations {
    schedules: BTreeMap<String, Schedule>,
    sensors: BTreeMap<String, Sensor>,
    messages: BTreeSet<String>,
    /// The runs of each report.
    reported: BTreeMap<(String, u64), BTreeSet<String>>,
    /// How many runs each backfill may have at once.
    backfills: BTreeMap<String, u64>,
    /// The newest run of a chunk, and how many it has had.
    chunks: BTreeMap<(String, u64), (String, u64)>,
    chunk_runs: BTreeSet<String>,
    ticks: BTreeSet<String>,
    has_schedules: bool,
}

impl Automations {
    pub(super) fn new(settings: &Settings) -> Automations {
        Automations {
            schedules: BTreeMap::new(),
            sensors: BTreeMap::new(),
            messages: BTreeSet::new(),
            reported: BTreeMap::new(),
            backfills: BTreeMap::new(),
            chunks: BTreeMap::new(),
            chunk_runs: BTreeSet::new(),
            ticks: BTreeSet::new(),
            has_schedules: settings.has("schedules"),
        }
    }

    pub(super) fn is_chunk(&self, run: &str) -> bool {
        self.chunk_runs.contains(run)
    }

    pub(super) fn has_backfill(&self, backfill: &str) -> bool {
        self.backfills.contains_key(backfill)
    }

    pub(super) fn has_message(&self, message: &str) -> bool {
        self.messages.contains(message)
    }

    /// Whether this is where the last look of a sensor ended.
    pub(super) fn is_cursor(&self, sensor: &str, cursor: Option<&str>) -> bool {
        let kept = self.sensors.get(sensor).and_then(|sensor| sensor.cursor);
        kept.map(|kept| kept.to_string()).as_deref() == cursor
    }

    /// The runs that a report names and that did not begin.
    pub(super) fn owed(&self, begun: &BTreeSet<String>) -> Vec<String> {
        let runs = self.reported.values().flatten();
        runs.filter(|run| !begun.contains(*run)).cloned().collect()
    }

    pub(super) fn take(
        &mut self,
        record: &Record,
        body: &Value,
        marks: &mut Marks,
        at: impl Fn() -> String,
    ) -> Verdict {
        match record.kind.as_str() {
            "manifest_deployed" => {
                self.deployed(record.at_ms);
                Ok(())
            }
            "backfill_requested" => {
                let at_once = body["request"]["concurrency"].as_u64().unwrap_or(1);
                self.backfills.insert(text(&body["backfill"]), at_once);
                Ok(())
            }
            "schedule_ticked" => self.ticked(record, body, marks, at),
            "schedule_set" => {
                let schedule = self.schedules.entry(text(&body["schedule"])).or_default();
                let is_paused = body["paused"] == true;
                if schedule.is_paused && !is_paused {
                    schedule.skipped_s = seconds(record.at_ms);
                }
                schedule.is_paused = is_paused;
                Ok(())
            }
            "sensor_set" => {
                let sensor = self.sensors.entry(text(&body["sensor"])).or_default();
                sensor.is_paused = body["paused"] == true;
                Ok(())
            }
            "sensor_reported" => self.reported(body, marks, at),
            _ => Ok(()),
        }
    }

    /// Schedules begin with their first deployment, and are the same in each.
    fn deployed(&mut self, at_ms: u64) {
        if self.has_schedules && self.schedules.is_empty() {
            for name in SCHEDULES {
                let schedule = Schedule {
                    cursor_s: seconds(at_ms),
                    ..Schedule::default()
                };
                self.schedules.insert((*name).to_owned(), schedule);
            }
        }
    }

    fn ticked(
        &mut self,
        record: &Record,
        body: &Value,
        marks: &mut Marks,
        at: impl Fn() -> String,
    ) -> Verdict {
        let name = text(&body["schedule"]);
        let Some(schedule) = self.schedules.get_mut(&name) else {
            return rule(false, "I27 only what is declared ticks", at);
        };
        let tick_s = body["tick_s"].as_i64().unwrap_or(0);
        rule(
            tick_s <= seconds(record.at_ms),
            "I26 no tick comes before its time",
            &at,
        )?;
        rule(!schedule.is_paused, "I27 what is paused does not tick", &at)?;
        let due = ticks(&name, schedule.cursor_s, tick_s);
        let missed = &body["missed"];
        schedule.cursor_s = tick_s;
        if missed.is_null() {
            marks.hit("tick fired");
            return rule(
                due == [tick_s],
                "I27 each tick is dealt with once, and none is left out",
                || format!("{}: {due:?} were due", at()),
            );
        }
        marks.hit("tick missed");
        let count = missed["count"].as_u64() == Some(due.len() as u64);
        let first = missed["first_s"].as_i64() == due.first().copied();
        let last = due.last() == Some(&tick_s) && missed["last_s"].as_i64() == Some(tick_s);
        rule(
            count && first && last,
            "I27 each tick is dealt with once, and none is left out",
            || format!("{}: {due:?} were due", at()),
        )?;
        rule(
            name != "caught" || tick_s <= schedule.skipped_s,
            "I27 what catches up on everything passes nothing over",
            at,
        )
    }

    /// No tick that is long past was forgotten.
    pub(super) fn check_ticks(&self, at_ms: u64) -> Verdict {
        const SLACK_S: i64 = 600;
        for (name, schedule) in self.schedules.iter().filter(|(_, one)| !one.is_paused) {
            let owed = ticks(name, schedule.cursor_s, seconds(at_ms) - SLACK_S);
            rule(owed.is_empty(), "I27 no tick is forgotten", || {
                format!("{name}: {owed:?}")
            })?;
        }
        Ok(())
    }

    fn reported(&mut self, body: &Value, marks: &mut Marks, at: impl Fn() -> String) -> Verdict {
        let name = text(&body["sensor"]);
        let sensor = self.sensors.entry(name.clone()).or_default();
        let report = body["report"].as_u64().unwrap_or(0);
        rule(
            report == sensor.reports + 1,
            "I27 the reports of a sensor count without a gap",
            &at,
        )?;
        sensor.reports = report;
        let runs: BTreeSet<String> = body["runs"]
            .as_array()
            .into_iter()
            .flatten()
            .map(text)
            .collect();
        rule(
            runs.is_empty() || !sensor.is_paused,
            "I27 a sensor that is paused starts nothing",
            &at,
        )?;
        let has_reason = body["reason"].is_string();
        if let Some(message) = body["message"].as_str() {
            rule(
                self.messages.insert(message.to_owned()),
                "I07 a message is taken once",
                &at,
            )?;
        }
        if name == LOOKS
            && let Some(cursor) = body["cursor"]
                .as_str()
                .and_then(|cursor| cursor.parse::<u64>().ok())
        {
            let files = sensor
                .cursor
                .map_or(1, |before| cursor.saturating_sub(before));
            rule(
                !sensor.is_paused,
                "I27 a sensor that is paused stays where it is",
                &at,
            )?;
            rule(
                sensor.cursor.is_none_or(|before| cursor >= before),
                "I27 a cursor never goes back",
                &at,
            )?;
            rule(
                runs.len() as u64 == files || (has_reason && runs.len() as u64 <= files),
                "I27 the cursor of a look and its runs move together",
                &at,
            )?;
            sensor.cursor = Some(cursor);
        } else if name == LOOKS && !sensor.is_paused {
            marks.hit("look lost");
        }
        self.reported.insert((name, report), runs);
        Ok(())
    }

    /// A run that nobody triggered.
    pub(super) fn requested(
        &mut self,
        run: &str,
        body: &Value,
        is_finished: &dyn Fn(&str) -> bool,
        at: impl Fn() -> String,
    ) -> Verdict {
        let account = &body["on_account_of"];
        if account["schedule"]["tick_s"].is_i64() {
            let is_first = self.ticks.insert(account["schedule"].to_string());
            return rule(is_first, "I27 a tick starts one run", at);
        }
        if let Some(sensor) = account.get("sensor") {
            let report = (
                text(&sensor["sensor"]),
                sensor["report"].as_u64().unwrap_or(0),
            );
            let runs = self.reported.get(&report);
            return rule(
                runs.is_some_and(|runs| runs.contains(run)),
                "I27 a sensor starts what its report names",
                at,
            );
        }
        if account.get("backfill").is_none() {
            return Ok(());
        }
        let account = &account["backfill"];
        let chunk = (
            text(&account["backfill"]),
            account["chunk"].as_u64().unwrap_or(0),
        );
        let before = self.chunks.get(&chunk);
        let open = before.is_some_and(|(run, _)| !is_finished(run));
        let number = before.map_or(0, |(_, runs)| *runs) + 1;
        let named = format!("backfill:{}:{}:{number}", chunk.0, chunk.1);
        rule(
            body["trigger"]["runKey"] == json!(named),
            "I12 the runs of a chunk are named in order",
            &at,
        )?;
        rule(!open, "I12 a chunk has one run at a time", &at)?;
        let of_backfill = self
            .chunks
            .range((chunk.0.clone(), 0)..=(chunk.0.clone(), u64::MAX))
            .filter(|(_, (run, _))| !is_finished(run));
        let most = self.backfills.get(&chunk.0).copied().unwrap_or(0);
        rule(
            (of_backfill.count() as u64) < most,
            "I35 a backfill has no more runs at once than it asked for",
            at,
        )?;
        self.chunks.insert(chunk, (run.to_owned(), number));
        self.chunk_runs.insert(run.to_owned());
        Ok(())
    }
}

fn seconds(at_ms: u64) -> i64 {
    (at_ms / 1_000) as i64
}

const HOUR_S: i64 = 3_600;
/// 2026-03-29T01:00:00Z: the clocks of Paris go from 2:00 to 3:00.
const PARIS_CHANGES_S: i64 = 1_774_746_000;

/// The ticks of a schedule after one time and up to another, by the judge's own arithmetic.
fn ticks(schedule: &str, after_s: i64, until_s: i64) -> Vec<i64> {
    let hours = after_s.div_euclid(HOUR_S)..=until_s.div_euclid(HOUR_S);
    let ticks = hours.filter_map(|hour| {
        let at_s = hour * HOUR_S;
        let hour_of_day = hour.rem_euclid(24);
        match schedule {
            // Half past two in Paris, which the night of the change does not have.
            "nightly" if hour_of_day == 1 && at_s < PARIS_CHANGES_S => Some(at_s + 1_800),
            "nightly" if hour_of_day == 0 && at_s > PARIS_CHANGES_S => Some(at_s + 1_800),
            "often" if hour_of_day % 3 == 0 => Some(at_s),
            // An even hour in New York is an even hour.
            "caught" if hour_of_day % 2 == 0 => Some(at_s + 2_700),
            _ => None,
        }
    });
    ticks
        .filter(|tick| (after_s + 1..=until_s).contains(tick))
        .collect()
}

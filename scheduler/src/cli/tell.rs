//! A record is told in a line: what it is about, and what it says.

use arcoflow_core::run::fold::category_name;
use arcoflow_core::wire::event::automation::{
    Account, AutomationEvaluated, BackfillChanged, ScheduleTicked, SensorReported,
};
use arcoflow_core::wire::event::{
    AttemptFinished, AttemptOutcome, ErrorCategory, Event, ExpiryReason, Output, RunOutcome,
    RunTriggered,
};
use arcoflow_core::wire::record::Record;
use arcoflow_core::wire::trigger::{Selection, Trigger};

use crate::cli::screen::Tone;
use crate::cli::words;

/// A record in the words of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// The task, or nothing when it is about a run or a manifest.
    pub(crate) subject: String,
    /// What it says beyond its kind.
    pub(crate) detail: String,
    /// What it is to the reader.
    pub(crate) tone: Tone,
}

impl Told {
    fn new(subject: impl Into<String>, detail: impl Into<String>, tone: Tone) -> Told {
        Told {
            subject: subject.into(),
            detail: detail.into(),
            tone,
        }
    }
}

/// What a record says.
pub(crate) fn tell(record: &Record) -> Told {
    let plain = Tone::Quiet;
    match record.event() {
        None => Told::new("", "it cannot be decoded", Tone::Bad),
        Some(Event::Unknown) => Told::new("", "a kind of a later version", Tone::Careful),
        Some(Event::ManifestDeployed(body)) => {
            Told::new("", words::of(u64::from(body.assets), "asset"), plain)
        }
        Some(Event::RunTriggered(body)) => Told::new("", triggered(&body), plain),
        Some(Event::RunRequested(body)) => Told::new(
            "",
            format!(
                "{}, on account of {}",
                triggered(&body.triggered),
                account(&body.on_account_of)
            ),
            plain,
        ),
        Some(Event::BackfillRequested(body)) => {
            let chunks = words::of(u64::from(body.chunks), "chunk");
            Told::new(
                "",
                format!(
                    "backfill {}: {}, {chunks}",
                    body.backfill,
                    trigger(&body.request.trigger)
                ),
                plain,
            )
        }
        Some(Event::BackfillPaused(body)) => Told::new("", change(&body, "paused"), Tone::Careful),
        Some(Event::BackfillResumed(body)) => Told::new("", change(&body, "resumed"), plain),
        Some(Event::BackfillCancelled(body)) => {
            Told::new("", change(&body, "cancelled"), Tone::Careful)
        }
        Some(Event::ScheduleTicked(body)) => ticked(&body),
        Some(Event::ScheduleSet(body)) => {
            let name = &body.schedule;
            set("schedule", name, body.paused, body.reason.as_deref())
        }
        Some(Event::SensorReported(body)) => reported(&body),
        Some(Event::SensorSet(body)) => {
            set("sensor", &body.sensor, body.paused, body.reason.as_deref())
        }
        Some(Event::AutomationEvaluated(body)) => evaluated(&body),
        Some(Event::AutomationSet(body)) => {
            let name = &body.automation;
            set("automation", name, body.paused, body.reason.as_deref())
        }
        Some(Event::RunPlanned(body)) => {
            Told::new("", words::of(u64::from(body.tasks), "task"), plain)
        }
        Some(Event::RunRejected(body)) => Told::new("", body.message, Tone::Bad),
        Some(Event::RunCancelRequested(body)) => {
            Told::new("", body.reason.unwrap_or_default(), Tone::Careful)
        }
        Some(Event::DispatchRequested(body)) => {
            let later = body.not_before.saturating_sub(record.at_ms);
            let wait = match (body.not_before, later) {
                (0, _) | (_, 0) => String::new(),
                _ => format!(", not before {} have passed", words::duration(later)),
            };
            let detail = format!("attempt {} into queue `{}`{wait}", body.attempt, body.queue);
            Told::new(words::task(&body.task), detail, plain)
        }
        Some(Event::AttemptStarted(body)) => {
            let detail = format!("attempt {} on {}", body.attempt, body.worker);
            Told::new(words::task(&body.task), detail, plain)
        }
        Some(Event::AttemptFinished(body)) => finished(&body),
        Some(Event::AttemptExpired(body)) => {
            let detail = format!("attempt {}: {}", body.attempt, expiry(body.reason));
            Told::new(words::task(&body.task), detail, Tone::Bad)
        }
        Some(Event::RunFinished(body)) => {
            let (word, tone) = outcome(body.outcome);
            let counts = [
                (body.succeeded, "succeeded"),
                (body.failed, "failed"),
                (body.skipped, "skipped"),
                (body.cancelled, "cancelled"),
            ];
            let counts: Vec<String> = counts
                .into_iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, word)| format!("{} {word}", words::count(u64::from(count))))
                .collect();
            let said = match (body.outcome, counts.as_slice()) {
                (RunOutcome::Succeeded, [_]) => words::of(u64::from(body.succeeded), "task"),
                _ => counts.join(", "),
            };
            Told::new("", format!("{word}: {said}"), tone)
        }
    }
}

/// What a run was started on account of.
fn account(account: &Account) -> String {
    match account {
        Account::Backfill { backfill, chunk } => format!("chunk {chunk} of backfill {backfill}"),
        Account::Schedule {
            schedule,
            tick_s: Some(tick_s),
        } => {
            let tick = words::local_time(u64::try_from(*tick_s).unwrap_or(0).saturating_mul(1_000));
            format!("schedule {schedule} at {tick}")
        }
        Account::Schedule {
            schedule,
            tick_s: None,
        } => format!("schedule {schedule}, by hand"),
        Account::Sensor { sensor, report } => format!("report {report} of sensor {sensor}"),
        Account::Automation {
            automation,
            evaluation,
        } => format!("look {evaluation} of automation {automation}"),
    }
}

/// What came of a tick.
fn ticked(body: &ScheduleTicked) -> Told {
    let name = &body.schedule;
    match (&body.run, &body.reason) {
        (Some(run), _) => Told::new(
            "",
            format!("schedule {name} started run {run}"),
            Tone::Quiet,
        ),
        (None, reason) => {
            let reason = reason.as_deref().unwrap_or("no reason was given");
            let detail = format!("schedule {name} started no run: {reason}");
            Told::new("", detail, Tone::Careful)
        }
    }
}

/// What came of a look at what is due.
fn evaluated(body: &AutomationEvaluated) -> Told {
    let runs = words::of(body.runs.len() as u64, "run");
    let what = format!("automation {} looked, {runs}", body.automation);
    match &body.reason {
        Some(reason) => Told::new("", format!("{what}: {reason}"), Tone::Careful),
        None => Told::new("", what, Tone::Quiet),
    }
}

/// What came of a report.
fn reported(body: &SensorReported) -> Told {
    let what = match &body.message {
        Some(message) => format!("sensor {} heard of `{message}`", body.sensor),
        None => format!("sensor {} looked", body.sensor),
    };
    let runs = words::of(body.runs.len() as u64, "run");
    match &body.reason {
        Some(reason) => Told::new("", format!("{what}, {runs}: {reason}"), Tone::Careful),
        None => Told::new("", format!("{what}, {runs}"), Tone::Quiet),
    }
}

/// Something that starts runs by itself was paused, or goes on.
fn set(what: &str, name: &str, paused: bool, reason: Option<&str>) -> Told {
    let word = if paused { "paused" } else { "resumed" };
    let why = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    Told::new("", format!("{what} {name} {word}{why}"), Tone::Careful)
}

/// What happened to a backfill, and why.
fn change(body: &BackfillChanged, word: &str) -> String {
    match &body.reason {
        Some(reason) => format!("backfill {} {word}: {reason}", body.backfill),
        None => format!("backfill {} {word}", body.backfill),
    }
}

/// What a trigger asks for: `mart/report, month=2012-01-01`.
pub(crate) fn trigger(trigger: &Trigger) -> String {
    let selection = match &trigger.selection {
        Selection::One(text) => text.clone(),
        Selection::Many(texts) => texts.join(" "),
    };
    let mut said = vec![selection];
    if let Some(key) = &trigger.partition_key {
        said.push(words::partition(key));
    }
    for value in trigger.partitions.iter().flatten() {
        said.push(format!("{}={}", value.key, value.value));
    }
    for (name, range) in trigger.range.iter().flatten() {
        said.push(format!("{name}={}..{}", range.from, range.to));
    }
    if trigger.all_partitions {
        said.push("all partitions".to_string());
    }
    if trigger.latest_partition {
        said.push("the newest partition".to_string());
    }
    if !trigger.checks {
        said.push("no checks".to_string());
    }
    said.join(", ")
}

fn triggered(body: &RunTriggered) -> String {
    match &body.rerun {
        Some(rerun) => format!("{}, again after {}", trigger(&body.trigger), rerun.parent),
        None => trigger(&body.trigger),
    }
}

fn finished(body: &AttemptFinished) -> Told {
    let subject = words::task(&body.task);
    let attempt = body.attempt;
    match body.outcome {
        AttemptOutcome::Succeeded => {
            let made = body.output.as_ref().map(output).unwrap_or_default();
            Told::new(
                subject,
                format!("attempt {attempt} succeeded{made}"),
                Tone::Good,
            )
        }
        AttemptOutcome::Cancelled => Told::new(
            subject,
            format!("attempt {attempt} was cancelled"),
            Tone::Careful,
        ),
        AttemptOutcome::Failed => {
            let category = body
                .error
                .as_ref()
                .map_or(ErrorCategory::UserCode, |error| error.category);
            let message = body
                .error
                .as_ref()
                .map(|error| error.message.as_str())
                .unwrap_or("");
            let colon = if message.is_empty() { "" } else { ": " };
            let detail = format!(
                "attempt {attempt} failed: {}{colon}{message}",
                category_name(category)
            );
            Told::new(subject, detail, Tone::Bad)
        }
    }
}

/// `: 62 rows, 1.8 KB`, or nothing when the worker said neither.
fn output(output: &Output) -> String {
    let rows = output.row_count.map(|rows| words::of(rows, "row"));
    let size = output.byte_size.filter(|size| *size > 0).map(words::bytes);
    let failed = output.checks.iter().filter(|check| !check.passed).count();
    let checks = match (output.checks.len(), failed) {
        (0, _) => None,
        (all, 0) => Some(format!("{} passed", words::of(all as u64, "check"))),
        (all, failed) => Some(format!(
            "{failed} of {} failed",
            words::of(all as u64, "check")
        )),
    };
    let said: Vec<String> = [rows, size, checks].into_iter().flatten().collect();
    if said.is_empty() {
        String::new()
    } else {
        format!(": {}", said.join(", "))
    }
}

/// The word for how a run ended.
pub(crate) fn outcome(outcome: RunOutcome) -> (&'static str, Tone) {
    match outcome {
        RunOutcome::Succeeded => ("succeeded", Tone::Good),
        RunOutcome::Failed => ("failed", Tone::Bad),
        RunOutcome::Cancelled => ("was cancelled", Tone::Careful),
        RunOutcome::Rejected => ("was rejected", Tone::Bad),
    }
}

fn expiry(reason: ExpiryReason) -> &'static str {
    match reason {
        ExpiryReason::Start => "it was leased, and never started",
        ExpiryReason::Heartbeat => "its worker fell silent",
        ExpiryReason::Deadline => "it ran longer than the asset allows",
        ExpiryReason::CancelGrace => "it was told to stop, and did not",
    }
}

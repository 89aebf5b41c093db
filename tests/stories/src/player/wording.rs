//! Records and refusals in the words of a story, and when what came is what was told.

use arcoflow_core::wire::event::automation::{Account, ScheduleTicked};
use arcoflow_core::wire::event::{AttemptFinished, AttemptOutcome, DispatchRequested, Event};
use arcoflow_core::wire::record::Record;
use serde_json::Value;

use super::names::Names;
use super::text_of;
use crate::story::clock::{duration, duration_ms};

/// Whether what came is what was told, word by word. Durations agree by what they mean, and `~5s` with every delay from half of it to
/// the whole: the jitter of a retry.
pub(super) fn agree(told: &str, came: &str) -> bool {
    let (mut told, mut came) = (told.split_whitespace(), came.split_whitespace());
    loop {
        match (told.next(), came.next()) {
            (None, None) => return true,
            (Some(told), Some(came)) if word_agrees(told, came) => {}
            _ => return false,
        }
    }
}

fn word_agrees(told: &str, came: &str) -> bool {
    if told == came {
        return true;
    }
    let (told, came) = (told.trim_end_matches(','), came.trim_end_matches(','));
    let Some(ms) = duration_ms(came) else {
        return false;
    };
    match told.strip_prefix('~').map(duration_ms) {
        Some(Some(whole)) => (whole / 2..=whole).contains(&ms),
        Some(None) => false,
        None => duration_ms(told) == Some(ms),
    }
}

/// What a story counts its times from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// The moment that `at 0` means.
    pub(super) begins_ms: u64,
    /// The moment of the step.
    pub(super) now_ms: u64,
}

impl Times {
    /// A second since 1970, after the beginning of the story; `-` goes before one that was earlier.
    fn since(self, at_s: i64) -> String {
        let begins_ms = i64::try_from(self.begins_ms).unwrap_or(i64::MAX);
        let after_ms = at_s.saturating_mul(1_000).saturating_sub(begins_ms);
        let sign = if after_ms < 0 { "-" } else { "" };
        format!("{sign}{}", duration(after_ms.unsigned_abs()))
    }
}

/// A record in words. Runs that nobody triggered get their names here.
pub(super) fn record(names: &mut Names, record: &Record, times: Times) -> String {
    let Some(event) = record.event() else {
        return format!("undecodable {}", record.kind);
    };
    let kind = event.kind();
    match &event {
        Event::ManifestDeployed(body) => {
            format!("{kind} {}", names.manifest_name(&body.manifest))
        }
        Event::RunTriggered(body) => {
            let name = names.run_name(&body.run);
            match &body.rerun {
                None => format!("{kind} {name}"),
                Some(rerun) => format!("{kind} {name} again {}", names.run_name(&rerun.parent)),
            }
        }
        Event::RunRequested(body) => {
            let (base, when) = account(names, &body.on_account_of, times);
            // A run that somebody asked for by hand has a name by now.
            if !names.knows(&body.triggered.run) {
                let name = names.free_run_name(&base);
                names.run(&name, body.triggered.run);
            }
            format!("{kind} {}{when}", names.run_name(&body.triggered.run))
        }
        Event::RunCancelRequested(body) => match &body.reason {
            None => format!("{kind} {}", names.run_name(&body.run)),
            Some(reason) => {
                let reason = names.in_words(reason);
                format!("{kind} {}: {reason}", names.run_name(&body.run))
            }
        },
        Event::AttemptStarted(body) => {
            let attempt = names.attempt(&body.run, &body.task, body.attempt);
            format!("{kind} {attempt} {}", body.worker)
        }
        Event::AttemptFinished(body) => {
            let attempt = names.attempt(&body.run, &body.task, body.attempt);
            let text = format!("{kind} {attempt} {}", finished(names, body));
            names.close(record.seq, attempt);
            text
        }
        Event::AttemptExpired(body) => {
            let attempt = names.attempt(&body.run, &body.task, body.attempt);
            format!("{kind} {attempt} {}", word(&body.reason))
        }
        other => decision(names, other, times),
    }
}

/// A decision in words, recorded or not.
pub(super) fn decision(names: &Names, event: &Event, times: Times) -> String {
    let kind = event.kind();
    match event {
        Event::RunPlanned(body) => {
            let tasks = if body.tasks == 1 { "task" } else { "tasks" };
            format!(
                "{kind} {} {} {tasks}",
                names.run_name(&body.run),
                body.tasks
            )
        }
        Event::RunRejected(body) => format!("{kind} {} {}", names.run_name(&body.run), body.code),
        Event::DispatchRequested(body) => {
            format!("{kind} {}", dispatched(names, body, times.now_ms))
        }
        Event::RunFinished(body) => format!(
            "{kind} {} {} {}/{}/{}/{}",
            names.run_name(&body.run),
            word(&body.outcome),
            body.succeeded,
            body.failed,
            body.skipped,
            body.cancelled
        ),
        Event::BackfillRequested(body) => format!(
            "{kind} {} {} chunks",
            names.backfill_name(&body.backfill),
            body.chunks
        ),
        Event::BackfillPaused(body)
        | Event::BackfillResumed(body)
        | Event::BackfillCancelled(body) => {
            format!("{kind} {}", names.backfill_name(&body.backfill))
        }
        Event::RunRequested(body) => {
            let (base, when) = account(names, &body.on_account_of, times);
            format!("{kind} {base}{when}")
        }
        Event::ScheduleTicked(body) => format!("{kind} {}", ticked(body, times)),
        Event::ScheduleSet(body) => switched(kind, &body.schedule, body.paused, &body.reason),
        Event::SensorSet(body) => switched(kind, &body.sensor, body.paused, &body.reason),
        Event::AutomationSet(body) => switched(kind, &body.automation, body.paused, &body.reason),
        Event::SensorReported(body) => {
            let message = body
                .message
                .as_ref()
                .map(|message| format!(" of {message}"));
            let cursor = body.cursor.as_ref().map(|cursor| format!(" to {cursor}"));
            format!(
                "{kind} {}.{}{}{}{}",
                body.sensor,
                body.report,
                message.unwrap_or_default(),
                cursor.unwrap_or_default(),
                why(names, &body.reason)
            )
        }
        Event::AutomationEvaluated(body) => format!(
            "{kind} {}.{} {} runs{}",
            body.automation,
            body.evaluation,
            body.runs.len(),
            why(names, &body.reason)
        ),
        other => other.kind().to_owned(),
    }
}

fn switched(kind: &str, name: &str, paused: bool, reason: &Option<String>) -> String {
    let word = if paused { "paused" } else { "resumed" };
    match reason {
        None => format!("{kind} {name} {word}"),
        Some(reason) => format!("{kind} {name} {word}: {reason}"),
    }
}

fn why(names: &Names, reason: &Option<String>) -> String {
    match reason {
        None => String::new(),
        Some(reason) => format!(": {}", names.in_words(reason)),
    }
}

/// On account of what a run is begun: the name that it gets, and which tick it is.
fn account(names: &Names, account: &Account, times: Times) -> (String, String) {
    match account {
        Account::Backfill { backfill, chunk } => (
            format!("{}.{chunk}", names.backfill_name(backfill)),
            String::new(),
        ),
        Account::Schedule { schedule, tick_s } => {
            let when = tick_s.map(|tick_s| format!(" of {}", times.since(tick_s)));
            (schedule.clone(), when.unwrap_or_default())
        }
        Account::Sensor { sensor, report } => (format!("{sensor}.{report}"), String::new()),
        Account::Automation {
            automation,
            evaluation,
        } => (format!("{automation}.{evaluation}"), String::new()),
    }
}

fn ticked(body: &ScheduleTicked, times: Times) -> String {
    let mut text = format!("{} {}", body.schedule, times.since(body.tick_s));
    if let Some(missed) = &body.missed {
        text.push_str(&format!(" missed {}", missed.count));
    }
    if let Some(reason) = &body.reason {
        text.push_str(&format!(": {reason}"));
    }
    text
}

/// A value as JSON writes it, without quotes.
fn word(value: &impl serde::Serialize) -> String {
    text_of(&serde_json::to_value(value).unwrap_or(Value::Null))
}

fn finished(names: &Names, body: &AttemptFinished) -> String {
    let mut text = word(&body.outcome);
    if let Some(error) = &body.error {
        text.push(' ');
        text.push_str(&word(&error.category));
    }
    if body.outcome == AttemptOutcome::Succeeded
        && let Some(seq) = body.replaces
    {
        text.push_str(&format!(" replaces {}", names.closed_by(seq)));
    }
    text
}

fn dispatched(names: &Names, body: &DispatchRequested, now_ms: u64) -> String {
    let mut text = names.attempt(&body.run, &body.task, body.attempt);
    if body.queue != "default" {
        text.push_str(&format!(" queue {}", body.queue));
    }
    if body.priority != 0 {
        text.push_str(&format!(" priority {}", body.priority));
    }
    match body.not_before.checked_sub(now_ms) {
        _ if body.not_before == 0 => {}
        Some(0) | None => text.push_str(" due"),
        Some(ms) => text.push_str(&format!(" in {}", duration(ms))),
    }
    text
}

/// A refusal in words: status, slug, and what the caller is told beside it.
pub(super) fn refusal(names: &Names, status: u16, problem: &Value) -> String {
    let slug = text_of(&problem["type"]);
    let slug = slug.rsplit('/').next().unwrap_or("");
    let more = match slug {
        "attempt-superseded" => format!(" by {}", problem["expectedAttempt"]),
        "completion-conflict" => format!(" {}", text_of(&problem["recordedOutcome"])),
        "run-already-finished" => format!(" {}", text_of(&problem["outcome"])),
        "epoch-fenced" => format!(" {}", problem["currentEpoch"]),
        "run-key-conflict" => {
            let run = text_of(&problem["runId"]).parse();
            format!(
                " {}",
                run.map_or_else(|_| String::new(), |run| names.run_name(&run))
            )
        }
        _ => {
            let error = &problem["errors"][0];
            let said = [&error["code"], &error["pointer"]]
                .into_iter()
                .find(|member| member.is_string());
            said.map_or_else(String::new, |said| format!(" {}", text_of(said)))
        }
    };
    format!("{status} {slug}{more}")
}

//! Explaining a task is saying why it is in its state, and showing every record that says so.

use arcoflow_core::wire::event::Event;
use arcoflow_core::wire::record::Record;
use arcoflow_core::wire::view::{AttemptView, TaskLine, TaskState, TaskView};
use clap::Args;

use crate::cli::connection::Context;
use crate::cli::failure::{Exit, Outcome};
use crate::cli::reference;
use crate::cli::runs::{task_tone, task_word};
use crate::cli::screen::{Screen, Tone};
use crate::cli::table::{Table, wrap};
use crate::cli::tell;
use crate::cli::words;

/// Upstream tasks that are listed.
const LISTED: usize = 8;

/// Say why a task waits, failed or was skipped: its reasons, attempts and records.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  arcoflow explain latest mart/report\n  arcoflow explain latest staging/daily 2013-07 check\n  arcoflow explain 01KAPW 'staging/daily[month=2013-07-01]:check'"
)]
pub(crate) struct Explain {
    /// The run: an id, the beginning or end of one, or `latest`.
    run: String,
    /// The task: its key, its name, or words that only its name holds.
    #[arg(required = true)]
    task: Vec<String>,
}

/// `arcoflow explain`
pub(crate) async fn explain(context: &Context, verb: &Explain) -> Outcome {
    let client = context.reader()?;
    let run = reference::run(&client, &verb.run).await?;
    let line = reference::task(&client, &run, &verb.task).await?;
    let view = client.task(&run, &line.task_id).await?;
    if context.screen.json {
        context.screen.json_line(&view);
        return Ok(Exit::Ok);
    }
    let records: Vec<Record> = view.records.iter().cloned().map(Record::from).collect();
    let screen = &context.screen;
    let (word, tone) = (task_word(view.line.state), task_tone(view.line.state));
    let name = screen.paint(words::task(&view.line.task_key), Tone::Strong);
    screen.line(format!("{name} {}", screen.paint(word, tone)));
    screen.line(format!(
        "  {}",
        screen.paint(format!("run {run}"), Tone::Quiet)
    ));
    show_reasons(screen, &view);
    show_attempts(screen, &view.attempts_made, &records);
    show_upstreams(screen, &view.upstreams);
    show_records(screen, &records);
    Ok(Exit::Ok)
}

fn head(screen: &Screen, text: &str) {
    screen.line(format!("\n{}", screen.paint(text, Tone::Strong)));
}

fn show_reasons(screen: &Screen, view: &TaskView) {
    head(screen, "why");
    for (index, reason) in view.reasons.iter().enumerate() {
        let pieces = wrap(&words::sentence(reason), screen.width.saturating_sub(5));
        for (piece_index, piece) in pieces.iter().enumerate() {
            let lead = if piece_index == 0 {
                format!("{:>3}", index + 1)
            } else {
                "   ".to_string()
            };
            screen.line(format!("{}  {piece}", screen.paint(lead, Tone::Quiet)));
        }
    }
}

fn show_attempts(screen: &Screen, attempts: &[AttemptView], records: &[Record]) {
    if attempts.is_empty() {
        return;
    }
    head(screen, "attempts");
    let heading = ["#", "state", "waited", "took", "worker"];
    let mut table = Table::new(&heading.map(|text| screen.paint(text, Tone::Quiet)))
        .right(&[0])
        .indent(2);
    for attempt in attempts {
        let (requested, started, closed) = moments(attempt.attempt, records);
        let between = |from: Option<u64>, to: Option<u64>| match (from, to) {
            (Some(from), Some(to)) => words::duration(to.saturating_sub(from)),
            _ => String::new(),
        };
        let tone = match attempt.state.as_str() {
            "succeeded" => Tone::Good,
            "failed" | "expired" => Tone::Bad,
            "running" => Tone::Busy,
            "cancelled" => Tone::Careful,
            _ => Tone::Quiet,
        };
        table.row([
            attempt.attempt.to_string(),
            screen.paint(&attempt.state, tone),
            between(requested, started),
            between(started, closed),
            attempt.worker_id.clone().unwrap_or_default(),
        ]);
    }
    screen.data(table.to_text(screen.width));
}

/// When an attempt was asked for, started and closed.
fn moments(attempt: u32, records: &[Record]) -> (Option<u64>, Option<u64>, Option<u64>) {
    let mut moments = (None, None, None);
    for record in records {
        match record.event() {
            Some(Event::DispatchRequested(body)) if body.attempt == attempt => {
                moments.0 = Some(record.at_ms.max(body.not_before));
            }
            Some(Event::AttemptStarted(body)) if body.attempt == attempt => {
                moments.1 = Some(record.at_ms)
            }
            Some(Event::AttemptFinished(body)) if body.attempt == attempt => {
                moments.2 = Some(record.at_ms)
            }
            Some(Event::AttemptExpired(body)) if body.attempt == attempt => {
                moments.2 = Some(record.at_ms)
            }
            _ => {}
        }
    }
    moments
}

fn show_upstreams(screen: &Screen, upstreams: &[TaskLine]) {
    if upstreams.is_empty() {
        return;
    }
    head(
        screen,
        &format!("needs {}", words::of(upstreams.len() as u64, "task")),
    );
    // Those that stand in the way go first.
    let mut sorted: Vec<&TaskLine> = upstreams.iter().collect();
    sorted.sort_by_key(|line| line.state == TaskState::Succeeded);
    let mut table = Table::new(&[]).indent(2);
    for line in sorted.iter().take(LISTED) {
        table.row([
            screen.paint(task_word(line.state), task_tone(line.state)),
            words::task(&line.task_key),
        ]);
    }
    screen.data(table.to_text(screen.width));
    if upstreams.len() > LISTED {
        let rest = upstreams.get(..).unwrap_or_default().len() - LISTED;
        let all = sorted
            .iter()
            .skip(LISTED)
            .all(|line| line.state == TaskState::Succeeded);
        let said = if all { ", all succeeded" } else { "" };
        screen.line(screen.paint(
            format!("  and {}{said}", words::of(rest as u64, "more task")),
            Tone::Quiet,
        ));
    }
}

fn show_records(screen: &Screen, records: &[Record]) {
    head(screen, "records");
    let heading = ["seq", "time", "kind", "by", "what"];
    let mut table = Table::new(&heading.map(|text| screen.paint(text, Tone::Quiet)))
        .right(&[0])
        .indent(2)
        .folded();
    for record in records {
        let told = tell::tell(record);
        table.row([
            record.seq.to_string(),
            words::local_clock(record.at_ms),
            screen.paint(&record.kind, told.tone),
            actor(&record.actor),
            told.detail,
        ]);
    }
    screen.data(table.to_text(screen.width));
}

/// On whose word, short.
pub(crate) fn actor(actor: &str) -> String {
    const WIDEST: usize = 20;
    console::truncate_str(actor, WIDEST, "…").into_owned()
}

//! Runs are listed newest first, and one run is shown asset by asset.

use arcoflow_core::wire::event::RerunMode;
use arcoflow_core::wire::view::{
    AssetLine, RunLine, RunState, RunView, StartedRun, TaskLine, TaskState,
};
use clap::Args;

use crate::cli::bar::Tally;
use crate::cli::connection::Context;
use crate::cli::failure::{Exit, Outcome};
use crate::cli::reference;
use crate::cli::run;
use crate::cli::screen::{Screen, Tone};
use crate::cli::table::Table;
use crate::cli::tell;
use crate::cli::watch;
use crate::cli::words;
use crate::client::{Client, RunsQuery, TasksQuery};

/// Cells of a bar in a table.
const CELLS: usize = 20;
/// Failed tasks that are listed.
const LISTED: u32 = 10;

/// List runs, newest first.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  arcoflow runs --open\n  arcoflow runs --limit 1000 --json | jq -r 'select(.state == \"failed\") | .runId'"
)]
pub(crate) struct Runs {
    /// How many.
    #[arg(long, short = 'n', default_value_t = 20)]
    limit: u32,
    /// Only runs that have not ended.
    #[arg(long)]
    open: bool,
}

/// Show a run asset by asset, and what failed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  arcoflow status\n  arcoflow status 01KAPW --tasks\n  arcoflow status --wait --timeout 10m"
)]
pub(crate) struct Status {
    /// The run: an id, the beginning or end of one, or `latest`.
    #[arg(default_value = reference::LATEST)]
    run: String,
    /// List every task.
    #[arg(long)]
    tasks: bool,
    #[command(flatten)]
    waiting: run::Waiting,
}

/// `arcoflow runs`
pub(crate) async fn runs(context: &Context, verb: &Runs) -> Outcome {
    let client = context.reader()?;
    let lines = list(&client, verb).await?;
    let screen = &context.screen;
    if screen.json {
        lines.iter().for_each(|line| screen.json_line(line));
        return Ok(Exit::Ok);
    }
    if lines.is_empty() {
        screen.note("there is no run yet; start one: `arcoflow run --all --wait`");
        return Ok(Exit::Ok);
    }
    let now_ms = words::now_ms();
    let heading = ["run", "state", "tasks", "started", "took", "run key"];
    let mut table = Table::new(&heading.map(|text| screen.paint(text, Tone::Quiet))).right(&[2]);
    for line in &lines {
        table.row(row_of(screen, line, now_ms));
    }
    screen.data(table.to_text(screen.width));
    Ok(Exit::Ok)
}

async fn list(client: &Client, verb: &Runs) -> Outcome<Vec<RunLine>> {
    let mut lines = Vec::new();
    let mut before = None;
    loop {
        let left = verb.limit.saturating_sub(lines.len() as u32);
        if left == 0 {
            return Ok(lines);
        }
        let query = RunsQuery {
            limit: Some(left.min(1_000)),
            before,
            open: verb.open,
        };
        let page = client.runs(&query).await?;
        lines.extend(page.runs);
        match page.next {
            Some(next) => before = Some(next),
            None => return Ok(lines),
        }
    }
}

fn row_of(screen: &Screen, line: &RunLine, now_ms: u64) -> Vec<String> {
    let (word, tone) = state(line.state);
    let took = line
        .finished_at
        .unwrap_or(now_ms)
        .saturating_sub(line.triggered_at);
    vec![
        line.run_id.to_string(),
        screen.paint(word, tone),
        line.tasks
            .map(|tasks| words::count(u64::from(tasks)))
            .unwrap_or_default(),
        words::ago(line.triggered_at, now_ms),
        words::duration(took),
        line.run_key
            .as_ref()
            .map(|key| key.as_str().to_string())
            .unwrap_or_default(),
    ]
}

/// The word for a run's state.
pub(crate) fn state(state: RunState) -> (&'static str, Tone) {
    match state {
        RunState::Queued => ("queued", Tone::Quiet),
        RunState::Running => ("running", Tone::Busy),
        RunState::Cancelling => ("cancelling", Tone::Careful),
        RunState::Rejected => ("rejected", Tone::Bad),
        RunState::Succeeded => ("succeeded", Tone::Good),
        RunState::Failed => ("failed", Tone::Bad),
        RunState::Cancelled => ("cancelled", Tone::Careful),
    }
}

/// The colour of a task's state.
pub(crate) fn task_tone(state: TaskState) -> Tone {
    match state {
        TaskState::Succeeded => Tone::Good,
        TaskState::Failed => Tone::Bad,
        TaskState::Skipped | TaskState::Cancelled | TaskState::RetryWait => Tone::Careful,
        TaskState::Running => Tone::Busy,
        TaskState::Blocked | TaskState::Ready | TaskState::Dispatched => Tone::Quiet,
    }
}

/// The word for a task's state.
pub(crate) fn task_word(state: TaskState) -> &'static str {
    match state {
        TaskState::Blocked => "waits",
        TaskState::Ready => "ready",
        TaskState::Dispatched => "queued",
        TaskState::Running => "running",
        TaskState::RetryWait => "retrying",
        TaskState::Succeeded => "succeeded",
        TaskState::Failed => "failed",
        TaskState::Skipped => "skipped",
        TaskState::Cancelled => "cancelled",
    }
}

/// `arcoflow status`
pub(crate) async fn status(context: &Context, verb: &Status) -> Outcome {
    let client = context.reader()?;
    let run = reference::run(&client, &verb.run).await?;
    if verb.waiting.wait {
        let folded = watch::watch_or_leave(context, &client, run, verb.waiting.timeout).await?;
        run::show_end(context, &client, &folded).await?;
        return Ok(watch::exit_of(&folded));
    }
    if verb.tasks {
        let tasks = reference::tasks(&client, &run).await?;
        show_tasks(&context.screen, &tasks);
        return Ok(Exit::Ok);
    }
    let view = client.run(&run).await?;
    if context.screen.json {
        context.screen.json_line(&view);
        return Ok(Exit::Ok);
    }
    show_run(&context.screen, &view);
    let query = TasksQuery {
        limit: Some(LISTED),
        after: None,
        state: Some(TaskState::Failed),
    };
    let failed = client.tasks(&run, &query).await?;
    show_failed(
        &context.screen,
        &verb.run,
        &failed.tasks,
        failed.next.is_some(),
    );
    Ok(Exit::Ok)
}

fn show_run(screen: &Screen, view: &RunView) {
    let now_ms = words::now_ms();
    let line = &view.line;
    let (word, tone) = state(line.state);
    let took = line
        .finished_at
        .unwrap_or(now_ms)
        .saturating_sub(line.triggered_at);
    screen.line(format!(
        "{} {}",
        screen.paint(format!("run {}", line.run_id), Tone::Strong),
        screen.paint(word, tone)
    ));
    let mut facts = Table::new(&[]).indent(2).folded();
    let mut fact = |name: &str, text: String| facts.row([screen.paint(name, Tone::Quiet), text]);
    fact("asked for", tell::trigger(&view.trigger));
    if let Some(rerun) = &view.rerun {
        let what = match rerun.mode {
            RerunMode::FromFailure => "what did not succeed in",
            RerunMode::All => "all of",
            RerunMode::Subset => "some tasks of",
        };
        fact("again", format!("{what} {}", rerun.parent));
    }
    fact(
        "started",
        format!(
            "{}, {}",
            words::local_time(line.triggered_at),
            words::ago(line.triggered_at, now_ms)
        ),
    );
    fact(
        if line.finished_at.is_some() {
            "took"
        } else {
            "for"
        },
        words::duration(took),
    );
    if let Some(key) = &line.run_key {
        fact("run key", key.as_str().to_string());
    }
    for (name, value) in &view.trigger.labels {
        fact("label", format!("{name}={value}"));
    }
    screen.data(facts.to_text(screen.width));
    screen.line("");
    let heading = ["asset", "tasks", "", "state"];
    let mut table = Table::new(&heading.map(|text| screen.paint(text, Tone::Quiet)))
        .right(&[1])
        .indent(2);
    for line in &view.assets {
        table.row(asset_row(screen, line));
    }
    screen.data(table.to_text(screen.width));
}

fn asset_row(screen: &Screen, line: &AssetLine) -> Vec<String> {
    let tally = Tally::of(&line.counts);
    let cells = tally.cells(CELLS).into_iter();
    let bar: String = cells
        .map(|(cells, tone)| screen.paint(cells, tone))
        .collect();
    let mut said: Vec<String> = tally
        .words()
        .into_iter()
        .map(|(text, tone)| screen.paint(text, tone))
        .collect();
    if tally.succeeded > 0 {
        let text = format!("{} succeeded", words::count(u64::from(tally.succeeded)));
        said.push(screen.paint(text, Tone::Good));
    }
    if tally.waiting > 0 {
        let text = format!("{} waiting", words::count(u64::from(tally.waiting)));
        said.push(screen.paint(text, Tone::Quiet));
    }
    vec![
        line.asset_key.as_str().to_string(),
        words::count(u64::from(tally.total())),
        bar,
        said.join(", "),
    ]
}

fn show_failed(screen: &Screen, run: &str, failed: &[TaskLine], more: bool) {
    if failed.is_empty() {
        return;
    }
    screen.line("");
    for line in failed {
        let attempts = words::of(u64::from(line.attempts), "attempt");
        let name = screen.paint(words::task(&line.task_key), Tone::Bad);
        screen.line(format!("  {name} failed after {attempts}"));
    }
    if more {
        screen.line(format!("  and more: `arcoflow status {run} --tasks`"));
    }
    if let Some(first) = failed.first() {
        screen.note(format!(
            "\nwhy: `arcoflow explain {run} '{}'`",
            words::task(&first.task_key)
        ));
    }
}

fn show_tasks(screen: &Screen, tasks: &[TaskLine]) {
    if screen.json {
        return tasks.iter().for_each(|line| screen.json_line(line));
    }
    let heading = ["state", "attempts", "task"];
    let mut table = Table::new(&heading.map(|text| screen.paint(text, Tone::Quiet))).right(&[1]);
    for line in tasks {
        table.row([
            screen.paint(task_word(line.state), task_tone(line.state)),
            line.attempts.to_string(),
            words::task(&line.task_key),
        ]);
    }
    screen.data(table.to_text(usize::MAX));
}

/// Runs that something started and where they are, or why there is none.
pub(crate) fn came_of(screen: &Screen, started: &[StartedRun], reason: Option<&str>) -> String {
    let mut said: Vec<String> = started
        .iter()
        .map(|run| {
            let (word, tone) = state(run.state);
            format!("run {} {}", run.run_id, screen.paint(word, tone))
        })
        .collect();
    said.extend(reason.map(|reason| screen.paint(reason, Tone::Careful)));
    said.join(", ")
}

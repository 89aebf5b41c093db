//! A backfill is started, watched and steered by its id; its progress is that of its chunks.

use std::time::{Duration, Instant};

use arcoflow_core::identity::ids::BackfillId;
use arcoflow_core::wire::backfill::{BackfillChange, BackfillRequest, BackfillState, BackfillView};
use clap::{Args, Subcommand};

use crate::cli::bar::Tally;
use crate::cli::connection::Context;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::reference::LATEST;
use crate::cli::run::{Asked, Waiting};
use crate::cli::screen::{Screen, Tone};
use crate::cli::table::Table;
use crate::cli::tell;
use crate::cli::words;
use crate::client::Client;

/// Cells of the progress bar.
const CELLS: usize = 30;
/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Run a selection over many partitions, a chunk at a time.
#[derive(Debug, Args)]
pub(crate) struct Backfill {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Start(Start),
    /// List backfills, newest first.
    List(List),
    /// Show a backfill; with `--wait` until it is over.
    Show(Show),
    /// Begin no new chunk; what runs goes on.
    Pause(Change),
    /// Begin chunks again.
    Resume(Change),
    /// Begin no new chunk, and cancel what runs.
    Cancel(Change),
    /// Begin the failed chunks again.
    RetryFailed(Change),
}

/// Start a backfill.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  arcoflow backfill start +mart/report --all --chunk-size 30 --concurrency 4 --wait\n  arcoflow backfill start staging/daily --range month=2012-01-01..2012-12-01"
)]
struct Start {
    #[command(flatten)]
    asked: Asked,
    /// The dimension to walk along; the only one of time when absent.
    #[arg(long, value_name = "DIM")]
    dimension: Option<String>,
    /// Partitions of that dimension in one run.
    #[arg(long, default_value_t = 1)]
    chunk_size: u32,
    /// Runs at once, 1 to 1,000.
    #[arg(long, default_value_t = 1)]
    concurrency: u32,
    /// Leave checks out.
    #[arg(long)]
    no_checks: bool,
    #[command(flatten)]
    waiting: Waiting,
}

#[derive(Debug, Args)]
struct List {
    /// Only those that are not over; a failed one can be resumed.
    #[arg(long)]
    open: bool,
}

#[derive(Debug, Args)]
struct Show {
    /// The backfill: its id, the beginning or end of it, or `latest`.
    #[arg(default_value = LATEST)]
    backfill: String,
    #[command(flatten)]
    waiting: Waiting,
}

#[derive(Debug, Args)]
struct Change {
    /// The backfill: its id, the beginning or end of it, or `latest`.
    #[arg(default_value = LATEST)]
    backfill: String,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
}

/// `arcoflow backfill`
pub(crate) async fn backfill(context: &Context, verb: &Backfill) -> Outcome {
    match &verb.verb {
        Verb::Start(verb) => start(context, verb).await,
        Verb::List(verb) => list(context, verb).await,
        Verb::Show(verb) => {
            let client = context.reader()?;
            let id = find(&client, &verb.backfill).await?;
            go_on(context, &client, &id, verb.waiting).await
        }
        Verb::Pause(verb) => change(context, verb, "pause", false).await,
        Verb::Resume(verb) => change(context, verb, "resume", false).await,
        Verb::Cancel(verb) => change(context, verb, "cancel", false).await,
        Verb::RetryFailed(verb) => change(context, verb, "resume", true).await,
    }
}

async fn start(context: &Context, verb: &Start) -> Outcome {
    let mut trigger = verb.asked.trigger()?;
    trigger.checks = !verb.no_checks;
    let request = BackfillRequest {
        trigger,
        dimension: verb.dimension.clone(),
        chunk_size: verb.chunk_size,
        concurrency: verb.concurrency,
    };
    let client = context.client()?;
    let answer = client.request_backfill(&request).await?;
    let screen = &context.screen;
    if verb.waiting.wait {
        let chunks = words::of(u64::from(answer.chunks), "chunk");
        screen.note(format!("backfill {} · {chunks}", answer.backfill_id));
        return go_on(context, &client, &answer.backfill_id, verb.waiting).await;
    }
    if screen.json {
        screen.json_line(&answer);
    } else {
        screen.line(answer.backfill_id.to_string());
        let chunks = words::of(u64::from(answer.chunks), "chunk");
        screen.note(format!(
            "started with {chunks}; watch it: `arcoflow backfill show --wait`"
        ));
    }
    Ok(Exit::Ok)
}

async fn list(context: &Context, verb: &List) -> Outcome {
    let page = context.reader()?.backfills(verb.open).await?;
    let screen = &context.screen;
    if screen.json {
        page.backfills
            .iter()
            .for_each(|view| screen.json_line(view));
        return Ok(Exit::Ok);
    }
    let heading = ["backfill", "state", "chunks", "done", "asked for"];
    let mut table = Table::new(&heading.map(|text| screen.paint(text, Tone::Quiet))).right(&[2, 3]);
    for view in &page.backfills {
        let (word, tone) = state(view.state);
        table.row([
            view.backfill_id.to_string(),
            screen.paint(word, tone),
            words::count(u64::from(view.chunks)),
            words::count(u64::from(view.succeeded)),
            tell::trigger(&view.request.trigger),
        ]);
    }
    screen.data(table.to_text(screen.width));
    Ok(Exit::Ok)
}

async fn change(context: &Context, verb: &Change, name: &str, retry_failed: bool) -> Outcome {
    let client = context.client()?;
    let id = find(&client, &verb.backfill).await?;
    let change = BackfillChange {
        reason: verb.reason.clone(),
        retry_failed,
    };
    let answer = client.change_backfill(&id, name, &change).await?;
    if context.screen.json {
        context.screen.json_line(&answer);
    } else {
        show(&context.screen, &client.backfill(&id).await?);
    }
    Ok(Exit::Ok)
}

/// Shows a backfill, at its end when that is waited for.
async fn go_on(context: &Context, client: &Client, id: &BackfillId, waiting: Waiting) -> Outcome {
    let screen = &context.screen;
    let deadline = waiting.timeout.map(|timeout| Instant::now() + timeout);
    let mut view = client.backfill(id).await?;
    let line = console::Term::stderr();
    while waiting.wait && !is_over(view.state) {
        if screen.is_live {
            let _ = line.clear_line();
            let _ = line.write_str(&progress(screen, &view));
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(Failure::new(
                Exit::WaitedTooLong,
                format!("backfill {id} is not over; it goes on"),
            )
            .hint("`arcoflow backfill show --wait` waits again"));
        }
        tokio::time::sleep(LOOK).await;
        view = client.backfill(id).await?;
    }
    if screen.is_live && waiting.wait {
        let _ = line.clear_line();
    }
    if screen.json {
        screen.json_line(&view);
    } else {
        show(screen, &view);
    }
    Ok(match (waiting.wait, view.state) {
        (true, BackfillState::Failed | BackfillState::Cancelled) => Exit::RunFailed,
        _ => Exit::Ok,
    })
}

fn is_over(state: BackfillState) -> bool {
    matches!(
        state,
        BackfillState::Succeeded | BackfillState::Failed | BackfillState::Cancelled
    )
}

fn state(state: BackfillState) -> (&'static str, Tone) {
    match state {
        BackfillState::Running => ("running", Tone::Busy),
        BackfillState::Paused => ("paused", Tone::Careful),
        BackfillState::Cancelling => ("cancelling", Tone::Careful),
        BackfillState::Succeeded => ("succeeded", Tone::Good),
        BackfillState::Failed => ("failed", Tone::Bad),
        BackfillState::Cancelled => ("cancelled", Tone::Careful),
    }
}

/// `━━━━────  12 of 40 chunks, 1 failed, 4 running`.
fn progress(screen: &Screen, view: &BackfillView) -> String {
    let count = |list: usize| u32::try_from(list).unwrap_or(u32::MAX);
    let (failed, open) = (count(view.failed.len()), count(view.open.len()));
    let tally = Tally {
        succeeded: view.succeeded,
        failed,
        running: open,
        waiting: view.chunks.saturating_sub(view.succeeded + failed + open),
        ..Tally::default()
    };
    let bar: String = tally
        .cells(CELLS)
        .into_iter()
        .map(|(cells, tone)| screen.paint(cells, tone))
        .collect();
    let mut said = vec![format!(
        "{} of {}",
        words::count(u64::from(view.succeeded)),
        words::of(u64::from(view.chunks), "chunk")
    )];
    said.extend(
        tally
            .words()
            .into_iter()
            .map(|(text, tone)| screen.paint(text, tone)),
    );
    format!("{bar}  {}", said.join(", "))
}

fn show(screen: &Screen, view: &BackfillView) {
    let (word, tone) = state(view.state);
    screen.line(format!(
        "{} {}",
        screen.paint(format!("backfill {}", view.backfill_id), Tone::Strong),
        screen.paint(word, tone)
    ));
    screen.line(format!("  {}", progress(screen, view)));
    screen.line(format!(
        "  asked for {}, {} a chunk, {} at once",
        tell::trigger(&view.request.trigger),
        words::of(u64::from(view.request.chunk_size), "partition"),
        words::of(u64::from(view.request.concurrency), "run")
    ));
    for chunk in &view.open {
        screen.line(format!("  chunk {}: run {}", chunk.chunk, chunk.run_id));
    }
    if !view.failed.is_empty() {
        let numbers: Vec<String> = view.failed.iter().take(20).map(u32::to_string).collect();
        let more = if view.failed.len() > 20 { ", …" } else { "" };
        screen.line(format!("  failed chunks: {}{more}", numbers.join(", ")));
        screen.note("run them again: `arcoflow backfill retry-failed`");
    }
}

/// The backfill that a text names.
async fn find(client: &Client, text: &str) -> Outcome<BackfillId> {
    if let Ok(id) = BackfillId::parse(text) {
        return Ok(id);
    }
    let page = client.backfills(false).await?;
    if text == LATEST {
        let newest = page.backfills.first().map(|view| view.backfill_id);
        return newest.ok_or_else(|| {
            Failure::usage("there is no backfill yet")
                .hint("start one: `arcoflow backfill start --all --wait`")
        });
    }
    let part = text.to_ascii_uppercase();
    let found: Vec<BackfillId> = page
        .backfills
        .iter()
        .map(|view| view.backfill_id)
        .filter(|id| {
            let id = id.to_string();
            part.len() >= 4 && (id.starts_with(&part) || id.ends_with(&part))
        })
        .collect();
    match found.as_slice() {
        [one] => Ok(*one),
        _ => Err(Failure::usage(format!(
            "`{text}` names {}",
            words::of(found.len() as u64, "backfill")
        ))
        .hint("`arcoflow backfill list` lists them; give a full id, or `latest`")),
    }
}

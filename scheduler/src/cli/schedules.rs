//! Schedules are listed with their next tick and what came of the last one, and they are paused, resumed and ticked by name.

use arcoflow_core::wire::event::automation::Missed;
use arcoflow_core::wire::schedule::{ScheduleView, TickView};
use clap::{Args, Subcommand};

use crate::cli::connection::Context;
use crate::cli::failure::{Exit, Outcome};
use crate::cli::pause::{self, Pausing};
use crate::cli::run::{self, Waiting};
use crate::cli::runs;
use crate::cli::screen::{Screen, Tone};
use crate::cli::table::Table;
use crate::cli::tell;
use crate::cli::words;

/// List schedules, or show one: its next tick, and what came of the last one.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  arcoflow schedules\n  arcoflow schedules nightly\n  arcoflow schedules pause nightly --reason 'the source moves'\n  arcoflow schedules tick nightly --wait"
)]
pub(crate) struct Schedules {
    /// Only this one, with everything about it.
    name: Option<String>,
    #[command(subcommand)]
    verb: Option<ScheduleVerb>,
}

#[derive(Debug, Subcommand)]
enum ScheduleVerb {
    /// Start no runs until the schedule is resumed.
    Pause(Pausing),
    /// Let the schedule go on; the ticks of the pause are passed over.
    Resume(Pausing),
    Tick(Tick),
}

/// Start the run of a schedule at once; its ticks stay as they are.
#[derive(Debug, Args)]
struct Tick {
    /// The schedule.
    name: String,
    /// Asking twice under one key gives one run.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    #[command(flatten)]
    waiting: Waiting,
}

/// `arcoflow schedules`
pub(crate) async fn schedules(context: &Context, verb: &Schedules) -> Outcome {
    match &verb.verb {
        Some(ScheduleVerb::Pause(pausing)) => set(context, pausing, true).await,
        Some(ScheduleVerb::Resume(pausing)) => set(context, pausing, false).await,
        Some(ScheduleVerb::Tick(tick)) => {
            let client = context.client()?;
            let answer = client
                .tick_schedule(&tick.name, tick.key.as_deref())
                .await?;
            run::go_on(context, &client, &answer, tick.waiting).await
        }
        None => show(context, verb.name.as_deref()).await,
    }
}

async fn set(context: &Context, pausing: &Pausing, paused: bool) -> Outcome {
    let client = context.client()?;
    let reason = pausing.reason.as_deref();
    let view = client.set_schedule(&pausing.name, paused, reason).await?;
    let more = format!("; next tick: {}", next_tick(&view, words::now_ms()));
    pause::say(&context.screen, &pausing.name, paused, &more, &view);
    Ok(Exit::Ok)
}

async fn show(context: &Context, name: Option<&str>) -> Outcome {
    let client = context.reader()?;
    let screen = &context.screen;
    if let Some(name) = name {
        let view = client.schedule(name).await?;
        if screen.json {
            screen.json_line(&view);
        } else {
            show_one(screen, &view);
        }
        return Ok(Exit::Ok);
    }
    let views = client.schedules().await?.schedules;
    if screen.json {
        views.iter().for_each(|view| screen.json_line(view));
    } else if views.is_empty() {
        screen.note("the deployed manifest declares no schedule");
    } else {
        show_all(screen, &views);
    }
    Ok(Exit::Ok)
}

fn show_all(screen: &Screen, views: &[ScheduleView]) {
    let now_ms = words::now_ms();
    let heading = ["schedule", "fields", "next tick", "last tick", ""];
    let mut table = Table::new(&heading.map(|text| screen.paint(text, Tone::Quiet)));
    for view in views {
        let (last, came) = match &view.last_tick {
            Some(tick) => (words::ago(tick.tick_at, now_ms), came_of(screen, tick)),
            None => (String::new(), String::new()),
        };
        table.row([
            view.schedule.name.clone(),
            view.schedule.cron.clone(),
            next_tick(view, now_ms),
            last,
            came,
        ]);
    }
    screen.data(table.to_text(screen.width));
}

fn show_one(screen: &Screen, view: &ScheduleView) {
    let now_ms = words::now_ms();
    let schedule = &view.schedule;
    screen.line(screen.paint(format!("schedule {}", schedule.name), Tone::Strong));
    let mut facts = Table::new(&[]).indent(2).folded();
    let mut fact = |name: &str, text: String| facts.row([screen.paint(name, Tone::Quiet), text]);
    let zone = schedule.time_zone.as_deref().unwrap_or("UTC");
    fact("fields", format!("{} in {zone}", schedule.cron));
    fact("runs", tell::trigger(&schedule.trigger));
    if let Some(pause) = &view.paused {
        fact("paused", pause::since(pause, now_ms));
    }
    fact(
        "next tick",
        match view.next_tick_at {
            Some(at_ms) => format!("{}, {}", words::local_time(at_ms), next_tick(view, now_ms)),
            None => next_tick(view, now_ms),
        },
    );
    if let Some(tick) = &view.last_tick {
        let at = format!(
            "{}, {}",
            words::local_time(tick.tick_at),
            words::ago(tick.tick_at, now_ms)
        );
        fact("last tick", at);
        fact("of it came", came_of(screen, tick));
    }
    screen.data(facts.to_text(screen.width));
}

fn next_tick(view: &ScheduleView, now_ms: u64) -> String {
    match (view.next_tick_at, &view.paused) {
        (Some(at_ms), _) => words::ahead(at_ms, now_ms),
        (None, Some(_)) => "none while it is paused".to_string(),
        (None, None) => "none".to_string(),
    }
}

/// The run of a tick and where it is, or why there is none.
fn came_of(screen: &Screen, tick: &TickView) -> String {
    match (&tick.run_id, tick.run_state) {
        (Some(run), Some(state)) => {
            let (word, tone) = runs::state(state);
            format!("run {run} {}", screen.paint(word, tone))
        }
        (Some(run), None) => format!("run {run}"),
        (None, _) => {
            let reason = tick.reason.as_deref().unwrap_or_default();
            let count = tick.missed.map_or(1, |Missed { count, .. }| count);
            let what = match count {
                1 => "no run".to_string(),
                count => format!("no run of {}", words::of(count, "tick")),
            };
            screen.paint(format!("{what}: {reason}"), Tone::Careful)
        }
    }
}

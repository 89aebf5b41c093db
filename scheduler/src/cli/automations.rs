//! Automations are listed with what is due and what came of the last look, and they are paused and resumed by name.

use arcoflow_core::wire::automation::{AutomationView, DuePartition};
use clap::{Args, Subcommand};

use crate::cli::connection::Context;
use crate::cli::failure::{Exit, Outcome};
use crate::cli::pause::{self, Pausing};
use crate::cli::runs;
use crate::cli::screen::{Screen, Tone};
use crate::cli::table::Table;
use crate::cli::tell;
use crate::cli::words;

/// Partitions that are named when one automation is shown.
const NAMED: usize = 20;

/// List automations, or show one: what is due, and what came of the last look.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  arcoflow automations\n  arcoflow automations fresh_marts\n  arcoflow automations pause fresh_marts --reason 'the source is wrong'\n  arcoflow automations resume fresh_marts"
)]
pub(crate) struct Automations {
    /// Only this one, with everything about it.
    name: Option<String>,
    #[command(subcommand)]
    verb: Option<AutomationVerb>,
}

#[derive(Debug, Subcommand)]
enum AutomationVerb {
    /// Start no runs until the automation is resumed; what becomes due stays due.
    Pause(Pausing),
    /// Let the automation go on.
    Resume(Pausing),
}

/// `arcoflow automations`
pub(crate) async fn automations(context: &Context, verb: &Automations) -> Outcome {
    match &verb.verb {
        Some(AutomationVerb::Pause(pausing)) => set(context, pausing, true).await,
        Some(AutomationVerb::Resume(pausing)) => set(context, pausing, false).await,
        None => show(context, verb.name.as_deref()).await,
    }
}

async fn set(context: &Context, pausing: &Pausing, paused: bool) -> Outcome {
    let client = context.client()?;
    let reason = pausing.reason.as_deref();
    let view = client.set_automation(&pausing.name, paused, reason).await?;
    let more = format!("; due: {}", due(&view));
    pause::say(&context.screen, &pausing.name, paused, &more, &view);
    Ok(Exit::Ok)
}

async fn show(context: &Context, name: Option<&str>) -> Outcome {
    let client = context.reader()?;
    let screen = &context.screen;
    if let Some(name) = name {
        let view = client.automation(name).await?;
        if screen.json {
            screen.json_line(&view);
        } else {
            show_one(screen, &view);
        }
        return Ok(Exit::Ok);
    }
    let views = client.automations().await?.automations;
    if screen.json {
        views.iter().for_each(|view| screen.json_line(view));
    } else if views.is_empty() {
        screen.note("the deployed manifest declares no automation");
    } else {
        show_all(screen, &views);
    }
    Ok(Exit::Ok)
}

fn show_all(screen: &Screen, views: &[AutomationView]) {
    let now_ms = words::now_ms();
    let heading = ["automation", "keeps", "due", "last look", ""];
    let heading = heading.map(|text| screen.paint(text, Tone::Quiet));
    let mut table = Table::new(&heading).right(&[2]);
    for view in views {
        let last = view.last_evaluation.as_ref();
        table.row([
            view.automation.name.clone(),
            tell::trigger(&view.automation.trigger),
            due(view),
            last.map(|last| words::ago(last.at, now_ms))
                .unwrap_or_default(),
            match &view.paused {
                Some(_) => screen.paint("paused", Tone::Careful),
                None => came_of(screen, view),
            },
        ]);
    }
    screen.data(table.to_text(screen.width));
}

fn show_one(screen: &Screen, view: &AutomationView) {
    let now_ms = words::now_ms();
    let automation = &view.automation;
    screen.line(screen.paint(format!("automation {}", automation.name), Tone::Strong));
    let mut facts = Table::new(&[]).indent(2).folded();
    let mut fact = |name: &str, text: String| facts.row([screen.paint(name, Tone::Quiet), text]);
    fact("keeps", tell::trigger(&automation.trigger));
    fact(
        "at once",
        words::of(u64::from(automation.concurrency), "run"),
    );
    if let Some(pause) = &view.paused {
        fact("paused", pause::since(pause, now_ms));
    }
    fact("due", due(view));
    for row in view.due.iter().take(NAMED) {
        fact("", partition(row));
    }
    if view.due.len() > NAMED {
        fact("", format!("and {} more", view.due.len() - NAMED));
    }
    if let Some(last) = &view.last_evaluation {
        let at = words::ago(last.at, now_ms);
        fact("last look", format!("number {}, {at}", last.evaluation));
        fact("of it came", came_of(screen, view));
    }
    screen.data(facts.to_text(screen.width));
}

/// How many partitions are due.
fn due(view: &AutomationView) -> String {
    let count = words::count(view.due.len() as u64);
    if view.more {
        format!("over {count}")
    } else {
        count
    }
}

fn partition(row: &DuePartition) -> String {
    let name = match &row.partition_key {
        Some(partition) => format!("{}[{partition}]", row.asset_key),
        None => row.asset_key.to_string(),
    };
    if row.follows {
        format!("{name}, once what it is made from is made")
    } else {
        name
    }
}

/// The runs of the last look and where they are, or why there is none.
fn came_of(screen: &Screen, view: &AutomationView) -> String {
    let Some(last) = &view.last_evaluation else {
        return String::new();
    };
    runs::came_of(screen, &last.runs, last.reason.as_deref())
}

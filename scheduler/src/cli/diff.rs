//! Two manifests are compared place by place, and two plans task by task; each difference says what it means.

use std::path::Path;

use arcoflow_core::identity::digest::Sha256Digest;
use arcoflow_core::plan::catalog::Catalog;
use arcoflow_core::plan::diff::task::{Reason, TaskChange, TaskChanges};
use arcoflow_core::plan::diff::{self, Change, Fate, Side, Subject};
use arcoflow_core::wire::manifest::Manifest;
use clap::Args;

use crate::cli::connection::Context;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::pipeline::Pipeline;
use crate::cli::plan::compile;
use crate::cli::run::Asked;
use crate::cli::screen::{Screen, Tone};
use crate::cli::words;

/// The deployed manifest, among the names of manifests.
const CURRENT: &str = "current";
/// Values that are shown whole.
const LONGEST: usize = 60;

/// Say what differs between two manifests, or between the plans that they make of a trigger.
#[derive(Debug, Args)]
#[command(
    after_help = "A manifest is a pipeline file, the directory that holds one, `sha256:…` of one that was deployed, or `current`.\nExit code 1 means that they differ.\n\nExamples:\n  arcoflow diff current .\n  arcoflow diff old.toml new.toml --json | jq .key\n  arcoflow diff current . --plan '+mart/report' --all"
)]
pub(crate) struct Diff {
    /// The manifest before.
    old: String,
    /// The manifest after.
    new: String,
    /// Compare the plans of a selection.
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    asked: Asked,
    /// Tasks that are named, of those that differ.
    #[arg(long, short = 'n', default_value_t = 100, requires = "plan")]
    limit: u32,
}

/// `arcoflow diff`
pub(crate) async fn diff(context: &Context, verb: &Diff) -> Outcome {
    let before = read(context, &verb.old).await?;
    let after = read(context, &verb.new).await?;
    let screen = &context.screen;
    if verb.plan {
        let trigger = verb.asked.trigger()?;
        let plans = [before, after].map(|manifest| {
            let catalog = Catalog::new(manifest).map_err(|_| unfit())?;
            compile(&catalog, &trigger)
        });
        let [before, after] = plans;
        let changes = diff::task::plans(&before?, &after?, verb.limit);
        show_tasks(screen, &changes);
        return Ok(exit(changes.added + changes.removed + changes.changed == 0));
    }
    let changes = diff::manifests(&before, &after);
    if screen.json {
        changes.iter().for_each(|change| screen.json_line(change));
    } else if changes.is_empty() {
        screen.line("they mean the same");
    } else {
        changes.iter().for_each(|change| show(screen, change));
    }
    Ok(exit(changes.is_empty()))
}

fn exit(same: bool) -> Exit {
    if same { Exit::Ok } else { Exit::RunFailed }
}

fn unfit() -> Failure {
    Failure::usage("a manifest of the ledger is not one of this version")
}

/// The manifest that a text names.
async fn read(context: &Context, text: &str) -> Outcome<Manifest> {
    let bytes = if text == CURRENT {
        context.reader()?.current_manifest().await?
    } else if let Ok(digest) = Sha256Digest::parse(text) {
        context.reader()?.manifest(&digest).await?
    } else {
        return Pipeline::open(Path::new(text)).map(Pipeline::into_manifest);
    };
    Manifest::parse(&bytes).map_err(|_| unfit())
}

fn fate_mark(fate: Fate) -> (&'static str, Tone) {
    match fate {
        Fate::Added => ("+", Tone::Good),
        Fate::Removed => ("-", Tone::Bad),
        Fate::Renamed | Fate::Changed => ("~", Tone::Careful),
    }
}

fn show(screen: &Screen, change: &Change) {
    let (mark, tone) = fate_mark(change.fate);
    let subject = match change.subject {
        Subject::Asset => "asset",
        Subject::Pool => "pool",
        Subject::Queue => "queue",
        Subject::Schedule => "schedule",
        Subject::Sensor => "sensor",
        Subject::Automation => "automation",
    };
    let was = match &change.key_before {
        Some(before) => format!(" (was {before})"),
        None => String::new(),
    };
    screen.line(format!(
        "{} {subject} {}{was}",
        screen.paint(mark, tone),
        screen.paint(&change.key, Tone::Strong)
    ));
    for difference in &change.differences {
        let pointer = difference
            .after
            .as_ref()
            .or(difference.before.as_ref())
            .map_or("", |side| side.pointer.as_str());
        screen.line(format!(
            "    {pointer}: {} → {}",
            value(difference.before.as_ref()),
            value(difference.after.as_ref())
        ));
        screen.line(format!(
            "      {}",
            screen.paint(difference.meaning, Tone::Quiet)
        ));
    }
}

fn value(side: Option<&Side>) -> String {
    let Some(side) = side else {
        return "nothing".to_string();
    };
    let text = side.value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(&text)),
        None => text,
    }
}

fn show_tasks(screen: &Screen, changes: &TaskChanges) {
    if screen.json {
        return screen.json_line(changes);
    }
    let rows = [
        (changes.added, "added", Tone::Good),
        (changes.removed, "removed", Tone::Bad),
        (changes.changed, "changed", Tone::Careful),
        (changes.same, "the same", Tone::Quiet),
    ];
    let counts = rows.map(|(count, word, tone)| {
        screen.paint(format!("{} {word}", words::count(u64::from(count))), tone)
    });
    screen.line(format!("tasks: {}", counts.join(", ")));
    for change in &changes.changes {
        show_task(screen, change);
    }
    let all = changes.added + changes.removed + changes.changed;
    let shown = u32::try_from(changes.changes.len()).unwrap_or(u32::MAX);
    if shown < all {
        screen.note(format!("{} more; `--limit` shows more", all - shown));
    }
}

fn show_task(screen: &Screen, change: &TaskChange) {
    let (mark, tone) = fate_mark(change.fate);
    let why = match (change.reason, change.fate) {
        (Reason::Asset, Fate::Added) => "the asset is new",
        (Reason::Asset, _) => "the asset is gone",
        (Reason::Selection, Fate::Added) => "the asset was not selected",
        (Reason::Selection, _) => "the asset is not selected any more",
        (Reason::Partition, Fate::Added) => "the partition is new",
        (Reason::Partition, _) => "the partition is gone",
        (Reason::Check, Fate::Added) => "the check is new",
        (Reason::Check, _) => "the check is gone",
        (Reason::Upstreams, _) => "it waits for other tasks",
        (Reason::Handing, _) => "its priority or its resources differ",
    };
    screen.line(format!(
        "{} {}: {why}",
        screen.paint(mark, tone),
        words::task(&change.key)
    ));
    for (mark, keys) in [
        ("+", &change.upstreams_added),
        ("-", &change.upstreams_removed),
    ] {
        for key in keys {
            screen.line(format!("    {mark} waits for {}", words::task(key)));
        }
    }
}

//! A plan is looked at before it is run: what the door would make of a trigger, or what a file would make of it without any door.

use std::path::PathBuf;

use arcoflow_core::identity::keys::{TenantId, WorkspaceId};
use arcoflow_core::plan::catalog::Catalog;
use arcoflow_core::plan::outline::outline;
use arcoflow_core::plan::{self, MAX_TASKS, Plan as Compiled};
use arcoflow_core::wire::asset::PartitionCounts;
use arcoflow_core::wire::plan::{PlanView, PlannedAsset};
use arcoflow_core::wire::scope::Scope;
use arcoflow_core::wire::trigger::Trigger;
use clap::Args;

use crate::cli::connection::Context;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::pipeline::Pipeline;
use crate::cli::run::Asked;
use crate::cli::screen::{Screen, Tone};
use crate::cli::table::Table;
use crate::cli::words;

/// The largest page.
const PAGE: u32 = 10_000;

/// Show what a trigger would run, without running it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  arcoflow plan +mart/report --all\n  arcoflow plan staging/daily --range month=2012-01-01..2012-03-01 --tasks\n  arcoflow plan mart/report --file examples/weather --newest"
)]
pub(crate) struct Plan {
    #[command(flatten)]
    asked: Asked,
    /// List every task.
    #[arg(long)]
    tasks: bool,
    /// Leave checks out.
    #[arg(long)]
    no_checks: bool,
    /// Compile from this pipeline file, or the directory that holds it, without a door.
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
}

/// `arcoflow plan`
pub(crate) async fn plan(context: &Context, verb: &Plan) -> Outcome {
    let trigger = Trigger {
        checks: !verb.no_checks,
        ..verb.asked.trigger()?
    };
    let view = match &verb.file {
        Some(file) => of_file(&Pipeline::open(file)?, &trigger)?,
        None => of_door(context, &trigger, verb.tasks).await?,
    };
    let screen = &context.screen;
    if screen.json {
        screen.json_line(&view);
    } else {
        show(screen, &view);
        if verb.tasks {
            show_tasks(screen, &view);
        } else {
            screen.note("`--tasks` lists the tasks; `arcoflow run` with the same words runs them");
        }
    }
    Ok(Exit::Ok)
}

/// The plan as the door compiles it, with all its tasks when they are wanted.
async fn of_door(context: &Context, trigger: &Trigger, tasks: bool) -> Outcome<PlanView> {
    let client = context.reader()?;
    let mut view = client
        .plan(trigger, if tasks { PAGE } else { 0 }, None)
        .await?;
    while let Some(next) = view.next.take().filter(|_| tasks) {
        let mut page = client.plan(trigger, PAGE, Some(&next)).await?;
        view.page.append(&mut page.page);
        view.next = page.next;
    }
    Ok(view)
}

/// The plan as a file means it at this moment.
fn of_file(pipeline: &Pipeline, trigger: &Trigger) -> Outcome<PlanView> {
    let catalog = pipeline.catalog()?;
    let plan = compile(&catalog, trigger)?;
    Ok(outline(&plan, pipeline.digest, &scope()?, 0, u32::MAX))
}

/// Compiles a trigger here and now.
pub(crate) fn compile(catalog: &Catalog, trigger: &Trigger) -> Outcome<Compiled> {
    plan::compile(catalog, trigger, words::now_ms(), MAX_TASKS).map_err(|error| {
        Failure::usage(error.finding.message)
            .at(error.finding.pointer)
            .hint(error.finding.hint)
    })
}

/// The workspace that a plan without a door is in, as far as its fingerprint goes.
fn scope() -> Outcome<Scope> {
    let named = TenantId::parse("local")
        .ok()
        .zip(WorkspaceId::parse("main").ok());
    let (tenant, workspace) =
        named.ok_or_else(|| Failure::usage("the local workspace has no name"))?;
    Ok(Scope { tenant, workspace })
}

fn show(screen: &Screen, view: &PlanView) {
    screen.line(format!(
        "{} in {}, {}",
        screen.paint(words::of(u64::from(view.tasks), "task"), Tone::Strong),
        words::of(u64::from(view.stages), "stage"),
        screen.paint(words::digest(&view.plan), Tone::Quiet)
    ));
    let heading = ["stage", "asset", "tasks", "why"];
    let mut table = Table::new(&heading.map(|text| screen.paint(text, Tone::Quiet)))
        .right(&[0, 2])
        .indent(2)
        .folded();
    for asset in &view.assets {
        table.row([
            asset.stage.to_string(),
            asset.asset_key.as_str().to_string(),
            words::count(u64::from(asset.tasks)),
            why(asset),
        ]);
    }
    screen.data(table.to_text(screen.width));
}

/// What an asset's tasks wait for, what they take as it is, and what there is of them.
fn why(asset: &PlannedAsset) -> String {
    let keys = |keys: &[arcoflow_core::identity::keys::AssetKey]| {
        let keys: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
        keys.join(", ")
    };
    let mut said = Vec::new();
    if let Some(states) = &asset.states {
        said.push(told(states));
    }
    if !asset.waits_for.is_empty() {
        said.push(format!("after {}", keys(&asset.waits_for)));
    }
    if !asset.takes.is_empty() {
        said.push(format!("takes {} as it is", keys(&asset.takes)));
    }
    said.retain(|text| !text.is_empty());
    said.join("; ")
}

/// `12 missing, 3 stale, 5 made already`.
fn told(states: &PartitionCounts) -> String {
    let rows = [
        (states.missing, "missing"),
        (states.stale, "stale"),
        (states.failed, "failed last"),
        (states.running, "running"),
        (states.succeeded, "made already"),
    ];
    let said: Vec<String> = rows
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{} {word}", words::count(count)))
        .collect();
    said.join(", ")
}

fn show_tasks(screen: &Screen, view: &PlanView) {
    screen.line("");
    let heading = ["stage", "waits for", "task"];
    let mut table = Table::new(&heading.map(|text| screen.paint(text, Tone::Quiet))).right(&[0, 1]);
    for task in &view.page {
        table.row([
            task.stage.to_string(),
            task.waits_for.to_string(),
            words::task(&task.task_key),
        ]);
    }
    screen.data(table.to_text(usize::MAX));
}

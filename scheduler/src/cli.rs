//! The command line turns arguments into one verb, and a verb into calls of the same interface that everyone uses.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};

mod failure;
mod screen;
mod words;
mod table;
mod pipeline;
mod connection;
mod refusal;
mod reference;
mod fold;
mod board;
mod bar;
mod watch;
mod summary;
mod tell;
mod deploy;
mod grid;
mod assets;
mod run;
mod plan;
mod diff;
mod backfill;
mod runs;
mod pause;
mod schedules;
mod sensors;
mod automations;
mod explain;
mod logs;
mod events;
mod ledger;
mod completions;
mod identity;
mod doctor;
mod document;
mod local;

use connection::Context;
use failure::{Exit, Failure, Outcome};
use screen::Screen;

/// Data assets, partitions and checks, run over a ledger that survives a crash.
#[derive(Debug, Parser)]
#[command(
    name = "arcoflow",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
#[command(after_help = "Start here:
  arcoflow demo                        run the example, look at its report
  arcoflow dev examples/weather        the same, and stay up
  arcoflow run --all --wait            run everything once more
  arcoflow explain latest mart/report  say why a task is as it is")]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

/// What every verb takes.
#[derive(Clone, Debug, Args)]
struct Global {
    /// The door to talk to; the one that was started here when absent.
    #[arg(
        long,
        global = true,
        env = "ARCOFLOW_URL",
        value_name = "URL",
        help_heading = "Everywhere"
    )]
    url: Option<String>,
    /// The API key for it.
    #[arg(
        long,
        global = true,
        env = "ARCOFLOW_TOKEN",
        hide_env_values = true,
        value_name = "KEY",
        help_heading = "Everywhere"
    )]
    token: Option<String>,
    /// Print JSON: the shapes of the interface, one line for each item of a stream.
    #[arg(long, global = true, help_heading = "Everywhere")]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Demo(local::demo::Demo),
    Dev(local::dev::Dev),
    Deploy(deploy::Deploy),
    Assets(assets::Assets),
    Partitions(assets::Partitions),
    Plan(plan::Plan),
    Diff(diff::Diff),
    Run(run::Run),
    Runs(runs::Runs),
    Status(runs::Status),
    Logs(logs::Logs),
    Explain(explain::Explain),
    Cancel(run::Cancel),
    Rerun(run::Rerun),
    Schedules(schedules::Schedules),
    Backfill(backfill::Backfill),
    Sensors(sensors::Sensors),
    Automations(automations::Automations),
    Events(events::Events),
    Ledger(ledger::Ledger),
    Serve(local::serve::Serve),
    Worker(local::serve::RemoteWorker),
    Scheduler(local::scheduler::Scheduler),
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
    #[command(flatten)]
    Identity(identity::Verb),
}

/// Runs the verb that the arguments of this process name.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse_arguments(&arguments, &error),
    };
    if let Verb::Identity(verb) = &cli.verb {
        return identity::run(verb);
    }
    let context = Context::new(cli.global.json, cli.global.url, cli.global.token);
    match perform(&context, cli.verb) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.show(&context.screen);
            failure.exit.into()
        }
    }
}

/// The reference of the command line, in Markdown.
#[must_use]
pub fn document() -> String {
    document::document(command())
}

fn command() -> clap::Command {
    Cli::command()
}

fn perform(context: &Context, verb: Verb) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Unreachable, format!("no runtime: {error}")))?;
    runtime.block_on(async {
        match verb {
            Verb::Demo(verb) => local::demo::demo(context, &verb).await,
            Verb::Dev(verb) => local::dev::dev(context, &verb).await,
            Verb::Serve(verb) => local::serve::serve(context, &verb).await,
            Verb::Worker(verb) => local::serve::worker(context, &verb).await,
            Verb::Scheduler(verb) => local::scheduler::scheduler(context, &verb).await,
            Verb::Doctor(verb) => doctor::doctor(context, &verb).await,
            Verb::Deploy(verb) => deploy::deploy(context, &verb).await,
            Verb::Assets(verb) => assets::assets(context, &verb).await,
            Verb::Partitions(verb) => assets::partitions(context, &verb).await,
            Verb::Plan(verb) => plan::plan(context, &verb).await,
            Verb::Diff(verb) => diff::diff(context, &verb).await,
            Verb::Backfill(verb) => backfill::backfill(context, &verb).await,
            Verb::Run(verb) => run::run(context, &verb).await,
            Verb::Runs(verb) => runs::runs(context, &verb).await,
            Verb::Status(verb) => runs::status(context, &verb).await,
            Verb::Logs(verb) => logs::logs(context, &verb).await,
            Verb::Explain(verb) => explain::explain(context, &verb).await,
            Verb::Cancel(verb) => run::cancel(context, &verb).await,
            Verb::Rerun(verb) => run::rerun(context, &verb).await,
            Verb::Schedules(verb) => schedules::schedules(context, &verb).await,
            Verb::Sensors(verb) => sensors::sensors(context, &verb).await,
            Verb::Automations(verb) => automations::automations(context, &verb).await,
            Verb::Events(verb) => events::events(context, &verb).await,
            Verb::Ledger(verb) => ledger::ledger(context, &verb).await,
            Verb::Completions(verb) => completions::completions(context, &verb),
            Verb::Identity(_) => Ok(Exit::Ok),
        }
    })
}

/// Help and version are data; everything else that stops the reading of arguments is a usage error.
fn refuse_arguments(arguments: &[OsString], error: &clap::Error) -> ExitCode {
    let wants_json = arguments.iter().any(|argument| argument == "--json");
    let is_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    if wants_json && !is_help {
        let text = error.render().to_string();
        let first = text.lines().next().unwrap_or("");
        let what = first.strip_prefix("error: ").unwrap_or(first);
        let failure = Failure::usage(what).hint("`arcoflow help` lists what there is");
        failure.show(&Screen::new(true));
        return failure.exit.into();
    }
    // Whether anybody reads it makes it no other end.
    let _ = error.print();
    if is_help {
        Exit::Ok.into()
    } else {
        Exit::Usage.into()
    }
}

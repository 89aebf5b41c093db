//! The demo runs the example on this machine, from nothing to a report, and says what to type next.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use arcoflow_core::wire::trigger::Trigger;
use clap::Args;

use super::{Home, INTERRUPTED, Work, short, wanted_to_end};
use crate::cli::connection::{Context, DATA_DIR, example_dir};
use crate::cli::deploy;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::fold::Folded;
use crate::cli::pipeline::Pipeline;
use crate::cli::run::show_end;
use crate::cli::screen::Tone;
use crate::cli::watch;
use crate::cli::words;
use crate::client::{Client, RunsQuery};
use crate::local::DEFAULT_PORT;

/// Run the example pipeline, and look at its report.
///
/// Starts a door, a scheduler and a worker on this machine, deploys `examples/weather`, runs all of it, and ends. What it did can be
/// looked at afterwards: `status`, `explain`, `logs`, `events` and `ledger verify` read the ledger without a door.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  arcoflow demo\n  WEATHER_CORRUPT=2013-07 arcoflow demo      a check fails, and you see what that does\n  arcoflow demo --edge                       the same, with the door as Cloudflare runs it"
)]
pub(crate) struct Demo {
    /// The port of the door; 2726, or a free one when that is taken.
    #[arg(long)]
    port: Option<u16>,
    /// Where everything local is kept; `.arcoflow` beside the pipeline file when absent.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Tasks that run at once; one for each core when absent.
    #[arg(long)]
    slots: Option<usize>,
    /// Put the door on workerd, which is what Cloudflare runs; it is installed and built first.
    #[arg(long)]
    edge: bool,
}

/// `arcoflow demo`
pub(crate) async fn demo(context: &Context, verb: &Demo) -> Outcome {
    let directory = example_dir().ok_or_else(|| {
        Failure::usage("the example is not here")
            .at("no `examples/weather/arcoflow.toml` in this directory or above")
            .hint("run the demo in a checkout of arcoflow, or a pipeline of your own: `arcoflow dev PIPELINE_DIR`")
    })?;
    let pipeline = Pipeline::open(&directory)?;
    let data = verb
        .data
        .clone()
        .unwrap_or_else(|| directory.join(DATA_DIR));
    let work = Work {
        pipeline_dir: pipeline.directory(),
        slots: verb.slots,
        queues: pipeline.queues(),
    };
    let listen = SocketAddr::from((
        Ipv4Addr::LOCALHOST,
        verb.port.unwrap_or_else(free_or_default),
    ));
    let house = Home::open(&context.screen, &data, listen, &work, verb.edge).await?;
    context.screen.note(format!(
        "{} at {}, with its data in {}",
        context.screen.paint_note(
            format!("arcoflow {}", env!("CARGO_PKG_VERSION")),
            Tone::Strong
        ),
        house.url(),
        short(&data)
    ));
    let client = house.client();
    let ran = tokio::select! {
        ran = run_once(context, &client, &pipeline) => ran,
        () = wanted_to_end() => {
            context.screen.note("\nstopping; the next `arcoflow demo` goes on where this one was");
            house.close().await;
            std::process::exit(INTERRUPTED);
        }
    };
    house.close().await;
    if verb.edge {
        let dev = context.screen.paint_note(
            "the ledger is workerd's; to look at it, open it again: `arcoflow dev --edge --no-run examples/weather`",
            Tone::Quiet,
        );
        context.screen.note(dev);
    }
    Ok(watch::exit_of(&ran?))
}

/// Deploys a pipeline, runs all of it, and shows how that went. A run that had not ended goes on first.
pub(super) async fn run_once(
    context: &Context,
    client: &Client,
    pipeline: &Pipeline,
) -> Outcome<Folded> {
    let screen = &context.screen;
    let deployed = deploy::send(client, pipeline).await?;
    screen.note(deploy::told(context, pipeline, &deployed));
    let query = RunsQuery {
        limit: Some(1),
        before: None,
        open: true,
    };
    let open = client
        .runs(&query)
        .await?
        .runs
        .first()
        .map(|line| line.run_id);
    let run = match open {
        Some(run) => {
            screen.note(format!("run {run} goes on"));
            run
        }
        None => {
            let trigger = Trigger {
                all_partitions: true,
                ..Trigger::default()
            };
            let answer = client.trigger(&trigger, None).await?;
            screen.note(format!(
                "run {} · {}",
                answer.run_id,
                words::of(u64::from(answer.tasks), "task")
            ));
            answer.run_id
        }
    };
    let folded = watch::watch(context, client, run, None).await?;
    show_end(context, client, &folded).await?;
    Ok(folded)
}

/// The default port when it can be had, else any.
fn free_or_default() -> u16 {
    match std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, DEFAULT_PORT)) {
        Ok(_) => DEFAULT_PORT,
        Err(_) => 0,
    }
}

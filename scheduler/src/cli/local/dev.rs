//! Developing a pipeline is having a house for it: everything runs here, stays up, and tells of each run.

use std::net::SocketAddr;
use std::path::PathBuf;

use arcoflow_core::wire::event::Event;
use arcoflow_core::wire::event::automation::RunRequested;
use clap::Args;

use super::demo::run_once;
use super::{Home, Work, default_listen, short, show_banner, wanted_to_end};
use crate::cli::connection::{Context, DATA_DIR};
use crate::cli::deploy;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::pipeline::Pipeline;
use crate::cli::screen::{Screen, Tone};
use crate::cli::tell;
use crate::cli::words;
use crate::client::Client;

/// Run a pipeline on this machine, and stay up.
///
/// Starts a door, a scheduler and a worker, deploys the pipeline, runs all of it, and tells of each further run until it is
/// interrupted. A run that had not ended when the last one stopped goes on.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  arcoflow dev examples/weather\n  arcoflow dev . --no-run --listen 127.0.0.1:0"
)]
pub(crate) struct Dev {
    /// The pipeline file, or the directory that holds its `arcoflow.toml`.
    #[arg(default_value = ".")]
    pipeline: PathBuf,
    /// Where the door listens; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value_t = default_listen())]
    listen: SocketAddr,
    /// Where everything local is kept; `.arcoflow` beside the pipeline file when absent.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Tasks that run at once; one for each core when absent.
    #[arg(long)]
    slots: Option<usize>,
    /// Deploy only; start no run.
    #[arg(long)]
    no_run: bool,
    /// Put the door on workerd, which is what Cloudflare runs; it is installed and built first.
    #[arg(long)]
    edge: bool,
}

/// `arcoflow dev`
pub(crate) async fn dev(context: &Context, verb: &Dev) -> Outcome {
    let screen = &context.screen;
    let pipeline = Pipeline::open(&verb.pipeline)?;
    let directory = pipeline.directory();
    let data = verb
        .data
        .clone()
        .unwrap_or_else(|| directory.join(DATA_DIR));
    let work = Work {
        pipeline_dir: directory,
        slots: verb.slots,
        queues: pipeline.queues(),
    };
    let house = Home::open(screen, &data, verb.listen, &work, verb.edge).await?;
    show_banner(
        screen,
        &[
            ("door", house.url().to_string()),
            ("pipeline", short(&pipeline.path)),
            ("data", short(&data)),
        ],
    );
    let client = house.client();
    let ended = tokio::select! {
        ended = stay(context, verb, &client, &pipeline) => ended,
        () = wanted_to_end() => {
            screen.note("\nstopping; what runs is tried again at the next start");
            Ok(Exit::Ok)
        }
    };
    house.close().await;
    ended
}

async fn stay(context: &Context, verb: &Dev, client: &Client, pipeline: &Pipeline) -> Outcome {
    if verb.no_run {
        let deployed = deploy::send(client, pipeline).await?;
        context
            .screen
            .note(deploy::told(context, pipeline, &deployed));
    } else {
        run_once(context, client, pipeline).await?;
    }
    context.screen.note(
        context
            .screen
            .paint_note("\nstaying up; Ctrl-C ends it", Tone::Quiet),
    );
    tell_runs(&context.screen, client).await
}

/// Tells of each run that begins or ends, for ever.
pub(super) async fn tell_runs(screen: &Screen, client: &Client) -> Outcome {
    let head = client.health().await?.head;
    let mut events = client.follow(head, None);
    loop {
        let record = events.next().await.map_err(Failure::from)?;
        let time = screen.paint_note(words::local_clock(record.at_ms), Tone::Quiet);
        match record.event() {
            Some(
                Event::RunTriggered(body)
                | Event::RunRequested(RunRequested {
                    triggered: body, ..
                }),
            ) => {
                screen.note(format!(
                    "{time} run {} begins: {}",
                    body.run,
                    tell::trigger(&body.trigger)
                ));
            }
            Some(Event::RunFinished(body)) => {
                let told = tell::tell(&record);
                screen.note(format!(
                    "{time} run {} {}",
                    body.run,
                    screen.paint_note(told.detail, told.tone)
                ));
            }
            Some(Event::ManifestDeployed(body)) => {
                screen.note(format!(
                    "{time} a manifest was deployed: {}",
                    words::of(u64::from(body.assets), "asset")
                ));
            }
            _ => {}
        }
    }
}

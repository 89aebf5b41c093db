//! Serving is a door and a scheduler for others; a worker can be elsewhere, with nothing but a URL and a key.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::dev::tell_runs;
use super::{House, Work, default_listen, short, show_banner, start_worker, wanted_to_end};
use crate::cli::connection::{Context, DATA_DIR};
use crate::cli::failure::{Exit, Outcome};
use crate::local::LocalOptions;
use crate::worker::default_slots;

/// Serve a door and a scheduler for others.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  arcoflow serve --data /var/lib/arcoflow\n  arcoflow serve --listen 0.0.0.0:2726 --worker --dir /srv/pipeline"
)]
pub(crate) struct Serve {
    /// Where the door listens; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value_t = default_listen())]
    listen: SocketAddr,
    /// Where everything local is kept.
    #[arg(long, value_name = "DIR", default_value = DATA_DIR)]
    data: PathBuf,
    /// Run tasks in this process, too.
    #[arg(long)]
    worker: bool,
    /// Serve the door alone; `arcoflow scheduler --door URL` decides.
    #[arg(long)]
    no_scheduler: bool,
    #[command(flatten)]
    work: WorkArgs,
}

/// Run tasks for a door that is elsewhere.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ARCOFLOW_TOKEN=arco_… arcoflow worker --door https://flows.example.com --dir /srv/pipeline --slots 8"
)]
pub(crate) struct RemoteWorker {
    /// The door; the same as `--url`.
    #[arg(long, value_name = "URL")]
    door: Option<String>,
    /// Where attempts, outputs and the worker's name are kept.
    #[arg(long, value_name = "DIR", default_value = DATA_DIR)]
    data: PathBuf,
    #[command(flatten)]
    work: WorkArgs,
}

/// What a worker works on.
#[derive(Debug, Args)]
struct WorkArgs {
    /// The directory that programs run in.
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Tasks that run at once; one for each core when absent.
    #[arg(long)]
    slots: Option<usize>,
    /// A queue to take work from; may be repeated.
    #[arg(long, default_value = "default")]
    queue: Vec<String>,
}

impl WorkArgs {
    fn work(&self) -> Work {
        Work {
            pipeline_dir: self.dir.clone(),
            slots: self.slots,
            queues: self.queue.clone(),
        }
    }

    /// `2 at once, from queue default, in pipeline`
    fn told(&self) -> String {
        let slots = self.slots.unwrap_or_else(default_slots);
        format!(
            "{slots} at once, from {}, in {}",
            self.queue.join(" and "),
            short(&self.dir)
        )
    }
}

/// `arcoflow serve`
pub(crate) async fn serve(context: &Context, verb: &Serve) -> Outcome {
    let work = verb.work.work();
    let options = LocalOptions {
        listen: verb.listen,
        scheduler: !verb.no_scheduler,
        ..LocalOptions::new(&verb.data)
    };
    let house = House::open(options, verb.worker.then_some(&work)).await?;
    let worker = if verb.worker {
        verb.work.told()
    } else {
        "none; `arcoflow worker --door URL` is one".to_string()
    };
    show_banner(
        &context.screen,
        &[
            ("door", house.url().to_string()),
            ("data", short(&verb.data)),
            ("worker", worker),
        ],
    );
    let client = house.client();
    let ended = tokio::select! {
        ended = tell_runs(&context.screen, &client) => ended,
        () = wanted_to_end() => Ok(Exit::Ok),
    };
    house.close().await;
    ended
}

/// `arcoflow worker`
pub(crate) async fn worker(context: &Context, verb: &RemoteWorker) -> Outcome {
    let client = match &verb.door {
        Some(door) => context.at(door).client()?,
        None => context.client()?,
    };
    client.health().await?;
    let worker = start_worker(client.clone(), &verb.data, &verb.work.work())?;
    show_banner(
        &context.screen,
        &[
            ("door", client.base_url().to_string()),
            ("data", short(&verb.data)),
            ("worker", verb.work.told()),
        ],
    );
    wanted_to_end().await;
    context
        .screen
        .note("\nstopping; what runs is tried again elsewhere");
    worker.shutdown().await;
    Ok(Exit::Ok)
}

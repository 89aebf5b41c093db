//! A scheduler can be elsewhere: it dials out to its door, keeps nothing, and says when another one decides.

use std::time::Duration;

use arcoflow_core::run::world::Limits;
use clap::Args;
use tokio::sync::watch;

use super::{show_banner, wanted_to_end};
use crate::cli::connection::Context;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::screen::{Screen, Tone};
use crate::cli::words;
use crate::client::Client;
use crate::decider::{self, Progress};
use crate::local::{decide_apart, holder};

/// Decide for a door that is elsewhere.
///
/// It asks for the lease of the door and decides while it holds it; while another scheduler does, it follows, and takes over when that
/// one falls silent. It has no data of its own and needs no open port: it can be killed, moved or started twice at any moment. Each ledger
/// of a workspace that is split over several has a lease of its own, so schedulers can share them.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ARCOFLOW_TOKEN=arco_… arcoflow scheduler --door https://arcoflow.example.workers.dev"
)]
pub(crate) struct Scheduler {
    /// The door; the same as `--url`.
    #[arg(long, value_name = "URL")]
    door: Option<String>,
    /// How long the door waits for a sign of life before another scheduler may decide; 1s to 10m.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = words::parse_duration)]
    lease: Duration,
    /// The name under which the lease is held; a new one at each start when absent.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// `arcoflow scheduler`
pub(crate) async fn scheduler(context: &Context, verb: &Scheduler) -> Outcome {
    let client = match &verb.door {
        Some(door) => context.at(door).client()?,
        None => context.client()?,
    };
    let name = verb.name.clone().unwrap_or_else(|| holder("scheduler"));
    show_banner(
        &context.screen,
        &[
            ("door", client.base_url().to_string()),
            ("scheduler", name.clone()),
        ],
    );
    let (stop, stopped) = watch::channel(false);
    let (shown, progress) = watch::channel(Progress::default());
    let options = decider::Options {
        holder: name,
        lease: verb.lease,
        take_over: false,
        limits: Limits::default(),
    };
    let deciding =
        decide_apart(client, options, shown, stopped).map_err(|error| no_thread(&error))?;
    tokio::select! {
        () = tell_roles(&context.screen, progress) => {}
        () = wanted_to_end() => {
            context.screen.note("\nstopping; another scheduler goes on, or this one when it is started again");
        }
    }
    stop.send_replace(true);
    let _ = tokio::task::spawn_blocking(move || deciding.join()).await;
    Ok(Exit::Ok)
}

/// What a scheduler is to its door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Asks,
    Decides(u64),
    /// For so many of so many ledgers.
    Shares(u32, u32),
    Follows,
    Alone,
}

impl Role {
    fn of(progress: &Progress) -> Role {
        match (progress.is_door_away, progress.epoch) {
            (true, _) => Role::Alone,
            (false, _) if progress.shards > 1 && progress.held > 0 => {
                Role::Shares(progress.held, progress.shards)
            }
            (false, Some(epoch)) => Role::Decides(epoch),
            (false, None) if progress.seq == 0 => Role::Asks,
            (false, None) => Role::Follows,
        }
    }

    fn told(self, progress: &Progress) -> (String, Tone) {
        match self {
            Role::Asks => ("asks for the lease".to_string(), Tone::Quiet),
            Role::Decides(epoch) => (
                format!(
                    "decides under epoch {epoch}, from record {}; {} open",
                    words::count(progress.seq),
                    words::of(progress.open_runs, "run")
                ),
                Tone::Good,
            ),
            Role::Shares(held, shards) => (
                format!(
                    "decides for {held} of {shards} ledgers; {} open",
                    words::of(progress.open_runs, "run")
                ),
                Tone::Good,
            ),
            Role::Follows => (
                "another scheduler decides; this one follows".to_string(),
                Tone::Careful,
            ),
            Role::Alone => (
                "the door does not answer; asking again".to_string(),
                Tone::Bad,
            ),
        }
    }
}

/// Tells of each change of the role, as long as the scheduler runs.
pub(super) async fn tell_roles(screen: &Screen, mut progress: watch::Receiver<Progress>) {
    let mut role = Role::Asks;
    while progress.changed().await.is_ok() {
        let now = *progress.borrow_and_update();
        let next = Role::of(&now);
        if next != role {
            role = next;
            let (sentence, tone) = role.told(&now);
            let time = screen.paint_note(words::local_clock(words::now_ms()), Tone::Quiet);
            screen.note(format!("{time} {}", screen.paint_note(sentence, tone)));
        }
    }
}

/// Starts a scheduler in this process for a door that is elsewhere.
pub(super) fn start(
    client: Client,
    stop: watch::Receiver<bool>,
) -> Outcome<watch::Receiver<Progress>> {
    let (shown, progress) = watch::channel(Progress::default());
    let options = decider::Options {
        holder: holder("demo"),
        lease: Duration::from_secs(5),
        take_over: false,
        limits: Limits::default(),
    };
    decide_apart(client, options, shown, stop).map_err(|error| no_thread(&error))?;
    Ok(progress)
}

fn no_thread(error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Unreachable,
        format!("no thread can be started: {error}"),
    )
}

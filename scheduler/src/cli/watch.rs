//! Watching a run is following the ledger from where it began until it has ended.

use std::time::{Duration, Instant};

use arcoflow_core::identity::ids::RunId;
use arcoflow_core::wire::event::RunOutcome;
use arcoflow_core::wire::problem::Slug;
use arcoflow_core::wire::record::Record;
use arcoflow_core::wire::shard::Shard;
use tokio::sync::mpsc;

use crate::cli::board::Board;
use crate::cli::connection::Context;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::fold::Folded;
use crate::cli::local::INTERRUPTED;
use crate::cli::words;
use crate::client::refusal::ClientError;
use crate::client::{Client, LedgerQuery};

/// Records in one page of the past.
const PAGE: u32 = 10_000;
/// Records on their way to the screen.
const AHEAD: usize = 4_096;
/// How often a terminal is drawn again.
const FRAME: Duration = Duration::from_millis(100);
/// How long a door may be away, for instance because it is started again.
const PATIENCE: Duration = Duration::from_secs(60);

/// Watches a run of a door that is elsewhere: an interrupt ends this process, and the run goes on.
pub(crate) async fn watch_or_leave(
    context: &Context,
    client: &Client,
    run: RunId,
    timeout: Option<Duration>,
) -> Outcome<Folded> {
    tokio::select! {
        watched = watch(context, client, run, timeout) => watched,
        _ = tokio::signal::ctrl_c() => {
            context.screen.note(format!("\nthe run goes on: `arcoflow status {run} --wait`; stop it: `arcoflow cancel {run}`"));
            std::process::exit(INTERRUPTED);
        }
    }
}

/// Watches a run until it has ended, and shows how it goes on; `timeout` bounds the wait.
pub(crate) async fn watch(
    context: &Context,
    client: &Client,
    run: RunId,
    timeout: Option<Duration>,
) -> Outcome<Folded> {
    let client = client.clone().patient(PATIENCE);
    let (client, (mut folded, cursor)) = catch_up_at_home(client, run).await?;
    let mut board = Board::new(&context.screen, &folded);
    let (sender, mut records) = mpsc::channel(AHEAD);
    let reader = tokio::spawn(read(client, cursor, sender));
    let deadline = timeout.map(|timeout| Instant::now() + timeout);
    let mut frames = tokio::time::interval(FRAME);
    while folded.run.finished.is_none() {
        tokio::select! {
            record = records.recv() => match record {
                Some(Ok(record)) => {
                    if let Some(news) = folded.take(&record) {
                        board.tell(&folded, &news);
                    }
                }
                Some(Err(error)) => return Err(error.into()),
                None => break,
            },
            _ = frames.tick() => board.show(&folded),
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline)
            && folded.run.finished.is_none()
        {
            board.finish(&folded);
            return Err(waited_too_long(run, timeout.unwrap_or_default()));
        }
    }
    reader.abort();
    board.finish(&folded);
    Ok(folded)
}

/// The exit code of a run that has ended.
pub(crate) fn exit_of(folded: &Folded) -> Exit {
    match folded
        .run
        .finished
        .as_ref()
        .map(|finished| finished.outcome)
    {
        Some(RunOutcome::Succeeded) => Exit::Ok,
        _ => Exit::RunFailed,
    }
}

/// A client at the ledger that keeps a run, the run as it is, and the record of that ledger up to which that is so.
async fn catch_up_at_home(client: Client, run: RunId) -> Outcome<(Client, (Folded, u64))> {
    let home = match Shard::new(0, client.shards().await?) {
        Some(first) if !first.is_only() => client.clone().at_shard(first.of_run(&run)),
        _ => return Ok((client.clone(), catch_up(&client, run).await?)),
    };
    let mut query = LedgerQuery {
        limit: 1,
        ..LedgerQuery::default()
    };
    let head = home.ledger(&query).await?.head;
    query.run = Some(run);
    let caught_up = match home.ledger(&query).await {
        // What the first ledger has begun comes here in a moment.
        Err(error) if error.slug() == Some(Slug::RunNotFound) => {
            (catch_up(&client, run).await?.0, head)
        }
        _ => catch_up(&home, run).await?,
    };
    Ok((home, caught_up))
}

/// The run as it is, and the record up to which that is so.
async fn catch_up(client: &Client, run: RunId) -> Outcome<(Folded, u64)> {
    let mut folded: Option<Folded> = None;
    let mut after = 0;
    loop {
        let query = LedgerQuery {
            after,
            limit: PAGE,
            wait_s: 0,
            run: Some(run),
            quiet: None,
        };
        let page = client.ledger(&query).await?;
        let is_last = page.records.len() < PAGE as usize;
        for line in page.records {
            let record = Record::from(line);
            after = record.seq;
            match (&mut folded, record.event()) {
                (Some(folded), _) => drop(folded.take(&record)),
                (None, Some(event)) if event.begins().is_some() => {
                    folded = Some(Folded::begin(client, &record).await?)
                }
                (None, _) => {}
            }
        }
        if is_last {
            let missing = || {
                Failure::usage(format!("the ledger has no run `{run}`"))
                    .hint("`arcoflow runs` lists them")
            };
            return Ok((folded.ok_or_else(missing)?, page.head));
        }
    }
}

/// Reads records for ever and hands them on; an error is the last thing it says.
async fn read(client: Client, after: u64, records: mpsc::Sender<Result<Record, ClientError>>) {
    let mut events = client.follow(after, None);
    loop {
        let record = events.next().await;
        let is_error = record.is_err();
        if records.send(record).await.is_err() || is_error {
            return;
        }
    }
}

fn waited_too_long(run: RunId, timeout: Duration) -> Failure {
    let waited = words::duration(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
    Failure::new(
        Exit::WaitedTooLong,
        format!("the run has not ended within {waited}"),
    )
    .at(format!("run {run}"))
    .hint(format!("it goes on: `arcoflow status {run}`"))
}

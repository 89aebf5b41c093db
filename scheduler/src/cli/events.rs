//! The ledger is read in order, and followed for ever when asked to.

use arcoflow_core::wire::record::{Record, RecordLine};
use arcoflow_core::wire::shard::Origin;
use clap::Args;

use crate::cli::connection::{Context, at_ledger};
use crate::cli::failure::{Exit, Outcome};
use crate::cli::reference;
use crate::cli::screen::{Screen, Tone};
use crate::cli::tell;
use crate::cli::words;
use crate::client::LedgerQuery;

/// Records in one page.
const PAGE: u32 = 1_000;

/// Print the records of the ledger.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  arcoflow events --run latest\n  arcoflow events --follow --json | jq -r .kind\n  arcoflow events --after 120"
)]
pub(crate) struct Events {
    /// Go on for ever.
    #[arg(long, short)]
    follow: bool,
    /// Begin after this record.
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: u64,
    /// Only records of this run.
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// Which ledger, of a workspace that is split over several: the one of the run, or the first, when absent.
    #[arg(long, value_name = "LEDGER")]
    shard: Option<u32>,
}

/// `arcoflow events`
pub(crate) async fn events(context: &Context, verb: &Events) -> Outcome {
    let client = context.reader()?;
    let run = match &verb.run {
        Some(text) => Some(reference::run(&client, text).await?),
        None => None,
    };
    let client = at_ledger(client, verb.shard).await?;
    let mut after = verb.after;
    loop {
        let query = LedgerQuery {
            after,
            limit: PAGE,
            wait_s: 0,
            run,
            quiet: None,
        };
        let page = client.ledger(&query).await?;
        let is_last = page.records.len() < PAGE as usize;
        for line in page.records {
            after = line.seq;
            show(&context.screen, line);
        }
        if is_last && !verb.follow {
            return Ok(Exit::Ok);
        }
        if is_last {
            break;
        }
    }
    let mut events = client.follow(after, run);
    loop {
        let record = events.next().await?;
        if let Ok(line) = serde_json::from_slice(&record.to_json()) {
            show(&context.screen, line);
        }
    }
}

/// A record in one line.
fn show(screen: &Screen, line: RecordLine) {
    if screen.json {
        return screen.json_line(&line);
    }
    let record = Record::from(line);
    let told = tell::tell(&record);
    let gap = if told.subject.is_empty() || told.detail.is_empty() {
        ""
    } else {
        " · "
    };
    let said = format!("{}{gap}{}", told.subject, told.detail).replace('\n', " ");
    // The kind says whether a scheduler or a worker spoke; whose key it was it does not, nor which ledger it comes from.
    let by = match (
        record.actor.strip_prefix("key:"),
        Origin::of_actor(&record.actor),
    ) {
        (Some(key), _) => screen.paint(format!(" by {key}"), Tone::Quiet),
        (None, Some(origin)) => screen.paint(
            format!(" from ledger {}, record {}", origin.shard, origin.seq),
            Tone::Quiet,
        ),
        (None, None) => String::new(),
    };
    screen.line(format!(
        "{:>6}  {}  {}  {said}{by}",
        record.seq,
        screen.paint(words::local_clock(record.at_ms), Tone::Quiet),
        screen.paint(format!("{:<18}", record.kind), told.tone),
    ));
}

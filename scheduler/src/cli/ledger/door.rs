//! The ledgers of a door are verified from afar: each by itself, and then what one repeats of another.

use arcoflow_core::door::repeats::Repeats;
use arcoflow_core::door::replay::Replay;
use arcoflow_core::door::verify::Break;
use arcoflow_core::wire::record::Record;
use arcoflow_core::wire::shard::Shard;
use serde_json::{Value, json};

use super::report::Report;
use super::{PAGE, manifest, tell};
use crate::cli::connection::Context;
use crate::cli::failure::Outcome;
use crate::cli::fold::unreadable;
use crate::cli::words;
use crate::client::{Client, LedgerQuery};

/// `arcoflow ledger verify` of a door
pub(super) async fn verify(context: &Context) -> Outcome {
    let client = context.reader()?;
    let mut report = Report::default();
    match Shard::new(0, client.shards().await?) {
        Some(first) if !first.is_only() => verify_each(&client, first, &mut report).await?,
        _ => {
            let mut reading = Reading::new(client.clone(), Shard::default());
            verify_one(&client, &mut reading, &mut None, &mut report).await?;
        }
    }
    Ok(report.show(&context.screen))
}

async fn verify_each(client: &Client, first: Shard, report: &mut Report) -> Outcome<()> {
    let mut repeats = Some(Repeats::new(first));
    let shards = (0..first.count()).filter_map(|index| first.other(index));
    let mut readings: Vec<Reading> = shards
        .map(|shard| Reading::new(client.clone().at_shard(shard.index()), shard))
        .collect();
    let mut are_whole = true;
    for reading in &mut readings {
        report.about(Some(reading.shard.index()));
        are_whole &= verify_one(client, reading, &mut repeats, report).await?;
    }
    report.about(None);
    let ledgers: Vec<Value> = readings.iter().map(Reading::fact).collect();
    report.fact("ledgers", json!(ledgers));
    match repeats.filter(|_| are_whole) {
        Some(repeats) => compare_ledgers(readings, repeats, report).await,
        None => Ok(()),
    }
}

/// Verifies a ledger and compares its states. The answer is whether its records are whole.
async fn verify_one(
    client: &Client,
    reading: &mut Reading,
    repeats: &mut Option<Repeats>,
    report: &mut Report,
) -> Outcome<bool> {
    if let Some(found) = reading.read_on(None, repeats).await? {
        report.broken(&found);
        return Ok(false);
    }
    tell(reading.replay.verifier(), report);
    report.good(
        "manifests",
        format!(
            "{} under the address of its content",
            words::of(reading.replay.manifests() as u64, "manifest")
        ),
    );
    compare(client, &reading.replay, report).await?;
    Ok(true)
}

/// What each ledger repeats beside what the others say. A ledger that was read before one that repeats more of it is read on.
async fn compare_ledgers(
    readings: Vec<Reading>,
    repeats: Repeats,
    report: &mut Report,
) -> Outcome<()> {
    let mut repeats = Some(repeats.without_later());
    for mut reading in readings {
        let least = repeats
            .as_ref()
            .map_or(0, |repeats| repeats.newest_of(reading.shard));
        if let Some(found) = reading.read_on(Some(least), &mut repeats).await? {
            report.about(Some(reading.shard.index()));
            report.broken(&found);
            report.about(None);
            return Ok(());
        }
    }
    match repeats.map(|repeats| repeats.judge()) {
        Some(Ok(count)) => report.good(
            "repeats",
            format!(
                "{} in one ledger as in the other, in the order of the other",
                words::of(count, "repeated record")
            ),
        ),
        Some(Err(found)) => {
            report.about(Some(found.ledger));
            report.bad("repeats", found.sentence);
            report.about(None);
            report.hint("one of both ledgers is not what it was; restore both from copies");
        }
        None => {}
    }
    Ok(())
}

/// A ledger that is being read.
struct Reading {
    client: Client,
    shard: Shard,
    replay: Replay,
}

impl Reading {
    fn new(client: Client, shard: Shard) -> Reading {
        Reading {
            client,
            shard,
            replay: Replay::of(shard),
        }
    }

    /// Reads on to the end of the ledger, or to a record when it was not read that far. The answer is where the ledger stops being one.
    async fn read_on(
        &mut self,
        least: Option<u64>,
        repeats: &mut Option<Repeats>,
    ) -> Outcome<Option<Break>> {
        loop {
            let after = self.replay.verifier().seq();
            if least.is_some_and(|least| after >= least) {
                return Ok(None);
            }
            let query = LedgerQuery {
                after,
                limit: PAGE,
                ..LedgerQuery::default()
            };
            let page = self.client.ledger(&query).await?;
            let count = page.records.len();
            for line in page.records {
                let record = Record::from(line);
                let event = match self.replay.verify(&record) {
                    Ok(event) => event,
                    Err(found) => return Ok(Some(found)),
                };
                // What a record names is asked for when the record is known to be whole.
                if let Some(address) = self.replay.lacks(&event) {
                    let text = manifest(&self.client, &address).await?;
                    self.replay
                        .learn(&text)
                        .map_err(|findings| unreadable(&findings))?;
                }
                self.replay.fold(&record, &event);
                if let Some(repeats) = repeats {
                    repeats.take(self.shard, &record, &event);
                }
            }
            if count < PAGE as usize {
                return Ok(None);
            }
        }
    }

    fn fact(&self) -> Value {
        let verifier = self.replay.verifier();
        json!({
            "ledger": self.shard.index(),
            "head": verifier.seq(),
            "chain": verifier.chain().to_hex(),
        })
    }
}

/// Replayed states beside those that the door shows.
async fn compare(client: &Client, replay: &Replay, report: &mut Report) -> Outcome<()> {
    let (mut compared, mut later) = (0_u64, 0_u64);
    for run in replay.runs() {
        let view = client.run(&run.id).await?;
        if run.finished.is_none() && view.as_of > replay.verifier().seq() {
            // The run went on while it was replayed.
            later += 1;
        } else if view.state_fingerprint != run.fingerprint() {
            report.bad(
                "states",
                format!(
                    "run {} is replayed to another state than the door shows",
                    run.id
                ),
            );
            return Ok(());
        } else {
            compared += 1;
        }
    }
    report.good(
        "states",
        format!(
            "{} replayed to the state that the door shows",
            words::of(compared, "run")
        ),
    );
    if later > 0 {
        report.careful(
            "states",
            format!(
                "{} went on meanwhile and were not compared",
                words::of(later, "run")
            ),
        );
    }
    Ok(())
}

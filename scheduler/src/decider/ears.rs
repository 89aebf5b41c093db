//! Whoever decides for a ledger repeats in it what it has to know of the others; what is heard is proposed at once, and in order.

use std::future::{Future, pending};
use std::time::{Duration, Instant};

use arcoflow_core::run::ear::{Ear, quiet, sources};
use arcoflow_core::wire::ledger::{AppendRequest, AppendResult, Proposal};
use arcoflow_core::wire::problem::Slug;
use arcoflow_core::wire::record::Record;
use arcoflow_core::wire::shard::{Origin, Shard};
use serde_json::value::RawValue;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::{PAGE, PAUSE};
use crate::client::refusal::ClientError;
use crate::client::{Client, LedgerQuery};

/// How long one request waits for the next record, in seconds.
const WAIT_S: u32 = 30;
/// The most proposals of one request.
const MOST_PROPOSALS: usize = 2_000;
/// The most bytes of proposals in one request; the door takes 4 MiB.
const MOST_BYTES: usize = 3 << 20;
/// What a proposal takes beside its body.
const AROUND_BYTES: usize = 256;
/// The pause after the door refused to take anything.
const REFUSED: Duration = Duration::from_secs(1);
/// After any record that there can be: the answer brings none, because the decider reads them anyway.
const AFTER_ALL: u64 = (1 << 53) - 1;

/// The ears of one ledger, as long as its lease is held. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Ears {
    fenced: watch::Receiver<bool>,
    _tasks: JoinSet<()>,
}

impl Ears {
    /// Begins to listen after what was repeated last; `None` for a ledger that is the only one.
    pub(super) fn open(
        client: &Client,
        shard: Shard,
        epoch: u64,
        heard: &[Origin],
    ) -> Option<Ears> {
        let sources: Vec<u32> = sources(shard).collect();
        if sources.is_empty() {
            return None;
        }
        let mut tasks = JoinSet::new();
        let (sender, proposals) = mpsc::channel(MOST_PROPOSALS);
        for source in sources {
            let last = heard.iter().find(|origin| origin.shard == source);
            let ear = Ear::new(shard, source, last);
            tasks.spawn(listen(client.clone().at_shard(source), ear, sender.clone()));
        }
        let (fenced, told) = watch::channel(false);
        tasks.spawn(repeat(client.clone(), epoch, proposals, fenced));
        Some(Ears {
            fenced: told,
            _tasks: tasks,
        })
    }
}

/// Ends when an ear was told that another scheduler decides.
pub(super) fn fenced(ears: Option<&Ears>) -> impl Future<Output = ()> + use<> {
    let fenced = ears.map(|ears| ears.fenced.clone());
    async move {
        let is_fenced = match fenced {
            Some(mut fenced) => fenced.wait_for(|fenced| *fenced).await.is_ok(),
            None => false,
        };
        if !is_fenced {
            pending::<()>().await;
        }
    }
}

/// Reads a ledger for ever, and hands on what has to be repeated of it.
async fn listen(client: Client, mut ear: Ear, proposals: mpsc::Sender<Proposal>) {
    loop {
        let query = LedgerQuery {
            after: ear.seq(),
            limit: PAGE,
            wait_s: WAIT_S,
            run: None,
            quiet: Some(quiet(ear.source())),
        };
        let asked_at = Instant::now();
        let lines = match client.ledger(&query).await {
            Ok(page) => page.records,
            Err(error) => {
                tracing::debug!(source = ear.source(), %error, "a ledger cannot be heard");
                Vec::new()
            }
        };
        if lines.is_empty() && asked_at.elapsed() < PAUSE {
            // A door that is away, or that closes, answers at once.
            tokio::time::sleep(PAUSE).await;
        }
        for line in lines {
            let heard = hear(&mut ear, &Record::from(line));
            if let Some(proposal) = heard
                && proposals.send(proposal).await.is_err()
            {
                return;
            }
        }
    }
}

/// What has to be repeated of a record.
fn hear(ear: &mut Ear, record: &Record) -> Option<Proposal> {
    let origin = ear.hear(record)?;
    Some(Proposal {
        kind: record.kind.clone(),
        body: RawValue::from_string(record.body.clone()).ok()?,
        origin: Some(origin),
    })
}

/// Proposes what was heard, as much at once as has come, until another scheduler decides. What the door did not answer is proposed again:
/// it is taken once.
async fn repeat(
    client: Client,
    epoch: u64,
    mut proposals: mpsc::Receiver<Proposal>,
    fenced: watch::Sender<bool>,
) {
    let mut waiting = Vec::new();
    loop {
        if waiting.is_empty() && proposals.recv_many(&mut waiting, MOST_PROPOSALS).await == 0 {
            return;
        }
        let count = fitting(&waiting);
        let request = AppendRequest {
            epoch,
            after: AFTER_ALL,
            events: waiting.iter().take(count).cloned().collect(),
        };
        match client.append(&request).await {
            Ok(answer) => {
                tell_refused(&request.events, &answer.results);
                waiting.drain(..count);
            }
            Err(error) if error.slug() == Some(Slug::EpochFenced) => {
                fenced.send_replace(true);
                return;
            }
            Err(error) => {
                tracing::warn!(%error, "what was heard could not be repeated yet");
                tokio::time::sleep(pause_after(&error)).await;
            }
        }
    }
}

/// How many of the first proposals fit into one request; one, if it is a large one.
fn fitting(proposals: &[Proposal]) -> usize {
    let mut bytes = 0;
    let fit = proposals
        .iter()
        .take(MOST_PROPOSALS)
        .take_while(|proposal| {
            bytes += proposal.body.get().len() + AROUND_BYTES;
            bytes <= MOST_BYTES
        });
    // A single large one is not held back: it is for the door to refuse it.
    fit.count().max(1).min(proposals.len())
}

fn pause_after(error: &ClientError) -> Duration {
    match error {
        ClientError::Unreachable { .. } => PAUSE,
        _ => REFUSED,
    }
}

/// A refusal means that the ledger knows better by now; the reasons go to the log.
fn tell_refused(proposals: &[Proposal], results: &[AppendResult]) {
    for (proposal, result) in proposals.iter().zip(results) {
        if let AppendResult::Refused(code) = result {
            let origin = proposal.origin.map(|origin| origin.actor());
            tracing::debug!(
                kind = proposal.kind,
                ?origin,
                code,
                "a ledger did not repeat"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal(bytes: usize) -> Proposal {
        let body = format!("\"{}\"", "a".repeat(bytes.saturating_sub(AROUND_BYTES + 2)));
        Proposal {
            kind: "attempt_finished".to_owned(),
            body: RawValue::from_string(body).expect("JSON"),
            origin: None,
        }
    }

    #[test]
    fn as_much_is_proposed_at_once_as_the_door_takes() {
        for (count, bytes, expected) in [
            (0, 1_000, 0),
            (1, 1_000, 1),
            (1_999, 1_000, 1_999),
            (4_000, 1_000, 2_000),
            (4_000, 2_000, 1_572),
            (3, 2 << 20, 1),
            (2, 5 << 20, 1),
        ] {
            let proposals = vec![proposal(bytes); count];
            assert_eq!(fitting(&proposals), expected, "{count} of {bytes}");
        }
    }
}

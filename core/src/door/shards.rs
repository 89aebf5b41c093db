//! A request to a workspace of several ledgers goes to the one that has what it is about, or to all of them.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::value::RawValue;

use crate::door::admit::{Admitted, Caller};
use crate::door::config::Config;
use crate::door::lease::{LONGEST_WAIT_S, MOST_TASKS};
use crate::door::look;
use crate::identity::derived;
use crate::identity::digest::sha256;
use crate::identity::ids::RunId;
use crate::plan::order::sort_by;
use crate::wire::envelope::LeaseRequest;
use crate::wire::reader::{self, Decode};
use crate::wire::shard::Shard;
use crate::wire::trigger::Trigger;
use crate::wire::view::{DeployAnswer, Health};

/// How a request finds its ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// It goes to the first of these; where that does not know what it is about (404), to the next.
    First(Vec<u32>),
    /// It goes to all of them, and their answers are joined with [`join`].
    Each,
    /// It goes to all but the first, which keep what it brings; then to the first; and to the others again with the answer of the first.
    Deploy,
    /// It asks for work: one ledger after another with [`ask`], until it has enough.
    Work {
        /// The ledgers in the order in which they are asked; it begins anywhere, so that none is always the last.
        ledgers: Vec<u32>,
        /// How many tasks are enough.
        max: u32,
        /// How long it waits when there are none, in seconds.
        wait_s: u32,
    },
}

/// Which way a request goes; `random` chooses where nothing else does.
#[must_use]
pub fn way(config: &Config, admitted: &Admitted, body: &[u8], random: u8) -> Way {
    let shard = config.shard;
    if admitted.route.is_about_one_ledger()
        && let Some(index) = admitted.query("shard").and_then(|text| text.parse().ok())
    {
        return Way::First(Vec::from([index]));
    }
    if let Caller::Task(token) = &admitted.caller {
        return Way::First(Vec::from([home_of(shard, &token.claims.run)]));
    }
    match admitted.route.name {
        "deployManifest" => Way::Deploy,
        "leaseTasks" => work(shard, body, random),
        "listRuns" | "getHealth" | "getReadiness" => Way::Each,
        "triggerRun" => {
            let trigger = reader::read::<Trigger>(body).ok();
            let key = admitted.idempotency_key.as_deref();
            Way::First(Vec::from([of_trigger(
                shard,
                trigger.as_ref(),
                key,
                random,
            )]))
        }
        "receiveWebhook" => {
            let mut webhooks = config.webhooks.iter();
            let webhook =
                webhooks.find(|webhook| Some(&webhook.name) == admitted.params.webhook.as_ref());
            let delivery = webhook.and_then(|webhook| webhook.delivery(&admitted.signed));
            let trigger = webhook.map(|webhook| &webhook.trigger);
            Way::First(Vec::from([of_trigger(shard, trigger, delivery, random)]))
        }
        // Its tasks are those of the run that it repeats.
        "rerunRun" => Way::First(Vec::from([of_run(shard, admitted)])),
        _ => {
            let home = of_run(shard, admitted);
            // A run that the first ledger has begun for another is known there first.
            Way::First(if home == 0 {
                Vec::from([0])
            } else {
                Vec::from([home, 0])
            })
        }
    }
}

/// A request for work that no ledger would take as it is goes to the first, which refuses it.
fn work(shard: Shard, body: &[u8], random: u8) -> Way {
    let Some(request) = wanted(body) else {
        return Way::First(Vec::from([0]));
    };
    let count = shard.count();
    let ledgers = (0..count).map(|index| (index + u32::from(random)) % count);
    Way::Work {
        ledgers: ledgers.collect(),
        max: request.max,
        wait_s: request.wait_s,
    }
}

/// The ledger of the run that a request is about; the first, when it is about none.
fn of_run(shard: Shard, admitted: &Admitted) -> u32 {
    let named = admitted
        .params
        .run
        .or_else(|| RunId::parse(admitted.query("runId")?).ok());
    named.map_or(0, |run| home_of(shard, &run))
}

fn home_of(shard: Shard, run: &RunId) -> u32 {
    match look::stands_in(run) {
        true => 0,
        false => shard.of_run(run),
    }
}

/// The ledger of a run that begins: a run key always meets the same one, and so does what is sent twice under one name.
fn of_trigger(shard: Shard, trigger: Option<&Trigger>, name: Option<&str>, random: u8) -> u32 {
    let run_key = trigger.and_then(|trigger| trigger.run_key.as_ref());
    let [by_name, ..] = name.map_or([random; 32], |name| sha256(name.as_bytes()).to_bytes());
    shard.of_home(run_key.map_or(by_name, derived::home_of_run_key))
}

/// The answer of the first ledger to a deployment, for the others; `None` when it is none.
#[must_use]
pub fn told(answer: &[u8]) -> Option<DeployAnswer> {
    reader::read(answer).ok()
}

/// The request for work for one ledger: for so many tasks at most, waiting for so many seconds. A request that is none stays as it is.
#[must_use]
pub fn ask(body: &[u8], max: u32, wait_s: u32) -> Vec<u8> {
    match wanted(body) {
        Some(request) => {
            let request = LeaseRequest {
                max,
                wait_s,
                ..request
            };
            serde_json::to_vec(&request).unwrap_or_default()
        }
        None => body.to_vec(),
    }
}

/// What a request for work asks for; `None` when it is none that a ledger would take as it is.
fn wanted(body: &[u8]) -> Option<LeaseRequest> {
    let request: LeaseRequest = reader::read(body).ok()?;
    let fits =
        request.max <= MOST_TASKS && request.wait_s <= LONGEST_WAIT_S && !request.queues.is_empty();
    fits.then_some(request)
}

/// How many tasks an answer gives.
#[must_use]
pub fn count(answer: &[u8]) -> u32 {
    let tasks = reader::read::<Tasks>(answer).map(|answer| answer.tasks.len());
    tasks
        .ok()
        .and_then(|count| u32::try_from(count).ok())
        .unwrap_or(0)
}

#[derive(Decode)]
struct Tasks {
    tasks: Vec<Box<RawValue>>,
}

/// A page of runs, whose lines are passed on as they are.
#[derive(Decode)]
#[serde(rename_all = "camelCase")]
struct Runs {
    runs: Vec<Box<RawValue>>,
    #[serde(default)]
    next: Option<RunId>,
    as_of: u64,
}

#[derive(Decode)]
#[serde(rename_all = "camelCase")]
struct Line {
    run_id: RunId,
}

/// The answer of a workspace, from the successful answers of its ledgers in their order.
#[must_use]
pub fn join(shard: Shard, admitted: &Admitted, answers: &[&[u8]]) -> Vec<u8> {
    let joined = match admitted.route.name {
        "leaseTasks" => join_tasks(answers),
        "listRuns" => join_runs(shard, admitted, answers),
        "getHealth" => join_health(answers),
        _ => None,
    };
    joined.unwrap_or_else(|| {
        answers
            .first()
            .map_or_else(Vec::new, |answer| answer.to_vec())
    })
}

fn join_tasks(answers: &[&[u8]]) -> Option<Vec<u8>> {
    let mut tasks = Vec::new();
    for answer in answers {
        tasks.extend(reader::read::<Tasks>(answer).ok()?.tasks);
    }
    Some(
        [object_of("tasks", &tasks), "}".into()]
            .concat()
            .into_bytes(),
    )
}

/// Each ledger gave its newest runs, so the newest of all are among them. The first knows runs of the others too, but less of them.
fn join_runs(shard: Shard, admitted: &Admitted, answers: &[&[u8]]) -> Option<Vec<u8>> {
    let limit = admitted.number("limit", 50, 1_000).ok()?;
    let mut lines = Vec::new();
    let mut has_more = false;
    let mut as_of = None;
    for (index, answer) in (0..).zip(answers) {
        let page: Runs = reader::read(answer).ok()?;
        as_of = as_of.or(Some(page.as_of));
        has_more |= page.next.is_some();
        for line in page.runs {
            let run = reader::read_text::<Line>(line.get()).ok()?.run_id;
            lines.push((run, shard.of_run(&run) != index, line));
        }
    }
    sort_by(&mut lines, |one, other| {
        (other.0, one.1).cmp(&(one.0, other.1))
    });
    lines.dedup_by_key(|(run, _, _)| *run);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    has_more |= lines.len() > limit;
    lines.truncate(limit);
    let next = lines.last().map(|(run, _, _)| *run).filter(|_| has_more);
    let next = next.map_or_else(String::new, |run| format!(",\"next\":\"{run}\""));
    let runs: Vec<Box<RawValue>> = lines.into_iter().map(|(_, _, line)| line).collect();
    let as_of = format!(",\"asOf\":{}}}", as_of?);
    Some(
        [object_of("runs", &runs), next, as_of]
            .concat()
            .into_bytes(),
    )
}

/// The beginning of an object whose first member is a list of what is passed on as it is.
fn object_of(name: &str, items: &[Box<RawValue>]) -> String {
    let items: Vec<&str> = items.iter().map(|item| item.get()).collect();
    format!("{{\"{name}\":[{}]", items.join(","))
}

fn join_health(answers: &[&[u8]]) -> Option<Vec<u8>> {
    let mut each = Vec::new();
    for answer in answers {
        each.push(reader::read::<Health>(answer).ok()?);
    }
    let shards = each.iter().map(|health| health.head).collect();
    let health = Health {
        shards,
        ..each.into_iter().next()?
    };
    serde_json::to_vec(&health).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_a_request_for_work_asks_for_the_same_work() {
        let request = LeaseRequest {
            worker_id: "w\"1\\".into(),
            queues: Vec::from(["default".into(), "a \"b\" \u{1f600}\n".into()]),
            max: 7,
            wait_s: 30,
            again: true,
            start: false,
        };
        let body = serde_json::to_vec(&request).expect("JSON");
        let expected = LeaseRequest {
            max: 3,
            wait_s: 0,
            ..request
        };
        assert_eq!(wanted(&ask(&body, 3, 0)), Some(expected));
    }

    #[test]
    fn what_is_no_request_for_work_stays_as_it_is() {
        for text in [
            "",
            "[]",
            r#"{"workerId":"w1","queues":["q"],"max":1001}"#,
            r#"{"workerId":"w1","queues":["q"],"max":1,"waitS":61}"#,
        ] {
            assert_eq!(wanted(text.as_bytes()), None, "{text}");
            assert_eq!(ask(text.as_bytes(), 1, 1), text.as_bytes(), "{text}");
        }
    }
}

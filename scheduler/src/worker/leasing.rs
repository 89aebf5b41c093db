//! A worker asks for as much as it has room for, and waits at the door when there is nothing: no interval stands between a task and it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arcoflow_core::door::lease::MOST_TASKS;
use arcoflow_core::identity::ids::AttemptId;
use arcoflow_core::wire::envelope::{Envelope, LeaseRequest};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};

use super::hold::Pauses;
use super::process_runner::ProcessRunner;
use super::recovery::Left;
use super::{Runner, Stop};
use crate::client::Client;
use crate::client::refusal::ClientError;
use crate::host::crash;

/// How long one request for work waits at the door, in seconds.
const WAIT_S: u32 = 30;
/// A wait that ended without work before this was cut short.
const SHORT_WAIT: Duration = Duration::from_secs(5);
/// How long a request for work that is under way when the worker ends may still bring some.
const LAST_ANSWER: Duration = Duration::from_millis(300);
/// How long to wait after the door refused to give work: only a person can change that.
const AFTER_REFUSAL: Duration = Duration::from_secs(5);

/// The part of a worker that asks for work.
pub(super) struct Leasing {
    pub(super) client: Client,
    pub(super) worker_id: String,
    pub(super) queues: Vec<String>,
    pub(super) slots: usize,
    pub(super) runner: Arc<Runner>,
    pub(super) stop: Stop,
}

impl Leasing {
    /// Works until the wish to end, and then until everything that runs has ended.
    pub(super) async fn work(self, left: Option<(Arc<ProcessRunner>, Vec<Left>)>) {
        let slots = Arc::new(Semaphore::new(self.slots));
        let mut tasks = JoinSet::new();
        let at_hand = AtHand::default();
        if let Some((runner, left)) = left {
            for attempt in left {
                // What was running had a slot, so what is begun again has one before anything new is leased.
                let slot = slots.clone().try_acquire_owned().ok();
                let place = at_hand.take(attempt.attempt());
                tasks.spawn(take_up(runner.clone(), attempt, (slot, place)));
            }
        }
        let mut pauses = Pauses::default();
        // An earlier life may have died before it wrote down what it had leased.
        let mut again = true;
        while let Some(mut room) = self.room(&slots).await {
            while let Some(ended) = tasks.try_join_next() {
                log_panic(ended);
            }
            let asked = Instant::now();
            match self.lease(room.num_permits(), again).await {
                // A door that closes lets everybody go at once, with nothing.
                Ok(envelopes) if envelopes.is_empty() && asked.elapsed() < SHORT_WAIT => {
                    self.pause(pauses.next(None)).await;
                }
                Ok(envelopes) => {
                    pauses = Pauses::default();
                    again = false;
                    for envelope in envelopes {
                        crash::point("W1");
                        let Some(place) = at_hand.take(envelope.attempt_id) else {
                            continue;
                        };
                        let slot = room.split(1);
                        tasks.spawn(see_through(self.runner.clone(), envelope, (slot, place)));
                    }
                }
                Err(error) => {
                    // The door may have leased something in an answer that did not come.
                    again = true;
                    self.rest(&error, &mut pauses).await;
                }
            }
        }
        while let Some(ended) = tasks.join_next().await {
            log_panic(ended);
        }
    }

    /// Waits for at least one free slot and takes all there are. `None` when the worker is to end.
    async fn room(&self, slots: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
        let most = u32::try_from(self.slots).unwrap_or(u32::MAX);
        let mut room = tokio::select! {
            biased;
            () = self.stop.wished() => return None,
            one = slots.clone().acquire_owned() => one.ok()?,
        };
        let free = u32::try_from(slots.available_permits()).unwrap_or(0);
        if let Ok(more) = slots
            .clone()
            .try_acquire_many_owned(free.min(most).min(MOST_TASKS - 1))
        {
            room.merge(more);
        }
        Some(room)
    }

    async fn lease(&self, room: usize, again: bool) -> Result<Vec<Envelope>, ClientError> {
        let request = LeaseRequest {
            worker_id: self.worker_id.clone(),
            queues: self.queues.clone(),
            max: u32::try_from(room).unwrap_or(MOST_TASKS),
            wait_s: WAIT_S,
            again,
            start: false,
        };
        let answer = self.client.lease(&request);
        tokio::pin!(answer);
        tokio::select! {
            answer = &mut answer => return Ok(answer?.tasks),
            () = self.stop.wished() => {}
        }
        // What the door gives away in this moment would otherwise wait there until its start deadline.
        if let Ok(Ok(answer)) = tokio::time::timeout(LAST_ANSWER, answer).await {
            for envelope in answer.tasks {
                self.runner.put_aside(envelope).await;
            }
        }
        Ok(Vec::new())
    }

    async fn rest(&self, error: &ClientError, pauses: &mut Pauses) {
        let pause = match error.refusal() {
            Some(refusal) if !refusal.asks_to_repeat() && refusal.status < 500 => {
                tracing::error!(%error, "the door gives this worker no work");
                AFTER_REFUSAL
            }
            refusal => {
                let asked = refusal.and_then(|refusal| refusal.retry_after_s);
                let pause = pauses.next(asked);
                if pauses.are_long() {
                    tracing::warn!(%error, "no work can be leased");
                }
                pause
            }
        };
        self.pause(pause).await;
    }

    async fn pause(&self, pause: Duration) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.stop.wished() => {}
        }
    }
}

/// The attempts that this worker is at work on: one that is given again is no second one.
#[derive(Clone, Default)]
struct AtHand(Arc<Mutex<BTreeSet<AttemptId>>>);

impl AtHand {
    /// Takes an attempt in hand until the answer is dropped; `None` when it is in hand already.
    fn take(&self, attempt: AttemptId) -> Option<Place> {
        let mut at_hand = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        at_hand.insert(attempt).then(|| Place {
            at_hand: self.clone(),
            attempt,
        })
    }
}

struct Place {
    at_hand: AtHand,
    attempt: AttemptId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut at_hand = self
            .at_hand
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        at_hand.remove(&self.attempt);
    }
}

/// What an attempt occupies while it is seen to.
type Occupied = (Option<OwnedSemaphorePermit>, Place);

async fn see_through(runner: Arc<Runner>, envelope: Envelope, occupied: Occupied) {
    runner.run(envelope).await;
    drop(occupied);
}

async fn take_up(
    runner: Arc<ProcessRunner>,
    attempt: Left,
    occupied: (Option<OwnedSemaphorePermit>, Option<Place>),
) {
    runner.take_up(attempt).await;
    drop(occupied);
}

/// A bug in one attempt is no end for the others; the attempt itself is closed by its silence.
fn log_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "an attempt ended in a bug of the worker");
    }
}

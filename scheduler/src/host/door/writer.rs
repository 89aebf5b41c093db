//! One thread writes: requests that are there together are savepoints of one transaction, one sync makes all of them durable, and
//! only then does an answer leave.

mod parked;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arcoflow_core::door::admit::Admitted;
use arcoflow_core::door::answer::{Then, Wait, WaitOn, answer};
use arcoflow_core::door::config::{Config, Moment};
use arcoflow_core::door::expire;
use arcoflow_core::door::http::Response;
use arcoflow_core::door::session::{Catalogs, Wake};
use arcoflow_core::door::sql::StoreError;
use arcoflow_core::wire::problem::{Problem, Slug};
use tokio::sync::oneshot;

use self::parked::{Parked, Waiting};
use super::metrics::Metrics;
use super::space::Space;
use super::{Signals, failure};
use crate::host::clock::Clock;
use crate::host::crash;
use crate::host::store::Store;

/// The most requests of one transaction.
const MOST_REQUESTS: usize = 512;
/// How long a transaction takes new requests before it is committed. Tests hold the writer up for longer.
const LONGEST_BATCH: Duration = Duration::from_millis(if cfg!(test) { 10_000 } else { 20 });
/// How long the deadlines are left alone when none is near; what is only cleaned up is cleaned up then.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// When the deadlines of a clock that a hand moves are looked at unasked: after the process.
const NEVER: Duration = Duration::from_secs(10 * 365 * 86_400);

/// What the writer is asked to do.
pub(super) enum Task {
    /// Answer a request.
    Answer(Box<Request>),
    /// Look at the deadlines, and say when that is done.
    Expire(oneshot::Sender<()>),
    /// Answer everything that waits.
    Release,
    /// Stop.
    Close,
}

/// A request, and where its answer goes.
pub(super) struct Request {
    pub(super) admitted: Admitted,
    pub(super) body: Vec<u8>,
    pub(super) reply: oneshot::Sender<Response>,
}

/// Starts the thread.
pub(super) fn start(
    store: Store,
    space: Arc<Space>,
    config: Arc<Config>,
    clock: Clock,
    signals: Signals,
    metrics: Arc<Metrics>,
) -> std::io::Result<(mpsc::Sender<Task>, JoinHandle<()>)> {
    let (sender, tasks) = mpsc::channel();
    let first_expiry = if clock.is_by_hand() {
        Instant::now() + NEVER
    } else {
        Instant::now()
    };
    let writer = Writer {
        store,
        space,
        changes: 0,
        catalogs: Catalogs::default(),
        config,
        clock,
        signals,
        metrics,
        waiting: Waiting::default(),
        done: Vec::new(),
        wake: Wake::default(),
        expires_at: Some(first_expiry),
        is_releasing: false,
    };
    let thread = std::thread::Builder::new()
        .name("door-writer".to_owned())
        .spawn(move || writer.run(&tasks))?;
    Ok((sender, thread))
}

struct Writer {
    store: Store,
    space: Arc<Space>,
    /// Rows that were changed up to the last commit.
    changes: u64,
    catalogs: Catalogs,
    config: Arc<Config>,
    clock: Clock,
    signals: Signals,
    metrics: Arc<Metrics>,
    /// Requests that wait for work.
    waiting: Waiting,
    /// Answers that leave when the transaction is committed.
    done: Vec<(Box<Request>, Response)>,
    /// What happened in the transaction.
    wake: Wake,
    /// When the deadlines are looked at next.
    expires_at: Option<Instant>,
    is_releasing: bool,
}

impl Writer {
    fn run(mut self, tasks: &mpsc::Receiver<Task>) {
        loop {
            let first = match self.sleep(tasks) {
                Ok(task) => Some(task),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let goes_on = self.batch(first, tasks);
            if self.expires_at.is_none_or(|at| at <= Instant::now()) {
                self.expire();
            }
            self.waiting.give_up(Instant::now());
            if !goes_on {
                self.waiting.release();
                return;
            }
        }
    }

    /// Waits for the next request, deadline, or end of a wait.
    fn sleep(&mut self, tasks: &mpsc::Receiver<Task>) -> Result<Task, RecvTimeoutError> {
        let now = Instant::now();
        let until = [self.expires_at, self.waiting.next_at()]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(now + LONGEST_SLEEP);
        tasks.recv_timeout(until.saturating_duration_since(now))
    }

    /// One transaction. The answer is whether the door goes on.
    fn batch(&mut self, first: Option<Task>, tasks: &mpsc::Receiver<Task>) -> bool {
        let began = Instant::now();
        let mut goes_on = true;
        let mut next = first;
        while let Some(task) = next.take() {
            match task {
                Task::Answer(request) => self.take(request),
                Task::Expire(done) => self.expire_now(done),
                Task::Release => {
                    self.is_releasing = true;
                    self.waiting.release();
                }
                Task::Close => goes_on = false,
            }
            if goes_on && self.done.len() < MOST_REQUESTS && began.elapsed() < LONGEST_BATCH {
                next = tasks.try_recv().ok();
            }
        }
        self.serve_waiting();
        if self.store.is_in_transaction() || !self.done.is_empty() {
            self.commit();
        }
        goes_on
    }

    /// Opens the transaction when there is none.
    fn open(&mut self) -> Result<(), StoreError> {
        if self.store.is_in_transaction() {
            return Ok(());
        }
        self.store.begin()
    }

    /// Answers one request within the transaction.
    fn take(&mut self, request: Box<Request>) {
        if request.reply.is_closed() {
            return;
        }
        crash::point("E1");
        match self.ask(&request) {
            Ok((response, None)) => self.done.push((request, response)),
            Ok((response, Some(wait))) => self.park(request, response, &wait),
            Err(error) => self.fail(request, &error),
        }
    }

    fn park(&mut self, request: Box<Request>, response: Response, wait: &Wait) {
        let WaitOn::Work(queues) = &wait.on else {
            self.done.push((request, response));
            return;
        };
        if self.is_releasing {
            self.done.push((request, response));
            return;
        }
        let now = Instant::now();
        self.waiting.push(Parked {
            request,
            response,
            queues: queues.clone(),
            until: now + Duration::from_millis(wait.give_up_ms),
        });
        self.waiting.ask_again(
            queues,
            wait.again_ms.map(|ms| now + Duration::from_millis(ms)),
        );
    }

    /// Computes an answer, and what it waits for.
    fn ask(&mut self, request: &Request) -> Result<(Response, Option<Wait>), StoreError> {
        self.open()?;
        let moment = self.clock.moment();
        let answered = catch_unwind(AssertUnwindSafe(|| {
            answer(
                &self.config,
                &mut self.catalogs,
                &request.admitted,
                &request.body,
                &mut self.store,
                moment,
            )
        }));
        let Ok(answered) = answered else {
            self.catalogs = Catalogs::default();
            return Ok((bug(&request.admitted, &moment), None));
        };
        let outcome = answered?;
        self.wake.merge(&outcome.wake);
        let wait = match outcome.then {
            Then::Wait(wait) => Some(wait),
            Then::Send | Then::Follow(_) => None,
        };
        Ok((outcome.response, wait))
    }

    /// The store refused a request. When it gave up the whole transaction, everything in it is refused.
    fn fail(&mut self, request: Box<Request>, error: &StoreError) {
        self.note_room(error);
        let _ = request.reply.send(failure(error));
        if !self.store.is_in_transaction() {
            self.lose(error);
        }
    }

    /// Nothing of the transaction stays.
    fn lose(&mut self, error: &StoreError) {
        self.note_room(error);
        self.store.rollback();
        self.wake = Wake::default();
        for (request, _) in self.done.drain(..) {
            let _ = request.reply.send(failure(error));
        }
        // An answer that was computed on what is gone may have filled this with what is gone.
        self.catalogs = Catalogs::default();
    }

    /// Work that came in this transaction goes to those who wait for it, in the order in which they came, within the same sync.
    fn serve_waiting(&mut self) {
        let mut queues = self.waiting.due(Instant::now());
        queues.extend(std::mem::take(&mut self.wake.work));
        let mut at = 0;
        while let Some(parked) = self.waiting.take_next(&mut at, &queues) {
            if parked.request.reply.is_closed() {
                continue;
            }
            match self.ask(&parked.request) {
                Ok((response, None)) => self.done.push((parked.request, response)),
                Ok((_, Some(wait))) => {
                    let again = wait
                        .again_ms
                        .map(|ms| Instant::now() + Duration::from_millis(ms));
                    self.waiting.ask_again(&parked.queues, again);
                    // Nothing is left in these queues, so nobody else need ask.
                    for queue in &parked.queues {
                        queues.remove(queue);
                    }
                    self.waiting.put_back(at, parked);
                    at += 1;
                }
                Err(error) => self.fail(parked.request, &error),
            }
        }
    }

    fn commit(&mut self) {
        let began = Instant::now();
        if self.wake.records {
            crash::point("E2");
        }
        let committed = if self.store.is_in_transaction() {
            self.store.commit()
        } else {
            Ok(())
        };
        if let Err(error) = committed {
            return self.lose(&error);
        }
        if self.wake.records {
            crash::point("E3");
        }
        let changes = self.store.changes();
        if changes != std::mem::replace(&mut self.changes, changes) {
            self.space.wrote(true);
        }
        self.metrics.committed(self.done.len(), began.elapsed());
        let has_deadline = self.wake.deadline;
        self.tell();
        for (request, response) in self.done.drain(..) {
            let _ = request.reply.send(response);
        }
        if !has_deadline {
            return;
        }
        match expire::next_deadline_ms(&mut self.store) {
            Ok(next_ms) => self.plan_expiry(next_ms),
            Err(error) => tracing::error!(detail = %error.detail, "the deadlines cannot be read"),
        }
    }

    /// Tells those who listen what happened.
    fn tell(&mut self) {
        let wake = std::mem::take(&mut self.wake);
        if wake.records {
            self.signals.records.send_modify(|count| *count += 1);
        }
        if wake.records || wake.logs {
            self.signals.logs.send_modify(|count| *count += 1);
        }
        self.waiting.ready(wake.work);
    }

    fn plan_expiry(&mut self, next_ms: Option<u64>) {
        if self.clock.is_by_hand() {
            self.expires_at = Some(Instant::now() + NEVER);
            return;
        }
        let longest = LONGEST_SLEEP.as_millis() as u64;
        let in_ms = next_ms.map_or(longest, |next_ms| {
            next_ms.saturating_sub(self.clock.now_ms()).min(longest)
        });
        let at = Instant::now() + Duration::from_millis(in_ms);
        // The sleep without deadlines is counted from the last look, or a busy door would never clean up.
        self.expires_at = Some(match (next_ms, self.expires_at) {
            (None, Some(planned)) => planned.min(at),
            _ => at,
        });
    }

    /// Closes what is overdue by now, after what came before.
    fn expire_now(&mut self, done: oneshot::Sender<()>) {
        if self.store.is_in_transaction() || !self.done.is_empty() {
            self.commit();
        }
        self.expire();
        let _ = done.send(());
    }

    /// Closes what is overdue.
    fn expire(&mut self) {
        crash::point("E4");
        self.expires_at = None;
        let moment = self.clock.moment();
        let expired = expire::expire(&self.config, &mut self.catalogs, &mut self.store, moment);
        crash::point("E5");
        match expired {
            Ok(expired) => {
                self.metrics.expired(expired.closed);
                self.wake = expired.wake;
                self.tell();
                self.plan_expiry(expired.next_ms);
            }
            Err(error) => {
                self.note_room(&error);
                tracing::error!(detail = %error.detail, "the deadlines cannot be kept");
                self.expires_at = Some(Instant::now() + Duration::from_secs(1));
            }
        }
    }

    fn note_room(&self, error: &StoreError) {
        if error.is_full {
            self.space.wrote(false);
        }
    }
}

/// The answer to a request that met a bug. The panic's own words went to the log.
pub(super) fn bug(admitted: &Admitted, moment: &Moment) -> Response {
    let response = Response::problem(&Problem::bare(Slug::Internal), moment.request());
    tracing::error!(
        route = admitted.route.name,
        answer = %String::from_utf8_lossy(&response.body),
        "a bug; nothing of the request was kept"
    );
    response
}

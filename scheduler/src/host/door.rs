//! The local door: one thread writes and shares each sync among all who came, others read, and who waits is woken, not polled.

mod metrics;
mod readers;
mod space;
mod stream;
mod writer;
#[cfg(test)]
mod tests;

use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arcoflow_core::door::admit::{self, Admitted};
use arcoflow_core::door::answer::{Outcome, Then, WaitOn, store_problem};
use arcoflow_core::door::config::Config;
use arcoflow_core::door::expire;
use arcoflow_core::door::http::{Head, Response};
use arcoflow_core::door::rate::Limiter;
use arcoflow_core::door::routes::{Handler, Shown};
use arcoflow_core::door::schema;
use arcoflow_core::door::session::{Catalogs, End};
use arcoflow_core::door::sql::StoreError;
use arcoflow_core::wire::problem::{Problem, Slug};
use arcoflow_core::wire::sweep::SweepView;
use tokio::sync::{oneshot, watch};

use self::metrics::Metrics;
use self::readers::Readers;
use self::space::Space;
use self::writer::Task;
use crate::host::clock::Clock;
use crate::host::entropy;
use crate::host::lock::DataLock;
use crate::host::store::{OpenError, Store};

pub use self::stream::Stream;

/// The door over one SQLite file. Its clones are the same door.
#[derive(Clone, Debug)]
pub struct LocalDoor {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: Arc<Config>,
    clock: Clock,
    limiter: Mutex<Limiter>,
    writer: mpsc::Sender<Task>,
    readers: Readers,
    signals: Signals,
    metrics: Arc<Metrics>,
    space: Arc<Space>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    _lock: DataLock,
}

/// What waiting requests listen to. Each value is a count that only rises.
#[derive(Clone, Debug)]
struct Signals {
    records: Arc<watch::Sender<u64>>,
    logs: Arc<watch::Sender<u64>>,
    closing: Arc<watch::Sender<bool>>,
}

/// Why a door cannot be opened.
#[derive(Debug)]
pub enum DoorError {
    /// Its store cannot be opened.
    Open(OpenError),
    /// No thread can be started.
    Thread(std::io::Error),
}

impl std::fmt::Display for DoorError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DoorError::Open(error) => error.fmt(f),
            DoorError::Thread(error) => write!(f, "no thread can be started: {error}"),
        }
    }
}

impl std::error::Error for DoorError {}

/// What a request gets.
#[derive(Debug)]
pub enum Reply {
    /// An answer.
    Whole(Response),
    /// An answer that goes on until the caller leaves.
    Stream(Box<Stream>),
}

/// The name of the ledger's file in its directory.
pub const LEDGER: &str = "ledger.db";

impl LocalDoor {
    /// Opens the door of a locked directory, and makes the ledger when it is missing.
    ///
    /// # Errors
    /// [`DoorError`]
    pub fn open(lock: DataLock, config: Config) -> Result<LocalDoor, DoorError> {
        LocalDoor::open_with(lock, config, Clock::start())
    }

    /// The same with another clock. When a hand moves it, deadlines are looked at when [`LocalDoor::expire`] is called, and only then.
    ///
    /// # Errors
    /// [`DoorError`]
    pub fn open_with(lock: DataLock, config: Config, clock: Clock) -> Result<LocalDoor, DoorError> {
        let directory = lock.directory();
        let path = directory.join(LEDGER);
        let mut store = Store::open(&path).map_err(DoorError::Open)?;
        let of =
            schema::shard(&mut store).map_err(|error| DoorError::Open(OpenError::Store(error)))?;
        if let Some(shard) = of.filter(|shard| *shard != config.shard) {
            return Err(DoorError::Open(OpenError::Split(shard)));
        }
        let clock = begin(&mut store, &config, clock)
            .map_err(|error| DoorError::Open(OpenError::Store(error)))?;
        let config = Arc::new(config);
        let space = Arc::new(Space::of(directory));
        let metrics = Arc::new(Metrics::new(directory.to_owned(), space.clone()));
        let signals = Signals {
            records: Arc::new(watch::Sender::new(0)),
            logs: Arc::new(watch::Sender::new(0)),
            closing: Arc::new(watch::Sender::new(false)),
        };
        let (readers, mut threads) = Readers::start(&path, &config, &clock)?;
        let (writer, writing) = writer::start(
            store,
            space.clone(),
            config.clone(),
            clock.clone(),
            signals.clone(),
            metrics.clone(),
        )
        .map_err(DoorError::Thread)?;
        threads.push(writing);
        Ok(LocalDoor {
            shared: Arc::new(Shared {
                config,
                clock,
                limiter: Mutex::new(Limiter::default()),
                writer,
                readers,
                signals,
                metrics,
                space,
                threads: Mutex::new(threads),
                _lock: lock,
            }),
        })
    }

    /// What the door was told.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// Everything that can be refused before the body is read.
    ///
    /// # Errors
    /// The refusal, ready to be sent.
    pub fn admit(&self, head: &Head<'_>) -> Result<Admitted, Response> {
        let now_ms = self.shared.clock.now_ms();
        let admitted = {
            let mut limiter = self
                .shared
                .limiter
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            admit::admit(&self.shared.config, &mut limiter, head, now_ms)
        };
        admitted.map_err(|problem| self.refuse(&problem))
    }

    /// A refusal, ready to be sent.
    #[must_use]
    pub fn refuse(&self, problem: &Problem) -> Response {
        let response = Response::problem(problem, entropy::bytes());
        self.shared.metrics.answered("refused", response.status);
        response
    }

    /// Answers an admitted request; what changes anything is on the disk when this returns.
    pub async fn answer(&self, admitted: Admitted, body: Vec<u8>) -> Reply {
        let name = admitted.route.name;
        let reply = match (admitted.route.handler, admitted.route.shown) {
            _ if self.refuses_for_space(&admitted) => {
                let error =
                    StoreError::new("only the reserve is left on the disk".to_owned()).full(true);
                Reply::Whole(Response::problem(&store_problem(&error), entropy::bytes()))
            }
            (Handler::Host, _) => Reply::Whole(self.shared.metrics.page(self.swept().await)),
            (Handler::Door(_), Shown::Write) => Reply::Whole(self.write(admitted, body).await),
            (Handler::Door(_), Shown::Read) => self.read(admitted).await,
        };
        if let Reply::Whole(response) = &reply {
            self.shared.metrics.answered(name, response.status);
        }
        reply
    }

    /// A request from head to answer, for callers in this process.
    pub async fn handle(&self, head: &Head<'_>, body: Vec<u8>) -> Reply {
        match self.admit(head) {
            Ok(admitted) if body.len() > admitted.route.body_cap => {
                Reply::Whole(self.refuse(&admit::too_large(admitted.route)))
            }
            Ok(admitted) => self.answer(admitted, body).await,
            Err(response) => Reply::Whole(response),
        }
    }

    /// Looks at the deadlines now, whatever was planned. The answer is whether the door is open and did.
    pub async fn expire(&self) -> bool {
        let (reply, done) = oneshot::channel();
        self.shared.writer.send(Task::Expire(reply)).is_ok() && done.await.is_ok()
    }

    /// Lets every waiting request go with what it has; new ones do not wait.
    pub fn release(&self) {
        self.shared.signals.closing.send_replace(true);
        let _ = self.shared.writer.send(Task::Release);
    }

    /// Ends the door: what has come is answered, and the ledger is closed.
    pub fn close(&self) {
        self.release();
        let _ = self.shared.writer.send(Task::Close);
        self.shared.readers.close();
        let threads = {
            let mut threads = self
                .shared
                .threads
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *threads)
        };
        for thread in threads {
            let _ = thread.join();
        }
    }

    /// Whether there is too little room for what a request would begin, or for saying that work goes on.
    fn refuses_for_space(&self, admitted: &Admitted) -> bool {
        admitted.route.refusals.contains(&Slug::StorageExhausted) && self.shared.space.is_short()
    }

    /// What the last sweep found; `None` when the ledger cannot be read.
    async fn swept(&self) -> Option<SweepView> {
        let asked = Arc::new(Admitted::by_host("getSweep")?);
        let outcome = self.shared.readers.ask(asked).await?.ok()?;
        serde_json::from_slice(&outcome.response.body).ok()
    }

    async fn write(&self, admitted: Admitted, body: Vec<u8>) -> Response {
        let (reply, answer) = oneshot::channel();
        let request = writer::Request {
            admitted,
            body,
            reply,
        };
        if self
            .shared
            .writer
            .send(Task::Answer(Box::new(request)))
            .is_err()
        {
            return self.unavailable();
        }
        match answer.await {
            Ok(response) => response,
            Err(_) => self.unavailable(),
        }
    }

    async fn read(&self, admitted: Admitted) -> Reply {
        let admitted = Arc::new(admitted);
        let mut waits_until: Option<Instant> = None;
        let mut closing = self.shared.signals.closing.subscribe();
        loop {
            let mut records = self.shared.signals.records.subscribe();
            let mut logs = self.shared.signals.logs.subscribe();
            let outcome = match self.ask(&admitted).await {
                Ok(outcome) => outcome,
                Err(response) => return Reply::Whole(response),
            };
            let wait = match outcome.then {
                Then::Send => return Reply::Whole(outcome.response),
                Then::Follow(cursor) => {
                    let stream = Stream::new(self.clone(), admitted, outcome.response, cursor);
                    return Reply::Stream(Box::new(stream));
                }
                Then::Wait(wait) => wait,
            };
            let now = Instant::now();
            let until = *waits_until.get_or_insert(now + Duration::from_millis(wait.give_up_ms));
            if now >= until || *closing.borrow_and_update() {
                return Reply::Whole(outcome.response);
            }
            let again = wait
                .again_ms
                .map_or(until, |again| until.min(now + Duration::from_millis(again)));
            let happened = async {
                match wait.on {
                    WaitOn::Records => records.changed().await,
                    WaitOn::Logs | WaitOn::Work(_) => logs.changed().await,
                }
            };
            tokio::select! {
                _ = happened => {}
                _ = closing.changed() => return Reply::Whole(outcome.response),
                () = tokio::time::sleep_until(again.into()) => {}
            }
        }
    }

    /// Asks a reader once.
    async fn ask(&self, admitted: &Arc<Admitted>) -> Result<Outcome, Response> {
        match self.shared.readers.ask(admitted.clone()).await {
            Some(Ok(outcome)) => Ok(outcome),
            Some(Err(error)) => Err(failure(&error)),
            None => Err(self.unavailable()),
        }
    }

    fn unavailable(&self) -> Response {
        self.refuse(&Problem::bare(Slug::Unavailable).header("retry-after", "1"))
    }
}

/// Goes on where the ledger ended. A system clock that was set back meanwhile does not stop the door's time, and whoever could not be
/// heard while the door was closed is listened to before silence is held against him.
fn begin(store: &mut Store, config: &Config, clock: Clock) -> Result<Clock, StoreError> {
    let clock = clock.not_before(End::of(store)?.at_ms);
    if !clock.is_by_hand() {
        expire::listen_again(config, &mut Catalogs::default(), store, clock.moment())?;
    }
    Ok(clock)
}

/// The answer to a request that the store could not take, with the store's words in the log of the host.
fn failure(error: &StoreError) -> Response {
    tracing::error!(detail = %error.detail, full = error.is_full, "the store failed");
    Response::problem(&store_problem(error), entropy::bytes())
}

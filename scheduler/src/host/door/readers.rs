//! Reads have connections of their own, so that no reader waits for a sync and no writer for a reader.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use arcoflow_core::door::admit::Admitted;
use arcoflow_core::door::answer::{Outcome, Then, answer};
use arcoflow_core::door::config::Config;
use arcoflow_core::door::session::{Catalogs, Wake};
use arcoflow_core::door::sql::StoreError;
use tokio::sync::oneshot;

use super::DoorError;
use crate::host::clock::Clock;
use crate::host::store::Store;

/// How many requests are read at once.
const THREADS: usize = 2;

type Given = Result<Outcome, StoreError>;

struct Question {
    admitted: Arc<Admitted>,
    reply: oneshot::Sender<Given>,
}

/// The threads that read.
#[derive(Debug)]
pub(super) struct Readers {
    questions: Mutex<Option<mpsc::Sender<Question>>>,
}

impl Readers {
    pub(super) fn start(
        path: &Path,
        config: &Arc<Config>,
        clock: &Clock,
    ) -> Result<(Readers, Vec<JoinHandle<()>>), DoorError> {
        let (sender, receiver) = mpsc::channel::<Question>();
        let receiver = Arc::new(Mutex::new(receiver));
        let mut threads = Vec::new();
        for _ in 0..THREADS {
            let store = Store::open_reader(path).map_err(DoorError::Open)?;
            let reader = Reader {
                store,
                catalogs: Catalogs::default(),
                config: config.clone(),
                clock: clock.clone(),
            };
            let receiver = receiver.clone();
            let thread = std::thread::Builder::new()
                .name("door-reader".to_owned())
                .spawn(move || reader.run(&receiver));
            match thread {
                Ok(thread) => threads.push(thread),
                Err(error) => return Err(DoorError::Thread(error)),
            }
        }
        let readers = Readers {
            questions: Mutex::new(Some(sender)),
        };
        Ok((readers, threads))
    }

    /// Asks one of the readers; `None` when the door is closed.
    pub(super) async fn ask(&self, admitted: Arc<Admitted>) -> Option<Given> {
        let (reply, given) = oneshot::channel();
        {
            let questions = self
                .questions
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            questions
                .as_ref()?
                .send(Question { admitted, reply })
                .ok()?;
        }
        given.await.ok()
    }

    pub(super) fn close(&self) {
        let mut questions = self
            .questions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *questions = None;
    }
}

struct Reader {
    store: Store,
    catalogs: Catalogs,
    config: Arc<Config>,
    clock: Clock,
}

impl Reader {
    fn run(mut self, questions: &Mutex<mpsc::Receiver<Question>>) {
        loop {
            let next = {
                let questions = questions.lock().unwrap_or_else(PoisonError::into_inner);
                questions.recv()
            };
            let Ok(question) = next else { return };
            if question.reply.is_closed() {
                continue;
            }
            let given = self.answer(&question.admitted);
            let _ = question.reply.send(given);
        }
    }

    fn answer(&mut self, admitted: &Admitted) -> Given {
        let moment = self.clock.moment();
        let answered = catch_unwind(AssertUnwindSafe(|| {
            answer(
                &self.config,
                &mut self.catalogs,
                admitted,
                &[],
                &mut self.store,
                moment,
            )
        }));
        answered.unwrap_or_else(|_| {
            self.catalogs = Catalogs::default();
            Ok(Outcome {
                response: super::writer::bug(admitted, &moment),
                then: Then::Send,
                wake: Wake::default(),
            })
        })
    }
}

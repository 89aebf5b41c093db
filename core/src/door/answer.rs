//! One request is one transaction: it is answered from the ledger, and what it appends is there before the answer leaves.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::door::admit::{Admitted, Caller};
use crate::door::config::{Config, Moment};
use crate::door::http::Response;
use crate::door::routes::Handler;
use crate::door::session::{Catalogs, Session, Wake};
use crate::door::sql::{Sql, StoreError, Verdict};
use crate::wire::problem::{Problem, Slug};

/// Why a handler does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request is refused, and nothing of it stays.
    Refused(Problem),
    /// The store failed.
    Store(StoreError),
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Fault::Refused(problem)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Fault::Store(error)
    }
}

/// What a handler gives.
pub type Answered = Result<Reply, Fault>;

/// An answer, and what it waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What to send.
    pub response: Response,
    /// When there is something to wait for.
    pub then: Then,
}

/// What a host does after an answer was computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// Sends it.
    Send,
    /// Waits until something happens or a time comes, and asks again; sends this answer when the time has come.
    Wait(Wait),
    /// Sends it as a piece of a stream, and asks again with this cursor when something happens.
    Follow(u64),
}

/// What a long poll waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// What it waits for.
    pub on: WaitOn,
    /// Milliseconds until it gives up.
    pub give_up_ms: u64,
    /// Milliseconds until it is worth asking again even when nothing happens.
    pub again_ms: Option<u64>,
}

/// Things that happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitOn {
    /// A record.
    Records,
    /// Work in one of these queues.
    Work(Vec<String>),
    /// A piece of log.
    Logs,
}

impl From<Response> for Reply {
    fn from(response: Response) -> Self {
        Reply {
            response,
            then: Then::Send,
        }
    }
}

/// An answer, and what the host does with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What to send.
    pub response: Response,
    /// What it waits for.
    pub then: Then,
    /// What happened, for those who wait.
    pub wake: Wake,
}

/// Answers an admitted request whose handler is the door's.
///
/// # Errors
/// What the store says; nothing stays then, and the caller gets [`store_problem`].
pub fn answer(
    config: &Config,
    catalogs: &mut Catalogs,
    admitted: &Admitted,
    body: &[u8],
    sql: &mut dyn Sql,
    moment: Moment,
) -> Result<Outcome, StoreError> {
    let Handler::Door(handler) = admitted.route.handler else {
        return Ok(Outcome {
            response: Response::problem(&Problem::bare(Slug::Internal), moment.request()),
            then: Then::Send,
            wake: Wake::default(),
        });
    };
    let mut result = None;
    let mut is_kept = false;
    let done = sql.transaction(&mut |sql| {
        let mut session = Session::new(config, catalogs, sql, moment, actor_of(&admitted.caller));
        match handler(&mut session, admitted, body) {
            Ok(reply) => {
                session.keep_heard()?;
                result = Some(Outcome {
                    response: reply.response,
                    then: reply.then,
                    wake: core::mem::take(&mut session.wake),
                });
                is_kept = true;
                Ok(Verdict::Keep)
            }
            Err(Fault::Refused(problem)) => {
                result = Some(Outcome {
                    response: Response::problem(&problem, moment.request()),
                    then: Then::Send,
                    wake: Wake::default(),
                });
                Ok(Verdict::Undo)
            }
            Err(Fault::Store(error)) => Err(error),
        }
    });
    catalogs.end(is_kept && done.is_ok());
    done?;
    result.ok_or_else(|| StoreError::new(String::from("the store did not run the transaction")))
}

/// The answer to a request that the store could not take.
#[must_use]
pub fn store_problem(error: &StoreError) -> Problem {
    if error.is_full {
        Problem::bare(Slug::StorageExhausted).header("retry-after", "60")
    } else {
        Problem::bare(Slug::Unavailable).header("retry-after", "1")
    }
}

/// On whose word a fact of this request stands in the ledger.
fn actor_of(caller: &Caller) -> String {
    match caller {
        Caller::Anyone => String::from("anyone"),
        Caller::Key { name, .. } => format!("key:{name}"),
        Caller::Task(_) => String::from("worker"),
    }
}

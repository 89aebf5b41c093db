//! A worker's hold on an attempt is a token and a name; a callback is repeated until the door has answered it.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use arcoflow_core::identity::ids::{AttemptId, TaskId};
use arcoflow_core::wire::callback::{
    CallbackAnswer, Completed, Heartbeat, HeartbeatAnswer, LogAnswer, LogPiece, Started,
};
use arcoflow_core::wire::envelope::{Envelope, Input};

use super::Stop;
use crate::client::Client;
use crate::client::refusal::ClientError;
use crate::host::entropy;

/// How long a report is still repeated after the wish that the worker ends.
const LAST_WORD: Duration = Duration::from_secs(3);
/// The first pause before a repetition and the longest one.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

/// The right to speak for an attempt.
#[derive(Debug)]
pub(crate) struct Hold {
    client: Client,
    worker_id: String,
    task: TaskId,
    attempt: u32,
    attempt_id: AttemptId,
    token: Mutex<String>,
    stop: Stop,
}

/// Why a callback did nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Setback {
    /// The attempt is not this worker's any more: the work is to be stopped and thrown away.
    Lost(String),
    /// The door does not take what was sent, and never will.
    Unfit(String),
    /// The worker ends, and the door has not answered.
    Ending,
}

impl fmt::Display for Setback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setback::Lost(why) | Setback::Unfit(why) => f.write_str(why),
            Setback::Ending => f.write_str("the worker ends, and the door has not answered"),
        }
    }
}

impl Hold {
    pub(crate) fn new(client: Client, worker_id: &str, envelope: &Envelope, stop: Stop) -> Hold {
        Hold {
            client,
            worker_id: worker_id.to_owned(),
            task: envelope.task_id,
            attempt: envelope.attempt,
            attempt_id: envelope.attempt_id,
            token: Mutex::new(envelope.task_token.clone()),
            stop,
        }
    }

    pub(crate) fn worker_id(&self) -> &str {
        &self.worker_id
    }

    /// Claims the attempt.
    pub(crate) async fn started(&self) -> Result<CallbackAnswer, Setback> {
        let body = Started {
            attempt: self.attempt,
            attempt_id: Some(self.attempt_id),
            worker_id: self.worker_id.clone(),
        };
        let ask = || async { self.client.started(&self.task, &self.token(), &body).await };
        // An attempt that was not begun is begun by the next life of this worker, so nobody waits for it.
        self.insist(Duration::ZERO, ask).await
    }

    /// Says once that the attempt is alive.
    pub(crate) async fn heartbeat(&self) -> Result<HeartbeatAnswer, ClientError> {
        let body = Heartbeat {
            attempt: self.attempt,
            attempt_id: Some(self.attempt_id),
            worker_id: self.worker_id.clone(),
            progress_pct: None,
        };
        self.client
            .heartbeat(&self.task, &self.token(), &body)
            .await
    }

    /// Reports the end.
    pub(crate) async fn completed(&self, body: &Completed) -> Result<CallbackAnswer, Setback> {
        let ask = || async { self.client.completed(&self.task, &self.token(), body).await };
        self.insist(LAST_WORD, ask).await
    }

    /// Adds to the log.
    pub(crate) async fn log(&self, offset: u64, text: String) -> Result<LogAnswer, Setback> {
        let piece = LogPiece {
            attempt: self.attempt,
            offset,
            text,
        };
        let ask = || async {
            self.client
                .append_log(&self.task, &self.token(), &piece)
                .await
        };
        self.insist(LAST_WORD, ask).await
    }

    /// All inputs, when the envelope holds only the first.
    pub(crate) async fn inputs(&self) -> Result<Vec<Input>, Setback> {
        let mut inputs = Vec::new();
        let mut after = None;
        loop {
            let ask = || async { self.client.inputs(&self.task, &self.token(), after).await };
            let page = self.insist(Duration::ZERO, ask).await?;
            inputs.extend(page.inputs);
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(inputs),
            }
        }
    }

    /// Speaks with a fresh token from here on.
    pub(crate) fn renew(&self, token: String) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }

    fn token(&self) -> String {
        let token = self.token.lock();
        token.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks until there is an answer, or until so long after the wish to end.
    async fn insist<T, Answer: Future<Output = Result<T, ClientError>>>(
        &self,
        after_wish: Duration,
        ask: impl Fn() -> Answer,
    ) -> Result<T, Setback> {
        let answer = async {
            let mut pauses = Pauses::default();
            loop {
                let error = match ask().await {
                    Ok(answer) => return Ok(answer),
                    Err(error) => error,
                };
                if let Some(setback) = setback_of(&error) {
                    return Err(setback);
                }
                let asked = error.refusal().and_then(|refusal| refusal.retry_after_s);
                let pause = pauses.next(asked);
                if pauses.are_long() {
                    tracing::warn!(task = %self.task, %error, "a callback waits for the door");
                }
                tokio::time::sleep(pause).await;
            }
        };
        tokio::select! {
            biased;
            answer = answer => answer,
            () = self.stop.wished_since(after_wish) => Err(Setback::Ending),
        }
    }
}

/// What an error means for the attempt; `None` when the same request may be answered later.
pub(crate) fn setback_of(error: &ClientError) -> Option<Setback> {
    let refusal = error.refusal()?;
    match refusal.status {
        401 | 403 | 404 | 409 | 410 => Some(Setback::Lost(error.to_string())),
        400..500 if !refusal.asks_to_repeat() => Some(Setback::Unfit(error.to_string())),
        _ => None,
    }
}

/// The pauses between repetitions: each twice the one before, up to two seconds, and spread.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    last: Option<Duration>,
}

impl Pauses {
    /// The next pause; not shorter than what the door asked for, in seconds.
    pub(crate) fn next(&mut self, asked_s: Option<u64>) -> Duration {
        let pause = self.last.map_or(PAUSES.0, |last| (last * 2).min(PAUSES.1));
        self.last = Some(pause);
        let half = pause / 2;
        let spread = half + half * u32::from(entropy::bytes::<1>()[0]) / 255;
        spread.max(Duration::from_secs(asked_s.unwrap_or(0)))
    }

    /// Whether it has gone on for so long that somebody should hear of it.
    pub(crate) fn are_long(&self) -> bool {
        self.last == Some(PAUSES.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::refusal::Refusal;

    #[test]
    fn a_status_says_whether_to_stop_to_change_or_to_repeat() {
        let refused = |status| {
            ClientError::Refused(Box::new(Refusal {
                status,
                ..Refusal::default()
            }))
        };
        let check = |status: u16, expected: &str| {
            let found = match setback_of(&refused(status)) {
                Some(Setback::Lost(_)) => "lost",
                Some(Setback::Unfit(_)) => "unfit",
                Some(Setback::Ending) => "ending",
                None => "repeat",
            };
            assert_eq!(found, expected, "{status}");
        };
        for status in [401, 403, 404, 409, 410] {
            check(status, "lost");
        }
        for status in [400, 413, 415, 422] {
            check(status, "unfit");
        }
        for status in [408, 429, 500, 502, 503, 504, 507] {
            check(status, "repeat");
        }
        let away = ClientError::Unreachable {
            url: String::new(),
            detail: String::new(),
        };
        assert_eq!(setback_of(&away), None);
    }

    #[test]
    fn pauses_grow_to_two_seconds_and_honour_the_door() {
        let mut pauses = Pauses::default();
        for _ in 0..20 {
            assert!(pauses.next(None) <= PAUSES.1);
        }
        assert!(pauses.are_long());
        assert_eq!(pauses.next(Some(7)), Duration::from_secs(7));
    }
}

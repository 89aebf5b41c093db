//! A heartbeat says that the attempt is alive, and brings back whether it should be.

use std::time::Duration;

use arcoflow_core::wire::callback::HeartbeatAnswer;
use tokio::sync::watch;

use super::directory::Directory;
use super::hold::{Hold, Setback, setback_of};

/// The longest silence, whatever the envelope allows: it is also how long a cancel takes to be heard.
const LONGEST: Duration = Duration::from_secs(5);
/// How soon a heartbeat that nobody heard is repeated.
const REPEAT: Duration = Duration::from_secs(1);

/// What the door has said about the attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Word {
    /// Go on.
    #[default]
    GoOn,
    /// Stop: the run was cancelled, for this reason.
    Cancel(String),
    /// Stop at once: the attempt is not this worker's any more.
    Lost(String),
}

/// Sends heartbeats for ever, and passes on what the door says.
pub(crate) async fn beat(
    hold: &Hold,
    directory: &Directory,
    interval_ms: u64,
    word: &watch::Sender<Word>,
) {
    let interval = Duration::from_millis(interval_ms.max(10)).min(LONGEST);
    let mut pause = interval;
    loop {
        tokio::time::sleep(pause).await;
        pause = interval;
        match hold.heartbeat().await {
            Ok(answer) => hear(answer, hold, directory, word),
            Err(error) => match setback_of(&error) {
                Some(Setback::Lost(why)) => {
                    word.send_replace(Word::Lost(why));
                    return;
                }
                _ => {
                    tracing::warn!(%error, "a heartbeat was not heard");
                    pause = interval.min(REPEAT);
                }
            },
        }
    }
}

fn hear(answer: HeartbeatAnswer, hold: &Hold, directory: &Directory, word: &watch::Sender<Word>) {
    if let Some(token) = answer.task_token {
        hold.renew(token.clone());
        keep(directory, token, answer.token_expires_at);
    }
    if answer.should_cancel {
        let reason = answer.cancel_reason;
        let reason = reason.unwrap_or_else(|| "the run was cancelled".to_owned());
        word.send_if_modified(|word| {
            let is_new = *word == Word::GoOn;
            if is_new {
                *word = Word::Cancel(reason);
            }
            is_new
        });
    }
}

/// A fresh token is also the next life's, and the program's own when it asks the door for something.
fn keep(directory: &Directory, token: String, expires_at: Option<u64>) {
    let Some(mut envelope) = directory.envelope() else {
        return;
    };
    envelope.task_token = token;
    envelope.token_expires_at = expires_at.unwrap_or(envelope.token_expires_at);
    if let Err(error) = directory.replace_envelope(&envelope) {
        tracing::warn!(%error, directory = %directory.path().display(), "a fresh token could not be kept");
    }
}

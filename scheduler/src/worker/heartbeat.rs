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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;
    use crate::worker::Stop;
    use crate::worker::sample::envelope;

    #[tokio::test]
    async fn a_fresh_token_is_used_and_kept_and_a_cancel_is_heard_once() {
        let work = tempfile::tempdir().unwrap();
        let envelope = envelope(None);
        let directory = Directory::of(work.path(), &envelope);
        directory.create(&envelope).unwrap();
        let (_stop, stopped) = watch::channel(false);
        let client = Client::remote("http://127.0.0.1:9", "key").unwrap();
        let hold = Hold::new(client, "w", &envelope, Stop(stopped));
        let word = watch::Sender::new(Word::GoOn);
        let answer = |token: Option<&str>, reason: Option<&str>| HeartbeatAnswer {
            should_cancel: reason.is_some(),
            cancel_reason: reason.map(str::to_owned),
            task_token: token.map(str::to_owned),
            token_expires_at: token.map(|_| 7),
            server_time: 0,
        };
        hear(answer(None, None), &hold, &directory, &word);
        assert_eq!(
            (hold.token(), word.borrow().clone()),
            ("token".to_owned(), Word::GoOn)
        );
        hear(
            answer(Some("fresh"), Some("first")),
            &hold,
            &directory,
            &word,
        );
        hear(answer(None, Some("second")), &hold, &directory, &word);
        assert_eq!(hold.token(), "fresh");
        assert_eq!(*word.borrow(), Word::Cancel("first".to_owned()));
        let kept = directory.envelope().unwrap();
        assert_eq!(
            (kept.task_token.as_str(), kept.token_expires_at),
            ("fresh", 7)
        );
        assert_eq!(kept.attempt_id, envelope.attempt_id);
    }
}

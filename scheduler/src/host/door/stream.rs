//! A stream of records goes on for ever: what is there is sent at once, and what comes is sent when it comes.

use std::sync::Arc;
use std::time::Duration;

use arcoflow_core::door::admit::{Admitted, go_on_after};
use arcoflow_core::door::answer::Then;
use arcoflow_core::door::http::Response;

use super::LocalDoor;

/// How long a stream is silent before a comment shows that it lives.
const SILENCE: Duration = Duration::from_secs(15);

/// A stream of server-sent events.
#[derive(Debug)]
pub struct Stream {
    door: LocalDoor,
    admitted: Arc<Admitted>,
    /// Status and headers; the body is the first piece.
    head: Response,
    cursor: u64,
    begun: bool,
}

impl Stream {
    pub(super) fn new(
        door: LocalDoor,
        admitted: Arc<Admitted>,
        head: Response,
        cursor: u64,
    ) -> Stream {
        Stream {
            door,
            admitted,
            head,
            cursor,
            begun: false,
        }
    }

    /// Status and headers.
    #[must_use]
    pub fn head(&self) -> &Response {
        &self.head
    }

    /// The next piece; `None` when the door closes.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        if !self.begun {
            self.begun = true;
            let first = std::mem::take(&mut self.head.body);
            // A first piece without records still carries a line, so that the caller sees that the stream stands.
            return Some(if first.is_empty() {
                b":\n\n".to_vec()
            } else {
                first
            });
        }
        let signals = &self.door.shared.signals;
        let mut closing = signals.closing.subscribe();
        loop {
            if *closing.borrow_and_update() {
                return None;
            }
            let mut records = signals.records.subscribe();
            let mut admitted = (*self.admitted).clone();
            go_on_after(&mut admitted.query, &self.cursor.to_string());
            let outcome = self.door.ask(&Arc::new(admitted)).await.ok()?;
            let Then::Follow(cursor) = outcome.then else {
                return None;
            };
            if cursor > self.cursor {
                self.cursor = cursor;
                return Some(outcome.response.body);
            }
            tokio::select! {
                changed = records.changed() => changed.ok()?,
                _ = closing.changed() => return None,
                () = tokio::time::sleep(SILENCE) => return Some(b":\n\n".to_vec()),
            }
        }
    }
}

//! Following the ledger is asking for what comes after the newest record that was seen, again and again, without a gap.

use std::collections::VecDeque;

use arcoflow_core::identity::ids::RunId;
use arcoflow_core::wire::record::Record;

use super::refusal::ClientError;
use super::{Client, LedgerQuery};

/// How long one request waits for the next record, in seconds.
const WAIT_S: u32 = 30;

/// The records of a ledger from some point on, one at a time.
#[derive(Debug)]
pub struct Events {
    client: Client,
    run: Option<RunId>,
    after: u64,
    head: u64,
    ahead: VecDeque<Record>,
}

impl Events {
    pub(super) fn new(client: Client, after: u64, run: Option<RunId>) -> Events {
        Events {
            client,
            run,
            after,
            head: after,
            ahead: VecDeque::new(),
        }
    }

    /// The newest record that was given.
    #[must_use]
    pub fn after(&self) -> u64 {
        self.after
    }

    /// Whether everything that was in the ledger at the last look was given.
    #[must_use]
    pub fn is_at_head(&self) -> bool {
        self.ahead.is_empty() && self.after >= self.head
    }

    /// The next record; waits for it as long as it takes.
    ///
    /// # Errors
    /// What the client says; the next call goes on where this one was.
    pub async fn next(&mut self) -> Result<Record, ClientError> {
        loop {
            if let Some(record) = self.next_within(WAIT_S).await? {
                return Ok(record);
            }
        }
    }

    /// The next record, or `None` when none came within so many seconds, up to 60; with 0 it does not wait.
    ///
    /// # Errors
    /// What the client says; the next call goes on where this one was.
    pub async fn next_within(&mut self, wait_s: u32) -> Result<Option<Record>, ClientError> {
        if self.ahead.is_empty() {
            let query = LedgerQuery {
                after: self.after,
                limit: 1_000,
                wait_s,
                run: self.run,
                quiet: None,
            };
            let page = self.client.ledger(&query).await?;
            self.head = page.head;
            self.ahead
                .extend(page.records.into_iter().map(Record::from));
        }
        let record = self.ahead.pop_front();
        if let Some(record) = &record {
            self.after = record.seq;
        }
        Ok(record)
    }
}

//! Everything that is not in the door's process goes through this client, and so does everything that is.

mod calls;
mod partitions;
pub mod follow;
pub mod refusal;
pub mod transport;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use self::refusal::{ClientError, Refusal};
use self::transport::{Answer, Transport, TransportError};
use crate::host::entropy;

pub use self::calls::{LedgerQuery, LogQuery, RunsQuery, TasksQuery};
pub use self::partitions::PartitionsQuery;

/// A client of one door. It is cheap to clone, and its clones share connections.
#[derive(Clone, Debug)]
pub struct Client {
    transport: Transport,
    key: Arc<str>,
    patience: Duration,
    /// Which ledger of a workspace that is split over several.
    shard: Option<u32>,
}

/// One request, before it has a credential.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The method, upper case.
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// Further headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body, JSON.
    pub body: Vec<u8>,
    /// What stands after `Bearer`; the client's own key when absent.
    pub token: Option<&'a str>,
    /// How long the door may take before it answers, beside what a round trip takes.
    pub wait: Duration,
}

/// How long a round trip may take beside what the door waits on purpose.
const ROUND_TRIP: Duration = Duration::from_secs(30);
/// The first pause before a repetition, and the longest one.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

impl<'a> Call<'a> {
    /// A request that reads.
    #[must_use]
    pub fn get(target: impl Into<String>) -> Call<'a> {
        Call {
            method: "GET",
            target: target.into(),
            headers: Vec::new(),
            body: Vec::new(),
            token: None,
            wait: Duration::ZERO,
        }
    }

    /// A request with a body.
    #[must_use]
    pub fn post(target: impl Into<String>, body: Vec<u8>) -> Call<'a> {
        Call {
            method: "POST",
            body,
            ..Call::get(target)
        }
    }

    /// The same request under a task token.
    #[must_use]
    pub fn bearer(mut self, token: &'a str) -> Call<'a> {
        self.token = Some(token);
        self
    }

    /// The same request with another header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Call<'a> {
        self.headers.push((name, value.into()));
        self
    }

    /// The same request, for which the door waits up to so many seconds.
    #[must_use]
    pub fn waiting(mut self, wait_s: u32) -> Call<'a> {
        self.wait = Duration::from_secs(u64::from(wait_s));
        self
    }
}

impl Client {
    /// A client of the door at `base_url`, with an API key.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] when the URL is none.
    pub fn remote(base_url: &str, key: &str) -> Result<Client, ClientError> {
        Ok(Client::over(Transport::remote(base_url)?, key))
    }

    /// A client over a transport, with an API key.
    #[must_use]
    pub fn over(transport: Transport, key: &str) -> Client {
        Client {
            transport,
            key: Arc::from(key),
            patience: Duration::ZERO,
            shard: None,
        }
    }

    /// The same client, which repeats a request for so long while the door is away, is starting, or asks to wait.
    ///
    /// Every request of this client can be repeated without harm: what it would do twice has a name.
    #[must_use]
    pub fn patient(mut self, patience: Duration) -> Client {
        self.patience = patience;
        self
    }

    /// The same client, whose requests about a ledger are about this one of several: reading it, appending to it, the lease and the
    /// sweep of its scheduler, and the runs that it has.
    #[must_use]
    pub fn at_shard(mut self, shard: u32) -> Client {
        self.shard = Some(shard);
        self
    }

    /// Where the door is.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.transport.base_url()
    }

    /// Sends a request; the answer is a success, everything else is an error.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] when no answer came within the client's patience, and [`ClientError::Refused`].
    pub async fn send(&self, call: &Call<'_>) -> Result<Answer, ClientError> {
        let began = Instant::now();
        let mut pause = PAUSES.0;
        loop {
            let error = match self.send_once(call).await {
                Ok(answer) if (200..300).contains(&answer.status) => return Ok(answer),
                Ok(answer) => ClientError::Refused(Box::new(Refusal::of(&answer))),
                Err(error) => ClientError::from(error),
            };
            let asked = match &error {
                ClientError::Unreachable { .. } => Duration::ZERO,
                ClientError::Refused(refusal) if refusal.asks_to_repeat() => {
                    Duration::from_secs(refusal.retry_after_s.unwrap_or(0))
                }
                _ => return Err(error),
            };
            let pause_now = spread(pause).max(asked);
            if began.elapsed() + pause_now > self.patience {
                return Err(error);
            }
            tokio::time::sleep(pause_now).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    async fn send_once(&self, call: &Call<'_>) -> Result<Answer, TransportError> {
        let mut headers = Vec::with_capacity(call.headers.len() + 2);
        let token = call.token.unwrap_or(&self.key);
        let authorization = ["Bearer ", token].concat();
        headers.push(("authorization", authorization.as_str()));
        if !call.body.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        headers.extend(
            call.headers
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        );
        let sent = self
            .transport
            .send(call.method, &call.target, &headers, &call.body);
        match tokio::time::timeout(call.wait + ROUND_TRIP, sent).await {
            Ok(answer) => answer,
            Err(_) => Err(self.transport.silent()),
        }
    }

    async fn json<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, ClientError> {
        let answer = self.send(call).await?;
        serde_json::from_slice(&answer.body).map_err(|error| ClientError::Unreadable {
            status: answer.status,
            detail: error.to_string(),
        })
    }
}

/// Half to the whole of a pause, so that clients that lost the same door do not come back in step.
fn spread(pause: Duration) -> Duration {
    let half = pause / 2;
    half + half * u32::from(entropy::bytes::<1>()[0]) / 255
}

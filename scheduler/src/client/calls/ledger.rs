//! What reads a ledger, decides for it or sweeps it is a call of its own; of several ledgers it is about the one that the client is at.

use arcoflow_core::identity::ids::RunId;
use arcoflow_core::wire::ledger::{
    AppendAnswer, AppendRequest, LedgerPage, SchedulerLeaseAnswer, SchedulerLeaseRequest,
};
use arcoflow_core::wire::sweep::{SweepRequest, SweepView};

use super::{Query, bytes_of};
use crate::client::follow::Events;
use crate::client::refusal::ClientError;
use crate::client::{Call, Client};

/// Which records to read.
#[derive(Clone, Copy, Debug, Default)]
pub struct LedgerQuery {
    /// The record to begin after.
    pub after: u64,
    /// How many, up to 10,000; 1,000 when 0.
    pub limit: u32,
    /// How long to wait for the next record, in seconds, up to 60.
    pub wait_s: u32,
    /// Only records of this run.
    pub run: Option<RunId>,
    /// Kinds of record that end no wait, separated by commas.
    pub quiet: Option<&'static str>,
}

impl Client {
    /// Over how many ledgers the workspace is split; 1 when it is not.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn shards(&self) -> Result<u32, ClientError> {
        Ok(self.health().await?.ledgers())
    }

    /// A page of the ledger; waits for the next record when asked to.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn ledger(&self, query: &LedgerQuery) -> Result<LedgerPage, ClientError> {
        let target = Query::new("/v1/ledger".to_owned())
            .with("after", &query.after.to_string())
            .maybe("limit", (query.limit > 0).then(|| query.limit.to_string()))
            .with("waitS", &query.wait_s.to_string())
            .maybe("runId", query.run.map(|run| run.to_string()))
            .maybe("quiet", query.quiet.map(str::to_owned))
            .maybe("shard", self.ledger_name());
        self.json(&Call::get(target.0).waiting(query.wait_s)).await
    }

    /// The records after one, of all runs or of one run, one at a time and for ever.
    #[must_use]
    pub fn follow(&self, after: u64, run: Option<RunId>) -> Events {
        Events::new(self.clone(), after, run)
    }

    /// Takes or keeps the right to decide.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn lease_scheduler(
        &self,
        request: &SchedulerLeaseRequest,
    ) -> Result<SchedulerLeaseAnswer, ClientError> {
        let call = Call::post(self.of_ledger("/v1/scheduler"), bytes_of(request));
        self.json(&call).await
    }

    /// Proposes decisions.
    ///
    /// # Errors
    /// [`ClientError`]; 412 means that another scheduler decides.
    pub async fn append(&self, request: &AppendRequest) -> Result<AppendAnswer, ClientError> {
        let call = Call::post(self.of_ledger("/v1/ledger"), bytes_of(request));
        self.json(&call).await
    }

    /// Compares a part of what a scheduler knows with what the door has.
    ///
    /// # Errors
    /// [`ClientError`]; 412 means that another scheduler decides.
    pub async fn sweep(&self, request: &SweepRequest) -> Result<SweepView, ClientError> {
        let call = Call::post(self.of_ledger("/v1/sweep"), bytes_of(request));
        self.json(&call).await
    }

    /// What the last sweep found.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn swept(&self) -> Result<SweepView, ClientError> {
        self.json(&Call::get(self.of_ledger("/v1/sweep"))).await
    }

    /// The parameter that names the ledger of this client.
    pub(super) fn ledger_name(&self) -> Option<String> {
        self.shard.map(|shard| shard.to_string())
    }

    /// The path of a request about the ledger of this client.
    fn of_ledger(&self, path: &str) -> String {
        let target = Query::new(path.to_owned());
        target.maybe("shard", self.ledger_name()).0
    }
}

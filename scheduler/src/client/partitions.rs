//! Assets, partitions, plans and backfills are asked for here; the calls of runs and workers stand beside.

use arcoflow_core::identity::ids::BackfillId;
use arcoflow_core::identity::keys::TaskKey;
use arcoflow_core::identity::partition_key::PartitionKey;
use arcoflow_core::wire::asset::{AssetPage, PartitionPage, PartitionState, PartitionView};
use arcoflow_core::wire::backfill::{
    BackfillAnswer, BackfillChange, BackfillPage, BackfillRequest, BackfillView,
};
use arcoflow_core::wire::plan::PlanView;
use arcoflow_core::wire::trigger::Trigger;
use serde_json::Value;

use super::calls::{Query, bytes_of};
use super::refusal::ClientError;
use super::{Call, Client};

/// Which partitions to list.
#[derive(Clone, Debug, Default)]
pub struct PartitionsQuery {
    /// The asset key.
    pub asset: String,
    /// Only partitions in this state.
    pub state: Option<PartitionState>,
    /// The partition to begin after.
    pub after: Option<PartitionKey>,
    /// How many, up to 10,000; 1,000 when absent.
    pub limit: Option<u32>,
}

impl Client {
    /// The assets of the current manifest after a key, with the states of their partitions counted.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn assets(&self, after: Option<&str>) -> Result<AssetPage, ClientError> {
        let target = Query::new("/v1/assets".to_owned())
            .with("limit", "1000")
            .maybe("after", after.map(str::to_owned));
        self.json(&Call::get(target.0)).await
    }

    /// The partitions of an asset, counted and a page of them listed.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn partitions(&self, query: &PartitionsQuery) -> Result<PartitionPage, ClientError> {
        let target = Query::new("/v1/partitions".to_owned())
            .with("asset", &query.asset)
            .maybe("state", query.state.map(|state| state.as_str().to_owned()))
            .maybe("limit", query.limit.map(|limit| limit.to_string()))
            .maybe(
                "after",
                query.after.as_ref().map(|key| key.as_str().to_owned()),
            );
        self.json(&Call::get(target.0)).await
    }

    /// A partition: its state, what was made of it last, and why it is stale.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn partition(
        &self,
        asset: &str,
        partition: Option<&PartitionKey>,
    ) -> Result<PartitionView, ClientError> {
        let target = Query::new("/v1/partitions/one".to_owned())
            .with("asset", asset)
            .maybe("partition", partition.map(|key| key.as_str().to_owned()));
        self.json(&Call::get(target.0)).await
    }

    /// What a trigger would run; nothing is started.
    ///
    /// # Errors
    /// [`ClientError`]; a refusal is the one that the trigger would get.
    pub async fn plan(
        &self,
        trigger: &Trigger,
        limit: u32,
        after: Option<&TaskKey>,
    ) -> Result<PlanView, ClientError> {
        let target = Query::new("/v1/plans".to_owned())
            .with("limit", &limit.to_string())
            .maybe("after", after.map(|key| key.as_str().to_owned()));
        self.json(&Call::post(target.0, bytes_of(trigger))).await
    }

    /// Backfills, newest first; all that are not over when `open`.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn backfills(&self, open: bool) -> Result<BackfillPage, ClientError> {
        let target =
            Query::new("/v1/backfills".to_owned()).maybe("open", open.then(|| "true".to_owned()));
        self.json(&Call::get(target.0)).await
    }

    /// Asks for a backfill.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn request_backfill(
        &self,
        request: &BackfillRequest,
    ) -> Result<BackfillAnswer, ClientError> {
        self.json(&Call::post("/v1/backfills", bytes_of(request)))
            .await
    }

    /// A backfill and how far it is.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn backfill(&self, backfill: &BackfillId) -> Result<BackfillView, ClientError> {
        self.json(&Call::get(format!("/v1/backfills/{backfill}")))
            .await
    }

    /// Pauses, resumes or cancels a backfill: `verb` is the last segment of the path.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn change_backfill(
        &self,
        backfill: &BackfillId,
        verb: &str,
        change: &BackfillChange,
    ) -> Result<Value, ClientError> {
        let call = Call::post(format!("/v1/backfills/{backfill}/{verb}"), bytes_of(change));
        self.json(&call).await
    }
}

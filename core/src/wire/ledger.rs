//! The scheduler reads the ledger and proposes decisions in these shapes.

use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::identity::keys::{TenantId, WorkspaceId};
use crate::wire::reader::Decode;
use crate::wire::record::RecordLine;
use crate::wire::shard::{self, Origin};

/// A scheduler takes or keeps the right to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SchedulerLeaseRequest {
    /// Who asks; the same holder keeps its epoch.
    #[schemars(length(min = 1, max = 128))]
    pub holder: String,
    /// For how long, in milliseconds, 1,000 to 600,000.
    #[schemars(range(min = 1_000, max = 600_000))]
    pub ttl_ms: u64,
    /// Take it even from a holder whose lease still runs. The other one is fenced.
    #[serde(default)]
    pub take_over: bool,
}

/// Who may decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SchedulerLeaseAnswer {
    /// Whose ledger it is.
    pub tenant_id: TenantId,
    /// The workspace of the ledger.
    pub workspace_id: WorkspaceId,
    /// Whether the caller may decide.
    pub granted: bool,
    /// The current epoch; decisions carry it.
    pub epoch: u64,
    /// Who holds it.
    pub holder: String,
    /// The door's time until which it is held, in milliseconds since 1970.
    pub expires_at: u64,
    /// The newest record.
    pub head: u64,
    /// The door's time when it answered, in milliseconds since 1970.
    pub server_time: u64,
    /// How many ledgers the workspace has, when there is more than one.
    #[serde(default = "shard::one", skip_serializing_if = "shard::is_one")]
    pub shards: u32,
    /// The newest record that this ledger has repeated of each one that it hears, 0 when it has repeated none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heard: Vec<Origin>,
}

/// Decisions of a scheduler.
#[derive(Clone, Debug, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppendRequest {
    /// The epoch of the scheduler's lease.
    pub epoch: u64,
    /// The newest record that the scheduler has folded; the answer begins after it.
    pub after: u64,
    /// What it decided, in order; at most 2,000.
    pub events: Vec<Proposal>,
}

/// One decision on its way to the door, or a record of another ledger of the workspace that this one has to repeat.
#[derive(Clone, Debug, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// The kind of the event.
    pub kind: String,
    /// What was decided.
    #[schemars(with = "serde_json::Value")]
    pub body: alloc::boxed::Box<RawValue>,
    /// Where the record stands that is to be repeated; absent for a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// What became of the decisions.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppendAnswer {
    /// For each decision, in order.
    pub results: Vec<AppendResult>,
    /// The records after `after`, the caller's own among them.
    pub records: Vec<RecordLine>,
    /// The newest record of the ledger.
    pub head: u64,
    /// The door's time when it answered, in milliseconds since 1970.
    pub server_time: u64,
}

/// What became of one decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AppendResult {
    /// It is in the ledger.
    Appended(u64),
    /// It was in the ledger already.
    Duplicate,
    /// It does not fit what the ledger says by now; the code says why.
    Refused(String),
}

/// A page of the ledger.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LedgerPage {
    /// The records, in order.
    pub records: Vec<RecordLine>,
    /// The newest record of the ledger.
    pub head: u64,
    /// The door's time when it answered, in milliseconds since 1970.
    pub server_time: u64,
}

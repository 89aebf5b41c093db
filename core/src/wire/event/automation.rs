//! Why runs start by themselves, as the ledger tells it.

use alloc::string::String;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::identity::digest::Sha256Digest;
use crate::identity::ids::BackfillId;
use crate::wire::backfill::BackfillRequest;
use crate::wire::event::RunTriggered;

/// The scheduler starts a run on account of something that is in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunRequested {
    /// The run, as if it had been triggered.
    #[serde(flatten)]
    pub triggered: RunTriggered,
    /// On account of what.
    pub on_account_of: Account,
}

/// What a run was started on account of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// A chunk of a backfill.
    Backfill {
        /// The backfill.
        backfill: BackfillId,
        /// The chunk, from 0.
        chunk: u32,
    },
    /// A tick of a schedule.
    Schedule {
        /// The schedule.
        schedule: String,
        /// The tick, in milliseconds since 1970.
        tick_ms: u64,
    },
}

/// Somebody asked for runs over many partitions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackfillRequested {
    /// The backfill.
    pub backfill: BackfillId,
    /// The manifest that its plans are compiled from.
    pub manifest: Sha256Digest,
    /// What was asked for; with the manifest and the record's time it gives the chunks.
    pub request: BackfillRequest,
    /// How many chunks that is.
    pub chunks: u32,
}

/// Somebody asked that no new chunk is begun, that chunks are begun again, or that the whole is cut short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackfillChanged {
    /// The backfill.
    pub backfill: BackfillId,
    /// The how-many-eth change of this backfill, from 1.
    pub change: u32,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// With a resumption: the chunks that failed are run again.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub retry_failed: bool,
}

//! Tests work with envelopes that differ in their attempt.

use arcoflow_core::identity::derived;
use arcoflow_core::identity::ids::RunId;
use arcoflow_core::identity::keys::{AssetKey, Operation, TaskKey, TenantId, WorkspaceId};
use arcoflow_core::identity::partition_key::PartitionKey;
use arcoflow_core::wire::envelope::{Envelope, Payload};
use arcoflow_core::wire::manifest::policy::Run;

use crate::host::entropy;

/// An envelope of a run of its own.
pub(crate) fn envelope(partition: Option<&str>) -> Envelope {
    let run_id = RunId::from_bytes(entropy::bytes());
    let asset_key = AssetKey::parse("raw/events").unwrap();
    let partition_key = partition.map(|partition| PartitionKey::parse(partition).unwrap());
    let task_key = TaskKey::new(&asset_key, partition_key.as_ref(), Operation::Materialize);
    Envelope {
        tenant_id: TenantId::parse("local").unwrap(),
        workspace_id: WorkspaceId::parse("default").unwrap(),
        run_id,
        task_id: derived::task_id(&run_id, &task_key),
        asset_key,
        partition_key,
        attempt: 1,
        attempt_id: derived::attempt_id(&run_id, &task_key, 1),
        dispatch_id: derived::dispatch_id(&run_id, &task_key, 1).unwrap(),
        heartbeat_interval_ms: 30_000,
        heartbeat_timeout_ms: 90_000,
        deadline: 86_400_000,
        callback_base_url: String::new(),
        task_token: "token".to_owned(),
        token_expires_at: 0,
        traceparent: String::new(),
        payload: Payload {
            run: Run {
                command: vec!["true".to_owned()],
                env: std::collections::BTreeMap::new(),
            },
            inputs: Vec::new(),
            inputs_truncated: false,
            look: None,
        },
        task_key,
    }
}

//! What the bodies of each route look like, for the OpenAPI document; a door that answers has no need of it.

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::wire::{
    asset, automation as automation_wire, backfill as backfill_wire, callback as callback_wire,
    envelope, ledger, manifest, pause, plan, schedule as schedule_wire, sensor as sensor_wire,
    sweep, trigger, view,
};

/// The schema of a body.
pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// The schemas of a route's request and of its answer; none for what is no JSON.
#[rustfmt::skip]
pub(crate) fn of(route: &str) -> (Option<SchemaOf>, Option<SchemaOf>) {
    match route {
        "deployManifest" => (Some(schema::<manifest::Manifest>), Some(schema::<view::DeployAnswer>)),
        "getCurrentManifest" => (None, Some(schema::<manifest::Manifest>)),
        "getManifest" => (None, Some(schema::<manifest::Manifest>)),
        "listAssets" => (None, Some(schema::<asset::AssetPage>)),
        "listPartitions" => (None, Some(schema::<asset::PartitionPage>)),
        "getPartition" => (None, Some(schema::<asset::PartitionView>)),
        "triggerRun" => (Some(schema::<trigger::Trigger>), Some(schema::<view::TriggerAnswer>)),
        "previewPlan" => (Some(schema::<trigger::Trigger>), Some(schema::<plan::PlanView>)),
        "listRuns" => (None, Some(schema::<view::RunPage>)),
        "getRun" => (None, Some(schema::<view::RunView>)),
        "cancelRun" => (Some(schema::<view::CancelRequest>), Some(schema::<view::CancelAnswer>)),
        "rerunRun" => (Some(schema::<view::RerunRequest>), Some(schema::<view::TriggerAnswer>)),
        "listTasks" => (None, Some(schema::<view::TaskPage>)),
        "getTask" => (None, Some(schema::<view::TaskView>)),
        "getTaskLog" => (None, Some(schema::<view::LogPage>)),
        "receiveWebhook" => (Some(schema::<serde_json::Value>), Some(schema::<view::TriggerAnswer>)),
        "requestBackfill" => (Some(schema::<backfill_wire::BackfillRequest>), Some(schema::<backfill_wire::BackfillAnswer>)),
        "listBackfills" => (None, Some(schema::<backfill_wire::BackfillPage>)),
        "getBackfill" => (None, Some(schema::<backfill_wire::BackfillView>)),
        "pauseBackfill" => (Some(schema::<backfill_wire::BackfillChange>), Some(schema::<serde_json::Value>)),
        "resumeBackfill" => (Some(schema::<backfill_wire::BackfillChange>), Some(schema::<serde_json::Value>)),
        "cancelBackfill" => (Some(schema::<backfill_wire::BackfillChange>), Some(schema::<serde_json::Value>)),
        "listSchedules" => (None, Some(schema::<schedule_wire::SchedulePage>)),
        "getSchedule" => (None, Some(schema::<schedule_wire::ScheduleView>)),
        "pauseSchedule" => (Some(schema::<pause::PauseChange>), Some(schema::<schedule_wire::ScheduleView>)),
        "resumeSchedule" => (Some(schema::<pause::PauseChange>), Some(schema::<schedule_wire::ScheduleView>)),
        "tickSchedule" => (Some(schema::<schedule_wire::TickRequest>), Some(schema::<view::TriggerAnswer>)),
        "listSensors" => (None, Some(schema::<sensor_wire::SensorPage>)),
        "getSensor" => (None, Some(schema::<sensor_wire::SensorView>)),
        "tellSensor" => (Some(schema::<sensor_wire::SensorMessage>), Some(schema::<sensor_wire::SensorAnswer>)),
        "pauseSensor" => (Some(schema::<pause::PauseChange>), Some(schema::<sensor_wire::SensorView>)),
        "resumeSensor" => (Some(schema::<pause::PauseChange>), Some(schema::<sensor_wire::SensorView>)),
        "listAutomations" => (None, Some(schema::<automation_wire::AutomationPage>)),
        "getAutomation" => (None, Some(schema::<automation_wire::AutomationView>)),
        "pauseAutomation" => (Some(schema::<pause::PauseChange>), Some(schema::<automation_wire::AutomationView>)),
        "resumeAutomation" => (Some(schema::<pause::PauseChange>), Some(schema::<automation_wire::AutomationView>)),
        "leaseTasks" => (Some(schema::<envelope::LeaseRequest>), Some(schema::<envelope::LeaseAnswer>)),
        "taskStarted" => (Some(schema::<callback_wire::Started>), Some(schema::<callback_wire::CallbackAnswer>)),
        "taskHeartbeat" => (Some(schema::<callback_wire::Heartbeat>), Some(schema::<callback_wire::HeartbeatAnswer>)),
        "taskCompleted" => (Some(schema::<callback_wire::Completed>), Some(schema::<callback_wire::CallbackAnswer>)),
        "renewTaskToken" => (Some(schema::<callback_wire::Heartbeat>), Some(schema::<callback_wire::RenewAnswer>)),
        "appendTaskLog" => (Some(schema::<callback_wire::LogPiece>), Some(schema::<callback_wire::LogAnswer>)),
        "listTaskInputs" => (None, Some(schema::<envelope::InputPage>)),
        "readLedger" => (None, Some(schema::<ledger::LedgerPage>)),
        "appendDecisions" => (Some(schema::<ledger::AppendRequest>), Some(schema::<ledger::AppendAnswer>)),
        "leaseScheduler" => (Some(schema::<ledger::SchedulerLeaseRequest>), Some(schema::<ledger::SchedulerLeaseAnswer>)),
        "sweep" => (Some(schema::<sweep::SweepRequest>), Some(schema::<sweep::SweepView>)),
        "getSweep" => (None, Some(schema::<sweep::SweepView>)),
        _ => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use crate::door::routes::ROUTES;

    #[test]
    fn a_route_with_a_body_says_what_it_looks_like() {
        for route in ROUTES {
            let (request, answer) = super::of(route.name);
            assert_eq!(request.is_some(), route.body_cap > 0, "{}", route.name);
            assert!(
                answer.is_some() || route.path.matches('/').count() == 1,
                "{}",
                route.name
            );
        }
    }
}

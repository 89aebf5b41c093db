//! An event is about a run or about none, stands on somebody's word, and has a name that follows from what it says.

use alloc::string::ToString;
use alloc::vec::Vec;

use crate::identity::derived;
use crate::identity::digest::{Part, Sha256Digest};
use crate::identity::ids::{EventId, RunId};
use crate::identity::keys::TaskKey;
use crate::wire::event::{Event, RunTriggered};

impl Event {
    /// The run that the event belongs to.
    #[must_use]
    pub fn run(&self) -> Option<RunId> {
        match self {
            Event::RunTriggered(body) => Some(body.run),
            Event::RunCancelRequested(body) => Some(body.run),
            Event::AttemptStarted(body) => Some(body.run),
            Event::AttemptFinished(body) => Some(body.run),
            Event::AttemptExpired(body) => Some(body.run),
            Event::RunPlanned(body) => Some(body.run),
            Event::RunRejected(body) => Some(body.run),
            Event::DispatchRequested(body) => Some(body.run),
            Event::RunFinished(body) => Some(body.run),
            Event::RunRequested(body) => Some(body.triggered.run),
            Event::ManifestDeployed(_)
            | Event::BackfillRequested(_)
            | Event::BackfillPaused(_)
            | Event::BackfillResumed(_)
            | Event::BackfillCancelled(_)
            | Event::ScheduleTicked(_)
            | Event::ScheduleSet(_)
            | Event::SensorReported(_)
            | Event::SensorSet(_)
            | Event::AutomationEvaluated(_)
            | Event::AutomationSet(_)
            | Event::Unknown => None,
        }
    }

    /// What began a run, for the records that begin one.
    #[must_use]
    pub fn begins(&self) -> Option<&RunTriggered> {
        match self {
            Event::RunTriggered(body) => Some(body),
            Event::RunRequested(body) => Some(&body.triggered),
            _ => None,
        }
    }

    /// The manifest that has to be at hand when the event is folded.
    #[must_use]
    pub fn manifest(&self) -> Option<&Sha256Digest> {
        match self {
            Event::ManifestDeployed(body) => Some(&body.manifest),
            Event::BackfillRequested(body) => Some(&body.manifest),
            _ => self.begins().map(|body| &body.manifest),
        }
    }

    /// Whether only the scheduler, under its epoch, may propose it.
    #[must_use]
    pub fn is_decision(&self) -> bool {
        matches!(
            self,
            Event::RunPlanned(_)
                | Event::RunRequested(_)
                | Event::ScheduleTicked(_)
                | Event::AutomationEvaluated(_)
                | Event::RunRejected(_)
                | Event::DispatchRequested(_)
                | Event::RunFinished(_)
        )
    }

    /// The id of the event: it follows from what the event says, so saying it twice is one record.
    #[must_use]
    pub fn id(&self) -> EventId {
        let of_run = |run: &RunId| derived_id(run, self.kind(), None);
        let of_count = |name: &str, count: u64| {
            let count = Part::Integer(i64::try_from(count).unwrap_or(i64::MAX));
            derived::event_id(0, self.kind(), &[Part::Text(name), count])
        };
        let of_attempt = |run: &RunId, task: &TaskKey, attempt| {
            derived_id(run, self.kind(), Some((task, attempt)))
        };
        match self {
            Event::ManifestDeployed(body) => EventId::from_bytes(body.manifest_id.to_bytes()),
            Event::RunTriggered(body) => of_run(&body.run),
            Event::RunRequested(body) => of_run(&body.triggered.run),
            Event::BackfillRequested(body) => EventId::from_bytes(body.backfill.to_bytes()),
            Event::BackfillPaused(body)
            | Event::BackfillResumed(body)
            | Event::BackfillCancelled(body) => {
                let backfill = body.backfill.to_string();
                let parts = [Part::Text(&backfill), Part::Integer(i64::from(body.change))];
                derived::event_id(body.backfill.timestamp_ms(), self.kind(), &parts)
            }
            Event::ScheduleTicked(body) => {
                let time_ms = u64::try_from(body.tick_s)
                    .unwrap_or(0)
                    .saturating_mul(1_000);
                let parts = [Part::Text(&body.schedule), Part::Integer(body.tick_s)];
                derived::event_id(time_ms, self.kind(), &parts)
            }
            Event::ScheduleSet(body) => of_count(&body.schedule, body.change.into()),
            Event::SensorReported(body) => of_count(&body.sensor, body.report),
            Event::SensorSet(body) => of_count(&body.sensor, body.change.into()),
            Event::AutomationEvaluated(body) => of_count(&body.automation, body.evaluation),
            Event::AutomationSet(body) => of_count(&body.automation, body.change.into()),
            Event::RunCancelRequested(body) => of_run(&body.run),
            Event::RunPlanned(body) => of_run(&body.run),
            Event::RunRejected(body) => of_run(&body.run),
            Event::RunFinished(body) => of_run(&body.run),
            Event::AttemptStarted(body) => of_attempt(&body.run, &body.task, body.attempt),
            Event::AttemptFinished(body) => of_attempt(&body.run, &body.task, body.attempt),
            Event::AttemptExpired(body) => of_attempt(&body.run, &body.task, body.attempt),
            Event::DispatchRequested(body) => of_attempt(&body.run, &body.task, body.attempt),
            Event::Unknown => EventId::from_bytes([0; 16]),
        }
    }
}

fn derived_id(run: &RunId, kind: &str, attempt: Option<(&TaskKey, u32)>) -> EventId {
    let run_text = run.to_string();
    let mut parts = Vec::from([Part::Text(&run_text)]);
    if let Some((task, number)) = attempt {
        parts.push(Part::Text(task.as_str()));
        parts.push(Part::Integer(i64::from(number)));
    }
    derived::event_id(run.timestamp_ms(), kind, &parts)
}

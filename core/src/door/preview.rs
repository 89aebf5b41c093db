//! A trigger can be asked about before it is sent: the same plan, the same refusals, and nothing is appended.

use alloc::vec::Vec;

use roaring::RoaringBitmap;

use crate::door::accept::{refuse, refuse_finding};
use crate::door::admit::Admitted;
use crate::door::answer::{Answered, Fault};
use crate::door::http::Response;
use crate::door::partition::{find_ordinal, known, newer};
use crate::door::session::Session;
use crate::identity::keys::{Operation, TaskKey};
use crate::plan::catalog::AssetIndex;
use crate::plan::outline::outline;
use crate::plan::{self, Plan};
use crate::wire::asset::{PartitionCounts, PartitionState};
use crate::wire::body;
use crate::wire::problem::{Problem, Slug};
use crate::wire::trigger::Trigger;

/// Plans up to this many tasks are compared with what is there.
const COMPARED: u32 = 100_000;

/// `POST /v1/plans`
pub(crate) fn preview(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    let (_, trigger) = body::parse::<Trigger>(body, body::SMALL)?;
    trigger
        .validate()
        .map_err(|finding| refuse_finding(Slug::ValidationFailed, &finding))?;
    let limit = admitted.number("limit", 100, 10_000)?;
    let current = session.current_manifest()?;
    let manifest = trigger
        .manifest
        .or(current)
        .ok_or_else(|| Problem::new(Slug::ManifestNotFound, "no manifest was deployed yet"))?;
    let catalog = session.catalog(&manifest)?.ok_or_else(|| {
        Problem::new(
            Slug::ManifestNotFound,
            "no manifest with this address was deployed",
        )
    })?;
    let now_ms = session.now_ms()?;
    let most = session.config.plan_tasks;
    let plan = plan::compile(&catalog, &trigger, now_ms, most).map_err(|error| refuse(&error))?;
    let from = match admitted.query("after") {
        None => 0,
        Some(text) => place_after(&plan, text)?,
    };
    let scope = session.config.scope.clone();
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let mut view = outline(&plan, manifest, &scope, from, limit);
    // States are kept by the declaration of the current manifest.
    if plan.len() <= COMPARED && current == Some(manifest) {
        let states = states(session, &plan)?;
        for asset in &mut view.assets {
            let mut found = states.iter();
            let found = found.find(|(index, _)| catalog.asset(*index).key == asset.asset_key);
            asset.states = found.map(|(_, counts)| *counts);
        }
    }
    Ok(Response::json(200, serde_json::to_vec(&view).unwrap_or_default()).into())
}

fn place_after(plan: &Plan, text: &str) -> Result<u32, Problem> {
    let key =
        TaskKey::parse(text).map_err(|_| Problem::validation("?after", "expected a task key"))?;
    let place = plan
        .find(&key)
        .ok_or_else(|| Problem::validation("?after", "the plan has no such task"))?;
    Ok(place + 1)
}

/// The states of the partitions that a plan makes, by asset in the order of the plan.
fn states(
    session: &mut Session<'_>,
    plan: &Plan,
) -> Result<Vec<(AssetIndex, PartitionCounts)>, Fault> {
    let catalog = plan.catalog();
    let now_ms = session.now_ms()?;
    let stale = newer::stale(session, catalog, None, now_ms)?;
    let open = known::open(session, catalog, None)?;
    let mut states = Vec::new();
    for asset in plan.assets() {
        let mut planned = RoaringBitmap::new();
        let mut unnamed = 0;
        for task in plan.tasks_of(asset) {
            if plan.operation(task) != Operation::Materialize {
                continue;
            }
            let partition = plan.partition(task);
            match find_ordinal(session, catalog, asset, partition.as_ref())? {
                Some(ordinal) => {
                    planned.insert(ordinal);
                }
                None => unnamed += 1,
            }
        }
        let key = catalog.asset(asset).key.as_str();
        let known = known::partitions(session, key, stale.get(&asset), open.get(&asset))?;
        let mut counts = PartitionCounts {
            missing: unnamed,
            ..PartitionCounts::default()
        };
        for ordinal in planned {
            *match known.state(ordinal) {
                PartitionState::Missing => &mut counts.missing,
                PartitionState::Running => &mut counts.running,
                PartitionState::Succeeded => &mut counts.succeeded,
                PartitionState::Failed => &mut counts.failed,
                PartitionState::Stale => &mut counts.stale,
            } += 1;
        }
        states.push((asset, counts));
    }
    Ok(states)
}

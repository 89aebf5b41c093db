//! An outline says of a plan what a person asks: which assets, in which order, how many tasks, and what is taken as it is.

use alloc::vec::Vec;

use crate::identity::digest::Sha256Digest;
use crate::plan::Plan;
use crate::plan::catalog::AssetIndex;
use crate::plan::order::sort_by;
use crate::wire::plan::{PlanView, PlannedAsset, PlannedTask};
use crate::wire::scope::Scope;

/// The outline of a plan with at most `limit` of its tasks from number `from` on.
#[must_use]
pub fn outline(
    plan: &Plan,
    manifest: Sha256Digest,
    scope: &Scope,
    from: u32,
    limit: u32,
) -> PlanView {
    let mut assets: Vec<PlannedAsset> = plan
        .assets()
        .map(|asset| planned_asset(plan, asset))
        .collect();
    sort_by(&mut assets, |one, other| one.stage.cmp(&other.stage));
    let end = from.saturating_add(limit).min(plan.len());
    let page: Vec<PlannedTask> = (from..end)
        .map(|task| PlannedTask {
            task_key: plan.key(task),
            stage: plan.stage(task),
            waits_for: u32::try_from(plan.upstreams(task).len()).unwrap_or(u32::MAX),
        })
        .collect();
    let last = page.last().filter(|_| end < plan.len());
    PlanView {
        manifest,
        plan: plan.fingerprint(&scope.tenant, &scope.workspace),
        tasks: plan.len(),
        edges: plan.edges(),
        stages: plan.stages(),
        assets,
        next: last.map(|task| task.task_key.clone()),
        page,
    }
}

fn planned_asset(plan: &Plan, asset: AssetIndex) -> PlannedAsset {
    let catalog = plan.catalog();
    let tasks = plan.tasks_of(asset);
    let upstreams = catalog.links(asset).iter().map(|link| link.upstream);
    let (inside, outside): (Vec<AssetIndex>, Vec<AssetIndex>) =
        upstreams.partition(|upstream| !plan.tasks_of(*upstream).is_empty());
    let keys = |assets: Vec<AssetIndex>| {
        let keys = assets
            .into_iter()
            .map(|asset| catalog.asset(asset).key.clone());
        keys.collect()
    };
    PlannedAsset {
        asset_key: catalog.asset(asset).key.clone(),
        stage: tasks
            .clone()
            .map(|task| plan.stage(task))
            .min()
            .unwrap_or(0),
        tasks: tasks.end - tasks.start,
        waits_for: keys(inside),
        takes: keys(outside),
        states: None,
    }
}

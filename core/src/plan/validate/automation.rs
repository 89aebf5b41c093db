//! A schedule, sensor or automation that could never start a run is refused when it is deployed.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

use super::place::Place;
use super::{Report, asset, name, partition};
use crate::plan::catalog::{AssetIndex, Catalog};
use crate::plan::selection;
use crate::wire::manifest::automation::{MAX_CONCURRENCY, SensorKind};
use crate::wire::manifest::cron::Cron;
use crate::wire::manifest::{Manifest, limit};
use crate::wire::trigger::Trigger;

pub(super) fn check(manifest: &Manifest, report: &mut Report) {
    if let Some(timeout_ms) = manifest.run_timeout_ms {
        let pointer = Place::top("runTimeoutMs");
        let (least, most) = (limit::MIN_DEADLINE_MS, limit::MAX_ATTEMPT_MS);
        asset::within(report, &pointer, timeout_ms, least, most);
    }
    let mut names = BTreeMap::new();
    let schedules = Place::top("schedules");
    for (index, schedule) in manifest.schedules.iter().enumerate() {
        let place = schedules.at(index);
        check_name(report, &place, "schedule", &schedule.name, &mut names);
        if let Err(reason) = Cron::parse(&schedule.cron) {
            report.add(
                "manifest.cron",
                place.member("cron"),
                reason,
                "write minute, hour, day of the month, month and day of the week, as in `0 3 * * *`",
            );
        }
        if let Some(zone) = &schedule.time_zone {
            partition::zone(zone, &place.member("timeZone"), report);
        }
        check_trigger(report, &place, &schedule.trigger);
    }
    let mut names = BTreeMap::new();
    let sensors = Place::top("sensors");
    for (index, sensor) in manifest.sensors.iter().enumerate() {
        let place = sensors.at(index);
        check_name(report, &place, "sensor", &sensor.name, &mut names);
        if let Some(interval_ms) = sensor.interval_ms {
            let pointer = place.member("intervalMs");
            asset::within(
                report,
                &pointer,
                interval_ms,
                limit::MIN_DEADLINE_MS,
                limit::DAY_MS,
            );
        }
        match &sensor.run {
            Some(run) => asset::check_run(report, &place.member("run"), run),
            None if sensor.kind == SensorKind::Poll => report.add(
                "manifest.sensor_run",
                place,
                format!("the sensor `{}` polls, and has no `run`", sensor.name),
                "add the command that looks, or make it a `push` sensor",
            ),
            None => {}
        }
        if let Some(timeouts) = &sensor.timeouts {
            asset::check_timeouts(report, &place.member("timeouts"), timeouts);
        }
        if sensor.kind == SensorKind::Poll && !name::is_dimension(&sensor.name) {
            report.add(
                "manifest.name",
                place.member("name"),
                format!(
                    "`{}` cannot be the name of a sensor that polls",
                    sensor.name
                ),
                "use small letters, digits and `_`, starting with a letter: its looks are tasks",
            );
        }
        check_trigger(report, &place, &sensor.trigger);
    }
    let mut names = BTreeMap::new();
    let automations = Place::top("automations");
    for (index, automation) in manifest.automations.iter().enumerate() {
        let place = automations.at(index);
        check_name(report, &place, "automation", &automation.name, &mut names);
        let (given, most) = (automation.concurrency.into(), MAX_CONCURRENCY.into());
        asset::within(report, &place.member("concurrency"), given, 1, most);
        check_trigger(report, &place, &automation.trigger);
        if automation.trigger.names_partitions() {
            report.add(
                "manifest.automation_partitions",
                place.member("trigger"),
                format!(
                    "the trigger of the automation `{}` says which partitions to run",
                    automation.name
                ),
                "leave that out: it finds the partitions that are due by itself",
            );
        }
    }
}

fn check_name<'a>(
    report: &mut Report,
    place: &Place<'_>,
    what: &str,
    text: &'a str,
    names: &mut BTreeMap<&'a str, alloc::string::String>,
) {
    let pointer = place.member("name");
    name::check(report, &pointer, what, text);
    if let Some(first) = names.get(text) {
        report.add(
            "manifest.duplicate_name",
            pointer,
            format!("the name `{text}` is also that of the {what} at `{first}`"),
            "give each its own name",
        );
    } else {
        names.insert(text, place.into());
    }
}

fn check_trigger(report: &mut Report, place: &Place<'_>, trigger: &Trigger) {
    if let Err(mut finding) = trigger.validate() {
        finding
            .pointer
            .insert_str(0, &place.member("trigger").pointer());
        report.push(finding);
    }
    let place = place.member("trigger");
    let own = [
        (
            trigger.run_key.is_some(),
            "runKey",
            "each of its runs has its own",
        ),
        (
            trigger.manifest.is_some(),
            "manifest",
            "it runs what it is deployed with",
        ),
    ];
    for (_, member, why) in own.into_iter().filter(|(given, ..)| *given) {
        report.add(
            "manifest.automation_trigger",
            place.member(member),
            format!("the trigger of a schedule, a sensor or an automation has no `{member}`"),
            format!("leave it out: {why}"),
        );
    }
}

/// Reports selections that name assets or tags that are not there.
pub(super) fn check_selections(catalog: &Catalog, report: &mut Report) {
    let manifest = catalog.manifest();
    let schedules = manifest.schedules.iter().map(|schedule| &schedule.trigger);
    let sensors = manifest.sensors.iter().map(|sensor| &sensor.trigger);
    let automations = manifest.automations.iter();
    let places = [
        ("/schedules", schedules.collect::<Vec<_>>()),
        ("/sensors", sensors.collect()),
        (
            "/automations",
            automations.map(|row| &row.trigger).collect(),
        ),
    ];
    for (place, triggers) in places {
        for (index, trigger) in triggers.into_iter().enumerate() {
            if let Err(mut finding) = selection::select(catalog, &trigger.selection) {
                finding.pointer = format!("{place}/{index}/trigger{}", finding.pointer);
                report.push(finding);
            }
        }
    }
}

/// Which automation keeps which asset. An asset has one keeper, so that nothing is made twice.
pub(super) fn keepers(catalog: &Catalog, report: &mut Report) -> Vec<Option<u32>> {
    let automations = &catalog.manifest().automations;
    if automations.is_empty() {
        return Vec::new();
    }
    let mut keepers: Vec<Option<u32>> = alloc::vec![None; catalog.len() as usize];
    for (index, automation) in (0u32..).zip(automations) {
        let kept = selection::select(catalog, &automation.trigger.selection).unwrap_or_default();
        let mut shared: Option<(AssetIndex, u32)> = None;
        for asset in kept {
            let Some(keeper) = keepers.get_mut(asset.0 as usize) else {
                continue;
            };
            match *keeper {
                Some(other) => shared = shared.or(Some((asset, other))),
                None => *keeper = Some(index),
            }
        }
        if let Some((asset, other)) = shared {
            report.add(
                "manifest.automation_overlap",
                format!("/automations/{index}/trigger/selection"),
                format!(
                    "`{}` is also kept up to date by the automation at `/automations/{other}`",
                    catalog.asset(asset).key
                ),
                "take it out of one of them, as in `mart/* - mart/report`",
            );
        }
    }
    keepers
}

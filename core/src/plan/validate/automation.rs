//! A schedule or sensor that could never start a run is refused when it is deployed.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

use super::place::Place;
use super::{Report, asset, name, partition};
use crate::plan::catalog::Catalog;
use crate::plan::selection;
use crate::wire::manifest::automation::SensorKind;
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
            format!("the trigger of a schedule or a sensor has no `{member}`"),
            format!("leave it out: {why}"),
        );
    }
}

/// Reports selections that name assets or tags that are not there.
pub(super) fn check_selections(catalog: &Catalog, report: &mut Report) {
    let manifest = catalog.manifest();
    let schedules = manifest.schedules.iter().map(|schedule| &schedule.trigger);
    let sensors = manifest.sensors.iter().map(|sensor| &sensor.trigger);
    let places = [
        ("/schedules", schedules.collect::<Vec<_>>()),
        ("/sensors", sensors.collect()),
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

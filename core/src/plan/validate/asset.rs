//! An asset's own members are within their bounds, and what they name exists.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::place::Place;
use super::{Report, bound, name};
use crate::identity::ids::AssetId;
use crate::plan::order::sort_by;
use crate::plan::suggestion;
use crate::wire::manifest::policy::{Limit, Retry, Run, Timeouts};
use crate::wire::manifest::{Asset, DEFAULT_QUEUE, Manifest, limit};

pub(super) fn check(manifest: &Manifest, report: &mut Report) {
    if let Some(text) = &manifest.name {
        name::check(report, &Place::top("name"), "pipeline", text);
    }
    check_limits(report, &Place::top("pools"), "pool", &manifest.pools);
    check_limits(report, &Place::top("queues"), "queue", &manifest.queues);
    check_ids(manifest, report);
    let assets = Place::top("assets");
    for (index, asset) in manifest.assets.iter().enumerate() {
        let place = assets.at(index);
        check_asset(manifest, asset, &place, report);
    }
}

fn check_ids(manifest: &Manifest, report: &mut Report) {
    let rows = manifest.assets.iter().enumerate();
    let mut ids: Vec<(AssetId, usize)> = rows.map(|row| (row.1.id, row.0)).collect();
    sort_by(&mut ids, Ord::cmp);
    let same = |pair: &&[(AssetId, usize)]| matches!(pair, [a, b] if a.0 == b.0);
    let mut repeated: Vec<usize> = ids.windows(2).filter(same).map(|pair| pair[1].1).collect();
    sort_by(&mut repeated, Ord::cmp);
    for index in repeated {
        let asset = &manifest.assets[index];
        let first = ids[ids.partition_point(|row| row.0 < asset.id)].1;
        report.add(
            "manifest.duplicate_id",
            format!("/assets/{index}/id"),
            format!(
                "the id of `{}` is also that of the asset at `/assets/{first}`",
                asset.key
            ),
            "an id stands for one asset for ever; generate a new one for the other",
        );
    }
}

fn check_limits(
    report: &mut Report,
    place: &Place<'_>,
    what: &str,
    limits: &BTreeMap<String, Limit>,
) {
    for (key, value) in limits {
        let pointer = place.member(key);
        name::check(report, &pointer, what, key);
        within(
            report,
            &pointer.member("limit"),
            value.limit.into(),
            1,
            limit::MAX_OPEN.into(),
        );
    }
}

fn check_asset(manifest: &Manifest, asset: &Asset, place: &Place<'_>, report: &mut Report) {
    let description = asset.description.as_ref().map_or(0, String::len);
    bound(
        report,
        &place.member("description"),
        "bytes of description",
        description,
        limit::MAX_DESCRIPTION_BYTES,
    );
    check_run(report, &place.member("run"), &asset.run);
    if let Some(check) = &asset.check {
        check_run(report, &place.member("check").member("run"), &check.run);
    }
    check_retry(report, &place.member("retry"), &asset.retry);
    check_timeouts(report, &place.member("timeouts"), &asset.timeouts);
    check_priority(report, &place.member("priority"), asset.priority);
    check_queue(manifest, asset, place, report);
    check_resources(asset, place, report);
    check_tags(asset, place, report);
}

pub(super) fn check_run(report: &mut Report, place: &Place<'_>, run: &Run) {
    let command = place.member("command");
    bound(
        report,
        &command,
        "words of a command",
        run.command.len(),
        limit::MAX_COMMAND_WORDS,
    );
    if run.command.first().is_none_or(String::is_empty) {
        report.add(
            "manifest.command_empty",
            command,
            "the command names no program",
            "write the program and its arguments, as in `[\"python3\", \"tasks/load.py\"]`",
        );
    }
    for (index, word) in run.command.iter().enumerate() {
        check_word(report, &command.at(index), word);
    }
    bound(
        report,
        &place.member("env"),
        "variables",
        run.env.len(),
        limit::MAX_ENVIRONMENT,
    );
    let variables = place.member("env");
    for (key, value) in &run.env {
        let pointer = variables.member(key);
        if key.is_empty() || key.contains(['=', '\0']) || key.len() > limit::MAX_NAME_BYTES * 4 {
            report.add(
                "manifest.environment",
                pointer,
                "the variable's name is empty, too long or has a `=` or a zero byte",
                "use letters, digits and `_`",
            );
        }
        if key.starts_with("ARCOFLOW_") {
            report.add(
                "manifest.environment",
                pointer,
                format!("the variable `{key}` belongs to the worker"),
                "choose a name that does not start with `ARCOFLOW_`",
            );
        }
        check_word(report, &pointer, value);
    }
}

fn check_word(report: &mut Report, pointer: &Place<'_>, word: &str) {
    bound(
        report,
        pointer,
        "bytes in one word",
        word.len(),
        limit::MAX_WORD_BYTES,
    );
    if word.contains('\0') {
        report.add(
            "manifest.command_byte",
            pointer,
            "the text has a zero byte, which no program can be given",
            "remove it",
        );
    }
}

fn check_retry(report: &mut Report, place: &Place<'_>, retry: &Retry) {
    let rows = [
        (
            "maxAttempts",
            retry.max_attempts.into(),
            1,
            limit::MAX_ATTEMPTS.into(),
        ),
        ("baseDelayMs", retry.base_delay_ms, 0, limit::DAY_MS),
        ("factor", retry.factor.into(), 1, limit::MAX_FACTOR.into()),
        ("maxDelayMs", retry.max_delay_ms, 0, limit::DAY_MS),
    ];
    for (member, value, least, most) in rows {
        within(report, &place.member(member), value, least, most);
    }
    if retry.max_delay_ms < retry.base_delay_ms {
        report.add(
            "manifest.retry_delay",
            place.member("maxDelayMs"),
            format!(
                "the longest delay, {} ms, is below the first, {} ms",
                retry.max_delay_ms, retry.base_delay_ms
            ),
            "make `maxDelayMs` at least `baseDelayMs`",
        );
    }
}

pub(super) fn check_timeouts(report: &mut Report, place: &Place<'_>, timeouts: &Timeouts) {
    let rows = [
        ("startMs", timeouts.start_ms, limit::DAY_MS),
        ("heartbeatMs", timeouts.heartbeat_ms, limit::DAY_MS),
        ("attemptMs", timeouts.attempt_ms, limit::MAX_ATTEMPT_MS),
        (
            "cancelGraceMs",
            timeouts.cancel_grace_ms,
            limit::MAX_GRACE_MS,
        ),
    ];
    for (member, value, most) in rows {
        within(
            report,
            &place.member(member),
            value,
            limit::MIN_DEADLINE_MS,
            most,
        );
    }
}

fn check_priority(report: &mut Report, pointer: &Place<'_>, priority: i32) {
    if !(-limit::MAX_PRIORITY..=limit::MAX_PRIORITY).contains(&priority) {
        report.add(
            "manifest.limit",
            pointer,
            format!("the priority {priority} is out of bounds"),
            format!("use -{} to {}", limit::MAX_PRIORITY, limit::MAX_PRIORITY),
        );
    }
}

fn check_queue(manifest: &Manifest, asset: &Asset, place: &Place<'_>, report: &mut Report) {
    let pointer = place.member("queue");
    name::check(report, &pointer, "queue", &asset.queue);
    let declared = manifest.queues.is_empty() || manifest.queues.contains_key(&asset.queue);
    if !declared && asset.queue != DEFAULT_QUEUE {
        report.add(
            "manifest.unknown_queue",
            pointer,
            format!("the queue `{}` is not declared", asset.queue),
            suggestion::hint(
                &asset.queue,
                manifest.queues.keys().map(String::as_str),
                "declare it in `queues`",
            ),
        );
    }
    let Some(pool) = &asset.pool else {
        return;
    };
    let pointer = place.member("pool");
    name::check(report, &pointer, "pool", pool);
    if !manifest.pools.contains_key(pool) {
        report.add(
            "manifest.unknown_pool",
            pointer,
            format!("the pool `{pool}` is not declared"),
            suggestion::hint(
                pool,
                manifest.pools.keys().map(String::as_str),
                "declare it in `pools`",
            ),
        );
    }
}

fn check_resources(asset: &Asset, place: &Place<'_>, report: &mut Report) {
    let place = place.member("resources");
    bound(
        report,
        &place,
        "resources",
        asset.resources.len(),
        limit::MAX_RESOURCES,
    );
    for (key, &units) in &asset.resources {
        let pointer = place.member(key);
        name::check(report, &pointer, "resource", key);
        within(report, &pointer, units, 0, limit::MAX_RESOURCE_UNITS);
    }
}

fn check_tags(asset: &Asset, place: &Place<'_>, report: &mut Report) {
    bound(
        report,
        &place.member("tags"),
        "tags",
        asset.tags.len(),
        limit::MAX_TAGS,
    );
    let tags = place.member("tags");
    let mut seen = BTreeSet::new();
    for (index, tag) in asset.tags.iter().enumerate() {
        let pointer = tags.at(index);
        name::check(report, &pointer, "tag", tag);
        if !seen.insert(tag) {
            report.add(
                "manifest.duplicate_tag",
                pointer,
                format!("the tag `{tag}` is there already"),
                "name each tag once",
            );
        }
    }
}

pub(super) fn within(report: &mut Report, pointer: &Place<'_>, value: u64, least: u64, most: u64) {
    if value < least || value > most {
        report.add(
            "manifest.limit",
            pointer,
            format!("the number {value} is out of bounds"),
            format!("use {least} to {most}"),
        );
    }
}

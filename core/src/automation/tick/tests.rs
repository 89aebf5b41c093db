//! Ticks in plain weeks, at both clock changes, and of expressions that cannot be read.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{next_after, next_local};
use crate::identity::partition_key::Timestamp;
use crate::plan::zone::Zone;
use crate::wire::manifest::cron::Cron;

fn seconds(text: &str) -> i64 {
    Timestamp::parse(&format!("{text}:00.000000Z"))
        .unwrap()
        .micros()
        / 1_000_000
}

fn plain(at_s: i64) -> String {
    Timestamp::from_micros(at_s * 1_000_000)
        .unwrap()
        .to_string()[..16]
        .to_string()
}

/// The ticks after a time, in universal time.
fn ticks(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let (cron, zone) = (Cron::parse(cron).unwrap(), Zone::find(zone).unwrap());
    let next = |at: &i64| next_after(&cron, &zone, *at);
    let first = next_after(&cron, &zone, seconds(after));
    core::iter::successors(first, next)
        .take(count)
        .map(plain)
        .collect()
}

#[test]
fn ticks_are_where_the_fields_say() {
    let rows: &[(&str, &str, &str, &[&str])] = &[
        (
            "* * * * *",
            "UTC",
            "2024-01-31T23:58",
            &["2024-01-31T23:59", "2024-02-01T00:00"],
        ),
        (
            "0 3 * * *",
            "UTC",
            "2024-02-28T03:00",
            &["2024-02-29T03:00", "2024-03-01T03:00"],
        ),
        (
            "*/20 8-9 * * *",
            "UTC",
            "2024-01-01T08:10",
            &["2024-01-01T08:20", "2024-01-01T08:40", "2024-01-01T09:00"],
        ),
        (
            "5,50 */12 * * *",
            "UTC",
            "2024-01-01T00:05",
            &["2024-01-01T00:50", "2024-01-01T12:05"],
        ),
        (
            "0 0 29 2 *",
            "UTC",
            "2024-02-29T00:00",
            &["2028-02-29T00:00"],
        ),
        (
            "0 0 29 2 *",
            "UTC",
            "2096-02-29T00:00",
            &["2104-02-29T00:00"],
        ),
        (
            "0 0 1 jan,JUL *",
            "UTC",
            "2024-01-01T00:00",
            &["2024-07-01T00:00", "2025-01-01T00:00"],
        ),
        // Monday to Friday, and Sunday by both of its numbers.
        (
            "0 9 * * 1-5",
            "UTC",
            "2024-01-05T09:00",
            &["2024-01-08T09:00"],
        ),
        (
            "0 9 * * 0",
            "UTC",
            "2024-01-05T09:00",
            &["2024-01-07T09:00", "2024-01-14T09:00"],
        ),
        (
            "0 9 * * 7",
            "UTC",
            "2024-01-05T09:00",
            &["2024-01-07T09:00", "2024-01-14T09:00"],
        ),
        (
            "0 9 * * fri-7",
            "UTC",
            "2024-01-05T09:00",
            &["2024-01-06T09:00", "2024-01-07T09:00", "2024-01-12T09:00"],
        ),
        // Both days restricted: either will do. One of them open: both must hold.
        (
            "0 0 13 * 5",
            "UTC",
            "2024-09-01T00:00",
            &["2024-09-06T00:00", "2024-09-13T00:00", "2024-09-20T00:00"],
        ),
        (
            "0 0 13 * *",
            "UTC",
            "2024-09-01T00:00",
            &["2024-09-13T00:00", "2024-10-13T00:00"],
        ),
        (
            "0 0 */10 * 5",
            "UTC",
            "2024-09-01T00:00",
            &["2024-10-11T00:00"],
        ),
        // Local time.
        (
            "0 3 * * *",
            "Asia/Kolkata",
            "2024-01-01T00:00",
            &["2024-01-01T21:30"],
        ),
        (
            "0 3 2 * *",
            "America/Los_Angeles",
            "2024-06-15T00:00",
            &["2024-07-02T10:00", "2024-08-02T10:00"],
        ),
    ];
    for (cron, zone, after, expected) in rows {
        assert_eq!(
            ticks(cron, zone, after, expected.len()),
            *expected,
            "{cron} in {zone}"
        );
    }
}

#[test]
fn a_gap_is_skipped_and_an_overlap_fires_once() {
    let rows: &[(&str, &str, &str, &[&str])] = &[
        // New York, 2024-03-10: from 2:00 EST to 3:00 EDT.
        (
            "30 2 * * *",
            "America/New_York",
            "2024-03-09T00:00",
            &["2024-03-09T07:30", "2024-03-11T06:30"],
        ),
        (
            "0 3 * * *",
            "America/New_York",
            "2024-03-10T00:00",
            &["2024-03-10T07:00", "2024-03-11T07:00"],
        ),
        (
            "*/30 * * * *",
            "America/New_York",
            "2024-03-10T06:00",
            &["2024-03-10T06:30", "2024-03-10T07:00", "2024-03-10T07:30"],
        ),
        // New York, 2024-11-03: from 2:00 EDT back to 1:00 EST.
        (
            "30 1 * * *",
            "America/New_York",
            "2024-11-03T00:00",
            &["2024-11-03T05:30", "2024-11-04T06:30"],
        ),
        (
            "0 2 * * *",
            "America/New_York",
            "2024-11-03T00:00",
            &["2024-11-03T07:00"],
        ),
        (
            "*/30 * * * *",
            "America/New_York",
            "2024-11-03T05:00",
            &["2024-11-03T05:30", "2024-11-03T07:00"],
        ),
        // Asked in the second of the two hours, what fired in the first does not fire again.
        (
            "30 1 * * *",
            "America/New_York",
            "2024-11-03T06:10",
            &["2024-11-04T06:30"],
        ),
        // Lord Howe, 2024-04-07: half an hour back, from 2:00 to 1:30.
        (
            "45 1 * * *",
            "Australia/Lord_Howe",
            "2024-04-06T00:00",
            &["2024-04-06T14:45", "2024-04-07T15:15"],
        ),
        // Apia had no 2011-12-30.
        (
            "0 12 * * *",
            "Pacific/Apia",
            "2011-12-29T00:00",
            &["2011-12-29T22:00", "2011-12-30T22:00"],
        ),
        // Sao Paulo, 2018-11-04, had no midnight.
        (
            "0 0 * * *",
            "America/Sao_Paulo",
            "2018-11-03T04:00",
            &["2018-11-05T02:00"],
        ),
    ];
    for (cron, zone, after, expected) in rows {
        assert_eq!(
            ticks(cron, zone, after, expected.len()),
            *expected,
            "{cron} in {zone} after {after}"
        );
    }
}

#[test]
fn an_expression_that_cannot_be_read_is_refused() {
    let rows: &[(&str, &str)] = &[
        ("", "there are 0 fields"),
        ("* * * *", "there are 4 fields"),
        ("* * * * * *", "there are 6 fields"),
        ("@daily", "there are 1 fields"),
        ("60 * * * *", "`60` is no minute"),
        ("* 24 * * *", "`24` is no hour"),
        ("* * 0 * *", "`0` is no day of the month"),
        ("* * * 13 *", "`13` is no month"),
        ("* * * * 8", "`8` is no day of the week"),
        ("5-1 * * * *", "`5-1` is no minute"),
        ("*/0 * * * *", "`*/0` is no minute"),
        ("*/60 * * * *", "`*/60` is no minute"),
        ("5/10 * * * *", "`5/10` is no minute"),
        ("1, * * * *", "`` is no minute"),
        ("+1 * * * *", "`+1` is no minute"),
        ("001 * * * *", "`001` is no minute"),
        ("mon * * * *", "`mon` is no minute"),
        ("* * * * monday", "`monday` is no day of the week"),
        ("* * ? * *", "`?` is no day of the month"),
        ("0 0 30 2 *", "no day of any year"),
        ("0 0 31 4,6,9,11 *", "no day of any year"),
    ];
    for (text, expected) in rows {
        let refused = Cron::parse(text).expect_err(text);
        assert!(refused.starts_with(expected), "{text}: {refused}");
    }
}

#[test]
fn a_search_finds_what_walking_every_minute_finds() {
    let zones = [
        "UTC",
        "Europe/Paris",
        "America/New_York",
        "Australia/Lord_Howe",
    ];
    let crons = [
        "*/7 1-3 * * *",
        "30 2 * * 0",
        "15 1,2 10,31 3,10,11 *",
        "0 */5 * * 6",
    ];
    for zone in zones {
        let zone = Zone::find(zone).unwrap();
        for cron in crons {
            let cron = Cron::parse(cron).unwrap();
            let (start, end) = (seconds("2024-03-01T00:00"), seconds("2024-11-10T00:00"));
            let found = core::iter::successors(next_after(&cron, &zone, start), |at| {
                next_after(&cron, &zone, *at)
            });
            let found: Vec<i64> = found.take_while(|at| *at < end).collect();
            assert_eq!(
                found,
                walked(&cron, &zone, start, end),
                "{cron:?} in {zone:?}"
            );
        }
    }
}

/// Every minute of universal time whose local time is in the fields, and was not before.
fn walked(cron: &Cron, zone: &Zone, start: i64, end: i64) -> Vec<i64> {
    let mut ticks = Vec::new();
    let mut latest = i64::MIN;
    for at in (start + 60..end).step_by(60) {
        let local = at + zone.offset_at(at);
        let fits = next_local(cron, local - 1) == Some(local);
        if fits && local > latest {
            ticks.push(at);
        }
        latest = latest.max(local);
    }
    ticks
}

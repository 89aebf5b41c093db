//! Times, sizes, counts and names are written the way a person says them.

use std::time::Duration;

use arcoflow_core::identity::digest::Sha256Digest;
use arcoflow_core::identity::keys::{Operation, TaskKey};
use arcoflow_core::identity::partition_key::{PartitionKey, Value};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::host::clock::Clock;

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// `850 ms`, `4.2 s`, `2 min 5 s`, `3 h 12 min`, `2 d 4 h`.
pub(crate) fn duration(ms: u64) -> String {
    match ms {
        0..SECOND_MS => format!("{ms} ms"),
        SECOND_MS..MINUTE_MS => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        MINUTE_MS..HOUR_MS => format!("{} min {} s", ms / MINUTE_MS, ms % MINUTE_MS / SECOND_MS),
        HOUR_MS..DAY_MS => format!("{} h {} min", ms / HOUR_MS, ms % HOUR_MS / MINUTE_MS),
        _ => format!("{} d {} h", ms / DAY_MS, ms % DAY_MS / HOUR_MS),
    }
}

/// `500ms`, `90s`, `10m`, `2h`, `1d`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => SECOND_MS,
        "m" | "min" => MINUTE_MS,
        "h" => HOUR_MS,
        "d" => DAY_MS,
        _ => return Err("expected a number and a unit, as in `90s`, `10m` or `2h`".to_string()),
    };
    let ms = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit_ms));
    ms.map(Duration::from_millis)
        .ok_or_else(|| format!("`{number}` is no such number of `{unit}`"))
}

/// `just now`, `12 s ago`, `5 min ago`, `3 h ago`, `2 d ago`.
pub(crate) fn ago(at_ms: u64, now_ms: u64) -> String {
    match now_ms.saturating_sub(at_ms) {
        0..SECOND_MS => "just now".to_string(),
        past @ ..MINUTE_MS => format!("{} s ago", past / SECOND_MS),
        past @ ..HOUR_MS => format!("{} min ago", past / MINUTE_MS),
        past @ ..DAY_MS => format!("{} h ago", past / HOUR_MS),
        past => format!("{} d ago", past / DAY_MS),
    }
}

/// `in 12 s`, `in 5 min`, `in 3 h`, `in 2 d`; `now` when it is not in the future.
pub(crate) fn ahead(at_ms: u64, now_ms: u64) -> String {
    match at_ms.saturating_sub(now_ms) {
        0 => "now".to_string(),
        left @ ..MINUTE_MS => format!("in {} s", left.div_ceil(SECOND_MS)),
        left @ ..HOUR_MS => format!("in {} min", left / MINUTE_MS),
        left @ ..DAY_MS => format!("in {} h", left / HOUR_MS),
        left => format!("in {} d", left / DAY_MS),
    }
}

/// `2026-11-22 21:42:25` in the zone of this machine.
pub(crate) fn local_time(at_ms: u64) -> String {
    in_zone(at_ms, TimeZone::system(), "%Y-%m-%d %H:%M:%S")
}

/// `21:42:25.031` in the zone of this machine.
pub(crate) fn local_clock(at_ms: u64) -> String {
    in_zone(at_ms, TimeZone::system(), "%H:%M:%S%.3f")
}

fn in_zone(at_ms: u64, zone: TimeZone, format: &str) -> String {
    i64::try_from(at_ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .map_or_else(
            || format!("{at_ms} ms"),
            |at| at.to_zoned(zone).strftime(format).to_string(),
        )
}

/// This machine's time in milliseconds since 1970, to say how long ago something was.
pub(crate) fn now_ms() -> u64 {
    Clock::start().now_ms()
}

/// `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 task`, `2 tasks`.
pub(crate) fn of(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// `512 B`, `1.4 KB`, `3.0 MB`, in powers of a thousand.
pub(crate) fn bytes(number: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "KB")];
    for (unit, name) in units {
        if number >= unit {
            return format!("{}.{} {name}", number / unit, number % unit * 10 / unit);
        }
    }
    format!("{number} B")
}

/// The beginning of a digest, which is enough for a person: `sha256:631b21dc07c1`.
pub(crate) fn digest(digest: &Sha256Digest) -> String {
    const SHOWN: usize = "sha256:".len() + 12;
    digest.to_string().chars().take(SHOWN).collect()
}

/// `raw/observations[month=2012-01-01,station=seattle]`, with `:check` at the end of a check.
pub(crate) fn task(key: &TaskKey) -> String {
    let mut text = key.asset_str().to_string();
    if let Some(partition) = key.partition() {
        text.push('[');
        text.push_str(&self::partition(&partition));
        text.push(']');
    }
    if key.operation() != Operation::Materialize {
        text.push(':');
        text.push_str(key.operation().as_str());
    }
    text
}

/// `month=2012-01-01,station=seattle`.
pub(crate) fn partition(key: &PartitionKey) -> String {
    let dimensions: Vec<String> = key
        .dimensions()
        .map(|(name, value)| format!("{name}={}", self::value(&value)))
        .collect();
    dimensions.join(",")
}

/// A value without its type, and without what does not differ from hour to hour.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::Null => "null".to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Str(text) => text.as_str().to_string(),
        Value::Date(date) => date.to_string(),
        Value::Timestamp(timestamp) => {
            let text = timestamp.to_string();
            match text.strip_suffix(":00.000000Z") {
                Some(short) => format!("{short}Z"),
                None => text,
            }
        }
    }
}

/// A sentence of the door with the task keys between its backticks written as people write them.
pub(crate) fn sentence(text: &str) -> String {
    let pieces: Vec<String> = text
        .split('`')
        .enumerate()
        .map(|(index, piece)| match TaskKey::parse(piece) {
            Ok(key) if index % 2 == 1 => task(&key),
            _ => piece.to_string(),
        })
        .collect();
    pieces.join("`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units_at_most() {
        let rows = [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_000, "1.0 s"),
            (4_290, "4.2 s"),
            (59_999, "59.9 s"),
            (60_000, "1 min 0 s"),
            (125_000, "2 min 5 s"),
            (3_600_000, "1 h 0 min"),
            (86_399_999, "23 h 59 min"),
            (187_200_000, "2 d 4 h"),
        ];
        for (ms, expected) in rows {
            assert_eq!(duration(ms), expected, "{ms}");
        }
    }

    #[test]
    fn a_time_to_wait_has_a_unit() {
        let rows = [
            ("500ms", 500),
            ("90s", 90_000),
            ("10m", 600_000),
            ("2h", 7_200_000),
            ("1d", 86_400_000),
        ];
        for (text, ms) in rows {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_millis(ms)),
                "{text}"
            );
        }
        for text in [
            "",
            "90",
            "s",
            "1.5h",
            "-1s",
            "99999999999999999999s",
            "18446744073709551615d",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_past_is_told_in_one_unit() {
        let rows = [
            (0, "just now"),
            (12_000, "12 s ago"),
            (300_000, "5 min ago"),
            (10_800_000, "3 h ago"),
            (172_800_000, "2 d ago"),
        ];
        for (past, expected) in rows {
            assert_eq!(ago(1_000_000_000, 1_000_000_000 + past), expected);
        }
        assert_eq!(
            ago(2_000, 1_000),
            "just now",
            "the door's clock may be ahead"
        );
    }

    #[test]
    fn the_future_is_told_in_one_unit() {
        let rows = [
            (0, "now"),
            (1, "in 1 s"),
            (59_001, "in 60 s"),
            (300_000, "in 5 min"),
            (10_800_000, "in 3 h"),
            (172_800_000, "in 2 d"),
        ];
        for (left, expected) in rows {
            assert_eq!(ahead(1_000_000_000 + left, 1_000_000_000), expected);
        }
        assert_eq!(ahead(1_000, 2_000), "now");
    }

    #[test]
    fn numbers_have_separators_and_units() {
        let rows = [
            (7, "7", "7 B"),
            (1_234, "1,234", "1.2 KB"),
            (3_000_000, "3,000,000", "3.0 MB"),
        ];
        for (number, separated, sized) in rows {
            assert_eq!(count(number), separated);
            assert_eq!(bytes(number), sized);
        }
        assert_eq!(of(1, "task"), "1 task");
        assert_eq!(of(245, "task"), "245 tasks");
    }

    #[test]
    fn task_keys_are_written_without_types_and_encodings() {
        let rows = [
            ("mart/report:materialize", "mart/report"),
            ("mart/anomalies:check", "mart/anomalies:check"),
            (
                "raw/observations[month=d:2012-01-01,station=s:c2VhdHRsZQ]:materialize",
                "raw/observations[month=2012-01-01,station=seattle]",
            ),
            (
                "raw/hours[hour=t:2025-01-15T08:00:00.000000Z]:check",
                "raw/hours[hour=2025-01-15T08:00Z]:check",
            ),
        ];
        for (key, expected) in rows {
            let parsed = TaskKey::parse(key).expect("a row holds a task key");
            assert_eq!(task(&parsed), expected);
            let said = sentence(&format!("`{key}` waits for `something else`"));
            assert_eq!(said, format!("`{expected}` waits for `something else`"));
        }
    }

    #[test]
    fn a_moment_is_written_in_the_zone_of_the_machine() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(
            in_zone(1_700_000_000_123, zone.clone(), "%Y-%m-%d %H:%M:%S"),
            "2023-11-15 00:13:20"
        );
        assert_eq!(
            in_zone(1_700_000_000_123, zone.clone(), "%H:%M:%S%.3f"),
            "00:13:20.123"
        );
        assert_eq!(in_zone(u64::MAX, zone, "%H"), format!("{} ms", u64::MAX));
    }
}

//! A time zone is an offset at every instant from 1970 on, the same on every target because it is part of the code.

use alloc::sync::Arc;
use core::fmt;

use table::Table;

mod table;
mod rule;

/// Every offset is less than this many seconds away from universal time.
const MAX_OFFSET_S: i64 = 26 * 3_600;

/// A time zone of the IANA database.
///
/// Seconds are counted from 1970 in universal time (`utc_s`), or as the zone's clocks would count them (`local_s`).
/// Before 1970 a zone has the offset that it had then.
#[derive(Clone, PartialEq, Eq)]
pub enum Zone {
    /// Universal time.
    Utc,
    /// Any other zone.
    Local(Arc<Table>),
}

/// A change of a zone's offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The first second with the new offset.
    pub utc_s: i64,
    /// The offset before, in seconds east of universal time.
    pub before_s: i64,
    /// The offset from then on.
    pub after_s: i64,
}

/// What a time on a zone's clocks means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The clocks show it once, at this second.
    Once(i64),
    /// The clocks skip it, at this second.
    Skipped(i64),
    /// The clocks show it twice, first and last at these seconds.
    Twice(i64, i64),
}

impl Zone {
    /// The zone with this name, spelled as in the database; links count.
    pub fn find(name: &str) -> Option<Zone> {
        if matches!(name, "UTC" | "Etc/UTC") {
            return Some(Zone::Utc);
        }
        table::find(name).map(|table| Zone::Local(Arc::new(table)))
    }

    /// Every name, in order.
    pub fn names() -> impl Iterator<Item = alloc::string::String> {
        table::names()
    }

    /// The version of the database, such as `2026a`.
    pub fn version() -> &'static str {
        table::version()
    }

    /// Seconds to add to universal time for what the zone's clocks show.
    pub fn offset_at(&self, utc_s: i64) -> i64 {
        match self {
            Zone::Utc => 0,
            Zone::Local(table) => table.offset_at(utc_s),
        }
    }

    /// The first change of the offset after `utc_s`.
    pub fn next_transition(&self, utc_s: i64) -> Option<Transition> {
        match self {
            Zone::Utc => None,
            Zone::Local(table) => table.next_transition(utc_s),
        }
    }

    /// What a time on the zone's clocks means.
    pub fn moment(&self, local_s: i64) -> Moment {
        let mut from = local_s.saturating_sub(MAX_OFFSET_S);
        let end = local_s.saturating_add(MAX_OFFSET_S);
        let mut shown: Option<(i64, i64)> = None;
        let mut skipped = None;
        loop {
            let next = self.next_transition(from).filter(|next| next.utc_s <= end);
            let until = next.map_or(i64::MAX, |next| next.utc_s);
            let utc_s = local_s.saturating_sub(self.offset_at(from));
            if from <= utc_s && utc_s < until {
                shown = Some(shown.map_or((utc_s, utc_s), |(first, _)| (first, utc_s)));
            }
            let Some(next) = next else {
                break;
            };
            let change = next.utc_s + next.before_s..next.utc_s + next.after_s;
            if change.contains(&local_s) {
                skipped = Some(next.utc_s);
            }
            from = next.utc_s;
        }
        match (shown, skipped) {
            (Some((first, last)), _) if first < last => Moment::Twice(first, last),
            (Some((once, _)), _) => Moment::Once(once),
            (None, Some(at)) => Moment::Skipped(at),
            (None, None) => Moment::Once(local_s.saturating_sub(self.offset_at(local_s))),
        }
    }

    /// The first second of the zone's day that is `day` days after 1970-01-01.
    ///
    /// A day that begins in a gap begins when the gap ends; midnight that comes twice counts the first time.
    pub fn start_of_day(&self, day: i64) -> i64 {
        let local_s = day.saturating_mul(86_400);
        match self {
            Zone::Utc => local_s,
            Zone::Local(_) => match self.moment(local_s) {
                Moment::Once(at) | Moment::Skipped(at) | Moment::Twice(at, _) => at,
            },
        }
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Zone::Utc => formatter.write_str("UTC"),
            Zone::Local(table) => formatter.write_str(table.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_on_the_clocks_is_shown_once_twice_or_never() {
        let rows: &[(&str, i64, Moment)] = &[
            // 2024-03-10 01:59:59, 02:00:00 and 03:00:00 in New York: the clocks go from 2 to 3.
            (
                "America/New_York",
                1_710_035_999,
                Moment::Once(1_710_053_999),
            ),
            (
                "America/New_York",
                1_710_036_000,
                Moment::Skipped(1_710_054_000),
            ),
            (
                "America/New_York",
                1_710_039_600,
                Moment::Once(1_710_054_000),
            ),
            // 2024-11-03 01:00:00: they go back from 2 to 1.
            (
                "America/New_York",
                1_730_595_600,
                Moment::Twice(1_730_610_000, 1_730_613_600),
            ),
            (
                "America/New_York",
                1_730_599_200,
                Moment::Once(1_730_617_200),
            ),
            // 2011-12-30, a day that Apia did not have.
            (
                "Pacific/Apia",
                1_325_203_200,
                Moment::Skipped(1_325_239_200),
            ),
            ("Asia/Kolkata", 0, Moment::Once(-19_800)),
            ("UTC", 7, Moment::Once(7)),
        ];
        for (name, local_s, expected) in rows {
            let zone = Zone::find(name).expect(name);
            assert_eq!(zone.moment(*local_s), *expected, "{name} {local_s}");
        }
    }

    #[test]
    fn a_day_without_midnight_starts_when_the_gap_ends() {
        // Sao Paulo, 2018-11-04: the clocks went from 0 to 1.
        let zone = Zone::find("America/Sao_Paulo").expect("a known zone");
        let start = zone.start_of_day(17_839);
        assert_eq!(start, 17_839 * 86_400 + 3 * 3_600);
        assert_eq!(zone.offset_at(start - 1), -3 * 3_600);
        assert_eq!(zone.offset_at(start), -2 * 3_600);
    }

    #[test]
    fn names_are_spelled_as_in_the_database() {
        for name in [
            "",
            "europe/paris",
            "Europe/Pari",
            "Europe/Paris ",
            "utc",
            "EST5EDT,M3.2.0,M11.1.0",
        ] {
            assert_eq!(Zone::find(name), None, "{name}");
        }
        assert!(Zone::names().count() > 500);
        assert!(Zone::names().all(|name| Zone::find(&name).is_some()));
    }
}

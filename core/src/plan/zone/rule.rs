//! A rule says on which days of every year the clocks change.

use super::Transition;
use crate::identity::partition_key::Date;
use crate::plan::calendar;

/// What a zone does every year once its list of changes ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) standard_s: i64,
    pub(super) summer_s: i64,
    pub(super) start: Day,
    pub(super) end: Day,
}

/// A weekday of a month, as in a POSIX `TZ` string: `M3.2.0/2`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Day {
    /// From 1.
    pub(super) month: u8,
    /// 1 to 4, or 5 for the last.
    pub(super) week: u8,
    /// 0 for Sunday.
    pub(super) weekday: u8,
    /// After midnight, in the offset before the change; beyond a day and below 0 are allowed.
    pub(super) second: i64,
}

impl Rule {
    pub(super) fn offset_at(&self, utc_s: i64) -> i64 {
        let year = year_of(utc_s);
        let around = self.around(year);
        let before = around.iter().rev().find(|change| change.utc_s <= utc_s);
        before.map_or(self.standard_s, |change| change.after_s)
    }

    pub(super) fn next_transition(&self, utc_s: i64) -> Option<Transition> {
        let around = self.around(year_of(utc_s));
        around.into_iter().find(|change| change.utc_s > utc_s)
    }

    /// The changes of a year and of its neighbours, ascending.
    fn around(&self, year: i32) -> [Transition; 6] {
        let [a, b] = self.of_year(year - 1);
        let [c, d] = self.of_year(year);
        let [e, f] = self.of_year(year + 1);
        [a, b, c, d, e, f]
    }

    fn of_year(&self, year: i32) -> [Transition; 2] {
        let start = Transition {
            utc_s: self.start.local_s(year) - self.standard_s,
            before_s: self.standard_s,
            after_s: self.summer_s,
        };
        let end = Transition {
            utc_s: self.end.local_s(year) - self.summer_s,
            before_s: self.summer_s,
            after_s: self.standard_s,
        };
        if start.utc_s < end.utc_s {
            [start, end]
        } else {
            [end, start]
        }
    }
}

impl Day {
    /// The second on the zone's clocks, counted from 1970.
    fn local_s(&self, year: i32) -> i64 {
        let year = year.clamp(1, 9_998);
        let first = Date::from_civil(year, self.month.clamp(1, 12), 1).map_or(0, Date::days);
        let next = match self.month {
            12.. => Date::from_civil(year + 1, 1, 1).map_or(first, Date::days),
            month => Date::from_civil(year, month + 1, 1).map_or(first, Date::days),
        };
        // 1970-01-01 was a Thursday, the fourth day of a week from Sunday.
        let weekday_of_first = (first + 4).rem_euclid(7);
        let until = (i32::from(self.weekday) - weekday_of_first).rem_euclid(7);
        let mut day = first + until + 7 * (i32::from(self.week) - 1);
        while day >= next {
            day -= 7;
        }
        i64::from(day) * 86_400 + self.second
    }
}

fn year_of(utc_s: i64) -> i32 {
    calendar::bounded(utc_s.div_euclid(86_400)).civil().0
}

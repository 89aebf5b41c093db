//! A tick is the first second at which a zone's clocks show a time that is in the fields.

use crate::plan::calendar;
use crate::plan::zone::{Moment, Zone};
use crate::wire::manifest::cron::Cron;

/// Days that a search for a tick looks at: every February 29th comes within eight years.
const MAX_DAYS: i32 = 366 * 9;
/// Times on the clocks that may be skipped or past before a search gives up.
const MAX_TRIES: u32 = 100_000;

/// The first tick after a second of universal time.
///
/// A time that the zone's clocks skip has no tick; one that they show twice has one, the first. Absent when
/// there is none within nine years.
pub fn next_after(cron: &Cron, zone: &Zone, after_s: i64) -> Option<i64> {
    let mut local_s = after_s.saturating_add(zone.offset_at(after_s));
    for _ in 0..MAX_TRIES {
        local_s = next_local(cron, local_s)?;
        match zone.moment(local_s) {
            Moment::Once(at) | Moment::Twice(at, _) if at > after_s => return Some(at),
            _ => {}
        }
    }
    None
}

/// The first time on the clocks after another that is in the fields, seconds from 1970.
fn next_local(cron: &Cron, local_s: i64) -> Option<i64> {
    let minute = local_s.div_euclid(60).checked_add(1)?;
    let mut date = calendar::bounded(minute.div_euclid(1_440));
    let mut from = u32::try_from(minute.rem_euclid(1_440)).ok()?;
    for _ in 0..MAX_DAYS {
        if cron.has_day(date)
            && let Some(minute) = cron.next_minute(from)
        {
            return Some(i64::from(date.days()) * 86_400 + i64::from(minute) * 60);
        }
        from = 0;
        date = date.add_days(1)?;
    }
    None
}

#[cfg(test)]
mod tests;

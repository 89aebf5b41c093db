//! A schedule fires ticks, passes over the ones it missed, and says which and why.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::automation::tick;
use crate::identity::partition_key::Timestamp;
use crate::plan::zone::Zone;
use crate::wire::event::automation::Missed;
use crate::wire::manifest::automation::CatchUp;
use crate::wire::manifest::cron::Cron;

/// A tick that is this much late is still on time: a door and a scheduler need a moment to meet.
pub const ON_TIME_S: i64 = 300;

/// What a schedule does at one look at the clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// The ticks that fire, ascending.
    pub fires: Vec<i64>,
    /// The ticks that are passed over.
    pub missed: Option<Missed>,
    /// The last tick that has been dealt with; the next look starts from here.
    pub cursor_s: i64,
    /// When to look again; at once when it is not in the future. Absent when there is no later tick.
    pub wake_s: Option<i64>,
}

impl Missed {
    /// Why they do not fire, for a person.
    pub fn reason(&self, catch_up: CatchUp) -> String {
        let policy = match catch_up {
            CatchUp::None => "`catchUp` is `none`",
            CatchUp::Latest => "`catchUp` is `latest`, and there is a later one",
            CatchUp::All => "`catchUp` is `all`",
        };
        let were = if self.count == 1 { "was" } else { "were" };
        format!("{} {were} missed, and {policy}", self.words())
    }

    /// Which ones, for a person.
    pub fn words(&self) -> String {
        match self.count {
            1 => format!("the tick of {}", plain(self.first_s)),
            count => format!(
                "{count} ticks from {} to {}",
                plain(self.first_s),
                plain(self.last_s)
            ),
        }
    }
}

/// The ticks after one time and up to another, counted up to `walk`; the last of them is where the next look starts.
pub fn between(cron: &Cron, zone: &Zone, after_s: i64, until_s: i64, walk: u32) -> Option<Missed> {
    let mut missed: Option<Missed> = None;
    let mut at_s = after_s;
    for _ in 0..walk.max(1) {
        match tick::next_after(cron, zone, at_s) {
            Some(tick) if tick <= until_s => {
                let missed = missed.get_or_insert(Missed {
                    first_s: tick,
                    last_s: tick,
                    count: 0,
                });
                missed.last_s = tick;
                missed.count += 1;
                at_s = tick;
            }
            _ => break,
        }
    }
    missed
}

/// What is due at `now_s` after everything up to `cursor_s` has been dealt with.
///
/// A new schedule has the time of its deployment as its cursor. At most `limit` ticks fire and at most `walk` are
/// looked at, so that one look costs a bounded time however long nobody looked; the rest is due at once.
pub fn due(
    cron: &Cron,
    zone: &Zone,
    catch_up: CatchUp,
    cursor_s: i64,
    now_s: i64,
    limit: u32,
    walk: u32,
) -> Due {
    let mut due = Due {
        cursor_s,
        ..Due::default()
    };
    let mut last: Option<i64> = None;
    for _ in 0..walk.max(1) {
        let Some(tick) = tick::next_after(cron, zone, due.cursor_s) else {
            due.settle(last.take(), catch_up, now_s);
            return due;
        };
        let full = catch_up == CatchUp::All && due.fires.len() >= limit as usize;
        if tick > now_s || full {
            due.settle(last.take(), catch_up, now_s);
            due.wake_s = Some(tick);
            return due;
        }
        due.cursor_s = tick;
        if catch_up == CatchUp::All {
            due.fires.push(tick);
        } else if let Some(earlier) = last.replace(tick) {
            due.pass(earlier);
        }
    }
    let next = tick::next_after(cron, zone, due.cursor_s);
    if next.is_some_and(|next| next <= now_s) {
        // There are more ticks than one look may see, so the last of these is not the latest.
        if let Some(earlier) = last {
            due.pass(earlier);
        }
        due.wake_s = Some(now_s);
    } else {
        due.settle(last, catch_up, now_s);
        due.wake_s = next;
    }
    due
}

impl Due {
    /// The latest tick fires when it is on time, or when the policy wants the latest.
    fn settle(&mut self, last: Option<i64>, catch_up: CatchUp, now_s: i64) {
        match last {
            Some(tick) if catch_up == CatchUp::Latest || now_s - tick <= ON_TIME_S => {
                self.fires.push(tick)
            }
            Some(tick) => self.pass(tick),
            None => {}
        }
    }

    fn pass(&mut self, tick: i64) {
        let missed = self.missed.get_or_insert(Missed {
            first_s: tick,
            last_s: tick,
            count: 0,
        });
        missed.last_s = tick;
        missed.count += 1;
    }
}

/// The run key of a tick: asking twice for the run of one tick gives one run.
pub fn run_key(schedule: &str, tick_s: i64) -> String {
    format!("schedule:{schedule}:{tick_s}")
}

/// A second of universal time as people write it.
pub(crate) fn plain(at_s: i64) -> String {
    let at = Timestamp::from_micros(at_s.saturating_mul(1_000_000));
    // Ticks are whole seconds, and a person reads no more of them.
    at.map_or_else(
        |_| format!("{at_s}"),
        |at| format!("{at}").replace(".000000Z", "Z"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-01-01T00:00:00Z.
    const START: i64 = 1_704_067_200;
    const HOUR: i64 = 3_600;
    const LIMIT: u32 = 3;
    const WALK: u32 = 50;

    fn look(catch_up: CatchUp, now_s: i64) -> Due {
        let cron = Cron::parse("0 * * * *").unwrap();
        due(&cron, &Zone::Utc, catch_up, START, now_s, LIMIT, WALK)
    }

    fn expect(fires: &[i64], missed: Option<(i64, i64)>, cursor: i64, wake: i64) -> Due {
        Due {
            fires: fires.iter().map(|hour| START + hour * HOUR).collect(),
            missed: missed.map(|(first, last)| Missed {
                first_s: START + first * HOUR,
                last_s: START + last * HOUR,
                count: (last - first + 1).unsigned_abs(),
            }),
            cursor_s: START + cursor * HOUR,
            wake_s: Some(START + wake * HOUR),
        }
    }

    #[test]
    fn missed_ticks_follow_the_policy() {
        use CatchUp::{All, Latest, None as Never};
        let rows = [
            // A new schedule starts after its deployment, and waits.
            (Never, 0, expect(&[], None, 0, 1)),
            (All, HOUR - 1, expect(&[], None, 0, 1)),
            // On time, whatever the policy.
            (Never, HOUR, expect(&[1], None, 1, 2)),
            (Latest, HOUR + 299, expect(&[1], None, 1, 2)),
            (All, HOUR + 299, expect(&[1], None, 1, 2)),
            // Late.
            (Never, HOUR + 301, expect(&[], Some((1, 1)), 1, 2)),
            (Latest, HOUR + 301, expect(&[1], None, 1, 2)),
            (Never, 4 * HOUR, expect(&[4], Some((1, 3)), 4, 5)),
            (Never, 4 * HOUR + 301, expect(&[], Some((1, 4)), 4, 5)),
            (Latest, 4 * HOUR + 301, expect(&[4], Some((1, 3)), 4, 5)),
            (All, 3 * HOUR, expect(&[1, 2, 3], None, 3, 4)),
            // More than may fire at once: the next is due already.
            (All, 9 * HOUR, expect(&[1, 2, 3], None, 3, 4)),
            // The clock stands before the cursor.
            (All, -HOUR, expect(&[], None, 0, 1)),
        ];
        for (catch_up, after, expected) in rows {
            assert_eq!(
                look(catch_up, START + after),
                expected,
                "{catch_up:?} {after}"
            );
        }
    }

    #[test]
    fn a_long_silence_is_dealt_with_in_bounded_looks() {
        let cron = Cron::parse("* * * * *").unwrap();
        let now = START + 60 * 1_000;
        let (mut cursor, mut fired, mut missed, mut looks) = (START, Vec::new(), 0, 0);
        loop {
            let due = due(&cron, &Zone::Utc, CatchUp::Latest, cursor, now, LIMIT, WALK);
            cursor = due.cursor_s;
            fired.extend(due.fires);
            missed += due.missed.map_or(0, |missed| missed.count);
            looks += 1;
            if due.wake_s > Some(now) {
                break;
            }
        }
        assert_eq!((fired, missed, cursor), (alloc::vec![now], 999, now));
        assert_eq!(looks, 20);
    }

    #[test]
    fn a_reason_says_which_and_why() {
        let missed = look(CatchUp::None, START + 2 * HOUR + 301).missed.unwrap();
        assert_eq!(
            missed.reason(CatchUp::None),
            "2 ticks from 2024-01-01T01:00:00Z to 2024-01-01T02:00:00Z were missed, and `catchUp` is `none`"
        );
        assert_eq!(run_key("nightly", START), "schedule:nightly:1704067200");
    }
}

//! The schedules of a shard are what the current manifest declares, and each has dealt with its ticks up to a cursor.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::automation::backfill::run_of_key;
use crate::automation::schedule::{self, run_key};
use crate::automation::tick;
use crate::identity::digest::Sha256Digest;
use crate::identity::keys::RunKey;
use crate::plan;
use crate::plan::catalog::Catalog;
use crate::plan::zone::Zone;
use crate::wire::event::automation::{Account, Missed, RunRequested, ScheduleSet, ScheduleTicked};
use crate::wire::event::{Event, RunTriggered};
use crate::wire::manifest::automation::Schedule;
use crate::wire::manifest::cron::Cron;
use crate::wire::schedule::{SchedulePage, Skipped};

/// Ticks that one look starts runs for.
const MOST_FIRES: usize = 100;
/// Ticks that one look counts.
const WALK: u32 = 10_000;

/// A schedule, folded.
#[derive(Clone, Debug)]
struct Standing {
    declared: Schedule,
    clock: Clock,
    manifest: Sha256Digest,
    cursor_s: i64,
    is_paused: bool,
    skipped: Option<Skipped>,
    /// When it is looked at next, in seconds since 1970.
    wake_s: Option<i64>,
}

/// What a schedule ticks by.
#[derive(Clone, Debug)]
pub struct Clock {
    cron: Cron,
    zone: Zone,
}

impl Clock {
    /// The clock of a schedule; absent when the schedule could not have been deployed.
    #[must_use]
    pub fn of(schedule: &Schedule) -> Option<Clock> {
        let zone = schedule.time_zone.as_deref().unwrap_or("UTC");
        Some(Clock {
            cron: Cron::parse(&schedule.cron).ok()?,
            zone: Zone::find(zone)?,
        })
    }

    /// The first tick after a time, in seconds since 1970; absent when there is none within nine years.
    #[must_use]
    pub fn next_after(&self, after_s: i64) -> Option<i64> {
        tick::next_after(&self.cron, &self.zone, after_s)
    }
}

/// What is passed over when a schedule that stays gets other ticks: those that were none when their time came.
///
/// `None` when the ticks are the same.
#[must_use]
pub fn skipped_by_change(before: &Schedule, after: &Schedule, at_ms: u64) -> Option<Skipped> {
    let same = before.cron == after.cron && before.time_zone == after.time_zone;
    (!same).then(|| Skipped {
        until_s: seconds(at_ms),
        reason: "came before these fields were deployed".to_string(),
    })
}

/// What is passed over when a schedule goes on after a pause.
#[must_use]
pub fn skipped_by_pause(resumed_ms: u64) -> Skipped {
    Skipped {
        until_s: seconds(resumed_ms),
        reason: "came while the schedule was paused".to_string(),
    }
}

/// The second that a moment is in.
#[must_use]
pub fn seconds(at_ms: u64) -> i64 {
    i64::try_from(at_ms / 1_000).unwrap_or(i64::MAX)
}

/// The schedules of a shard, folded.
#[derive(Clone, Debug, Default)]
pub struct Schedules {
    catalog: Option<Arc<Catalog>>,
    schedules: BTreeMap<String, Standing>,
    wakes: BTreeSet<(i64, String)>,
    /// Records up to here are in it already.
    as_of: u64,
}

impl Schedules {
    /// The schedules as a door shows them; `catalog` is that of the manifest which declares them.
    #[must_use]
    pub fn adopted(page: &SchedulePage, catalog: Option<Arc<Catalog>>) -> Schedules {
        let mut schedules = Schedules {
            catalog,
            as_of: page.as_of,
            ..Schedules::default()
        };
        for view in &page.schedules {
            let Some(clock) = Clock::of(&view.schedule) else {
                continue;
            };
            let standing = Standing {
                declared: view.schedule.clone(),
                clock,
                manifest: view.manifest,
                cursor_s: view.cursor_s,
                is_paused: view.paused.is_some(),
                skipped: view.skipped.clone(),
                wake_s: None,
            };
            schedules.put(view.schedule.name.clone(), standing);
        }
        schedules
    }

    /// Takes the deployment of a manifest. What it does not declare is gone; what stays keeps its cursor; what is new begins here.
    pub fn deploy(
        &mut self,
        seq: u64,
        at_ms: u64,
        manifest: Sha256Digest,
        catalog: Option<Arc<Catalog>>,
    ) {
        if seq <= self.as_of {
            return;
        }
        let mut before = core::mem::take(&mut self.schedules);
        self.wakes.clear();
        let declared = catalog
            .iter()
            .flat_map(|catalog| &catalog.manifest().schedules);
        for declared in declared {
            let Some(clock) = Clock::of(declared) else {
                continue;
            };
            let fresh = Standing {
                declared: declared.clone(),
                clock,
                manifest,
                cursor_s: seconds(at_ms),
                is_paused: false,
                skipped: None,
                wake_s: None,
            };
            let standing = match before.remove(&declared.name) {
                Some(before) => Standing {
                    cursor_s: before.cursor_s,
                    is_paused: before.is_paused,
                    skipped: skipped_by_change(&before.declared, declared, at_ms)
                        .or(before.skipped),
                    ..fresh
                },
                None => fresh,
            };
            self.put(declared.name.clone(), standing);
        }
        self.catalog = catalog;
    }

    /// Takes an event that may be about a schedule.
    pub fn fold(&mut self, seq: u64, at_ms: u64, event: &Event) {
        if seq <= self.as_of {
            return;
        }
        match event {
            Event::ScheduleTicked(body) => self.change(&body.schedule, |standing| {
                standing.cursor_s = standing.cursor_s.max(body.tick_s);
            }),
            Event::ScheduleSet(body) => self.set(body, at_ms),
            _ => {}
        }
    }

    fn set(&mut self, body: &ScheduleSet, at_ms: u64) {
        self.change(&body.schedule, |standing| {
            if standing.is_paused && !body.paused {
                standing.skipped = Some(skipped_by_pause(at_ms));
            }
            standing.is_paused = body.paused;
        });
    }

    fn change(&mut self, name: &str, change: impl FnOnce(&mut Standing)) {
        let Some((name, mut standing)) = self.schedules.remove_entry(name) else {
            return;
        };
        if let Some(wake_s) = standing.wake_s {
            self.wakes.remove(&(wake_s, name.clone()));
        }
        change(&mut standing);
        self.put(name, standing);
    }

    fn put(&mut self, name: String, mut standing: Standing) {
        standing.wake_s = if standing.is_paused {
            None
        } else {
            standing.clock.next_after(standing.cursor_s)
        };
        if let Some(wake_s) = standing.wake_s {
            self.wakes.insert((wake_s, name.clone()));
        }
        self.schedules.insert(name, standing);
    }

    /// When a schedule is due next, in milliseconds since 1970.
    #[must_use]
    pub fn wake_ms(&self) -> Option<u64> {
        let (wake_s, _) = self.wakes.first()?;
        Some(u64::try_from(*wake_s).unwrap_or(0).saturating_mul(1_000))
    }

    /// What follows for the schedules that are due, at most so many events.
    #[must_use]
    pub fn decide(&self, now_ms: u64, plan_tasks: u32, most: usize) -> Vec<Event> {
        let now_s = seconds(now_ms);
        let mut events = Vec::new();
        for (_, name) in self.wakes.iter().take_while(|(wake_s, _)| *wake_s <= now_s) {
            let left = most.saturating_sub(events.len());
            // A tick that fires is two records, and it is not cut in half.
            if left < 2 {
                break;
            }
            if let (Some(standing), Some(catalog)) = (self.schedules.get(name), &self.catalog) {
                events.extend(standing.decide(catalog, now_s, plan_tasks, left));
            }
        }
        events
    }
}

impl Standing {
    fn decide(&self, catalog: &Catalog, now_s: i64, plan_tasks: u32, most: usize) -> Vec<Event> {
        let Clock { cron, zone } = &self.clock;
        if let Some(skipped) = &self.skipped {
            let until_s = skipped.until_s.min(now_s);
            if let Some(missed) = schedule::between(cron, zone, self.cursor_s, until_s, WALK) {
                let reason = format!("{} {}", missed.words(), skipped.reason);
                return Vec::from([self.passed_over(missed, reason)]);
            }
        }
        let catch_up = self.declared.catch_up;
        // One event says which ticks were missed, and each that fires is two.
        let fires = ((most - 1) / 2).clamp(1, MOST_FIRES) as u32;
        let due = schedule::due(cron, zone, catch_up, self.cursor_s, now_s, fires, WALK);
        let missed = due
            .missed
            .map(|missed| self.passed_over(missed, missed.reason(catch_up)));
        let fired = due
            .fires
            .iter()
            .flat_map(|tick_s| self.fire(catalog, *tick_s, plan_tasks));
        missed.into_iter().chain(fired).collect()
    }

    fn passed_over(&self, missed: Missed, reason: String) -> Event {
        Event::ScheduleTicked(ScheduleTicked {
            missed: Some(missed),
            reason: Some(reason),
            ..self.ticked(missed.last_s)
        })
    }

    fn ticked(&self, tick_s: i64) -> ScheduleTicked {
        ScheduleTicked {
            schedule: self.declared.name.clone(),
            manifest: self.manifest,
            tick_s,
            run: None,
            missed: None,
            reason: None,
        }
    }

    /// The run of a tick and the word that it was started, or why it cannot be. The plan is that of the tick's time, so a late tick
    /// runs what it would have run on time.
    fn fire(&self, catalog: &Catalog, tick_s: i64, plan_tasks: u32) -> Vec<Event> {
        let refused = |reason: String| {
            Vec::from([Event::ScheduleTicked(ScheduleTicked {
                reason: Some(reason),
                ..self.ticked(tick_s)
            })])
        };
        let tick_ms = u64::try_from(tick_s).unwrap_or(0).saturating_mul(1_000);
        let trigger = &self.declared.trigger;
        if let Err(error) = plan::compile(catalog, trigger, tick_ms, plan_tasks) {
            let finding = error.finding;
            return refused(format!("{}: {}", finding.code, finding.message));
        }
        let key = RunKey::parse(&run_key(&self.declared.name, tick_s)).ok();
        let Some((key, run)) = key.and_then(|key| Some((key.clone(), run_of_key(tick_ms, &key)?)))
        else {
            return refused("the tick is beyond the time that ids can name".to_string());
        };
        let mut trigger = trigger.clone();
        trigger.run_key = Some(key);
        let triggered = RunTriggered {
            run,
            manifest: self.manifest,
            trigger,
            as_of_ms: Some(tick_ms),
            rerun: None,
        };
        let requested = RunRequested {
            triggered,
            on_account_of: Account::Schedule {
                schedule: self.declared.name.clone(),
                tick_s: Some(tick_s),
            },
        };
        let ticked = ScheduleTicked {
            run: Some(run),
            ..self.ticked(tick_s)
        };
        Vec::from([
            Event::RunRequested(requested),
            Event::ScheduleTicked(ticked),
        ])
    }
}

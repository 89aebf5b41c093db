//! Places are of the workspace: whoever decides for one ledger counts what is open in all the others that this process follows.

use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::time::Duration;

use arcoflow_core::run::decide::decide;
use arcoflow_core::run::world::{Open, World};
use arcoflow_core::wire::event::Event;
use arcoflow_core::wire::scope::Scope;
use arcoflow_core::wire::shard::Shard;
use tokio::sync::watch;

use super::Decider;

/// How long a scheduler that has just started waits to know of every ledger before it gives places away without.
const FIRST_LOOK: Duration = Duration::from_secs(5);
/// What becomes free within this time is looked at once.
const GATHERED: Duration = Duration::from_millis(20);

type ByLedger = BTreeMap<u32, Open>;

/// What is open in each ledger, with what was just decided. The deciders of one process give a place away once. Those of two processes may
/// give the last one away in the same moment, and pass a limit by what was decided within a round trip; nothing but a ledger of its own could
/// keep that exactly.
#[derive(Debug)]
pub(super) struct Places {
    open: watch::Sender<ByLedger>,
}

impl Places {
    pub(super) fn new() -> Places {
        Places {
            open: watch::Sender::new(ByLedger::new()),
        }
    }

    /// Takes what is open in a ledger.
    fn publish(&self, shard: Shard, open: &Open) {
        self.open
            .send_if_modified(|ledgers| put(ledgers, shard, open.clone()));
    }

    /// Decides for one ledger over what is open in the others, and puts down what it has given away before another one decides.
    fn decide(&self, world: &mut World, decide: impl FnOnce(&World) -> Vec<Event>) -> Vec<Event> {
        let mut events = Vec::new();
        self.open.send_if_modified(|ledgers| {
            world.elsewhere = elsewhere(ledgers, world.shard);
            events = decide(world);
            put(ledgers, world.shard, world.open_with(&events))
        });
        events
    }

    /// Whether something was ever said of a ledger.
    fn knows(&self, shard: Shard) -> bool {
        self.open.borrow().contains_key(&shard.index())
    }

    /// Whether something was ever said of every ledger.
    fn is_whole(&self, shard: Shard) -> bool {
        is_whole(&self.open.borrow(), shard)
    }

    /// Ends when something holds of what is open.
    fn until<F>(&self, holds: F) -> impl Future<Output = ()> + use<F>
    where
        F: FnMut(&ByLedger) -> bool,
    {
        let mut open = self.open.subscribe();
        async move {
            if open.wait_for(holds).await.is_err() {
                pending::<()>().await;
            }
        }
    }
}

/// Puts down what is open in a ledger. The answer is whether that is news.
fn put(ledgers: &mut ByLedger, shard: Shard, open: Open) -> bool {
    let is_news = ledgers.get(&shard.index()) != Some(&open);
    if is_news {
        ledgers.insert(shard.index(), open);
    }
    is_news
}

fn elsewhere(ledgers: &ByLedger, shard: Shard) -> Open {
    let mut sum = Open::default();
    for (index, open) in ledgers {
        if *index != shard.index() {
            sum.add(open);
        }
    }
    sum
}

fn is_whole(ledgers: &ByLedger, shard: Shard) -> bool {
    u32::try_from(ledgers.len()) == Ok(shard.count())
}

impl Decider {
    /// Tells the deciders of the other ledgers what is open in this one, once everything in it was read.
    pub(super) fn publish_places(&self) {
        let places = &self.shared.places;
        if !self.shard.is_only() && (self.world.seq >= self.head || places.knows(self.shard)) {
            places.publish(self.shard, self.world.open());
        }
    }

    /// Decides. While it does, no other ledger of this process gives places away.
    pub(super) fn decide(&mut self, scope: &Scope) -> Vec<Event> {
        let now_ms = self.time.now_ms();
        let limits = &self.options.limits;
        if self.shard.is_only() {
            return decide(&self.world, now_ms, scope, limits);
        }
        let places = &self.shared.places;
        places.decide(&mut self.world, |world| {
            decide(world, now_ms, scope, limits)
        })
    }

    /// Whether it is known well enough what is open: everywhere, or as far as a first look goes while a ledger does not answer.
    pub(super) fn knows_places(&self) -> bool {
        self.shard.is_only()
            || self.shared.places.is_whole(self.shard)
            || self.began.elapsed() >= FIRST_LOOK
    }

    /// Ends when it is to be decided again on account of what happened in other ledgers: all of them are known, or places that runs wait
    /// for may have become free.
    pub(super) fn news_from_elsewhere(&self) -> impl Future<Output = ()> + use<> {
        let shard = self.shard;
        let is_known = self.knows_places();
        let first_look = FIRST_LOOK.saturating_sub(self.began.elapsed());
        let whole = self.shared.places.until(move |open| is_whole(open, shard));
        let is_hungry = !shard.is_only() && self.world.is_hungry();
        let seen = self.world.elsewhere.clone();
        let freed = self
            .shared
            .places
            .until(move |open| elsewhere(open, shard).frees(&seen));
        async move {
            if !is_known {
                let _ = tokio::time::timeout(first_look, whole).await;
            } else if is_hungry {
                freed.await;
                tokio::time::sleep(GATHERED).await;
            } else {
                pending::<()>().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arcoflow_core::identity::digest::{Sha256Digest, sha256};
    use arcoflow_core::identity::ids::RunId;
    use arcoflow_core::identity::keys::{TenantId, WorkspaceId};
    use arcoflow_core::plan::catalog::Catalog;
    use arcoflow_core::run::fold::Catalogs;
    use arcoflow_core::run::world::Limits;
    use arcoflow_core::wire::manifest::Manifest;
    use arcoflow_core::wire::record::{GENESIS, Record};
    use serde_json::{Value, json};

    use super::*;

    struct One(Arc<Catalog>);

    impl Catalogs for One {
        fn catalog(&self, _: &Sha256Digest) -> Option<Arc<Catalog>> {
            Some(self.0.clone())
        }
    }

    /// A ledger with a run of one task, after some of its records. The task is in a pool with one place.
    fn world(index: u32, records: usize) -> World {
        let manifest = json!({ "version": 1, "pools": { "p": { "limit": 1 } }, "assets": [{
            "key": "raw/a", "id": "01890a5d-ac96-774b-bcce-b302099a8057", "upstreams": [], "run": { "command": ["true"] }, "pool": "p"
        }] });
        let manifest = Manifest::parse(manifest.to_string().as_bytes()).expect("a manifest");
        let catalog = One(Arc::new(Catalog::new(manifest).expect("a catalog")));
        let home = u8::try_from(index).expect("a home");
        let run = RunId::from_bytes([0; 16]).with_home(home);
        let events: [(&str, Value); 3] = [
            (
                "run_triggered",
                json!({ "run": run, "manifest": sha256(b""), "trigger": { "selection": "raw/a" } }),
            ),
            (
                "run_planned",
                json!({ "run": run, "plan": sha256(b""), "tasks": 1 }),
            ),
            (
                "dispatch_requested",
                json!({ "run": run, "task": "raw/a:materialize", "attempt": 1, "queue": "default" }),
            ),
        ];
        let mut world = World::default().in_shard(shard(index));
        for (seq, (kind, body)) in (1..).zip(events.iter().take(records)) {
            let event = Event::decode(kind, &body.to_string()).expect("an event");
            let record = Record {
                seq,
                at_ms: 1,
                event_id: event.id(),
                kind: (*kind).to_owned(),
                actor: "door".to_owned(),
                cause: None,
                body: event.body().expect("a body"),
                chain: GENESIS,
            };
            world.fold(&record, &catalog, &Limits::default());
        }
        world
    }

    /// What is open after an attempt at one task was asked for.
    fn one_open() -> Open {
        let world = world(0, 3);
        assert_eq!(world.open_attempts(), 1);
        world.open().clone()
    }

    #[test]
    fn the_last_place_is_given_away_once() {
        let scope = Scope {
            tenant: TenantId::parse("acme").expect("a tenant"),
            workspace: WorkspaceId::parse("main").expect("a workspace"),
        };
        let decided = |places: &Places, world: &mut World| {
            let events = places.decide(world, |world| decide(world, 1, &scope, &Limits::default()));
            events.iter().map(Event::kind).collect::<Vec<_>>()
        };
        let places = Places::new();
        let (mut one, mut other) = (world(0, 2), world(1, 2));
        assert_eq!(decided(&places, &mut one), ["dispatch_requested"]);
        // What the first has decided is in no ledger yet.
        assert!(decided(&places, &mut other).is_empty());
        places.publish(shard(0), &Open::default());
        assert_eq!(decided(&places, &mut other), ["dispatch_requested"]);
    }

    fn shard(index: u32) -> Shard {
        Shard::new(index, 2).expect("a shard")
    }

    #[test]
    fn a_ledger_counts_what_is_open_in_the_others() {
        let places = Places::new();
        assert!(!places.is_whole(shard(0)));
        places.publish(shard(1), &one_open());
        assert!(!places.is_whole(shard(0)) && places.knows(shard(1)));
        places.publish(shard(0), &Open::default());
        assert!(places.is_whole(shard(0)));
        for (index, expected) in [(0, 1), (1, 0)] {
            let mut world = World::default();
            world.elsewhere = elsewhere(&places.open.borrow(), shard(index));
            assert_eq!(world.open_attempts(), expected);
            assert_eq!(world.open_in_queue("default"), expected);
        }
    }

    #[tokio::test]
    async fn whoever_waits_for_a_place_is_told_of_a_change_elsewhere() {
        let places = Places::new();
        places.publish(shard(1), &one_open());
        let seen = elsewhere(&places.open.borrow(), shard(0));
        let changed = places.until(move |open| elsewhere(open, shard(0)).frees(&seen));
        tokio::pin!(changed);
        // What the waiting ledger does itself is no news to it.
        places.publish(shard(0), &one_open());
        tokio::select! {
            biased;
            () = &mut changed => panic!("nothing has changed elsewhere"),
            () = async {} => {}
        }
        places.publish(shard(1), &Open::default());
        changed.await;
    }
}

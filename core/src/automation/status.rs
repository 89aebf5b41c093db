//! The state of a partition is a bit at its ordinal, so that millions of them are looked at in a moment.

use alloc::vec::Vec;

use roaring::RoaringBitmap;

use crate::wire::asset::{PartitionCounts as Counts, PartitionState as State};

/// The states of an asset's partitions, by ordinal below 2^32.
///
/// Each partition is in one state; what is in none of the sets is missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Partitions {
    running: RoaringBitmap,
    succeeded: RoaringBitmap,
    failed: RoaringBitmap,
    stale: RoaringBitmap,
}

impl Partitions {
    /// The states that overlapping sets amount to: what runs is running, else what failed last is failed, else what is out of date is stale.
    #[must_use]
    pub fn of(
        made: RoaringBitmap,
        failed: RoaringBitmap,
        stale: RoaringBitmap,
        running: RoaringBitmap,
    ) -> Partitions {
        let failed = failed - &running;
        let stale = (stale & &made) - &running - &failed;
        Partitions {
            succeeded: made - &running - &failed - &stale,
            running,
            failed,
            stale,
        }
    }

    /// Puts a partition into a state.
    pub fn set(&mut self, ordinal: u32, state: State) {
        for (of, set) in self.sets() {
            if of == state {
                set.insert(ordinal);
            } else {
                set.remove(ordinal);
            }
        }
    }

    /// Puts the partitions from one ordinal to before another into a state.
    pub fn set_range(&mut self, from: u32, to: u32, state: State) {
        for (of, set) in self.sets() {
            if of == state {
                set.insert_range(from..to);
            } else {
                set.remove_range(from..to);
            }
        }
    }

    /// The state of a partition.
    pub fn state(&self, ordinal: u32) -> State {
        let states = [
            State::Running,
            State::Succeeded,
            State::Failed,
            State::Stale,
        ];
        let holds = |state: &State| self.set_of(*state).is_some_and(|set| set.contains(ordinal));
        states.into_iter().find(holds).unwrap_or(State::Missing)
    }

    /// How many of the first `total` partitions are in each state.
    pub fn counts(&self, total: u32) -> Counts {
        let below = |set: &RoaringBitmap| set.range_cardinality(0..total);
        let mut counts = Counts {
            missing: 0,
            running: below(&self.running),
            succeeded: below(&self.succeeded),
            failed: below(&self.failed),
            stale: below(&self.stale),
        };
        let known = counts.running + counts.succeeded + counts.failed + counts.stale;
        counts.missing = u64::from(total).saturating_sub(known);
        counts
    }

    /// The first ordinals of a state, at most `limit`, from one on and below `total`.
    pub fn page(&self, state: State, from: u32, total: u32, limit: u32) -> Vec<u32> {
        let limit = limit as usize;
        match self.set_of(state) {
            Some(set) => {
                let mut ordinals = set.iter();
                ordinals.advance_to(from);
                ordinals
                    .take_while(|ordinal| *ordinal < total)
                    .take(limit)
                    .collect()
            }
            None => self.missing(from, total, limit),
        }
    }

    /// The gaps between what is known, run by run.
    fn missing(&self, from: u32, total: u32, limit: usize) -> Vec<u32> {
        let mut found = Vec::new();
        let mut at = from;
        while at < total && found.len() < limit {
            match self.end_of_known(at) {
                Some(end) => at = end,
                None => {
                    let room = u32::try_from(limit - found.len()).unwrap_or(u32::MAX);
                    let end = self.start_of_known(at, total).min(at.saturating_add(room));
                    found.extend(at..end);
                    at = end;
                }
            }
        }
        found
    }

    /// The ordinal after the run of one state that holds this one; absent when it is missing.
    fn end_of_known(&self, at: u32) -> Option<u32> {
        self.known().into_iter().find_map(|set| {
            let mut ranges = set.iter();
            ranges.advance_to(at);
            let range = ranges.next_range().filter(|range| *range.start() == at)?;
            Some(range.end().saturating_add(1))
        })
    }

    /// The first known ordinal from one on.
    fn start_of_known(&self, at: u32, total: u32) -> u32 {
        let first = |set: &RoaringBitmap| {
            let mut ordinals = set.iter();
            ordinals.advance_to(at);
            ordinals.next()
        };
        self.known()
            .into_iter()
            .filter_map(first)
            .min()
            .unwrap_or(total)
            .min(total)
    }

    /// Stores runs as runs; worth a call after many changes.
    pub fn compact(&mut self) {
        for (_, set) in self.sets() {
            set.optimize();
        }
    }

    /// The bytes that the sets hold.
    pub fn memory_bytes(&self) -> usize {
        let bytes = self.known().map(|set| {
            let held = set.statistics();
            held.n_bytes_array_containers
                + held.n_bytes_run_containers
                + held.n_bytes_bitset_containers
        });
        usize::try_from(bytes.into_iter().sum::<u64>()).unwrap_or(usize::MAX)
    }

    fn known(&self) -> [&RoaringBitmap; 4] {
        [&self.succeeded, &self.failed, &self.running, &self.stale]
    }

    fn set_of(&self, state: State) -> Option<&RoaringBitmap> {
        match state {
            State::Missing => None,
            State::Running => Some(&self.running),
            State::Succeeded => Some(&self.succeeded),
            State::Failed => Some(&self.failed),
            State::Stale => Some(&self.stale),
        }
    }

    fn sets(&mut self) -> [(State, &mut RoaringBitmap); 4] {
        [
            (State::Running, &mut self.running),
            (State::Succeeded, &mut self.succeeded),
            (State::Failed, &mut self.failed),
            (State::Stale, &mut self.stale),
        ]
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const STATES: [State; 5] = State::ALL;

    proptest! {
        #[test]
        fn sets_answer_as_a_map_would(
            changes in proptest::collection::vec((0u32..300, 0u32..40, 0usize..5), 0..40),
            from in 0u32..350,
            total in 0u32..350,
            limit in 0u32..60,
        ) {
            let mut partitions = Partitions::default();
            let mut map = BTreeMap::new();
            for (start, length, state) in changes {
                if length == 0 {
                    partitions.set(start, STATES[state]);
                    map.insert(start, STATES[state]);
                } else {
                    partitions.set_range(start, start + length, STATES[state]);
                    map.extend((start..start + length).map(|ordinal| (ordinal, STATES[state])));
                }
            }
            partitions.compact();
            let of = |ordinal: u32| map.get(&ordinal).copied().unwrap_or(State::Missing);
            let counts = partitions.counts(total);
            for (state, count) in STATES.iter().zip([
                counts.missing,
                counts.running,
                counts.succeeded,
                counts.failed,
                counts.stale,
            ]) {
                let all: Vec<u32> = (0..total).filter(|ordinal| of(*ordinal) == *state).collect();
                prop_assert_eq!(count, all.len() as u64);
                let page: Vec<u32> = all.into_iter().filter(|ordinal| *ordinal >= from).take(limit as usize).collect();
                prop_assert_eq!(partitions.page(*state, from, total, limit), page);
            }
            for ordinal in 0..350 {
                prop_assert_eq!(partitions.state(ordinal), of(ordinal));
            }
        }
    }

    #[test]
    fn fifty_million_partitions_fit_in_a_megabyte() {
        const TOTAL: u32 = 50_000_000;
        let mut partitions = Partitions::default();
        partitions.set_range(0, TOTAL, State::Succeeded);
        for index in 0..10_000 {
            partitions.set(index * 4_999, State::Failed);
            partitions.set(index * 4_999 + 7, State::Missing);
            partitions.set_range(index * 4_999 + 100, index * 4_999 + 120, State::Stale);
        }
        partitions.compact();
        assert!(
            partitions.memory_bytes() < 1_000_000,
            "{} bytes",
            partitions.memory_bytes()
        );
        let counts = partitions.counts(TOTAL);
        assert_eq!(
            (counts.failed, counts.missing, counts.stale),
            (10_000, 10_000, 200_000)
        );
        assert_eq!(
            partitions.page(State::Missing, 4_999 * 5_000, TOTAL, 2),
            [24_995_007, 25_000_006]
        );
        let after_the_last = 4_999 * 9_999 + 8;
        assert!(
            partitions
                .page(State::Missing, after_the_last, TOTAL, 2)
                .is_empty()
        );
    }
}

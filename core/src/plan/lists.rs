//! A list of numbers for each number, in two arrays.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use crate::plan::step::step;

/// For each number from 0 on the others that belong to it, ascending.
#[derive(Clone, Debug)]
pub(super) struct Lists {
    /// The list of a number is `targets[starts[number]..starts[number + 1]]`.
    starts: Vec<u32>,
    targets: Vec<u32>,
}

impl Lists {
    /// No list yet, with room for so many lists and targets.
    pub(super) fn with_capacity(lists: usize, targets: usize) -> Lists {
        let mut starts = Vec::with_capacity(lists + 1);
        starts.push(0);
        Lists {
            starts,
            targets: Vec::with_capacity(targets),
        }
    }

    /// Appends to the list that is being written.
    pub(super) fn push(&mut self, target: u32) {
        step();
        self.targets.push(target);
    }

    /// Ends the list that is being written; the next one begins.
    pub(super) fn close(&mut self) {
        let end = u32::try_from(self.targets.len()).unwrap_or(u32::MAX);
        self.starts.push(end);
    }

    /// How many lists are written.
    pub(super) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// How many targets they have together.
    pub(super) fn targets(&self) -> usize {
        self.targets.len()
    }

    /// The list of a number.
    pub(super) fn of(&self, number: u32) -> &[u32] {
        &self.targets[bounds(&self.starts, number)]
    }

    /// The same from the other end, by counting: for each number those in whose lists it stands. No target is beyond the lists.
    pub(super) fn reversed(&self) -> Lists {
        // While the sources are written, `starts[target + 1]` is where the next one of a target goes; then it is where the next target begins.
        let mut starts = vec![0u32; self.len() + 2];
        for &target in &self.targets {
            step();
            starts[target as usize + 2] += 1;
        }
        for index in 1..starts.len() {
            starts[index] += starts[index - 1];
        }
        let mut sources = vec![0; self.targets.len()];
        for (number, range) in (0u32..).zip(self.starts.windows(2)) {
            for &target in &self.targets[range[0] as usize..range[1] as usize] {
                step();
                let slot = &mut starts[target as usize + 1];
                sources[*slot as usize] = number;
                *slot += 1;
            }
        }
        starts.truncate(self.len() + 1);
        Lists {
            starts,
            targets: sources,
        }
    }

    /// The 32-bit words that they hold.
    pub(super) fn words(&self) -> usize {
        self.starts.capacity() + self.targets.capacity()
    }
}

fn bounds(starts: &[u32], number: u32) -> Range<usize> {
    starts[number as usize] as usize..starts[number as usize + 1] as usize
}

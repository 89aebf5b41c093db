//! A bar shows what is done, what failed, what runs and what is left, in this order and in their proportions.

use std::collections::BTreeMap;

use arcoflow_core::wire::view::TaskState;

use crate::cli::screen::Tone;
use crate::cli::words;

/// The tasks of an asset or a run, counted by what a reader makes of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Done.
    pub(crate) succeeded: u32,
    /// Failed for good.
    pub(crate) failed: u32,
    /// Not run because of a failure.
    pub(crate) skipped: u32,
    /// Cut short.
    pub(crate) cancelled: u32,
    /// With a worker.
    pub(crate) running: u32,
    /// Waiting for another attempt.
    pub(crate) retrying: u32,
    /// Waiting for a worker.
    pub(crate) dispatched: u32,
    /// Waiting for anything else.
    pub(crate) waiting: u32,
}

impl Tally {
    /// The tally of counted states.
    pub(crate) fn of(counts: &BTreeMap<TaskState, u32>) -> Tally {
        let count = |state| counts.get(&state).copied().unwrap_or(0);
        Tally {
            succeeded: count(TaskState::Succeeded),
            failed: count(TaskState::Failed),
            skipped: count(TaskState::Skipped),
            cancelled: count(TaskState::Cancelled),
            running: count(TaskState::Running),
            retrying: count(TaskState::RetryWait),
            dispatched: count(TaskState::Dispatched),
            waiting: count(TaskState::Blocked) + count(TaskState::Ready),
        }
    }

    /// All tasks.
    pub(crate) fn total(&self) -> u32 {
        self.ended() + self.running + self.retrying + self.dispatched + self.waiting
    }

    /// Tasks in a final state.
    pub(crate) fn ended(&self) -> u32 {
        self.succeeded + self.failed + self.skipped + self.cancelled
    }

    /// What is worth saying, the worst first: `1 failed, 8 skipped`.
    pub(crate) fn words(&self) -> Vec<(String, Tone)> {
        let rows = [
            (self.failed, "failed", Tone::Bad),
            (self.cancelled, "cancelled", Tone::Careful),
            (self.skipped, "skipped", Tone::Careful),
            (self.retrying, "retrying", Tone::Careful),
            (self.running, "running", Tone::Busy),
            (self.dispatched, "queued", Tone::Quiet),
        ];
        rows.into_iter()
            .filter(|(count, _, _)| *count > 0)
            .map(|(count, word, tone)| (format!("{} {word}", words::count(u64::from(count))), tone))
            .collect()
    }

    /// The bar as runs of equal cells, `width` cells in all.
    pub(crate) fn cells(&self, width: usize) -> Vec<(String, Tone)> {
        let parts = [
            (self.succeeded, '━', Tone::Good),
            (self.failed, '━', Tone::Bad),
            (self.cancelled + self.skipped, '╌', Tone::Careful),
            (self.running + self.retrying, '━', Tone::Busy),
            (self.dispatched + self.waiting, '─', Tone::Quiet),
        ];
        let widths = share(&parts.map(|(count, _, _)| count), width);
        parts
            .into_iter()
            .zip(widths)
            .filter(|(_, cells)| *cells > 0)
            .map(|((_, mark, tone), cells)| (mark.to_string().repeat(cells), tone))
            .collect()
    }
}

/// Splits `width` cells in proportion; whatever there is gets a cell, at the cost of the largest part.
fn share(parts: &[u32], width: usize) -> Vec<usize> {
    let total: u64 = parts.iter().map(|part| u64::from(*part)).sum();
    let mut cells = vec![0; parts.len()];
    if total == 0 {
        return cells;
    }
    let mut seen = 0;
    let mut drawn = 0;
    for (cell, part) in cells.iter_mut().zip(parts) {
        seen += u64::from(*part);
        let end = usize::try_from(seen * width as u64 / total).unwrap_or(width);
        *cell = end - drawn;
        drawn = end;
    }
    for index in 0..cells.len() {
        let largest = (0..cells.len())
            .max_by_key(|other| cells[*other])
            .unwrap_or(0);
        if parts[index] > 0 && cells[index] == 0 && cells[largest] > 1 {
            cells[largest] -= 1;
            cells[index] = 1;
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_shared_in_proportion_and_nothing_vanishes() {
        let rows: &[(&[u32], usize, &[usize])] = &[
            (&[0, 0, 0], 10, &[0, 0, 0]),
            (&[1, 1], 10, &[5, 5]),
            (&[1, 2], 10, &[3, 7]),
            (&[95, 1], 10, &[9, 1]),
            (&[1, 1_000, 1], 10, &[1, 8, 1]),
            (&[7], 30, &[30]),
            (&[1, 1, 1], 2, &[0, 1, 1]),
        ];
        for (parts, width, expected) in rows {
            let cells = share(parts, *width);
            assert_eq!(&cells, expected, "{parts:?}");
        }
    }

    #[test]
    fn a_tally_says_the_worst_first() {
        let tally = Tally {
            failed: 1,
            skipped: 8,
            succeeded: 230,
            running: 2,
            ..Tally::default()
        };
        let said: Vec<String> = tally.words().into_iter().map(|(text, _)| text).collect();
        assert_eq!(said, ["1 failed", "8 skipped", "2 running"]);
        assert_eq!(tally.total(), 241);
    }
}

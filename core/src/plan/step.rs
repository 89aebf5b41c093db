//! Steps are counted while testing, so that "linear" is a number and not a feeling.

/// One comparison, visit or edge of an inner loop; nothing outside of tests.
#[inline(always)]
pub(super) fn step() {
    #[cfg(test)]
    counter::add();
}

#[cfg(test)]
pub(super) use counter::during;

#[cfg(test)]
mod counter {
    extern crate std;

    use core::cell::Cell;

    std::thread_local! {
        static STEPS: Cell<u64> = const { Cell::new(0) };
    }

    pub(super) fn add() {
        STEPS.with(|steps| steps.set(steps.get() + 1));
    }

    /// What a function gives, and the steps that it took.
    pub(in crate::plan) fn during<T>(run: impl FnOnce() -> T) -> (T, u64) {
        let before = STEPS.with(Cell::get);
        let given = run();
        (given, STEPS.with(Cell::get) - before)
    }
}

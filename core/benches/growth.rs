//! The speeds that core promises: plans of any size, a fold of a million records, fifty million partitions.

#[path = "plan/shapes.rs"]
mod shapes;
#[path = "growth/records.rs"]
mod records;
#[path = "growth/time.rs"]
mod time;
#[path = "growth/walk.rs"]
mod walk;
#[path = "growth/plans.rs"]
mod plans;
#[path = "growth/folds.rs"]
mod folds;
#[path = "growth/partitions.rs"]
mod partitions;

fn main() {
    plans::measure();
    folds::measure();
    partitions::measure();
}

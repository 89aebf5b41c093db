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

/// What is measured, by the word that asks for it alone.
const PARTS: [(&str, fn()); 3] = [
    ("plans", plans::measure),
    ("folds", folds::measure),
    ("partitions", partitions::measure),
];

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let is_asked = |name: &str| asked.iter().any(|word| word == name);
    let has_words = PARTS.iter().any(|(name, _)| is_asked(name));
    for (name, measure) in PARTS {
        if !has_words || is_asked(name) {
            measure();
        }
    }
}

//! Every story is true of the core's own door, over SQLite in memory.

use arcoflow_stories::library::{play_on_core, stories};

#[test]
fn every_story_is_true() {
    let stories = stories().unwrap();
    assert!(stories.len() >= 200, "{} stories", stories.len());
    let mut untrue = Vec::new();
    for story in &stories {
        match play_on_core(story) {
            Ok(trace) => assert_eq!(trace.fingerprints.len(), story.steps.len() + 1),
            Err(problem) => untrue.push(problem),
        }
    }
    assert!(
        untrue.is_empty(),
        "{} of {}:\n{}",
        untrue.len(),
        stories.len(),
        untrue.join("\n\n")
    );
}

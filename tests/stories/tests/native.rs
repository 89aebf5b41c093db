//! Every story is true of the core's own door, over SQLite in memory.

use std::path::Path;

use arcoflow_stories::door::CoreDoor;
use arcoflow_stories::player::play;
use arcoflow_stories::{sqlite, story};

#[test]
fn every_story_is_true() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/run");
    let (mut told, mut untrue) = (0, Vec::new());
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "scenario") {
            continue;
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        for story in story::read::read(&name, &text).unwrap() {
            told += 1;
            let mut door = CoreDoor::open(sqlite::empty).unwrap();
            if let Err(problem) = play(&story, &mut door) {
                untrue.push(problem);
            }
        }
    }
    assert!(
        untrue.is_empty(),
        "{} of {told}:\n{}",
        untrue.len(),
        untrue.join("\n\n")
    );
}

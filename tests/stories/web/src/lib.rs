//! The core plays the stories in WebAssembly, and lives the lives of the simulator; JavaScript lends it SQLite and nothing else.

mod store;

use arcoflow_simulator::Life;
use arcoflow_simulator::settings::Settings;
use arcoflow_stories::door::CoreDoor;
use arcoflow_stories::player::play;
use arcoflow_stories::story::read::read;
use wasm_bindgen::prelude::wasm_bindgen;

/// Plays the stories of a file. The answer has a line for each: its name, a tabulator, and the fingerprints after its steps with commas
/// between them; or its name, a tabulator, an exclamation mark and what went another way.
#[wasm_bindgen]
#[must_use]
pub fn play_file(name: &str, text: &str) -> String {
    let stories = match read(name, text) {
        Ok(stories) => stories,
        Err(problem) => return line(name, &Err(problem)),
    };
    let played = stories.iter().map(|story| {
        let trace = CoreDoor::open(store::empty).and_then(|mut door| play(story, &mut door));
        line(
            &story.name,
            &trace.map(|trace| trace.fingerprints.join(",")),
        )
    });
    played.collect()
}

/// Lives the life of a seed for so many simulated hours; the answer is its report as JSON.
#[wasm_bindgen]
#[must_use]
pub fn live(seed: u32, hours: u32) -> String {
    let settings = Settings::new(u64::from(seed), u64::from(hours));
    let report = Life::new(&settings, store::empty).run(false);
    report.to_json().to_string()
}

fn line(name: &str, played: &Result<String, String>) -> String {
    match played {
        Ok(fingerprints) => format!("{name}\t{fingerprints}\n"),
        Err(problem) => format!("{name}\t!{}\n", problem.replace('\n', " ⏎ ")),
    }
}

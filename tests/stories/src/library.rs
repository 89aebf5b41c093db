//! The stories of the repository, all of them, counted twice.

use std::path::{Path, PathBuf};

use crate::door::CoreDoor;
use crate::player::{Trace, play};
use crate::sqlite;
use crate::story::Story;
use crate::story::read::read;

/// The files, with their names without the ending and their texts, in the order of their names.
///
/// # Errors
/// A file that cannot be read.
pub fn files() -> Result<Vec<(String, String)>, String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/run");
    let say = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&directory)
        .map_err(|error| say(&directory, &error))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "scenario"))
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let text = std::fs::read_to_string(path).map_err(|error| say(path, &error))?;
            Ok((name.into_owned(), text))
        })
        .collect()
}

/// Every story. A line that begins one and is not read as one is an error.
///
/// # Errors
/// The first line that is wrong.
pub fn stories() -> Result<Vec<Story>, String> {
    let mut stories = Vec::new();
    for (name, text) in files()? {
        let counted = text
            .lines()
            .filter(|line| line.starts_with("story "))
            .count();
        let read = read(&name, &text)?;
        if read.len() != counted {
            return Err(format!(
                "{name}.scenario begins {counted} stories, and {} were read",
                read.len()
            ));
        }
        stories.extend(read);
    }
    Ok(stories)
}

/// Plays a story on the core over SQLite in memory.
///
/// # Errors
/// The step that went another way.
pub fn play_on_core(story: &Story) -> Result<Trace, String> {
    let mut door = CoreDoor::open(sqlite::empty)?;
    play(story, &mut door)
}

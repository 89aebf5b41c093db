//! Directories of finished attempts stay for a person to look at, the newest of them only.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use arcoflow_core::wire::callback::Outcome;

use super::directory::{Directory, remove_tree};
use super::output;

/// The directories of finished attempts, `work/done/<attemptId>`.
#[derive(Debug)]
pub(crate) struct Retention {
    data_dir: PathBuf,
    done: PathBuf,
    keep: usize,
    kept: Mutex<VecDeque<PathBuf>>,
}

impl Retention {
    /// Takes over what earlier lives have kept.
    pub(crate) fn open(data_dir: &Path, work: &Path, keep: usize) -> io::Result<Retention> {
        let done = work.join("done");
        fs::create_dir_all(&done)?;
        let mut found: Vec<(SystemTime, PathBuf)> = fs::read_dir(&done)?
            .filter_map(|entry| {
                let entry = entry.ok()?;
                Some((entry.metadata().ok()?.modified().ok()?, entry.path()))
            })
            .collect();
        found.sort();
        let kept = found.into_iter().map(|(_, path)| path).collect();
        Ok(Retention {
            data_dir: data_dir.to_owned(),
            done,
            keep,
            kept: Mutex::new(kept),
        })
    }

    /// Moves a directory to the finished ones, and throws away the oldest of those when there are too many.
    pub(crate) fn keep(&self, directory: &Directory) -> io::Result<()> {
        let Some(name) = directory.path().file_name() else {
            return Ok(());
        };
        let kept = self.done.join(name);
        remove_tree(&kept)?;
        fs::rename(directory.path(), &kept)?;
        for oldest in self.push(kept) {
            self.throw_away(&Directory::at(oldest))?;
        }
        Ok(())
    }

    fn push(&self, path: PathBuf) -> Vec<PathBuf> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back(path);
        let surplus = kept.len().saturating_sub(self.keep);
        kept.drain(..surplus).collect()
    }

    /// The output of an attempt that did not succeed is of no use to anybody but who looks at the attempt.
    fn throw_away(&self, directory: &Directory) -> io::Result<()> {
        let succeeded = directory
            .outcome()
            .is_some_and(|report| report.outcome == Outcome::Succeeded);
        if let (false, Some(envelope)) = (succeeded, directory.envelope()) {
            remove_tree(&output::directory(&self.data_dir, &envelope))?;
        }
        directory.remove()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::group::NotStarted;
    use crate::worker::result_file::ResultFile;
    use crate::worker::sample::envelope;
    use crate::worker::verdict::{self, Ending, Made};
    use arcoflow_core::wire::event::ErrorCategory;

    #[test]
    fn the_newest_stay_and_failed_output_goes_with_its_attempt() {
        let scratch = tempfile::tempdir().unwrap();
        let work = scratch.path().join("work");
        let mut outputs = Vec::new();
        for number in 0..6 {
            let retention = Retention::open(scratch.path(), &work, 2).unwrap();
            let envelope = envelope(None);
            let directory = Directory::of(&work, &envelope);
            directory.create(&envelope).unwrap();
            let out = output::directory(scratch.path(), &envelope);
            output::create_empty(&out).unwrap();
            let failed = Ending::NotStarted(NotStarted {
                category: ErrorCategory::Configuration,
                message: String::new(),
            });
            let made = Made {
                directory: None,
                bytes: 0,
            };
            let result = ResultFile::default();
            let report = if number % 2 == 0 {
                verdict::success(&envelope, "w", result, &made)
            } else {
                verdict::of(&failed, &envelope, "w", Ok(result), "")
            };
            directory.conclude(&report).unwrap();
            retention.keep(&directory).unwrap();
            assert!(!directory.path().exists());
            outputs.push(out);
            // Directories are told apart by when they were changed, to the resolution of the file system.
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert_eq!(fs::read_dir(work.join("done")).unwrap().count(), 2);
        let there: Vec<bool> = outputs.iter().map(|out| out.exists()).collect();
        assert_eq!(there, [true, false, true, false, true, true]);
    }
}

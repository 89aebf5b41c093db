//! What is known of an attempt stands in its directory, so that the next life of the worker can go on where this one ended.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use arcoflow_core::wire::callback::Completed;
use arcoflow_core::wire::envelope::Envelope;

use super::group::Identity;

/// The directory of one attempt: `work/<attemptId>`.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    path: PathBuf,
}

impl Directory {
    /// The directory of an attempt under `work`, whether it is there or not.
    pub(crate) fn of(work: &Path, envelope: &Envelope) -> Directory {
        Directory {
            path: work.join(envelope.attempt_id.to_string()),
        }
    }

    /// A directory that is there.
    pub(crate) fn at(path: PathBuf) -> Directory {
        Directory { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the program finds what it is to do.
    pub(crate) fn envelope_path(&self) -> PathBuf {
        self.path.join("envelope.json")
    }

    /// Where the program says what it did.
    pub(crate) fn result_path(&self) -> PathBuf {
        self.path.join("result.json")
    }

    /// What the program printed.
    pub(crate) fn log_path(&self) -> PathBuf {
        self.path.join("log")
    }

    fn started_path(&self) -> PathBuf {
        self.path.join("started")
    }

    fn pid_path(&self) -> PathBuf {
        self.path.join("pid")
    }

    fn outcome_path(&self) -> PathBuf {
        self.path.join("outcome.json")
    }

    /// Makes the directory and puts the envelope into it, durably. Only the worker's user may look: the envelope holds the token.
    pub(crate) fn create(&self, envelope: &Envelope) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.path)?;
        write_durably(&self.envelope_path(), &json_of(envelope))?;
        sync_directory(self.path.parent().unwrap_or(&self.path))
    }

    /// Puts a changed envelope in place of the one that is there. A token that is lost with the power is renewed or expires.
    pub(crate) fn replace_envelope(&self, envelope: &Envelope) -> io::Result<()> {
        replace(&self.envelope_path(), &json_of(envelope), false)
    }

    pub(crate) fn envelope(&self) -> Option<Envelope> {
        serde_json::from_slice(&fs::read(self.envelope_path()).ok()?).ok()
    }

    /// Notes that the door takes this worker for the one that runs the attempt.
    pub(crate) fn mark_started(&self) -> io::Result<()> {
        File::create(self.started_path()).map(drop)
    }

    pub(crate) fn is_started(&self) -> bool {
        self.started_path().exists()
    }

    /// Notes which process runs the program.
    pub(crate) fn note_process(&self, identity: &Identity) -> io::Result<()> {
        replace(&self.pid_path(), identity.to_string().as_bytes(), false)
    }

    pub(crate) fn process(&self) -> Option<Identity> {
        Identity::parse(&fs::read_to_string(self.pid_path()).ok()?)
    }

    /// Notes how the attempt ended, durably: from here on nothing else is reported.
    pub(crate) fn conclude(&self, outcome: &Completed) -> io::Result<()> {
        write_durably(&self.outcome_path(), &json_of(outcome))
    }

    pub(crate) fn outcome(&self) -> Option<Completed> {
        serde_json::from_slice(&fs::read(self.outcome_path()).ok()?).ok()
    }

    /// Throws the directory away.
    pub(crate) fn remove(&self) -> io::Result<()> {
        remove_tree(&self.path)
    }
}

fn json_of<T: serde::Serialize>(value: &T) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
    text.push(b'\n');
    text
}

/// Writes a file that is wholly there or not at all, and is still there after the power was cut. Only its user may read it.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, true)?;
    sync_directory(path.parent().unwrap_or(path))
}

fn replace(path: &Path, bytes: &[u8], synced: bool) -> io::Result<()> {
    let half = path.with_extension("half");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&half)?;
    file.write_all(bytes)?;
    if synced {
        file.sync_all()?;
    }
    fs::rename(half, path)
}

/// Makes what was created, renamed or removed in a directory last.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Removes a directory and what is in it; it may be gone already.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

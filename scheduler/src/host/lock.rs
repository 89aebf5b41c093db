//! Two processes never write one ledger: SQLite would let them, so a lock beside it does not.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// How long the lock of a holder that is dead is waited for: a child that it was starting has it until the child's own program begins.
/// A holder that cannot be seen from here, in another container over the same directory, looks dead, and is named after this time.
const PATIENCE: Duration = Duration::from_secs(5);
/// The pause before it is tried again.
const PAUSE: Duration = Duration::from_millis(10);

/// The lock of a data directory, held until it is dropped or the process ends, however it ends.
///
/// It is of the open file (flock(2)): a second one in the same process is refused, and closing that frees nothing, as a lock of the
/// process (fcntl(2)) would. So a child has it as well until its own program begins.
#[derive(Debug)]
pub struct DataLock {
    directory: PathBuf,
    _file: File,
}

/// Why the lock is not ours.
#[derive(Debug)]
pub enum LockError {
    /// Another process has it.
    Held {
        /// The lock file.
        path: PathBuf,
        /// What the other one wrote into it: its process id.
        holder: String,
    },
    /// The file could not be opened.
    Io(PathBuf, std::io::Error),
}

impl std::fmt::Display for LockError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LockError::Held { path, holder } => write!(
                f,
                "another arcoflow, process {holder}, has `{}`; stop it, or use another directory with `--data`",
                path.display()
            ),
            LockError::Io(path, error) => write!(f, "cannot lock `{}`: {error}", path.display()),
        }
    }
}

impl std::error::Error for LockError {}

impl DataLock {
    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The process that has the lock of a directory, as far as can be seen without touching it: whoever took it for a look would keep out
    /// a door that starts at that moment.
    ///
    /// # Errors
    /// [`LockError::Io`]
    pub fn holder(directory: &Path) -> Result<Option<String>, LockError> {
        let path = directory.join("lock");
        match std::fs::read_to_string(&path) {
            Ok(holder) => Ok(Some(holder.trim().to_owned())
                .filter(|holder| !holder.is_empty() && !is_dead(holder))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LockError::Io(path, error)),
        }
    }

    /// Takes the lock of a directory, which is made when it is missing: at once, or not at all while another process that lives has it.
    ///
    /// # Errors
    /// [`LockError`]
    pub fn take(directory: &Path) -> Result<DataLock, LockError> {
        std::fs::create_dir_all(directory)
            .map_err(|error| LockError::Io(directory.to_owned(), error))?;
        let path = directory.join("lock");
        let io = |error| LockError::Io(path.clone(), error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io)?;
        let begun = Instant::now();
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(Errno::WOULDBLOCK) => {}
                Err(error) => return Err(io(error.into())),
            }
            let mut holder = String::new();
            file.rewind().map_err(io)?;
            file.read_to_string(&mut holder).map_err(io)?;
            let holder = holder.trim().to_owned();
            if !is_dead(&holder) || begun.elapsed() > PATIENCE {
                return Err(LockError::Held { path, holder });
            }
            thread::sleep(PAUSE);
        }
        file.set_len(0).map_err(io)?;
        file.rewind().map_err(io)?;
        writeln!(file, "{}", std::process::id()).map_err(io)?;
        Ok(DataLock {
            directory: directory.to_owned(),
            _file: file,
        })
    }
}

/// Whether no process has this id. What is no id says nothing about whoever wrote it.
fn is_dead(holder: &str) -> bool {
    let process = holder.parse().ok().and_then(Pid::from_raw);
    process.is_some_and(|process| test_kill_process(process) == Err(Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::thread;
    use std::time::Duration;

    use rustix::fs::{FlockOperation, flock};

    use super::{DataLock, LockError};

    #[test]
    fn a_second_holder_is_told_about_the_first() {
        let directory = tempfile::tempdir().unwrap();
        let first = DataLock::take(directory.path()).unwrap();
        match DataLock::take(directory.path()) {
            Err(LockError::Held { holder, .. }) => {
                assert_eq!(holder, std::process::id().to_string());
            }
            other => panic!("{other:?}"),
        }
        drop(first);
        DataLock::take(directory.path()).unwrap();
    }

    #[test]
    fn a_look_takes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(DataLock::holder(directory.path()).unwrap(), None);
        assert!(!directory.path().join("lock").exists());
        let lock = DataLock::take(directory.path()).unwrap();
        let own = std::process::id().to_string();
        assert_eq!(DataLock::holder(directory.path()).unwrap(), Some(own));
        drop(lock);
        std::fs::write(directory.path().join("lock"), i32::MAX.to_string()).unwrap();
        assert_eq!(DataLock::holder(directory.path()).unwrap(), None);
    }

    #[test]
    fn what_a_dead_holder_left_is_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        // No process of Linux has so high an id.
        std::fs::write(&path, i32::MAX.to_string()).unwrap();
        // Whoever was being started by it when it died.
        let child = File::open(&path).unwrap();
        flock(&child, FlockOperation::LockExclusive).unwrap();
        let ending = thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            drop(child);
        });
        DataLock::take(directory.path()).unwrap();
        ending.join().unwrap();
    }
}

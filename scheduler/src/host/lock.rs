//! Two processes never write one ledger: SQLite would let them, so a lock beside it does not.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// The lock of a data directory, held until it is dropped or the process ends, however it ends.
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

    /// Takes the lock of a directory, which is made when it is missing, at once or not at all.
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
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                return Err(LockError::Held {
                    path,
                    holder: holder.trim().to_owned(),
                });
            }
            Err(error) => return Err(io(error.into())),
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

#[cfg(test)]
mod tests {
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
}

//! Nothing new is begun when only the reserve is left on the disk, so that what runs can still be completed.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Below so many free bytes nothing new is begun.
const RESERVE_BYTES: u64 = 64 << 20;
/// How often the free space is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DiskState {
    /// Enough.
    Ok,
    /// Only the reserve is left.
    Reserve,
    /// The last write found no room.
    Full,
}

impl DiskState {
    pub(super) const ALL: [DiskState; 3] = [DiskState::Ok, DiskState::Reserve, DiskState::Full];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            DiskState::Ok => "ok",
            DiskState::Reserve => "reserve",
            DiskState::Full => "full",
        }
    }
}

/// The room on the disk of a ledger, as it was seen last.
#[derive(Debug)]
pub(super) struct Space {
    directory: PathBuf,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    looked_at: Option<Instant>,
    free_bytes: Option<u64>,
    is_full: bool,
}

impl Space {
    pub(super) fn of(directory: &Path) -> Space {
        Space {
            directory: directory.to_owned(),
            seen: Mutex::default(),
        }
    }

    /// How much room there is; `None` when nobody knows.
    pub(super) fn state(&self) -> Option<DiskState> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_full {
            return Some(DiskState::Full);
        }
        if seen
            .looked_at
            .is_none_or(|looked_at| looked_at.elapsed() >= LOOK)
        {
            seen.looked_at = Some(Instant::now());
            seen.free_bytes = free_bytes(&self.directory);
        }
        let state = |free| {
            if free < RESERVE_BYTES {
                DiskState::Reserve
            } else {
                DiskState::Ok
            }
        };
        seen.free_bytes.map(state)
    }

    /// Whether something new would be begun on the reserve, or on less.
    pub(super) fn is_short(&self) -> bool {
        matches!(self.state(), Some(DiskState::Reserve | DiskState::Full))
    }

    /// A write found room, or none.
    pub(super) fn wrote(&self, found_room: bool) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_full == found_room {
            if found_room {
                tracing::info!("the disk takes writes again");
            } else {
                tracing::error!("the disk is full: nothing new is begun until a write succeeds");
            }
        }
        seen.is_full = !found_room;
    }
}

/// The free bytes of the file system that a directory is on; unknown is unknown.
pub(super) fn free_bytes(directory: &Path) -> Option<u64> {
    let space = rustix::fs::statvfs(directory).ok()?;
    Some(space.f_bavail.saturating_mul(space.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_without_room_says_so_until_one_finds_room() {
        let place = tempfile::tempdir().unwrap();
        let space = Space::of(place.path());
        let calm = space.state();
        assert_ne!(calm, Some(DiskState::Full));
        space.wrote(false);
        assert_eq!(space.state(), Some(DiskState::Full));
        assert!(space.is_short());
        space.wrote(true);
        assert_eq!(space.state(), calm);
    }

    #[test]
    fn what_nobody_knows_is_neither_full_nor_empty() {
        let space = Space::of(Path::new("/there/is/no/such/place"));
        assert_eq!(space.state(), None);
        assert!(!space.is_short());
    }
}

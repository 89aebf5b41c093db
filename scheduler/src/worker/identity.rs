//! A worker has one name for as long as its data directory lives, because a door believes an attempt's end only from who began it.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use super::directory;
use crate::host::entropy;

/// The longest part of a name that is the machine's.
const MOST_OF_HOST: usize = 64;

/// The name of the worker of a data directory: the machine's name and a random part, kept in `worker-id`.
///
/// # Errors
/// When the file can be neither read nor written.
pub fn persistent_id(data_dir: &Path) -> io::Result<String> {
    let path = data_dir.join("worker-id");
    if let Ok(name) = std::fs::read_to_string(&path)
        && arcoflow_core::door::lease::check_worker(name.trim()).is_ok()
    {
        return Ok(name.trim().to_owned());
    }
    std::fs::create_dir_all(data_dir)?;
    let mut name = machine();
    for byte in entropy::bytes::<4>() {
        let _ = write!(name, "{byte:02x}");
    }
    directory::write_durably(&path, format!("{name}\n").as_bytes())?;
    Ok(name)
}

/// The machine's name with a hyphen, as far as it can stand in a worker's name.
fn machine() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let mut name: String = host
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.'))
        .take(MOST_OF_HOST)
        .collect();
    if name.is_empty() {
        name.push_str("worker");
    }
    name.push('-');
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_made_once_and_fits_the_door() {
        let dir = tempfile::tempdir().unwrap();
        let first = persistent_id(dir.path()).unwrap();
        assert_eq!(persistent_id(dir.path()).unwrap(), first);
        assert!(arcoflow_core::door::lease::check_worker(&first).is_ok());
        std::fs::write(dir.path().join("worker-id"), "no name at all\n").unwrap();
        assert_ne!(persistent_id(dir.path()).unwrap(), "no name at all");
    }
}

//! Each attempt writes into a directory of its own, so two attempts never write into each other's output.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use arcoflow_core::identity::digest::sha256;
use arcoflow_core::wire::envelope::Envelope;

use super::directory::{remove_tree, sync_directory};

/// The longest partition key that is a directory's name as it is: file systems end at 255 bytes.
const LONGEST_NAME: usize = 200;

/// `<namespace>/<name>/<partition or "all">`: where a partition's outputs and its `latest` stand below `out` and `latest`.
///
/// A key that is too long for a file name is named by its digest.
pub(crate) fn place(envelope: &Envelope) -> PathBuf {
    let mut place = PathBuf::from(envelope.asset_key.as_str());
    match &envelope.partition_key {
        None => place.push("all"),
        Some(key) if key.as_str().len() <= LONGEST_NAME => place.push(key.as_str()),
        Some(key) => place.push(sha256(key.as_str().as_bytes()).to_string()),
    }
    place
}

/// The directory that an attempt writes into.
pub(crate) fn directory(data_dir: &Path, envelope: &Envelope) -> PathBuf {
    data_dir
        .join("out")
        .join(place(envelope))
        .join(envelope.attempt_id.to_string())
}

/// Makes the directory, empty: what an interrupted beginning left in it is thrown away.
pub(crate) fn create_empty(directory: &Path) -> io::Result<()> {
    remove_tree(directory)?;
    fs::create_dir_all(directory)
}

/// How many bytes the files of a directory have; each file, each directory and the way down from `root` is durable afterwards.
///
/// Symbolic links are not followed.
pub(crate) fn make_durable(root: &Path, directory: &Path) -> io::Result<u64> {
    let bytes = sync_tree(directory)?;
    for ancestor in directory.ancestors().skip(1) {
        sync_directory(ancestor)?;
        if ancestor == root {
            break;
        }
    }
    Ok(bytes)
}

fn sync_tree(directory: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            bytes += sync_tree(&entry.path())?;
        } else if kind.is_file() {
            let file = File::open(entry.path())?;
            file.sync_all()?;
            bytes += file.metadata()?.len();
        }
    }
    sync_directory(directory)?;
    Ok(bytes)
}

/// Removes a directory without files, so that a task that writes nothing leaves nothing. True when it is gone.
pub(crate) fn remove_if_empty(directory: &Path) -> bool {
    fs::remove_dir(directory).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::sample::envelope;

    #[test]
    fn a_place_is_a_path_of_names_that_a_file_system_takes() {
        let check = |partition: Option<&str>, expected: &str| {
            let envelope = envelope(partition);
            let place = place(&envelope);
            assert!(
                place.to_str().unwrap().starts_with(expected),
                "{}",
                place.display()
            );
            for name in place.iter() {
                assert!(name.len() < 255);
            }
            place
        };
        check(None, "raw/events/all");
        check(Some("month=d:2012-01-01"), "raw/events/month=d:2012-01-01");
        let long = "eHh4".repeat(80);
        let one = check(Some(&format!("x=s:{long}")), "raw/events/sha256");
        let other = check(Some(&format!("y=s:{long}")), "raw/events/sha256");
        assert_ne!(one, other);
    }

    #[test]
    fn bytes_of_nested_files_are_counted_and_links_are_not_followed() {
        let scratch = tempfile::tempdir().unwrap();
        let out = scratch.path().join("out/a/b");
        create_empty(&out).unwrap();
        fs::create_dir(out.join("nested")).unwrap();
        fs::write(out.join("one"), [0; 10]).unwrap();
        fs::write(out.join("nested/two"), [0; 20]).unwrap();
        std::os::unix::fs::symlink("/proc/self/environ", out.join("link")).unwrap();
        assert_eq!(make_durable(scratch.path(), &out).unwrap(), 30);
        create_empty(&out).unwrap();
        assert_eq!(make_durable(scratch.path(), &out).unwrap(), 0);
        assert!(remove_if_empty(&out));
    }
}

//! `latest/<asset>/<partition>` leads a person to the newest output, and changes in one step.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use arcoflow_core::wire::envelope::Envelope;

use super::output;

/// Makes the link of an envelope's partition point at its output.
pub(crate) fn point_at_output(data_dir: &Path, envelope: &Envelope) -> io::Result<()> {
    let place = output::place(envelope);
    let link = data_dir.join("latest").join(&place);
    let parent = link.parent().unwrap_or(data_dir);
    fs::create_dir_all(parent)?;
    // The link is relative, so that a data directory can be moved.
    let mut target: PathBuf = place.components().map(|_| Component::ParentDir).collect();
    target.push("out");
    target.push(&place);
    target.push(envelope.attempt_id.to_string());
    let half = parent.join(format!(".{}", envelope.attempt_id));
    match symlink(&target, &half) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(&half)?;
            symlink(&target, &half)?;
        }
        result => result?,
    }
    fs::rename(half, link)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::sample::envelope;

    #[test]
    fn the_link_leads_to_the_output_and_is_swapped() {
        let scratch = tempfile::tempdir().unwrap();
        for partition in [None, Some("month=d:2012-01-01")] {
            for text in ["first", "second"] {
                let envelope = envelope(partition);
                let out = output::directory(scratch.path(), &envelope);
                output::create_empty(&out).unwrap();
                fs::write(out.join("file"), text).unwrap();
                point_at_output(scratch.path(), &envelope).unwrap();
                let link = scratch
                    .path()
                    .join("latest")
                    .join(output::place(&envelope))
                    .join("file");
                assert_eq!(fs::read_to_string(link).unwrap(), text);
            }
        }
        let names = fs::read_dir(scratch.path().join("latest/raw/events")).unwrap();
        assert_eq!(names.count(), 2, "nothing but the links stays");
    }
}

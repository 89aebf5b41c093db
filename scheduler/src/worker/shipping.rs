//! The log's file is also the queue of what the door has not seen, so an absent door costs neither memory nor lines.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::hold::{Hold, Setback};
use super::log::Progress;

/// How long lines wait for others to go with them.
const GATHER: Duration = Duration::from_millis(200);
/// The most bytes of a piece. The cap of the route is 256 KiB, and a character can take six times its size in JSON.
const PIECE: usize = 40 << 10;

/// Sends a log as it grows, until it is over and the door has it all, or wants no more.
pub(crate) async fn ship(
    hold: &Hold,
    path: &Path,
    mut progress: watch::Receiver<Progress>,
) -> Result<(), Setback> {
    let mut sent = 0;
    loop {
        let Some(now) = until(&mut progress, |now| now.is_over || now.size > sent).await else {
            return Ok(());
        };
        if now.size <= sent {
            return Ok(());
        }
        if !now.is_over && now.size - sent < PIECE as u64 {
            let enough = until(&mut progress, |now| {
                now.is_over || now.size - sent >= PIECE as u64
            });
            let _ = tokio::time::timeout(GATHER, enough).await;
        }
        let Ok(text) = piece(path, sent).await else {
            return Ok(());
        };
        let length = text.len() as u64;
        let answer = hold.log(sent, text).await?;
        // The door has less when its own bound cut the piece, and more when an earlier life of this worker sent it already.
        if answer.full || (answer.size <= sent && length > 0) {
            return Ok(());
        }
        sent = answer.size;
    }
}

/// Sends what the door does not have of the log of an earlier life.
pub(crate) async fn ship_rest(hold: &Hold, path: &Path) -> Result<(), Setback> {
    let Ok(size) = std::fs::metadata(path).map(|file| file.len()) else {
        return Ok(());
    };
    let is_over = true;
    let (_sender, receiver) = watch::channel(Progress { size, is_over });
    ship(hold, path, receiver).await
}

async fn until(
    progress: &mut watch::Receiver<Progress>,
    reached: impl FnMut(&Progress) -> bool,
) -> Option<Progress> {
    progress.wait_for(reached).await.ok().map(|now| *now)
}

/// The characters that lie wholly within a piece from an offset on.
async fn piece(path: &Path, offset: u64) -> io::Result<String> {
    let path: Arc<Path> = Arc::from(path);
    let read = move || {
        let file = File::open(&path)?;
        let mut bytes = vec![0; PIECE];
        let count = file.read_at(&mut bytes, offset)?;
        bytes.truncate(count);
        match String::from_utf8(bytes) {
            Ok(text) => Ok(text),
            Err(error) => {
                let end = error.utf8_error().valid_up_to();
                let mut bytes = error.into_bytes();
                bytes.truncate(end);
                String::from_utf8(bytes).map_err(io::Error::other)
            }
        }
    };
    tokio::task::spawn_blocking(read)
        .await
        .map_err(io::Error::other)?
}

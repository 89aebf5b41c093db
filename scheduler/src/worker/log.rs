//! What a program prints goes into a file as valid UTF-8 and with a bound, and the program never waits for whoever reads it.

use std::io::{self, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::sync::watch;

/// The most bytes of a log that are kept.
pub(crate) const MOST_BYTES: u64 = 16 << 20;
/// How much is read from the program at once.
const CHUNK: usize = 64 << 10;
/// How much of the end is kept at hand for the message of a failure.
const TAIL: usize = 1_024;

/// How far a log is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Bytes in the file.
    pub(crate) size: u64,
    /// Whether no more will come.
    pub(crate) is_over: bool,
}

/// The log of an attempt while it is written.
#[derive(Debug)]
pub(crate) struct Log {
    progress: watch::Sender<Progress>,
    tail: Mutex<String>,
    most_bytes: u64,
}

impl Log {
    pub(crate) fn new() -> Log {
        Log::bounded(MOST_BYTES)
    }

    fn bounded(most_bytes: u64) -> Log {
        Log {
            progress: watch::Sender::new(Progress::default()),
            tail: Mutex::new(String::new()),
            most_bytes,
        }
    }

    /// Tells how far the log is, now and later.
    pub(crate) fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// The last lines, at most 1 KiB.
    pub(crate) fn tail(&self) -> String {
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.trim_end().to_owned()
    }

    /// Says that no more will come.
    pub(crate) fn close(&self) {
        self.progress
            .send_modify(|progress| progress.is_over = true);
    }

    /// Copies what comes into the file until its end. What cannot be written is still read, so that the program goes on.
    pub(crate) async fn capture(
        &self,
        mut from: impl AsyncRead + Unpin,
        path: &Path,
    ) -> io::Result<()> {
        let mut file = append_to(path).await;
        let mut decoder = Decoder::default();
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = match from.read(&mut chunk).await {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let text = match count {
                0 => decoder.end(),
                _ => decoder.decode(chunk.get(..count).unwrap_or_default()),
            };
            if let Ok(open) = &mut file
                && let Err(error) = self.write(open, &text).await
            {
                file = Err(error);
            }
            if count == 0 {
                return file.map(drop);
            }
        }
    }

    /// Adds a line of the worker's own, after the program has ended.
    pub(crate) async fn note(&self, path: &Path, line: &str) -> io::Result<()> {
        let mut file = append_to(path).await?;
        self.write(&mut file, &format!("[arcoflow] {line}\n")).await
    }

    async fn write(&self, file: &mut File, text: &str) -> io::Result<()> {
        let size = self.progress.borrow().size;
        if text.is_empty() || size > self.most_bytes {
            return Ok(());
        }
        let room = usize::try_from(self.most_bytes - size).unwrap_or(usize::MAX);
        let kept = head(text, room);
        let mut written = kept.len();
        file.write_all(kept.as_bytes()).await?;
        if kept.len() < text.len() {
            let line = format!(
                "\n[arcoflow] the log is longer than {} bytes; the rest was thrown away\n",
                self.most_bytes
            );
            file.write_all(line.as_bytes()).await?;
            // The size is past the bound from here on, so nothing more is written.
            written += line.len();
        }
        file.flush().await?;
        self.keep_tail(kept);
        self.progress
            .send_modify(|progress| progress.size += written as u64);
        Ok(())
    }

    fn keep_tail(&self, text: &str) {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.push_str(last(text, TAIL));
        let kept = last(&tail, TAIL).to_owned();
        *tail = kept;
    }
}

async fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let mut file = options
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .await?;
    file.seek(SeekFrom::End(0)).await?;
    Ok(file)
}

/// The longest beginning of a text that has at most so many bytes.
pub(crate) fn head(text: &str, bytes: usize) -> &str {
    let end = text.floor_char_boundary(bytes);
    text.get(..end).unwrap_or("")
}

/// The longest end of a text that has at most so many bytes.
fn last(text: &str, bytes: usize) -> &str {
    let start = text.ceil_char_boundary(text.len().saturating_sub(bytes));
    text.get(start..).unwrap_or("")
}

/// Bytes that come in pieces become text; a character that a piece cuts is put together again, and what is none becomes U+FFFD.
#[derive(Debug, Default)]
struct Decoder {
    rest: Vec<u8>,
}

impl Decoder {
    fn decode(&mut self, bytes: &[u8]) -> String {
        let mut all = std::mem::take(&mut self.rest);
        all.extend_from_slice(bytes);
        let mut text = String::with_capacity(all.len());
        let mut left = all.as_slice();
        loop {
            match std::str::from_utf8(left) {
                Ok(valid) => {
                    text.push_str(valid);
                    return text;
                }
                Err(error) => {
                    let (valid, after) = left.split_at(error.valid_up_to());
                    text.push_str(std::str::from_utf8(valid).unwrap_or_default());
                    let Some(wrong) = error.error_len() else {
                        // The beginning of a character whose end may come in the next piece.
                        self.rest = after.to_vec();
                        return text;
                    };
                    text.push(char::REPLACEMENT_CHARACTER);
                    left = after.get(wrong..).unwrap_or_default();
                }
            }
        }
    }

    fn end(&mut self) -> String {
        if std::mem::take(&mut self.rest).is_empty() {
            return String::new();
        }
        String::from(char::REPLACEMENT_CHARACTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_does_not_depend_on_where_it_is_cut() {
        for bytes in [
            "Zürich 東京 🌧\n".as_bytes().to_vec(),
            b"ok \xff\xfe \xf0\x9f broken \xe6\x9d".to_vec(),
            Vec::new(),
        ] {
            let expected = String::from_utf8_lossy(&bytes).into_owned();
            for first in 0..=bytes.len() {
                for second in first..=bytes.len() {
                    let mut decoder = Decoder::default();
                    let mut text = decoder.decode(&bytes[..first]);
                    text.push_str(&decoder.decode(&bytes[first..second]));
                    text.push_str(&decoder.decode(&bytes[second..]));
                    text.push_str(&decoder.end());
                    assert_eq!(text, expected, "cut at {first} and {second}");
                }
            }
        }
    }

    #[tokio::test]
    async fn a_log_is_cut_at_its_bound_and_says_so_once() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("log");
        let log = Log::bounded(10);
        log.capture("äöüäöüäöü and more".as_bytes(), &path)
            .await
            .unwrap();
        log.note(&path, "too late").await.unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let expected =
            "äöüäö\n[arcoflow] the log is longer than 10 bytes; the rest was thrown away\n";
        assert_eq!(text, expected);
        assert_eq!(log.watch().borrow().size, text.len() as u64);
        assert_eq!(log.tail(), "äöüäö");
    }

    #[tokio::test]
    async fn the_tail_is_the_end() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("log");
        let log = Log::new();
        let lines: String = (0..1_000).map(|line| format!("line {line}\n")).collect();
        log.capture(lines.as_bytes(), &path).await.unwrap();
        log.note(&path, "the end").await.unwrap();
        assert!(log.tail().len() <= TAIL);
        assert!(log.tail().ends_with("line 999\n[arcoflow] the end"));
    }
}

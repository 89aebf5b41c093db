//! The wire sees the bytes before and after the HTTP library does, and says what the library would leave unsaid.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use arcoflow_core::door::http::Response;
use arcoflow_core::wire::problem::{Problem, Slug};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::{MOST_HEAD_BYTES, Patience};
use crate::host::entropy;

/// What is said of bytes that are no request.
pub(super) const NOT_HTTP: &str = "the request is not HTTP/1.1";
/// How long a caller may take to read the last word.
const LINGER: Duration = Duration::from_secs(1);

/// Where a connection is between two requests; shared by its wire and its service.
#[derive(Debug)]
pub(super) struct Phase {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    stage: Stage,
    /// The bytes of the head that is coming in.
    head: Vec<u8>,
    active_at: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing is under way.
    Idle,
    /// A head is coming in.
    Head(Instant),
    /// A request is being answered.
    Busy,
}

/// What a head said about the length of its body, before the library resolved it (RFC 9112, 6.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lengths {
    pub(super) content_lengths: usize,
    pub(super) transfer_encodings: usize,
}

impl Phase {
    pub(super) fn new() -> Phase {
        Phase {
            state: Mutex::new(State {
                stage: Stage::Idle,
                head: Vec::new(),
                active_at: Instant::now(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes came in.
    fn received(&self, bytes: &[u8]) {
        let mut state = self.state();
        state.active_at = Instant::now();
        if state.stage == Stage::Idle {
            state.stage = Stage::Head(state.active_at);
        }
        if matches!(state.stage, Stage::Head(_)) && state.head.len() < MOST_HEAD_BYTES {
            state.head.extend_from_slice(bytes);
        }
    }

    /// Bytes went out.
    fn sent(&self) {
        let mut state = self.state();
        state.active_at = Instant::now();
        if matches!(state.stage, Stage::Head(_)) {
            state.stage = Stage::Idle;
        }
    }

    /// A head is complete.
    pub(super) fn enter(&self) -> Lengths {
        let mut state = self.state();
        state.stage = Stage::Busy;
        let lengths = lengths_of(&state.head);
        state.head.clear();
        lengths
    }

    /// The request was answered.
    pub(super) fn leave(&self) {
        let mut state = self.state();
        state.stage = Stage::Idle;
        state.active_at = Instant::now();
    }

    /// Whether the caller took too long.
    pub(super) fn is_late(&self, patience: Patience) -> bool {
        let state = self.state();
        match state.stage {
            Stage::Busy => false,
            Stage::Head(since) => since.elapsed() >= patience.head,
            Stage::Idle => state.active_at.elapsed() >= patience.idle,
        }
    }

    /// Whether a head has begun, and nothing was said to it.
    pub(super) fn is_unanswered(&self) -> bool {
        matches!(self.state().stage, Stage::Head(_))
    }
}

/// Counts the length headers of a head.
fn lengths_of(head: &[u8]) -> Lengths {
    let mut lengths = Lengths::default();
    for line in head.split(|byte| *byte == b'\n').skip(1) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        let name = line.split(|byte| *byte == b':').next().unwrap_or(b"");
        if name.eq_ignore_ascii_case(b"content-length") {
            lengths.content_lengths += 1;
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            lengths.transfer_encodings += 1;
        }
    }
    lengths
}

/// A socket that reports to its phase.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Arc<TcpStream>,
    phase: Arc<Phase>,
    /// What is sent in place of the library's own answer, and how much of it is gone.
    instead: Option<(Vec<u8>, usize)>,
}

impl Wire {
    pub(super) fn new(stream: Arc<TcpStream>, phase: Arc<Phase>) -> Wire {
        Wire {
            stream,
            phase,
            instead: None,
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            match self.stream.try_read_buf(buf) {
                Ok(_) => {
                    let bytes = buf.filled().get(before..).unwrap_or(&[]);
                    if !bytes.is_empty() {
                        self.phase.received(bytes);
                    }
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.instead.is_none() {
            self.instead = instead_of(buf).map(|bytes| (bytes, 0));
        }
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            let rest = match &self.instead {
                Some((bytes, gone)) => bytes.get(*gone..).unwrap_or(&[]),
                None => buf,
            };
            match self.stream.try_write(rest) {
                Ok(count) => {
                    self.phase.sent();
                    let Some((bytes, gone)) = &mut self.instead else {
                        return Poll::Ready(Ok(count));
                    };
                    *gone += count;
                    if *gone >= bytes.len() {
                        self.instead = None;
                        return Poll::Ready(Ok(buf.len()));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match rustix::net::shutdown(&*self.stream, rustix::net::Shutdown::Write) {
            Err(error) if error != rustix::io::Errno::NOTCONN => Poll::Ready(Err(error.into())),
            _ => Poll::Ready(Ok(())),
        }
    }
}

/// What goes out in place of an answer that the library gives on its own: a head without the headers that every answer of the door
/// carries, for a request that never reached the door.
fn instead_of(out: &[u8]) -> Option<Vec<u8>> {
    let status = out.strip_prefix(b"HTTP/1.1 4")?.get(..2)?;
    let is_ours = out
        .windows(22)
        .any(|window| window == b"x-content-type-options");
    if is_ours {
        return None;
    }
    let problem = match status {
        b"31" => Problem::bare(Slug::HeadersTooLarge),
        b"14" => Problem::bare(Slug::UriTooLong),
        _ => Problem::new(Slug::BadRequest, NOT_HTTP),
    };
    Some(bytes_of(&problem))
}

/// A problem as the whole rest of a connection.
fn bytes_of(problem: &Problem) -> Vec<u8> {
    let response = Response::problem(problem, entropy::bytes());
    let reason = problem.slug.title();
    let mut text = format!("HTTP/1.1 {} {reason}\r\n", response.status);
    for (name, value) in &response.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!(
        "content-length: {}\r\nconnection: close\r\n\r\n",
        response.body.len()
    ));
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(&response.body);
    bytes
}

/// Says the last word on a connection.
pub(super) async fn refuse(stream: &TcpStream, problem: &Problem) {
    let bytes = bytes_of(problem);
    if stream.writable().await.is_ok() {
        let _ = stream.try_write(&bytes);
    }
}

/// Ends a connection so that the last word arrives: a socket that is closed while bytes of the caller are unread takes it back
/// (RFC 9112, 9.6).
pub(super) async fn linger(stream: &TcpStream) {
    if rustix::net::shutdown(stream, rustix::net::Shutdown::Write).is_err() {
        return;
    }
    let drain = async {
        let mut piece = [0; 4_096];
        while stream.readable().await.is_ok() {
            match stream.try_read(&mut piece) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    };
    let _ = tokio::time::timeout(LINGER, drain).await;
}

#[cfg(test)]
mod tests {
    use super::{Lengths, instead_of, lengths_of};

    #[test]
    fn lengths_are_counted_as_they_came() {
        let rows: &[(&str, usize, usize)] = &[
            ("POST / HTTP/1.1\r\nHost: a\r\n\r\n", 0, 0),
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 1, 0),
            (
                "POST / HTTP/1.1\r\ncontent-length: 3\r\nCONTENT-LENGTH: 3\r\n\r\nabc",
                2,
                0,
            ),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
                1,
                1,
            ),
            ("POST / HTTP/1.1\r\n\r\ncontent-length: 3\r\n", 0, 0),
            (
                "POST /content-length:1 HTTP/1.1\r\nx: content-length: 3\r\n\r\n",
                0,
                0,
            ),
        ];
        for (head, content_lengths, transfer_encodings) in rows {
            let expected = Lengths {
                content_lengths: *content_lengths,
                transfer_encodings: *transfer_encodings,
            };
            assert_eq!(lengths_of(head.as_bytes()), expected, "{head}");
        }
    }

    #[test]
    fn only_the_answers_of_the_library_are_replaced() {
        let rows: &[(&str, Option<&str>)] = &[
            (
                "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n",
                Some("bad-request"),
            ),
            (
                "HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n",
                Some("headers-too-large"),
            ),
            ("HTTP/1.1 414 URI Too Long\r\n\r\n", Some("uri-too-long")),
            (
                "HTTP/1.1 404 Not Found\r\nx-content-type-options: nosniff\r\n\r\n",
                None,
            ),
            ("HTTP/1.1 200 OK\r\n\r\n", None),
            ("4 HTTP/1.1 400 in the middle of a body", None),
        ];
        for (out, expected) in rows {
            let replaced = instead_of(out.as_bytes());
            assert_eq!(replaced.is_some(), expected.is_some(), "{out}");
            if let (Some(replaced), Some(slug)) = (replaced, expected) {
                let text = String::from_utf8(replaced).unwrap();
                assert!(text.contains(slug), "{text}");
                assert!(text.contains("connection: close\r\n"), "{text}");
            }
        }
    }
}

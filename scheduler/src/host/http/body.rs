//! A body comes in under a cap and a deadline, and goes out whole or piece by piece.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// The slowest body that is read on, in bytes a second.
const SLOWEST: f64 = 512.0;
/// How long a body may take before its rate counts.
const RUN_UP: Duration = Duration::from_secs(5);

/// Why a body was not read.
#[derive(Debug)]
pub(super) enum ReadError {
    /// It is larger than the cap.
    TooLarge,
    /// It did not come in time.
    Late,
    /// The caller left, or sent what is no body.
    Broken,
}

/// Reads a body of at most `cap` bytes.
pub(super) async fn read(
    mut incoming: Incoming,
    cap: usize,
    longest: Duration,
) -> Result<Vec<u8>, ReadError> {
    let began = Instant::now();
    let hint = usize::try_from(incoming.size_hint().lower()).unwrap_or(cap);
    let mut body = Vec::with_capacity(hint.min(cap));
    loop {
        let by_rate = RUN_UP + Duration::from_secs_f64(body.len() as f64 / SLOWEST);
        let deadline = began + longest.min(by_rate);
        let frame = std::future::poll_fn(|cx| Pin::new(&mut incoming).poll_frame(cx));
        match timeout_at(deadline, frame).await {
            Err(_) => return Err(ReadError::Late),
            Ok(None) => return Ok(body),
            Ok(Some(Err(_))) => return Err(ReadError::Broken),
            Ok(Some(Ok(frame))) => {
                let Ok(data) = frame.into_data() else {
                    continue;
                };
                if body.len() + data.len() > cap {
                    return Err(ReadError::TooLarge);
                }
                body.extend_from_slice(&data);
            }
        }
    }
}

/// A body on its way out.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// All of it.
    Whole(Bytes),
    /// Pieces, until the sender is dropped.
    Pieces(mpsc::Receiver<Vec<u8>>),
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Outgoing::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Outgoing::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Outgoing::Pieces(pieces) => pieces
                .poll_recv(cx)
                .map(|piece| piece.map(|piece| Ok(Frame::data(Bytes::from(piece))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Outgoing::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Outgoing::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Outgoing::Pieces(_) => SizeHint::default(),
        }
    }
}

//! One exchange: a head is admitted, a body is read, the door answers.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use arcoflow_core::door::admit::{Admitted, too_large};
use arcoflow_core::door::http::{Head, Response};
use arcoflow_core::wire::problem::{Problem, Slug};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderName, HeaderValue};
use hyper::service::Service;
use hyper::{Request, StatusCode};
use tokio::sync::mpsc;

use super::Patience;
use super::body::{Outgoing, ReadError, read};
use super::wire::{Lengths, Phase};
use crate::host::door::{LocalDoor, Reply, Stream};

/// Pieces of a stream that wait for a slow reader.
const AHEAD: usize = 4;

/// What answers the requests of one connection.
pub(super) struct Exchange {
    door: LocalDoor,
    patience: Patience,
    phase: Arc<Phase>,
}

/// The service of a connection.
pub(super) fn service(door: LocalDoor, patience: Patience, phase: Arc<Phase>) -> Exchange {
    Exchange {
        door,
        patience,
        phase,
    }
}

type Answered = hyper::Response<Outgoing>;

impl Service<Request<Incoming>> for Exchange {
    type Response = Answered;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answered, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let lengths = self.phase.enter();
        let (door, patience, phase) = (self.door.clone(), self.patience, self.phase.clone());
        Box::pin(async move {
            let reply = match admit(&door, &request, lengths) {
                Ok(admitted) => answer(&door, patience, admitted, request.into_body()).await,
                Err(response) => Reply::Whole(response),
            };
            Ok(match reply {
                Reply::Whole(response) => {
                    phase.leave();
                    whole(response)
                }
                Reply::Stream(stream) => pieces(*stream, phase),
            })
        })
    }
}

fn admit(
    door: &LocalDoor,
    request: &Request<Incoming>,
    lengths: Lengths,
) -> Result<Admitted, Response> {
    let mut headers: Vec<(&str, &str)> = Vec::with_capacity(request.headers().len() + 1);
    let mut seen = Lengths::default();
    for (name, value) in request.headers() {
        seen.content_lengths += usize::from(name == hyper::header::CONTENT_LENGTH);
        seen.transfer_encodings += usize::from(name == hyper::header::TRANSFER_ENCODING);
        // What is no text is no header that the door knows, and it still has a size.
        headers.push((name.as_str(), value.to_str().unwrap_or("?")));
    }
    for _ in seen.content_lengths..lengths.content_lengths {
        headers.push(("content-length", "0"));
    }
    for _ in seen.transfer_encodings..lengths.transfer_encodings {
        headers.push(("transfer-encoding", ""));
    }
    let target = request
        .uri()
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let head = Head {
        method: request.method().as_str(),
        target,
        headers: &headers,
    };
    door.admit(&head)
}

async fn answer(
    door: &LocalDoor,
    patience: Patience,
    admitted: Admitted,
    incoming: Incoming,
) -> Reply {
    let cap = admitted.route.body_cap;
    let body = if cap == 0 {
        Vec::new()
    } else {
        match read(incoming, cap, patience.body).await {
            Ok(body) => body,
            Err(error) => return Reply::Whole(door.refuse(&unread(&error, &admitted))),
        }
    };
    door.answer(admitted, body).await
}

/// The refusal of a request whose body was not read; the rest of the connection cannot be understood.
fn unread(error: &ReadError, admitted: &Admitted) -> Problem {
    let problem = match error {
        ReadError::TooLarge => too_large(admitted.route),
        ReadError::Late => Problem::new(Slug::RequestTimeout, "the body did not arrive in time"),
        ReadError::Broken => Problem::new(Slug::BadRequest, "the body ended before its end"),
    };
    problem.header("connection", "close")
}

fn whole(response: Response) -> Answered {
    let body = Outgoing::Whole(Bytes::from(response.body));
    head(response.status, response.headers, body)
}

/// A stream is computed by a task of its own, which ends when the caller leaves.
fn pieces(mut stream: Stream, phase: Arc<Phase>) -> Answered {
    let (status, headers) = (stream.head().status, stream.head().headers.clone());
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        loop {
            let piece = tokio::select! {
                piece = stream.next() => piece,
                () = sender.closed() => None,
            };
            let Some(piece) = piece else { break };
            if sender.send(piece).await.is_err() {
                break;
            }
        }
        phase.leave();
    });
    head(status, headers, Outgoing::Pieces(receiver))
}

fn head(status: u16, headers: Vec<(&'static str, String)>, body: Outgoing) -> Answered {
    let mut answered = hyper::Response::new(body);
    *answered.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            answered
                .headers_mut()
                .append(HeaderName::from_static(name), value);
        }
    }
    answered
}

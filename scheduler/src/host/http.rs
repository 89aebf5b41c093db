//! HTTP in front of the door maps bytes to requests and answers to bytes; what either means is the door's.

mod body;
mod exchange;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arcoflow_core::wire::problem::{Problem, Slug};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::wire::{NOT_HTTP, Phase, Wire, linger, refuse};
use crate::host::door::LocalDoor;

/// How long the parts of an exchange may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the first byte of a head to its last.
    pub head: Duration,
    /// From the end of a head to the end of its body.
    pub body: Duration,
    /// Between two requests of a connection.
    pub idle: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            idle: Duration::from_secs(75),
        }
    }
}

/// The most bytes of a head that are read at all. A head that is larger than the door takes and smaller than this is refused by the door.
const MOST_HEAD_BYTES: usize = 64 * 1_024;
/// The most header lines that are read at all.
const MOST_HEADERS: usize = 512;
/// How long what has come is served after the end was asked for.
const FAREWELL: Duration = Duration::from_secs(10);

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Serves a door on a listener.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start(
        listener: TcpListener,
        door: LocalDoor,
        patience: Patience,
    ) -> std::io::Result<Server> {
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(listener, door, patience, stopped));
        Ok(Server {
            address,
            stop,
            task,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no new connections, lets what has come finish, and ends.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let _ = self.task.await;
    }
}

async fn accept(
    listener: TcpListener,
    door: LocalDoor,
    patience: Patience,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, door.clone(), patience, stopped.clone()));
                }
                // Most likely the process has no file descriptor left: there is nothing to do but to wait for one.
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            _ = stopped.changed() => break,
        }
    }
    drop(listener);
    let rest = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(FAREWELL, rest).await;
}

/// Serves one connection to its end.
async fn serve(
    stream: TcpStream,
    door: LocalDoor,
    patience: Patience,
    mut stopped: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let stream = Arc::new(stream);
    let phase = Arc::new(Phase::new());
    let wire = Wire::new(stream.clone(), phase.clone());
    let service = exchange::service(door, patience, phase.clone());
    let mut connection = Box::pin(
        hyper::server::conn::http1::Builder::new()
            .max_buf_size(MOST_HEAD_BYTES)
            .max_headers(MOST_HEADERS)
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(wire), service),
    );
    let mut is_stopping = false;
    let mut look = std::pin::pin!(tokio::time::sleep(patience.head / 4));
    let is_late = loop {
        tokio::select! {
            _ = connection.as_mut() => break false,
            () = look.as_mut() => look.as_mut().reset((Instant::now() + patience.head / 4).into()),
            _ = stopped.changed(), if !is_stopping => {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
        if phase.is_late(patience) {
            break true;
        }
    };
    drop(connection);
    if phase.is_unanswered() {
        let problem = if is_late {
            Problem::new(Slug::RequestTimeout, "the headers did not arrive in time")
        } else {
            Problem::new(Slug::BadRequest, NOT_HTTP)
        };
        refuse(&stream, &problem).await;
    }
    linger(&stream).await;
}

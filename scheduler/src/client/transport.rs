//! A request reaches the door of the same process and one on the other side of the earth in the same shape.

use std::sync::Arc;
use std::time::Duration;

use arcoflow_core::door::http::{Head, Response};

use super::refusal::ClientError;
use crate::host::door::{LocalDoor, Reply, Stream};

/// The way to a door.
#[derive(Clone, Debug)]
pub enum Transport {
    /// Over HTTP.
    Remote {
        /// Shared connections.
        http: reqwest::Client,
        /// Where the door is, without a slash at the end.
        base_url: Arc<str>,
    },
    /// In this process.
    Local(LocalDoor),
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of a name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Nothing came back.
#[derive(Clone, Debug)]
pub struct TransportError {
    /// Where the door was looked for.
    pub url: String,
    /// What happened on the way.
    pub detail: String,
}

impl Transport {
    /// The way to a door over HTTP.
    ///
    /// # Errors
    /// When the URL is none.
    pub fn remote(base_url: &str) -> Result<Transport, ClientError> {
        let base_url = base_url.trim_end_matches('/');
        let refuse = |detail: String| ClientError::Unreachable {
            url: base_url.to_owned(),
            detail,
        };
        let parsed = reqwest::Url::parse(base_url).map_err(|error| refuse(error.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
            return Err(refuse(
                "expected `http://HOST` or `https://HOST`".to_owned(),
            ));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .tcp_nodelay(true)
            .pool_max_idle_per_host(1_024)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| refuse(error.to_string()))?;
        Ok(Transport::Remote {
            http,
            base_url: Arc::from(base_url),
        })
    }

    /// Where the door is.
    #[must_use]
    pub fn base_url(&self) -> &str {
        match self {
            Transport::Remote { base_url, .. } => base_url,
            Transport::Local(door) => &door.config().base_url,
        }
    }

    /// Sends one request and waits for its answer.
    ///
    /// # Errors
    /// [`TransportError`] when no whole answer came.
    pub async fn send(
        &self,
        method: &'static str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, TransportError> {
        match self {
            Transport::Remote { http, base_url } => {
                send_remote(http, base_url, method, target, headers, body)
                    .await
                    .map_err(|error| TransportError {
                        url: base_url.to_string(),
                        detail: innermost(&error),
                    })
            }
            Transport::Local(door) => Ok(send_local(door, method, target, headers, body).await),
        }
    }

    /// The error of a door that does not answer in time.
    pub(super) fn silent(&self) -> TransportError {
        TransportError {
            url: self.base_url().to_owned(),
            detail: "it did not answer in time".to_owned(),
        }
    }
}

async fn send_remote(
    http: &reqwest::Client,
    base_url: &str,
    method: &'static str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Answer, reqwest::Error> {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap_or_default();
    let mut request = http.request(method, [base_url, target].concat());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if !body.is_empty() {
        request = request.body(body.to_vec());
    }
    let response = request.send().await?;
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        })
        .collect();
    let body = response.bytes().await?.to_vec();
    Ok(Answer {
        status,
        headers,
        body,
    })
}

async fn send_local(
    door: &LocalDoor,
    method: &'static str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let head = Head {
        method,
        target,
        headers,
    };
    let response = match door.handle(&head, body.to_vec()).await {
        Reply::Whole(response) => response,
        Reply::Stream(stream) => first_piece(*stream).await,
    };
    Answer {
        status: response.status,
        headers: response
            .headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        body: response.body,
    }
}

/// Whoever asks for a stream here gets what there is and comes back for the rest.
async fn first_piece(mut stream: Stream) -> Response {
    let body = stream.next().await.unwrap_or_default();
    Response {
        body,
        ..stream.head().clone()
    }
}

/// The sentence at the bottom of a chain of errors, which is the one that helps.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.to_string()
}

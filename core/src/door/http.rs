//! A host turns bytes into these shapes and back; what they mean is decided here and nowhere else.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::identity::spelling;
use crate::wire::problem::Problem;

/// What stands above the body of a request.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The method, upper case.
    pub method: &'a str,
    /// Path and query as they came.
    pub target: &'a str,
    /// Names in lower case and values, in order. Values that are no text are left out by the host.
    pub headers: &'a [(&'a str, &'a str)],
}

impl<'a> Head<'a> {
    /// The first header of a name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers
            .iter()
            .find(|(header, _)| *header == name)
            .map(|(_, value)| *value)
    }

    /// How many headers have a name.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        self.headers
            .iter()
            .filter(|(header, _)| *header == name)
            .count()
    }
}

/// An answer on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names in lower case and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// A JSON answer.
    #[must_use]
    pub fn json(status: u16, body: Vec<u8>) -> Response {
        Response::of("application/json", status, body)
    }

    /// An answer of a content type.
    #[must_use]
    pub fn of(content_type: &str, status: u16, body: Vec<u8>) -> Response {
        let headers = Vec::from([
            ("content-type", content_type.to_string()),
            ("cache-control", "no-store".to_string()),
            ("x-content-type-options", "nosniff".to_string()),
        ]);
        Response {
            status,
            headers,
            body,
        }
    }

    /// A problem. The request's entropy becomes its instance.
    #[must_use]
    pub fn problem(problem: &Problem, entropy: [u8; 16]) -> Response {
        let mut response = Response::of(
            "application/problem+json",
            problem.slug.status(),
            problem.to_json(&instance(entropy)),
        );
        response.headers.extend(problem.headers.iter().cloned());
        response
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Response {
        self.headers.push((name, value.into()));
        self
    }
}

/// `urn:uuid:` and a version 4 UUID made of the request's entropy (RFC 9562, 5.4).
fn instance(mut entropy: [u8; 16]) -> String {
    entropy[6] = (entropy[6] & 0x0f) | 0x40;
    entropy[8] = (entropy[8] & 0x3f) | 0x80;
    let hex = spelling::hex(&entropy);
    let mut text = String::from("urn:uuid:");
    for (index, digit) in hex.chars().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

/// The path of a target, and its query as pairs.
#[must_use]
pub fn split_target(target: &str) -> (&str, Vec<(String, String)>) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect();
    (path, pairs)
}

/// Percent-decoding of a query (WHATWG URL, application/x-www-form-urlencoded); what is no UTF-8 becomes U+FFFD, which no grammar of ours takes.
#[must_use]
pub fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes().iter().copied();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut ahead = rest.clone();
                let digits = [ahead.next(), ahead.next()]
                    .map(|digit| digit.and_then(|digit| char::from(digit).to_digit(16)));
                match digits {
                    [Some(high), Some(low)] => {
                        bytes.push((high * 16 + low) as u8);
                        rest = ahead;
                    }
                    _ => bytes.push(b'%'),
                }
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

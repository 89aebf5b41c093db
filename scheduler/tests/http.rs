//! What reaches the socket and is no good request gets exactly the answer of the table, also where the HTTP library has its own.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use arcoflow::host::http::Patience;
use arcoflow::local::{Local, LocalOptions};
use serde_json::Value;

struct House {
    _directory: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    local: Option<Local>,
    address: SocketAddr,
    key: String,
}

impl House {
    fn start() -> House {
        let directory = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let options = LocalOptions {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            patience: Patience {
                head: Duration::from_millis(400),
                body: Duration::from_millis(400),
                idle: Duration::from_millis(1_200),
            },
            ..LocalOptions::new(directory.path())
        };
        let local = runtime.block_on(Local::start(options)).unwrap();
        House {
            address: local.url.strip_prefix("http://").unwrap().parse().unwrap(),
            key: local.api_key.clone(),
            _directory: directory,
            runtime,
            local: Some(local),
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        stream
    }

    fn authorized(&self, rest: &str) -> String {
        rest.replace("KEY", &self.key)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(local) = self.local.take() {
            self.runtime.block_on(local.shutdown());
        }
    }
}

/// Everything that comes back until the other side closes; a reset after an answer is an end too.
fn rest_of(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 4_096];
    while let Ok(count) = stream.read(&mut piece) {
        if count == 0 {
            break;
        }
        bytes.extend_from_slice(&piece[..count]);
    }
    String::from_utf8(bytes).unwrap()
}

fn problem_of(answer: &str) -> (u16, String, Value) {
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no head: {answer:?}"));
    let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(
        head.to_lowercase()
            .contains("content-type: application/problem+json"),
        "{head}"
    );
    assert!(
        head.to_lowercase().contains("cache-control: no-store"),
        "{head}"
    );
    let problem: Value =
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
    assert_eq!(problem["status"], status, "{answer}");
    let kind = problem["type"]
        .as_str()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned();
    assert!(
        problem["instance"]
            .as_str()
            .unwrap()
            .starts_with("urn:uuid:"),
        "{answer}"
    );
    (status, kind, problem)
}

#[test]
fn bad_requests_are_told_apart() {
    let house = House::start();
    let post = "POST /v1/runs HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nContent-Type: application/json\r\nConnection: close\r\n";
    let get =
        "GET /v1/runs HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nConnection: close\r\n";
    let chunk = |bytes: usize| format!("{bytes:x}\r\n{}\r\n", "7".repeat(bytes));
    let rows: Vec<(&str, String, u16, &str)> = vec![
        (
            "not HTTP",
            "hello there\r\n\r\n".to_owned(),
            400,
            "bad-request",
        ),
        (
            "another protocol",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
            400,
            "bad-request",
        ),
        (
            "a header without a colon",
            "GET /health HTTP/1.1\r\nHost\r\n\r\n".to_owned(),
            400,
            "bad-request",
        ),
        (
            "length given in two ways",
            format!("{post}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            400,
            "bad-request",
        ),
        (
            "length given in two ways, the other order",
            format!("{post}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n"),
            400,
            "bad-request",
        ),
        (
            "two equal lengths",
            format!("{post}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{{}}"),
            400,
            "bad-request",
        ),
        (
            "two different lengths",
            format!("{post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}} "),
            400,
            "bad-request",
        ),
        (
            "a length that is none",
            format!("{post}Content-Length: 2x\r\n\r\n{{}}"),
            400,
            "bad-request",
        ),
        (
            "two credentials",
            format!("{get}Authorization: Bearer KEY\r\n\r\n"),
            400,
            "bad-request",
        ),
        (
            "a long target",
            format!(
                "GET /v1/runs?limit={} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                "1".repeat(3_000)
            ),
            414,
            "uri-too-long",
        ),
        (
            "a target without end",
            format!(
                "GET /v1/runs?limit={} HTTP/1.1\r\nHost: a\r\n\r\n",
                "1".repeat(65_600)
            ),
            414,
            "uri-too-long",
        ),
        (
            "large headers",
            format!("{get}X-Large: {}\r\n\r\n", "x".repeat(17_000)),
            431,
            "headers-too-large",
        ),
        (
            "headers without end",
            format!("{get}X-Large: {}\r\n\r\n", "x".repeat(70_000)),
            431,
            "headers-too-large",
        ),
        (
            "very many headers",
            format!("{get}{}\r\n", "X: y\r\n".repeat(600)),
            431,
            "headers-too-large",
        ),
        (
            "a body over the cap, announced",
            format!("{post}Content-Length: 1048577\r\n\r\n"),
            413,
            "body-too-large",
        ),
        (
            "a body over the cap, in pieces",
            format!(
                "{post}Transfer-Encoding: chunked\r\n\r\n{}{}",
                chunk(1_000_000),
                chunk(60_000)
            ),
            413,
            "body-too-large",
        ),
        (
            "an encoded body",
            format!("{post}Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{{}}"),
            415,
            "unsupported-media-type",
        ),
        (
            "a body that is no JSON",
            format!("{post}Content-Length: 2\r\n\r\n{{{{"),
            400,
            "malformed-json",
        ),
        (
            "a method that the path does not have",
            "DELETE /v1/runs HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_owned(),
            405,
            "method-not-allowed",
        ),
        (
            "a path that is none",
            "GET /v2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_owned(),
            404,
            "not-found",
        ),
        (
            "no credential",
            "GET /v1/runs HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_owned(),
            401,
            "unauthorized",
        ),
        (
            "a head that stops",
            "GET /health HTTP/1.1\r\nHost: a\r\n".to_owned(),
            408,
            "request-timeout",
        ),
        (
            "a body that stops",
            format!("{post}Content-Length: 20\r\n\r\n{{"),
            408,
            "request-timeout",
        ),
        (
            "a chunk that is none",
            format!("{post}Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
            400,
            "bad-request",
        ),
    ];
    for (name, request, status, kind) in rows {
        let mut stream = house.connect();
        // The other side may close before it has read everything; what it said still counts.
        let _ = stream.write_all(house.authorized(&request).as_bytes());
        let answer = rest_of(&mut stream);
        assert!(answer.contains("\r\n\r\n"), "{name}: {answer}");
        let (got_status, got_kind, _) = problem_of(&answer);
        assert_eq!(
            (got_status, got_kind.as_str()),
            (status, kind),
            "{name}: {answer}"
        );
    }
}

#[test]
fn a_connection_is_kept_for_the_next_request_and_not_for_ever() {
    let house = House::start();
    let mut stream = house.connect();
    for _ in 0..3 {
        stream
            .write_all(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        let mut answer = [0; 1_024];
        let count = stream.read(&mut answer).unwrap();
        assert!(answer[..count].starts_with(b"HTTP/1.1 200"));
        std::thread::sleep(Duration::from_millis(600));
    }
    assert_eq!(
        rest_of(&mut stream),
        "",
        "an idle connection ends without a word"
    );
}

#[test]
fn a_stream_shows_what_was_and_goes_on_with_what_comes() {
    let house = House::start();
    let client = house.local.as_ref().unwrap().client.clone();
    let deploy = |name: &str| {
        let manifest = format!(r#"{{"version":1,"name":"{name}"}}"#);
        let deployed = house
            .runtime
            .block_on(client.deploy(manifest.as_bytes()))
            .unwrap();
        assert!(deployed.changed);
    };
    let listen = |more: &str| {
        let mut stream = house.connect();
        let request = format!(
            "GET /v1/ledger HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nAccept: text/event-stream\r\n{more}\r\n"
        );
        stream
            .write_all(house.authorized(&request).as_bytes())
            .unwrap();
        stream
    };
    let until = |stream: &mut TcpStream, wanted: &str| {
        let mut seen = String::new();
        while !seen.contains(wanted) {
            let mut piece = [0; 4_096];
            let count = stream.read(&mut piece).unwrap();
            assert!(count > 0, "{seen}");
            seen.push_str(std::str::from_utf8(&piece[..count]).unwrap());
        }
        seen
    };
    deploy("one");
    let mut stream = listen("");
    let seen = until(&mut stream, "id: 1\nevent: manifest_deployed\ndata: {");
    assert!(seen.contains("text/event-stream"), "{seen}");
    deploy("two");
    until(&mut stream, "id: 2\n");
    // A silent stream outlives the time that an idle connection has.
    std::thread::sleep(Duration::from_millis(2_000));
    deploy("three");
    until(&mut stream, "id: 3\n");
    drop(stream);
    let mut stream = listen("Last-Event-ID: 2\r\n");
    let seen = until(&mut stream, "id: 3\n");
    assert!(!seen.contains("id: 2\n"), "{seen}");
}

#[test]
fn a_head_request_is_refused_like_any_method_that_the_path_does_not_have() {
    let house = House::start();
    let mut stream = house.connect();
    stream
        .write_all(b"HEAD /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .unwrap();
    let answer = rest_of(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    assert!(answer.to_lowercase().contains("allow: get"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

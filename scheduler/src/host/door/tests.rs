//! What only a bug, a full disk or a slow sync would show is shown with operations that behave so.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use arcoflow_core::door::admit::{Admitted, Caller};
use arcoflow_core::door::answer::{Answered, Fault};
use arcoflow_core::door::config::Config;
use arcoflow_core::door::routes::{Guard, Handler, Params, Route, Shown};
use arcoflow_core::door::session::Session;
use arcoflow_core::door::sql::StoreError;
use arcoflow_core::identity::digest::sha256;
use arcoflow_core::identity::ids::ManifestId;
use arcoflow_core::identity::keys::{TenantId, WorkspaceId};
use arcoflow_core::wire::event::{Event, ManifestDeployed};
use arcoflow_core::wire::problem::Slug;
use arcoflow_core::wire::scope::Scope;
use tokio::sync::oneshot;

use super::writer::{Request, Task};
use super::{LocalDoor, Reply};
use crate::host::lock::DataLock;

const fn route(
    name: &'static str,
    handler: fn(&mut Session<'_>, &Admitted, &[u8]) -> Answered,
) -> Route {
    Route {
        name,
        method: "POST",
        path: "/",
        guard: Guard::Open,
        shown: Shown::Write,
        body_cap: 0,
        body_optional: true,
        handler: Handler::Door(handler),
        summary: "",
        waits: false,
        query: &[],
        success: 200,
        refusals: &[],
    }
}

static APPENDS: Route = route("appends", append);
static PANICS: Route = route("panics", append_and_panic);
static FAILS: Route = route("fails", append_and_fail);
static FILLS: Route = route("fills", append_and_fill);
static WAITS: Route = route("waits", wait_for_the_gate);

fn append(session: &mut Session<'_>, _: &Admitted, _: &[u8]) -> Answered {
    let random = session.moment.random();
    let manifest_id = ManifestId::from_parts(session.now_ms()?, random).expect("a time of now");
    let event = ManifestDeployed {
        manifest_id,
        manifest: sha256(b""),
        assets: 0,
    };
    let record = session.append(&Event::ManifestDeployed(event), None)?;
    let seq = record.seq.to_string().into_bytes();
    Ok(arcoflow_core::door::http::Response::json(200, seq).into())
}

fn append_and_panic(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    append(session, admitted, body)?;
    panic!("a bug that was planted");
}

fn append_and_fail(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    append(session, admitted, body)?;
    Err(Fault::Store(StoreError::new("planted".to_owned())))
}

fn append_and_fill(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    append(session, admitted, body)?;
    Err(Fault::Store(
        StoreError::new("planted".to_owned()).full(true),
    ))
}

static GATE: Mutex<Option<Receiver<()>>> = Mutex::new(None);

fn wait_for_the_gate(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    if let Some(gate) = GATE.lock().expect("no panic holds it").take() {
        let _ = gate.recv_timeout(Duration::from_secs(10));
    }
    append(session, admitted, body)
}

fn ask(route: &'static Route) -> Admitted {
    Admitted {
        route,
        params: Params::default(),
        query: Vec::new(),
        caller: Caller::Anyone,
        idempotency_key: None,
        wants_stream: false,
        signed: Vec::new(),
        shard: 0,
        told: None,
    }
}

fn open(directory: &tempfile::TempDir) -> LocalDoor {
    let scope = Scope {
        tenant: TenantId::parse("local").expect("a name"),
        workspace: WorkspaceId::parse("default").expect("a name"),
    };
    let lock = DataLock::take(directory.path()).expect("a fresh directory");
    LocalDoor::open(lock, Config::new(scope, "http://localhost")).expect("a fresh ledger")
}

async fn answer(door: &LocalDoor, route: &'static Route) -> (u16, String) {
    match door.answer(ask(route), Vec::new()).await {
        Reply::Whole(response) => (
            response.status,
            String::from_utf8(response.body).expect("text"),
        ),
        Reply::Stream(_) => panic!("not a stream"),
    }
}

#[tokio::test]
async fn what_fails_leaves_nothing_and_harms_nobody() {
    let directory = tempfile::tempdir().expect("a directory");
    let door = open(&directory);
    assert_eq!(answer(&door, &APPENDS).await, (200, "1".to_owned()));
    for (route, slug) in [
        (&PANICS, Slug::Internal),
        (&FAILS, Slug::Unavailable),
        (&FILLS, Slug::StorageExhausted),
    ] {
        let (status, body) = answer(&door, route).await;
        assert_eq!(status, slug.status(), "{body}");
        assert!(body.contains(slug.as_str()), "{body}");
        assert!(
            !body.contains("planted"),
            "the caller hears nothing of the inside: {body}"
        );
    }
    assert_eq!(answer(&door, &APPENDS).await, (200, "2".to_owned()));
    door.close();
}

#[tokio::test]
async fn who_comes_together_shares_one_commit_and_not_each_others_failures() {
    let directory = tempfile::tempdir().expect("a directory");
    let door = open(&directory);
    let statuses = all_at_once(&door, &[&APPENDS; 100]).await;
    assert_eq!(statuses, [200; 100]);
    // One commit for the request at the gate and everybody who came meanwhile.
    assert_eq!(door.shared.metrics.commits_seen(), 1);

    let routes = [&APPENDS, &PANICS, &APPENDS, &FAILS, &APPENDS];
    let statuses = all_at_once(&door, &routes).await;
    assert_eq!(statuses, [200, 500, 200, 503, 200]);
    assert_eq!(door.shared.metrics.commits_seen(), 2);
    assert_eq!(answer(&door, &APPENDS).await, (200, "106".to_owned()));
    door.close();
}

/// Holds the writer at a gate until every request stands before it.
async fn all_at_once(door: &LocalDoor, routes: &[&'static Route]) -> Vec<u16> {
    let (open_gate, gate) = channel();
    *GATE.lock().expect("no panic holds it") = Some(gate);
    let mut answers = Vec::new();
    for route in std::iter::once(&&WAITS).chain(routes) {
        let (reply, answer) = oneshot::channel();
        let request = Request {
            admitted: ask(route),
            body: Vec::new(),
            reply,
        };
        let task = Task::Answer(Box::new(request));
        door.shared.writer.send(task).expect("the writer lives");
        answers.push(answer);
    }
    open_gate.send(()).expect("the writer waits");
    let mut statuses = Vec::new();
    for answer in answers {
        statuses.push(answer.await.expect("an answer").status);
    }
    statuses.remove(0);
    statuses
}

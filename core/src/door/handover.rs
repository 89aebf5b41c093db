//! An admitted request travels to the room of its ledger as text, so that what was verified once is not verified again.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::door::admit::{Admitted, Caller};
use crate::door::routes::{Params, ROUTES};
use crate::wire::reader::{self, Decode};
use crate::wire::view::DeployAnswer;

/// What travels. A host must carry it where no caller can write: who holds it is believed.
#[derive(Serialize, Decode, Deserialize)]
struct Packed {
    route: String,
    params: Params,
    query: Vec<(String, String)>,
    caller: Caller,
    key: Option<String>,
    stream: bool,
    signed: Vec<(String, String)>,
    shard: u32,
    told: Option<DeployAnswer>,
}

/// An admitted request as printable ASCII, fit for the value of a header.
#[must_use]
pub fn pack(admitted: &Admitted) -> String {
    let packed = Packed {
        route: String::from(admitted.route.name),
        params: admitted.params.clone(),
        query: admitted.query.clone(),
        caller: admitted.caller.clone(),
        key: admitted.idempotency_key.clone(),
        stream: admitted.wants_stream,
        signed: admitted.signed.clone(),
        shard: admitted.shard,
        told: admitted.told.clone(),
    };
    let json = serde_json::to_string(&packed).unwrap_or_default();
    let mut text = String::with_capacity(json.len());
    // JSON outside ASCII stands in strings alone, where an escape says the same.
    for unit in json.chars() {
        if (' '..='~').contains(&unit) {
            text.push(unit);
        } else {
            for half in unit.encode_utf16(&mut [0; 2]) {
                text.push_str(&alloc::format!("\\u{half:04x}"));
            }
        }
    }
    text
}

/// The admitted request of a text; `None` when [`pack`] did not write it.
#[must_use]
pub fn unpack(text: &str) -> Option<Admitted> {
    let packed: Packed = reader::read(text.as_bytes()).ok()?;
    Some(Admitted {
        route: ROUTES.iter().find(|route| route.name == packed.route)?,
        params: packed.params,
        query: packed.query,
        caller: packed.caller,
        idempotency_key: packed.key,
        wants_stream: packed.stream,
        signed: packed.signed,
        shard: packed.shard,
        told: packed.told,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::token::{TaskClaims, Verified};
    use crate::identity::digest::Sha256Digest;
    use crate::identity::ids::{RunId, TaskId};
    use crate::identity::keys::{TenantId, WorkspaceId};
    use crate::wire::scope::Scope;

    #[track_caller]
    fn check(admitted: &Admitted) {
        let text = pack(admitted);
        assert!(
            text.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
            "{text}"
        );
        let back = unpack(&text).expect("what was packed is unpacked");
        assert_eq!(back.route.name, admitted.route.name);
        assert_eq!(back.params, admitted.params);
        assert_eq!(back.query, admitted.query);
        assert_eq!(back.caller, admitted.caller);
        assert_eq!(back.idempotency_key, admitted.idempotency_key);
        assert_eq!(back.wants_stream, admitted.wants_stream);
        assert_eq!(back.signed, admitted.signed);
        assert_eq!(back.shard, admitted.shard);
        assert_eq!(back.told, admitted.told);
    }

    fn admitted(route: usize, caller: Caller) -> Admitted {
        Admitted {
            route: &ROUTES[route],
            params: Params::default(),
            query: Vec::new(),
            caller,
            idempotency_key: None,
            wants_stream: false,
            signed: Vec::from([("webhook-id".into(), "m\u{e9}".into())]),
            shard: 3,
            told: Some(DeployAnswer {
                manifest_id: crate::identity::ids::ManifestId::from_bytes([5; 16]),
                manifest: Sha256Digest::from_bytes([6; 32]),
                assets: 2,
                changed: true,
                seq: 7,
            }),
        }
    }

    #[test]
    fn what_was_admitted_arrives() {
        let scope = Scope {
            tenant: TenantId::parse("acme").expect("a tenant"),
            workspace: WorkspaceId::parse("main").expect("a workspace"),
        };
        for route in 0..ROUTES.len() {
            check(&admitted(route, Caller::Anyone));
        }
        let run = RunId::from_bytes([1; 16]);
        let mut request = admitted(
            4,
            Caller::Key {
                name: "ürs".into(),
                scope: scope.clone(),
            },
        );
        request.params.run = Some(run);
        request.params.manifest = Some(Sha256Digest::from_bytes([2; 32]));
        request.query = Vec::from([("before".into(), "\u{1f600}\n\"\\\u{7f}\u{0}".into())]);
        request.idempotency_key = Some("a \"key\" ~".into());
        request.wants_stream = true;
        check(&request);
        let claims = TaskClaims {
            iss: "arcoflow".into(),
            aud: "https://door.example".into(),
            sub: TaskId::from_bytes([3; 16]),
            tid: scope.tenant.clone(),
            wid: scope.workspace.clone(),
            run,
            att: 2,
            aid: crate::identity::ids::AttemptId::from_bytes([4; 16]),
            dl: u64::MAX >> 1,
            ver: 1,
        };
        check(&admitted(
            12,
            Caller::Task(Verified {
                claims,
                issued_ms: 1_000,
                expires_ms: 2_000,
            }),
        ));
    }

    #[test]
    fn nothing_else_does() {
        for text in ["", "{}", "null", "{\"route\":\"nothing\"}"] {
            assert!(unpack(text).is_none(), "{text}");
        }
        let text = pack(&admitted(0, Caller::Anyone));
        assert!(unpack(&text.replace("deployManifest", "deploy")).is_none());
        assert!(unpack(&text[..text.len() - 1]).is_none());
    }
}

//! Two plans with one fingerprint have the same tasks, edges, priorities and resources.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use sha2::{Digest, Sha256};

use crate::identity::canonical_json;
use crate::identity::digest::Sha256Digest;
use crate::identity::keys::{TenantId, WorkspaceId};
use crate::plan::Plan;

const DOMAIN: &str = "arcoflow-plan:v1:";
const VERSION: u32 = 1;
const CHUNK_BYTES: usize = 32 * 1024;

impl Plan {
    /// SHA-256 over `arcoflow-plan:v1:` and the canonical JSON of `{tasks, tenant, version, workspace}`, where a
    /// task is `{key, priority, resources, upstreams}`; the text is never held in memory.
    pub fn fingerprint(&self, tenant: &TenantId, workspace: &WorkspaceId) -> Sha256Digest {
        let mut sink = Sink {
            hash: Sha256::new(),
            text: String::with_capacity(CHUNK_BYTES * 2),
        };
        sink.text.push_str(DOMAIN);
        sink.text.push_str("{\"tasks\":[");
        for task in 0..self.len() {
            if task > 0 {
                sink.text.push(',');
            }
            self.write_task(task, &mut sink);
        }
        // Ids and numbers need no escapes, and writing to a string cannot fail.
        let _ = write!(
            sink.text,
            "],\"tenant\":\"{}\",\"version\":{VERSION},\"workspace\":\"{}\"}}",
            tenant.as_str(),
            workspace.as_str()
        );
        sink.finish()
    }

    fn write_task(&self, task: u32, sink: &mut Sink) {
        let asset = self.catalog().asset(self.asset(task));
        sink.text.push_str("{\"key\":\"");
        self.write_key(task, &mut sink.text);
        let _ = write!(
            sink.text,
            "\",\"priority\":{},\"resources\":",
            asset.priority
        );
        if asset.resources.is_empty() {
            sink.text.push_str("{}");
        } else {
            let resources: Vec<u8> = canonical_json::to_vec(&asset.resources).unwrap_or_default();
            sink.text
                .push_str(core::str::from_utf8(&resources).unwrap_or_default());
        }
        sink.text.push_str(",\"upstreams\":[");
        for (index, &upstream) in self.upstreams(task).iter().enumerate() {
            sink.text.push_str(if index > 0 { ",\"" } else { "\"" });
            self.write_key(upstream, &mut sink.text);
            sink.text.push('"');
            sink.drain();
        }
        sink.text.push_str("]}");
        sink.drain();
    }
}

struct Sink {
    hash: Sha256,
    text: String,
}

impl Sink {
    /// Hashes what has gathered, once it is worth a call.
    fn drain(&mut self) {
        if self.text.len() >= CHUNK_BYTES {
            self.hash.update(self.text.as_bytes());
            self.text.clear();
        }
    }

    fn finish(mut self) -> Sha256Digest {
        self.hash.update(self.text.as_bytes());
        Sha256Digest::from_bytes(self.hash.finalize().into())
    }
}

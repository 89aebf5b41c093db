//! Both doors can be started over a directory, and are gone when whoever started them is.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use arcoflow_tests::contract::wire;
use serde_json::Value;

use crate::process::{root, target};

/// How long a door may take to answer first.
const START: Duration = Duration::from_secs(30);

/// A door over a directory; it ends with this.
pub(crate) struct Started {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Started {
    /// The native door, as `cargo build` made it.
    pub(crate) fn native(data: &Path) -> Result<Started, String> {
        let child = Command::new(target().join("debug/arcoflow"))
            .args([
                "serve",
                "--no-scheduler",
                "--listen",
                "127.0.0.1:0",
                "--data",
            ])
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("the native door does not start: {error}"))?;
        Started::reach(child, data)
    }

    /// The door on workerd.
    pub(crate) fn edge(data: &Path) -> Result<Started, String> {
        let mut child = Command::new("node")
            .arg(root().join("edge/serve.mjs"))
            .args(["--port", "0", "--data"])
            .arg(data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("node does not start: {error}"))?;
        let mut first = String::new();
        if let Some(output) = child.stdout.take() {
            let _ = BufReader::new(output).read_line(&mut first);
        }
        Started::reach(child, data)
    }

    /// Waits until the door that the directory names answers.
    fn reach(child: Child, data: &Path) -> Result<Started, String> {
        let mut started = Started {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 1)),
        };
        let end = Instant::now() + START;
        while Instant::now() < end {
            if let Some(address) = address_in(data) {
                started.address = address;
                let health = b"GET /health HTTP/1.1\r\nhost: door\r\nconnection: close\r\n\r\n";
                if wire::exchange(address, health).is_ok_and(|answer| answer.status == 200) {
                    return Ok(started);
                }
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(format!("the door over {} does not answer", data.display()))
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // The runner of workerd ends it when its input closes.
        drop(self.child.stdin.take());
        for _ in 0..40 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            let _ = Command::new("kill")
                .arg(self.child.id().to_string())
                .status();
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address_in(data: &Path) -> Option<SocketAddr> {
    let text = fs::read(data.join("client.json")).ok()?;
    let client: Value = serde_json::from_slice(&text).ok()?;
    client["url"]
        .as_str()?
        .strip_prefix("http://")?
        .parse()
        .ok()
}

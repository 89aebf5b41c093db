//! The native door and the door on workerd are asked the same, and answer with the same bytes.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use arcoflow_tests::contract::keys::Keys;
use arcoflow_tests::contract::script::Door;
use arcoflow_tests::contract::{compare, wire};
use serde_json::{Value, json};

use crate::process::{cargo, root, run, target};
use crate::{edge, evidence};

/// How long a door may take to answer first.
const START: Duration = Duration::from_secs(30);

/// Builds and starts both doors with the same keys, and compares them.
pub(crate) fn run_all() -> Result<(), String> {
    edge::build()?;
    run(
        cargo().args(["build", "--quiet", "--package", "arcoflow"]),
        "the binary has to build",
    )?;
    let keys = Keys::new()?;
    let native = Started::native(&prepare("native", &keys)?)?;
    let edge = Started::edge(&prepare("edge", &keys)?)?;
    let doors = [("native", &native), ("workerd", &edge)].map(|(name, started)| Door {
        name,
        address: started.address,
        keys: keys.clone(),
    });
    let [native, edge] = &doors;
    let (summary, differences) = match compare(native, edge) {
        Ok(summary) => (Some(summary), Vec::new()),
        Err(differences) => (None, differences),
    };
    let facts = json!({
        "doors": [native.name, edge.name],
        "exchanges": summary.map(|summary| summary.exchanges),
        "refusals": summary.map(|summary| summary.refusals),
        "differences": differences.len(),
    });
    evidence::keep("parity/contract.json", "cargo xtask contract", &facts)?;
    let Some(summary) = summary else {
        return Err(differences.join("\n"));
    };
    println!(
        "{} exchanges with each of two doors, {} of them refusals: the same bytes",
        summary.exchanges, summary.refusals
    );
    Ok(())
}

/// An empty directory with the keys of the suite.
fn prepare(name: &str, keys: &Keys) -> Result<PathBuf, String> {
    let place = target().join("contract").join(name);
    let fault = |error: std::io::Error| format!("{}: {error}", place.display());
    if place.exists() {
        fs::remove_dir_all(&place).map_err(fault)?;
    }
    fs::create_dir_all(&place).map_err(fault)?;
    let keyring = serde_json::to_vec(&keys.keyring).map_err(|error| error.to_string())?;
    fs::write(place.join("credentials.json"), keyring).map_err(fault)?;
    let client = json!({ "url": "http://127.0.0.1:1", "key": keys.owner });
    fs::write(place.join("client.json"), client.to_string()).map_err(fault)?;
    Ok(place)
}

/// A door of this suite; it ends with it.
struct Started {
    child: Child,
    address: SocketAddr,
}

impl Started {
    fn native(data: &Path) -> Result<Started, String> {
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

    fn edge(data: &Path) -> Result<Started, String> {
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

//! The native door and the door on workerd are asked the same, and answer with the same bytes.

use std::fs;
use std::path::PathBuf;

use arcoflow_tests::contract::compare;
use arcoflow_tests::contract::keys::Keys;
use arcoflow_tests::contract::script::Door;
use serde_json::json;

use crate::doors::Started;
use crate::process::{cargo, run, target};
use crate::{edge, evidence};

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

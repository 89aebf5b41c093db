//! A program that outlived its worker is found and killed before its attempt is reported, and no other process is ever touched.

use std::collections::BTreeSet;
use std::path::Path;

use rustix::process::{Pid, Signal, getpgid, kill_process_group};

use super::group::Identity;

/// How often the process table is looked through again for what was forked meanwhile.
const LOOKS: u32 = 20;

/// Kills the process group that ran an attempt. Returns whether anything was found.
///
/// The leader is known by its number and its beginning. A worker that died before it could note them is helped by the environment:
/// only the programs of this attempt have the path of its envelope there.
pub(crate) fn kill(noted: Option<&Identity>, envelope: &Path) -> bool {
    let mut found = false;
    for _ in 0..LOOKS {
        let groups = groups(noted, envelope);
        if groups.is_empty() {
            break;
        }
        found = true;
        for group in groups {
            if let Some(group) = Pid::from_raw(group) {
                let _ = kill_process_group(group, Signal::KILL);
            }
        }
        // A killed process is in the table until the system has cleaned up after it.
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    found
}

/// The groups of an attempt that are alive.
fn groups(noted: Option<&Identity>, envelope: &Path) -> BTreeSet<i32> {
    let mut groups = BTreeSet::new();
    if let Some(identity) = noted
        && identity.began != 0
        && identity.boot == boot()
        && is_running(identity.pid)
        && began(identity.pid) == Some(identity.began)
    {
        groups.insert(identity.pid);
    }
    let marker = [
        b"ARCOFLOW_ENVELOPE=",
        envelope.as_os_str().as_encoded_bytes(),
    ]
    .concat();
    for pid in processes() {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        if environment
            .split(|byte| *byte == 0)
            .any(|variable| variable == marker)
            && is_running(pid)
            && let Some(group) = Pid::from_raw(pid).and_then(|pid| getpgid(Some(pid)).ok())
        {
            groups.insert(group.as_raw_nonzero().get());
        }
    }
    // A program that left its group for a session of its own is not ours; neither is ever the worker's own group.
    let own = rustix::process::getpgrp().as_raw_nonzero().get();
    groups.remove(&own);
    groups.retain(|group| !is_session(*group));
    groups
}

fn processes() -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect()
}

/// The fields of `/proc/PID/stat` after the program's name, which may itself hold spaces and brackets (proc(5)).
fn fields(pid: i32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(") ")?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

/// When a process began, in ticks since the machine did.
pub(crate) fn began(pid: i32) -> Option<u64> {
    fields(pid)?.get(19)?.parse().ok()
}

pub(crate) fn is_running(pid: i32) -> bool {
    fields(pid).is_some_and(|fields| !matches!(fields.first().map(String::as_str), Some("Z" | "X")))
}

/// Whether a group leads a session, like a program that made itself a daemon.
fn is_session(group: i32) -> bool {
    fields(group).is_some_and(|fields| fields.get(3) == Some(&group.to_string()))
}

/// Which life of the machine this is; empty where the system does not say.
pub(crate) fn boot() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    text.map_or_else(|_| String::new(), |text| text.trim().to_owned())
}

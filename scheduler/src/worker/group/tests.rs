//! Real programs end in every way that programs end, and leave nothing behind.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;

use super::*;
use crate::worker::orphan;

fn run(command: &[&str]) -> Run {
    Run {
        command: command.iter().map(|&word| word.to_owned()).collect(),
        env: BTreeMap::from([("COLOUR".to_owned(), "blue".to_owned())]),
    }
}

fn shell(script: &str) -> Run {
    run(&["sh", "-c", script])
}

/// Runs a program to its end, and tells how it ended and what it printed.
async fn finish(run: &Run, directory: &Path) -> (ExitStatus, String) {
    let (mut group, mut printed) = start(run, directory, &[], &[]).unwrap();
    let mut text = String::new();
    printed.read_to_string(&mut text).await.unwrap();
    group.ended().await;
    group.ended().await;
    (group.end().await.unwrap(), text)
}

fn is_alive(pid: &str) -> bool {
    let pid: i32 = pid.trim().parse().unwrap();
    orphan::began(pid).is_some_and(|_| orphan::is_running(pid))
}

/// A killed process that is no child of ours is cleaned up by the system when it comes to it.
async fn goes_away(pid: &str) -> bool {
    for _ in 0..500 {
        if !is_alive(pid) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

/// Waits for what a program writes into a file first of all.
async fn contents(path: &Path) -> String {
    for _ in 0..500 {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("`{}` was not written", path.display());
}

#[tokio::test]
async fn a_program_ends_with_a_code_or_a_signal() {
    let here = tempfile::tempdir().unwrap();
    for (script, code, signal) in [
        ("exit 0", Some(0), None),
        ("exit 7", Some(7), None),
        ("kill -TERM $$", None, Some(15)),
        ("kill -KILL $$", None, Some(9)),
    ] {
        let (status, _) = finish(&shell(script), here.path()).await;
        assert_eq!((status.code(), status.signal()), (code, signal), "{script}");
    }
}

#[tokio::test]
async fn both_streams_come_in_the_order_in_which_they_were_printed() {
    let here = tempfile::tempdir().unwrap();
    let script = "for n in 1 2 3; do echo out$n; echo err$n >&2; done; cat";
    let (_, text) = finish(&shell(script), here.path()).await;
    assert_eq!(text, "out1\nerr1\nout2\nerr2\nout3\nerr3\n");
}

#[tokio::test]
async fn a_program_sees_its_directory_and_the_manifests_environment() {
    let here = tempfile::tempdir().unwrap();
    std::fs::write(here.path().join("own.sh"), "#!/bin/sh\npwd; echo $COLOUR\n").unwrap();
    rustix::fs::chmod(here.path().join("own.sh"), rustix::fs::Mode::RWXU).unwrap();
    let (status, text) = finish(&run(&["./own.sh"]), here.path()).await;
    let directory = here.path().canonicalize().unwrap();
    assert_eq!(text, format!("{}\nblue\n", directory.display()));
    assert!(status.success());
}

#[tokio::test]
async fn a_program_that_cannot_start_says_what_to_do() {
    let here = tempfile::tempdir().unwrap();
    std::fs::write(here.path().join("plain.sh"), "#!/bin/sh\n").unwrap();
    std::fs::write(here.path().join("strange.sh"), "#!/no/such/interpreter\n").unwrap();
    std::fs::write(here.path().join("noise"), [0x7f, 1, 2, 3]).unwrap();
    for name in ["strange.sh", "noise"] {
        rustix::fs::chmod(here.path().join(name), rustix::fs::Mode::RWXU).unwrap();
    }
    let gone = here.path().join("gone");
    for (command, directory, expected) in [
        (
            "no-such-program",
            here.path(),
            "`no-such-program` was not found in the worker's `PATH`",
        ),
        ("./no-such-program", here.path(), "a path is meant from"),
        ("./plain.sh", here.path(), "chmod +x"),
        (
            "./strange.sh",
            here.path(),
            "the interpreter that its first line names",
        ),
        ("./noise", here.path(), "no format that the system runs"),
        ("true", &gone, "directory"),
        ("tr\0ue", here.path(), "zero byte"),
    ] {
        let reason = start(&run(&[command]), directory, &[], &[]).unwrap_err();
        assert_eq!(reason.category, ErrorCategory::Configuration, "{command}");
        assert!(reason.message.contains(expected), "{}", reason.message);
    }
    let nothing = start(&run(&[]), here.path(), &[], &[]).unwrap_err();
    assert_eq!(nothing.message, "the command is empty");
}

#[tokio::test]
async fn what_a_program_leaves_in_its_group_is_killed() {
    let here = tempfile::tempdir().unwrap();
    let script = "sleep 300 & echo $! > child; exit 3";
    let (mut group, _printed) = start(&shell(script), here.path(), &[], &[]).unwrap();
    let leader = group.identity().pid.to_string();
    group.ended().await;
    let child = contents(&here.path().join("child")).await;
    assert!(is_alive(&child));
    assert_eq!(group.end().await.unwrap().code(), Some(3));
    assert!(goes_away(&child).await);
    assert!(!Path::new(&format!("/proc/{leader}")).exists(), "no zombie");
}

#[tokio::test]
async fn a_signal_reaches_the_whole_group() {
    let here = tempfile::tempdir().unwrap();
    let script = "sleep 300 & echo $! > child; trap 'echo bye; exit 0' TERM; wait";
    let (mut group, mut printed) = start(&shell(script), here.path(), &[], &[]).unwrap();
    let child = contents(&here.path().join("child")).await;
    // The shell notes the child before it sets its trap.
    tokio::time::sleep(Duration::from_millis(100)).await;
    group.signal(Signal::TERM);
    group.ended().await;
    assert!(group.end().await.unwrap().success());
    assert!(goes_away(&child).await);
    let mut text = String::new();
    printed.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "bye\n");
}

#[tokio::test]
async fn an_orphan_is_found_by_its_note_or_by_its_environment_and_nothing_else_is() {
    let here = tempfile::tempdir().unwrap();
    let envelope = here.path().join("envelope.json");
    let script = "sleep 300 & echo $! > child; wait";
    let begin = async || {
        let _ = std::fs::remove_file(here.path().join("child"));
        let ours: [(&str, &Path); 1] = [("ARCOFLOW_ENVELOPE", &envelope)];
        let (group, _) = start(&shell(script), here.path(), &ours, &[]).unwrap();
        (group, contents(&here.path().join("child")).await)
    };
    let elsewhere = here.path().join("elsewhere.json");
    let (group, child) = begin().await;
    let identity = group.identity();
    let reused = Identity {
        began: identity.began + 1,
        ..identity.clone()
    };
    let other_boot = Identity {
        boot: "another".to_owned(),
        ..identity.clone()
    };
    for stranger in [Some(&reused), Some(&other_boot), None] {
        assert!(!orphan::kill(stranger, &elsewhere));
    }
    assert!(is_alive(&child));
    assert!(orphan::kill(Some(&identity), &elsewhere));
    assert!(goes_away(&child).await);
    assert_eq!(group.end().await.unwrap().signal(), Some(9));

    let (group, child) = begin().await;
    assert!(orphan::kill(None, &envelope));
    assert!(goes_away(&child).await);
    assert_eq!(group.end().await.unwrap().signal(), Some(9));
}

#[tokio::test]
async fn a_group_whose_leader_is_gone_is_found_by_its_environment() {
    let here = tempfile::tempdir().unwrap();
    let envelope = here.path().join("envelope.json");
    let ours: [(&str, &Path); 1] = [("ARCOFLOW_ENVELOPE", &envelope)];
    let script =
        "sleep 300 & echo $! > child; setsid sh -c 'echo $$ > daemon; exec sleep 300' & exit 0";
    let (group, _printed) = start(&shell(script), here.path(), &ours, &[]).unwrap();
    let child = contents(&here.path().join("child")).await;
    let daemon = contents(&here.path().join("daemon")).await;
    assert!(orphan::kill(None, &envelope));
    assert!(goes_away(&child).await);
    assert!(is_alive(&daemon), "a session of its own is not ours");
    group.end().await.unwrap();
    let daemon = Pid::from_raw(daemon.parse().unwrap()).unwrap();
    rustix::process::kill_process(daemon, Signal::KILL).unwrap();
}

#[test]
fn an_identity_is_read_as_it_was_written() {
    let identity = Identity {
        pid: 12,
        began: 34,
        boot: "b".to_owned(),
    };
    assert_eq!(Identity::parse(&identity.to_string()), Some(identity));
    for text in ["", "x", "1", "1 x"] {
        assert_eq!(Identity::parse(text), None, "{text}");
    }
}

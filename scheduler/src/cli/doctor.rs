//! The doctor looks at everything that local work needs, and says what to do about what is not well.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use arcoflow_core::wire::sweep::SweepView;
use clap::Args;

use crate::cli::connection::{Context, DATA_DIR};
use crate::cli::failure::Outcome;
use crate::cli::ledger::report::Report;
use crate::cli::pipeline::{Pipeline, find};
use crate::cli::words;
use crate::client::{Client, RunsQuery};
use crate::host::door::LEDGER;
use crate::host::lock::DataLock;
use crate::local::DEFAULT_PORT;
use crate::local::credentials::{CONNECTION, CREDENTIALS};

/// Less free space than this wants a look.
const LITTLE_BYTES: u64 = 1_000_000_000;
/// With less free space than this nothing works for long.
const TOO_LITTLE_BYTES: u64 = 50_000_000;
/// Clocks that differ by more than this want a look.
const SKEW_MS: u64 = 5_000;
/// The second of November 2025; a clock before it was never set.
const EARLIEST_MS: u64 = 1_762_000_000_000;

/// Check what local work needs.
///
/// Looks at the pipeline file and its programs, the data directory, its lock and secrets, the disk, the clock, the port and the door.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  arcoflow doctor\n  arcoflow doctor examples/weather --json")]
pub(crate) struct Doctor {
    /// The pipeline file, or the directory that holds its `arcoflow.toml`.
    pipeline: Option<PathBuf>,
}

/// `arcoflow doctor`
pub(crate) async fn doctor(context: &Context, verb: &Doctor) -> Outcome {
    let mut report = Report::default();
    report.good(
        "version",
        format!(
            "arcoflow {}, SQLite {}",
            env!("CARGO_PKG_VERSION"),
            rusqlite::version()
        ),
    );
    let given = verb.pipeline.as_deref();
    check_pipeline(given, &mut report);
    let data = match given.and_then(|path| find(path).ok()) {
        Some(file) => Some(file.with_file_name(DATA_DIR)).filter(|data| data.is_dir()),
        None => context.data_dir(),
    };
    match &data {
        Some(data) => check_data(data, &mut report),
        None => report.good("data", "none yet; `arcoflow dev PIPELINE_DIR` makes it"),
    }
    let place = data.unwrap_or_else(|| std::env::current_dir().unwrap_or_default());
    check_disk(&place, &mut report);
    check_clock(&mut report);
    check_door(context, &mut report).await;
    Ok(report.show(&context.screen))
}

/// Reads the pipeline file and looks for the programs that its tasks start with.
fn check_pipeline(given: Option<&Path>, report: &mut Report) {
    let here = PathBuf::from(".");
    let path = given.map_or(here.as_path(), |path| path);
    let mut programs = vec!["python3".to_string()];
    match (find(path), given) {
        (Ok(file), _) => match Pipeline::open(&file) {
            Ok(pipeline) => {
                report.good(
                    "pipeline",
                    format!(
                        "{} in {}",
                        words::of(u64::from(pipeline.assets), "asset"),
                        file.display()
                    ),
                );
                programs = pipeline.programs();
            }
            Err(failure) => {
                report.bad("pipeline", format!("{}: {}", file.display(), failure.what));
                report.hint(format!(
                    "`arcoflow deploy --check {}` shows each line",
                    file.display()
                ));
            }
        },
        (Err(failure), Some(path)) => {
            report.bad("pipeline", format!("{}: {}", path.display(), failure.what));
        }
        (Err(_), None) => {}
    }
    for program in programs {
        check_program(&program, report);
    }
}

fn check_program(program: &str, report: &mut Report) {
    match Command::new(program).arg("--version").output() {
        Ok(output) => {
            let said = if output.stdout.is_empty() {
                output.stderr
            } else {
                output.stdout
            };
            let said = String::from_utf8_lossy(&said);
            let version = said.lines().next().unwrap_or("").trim();
            report.good(
                "program",
                if version.is_empty() {
                    format!("`{program}` starts")
                } else {
                    format!("`{program}`: {version}")
                },
            );
        }
        Err(error) => {
            report.bad("program", format!("`{program}` does not start: {error}"));
            report.hint("install it, or correct the `command` in the pipeline file; a worker looks for it in `PATH`");
        }
    }
}

fn check_data(data: &Path, report: &mut Report) {
    let probe = data.join("doctor.tmp");
    match std::fs::write(&probe, b"x").and_then(|()| std::fs::remove_file(&probe)) {
        Ok(()) => report.good("data", format!("{} can be written", data.display())),
        Err(error) => {
            report.bad(
                "data",
                format!("{} cannot be written: {error}", data.display()),
            );
            report.hint("give this user the directory, or choose another one with `--data`");
        }
    }
    if let Ok(ledger) = std::fs::metadata(data.join(LEDGER)) {
        report.good(
            "ledger",
            format!(
                "{}, {}",
                data.join(LEDGER).display(),
                words::bytes(ledger.len())
            ),
        );
        check_lock(data, report);
    }
    for name in [CREDENTIALS, CONNECTION] {
        check_secret(&data.join(name), report);
    }
}

fn check_lock(data: &Path, report: &mut Report) {
    match DataLock::holder(data) {
        Ok(None) => report.good("lock", "free: no arcoflow runs here"),
        Ok(Some(holder)) => report.good("lock", format!("held by process {holder}")),
        Err(error) => report.bad("lock", error.to_string()),
    }
}

/// Files with secrets are for their owner.
fn check_secret(path: &Path, report: &mut Report) {
    let Ok(metadata) = std::fs::metadata(path) else {
        return;
    };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        report.good(
            "secrets",
            format!("{} is for its owner only", path.display()),
        );
    } else {
        report.bad(
            "secrets",
            format!("{} can be read by others (mode {mode:o})", path.display()),
        );
        report.hint(format!("chmod 600 {}", path.display()));
    }
}

fn check_disk(place: &Path, report: &mut Report) {
    match rustix::fs::statvfs(place) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let said = format!("{} free at {}", words::bytes(free), place.display());
            if free >= LITTLE_BYTES {
                return report.good("disk", said);
            }
            if free < TOO_LITTLE_BYTES {
                report.bad("disk", said);
            } else {
                report.careful("disk", said);
            }
            report
                .hint("free some space: the ledger stops taking new runs before the disk is full");
        }
        Err(error) => report.careful(
            "disk",
            format!(
                "the free space of {} is not known: {error}",
                place.display()
            ),
        ),
    }
}

fn check_clock(report: &mut Report) {
    let now_ms = words::now_ms();
    let said = words::local_time(now_ms);
    if now_ms < EARLIEST_MS {
        report.bad("clock", format!("it says {said}"));
        report.hint("set the clock of this machine: run ids and schedules follow it");
    } else {
        report.good("clock", said);
    }
}

async fn check_door(context: &Context, report: &mut Report) {
    let Ok(client) = context.client() else {
        return check_port(DEFAULT_PORT, report);
    };
    let url = client.base_url().to_string();
    match client.health().await {
        Ok(health) => {
            report.good("door", format!("answers at {url}"));
            check_skew(health.server_time, report);
            match client.ready().await {
                Ok(_) => report.good("scheduler", "holds its lease"),
                Err(error) => {
                    report.careful("scheduler", format!("does not decide: {error}"));
                    report.hint(
                        "start one beside the door: `arcoflow serve` and `arcoflow dev` have one",
                    );
                }
            }
            check_sweeps(&client, health.ledgers(), report).await;
            if let Err(error) = client
                .runs(&RunsQuery {
                    limit: Some(1),
                    ..Default::default()
                })
                .await
            {
                report.bad("key", error.to_string());
                report.hint("set `ARCOFLOW_TOKEN` or `--token` to an API key of this door");
            }
        }
        Err(_) => {
            report.careful("door", format!("does not answer at {url}"));
            report.hint("start it: `arcoflow dev PIPELINE_DIR`");
            check_port(port_of(&url).unwrap_or(DEFAULT_PORT), report);
        }
    }
}

/// Each ledger of a workspace is swept by itself.
async fn check_sweeps(client: &Client, ledgers: u32, report: &mut Report) {
    for ledger in 0..ledgers {
        let client = client.clone().at_shard(ledger);
        report.about((ledgers > 1).then_some(ledger));
        if let Ok(swept) = client.swept().await {
            check_swept(&swept, report);
        }
    }
    report.about(None);
}

/// What the scheduler's sweeps found; a door that was never swept has nothing to say.
fn check_swept(swept: &SweepView, report: &mut Report) {
    let Some(at_ms) = swept.at else {
        return report.good("sweep", "none yet; one comes with the first run");
    };
    let when = words::duration(words::now_ms().saturating_sub(at_ms));
    let looked_at = words::of(swept.looked_at, "row");
    let mut said = format!("{looked_at} looked at {when} ago, ");
    said += &match swept.left_behind {
        0 => "nothing left behind".to_string(),
        found => format!("{found} left behind"),
    };
    if swept.repaired > 0 {
        said += &format!("; {} repaired ever", swept.repaired);
    }
    if swept.left_behind == 0 {
        report.good("sweep", said);
    } else {
        report.careful("sweep", said);
        report.hint("rows were lost and written again; `arcoflow ledger verify` says whether the records are whole");
    }
    for found in swept.found.iter().take(3) {
        let what = match (&found.task_key, found.run_id, found.backfill_id) {
            (Some(task), Some(run), _) => format!("`{task}` of run {run}"),
            (_, Some(run), _) => format!("run {run}"),
            (_, _, Some(backfill)) => format!("backfill {backfill}"),
            _ => continue,
        };
        let at = words::local_time(found.at);
        report.careful("sweep", format!("{at}: {what}: {}", found.fault));
    }
}

fn check_skew(door_ms: u64, report: &mut Report) {
    let skew_ms = door_ms.abs_diff(words::now_ms());
    if skew_ms > SKEW_MS {
        report.careful(
            "clock",
            format!("the door's differs by {}", words::duration(skew_ms)),
        );
        report.hint("only the door's clock counts; the times that are shown here are its times");
    }
}

fn port_of(url: &str) -> Option<u16> {
    url.trim_end_matches('/').rsplit(':').next()?.parse().ok()
}

fn check_port(port: u16, report: &mut Report) {
    match TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))) {
        Ok(_) => report.good("port", format!("{port} is free")),
        Err(error) => {
            report.careful("port", format!("{port} cannot be had: {error}"));
            report.hint(
                "stop what listens there, or choose another port with `--listen 127.0.0.1:0`",
            );
        }
    }
}

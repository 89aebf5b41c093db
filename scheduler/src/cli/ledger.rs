//! A ledger is verified by replaying it: every record against the one before, and every state against the one that the door shows.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use arcoflow_core::door::verify::Verifier;
use arcoflow_core::identity::digest::{Sha256Digest, sha256};
use arcoflow_core::identity::ids::RunId;
use arcoflow_core::plan::MAX_TASKS;
use arcoflow_core::plan::catalog::Catalog;
use arcoflow_core::run::fold::Catalogs;
use arcoflow_core::run::state::Run;
use arcoflow_core::wire::event::Event;
use arcoflow_core::wire::record::Record;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::connection::Context;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::fold::catalog_of;
use crate::cli::words;
use crate::client::{Client, LedgerQuery};

pub(crate) mod report;
mod file;

use report::Report;

/// Records in one page.
const PAGE: u32 = 5_000;

/// Verify or export the ledger.
#[derive(Debug, Args)]
pub(crate) struct Ledger {
    #[command(subcommand)]
    verb: LedgerVerb,
}

#[derive(Debug, Subcommand)]
enum LedgerVerb {
    Verify(Verify),
    Export(Export),
}

/// Check every record against the one before it, replay every run, and compare with what the door says.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  arcoflow ledger verify\n  arcoflow ledger verify --file backup/ledger.db\n  arcoflow ledger verify --url https://flows.example.com"
)]
pub(crate) struct Verify {
    /// The database of a ledger: its indexes are built again from its records, and compared.
    #[arg(long, value_name = "DB")]
    file: Option<PathBuf>,
}

/// Print every record as a line of JSON, in order.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  arcoflow ledger export > ledger.jsonl\n  arcoflow ledger export --out ledger.jsonl --after 120"
)]
pub(crate) struct Export {
    /// Write to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Begin after this record.
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: u64,
}

/// `arcoflow ledger`
pub(crate) async fn ledger(context: &Context, verb: &Ledger) -> Outcome {
    match &verb.verb {
        LedgerVerb::Verify(verb) => match verb.file.clone().or_else(|| context.ledger_file()) {
            Some(path) => file::verify(context, &path),
            None => verify(context).await,
        },
        LedgerVerb::Export(verb) => export(context, verb).await,
    }
}

async fn verify(context: &Context) -> Outcome {
    let client = context.reader()?;
    let mut replay = Replay::default();
    let mut after = 0;
    let mut report = Report::default();
    loop {
        let page = client
            .ledger(&LedgerQuery {
                after,
                limit: PAGE,
                ..LedgerQuery::default()
            })
            .await?;
        let count = page.records.len();
        for line in page.records {
            let record = Record::from(line);
            after = record.seq;
            if let Err(found) = replay.verifier.take(&record) {
                report.broken(&found);
                return Ok(report.show(&context.screen));
            }
            replay.take(&client, &record).await?;
        }
        if count < PAGE as usize {
            break;
        }
    }
    replay.report(&mut report);
    compare(&client, &replay, &mut report).await?;
    Ok(report.show(&context.screen))
}

/// The states of runs, folded from the records alone.
#[derive(Default)]
struct Replay {
    verifier: Verifier,
    catalogs: Known,
    runs: BTreeMap<RunId, Run>,
}

/// The manifests that runs name.
#[derive(Default)]
struct Known(BTreeMap<Sha256Digest, Arc<Catalog>>);

impl Catalogs for Known {
    fn catalog(&self, manifest: &Sha256Digest) -> Option<Arc<Catalog>> {
        self.0.get(manifest).cloned()
    }
}

impl Replay {
    async fn take(&mut self, client: &Client, record: &Record) -> Outcome<()> {
        let Some(event) = record.event() else {
            return Ok(());
        };
        if let Some(body) = event.begins() {
            self.learn(client, &body.manifest).await?;
            let run = Run::begin(record, body.clone(), &self.catalogs, MAX_TASKS);
            self.runs.insert(body.run, run);
        } else if let Some(run) = event.run().and_then(|id| self.runs.get_mut(&id)) {
            run.apply(record, &event);
        }
        Ok(())
    }

    /// Fetches a manifest, which must have the address that it is asked for by.
    async fn learn(&mut self, client: &Client, address: &Sha256Digest) -> Outcome<()> {
        if self.catalogs.0.contains_key(address) {
            return Ok(());
        }
        let text = client.manifest(address).await?;
        if sha256(&text) != *address {
            return Err(Failure::new(
                Exit::RunFailed,
                format!("the manifest `{address}` has another content than its address says"),
            )
            .hint("restore the ledger from a copy: `arcoflow ledger export` makes one"));
        }
        self.catalogs
            .0
            .insert(*address, Arc::new(catalog_of(&text)?));
        Ok(())
    }

    fn report(&self, report: &mut Report) {
        report.good(
            "chain",
            format!(
                "{} in sequence, each hash follows from the one before",
                words::of(self.verifier.seq(), "record")
            ),
        );
        report.good(
            "events",
            "each id follows from what the event says, none stands twice".to_string(),
        );
        if self.verifier.unknown > 0 {
            report.careful(
                "kinds",
                format!(
                    "{} of a kind that this version does not know",
                    words::of(self.verifier.unknown, "record")
                ),
            );
        }
        report.good(
            "manifests",
            format!(
                "{} under the address of its content",
                words::of(self.catalogs.0.len() as u64, "manifest")
            ),
        );
        report.fact("head", json!(self.verifier.seq()));
        report.fact("chain", json!(self.verifier.chain().to_hex()));
    }
}

/// Replayed states beside those that the door shows.
async fn compare(client: &Client, replay: &Replay, report: &mut Report) -> Outcome<()> {
    let mut later = 0_u64;
    for (id, run) in &replay.runs {
        let view = client.run(id).await?;
        if run.finished.is_none() && view.as_of > replay.verifier.seq() {
            // The run went on while it was replayed.
            later += 1;
        } else if view.state_fingerprint != run.fingerprint() {
            report.bad(
                "states",
                format!("run {id} is replayed to another state than the door shows"),
            );
            return Ok(());
        }
    }
    let compared = replay.runs.len() as u64 - later;
    report.good(
        "states",
        format!(
            "{} replayed to the state that the door shows",
            words::of(compared, "run")
        ),
    );
    if later > 0 {
        report.careful(
            "states",
            format!(
                "{} went on meanwhile and were not compared",
                words::of(later, "run")
            ),
        );
    }
    Ok(())
}

async fn export(context: &Context, verb: &Export) -> Outcome {
    let client = context.reader()?;
    let mut file = match &verb.out {
        Some(path) => Some(BufWriter::new(
            File::create(path).map_err(|error| cannot_write(path, &error))?,
        )),
        None => None,
    };
    let mut after = verb.after;
    let mut written = 0_u64;
    loop {
        let page = client
            .ledger(&LedgerQuery {
                after,
                limit: PAGE,
                ..LedgerQuery::default()
            })
            .await?;
        let count = page.records.len();
        for line in page.records {
            after = line.seq;
            written += 1;
            match (&mut file, &verb.out) {
                (Some(file), Some(path)) => {
                    file.write_all(&Record::from(line).to_json())
                        .and_then(|()| file.write_all(b"\n"))
                        .map_err(|error| cannot_write(path, &error))?;
                }
                _ => context
                    .screen
                    .line(String::from_utf8_lossy(&Record::from(line).to_json())),
            }
        }
        if count < PAGE as usize {
            break;
        }
    }
    if let (Some(mut file), Some(path)) = (file, &verb.out) {
        file.flush().map_err(|error| cannot_write(path, &error))?;
        context.screen.note(format!(
            "{} in {}",
            words::of(written, "record"),
            path.display()
        ));
    }
    Ok(Exit::Ok)
}

fn cannot_write(path: &std::path::Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("the file cannot be written: {error}")).at(path.display())
}

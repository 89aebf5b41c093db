//! A ledger is verified by replaying it: every record against the one before, and every state against the one that the door shows.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use arcoflow_core::door::verify::Verifier;
use arcoflow_core::identity::digest::{Sha256Digest, sha256};
use arcoflow_core::wire::record::Record;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::connection::{Context, at_ledger};
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::words;
use crate::client::{Client, LedgerQuery};

pub(crate) mod report;
mod file;
mod door;

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
    after_help = "Examples:\n  arcoflow ledger export > ledger.jsonl\n  arcoflow ledger export --out ledger.jsonl --after 120\n  arcoflow ledger export --out ledger.jsonl --manifests manifests\n  arcoflow ledger export --out third.jsonl --shard 2"
)]
pub(crate) struct Export {
    /// Write to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Begin after this record.
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: u64,
    /// Write the manifests that the records name into this directory too: with them anyone can replay every run.
    #[arg(long, value_name = "DIR")]
    manifests: Option<PathBuf>,
    /// Which ledger, of a workspace that is split over several; the first when absent.
    #[arg(long, value_name = "LEDGER")]
    shard: Option<u32>,
}

/// `arcoflow ledger`
pub(crate) async fn ledger(context: &Context, verb: &Ledger) -> Outcome {
    match &verb.verb {
        LedgerVerb::Verify(verb) => match verb.file.clone().or_else(|| context.ledger_file()) {
            Some(path) => file::verify(context, &path),
            None => door::verify(context).await,
        },
        LedgerVerb::Export(verb) => export(context, verb).await,
    }
}

/// Fetches a manifest, which must have the address that it is asked for by.
async fn manifest(client: &Client, address: &Sha256Digest) -> Outcome<Vec<u8>> {
    let text = client.manifest(address).await?;
    if sha256(&text) != *address {
        return Err(Failure::new(
            Exit::RunFailed,
            format!("the manifest `{address}` has another content than its address says"),
        )
        .hint("restore the ledger from a copy: `arcoflow ledger export` makes one"));
    }
    Ok(text)
}

/// What holds of the records themselves.
fn tell(verifier: &Verifier, report: &mut Report) {
    report.good(
        "chain",
        format!(
            "{} in sequence, each hash follows from the one before",
            words::of(verifier.seq(), "record")
        ),
    );
    report.good(
        "events",
        "each id follows from what the event says, none stands twice",
    );
    if verifier.unknown > 0 {
        report.careful(
            "kinds",
            format!(
                "{} of a kind that this version does not know",
                words::of(verifier.unknown, "record")
            ),
        );
    }
    report.fact("head", json!(verifier.seq()));
    report.fact("chain", json!(verifier.chain().to_hex()));
}

async fn export(context: &Context, verb: &Export) -> Outcome {
    let client = at_ledger(context.reader()?, verb.shard).await?;
    let mut file = match &verb.out {
        Some(path) => Some(BufWriter::new(
            File::create(path).map_err(|error| cannot_write(path, &error))?,
        )),
        None => None,
    };
    let mut after = verb.after;
    let mut written = 0_u64;
    let mut manifests = BTreeSet::new();
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
            written += 1;
            match (&mut file, &verb.out) {
                (Some(file), Some(path)) => {
                    file.write_all(&record.to_json())
                        .and_then(|()| file.write_all(b"\n"))
                        .map_err(|error| cannot_write(path, &error))?;
                }
                _ => context
                    .screen
                    .line(String::from_utf8_lossy(&record.to_json())),
            }
            if let Some(directory) = &verb.manifests {
                let event = record.event();
                let named = event.as_ref().and_then(|event| event.manifest().copied());
                if let Some(address) = named.filter(|address| manifests.insert(*address)) {
                    keep(directory, &address, &manifest(&client, &address).await?)?;
                }
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
    if let Some(directory) = &verb.manifests {
        let count = words::of(manifests.len() as u64, "manifest");
        context
            .screen
            .note(format!("{count} in {}", directory.display()));
    }
    Ok(Exit::Ok)
}

/// Writes a manifest below its address, byte for byte.
fn keep(directory: &Path, address: &Sha256Digest, content: &[u8]) -> Outcome<()> {
    let name = address.to_string().replace(':', "-");
    let path = directory.join(name).with_extension("json");
    fs::create_dir_all(directory)
        .and_then(|()| fs::write(&path, content))
        .map_err(|error| cannot_write(&path, &error))
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("the file cannot be written: {error}")).at(path.display())
}

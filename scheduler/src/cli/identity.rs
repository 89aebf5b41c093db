//! The verbs about identity read text, ask the core, and print what it answers.

use std::fs;
use std::io::{self, BufRead, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use arcoflow_core::answer::answer_line;
use arcoflow_core::identity::canonical_json::Canonicalizer;
use arcoflow_core::identity::digest::sha256;
use arcoflow_core::identity::error::Error;
use arcoflow_core::identity::ids::ulid::Ulid;
use arcoflow_core::identity::ids::{AssetId, Generator, normalize_ulid, normalize_uuid};
use arcoflow_core::identity::partition_id::partition_id;
use arcoflow_core::identity::partition_key::PartitionKey;
use clap::{Args, Subcommand, ValueEnum};

use crate::host::message;

/// The input was refused.
const REFUSED: u8 = 1;
/// The input could not be read, or the output not written.
const UNREADABLE: u8 = 2;

/// The verbs about identity.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make, check and take apart identifiers
    #[command(subcommand)]
    Id(IdVerb),
    /// Print the canonical form of JSON texts
    Canon(Files),
    /// Print the fingerprint of JSON texts
    Fingerprint(Files),
    /// Check, normalize and convert partition keys
    #[command(subcommand)]
    Partition(PartitionVerb),
    /// Answer questions about identity, one JSON object a line, until the end of standard input
    Answer,
}

/// Files to read one after another, or standard input.
#[derive(Debug, Args)]
pub(crate) struct Files {
    /// Files to read; `-` or none reads standard input
    files: Vec<PathBuf>,
}

/// Texts to read, or the lines of standard input.
#[derive(Debug, Args)]
pub(crate) struct Texts {
    /// Texts to read; `-` or none reads the lines of standard input
    texts: Vec<String>,
    /// Print one JSON object a text
    #[arg(from_global)]
    json: bool,
}

/// What identifiers are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// 26 characters, for everything but assets
    Ulid,
    /// A UUID of version 7, for assets
    Asset,
}

/// The verbs about identifiers.
#[derive(Debug, Subcommand)]
pub(crate) enum IdVerb {
    /// Make new identifiers
    New {
        /// What to make
        #[arg(default_value = "ulid")]
        kind: Kind,
        /// How many
        #[arg(long, short, default_value_t = 1)]
        count: u32,
    },
    /// Check identifiers, and print them with their time
    Show(Texts),
    /// Print the canonical text of friendly spellings
    Normalize(Texts),
}

/// The verbs about partition keys.
#[derive(Debug, Subcommand)]
pub(crate) enum PartitionVerb {
    /// Check keys, and print their typed values as JSON
    Show(Texts),
    /// Print the canonical text of friendly spellings
    Normalize(Texts),
    /// Print the key of a JSON form
    Format(Files),
    /// Print the partition id of an asset and a key
    Id {
        /// The asset id
        asset: String,
        /// The partition key; left out for an unpartitioned asset
        key: Option<String>,
    },
}

enum Problem {
    Refused { what: String, error: Error },
    Unreadable { what: String, error: io::Error },
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Unreadable {
            what: String::from("standard output"),
            error,
        }
    }
}

/// Runs a verb: data on standard output, refusals on standard error.
pub(crate) fn run(verb: &Verb) -> ExitCode {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let done = match verb {
        Verb::Id(verb) => run_id(verb, &mut out),
        Verb::Canon(files) => canon(files, &mut out),
        Verb::Fingerprint(files) => fingerprint(files, &mut out),
        Verb::Partition(verb) => run_partition(verb, &mut out),
        Verb::Answer => answer(&mut out),
    };
    match done.and_then(|()| Ok(out.flush()?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Problem::Unreadable { error, .. }) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(Problem::Unreadable { what, error }) => {
            message::line(format_args!("error: {what}: {error}"));
            ExitCode::from(UNREADABLE)
        }
        Err(Problem::Refused { what, error }) => {
            message::line(format_args!(
                "error: {what}: {error} [{}]",
                error.code.as_str()
            ));
            ExitCode::from(REFUSED)
        }
    }
}

fn run_id(verb: &IdVerb, out: &mut impl Write) -> Result<(), Problem> {
    match verb {
        IdVerb::New { kind, count } => new_ids(*kind, *count, out),
        IdVerb::Show(texts) => each_text(texts, out, show_id),
        IdVerb::Normalize(texts) => {
            each_text(texts, out, |text| normalize_id(text).map(Shown::plain))
        }
    }
}

fn run_partition(verb: &PartitionVerb, out: &mut impl Write) -> Result<(), Problem> {
    match verb {
        PartitionVerb::Show(texts) => each_text(texts, out, |text| {
            let form = PartitionKey::parse(text)?.to_json();
            Ok(Shown {
                plain: form.clone(),
                more: vec![("dimensions", form)],
            })
        }),
        PartitionVerb::Normalize(texts) => each_text(texts, out, |text| {
            Ok(Shown::plain(PartitionKey::normalize(text)?.to_string()))
        }),
        PartitionVerb::Format(files) => each_file(files, |name, bytes| {
            let key = PartitionKey::from_json(bytes).map_err(|error| refused(name, error))?;
            Ok(writeln!(out, "{key}")?)
        }),
        PartitionVerb::Id { asset, key } => name_partition(asset, key.as_deref(), out),
    }
}

fn refused(what: &str, error: Error) -> Problem {
    Problem::Refused {
        what: format!("`{what}`"),
        error,
    }
}

fn canon(files: &Files, out: &mut impl Write) -> Result<(), Problem> {
    let mut context = Canonicalizer::new();
    each_file(files, |name, bytes| {
        out.write_all(
            context
                .canonicalize(bytes)
                .map_err(|error| refused(name, error))?,
        )?;
        Ok(out.write_all(b"\n")?)
    })
}

fn fingerprint(files: &Files, out: &mut impl Write) -> Result<(), Problem> {
    let mut context = Canonicalizer::new();
    each_file(files, |name, bytes| {
        let digest = sha256(
            context
                .canonicalize(bytes)
                .map_err(|error| refused(name, error))?,
        );
        Ok(writeln!(out, "{digest}")?)
    })
}

fn answer(out: &mut impl Write) -> Result<(), Problem> {
    for line in io::stdin().lock().split(b'\n') {
        let line = line.map_err(|error| Problem::Unreadable {
            what: String::from("standard input"),
            error,
        })?;
        if !line.is_empty() {
            out.write_all(&answer_line(&line))?;
            out.write_all(b"\n")?;
            // A caller may wait for an answer before it asks again.
            out.flush()?;
        }
    }
    Ok(())
}

fn new_ids(kind: Kind, count: u32, out: &mut impl Write) -> Result<(), Problem> {
    let mut entropy = fs::File::open("/dev/urandom").map_err(|error| Problem::Unreadable {
        what: String::from("/dev/urandom"),
        error,
    })?;
    let mut generator = Generator::new();
    for _ in 0..count {
        let mut random = [0; 10];
        entropy
            .read_exact(&mut random)
            .map_err(|error| Problem::Unreadable {
                what: String::from("/dev/urandom"),
                error,
            })?;
        let ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64);
        let made = match kind {
            Kind::Ulid => generator.generate(ms, random).map(|id| id.to_string()),
            Kind::Asset => AssetId::from_parts(ms, random).map(|id| id.to_string()),
        };
        writeln!(out, "{}", made.map_err(|error| refused("new", error))?)?;
    }
    Ok(())
}

/// What is printed of a text: a line, and with `--json` the members beside it.
struct Shown {
    plain: String,
    more: Vec<(&'static str, String)>,
}

impl Shown {
    fn plain(plain: String) -> Self {
        Self {
            plain,
            more: Vec::new(),
        }
    }
}

fn show_id(text: &str) -> Result<Shown, Error> {
    let ms = match Ulid::parse(text) {
        Ok(id) => id.timestamp_ms(),
        // What has no 26 characters is taken for a UUID, so that the refusal fits.
        Err(error) if text.len() == 26 => return Err(error),
        Err(_) => AssetId::parse(text)?.timestamp_ms(),
    };
    Ok(Shown {
        plain: format!("{text}\t{ms}"),
        more: vec![("timestamp_ms", ms.to_string())],
    })
}

fn normalize_id(text: &str) -> Result<String, Error> {
    if text.len() == 26 {
        normalize_ulid(text)
    } else {
        normalize_uuid(text)
    }
}

fn name_partition(asset: &str, key: Option<&str>, out: &mut impl Write) -> Result<(), Problem> {
    let id = AssetId::parse(asset).map_err(|error| refused(asset, error))?;
    let key = match key {
        Some(text) => Some(PartitionKey::parse(text).map_err(|error| refused(text, error))?),
        None => None,
    };
    Ok(writeln!(out, "{}", partition_id(&id, key.as_ref()))?)
}

fn each_text(
    texts: &Texts,
    out: &mut impl Write,
    read: impl Fn(&str) -> Result<Shown, Error>,
) -> Result<(), Problem> {
    let mut print = |text: &str| -> Result<(), Problem> {
        let shown = read(text).map_err(|error| refused(text, error))?;
        if !texts.json {
            return Ok(writeln!(out, "{}", shown.plain)?);
        }
        let mut members = vec![("input", serde_json::Value::from(text).to_string())];
        if shown.more.is_empty() {
            members.push((
                "canonical",
                serde_json::Value::from(shown.plain).to_string(),
            ));
        }
        members.extend(shown.more);
        let members: Vec<String> = members
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        Ok(writeln!(out, "{{{}}}", members.join(","))?)
    };
    if texts.texts.is_empty() || texts.texts == ["-"] {
        for line in io::stdin().lock().lines() {
            let line = line.map_err(|error| Problem::Unreadable {
                what: String::from("standard input"),
                error,
            })?;
            print(&line)?;
        }
        return Ok(());
    }
    texts.texts.iter().try_for_each(|text| print(text))
}

fn each_file(
    files: &Files,
    mut read: impl FnMut(&str, &[u8]) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let standard = [PathBuf::from("-")];
    let paths = if files.files.is_empty() {
        standard.as_slice()
    } else {
        files.files.as_slice()
    };
    for path in paths {
        let name = path.display().to_string();
        let bytes = if name == "-" {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
        } else {
            fs::read(path)
        };
        let bytes = bytes.map_err(|error| Problem::Unreadable {
            what: format!("`{name}`"),
            error,
        })?;
        read(&name, &bytes)?;
    }
    Ok(())
}

//! A pipeline file is checked before it is sent, by the rules of the door, and a refusal shows the line that it is about.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use arcoflow_core::identity::digest::Sha256Digest;
use arcoflow_core::plan::catalog::Catalog;
use arcoflow_core::wire::finding::Finding;
use arcoflow_core::wire::manifest::Manifest;
use arcoflow_core::wire::manifest::automation::SensorKind;
use arcoflow_core::wire::manifest::document::Document;

use crate::cli::failure::{Failure, Outcome};
use crate::cli::words;

pub(crate) mod place;
mod toml_text;
mod json_text;

use place::{Placed, Places, Span};

/// The names of a pipeline file, the first of which is looked for first.
pub(crate) const FILE_NAMES: [&str; 2] = ["arcoflow.toml", "arcoflow.json"];
/// The most findings that are shown; the rest is counted.
const SHOWN: usize = 20;

/// A pipeline file that was read and found good.
#[derive(Debug)]
pub(crate) struct Pipeline {
    /// The file.
    pub(crate) path: PathBuf,
    /// What it is called: in the file, or by its directory.
    pub(crate) name: String,
    /// The canonical JSON of the manifest.
    pub(crate) canonical: Vec<u8>,
    /// Its content address.
    pub(crate) digest: Sha256Digest,
    /// How many assets it lists.
    pub(crate) assets: u32,
    manifest: Manifest,
    text: Vec<u8>,
    places: Places,
}

impl Pipeline {
    /// Reads and checks the pipeline file at a path: the file itself, or the directory that it stands in.
    pub(crate) fn open(path: &Path) -> Outcome<Pipeline> {
        let path = find(path)?;
        let text = std::fs::read(&path).map_err(|error| {
            Failure::usage(format!("the pipeline file cannot be read: {error}")).at(path.display())
        })?;
        let is_json = path
            .extension()
            .is_some_and(|extension| extension == "json");
        let read = if is_json {
            json_text::read(&text)
        } else {
            toml_text::read(&text)
        };
        let checked = read.and_then(|source| Ok((check(&source)?, source.places)));
        match checked {
            Ok(((document, catalog), places)) => Ok(Pipeline {
                name: name_of(&document, &path),
                manifest: document.manifest,
                canonical: document.canonical,
                digest: document.digest,
                assets: catalog.len(),
                path,
                text,
                places,
            }),
            Err(refusals) => Err(refuse(&path, &text, &refusals)),
        }
    }

    /// What it declares.
    pub(crate) fn into_manifest(self) -> Manifest {
        self.manifest
    }

    /// The manifest, indexed.
    pub(crate) fn catalog(&self) -> Outcome<Catalog> {
        Catalog::new(self.manifest.clone()).map_err(|findings| self.refuse(findings))
    }

    /// What the door says about places of the manifest, at their places in the file.
    pub(crate) fn refuse(&self, findings: Vec<Finding>) -> Failure {
        let place = |finding: Finding| Refusal {
            span: self.places.of(&finding.pointer),
            finding,
        };
        let refusals: Vec<Refusal> = findings.into_iter().map(place).collect();
        refuse(&self.path, &self.text, &refusals)
    }

    /// The programs that its tasks start with, each once.
    pub(crate) fn programs(&self) -> Vec<String> {
        let assets = self.manifest.assets.iter();
        let sensors = self.manifest.sensors.iter();
        let commands = assets.flat_map(|asset| {
            let check = asset.check.iter().map(|check| &check.run.command);
            std::iter::once(&asset.run.command).chain(check)
        });
        let looks = sensors.filter_map(|sensor| sensor.run.as_ref());
        let commands = commands.chain(looks.map(|run| &run.command));
        let programs: BTreeSet<&String> = commands.filter_map(|command| command.first()).collect();
        programs.into_iter().cloned().collect()
    }

    /// The queues that its tasks wait in, each once.
    pub(crate) fn queues(&self) -> Vec<String> {
        let assets = self.manifest.assets.iter();
        let sensors = self.manifest.sensors.iter();
        let looks = sensors.filter(|sensor| sensor.kind == SensorKind::Poll);
        let queues: BTreeSet<&String> = assets
            .map(|asset| &asset.queue)
            .chain(looks.map(|sensor| &sensor.queue))
            .collect();
        queues.into_iter().cloned().collect()
    }

    /// The directory that tasks run in.
    pub(crate) fn directory(&self) -> PathBuf {
        match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
            _ => PathBuf::from("."),
        }
    }
}

/// A manifest's JSON beside the places that its members have in the file.
struct Source {
    json: Vec<u8>,
    places: Places,
}

/// A finding, and where in the file it is.
struct Refusal {
    finding: Finding,
    span: Span,
}

impl Refusal {
    fn new(code: &'static str, span: Span, message: impl Into<String>, hint: &str) -> Refusal {
        Refusal {
            finding: Finding::new(code, "", message, hint),
            span,
        }
    }
}

fn check(source: &Source) -> Result<(Document, Catalog), Vec<Refusal>> {
    let place = |findings: Vec<Finding>| {
        let refusal = |finding: Finding| Refusal {
            span: source.places.of(&finding.pointer),
            finding,
        };
        findings.into_iter().map(refusal).collect::<Vec<_>>()
    };
    let document = Document::parse(&source.json).map_err(place)?;
    let catalog = Catalog::new(document.manifest.clone()).map_err(place)?;
    Ok((document, catalog))
}

fn refuse(path: &Path, text: &[u8], refusals: &[Refusal]) -> Failure {
    let text = String::from_utf8_lossy(text);
    let path = path.display().to_string();
    let what = format!(
        "the pipeline cannot be deployed: {}",
        words::of(refusals.len() as u64, "finding")
    );
    let mut failure = Failure::usage(what).at(&path);
    let shown = refusals.iter().take(SHOWN);
    failure.findings = shown
        .map(|refusal| Placed::new(&path, &text, refusal.span.clone(), refusal.finding.clone()))
        .collect();
    if refusals.len() > SHOWN {
        failure = failure.hint(format!("the first {SHOWN} are shown; correct them first"));
    }
    failure
}

/// The pipeline file at a path, or in the directory at a path.
pub(crate) fn find(path: &Path) -> Outcome<PathBuf> {
    if path.is_file() {
        return Ok(path.to_path_buf());
    }
    if path.is_dir() {
        let here = path == Path::new(".");
        let beside = |name| {
            if here {
                PathBuf::from(name)
            } else {
                path.join(name)
            }
        };
        let inside = FILE_NAMES.iter().map(beside);
        return inside
            .into_iter()
            .find(|file| file.is_file())
            .ok_or_else(|| {
                let place = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
                Failure::usage("there is no `arcoflow.toml` here")
                    .at(place.display())
                    .hint("name the pipeline file or its directory: `arcoflow deploy examples/weather`")
            });
    }
    Err(Failure::usage("there is no such file or directory").at(path.display()))
}

fn name_of(document: &Document, path: &Path) -> String {
    if let Some(name) = &document.manifest.name {
        return name.clone();
    }
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    absolute
        .parent()
        .and_then(Path::file_name)
        .map_or(Cow::Borrowed("pipeline"), |name| name.to_string_lossy())
        .into_owned()
}

#[cfg(test)]
mod tests;

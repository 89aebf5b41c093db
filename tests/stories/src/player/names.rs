//! Ids have names in a story, and names have ids: `b#2` is the second attempt of asset `b` in the first run.

use std::collections::BTreeMap;

use arcoflow_core::identity::canonical_json;
use arcoflow_core::identity::digest::{Sha256Digest, sha256};
use arcoflow_core::identity::ids::{BackfillId, RunId};
use arcoflow_core::identity::keys::TaskKey;
use serde_json::Value;

use crate::story::pipeline::{NAMESPACE, asset_key};

/// What is called how.
#[derive(Debug, Default)]
pub(crate) struct Names {
    runs: Vec<(String, RunId)>,
    backfills: Vec<(String, BackfillId)>,
    manifests: Vec<(String, Sha256Digest)>,
    /// The attempts by the record that closed them.
    closed: BTreeMap<u64, String>,
}

/// A task of a run.
pub(crate) struct TaskName {
    pub(crate) run: RunId,
    pub(crate) task: TaskKey,
    pub(crate) attempt: u32,
}

impl Names {
    pub(crate) fn manifest(&mut self, name: &str, manifest: &Value) -> Result<(), String> {
        let text = manifest.to_string();
        let canonical =
            canonical_json::canonicalize(text.as_bytes()).map_err(|error| error.to_string())?;
        self.manifests.push((name.to_owned(), sha256(&canonical)));
        Ok(())
    }

    pub(crate) fn manifest_name(&self, digest: &Sha256Digest) -> String {
        name_of(&self.manifests, digest)
    }

    pub(crate) fn manifest_digest(&self, name: &str) -> Result<Sha256Digest, String> {
        id_of(&self.manifests, name, "pipeline")
    }

    /// Gives a run its name, unless it has one.
    pub(crate) fn run(&mut self, name: &str, run: RunId) {
        if !self.knows(&run) {
            self.runs.push((name.to_owned(), run));
        }
    }

    pub(crate) fn knows(&self, run: &RunId) -> bool {
        self.runs.iter().any(|(_, known)| known == run)
    }

    pub(crate) fn run_name(&self, run: &RunId) -> String {
        name_of(&self.runs, run)
    }

    pub(crate) fn run_id(&self, name: &str) -> Result<RunId, String> {
        id_of(&self.runs, name, "run")
    }

    pub(crate) fn backfill(&mut self, name: &str, backfill: BackfillId) {
        self.backfills.push((name.to_owned(), backfill));
    }

    pub(crate) fn backfill_name(&self, backfill: &BackfillId) -> String {
        name_of(&self.backfills, backfill)
    }

    pub(crate) fn backfill_id(&self, name: &str) -> Result<BackfillId, String> {
        id_of(&self.backfills, name, "backfill")
    }

    /// A sentence with the names of runs and backfills in the place of their ids.
    pub(crate) fn in_words(&self, sentence: &str) -> String {
        let runs = self.runs.iter().map(|(name, id)| (name, id.to_string()));
        let backfills = self
            .backfills
            .iter()
            .map(|(name, id)| (name, id.to_string()));
        runs.chain(backfills)
            .fold(sentence.to_owned(), |sentence, (name, id)| {
                sentence.replace(&id, name)
            })
    }

    /// A name that no run has: the base, or the base with the number of the try.
    pub(crate) fn free_run_name(&self, base: &str) -> String {
        let is_taken = |name: &str| self.runs.iter().any(|(known, _)| known == name);
        if !is_taken(base) {
            return base.to_owned();
        }
        (2..)
            .map(|number: u32| format!("{base}.{number}"))
            .find(|name| !is_taken(name))
            .unwrap_or_default()
    }

    /// The task as it is called within its run.
    pub(crate) fn short(task: &TaskKey) -> String {
        let text = task.as_str();
        let text = text.strip_prefix(NAMESPACE).unwrap_or(text);
        text.strip_suffix(":materialize").unwrap_or(text).to_owned()
    }

    pub(crate) fn task(&self, run: &RunId, task: &TaskKey) -> String {
        if let Some(sensor) = task.asset().as_str().strip_prefix("sensor/") {
            return format!("{sensor}:look");
        }
        let short = Names::short(task);
        match self.runs.first() {
            Some((_, first)) if first == run => short,
            _ => format!("{}/{short}", self.run_name(run)),
        }
    }

    pub(crate) fn attempt(&self, run: &RunId, task: &TaskKey, attempt: u32) -> String {
        format!("{}#{attempt}", self.task(run, task))
    }

    pub(crate) fn close(&mut self, seq: u64, attempt: String) {
        self.closed.insert(seq, attempt);
    }

    pub(crate) fn closed_by(&self, seq: u64) -> String {
        self.closed
            .get(&seq)
            .cloned()
            .unwrap_or_else(|| format!("record {seq}"))
    }

    /// Reads `RUN/TASK#ATTEMPT`, of which the run may be left out when it is the first, and the attempt when there is none.
    pub(crate) fn read_task(&self, text: &str) -> Result<TaskName, String> {
        let (name, attempt) = match text.rsplit_once('#') {
            Some((name, number)) => (
                name,
                number
                    .parse()
                    .map_err(|_| format!("`{text}` is no attempt"))?,
            ),
            None => (text, 0),
        };
        let of_run = name
            .split_once('/')
            .and_then(|(run, task)| Some((self.run_id(run).ok()?, task)));
        let (run, task) = match (of_run, self.runs.first()) {
            (Some(found), _) => found,
            (None, Some((_, first))) => (*first, name),
            (None, None) => return Err("there is no run yet".to_owned()),
        };
        let operation = if task.ends_with(":check") {
            ""
        } else {
            ":materialize"
        };
        let key = format!("{}{operation}", asset_key(task));
        let task = TaskKey::parse(&key).map_err(|error| format!("`{key}`: {error}"))?;
        Ok(TaskName { run, task, attempt })
    }
}

fn name_of<T: PartialEq + ToString>(names: &[(String, T)], id: &T) -> String {
    names
        .iter()
        .find(|(_, known)| known == id)
        .map_or_else(|| id.to_string(), |(name, _)| name.clone())
}

fn id_of<T: Copy>(names: &[(String, T)], name: &str, what: &str) -> Result<T, String> {
    names
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, id)| *id)
        .ok_or_else(|| format!("no {what} is called `{name}`"))
}

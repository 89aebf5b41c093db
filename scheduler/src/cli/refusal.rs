//! What a door refuses becomes a failure with its place, its next step and its exit code.

use arcoflow_core::wire::finding::Finding;
use arcoflow_core::wire::problem::Slug;

use crate::cli::failure::{Exit, Failure};
use crate::client::refusal::{ClientError, Refusal};

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Failure {
        match &error {
            ClientError::Unreachable { url, detail } => {
                Failure::new(Exit::Unreachable, format!("no door answers at `{url}`"))
                    .at(detail)
                    .hint(
                        "start one with `arcoflow dev PIPELINE_DIR`, or name another with `--url`",
                    )
            }
            ClientError::Unreadable { .. } => Failure::new(Exit::Unreachable, error.to_string())
                .hint(
                    "is the door of another version? `arcoflow --version` says which this one is",
                ),
            ClientError::Refused(refusal) => refused(refusal),
        }
    }
}

fn refused(refusal: &Refusal) -> Failure {
    if refusal.kind.is_empty() {
        let what = format!("what answers is no door: status {}", refusal.status);
        return Failure::new(Exit::Unreachable, what).hint("check `--url`");
    }
    let what = match &refusal.detail {
        Some(detail) => detail.clone(),
        None => refusal.title.to_lowercase(),
    };
    let mut failure = Failure::new(exit_of(refusal), what);
    for place in &refusal.errors {
        // A single place usually repeats the sentence of the whole.
        let said = if place.detail == failure.what {
            String::new()
        } else {
            format!(": {}", place.detail)
        };
        failure = failure.at(format!("`{}`{said}", place.pointer));
        if let Some(hint) = &place.hint {
            failure = failure.hint(hint);
        }
    }
    failure.problem = Some(Box::new(refusal.members.clone()));
    match (next_step(refusal), refusal.help()) {
        (Some(step), _) => failure.hint(step),
        (None, Some(help)) if failure.hints.is_empty() => failure.hint(help),
        _ => failure,
    }
}

fn exit_of(refusal: &Refusal) -> Exit {
    match refusal.status {
        409 | 410 | 412 => Exit::Conflict,
        408 | 429 | 500.. => Exit::Unreachable,
        _ => Exit::Usage,
    }
}

/// What a person at this command line does next, where the registry's advice is for programs.
fn next_step(refusal: &Refusal) -> Option<String> {
    let run = refusal.members.get("runId").and_then(|run| run.as_str());
    let step = match refusal.slug()? {
        Slug::Unauthorized | Slug::InvalidToken => {
            "set `ARCOFLOW_TOKEN` or `--token` to an API key of this door".to_string()
        }
        Slug::ManifestNotFound => {
            "deploy a pipeline first: `arcoflow deploy PIPELINE_DIR`".to_string()
        }
        Slug::RunNotFound => "`arcoflow runs` lists them".to_string(),
        Slug::RunNotFinished => "wait for it or stop it: `arcoflow cancel RUN`".to_string(),
        Slug::RunAlreadyFinished => "start it again: `arcoflow rerun RUN`".to_string(),
        Slug::RunKeyConflict => format!("look at it: `arcoflow status {}`", run.unwrap_or("RUN")),
        _ => return None,
    };
    Some(step)
}

/// The findings of a refusal, to be shown at their places in a file.
pub(crate) fn findings(refusal: &Refusal) -> Vec<Finding> {
    let finding = |place: &crate::client::refusal::Place| Finding {
        code: place.code.clone().unwrap_or_default().into(),
        pointer: place.pointer.clone(),
        message: place.detail.clone(),
        hint: place.hint.clone().unwrap_or_default(),
    };
    refusal.errors.iter().map(finding).collect()
}

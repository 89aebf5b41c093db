//! Deploying checks the pipeline file here, and then at the door.

use std::path::PathBuf;

use arcoflow_core::wire::problem::Slug;
use arcoflow_core::wire::view::DeployAnswer;
use clap::Args;

use crate::cli::connection::Context;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::pipeline::Pipeline;
use crate::cli::refusal;
use crate::cli::screen::Tone;
use crate::cli::words;
use crate::client::Client;

/// Make a pipeline file the current manifest.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  arcoflow deploy examples/weather\n  arcoflow deploy --check pipeline.json"
)]
pub(crate) struct Deploy {
    /// The pipeline file, or the directory that holds its `arcoflow.toml`.
    #[arg(default_value = ".")]
    file: PathBuf,
    /// Check the file and print its content address; send nothing.
    #[arg(long)]
    check: bool,
}

/// `arcoflow deploy`
pub(crate) async fn deploy(context: &Context, verb: &Deploy) -> Outcome {
    let pipeline = Pipeline::open(&verb.file)?;
    if verb.check {
        return Ok(show_check(context, &pipeline));
    }
    let client = context.client()?;
    let answer = send(&client, &pipeline).await?;
    if context.screen.json {
        context.screen.json_line(&answer);
    } else {
        context.screen.line(told(context, &pipeline, &answer));
    }
    Ok(Exit::Ok)
}

/// Sends a pipeline to the door. What the door finds is shown at its place in the file.
pub(crate) async fn send(client: &Client, pipeline: &Pipeline) -> Outcome<DeployAnswer> {
    client.deploy(&pipeline.canonical).await.map_err(|error| {
        let refused = error
            .refusal()
            .filter(|refusal| refusal.slug() == Some(Slug::ManifestInvalid));
        match refused {
            Some(refusal) => {
                let mut failure = pipeline.refuse(refusal::findings(refusal));
                failure.problem = Some(Box::new(refusal.members.clone()));
                failure
            }
            None => Failure::from(error),
        }
    })
}

/// `weather deployed: 7 assets, sha256:…`
pub(crate) fn told(context: &Context, pipeline: &Pipeline, answer: &DeployAnswer) -> String {
    let word = if answer.changed {
        "deployed"
    } else {
        "is deployed already"
    };
    format!(
        "{} {word}: {}, {}",
        context.screen.paint(&pipeline.name, Tone::Strong),
        words::of(u64::from(answer.assets), "asset"),
        context
            .screen
            .paint(words::digest(&answer.manifest), Tone::Quiet)
    )
}

fn show_check(context: &Context, pipeline: &Pipeline) -> Exit {
    if context.screen.json {
        let answer = serde_json::json!({ "manifest": pipeline.digest, "assets": pipeline.assets, "name": pipeline.name });
        context.screen.json_line(&answer);
    } else {
        let assets = words::of(u64::from(pipeline.assets), "asset");
        context.screen.line(format!(
            "{} is good: {assets}, {}",
            pipeline.name, pipeline.digest
        ));
    }
    Exit::Ok
}

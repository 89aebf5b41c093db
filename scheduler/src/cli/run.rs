//! Starting, repeating and stopping a run ends with the run's id, or with the end of the run when that is waited for.

use std::collections::BTreeMap;
use std::time::Duration;

use arcoflow_core::identity::keys::RunKey;
use arcoflow_core::identity::partition_key::PartitionKey;
use arcoflow_core::wire::event::RerunMode;
use arcoflow_core::wire::literal::Literal;
use arcoflow_core::wire::trigger::{PartitionRange, PartitionValue, Selection, Trigger};
use arcoflow_core::wire::view::{RerunRequest, TriggerAnswer};
use clap::{ArgGroup, Args};

use crate::cli::connection::Context;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::reference;
use crate::cli::summary;
use crate::cli::watch;
use crate::cli::words;
use crate::client::Client;

/// Start a run.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  arcoflow run --all --wait\n  arcoflow run +mart/report --range month=2012-01-01..2012-12-01\n  arcoflow run staging/daily --partitions month=2013-07-01 --wait\n  arcoflow run 'tag:daily - raw/*' --all --run-key nightly-2026-11-22"
)]
pub(crate) struct Run {
    #[command(flatten)]
    asked: Asked,
    /// A second run with the same key is the first one.
    #[arg(long, value_name = "KEY")]
    run_key: Option<String>,
    /// Higher goes first; -1,000 to 1,000.
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    priority: i32,
    /// How old the run may get before it is cancelled, as in `90s`, `10m`, `2h`.
    #[arg(long, value_name = "TIME", value_parser = words::parse_duration)]
    run_timeout: Option<Duration>,
    /// A label; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    label: Vec<(String, String)>,
    /// Leave checks out.
    #[arg(long)]
    no_checks: bool,
    #[command(flatten)]
    waiting: Waiting,
}

/// Which assets and which of their partitions.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which partitions").args(["partition", "partitions", "range", "all", "newest"]))]
pub(crate) struct Asked {
    /// Assets: `mart/report`, `+mart/report` (and what it needs), `raw/stations+` (and what needs it), `tag:daily`, `raw/*`; all when absent.
    selection: Vec<String>,
    /// One canonical partition key.
    #[arg(long, value_name = "KEY")]
    partition: Option<String>,
    /// One value of a dimension; once for each dimension.
    #[arg(long, value_name = "DIM=VALUE", num_args = 1.., value_parser = pair)]
    partitions: Vec<(String, String)>,
    /// The values of a dimension from one to another, both included.
    #[arg(long, value_name = "DIM=FROM..TO", num_args = 1.., value_parser = range)]
    range: Vec<(String, PartitionRange)>,
    /// Every partition.
    #[arg(long)]
    all: bool,
    /// The newest complete partition of each time dimension.
    #[arg(long)]
    newest: bool,
}

/// Whether the end of the run is waited for.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Waiting {
    /// Wait for the end, show the way there, and exit with 1 unless the run succeeds.
    #[arg(long, short)]
    pub(crate) wait: bool,
    /// Wait no longer than this, as in `90s`, `10m`, `2h`; then exit with 5.
    #[arg(long, value_name = "TIME", requires = "wait", value_parser = words::parse_duration)]
    pub(crate) timeout: Option<Duration>,
}

/// Stop a run.
///
/// Nothing new starts, and what runs is told to stop.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  arcoflow cancel latest --reason 'wrong month'")]
pub(crate) struct Cancel {
    /// The run: an id, the beginning or end of one, or `latest`.
    run: String,
    /// Why; workers are told.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    waiting: Waiting,
}

/// Repeat what did not succeed in a run.
///
/// Starts a new run, of the same manifest and the same partitions.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  arcoflow rerun latest --wait\n  arcoflow rerun 01KAPW --all\n  arcoflow rerun latest --task 'mart/report'"
)]
pub(crate) struct Rerun {
    /// The run: an id, the beginning or end of one, or `latest`.
    #[arg(default_value = reference::LATEST)]
    run: String,
    /// Repeat every task.
    #[arg(long, conflicts_with_all = ["task", "from_failure"])]
    all: bool,
    /// Repeat what did not succeed; so it is when nothing is said.
    #[arg(long, conflicts_with = "task")]
    from_failure: bool,
    /// Repeat this task; may be repeated. A task is named as in `status --tasks`.
    #[arg(long, value_name = "TASK")]
    task: Vec<String>,
    #[command(flatten)]
    waiting: Waiting,
}

/// `arcoflow run`
pub(crate) async fn run(context: &Context, verb: &Run) -> Outcome {
    let trigger = verb.trigger()?;
    let client = context.client()?;
    let answer = client.trigger(&trigger, None).await?;
    go_on(context, &client, &answer, verb.waiting).await
}

/// `arcoflow rerun`
pub(crate) async fn rerun(context: &Context, verb: &Rerun) -> Outcome {
    let client = context.client()?;
    let run = reference::run(&client, &verb.run).await?;
    let mut request = RerunRequest {
        mode: match (verb.all, verb.task.is_empty()) {
            (true, _) => RerunMode::All,
            (false, true) => RerunMode::FromFailure,
            (false, false) => RerunMode::Subset,
        },
        tasks: Vec::new(),
    };
    for text in &verb.task {
        let task = reference::task(&client, &run, std::slice::from_ref(text)).await?;
        request.tasks.push(task.task_key);
    }
    let answer = client.rerun(&run, &request, None).await?;
    context.screen.note(format!(
        "a rerun of {run}: `arcoflow status {run}` shows that one"
    ));
    go_on(context, &client, &answer, verb.waiting).await
}

/// `arcoflow cancel`
pub(crate) async fn cancel(context: &Context, verb: &Cancel) -> Outcome {
    let client = context.client()?;
    let run = reference::run(&client, &verb.run).await?;
    let answer = client.cancel(&run, verb.reason.as_deref()).await?;
    if !verb.waiting.wait {
        if context.screen.json {
            context.screen.json_line(&answer);
        } else {
            context.screen.line(format!("run {run} is being cancelled"));
        }
        return Ok(Exit::Ok);
    }
    let folded = watch::watch_or_leave(context, &client, run, verb.waiting.timeout).await?;
    show_end(context, &client, &folded).await?;
    Ok(Exit::Ok)
}

/// Says that a run was started, or waits for its end.
pub(crate) async fn go_on(
    context: &Context,
    client: &Client,
    answer: &TriggerAnswer,
    waiting: Waiting,
) -> Outcome {
    let screen = &context.screen;
    let tasks = words::of(u64::from(answer.tasks), "task");
    if !waiting.wait {
        if screen.json {
            screen.json_line(answer);
        } else {
            screen.line(answer.run_id.to_string());
            screen.note(format!(
                "started with {tasks}; watch it: `arcoflow status --wait`"
            ));
        }
        return Ok(Exit::Ok);
    }
    screen.note(format!("run {} · {tasks}", answer.run_id));
    let folded = watch::watch_or_leave(context, client, answer.run_id, waiting.timeout).await?;
    show_end(context, client, &folded).await?;
    Ok(watch::exit_of(&folded))
}

/// How a run that was watched ended: in words, or as the door sees it.
pub(crate) async fn show_end(
    context: &Context,
    client: &Client,
    folded: &crate::cli::fold::Folded,
) -> Outcome<()> {
    if context.screen.json {
        context.screen.json_line(&client.run(&folded.id()).await?);
    } else {
        summary::show(context, folded);
        summary::show_next(&context.screen, &summary::next_steps(folded));
    }
    Ok(())
}

impl Run {
    fn trigger(&self) -> Outcome<Trigger> {
        let trigger = Trigger {
            run_key: self.run_key.as_deref().map(run_key).transpose()?,
            priority: self.priority,
            run_timeout_ms: self
                .run_timeout
                .map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)),
            labels: self.labels()?,
            checks: !self.no_checks,
            ..self.asked.trigger()?
        };
        checked(trigger)
    }

    fn labels(&self) -> Outcome<BTreeMap<String, String>> {
        let mut labels = BTreeMap::new();
        for (name, value) in &self.label {
            if labels.insert(name.clone(), value.clone()).is_some() {
                return Err(Failure::usage(format!("`--label` names `{name}` twice")));
            }
        }
        Ok(labels)
    }
}

impl Asked {
    /// The trigger that asks for these and for nothing else.
    pub(crate) fn trigger(&self) -> Outcome<Trigger> {
        checked(Trigger {
            selection: match self.selection.as_slice() {
                [] => Selection::default(),
                [one] => Selection::One(one.clone()),
                several => Selection::Many(several.to_vec()),
            },
            partition_key: self.partition.as_deref().map(partition_key).transpose()?,
            partitions: self.partition_values(),
            range: self.ranges()?,
            all_partitions: self.all,
            latest_partition: self.newest,
            ..Trigger::default()
        })
    }

    fn partition_values(&self) -> Option<Vec<PartitionValue>> {
        let values = self.partitions.iter().map(|(key, value)| PartitionValue {
            key: key.clone(),
            value: Literal::Text(value.clone()),
        });
        (!self.partitions.is_empty()).then(|| values.collect())
    }

    fn ranges(&self) -> Outcome<Option<BTreeMap<String, PartitionRange>>> {
        let mut ranges = BTreeMap::new();
        for (name, range) in &self.range {
            if ranges.insert(name.clone(), range.clone()).is_some() {
                return Err(Failure::usage(format!(
                    "`--range` names the dimension `{name}` twice"
                )));
            }
        }
        Ok((!ranges.is_empty()).then_some(ranges))
    }
}

fn checked(trigger: Trigger) -> Outcome<Trigger> {
    trigger
        .validate()
        .map_err(|finding| Failure::usage(finding.message).hint(finding.hint))?;
    Ok(trigger)
}

fn partition_key(text: &str) -> Outcome<PartitionKey> {
    PartitionKey::normalize(text).map_err(|error| {
        Failure::usage(format!("`{text}` is no partition key: {error}"))
            .hint("a key is typed, as in `month=d:2013-07-01`; `--partitions month=2013-07-01` takes the type from the manifest")
    })
}

fn run_key(text: &str) -> Outcome<RunKey> {
    RunKey::parse(text).map_err(|error| Failure::usage(format!("`{text}` is no run key: {error}")))
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_string(), value.to_string())),
        _ => Err("expected `name=value`".to_string()),
    }
}

fn range(text: &str) -> Result<(String, PartitionRange), String> {
    let (name, bounds) = pair(text).map_err(|_| "expected `dimension=from..to`".to_string())?;
    match bounds.split_once("..") {
        Some((from, to)) if !from.is_empty() && !to.is_empty() => {
            let range = PartitionRange {
                from: Literal::Text(from.to_string()),
                to: Literal::Text(to.to_string()),
            };
            Ok((name, range))
        }
        _ => Err("expected `dimension=from..to`, both included".to_string()),
    }
}

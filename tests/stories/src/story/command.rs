//! What can happen in a story, and how each of it is written.

use serde_json::{Map, Value, json};

use super::clock::duration_ms;
use super::pipeline::literal;
use super::words::Words;

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Somebody deploys a pipeline of the story.
    Deploy {
        /// Which.
        manifest: String,
    },
    /// Somebody triggers a run.
    Trigger {
        /// What the run is called from here on.
        run: String,
        /// The body; `manifest` names a pipeline of the story.
        body: Value,
        /// The idempotency key.
        idempotency_key: Option<String>,
    },
    /// Somebody asks for the end of a run.
    Cancel {
        /// Which.
        run: String,
        /// The body.
        body: Value,
    },
    /// Somebody repeats a run.
    Rerun {
        /// Which.
        of: String,
        /// What the new one is called from here on.
        run: String,
        /// The body.
        body: Value,
        /// The idempotency key.
        idempotency_key: Option<String>,
    },
    /// A worker asks for work.
    Lease {
        /// The worker.
        worker: String,
        /// Its queues.
        queues: Vec<String>,
        /// How much it takes.
        max: u32,
        /// Whether it asks for what it has leased and not started, too.
        again: bool,
    },
    /// A worker reports about an attempt that was leased.
    Callback {
        /// The last segment of the path.
        what: String,
        /// Which attempt.
        attempt: String,
        /// The worker; the one that leased it when absent.
        worker: Option<String>,
        /// Members of the body beside the attempt and the worker.
        body: Value,
    },
    /// A worker asks what an attempt works from.
    Inputs {
        /// Which attempt.
        attempt: String,
    },
    /// The door looks at its deadlines.
    Expire,
    /// A scheduler asks for the right to decide.
    Lead {
        /// Which.
        scheduler: String,
        /// Whether it takes it from another.
        take_over: bool,
        /// For how long.
        ttl_ms: u64,
    },
    /// A scheduler reads, decides and appends until it is at rest.
    Decide {
        /// Which.
        scheduler: String,
    },
    /// A scheduler reads and decides, and appends nothing.
    Think {
        /// Which.
        scheduler: String,
    },
    /// A scheduler appends what it decided when it last thought.
    Propose {
        /// Which.
        scheduler: String,
    },
    /// A scheduler appends what no scheduler of ours would decide.
    Append {
        /// Which.
        scheduler: String,
        /// The kind of the event and what it is about.
        event: Vec<String>,
    },
    /// Somebody asks for a backfill.
    Backfill {
        /// What it is called from here on.
        name: String,
        /// The body.
        body: Value,
    },
    /// Somebody pauses, resumes or cancels a backfill.
    ChangeBackfill {
        /// Which.
        name: String,
        /// The last segment of the path.
        what: String,
        /// The body.
        body: Value,
    },
    /// Somebody tells a sensor that something has happened.
    Tell {
        /// Which sensor.
        name: String,
        /// The body.
        body: Value,
    },
    /// Somebody pauses or resumes a schedule, a sensor or an automation.
    Switch {
        /// `schedules`, `sensors` or `automations`.
        collection: &'static str,
        /// Which.
        name: String,
        /// The last segment of the path.
        what: String,
        /// The body.
        body: Value,
    },
    /// Somebody starts a schedule's run by hand.
    Tick {
        /// Which schedule.
        name: String,
        /// What the run is called from here on.
        run: String,
        /// The body.
        body: Value,
        /// The idempotency key.
        idempotency_key: Option<String>,
    },
    /// The door's process ends and starts again.
    RestartDoor,
    /// A scheduler's process ends and starts again.
    RestartScheduler {
        /// Which.
        scheduler: String,
    },
    /// The ledger is verified, and built again from nothing.
    Replay,
    /// Somebody looks at a run and its tasks.
    State {
        /// Which.
        run: String,
    },
    /// Somebody asks why a task is in its state.
    Why {
        /// Which.
        task: String,
    },
    /// Somebody looks at a backfill.
    Progress {
        /// Which.
        name: String,
    },
    /// When something is next to be done without anyone asking.
    Wake,
}

/// The scheduler of a line that names none.
pub const SCHEDULER: &str = "s1";

impl Command {
    /// Reads a command.
    ///
    /// # Errors
    /// What the line should have said.
    pub fn read(words: &mut Words) -> Result<Command, String> {
        let verb = words.next("what happens")?;
        let command = read_verb(&verb, words)?;
        words.end().map(|()| command)
    }
}

fn read_verb(verb: &str, words: &mut Words) -> Result<Command, String> {
    let scheduler = |words: &mut Words| words.plain().unwrap_or_else(|| SCHEDULER.to_owned());
    Ok(match verb {
        "deploy" => Command::Deploy {
            manifest: words.next("the pipeline")?,
        },
        "trigger" => read_trigger(words)?,
        "cancel" => Command::Cancel {
            run: words.next("the run")?,
            body: body(words)?,
        },
        "rerun" => {
            let (of, run, (body, idempotency_key)) = read_again(verb, words)?;
            Command::Rerun {
                of,
                run,
                body,
                idempotency_key,
            }
        }
        "lease" => read_lease(words)?,
        "started" | "heartbeat" | "renew" | "completed" => read_callback(verb, words)?,
        "inputs" => Command::Inputs {
            attempt: words.next("the attempt")?,
        },
        "expire" => Command::Expire,
        "lead" => read_lead(words)?,
        "decide" => Command::Decide {
            scheduler: scheduler(words),
        },
        "think" => Command::Think {
            scheduler: scheduler(words),
        },
        "propose" => Command::Propose {
            scheduler: scheduler(words),
        },
        "append" => Command::Append {
            scheduler: words.next("the scheduler")?,
            event: words.rest(),
        },
        "backfill" => Command::Backfill {
            name: words.next("the backfill's name")?,
            body: backfill_body(words)?,
        },
        "pause" | "resume" | "stop" => Command::ChangeBackfill {
            name: words.next("the backfill")?,
            what: if verb == "stop" { "cancel" } else { verb }.to_owned(),
            body: body(words)?,
        },
        "hold" | "release" => {
            let (collection, name) = switched(&words.next("what is paused")?);
            Command::Switch {
                collection,
                name,
                what: if verb == "hold" { "pause" } else { "resume" }.to_owned(),
                body: body(words)?,
            }
        }
        "tell" => Command::Tell {
            name: words.next("the sensor")?,
            body: message(words)?,
        },
        "tick" => {
            let (name, run, (body, idempotency_key)) = read_again(verb, words)?;
            Command::Tick {
                name,
                run,
                body,
                idempotency_key,
            }
        }
        "restart" => match words.next("`door` or a scheduler")?.as_str() {
            "door" => Command::RestartDoor,
            scheduler => Command::RestartScheduler {
                scheduler: scheduler.to_owned(),
            },
        },
        "replay" => Command::Replay,
        "state" => Command::State {
            run: words.next("the run")?,
        },
        "why" => Command::Why {
            task: words.next("the task")?,
        },
        "progress" => Command::Progress {
            name: words.next("the backfill")?,
        },
        "wake" => Command::Wake,
        _ => return Err(format!("`{verb}` is nothing that can happen")),
    })
}

/// `NAME` of a schedule, `sensor:NAME` or `automation:NAME`.
fn switched(text: &str) -> (&'static str, String) {
    match text.split_once(':') {
        Some(("sensor", name)) => ("sensors", name.to_owned()),
        Some(("automation", name)) => ("automations", name.to_owned()),
        _ => ("schedules", text.to_owned()),
    }
}

/// The body of a message: its id, what came with it, and what it starts instead of what the sensor declares.
fn message(words: &mut Words) -> Result<Value, String> {
    let mut body = json!({ "messageId": words.next("the id of the message")? });
    let mut rest = Words::default();
    while let Some((name, value)) = words.option() {
        match name.as_str() {
            "payload" => body["payload"] = literal(&value),
            _ => rest.push(format!("{name}={value}")),
        }
    }
    let trigger = trigger_body(&mut rest)?.0;
    if trigger != json!({}) {
        body["trigger"] = trigger;
    }
    Ok(body)
}

/// The options of a line as the members of a body.
fn body(words: &mut Words) -> Result<Value, String> {
    let mut members = Map::new();
    while let Some((name, value)) = words.option() {
        members.insert(name, literal(&value));
    }
    Ok(Value::Object(members))
}

fn read_trigger(words: &mut Words) -> Result<Command, String> {
    let run = words.next("what the run is called")?;
    let (body, idempotency_key) = trigger_body(words)?;
    Ok(Command::Trigger {
        run,
        body,
        idempotency_key,
    })
}

/// The body of a trigger and its idempotency key.
fn trigger_body(words: &mut Words) -> Result<Keyed, String> {
    let mut body = json!({});
    let mut idempotency_key = None;
    while let Some((name, value)) = words.option() {
        match name.as_str() {
            "idempotency" => idempotency_key = Some(value),
            "key" => body["runKey"] = json!(value),
            "timeout" => {
                let ms = duration_ms(&value).ok_or_else(|| format!("`{value}` is no duration"))?;
                body["runTimeoutMs"] = json!(ms);
            }
            "partition" => body["partitionKey"] = json!(value),
            "partitions" => {
                let (key, value) = value
                    .split_once(':')
                    .ok_or("`partitions=` wants a dimension, a colon and a value")?;
                body["partitions"] = json!([{ "key": key, "value": literal(value) }]);
            }
            "range" => {
                let parts = value
                    .split_once(':')
                    .and_then(|(name, range)| Some((name, range.split_once("..")?)));
                let (name, (from, to)) =
                    parts.ok_or("`range=` wants a dimension, a colon and two values with `..`")?;
                body["range"] = json!({ name: { "from": literal(from), "to": literal(to) } });
            }
            "all" => body["allPartitions"] = literal(&value),
            "latest" => body["latestPartition"] = literal(&value),
            // An expression is text, whatever it looks like.
            "selection" | "manifest" => body[name.as_str()] = json!(value),
            _ => body[name.as_str()] = literal(&value),
        }
    }
    Ok((body, idempotency_key))
}

/// The body of a request and its idempotency key.
type Keyed = (Value, Option<String>);

/// `WHAT as RUN`, with the members of the body.
fn read_again(verb: &str, words: &mut Words) -> Result<(String, String, Keyed), String> {
    let of = words.next("what is repeated")?;
    if !words.take("as") {
        return Err(format!("`{verb}` wants `as` and a name"));
    }
    let run = words.next("what the new run is called")?;
    Ok((of, run, trigger_body(words)?))
}

fn read_lease(words: &mut Words) -> Result<Command, String> {
    let worker = words.next("the worker")?;
    let (mut queues, mut max) = (vec!["default".to_owned()], 100);
    let again = words.take("again");
    while let Some((name, value)) = words.option() {
        match name.as_str() {
            "queue" => queues = value.split(',').map(str::to_owned).collect(),
            "max" => {
                max = value
                    .parse()
                    .map_err(|_| format!("`{value}` is no number"))?
            }
            _ => return Err(format!("a lease has no `{name}=`")),
        }
    }
    Ok(Command::Lease {
        worker,
        queues,
        max,
        again,
    })
}

fn read_callback(what: &str, words: &mut Words) -> Result<Command, String> {
    let attempt = words.next("the attempt")?;
    let worker = if words.take("by") {
        Some(words.next("the worker")?)
    } else {
        None
    };
    let mut body = json!({});
    if what == "completed" {
        let outcome = words.next("`succeeded`, `failed` or `cancelled`")?;
        body["outcome"] = json!(outcome.to_uppercase());
        if let Some(category) = words.plain() {
            body["error"]["category"] = json!(category);
        }
    }
    while let Some((name, value)) = words.option() {
        match name.as_str() {
            "retryable" => body["error"]["retryable"] = literal(&value),
            "message" => body["error"]["message"] = json!(value),
            "after" => {
                let ms = duration_ms(&value).ok_or_else(|| format!("`{value}` is no duration"))?;
                body["error"]["retryAfterMs"] = json!(ms);
            }
            "rows" => body["output"]["rowCount"] = literal(&value),
            "path" => body["output"]["outputPath"] = json!(value),
            "progress" => body["progressPct"] = literal(&value),
            "cursor" => body["findings"]["cursor"] = json!(value),
            "nothing" => body["findings"]["reason"] = json!(value),
            "found" => {
                let runs = value.split(',').map(|key| json!({ "runKey": key }));
                body["findings"]["runs"] = runs.collect();
            }
            _ => body[name.as_str()] = literal(&value),
        }
    }
    Ok(Command::Callback {
        what: what.to_owned(),
        attempt,
        worker,
        body,
    })
}

fn read_lead(words: &mut Words) -> Result<Command, String> {
    let scheduler = words.next("the scheduler")?;
    let take_over = words.take("takeover");
    let mut ttl_ms = 600_000;
    while let Some((name, value)) = words.option() {
        match (name.as_str(), duration_ms(&value)) {
            ("for", Some(ms)) => ttl_ms = ms,
            _ => return Err(format!("`lead` has no `{name}={value}`")),
        }
    }
    Ok(Command::Lead {
        scheduler,
        take_over,
        ttl_ms,
    })
}

fn backfill_body(words: &mut Words) -> Result<Value, String> {
    let mut rest = Words::default();
    let mut body = json!({});
    while let Some((name, value)) = words.option() {
        match name.as_str() {
            "chunk" => body["chunkSize"] = literal(&value),
            "concurrency" | "dimension" => body[name.as_str()] = literal(&value),
            _ => rest.push(format!("{name}={value}")),
        }
    }
    body["trigger"] = trigger_body(&mut rest)?.0;
    Ok(body)
}

//! Sensors are listed with what was reported last and what came of it, and they are told, paused and resumed by name.

use arcoflow_core::wire::manifest::automation::SensorKind;
use arcoflow_core::wire::sensor::{ReportView, SensorMessage, SensorView};
use clap::{Args, Subcommand};

use crate::cli::connection::Context;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::pause::{self, Pausing};
use crate::cli::runs;
use crate::cli::screen::{Screen, Tone};
use crate::cli::table::Table;
use crate::cli::tell;
use crate::cli::words;

/// List sensors, or show one: what was reported last, and what came of it.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  arcoflow sensors\n  arcoflow sensors arrivals\n  arcoflow sensors tell arrivals file-17 --payload '{\"path\":\"17.csv\"}'\n  arcoflow sensors pause arrivals --reason 'a flood'"
)]
pub(crate) struct Sensors {
    /// Only this one, with everything about it.
    name: Option<String>,
    #[command(subcommand)]
    verb: Option<SensorVerb>,
}

#[derive(Debug, Subcommand)]
enum SensorVerb {
    /// Tell a sensor that something has happened.
    Tell(Tell),
    /// Start no runs until the sensor is resumed.
    Pause(Pausing),
    /// Let the sensor go on.
    Resume(Pausing),
}

/// What a sensor is told.
#[derive(Debug, Args)]
struct Tell {
    /// The sensor.
    name: String,
    /// What the message is called; one id starts at most one run.
    id: String,
    /// What is kept with the message.
    #[arg(long, value_name = "JSON")]
    payload: Option<String>,
}

/// `arcoflow sensors`
pub(crate) async fn sensors(context: &Context, verb: &Sensors) -> Outcome {
    match &verb.verb {
        Some(SensorVerb::Tell(told)) => tell(context, told).await,
        Some(SensorVerb::Pause(pausing)) => set(context, pausing, true).await,
        Some(SensorVerb::Resume(pausing)) => set(context, pausing, false).await,
        None => show(context, verb.name.as_deref()).await,
    }
}

async fn tell(context: &Context, told: &Tell) -> Outcome {
    let payload = told.payload.as_deref().map(serde_json::from_str);
    let payload = payload.transpose().map_err(|error| {
        Failure::usage(format!("the payload is no JSON: {error}"))
            .hint("a text is JSON with its quotes: `--payload '\"text\"'`")
    })?;
    let client = context.client()?;
    let message = SensorMessage {
        message_id: told.id.clone(),
        payload,
        trigger: None,
    };
    let answer = client.tell_sensor(&told.name, &message).await?;
    let screen = &context.screen;
    if screen.json {
        screen.json_line(&answer);
        return Ok(Exit::Ok);
    }
    for run in &answer.runs {
        screen.line(run.to_string());
    }
    match &answer.reason {
        Some(reason) => screen.note(format!("no run was started: {reason}")),
        None => screen.note("started; watch it: `arcoflow status --wait`"),
    }
    Ok(Exit::Ok)
}

async fn set(context: &Context, pausing: &Pausing, paused: bool) -> Outcome {
    let client = context.client()?;
    let reason = pausing.reason.as_deref();
    let view = client.set_sensor(&pausing.name, paused, reason).await?;
    pause::say(&context.screen, &pausing.name, paused, "", &view);
    Ok(Exit::Ok)
}

async fn show(context: &Context, name: Option<&str>) -> Outcome {
    let client = context.reader()?;
    let screen = &context.screen;
    if let Some(name) = name {
        let view = client.sensor(name).await?;
        if screen.json {
            screen.json_line(&view);
        } else {
            show_one(screen, &view);
        }
        return Ok(Exit::Ok);
    }
    let views = client.sensors().await?.sensors;
    if screen.json {
        views.iter().for_each(|view| screen.json_line(view));
    } else if views.is_empty() {
        screen.note("the deployed manifest declares no sensor");
    } else {
        show_all(screen, &views);
    }
    Ok(Exit::Ok)
}

fn show_all(screen: &Screen, views: &[SensorView]) {
    let now_ms = words::now_ms();
    let heading = ["sensor", "kind", "reports", "last report", ""];
    let heading = heading.map(|text| screen.paint(text, Tone::Quiet));
    let mut table = Table::new(&heading).right(&[2]);
    for view in views {
        let last = view.last_report.as_ref();
        let came = last.map(|report| came_of(screen, report));
        table.row([
            view.sensor.name.clone(),
            kind(view),
            words::count(view.reports),
            last.map(|report| words::ago(report.at, now_ms))
                .unwrap_or_default(),
            match &view.paused {
                Some(_) => screen.paint("paused", Tone::Careful),
                None => came.unwrap_or_default(),
            },
        ]);
    }
    screen.data(table.to_text(screen.width));
}

fn show_one(screen: &Screen, view: &SensorView) {
    let now_ms = words::now_ms();
    screen.line(screen.paint(format!("sensor {}", view.sensor.name), Tone::Strong));
    let mut facts = Table::new(&[]).indent(2).folded();
    let mut fact = |name: &str, text: String| facts.row([screen.paint(name, Tone::Quiet), text]);
    fact("kind", kind(view));
    fact("runs", tell::trigger(&view.sensor.trigger));
    if let Some(pause) = &view.paused {
        fact("paused", pause::since(pause, now_ms));
    }
    if let Some(cursor) = &view.cursor {
        fact("cursor", cursor.clone());
    }
    if let Some(at_ms) = view.next_look_at {
        fact("next look", words::ahead(at_ms, now_ms));
    }
    fact("reports", words::count(view.reports));
    if let Some(report) = &view.last_report {
        let who = match &report.message_id {
            Some(message) => format!("`{message}` by {}", report.actor),
            None => report.actor.clone(),
        };
        let at = words::ago(report.at, now_ms);
        fact("last report", format!("{who}, {at}"));
        fact("of it came", came_of(screen, report));
    }
    screen.data(facts.to_text(screen.width));
}

fn kind(view: &SensorView) -> String {
    match view.sensor.kind {
        SensorKind::Push => "is told".to_string(),
        SensorKind::Poll => {
            let every = words::duration(view.sensor.interval_ms());
            format!("looks every {every}")
        }
    }
}

/// The runs of a report and where they are, or why there is none.
fn came_of(screen: &Screen, report: &ReportView) -> String {
    runs::came_of(screen, &report.runs, report.reason.as_deref())
}

//! A timer id says what it waits for, and ends with the second in which it goes off.

use alloc::format;
use alloc::string::String;

use super::dispatch::{after_prefix, decimal, part, read_parts};
use super::{Dispatch, Timer};
use crate::identity::error::{Code, Error};
use crate::identity::ids::{RunId, ScheduleId};

const PREFIX: &str = "timer:";
const SYNTAX: Code = Code::TimerIdSyntax;

pub(super) fn write(timer: &Timer, epoch_second: u64) -> String {
    match timer {
        Timer::Retry(dispatch) => of_dispatch("retry", dispatch, epoch_second),
        Timer::Heartbeat(dispatch) => of_dispatch("heartbeat", dispatch, epoch_second),
        Timer::Start(dispatch) => of_dispatch("start", dispatch, epoch_second),
        Timer::Run(run_id) => format!("{PREFIX}run:{run_id}:{epoch_second}"),
        Timer::Schedule(schedule_id) => format!("{PREFIX}schedule:{schedule_id}:{epoch_second}"),
    }
}

fn of_dispatch(kind: &str, dispatch: &Dispatch, epoch_second: u64) -> String {
    let Dispatch {
        run_id,
        task_key,
        attempt,
    } = dispatch;
    format!("{PREFIX}{kind}:{run_id}:{task_key}:{attempt}:{epoch_second}")
}

pub(super) fn read(text: &str) -> Result<(Timer, u64), Error> {
    let kind_start = after_prefix(text, PREFIX, SYNTAX)?;
    let (kind, start) = part(text, kind_start, SYNTAX)?;
    let Some((body, second)) = text
        .rsplit_once(':')
        .filter(|(body, _)| body.len() >= start)
    else {
        return Err(Error::at(SYNTAX, text.len()));
    };
    let timer = match kind {
        "retry" => Timer::Retry(read_parts(body, start, SYNTAX)?),
        "heartbeat" => Timer::Heartbeat(read_parts(body, start, SYNTAX)?),
        "start" => Timer::Start(read_parts(body, start, SYNTAX)?),
        "run" => Timer::Run(RunId::parse(id(body, start)).map_err(|error| error.shifted(start))?),
        "schedule" => Timer::Schedule(
            ScheduleId::parse(id(body, start)).map_err(|error| error.shifted(start))?,
        ),
        _ => return Err(Error::at(SYNTAX, kind_start)),
    };
    let second = decimal(second).ok_or(Error::at(SYNTAX, body.len() + 1))?;
    Ok((timer, second))
}

fn id(body: &str, start: usize) -> &str {
    body.get(start..).unwrap_or_default()
}

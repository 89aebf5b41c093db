//! What a manifest declares by name and starts runs by itself is found, paused and resumed in one way, whatever it is.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::door::admit::Admitted;
use crate::door::answer::{Answered, Fault};
use crate::door::http::Response;
use crate::door::session::Session;
use crate::door::sql::{StoreError, first};
use crate::identity::ids::RunId;
use crate::wire::body;
use crate::wire::event::Event;
use crate::wire::pause::{Pause, PauseChange};
use crate::wire::problem::{Problem, Slug};
use crate::wire::view::StartedRun;

/// The longest reason that is kept, in characters.
pub(crate) const LONGEST_REASON: usize = 1_000;

/// Schedules, sensors or automations.
pub(crate) struct Kind {
    /// The refusal of a name that the current manifest does not declare.
    pub(crate) missing: (Slug, &'static str),
    /// Finds `changes` and `paused_seq` of a declared name.
    pub(crate) find: &'static str,
    /// The event of a pause or of its end.
    pub(crate) event: fn(Switched) -> Event,
    /// The answer that shows one.
    pub(crate) show: fn(&mut Session<'_>, &str) -> Answered,
}

/// A pause that begins or ends.
pub(crate) struct Switched {
    pub(crate) name: String,
    pub(crate) change: u32,
    pub(crate) paused: bool,
    pub(crate) reason: Option<String>,
}

impl Kind {
    /// The refusal of a name that is not declared.
    pub(crate) fn missing(&self) -> Fault {
        Fault::Refused(Problem::new(self.missing.0, self.missing.1))
    }

    /// The name in the path of a request.
    pub(crate) fn name<'a>(&self, admitted: &'a Admitted) -> Result<&'a str, Fault> {
        admitted
            .params
            .name
            .as_deref()
            .ok_or_else(|| self.missing())
    }

    /// Shows the one in the path.
    pub(crate) fn get(&self, session: &mut Session<'_>, admitted: &Admitted) -> Answered {
        let name = self.name(admitted)?;
        (self.show)(session, name)
    }

    /// Pauses or resumes the one in the path, and shows it.
    pub(crate) fn set(
        &self,
        session: &mut Session<'_>,
        admitted: &Admitted,
        body: &[u8],
        paused: bool,
    ) -> Answered {
        let change: PauseChange = if body.is_empty() {
            PauseChange::default()
        } else {
            body::parse(body, body::SMALL)?.1
        };
        let name = self.name(admitted)?;
        let found = first(session.sql, self.find, &[name.into()], |row| {
            (row.unsigned(0), row.is_null(1))
        })?;
        let (changes, goes_on) = found.ok_or_else(|| self.missing())?;
        // A pause of what is paused says nothing new, and so does a resumption of what goes on.
        if goes_on == paused {
            let reason = change.reason;
            let switched = Switched {
                name: name.to_string(),
                change: u32::try_from(changes).unwrap_or(u32::MAX).saturating_add(1),
                paused,
                reason: reason.map(|reason| reason.chars().take(LONGEST_REASON).collect()),
            };
            session.append(&(self.event)(switched), None)?;
        }
        (self.show)(session, name)
    }
}

/// The pause that a record began.
pub(crate) fn pause_of(
    session: &mut Session<'_>,
    paused_seq: Option<u64>,
) -> Result<Option<Pause>, StoreError> {
    let Some(seq) = paused_seq else {
        return Ok(None);
    };
    Ok(session.record(seq)?.map(|record| Pause {
        since: record.at_ms,
        reason: match record.event() {
            Some(Event::ScheduleSet(body)) => body.reason,
            Some(Event::SensorSet(body)) => body.reason,
            Some(Event::AutomationSet(body)) => body.reason,
            _ => None,
        },
        actor: record.actor,
    }))
}

/// Runs that were started, and where each is.
pub(crate) fn started(
    session: &mut Session<'_>,
    runs: Vec<RunId>,
) -> Result<Vec<StartedRun>, StoreError> {
    let mut started = Vec::with_capacity(runs.len());
    for run_id in runs {
        let row = session.run(&run_id)?;
        started.extend(row.map(|row| StartedRun {
            run_id,
            state: crate::door::read::state_of(&row),
        }));
    }
    Ok(started)
}

/// A page or a view as an answer.
pub(crate) fn json_of<T: serde::Serialize>(value: &T) -> Response {
    Response::json(200, serde_json::to_vec(value).unwrap_or_default())
}

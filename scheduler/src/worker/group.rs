//! A program runs in a process group of its own, and nothing of the group outlives the attempt.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use arcoflow_core::wire::event::ErrorCategory;
use arcoflow_core::wire::manifest::policy::Run;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use super::orphan;

/// What every variable that is ours begins with.
const OURS: &str = "ARCOFLOW_";

/// A running program.
#[derive(Debug)]
pub(crate) struct Group {
    child: Child,
    leader: Pid,
    /// Tells that some child of this process has ended.
    ends: tokio::signal::unix::Signal,
}

/// A program that could not be started.
#[derive(Debug)]
pub(crate) struct NotStarted {
    /// Whose fault it is.
    pub(crate) category: ErrorCategory,
    /// A sentence for a person.
    pub(crate) message: String,
}

/// Which process leads the group, said so that no other process can be taken for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) pid: i32,
    /// When it began, in ticks since the machine did; 0 where the system does not say.
    pub(crate) began: u64,
    /// Which life of the machine that was.
    pub(crate) boot: String,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {} {}", self.pid, self.began, self.boot)
    }
}

impl Identity {
    pub(crate) fn parse(text: &str) -> Option<Identity> {
        let mut words = text.split_whitespace();
        Some(Identity {
            pid: words.next()?.parse().ok()?,
            began: words.next()?.parse().ok()?,
            boot: words.next().unwrap_or("").to_owned(),
        })
    }
}

/// Starts a program and gives what it prints, on both streams, in the order in which it prints it.
///
/// Its environment is the worker's without what is ours, then the manifest's, then `ours`.
pub(crate) fn start(
    run: &Run,
    directory: &Path,
    ours: &[(&str, &Path)],
    own: &[(&str, String)],
) -> Result<(Group, pipe::Receiver), NotStarted> {
    let Some((program, arguments)) = run.command.split_first() else {
        return Err(configuration("the command is empty".to_owned()));
    };
    let infrastructure = |error: io::Error| NotStarted {
        category: ErrorCategory::Infrastructure,
        message: format!("the program `{program}` cannot be started: {error}"),
    };
    let (reader, writer) = io::pipe().map_err(infrastructure)?;
    // A path is meant from the pipeline's directory, like every other path that a program sees.
    let mut command = if program.contains('/') {
        Command::new(directory.join(program))
    } else {
        Command::new(program)
    };
    command
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(writer.try_clone().map_err(infrastructure)?)
        .stderr(writer)
        .process_group(0)
        .kill_on_drop(true);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with(OURS) {
            command.env_remove(name);
        }
    }
    command.envs(&run.env);
    command.envs(ours.iter().copied());
    command.envs(own.iter().map(|(name, value)| (*name, value)));
    let ends = signal(SignalKind::child()).map_err(infrastructure)?;
    let child = command
        .spawn()
        .map_err(|error| refusal(program, directory, &error))?;
    // The command holds the writing end, which would keep the log open for ever.
    drop(command);
    let receiver = pipe::Receiver::from_owned_fd(reader.into()).map_err(infrastructure)?;
    let leader = child
        .id()
        .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
        .ok_or_else(|| infrastructure(io::Error::other("it has no process id")))?;
    let group = Group {
        child,
        leader,
        ends,
    };
    Ok((group, receiver))
}

fn configuration(message: String) -> NotStarted {
    NotStarted {
        category: ErrorCategory::Configuration,
        message,
    }
}

fn refusal(program: &str, directory: &Path, error: &io::Error) -> NotStarted {
    let message = match error.kind() {
        io::ErrorKind::NotFound if !directory.is_dir() => format!(
            "the pipeline's directory `{}` is not there",
            directory.display()
        ),
        io::ErrorKind::NotFound if program.contains('/') => format!(
            "the program `{program}`, or the interpreter that its first line names, was not found; a path is meant from `{}`",
            directory.display()
        ),
        io::ErrorKind::NotFound => format!(
            "the program `{program}` was not found in the worker's `PATH`; install it where the worker runs, or name its path"
        ),
        io::ErrorKind::PermissionDenied => format!(
            "the program `{program}` may not be executed; `chmod +x` it, or name its interpreter"
        ),
        io::ErrorKind::InvalidInput => {
            format!("the command of `{program}` has a zero byte in it")
        }
        io::ErrorKind::ArgumentListTooLong => {
            format!("the command of `{program}` and its environment are too long for the system")
        }
        _ if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => format!(
            "the program `{program}` is in no format that the system runs; does its first line name an interpreter?"
        ),
        _ => {
            return NotStarted {
                category: ErrorCategory::Infrastructure,
                message: format!("the program `{program}` cannot be started: {error}"),
            };
        }
    };
    configuration(message)
}

impl Group {
    /// Who leads the group, to be found again after this process has died.
    pub(crate) fn identity(&self) -> Identity {
        let pid = self.leader.as_raw_nonzero().get();
        Identity {
            pid,
            began: orphan::began(pid).unwrap_or(0),
            boot: orphan::boot(),
        }
    }

    /// Waits until the program itself has ended, and leaves its entry in the process table: until that is gone, its number, and with it
    /// the group's, can belong to nobody else. May be dropped and called again.
    pub(crate) async fn ended(&mut self) {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        while let Ok(None) = waitid(WaitId::Pid(self.leader), look) {
            self.ends.recv().await;
        }
    }

    /// Sends a signal to every process of the group.
    pub(crate) fn signal(&self, signal: Signal) {
        // A group that is gone already is what a signal is for.
        let _ = kill_process_group(self.leader, signal);
    }

    /// Kills what is left of the group, and tells how the program ended.
    pub(crate) async fn end(mut self) -> io::Result<ExitStatus> {
        self.signal(Signal::KILL);
        self.child.wait().await
    }
}

#[cfg(test)]
mod tests;

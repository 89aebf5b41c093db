//! The binary under test is the real one, in a directory of its own, with nothing of this machine's environment.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A directory that is removed with everything in it.
pub(crate) struct Place {
    directory: PathBuf,
}

impl Place {
    /// A fresh directory.
    pub(crate) fn new(name: &str) -> Place {
        let directory =
            std::env::temp_dir().join(format!("arcoflow-cli-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).expect("a directory can be made");
        Place { directory }
    }

    /// No directory.
    pub(crate) fn empty() -> Place {
        Place {
            directory: PathBuf::from("/nonexistent/arcoflow-cli"),
        }
    }

    /// A path in the directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))
            .expect("a directory can be made");
        std::fs::write(path, text).expect("a file can be written");
    }

    /// Removes a file.
    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(self.path(name)).expect("a file can be removed");
    }

    /// Runs the binary here and waits for its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let output = self
            .command(arguments)
            .output()
            .expect("the binary can be started");
        Ended::of(output)
    }

    /// Starts the binary here.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the binary can be started")
    }

    /// Runs the binary where what it says on standard error finds no room.
    pub(crate) fn run_unheard(&self, arguments: &[&str]) -> i32 {
        let full = OpenOptions::new().write(true).open("/dev/full");
        let full = full.expect("a device that is full");
        let status = self.command(arguments).stderr(full).status();
        status
            .expect("the binary can be started")
            .code()
            .unwrap_or(-1)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_arcoflow"));
        command
            .args(arguments)
            .current_dir(&self.directory)
            .stdin(Stdio::null());
        for name in [
            "ARCOFLOW_URL",
            "ARCOFLOW_TOKEN",
            "NO_COLOR",
            "CLICOLOR_FORCE",
        ] {
            command.env_remove(name);
        }
        command
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// How the binary ended.
pub(crate) struct Ended {
    /// The exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Ended {
    fn of(output: Output) -> Ended {
        Ended {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("output is UTF-8"),
            err: String::from_utf8(output.stderr).expect("messages are UTF-8"),
        }
    }

    /// Checks the exit code, and shows everything when it is another one.
    pub(crate) fn code(self, expected: i32) -> Ended {
        assert_eq!(
            self.code, expected,
            "stdout:\n{}\nstderr:\n{}",
            self.out, self.err
        );
        self
    }

    /// Standard output as one JSON value.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}:\n{}", self.out))
    }

    /// Standard output as lines of JSON.
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        let read = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}:\n{line}"))
        };
        self.out.lines().map(read).collect()
    }

    /// Standard error as the problem that a program reads.
    pub(crate) fn problem(&self) -> serde_json::Value {
        serde_json::from_str(&self.err).unwrap_or_else(|error| panic!("{error}:\n{}", self.err))
    }
}

/// Asks again and again until the answer is there.
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "{what} did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

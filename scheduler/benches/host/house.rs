//! The house is `arcoflow serve`, a process of its own, which can be killed.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use arcoflow::client::Client;
use arcoflow::local::credentials::Connection;
use tokio::runtime::Runtime;

/// A house and the way to it.
pub(crate) struct House {
    pub(crate) runtime: Runtime,
    pub(crate) client: Client,
    pub(crate) directory: PathBuf,
    child: Option<Child>,
    port: u16,
    _temporary: Option<tempfile::TempDir>,
}

impl House {
    /// A house on a fresh ledger.
    pub(crate) fn fresh() -> House {
        let temporary = tempfile::tempdir().expect("a directory");
        let directory = temporary.path().to_owned();
        House::at(directory, Some(temporary))
    }

    /// A house on a ledger that is there.
    pub(crate) fn at(directory: PathBuf, temporary: Option<tempfile::TempDir>) -> House {
        let port = free_port();
        let runtime = Runtime::new().expect("a runtime");
        let child = spawn(&directory, port);
        let client = wait_for(&runtime, &directory, port);
        House {
            runtime,
            client,
            directory,
            child: Some(child),
            port,
            _temporary: temporary,
        }
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it runs");
            child.wait().expect("it ends");
        }
    }

    /// Starts it again on the same port, without waiting for it.
    pub(crate) fn start_again(&mut self) {
        self.child = Some(spawn(&self.directory, self.port));
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(directory: &Path, port: u16) -> Child {
    Command::new(env!("CARGO_BIN_EXE_arcoflow"))
        .arg("serve")
        .arg("--data")
        .arg(directory)
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a process")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

fn wait_for(runtime: &Runtime, directory: &Path, port: u16) -> Client {
    let url = format!("http://127.0.0.1:{port}");
    let began = Instant::now();
    loop {
        if let Ok(Some(connection)) = Connection::load(directory)
            && connection.url == url
        {
            let client = Client::remote(&url, &connection.key).expect("a URL");
            if runtime.block_on(client.ready()).is_ok() {
                return client.patient(Duration::from_secs(30));
            }
        }
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "the house does not start"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

//! A door, a scheduler and a worker in a directory of their own, with pipelines of shell scripts.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use arcoflow::client::{LogQuery, TasksQuery};
use arcoflow::local::{Local, LocalOptions};
use arcoflow::worker::{Worker, WorkerOptions};
use arcoflow_core::identity::ids::RunId;
use arcoflow_core::wire::event::{AttemptFinished, Event};
use arcoflow_core::wire::record::Record;
use arcoflow_core::wire::trigger::Trigger;
use arcoflow_core::wire::view::{RunView, TaskView};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take before a test gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A whole house.
pub(crate) struct House {
    pub(crate) local: Local,
    pub(crate) worker: Option<Worker>,
    directory: TempDir,
}

/// An asset that is made by a shell script, is tried once, and is heard of three times a second.
pub(crate) fn asset(key: &str, script: &str) -> Value {
    asset_of(key, &["sh", "-c", script])
}

/// The same, made by any command.
pub(crate) fn asset_of(key: &str, command: &[&str]) -> Value {
    let digest = arcoflow_core::identity::digest::sha256(key.as_bytes()).to_bytes();
    let tail: String = digest[..6]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    json!({
        "key": key,
        "id": format!("01a2051a-22e4-7b63-848f-{tail}"),
        "run": { "command": command },
        "retry": { "maxAttempts": 1, "baseDelayMs": 0 },
        "timeouts": { "heartbeatMs": 1_000 },
    })
}

/// An asset with further members.
pub(crate) fn with(mut asset: Value, more: Value) -> Value {
    let (Some(asset_members), Value::Object(more)) = (asset.as_object_mut(), more) else {
        return asset;
    };
    asset_members.extend(more);
    asset
}

impl House {
    /// A house with a pipeline and a worker with as many slots.
    pub(crate) async fn new(assets: Vec<Value>, slots: usize) -> House {
        let mut house = House::without_worker(assets).await;
        house.work(slots);
        house
    }

    /// A house with a pipeline in which nobody works.
    pub(crate) async fn without_worker(assets: Vec<Value>) -> House {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("pipeline")).unwrap();
        let local = Local::start(LocalOptions {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            ..LocalOptions::new(directory.path().join("data"))
        })
        .await
        .unwrap();
        let manifest = json!({ "version": 1, "assets": assets }).to_string();
        local.client.deploy(manifest.as_bytes()).await.unwrap();
        House {
            local,
            worker: None,
            directory,
        }
    }

    pub(crate) fn options(&self, slots: usize) -> WorkerOptions {
        WorkerOptions {
            worker_id: "worker-1".to_owned(),
            queues: vec!["default".to_owned()],
            slots,
            data_dir: self.data(),
            pipeline_dir: self.pipeline(),
            keep: 100,
        }
    }

    /// Lets a worker work.
    pub(crate) fn work(&mut self, slots: usize) {
        let worker = Worker::start(self.local.client.clone(), self.options(slots));
        self.worker = Some(worker.unwrap());
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub(crate) fn pipeline(&self) -> PathBuf {
        self.directory.path().join("pipeline")
    }

    pub(crate) async fn trigger(&self) -> RunId {
        let trigger = Trigger::default();
        let answer = self.local.client.trigger(&trigger, None).await.unwrap();
        answer.run_id
    }

    /// The run, once it has ended.
    pub(crate) async fn ended(&self, run: RunId) -> RunView {
        let mut events = self.local.client.follow(0, Some(run));
        let wait = async {
            loop {
                let record = events.next().await.unwrap();
                if let Some(Event::RunFinished(_)) = record.event() {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .expect("the run ends");
        self.local.client.run(&run).await.unwrap()
    }

    /// Starts a run and waits for its end.
    pub(crate) async fn run(&self) -> (RunId, RunView) {
        let run = self.trigger().await;
        (run, self.ended(run).await)
    }

    pub(crate) async fn task(&self, run: RunId, key: &str) -> TaskView {
        let client = &self.local.client;
        let page = client.tasks(&run, &TasksQuery::default()).await.unwrap();
        let mut tasks = page.tasks.iter();
        let task = tasks.find(|task| task.task_key.as_str() == key);
        let id = task.unwrap_or_else(|| panic!("no task `{key}`")).task_id;
        client.task(&run, &id).await.unwrap()
    }

    /// What a task's worker reported, an item for each attempt that was reported.
    pub(crate) async fn reports(&self, run: RunId, key: &str) -> Vec<AttemptFinished> {
        let task = self.task(run, key).await;
        let records = task.records.into_iter().map(Record::from);
        records
            .filter_map(|record| match record.event() {
                Some(Event::AttemptFinished(body)) if body.task.as_str() == key => Some(body),
                _ => None,
            })
            .collect()
    }

    /// The only report of a task.
    pub(crate) async fn report(&self, run: RunId, key: &str) -> AttemptFinished {
        let mut reports = self.reports(run, key).await;
        assert_eq!(reports.len(), 1, "{reports:?}");
        reports.remove(0)
    }

    /// The log that the door has of a task, whole.
    pub(crate) async fn log(&self, run: RunId, key: &str) -> String {
        let task = self.task(run, key).await.line.task_id;
        let mut text = String::new();
        loop {
            let query = LogQuery {
                offset: text.len() as u64,
                ..LogQuery::default()
            };
            let page = self.local.client.log(&run, &task, &query).await.unwrap();
            if page.text.is_empty() {
                return text;
            }
            text.push_str(&page.text);
        }
    }

    /// Ends the worker in good order, then the door.
    pub(crate) async fn close(mut self) {
        if let Some(worker) = self.worker.take() {
            worker.shutdown().await;
        }
        self.local.shutdown().await;
    }
}

/// What a program writes into a file, as soon as it ends with a line feed.
pub(crate) async fn contents(path: &Path) -> String {
    let wait = async {
        loop {
            match std::fs::read_to_string(path) {
                Ok(text) if text.ends_with('\n') => return text,
                _ => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    let text = tokio::time::timeout(PATIENCE, wait).await;
    text.unwrap_or_else(|_| panic!("nobody writes `{}`", path.display()))
}

/// Whether a process is gone, or goes within a while; one that waits for its parent to look at it is gone.
pub(crate) async fn is_gone(pid: &str) -> bool {
    for _ in 0..500 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        match stat {
            Err(_) => return true,
            Ok(stat) if stat.contains(") Z") => return true,
            Ok(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    false
}

//! What the host measures about itself; what it does not know is absent, never 0.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arcoflow_core::door::http::Response;
use arcoflow_core::wire::sweep::SweepView;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::LEDGER;
use super::space::{DiskState, Space, free_bytes};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Disk {
    state: &'static str,
}

/// The figures of a door.
#[derive(Debug)]
pub(super) struct Metrics {
    directory: PathBuf,
    space: Arc<Space>,
    answers: Family<Answered, Counter>,
    commits: Histogram,
    batches: Histogram,
    expired: Counter,
}

impl Metrics {
    pub(super) fn new(directory: PathBuf, space: Arc<Space>) -> Metrics {
        Metrics {
            directory,
            space,
            answers: Family::default(),
            commits: Histogram::new(exponential_buckets(0.000_1, 2.0, 16)),
            batches: Histogram::new(exponential_buckets(1.0, 2.0, 10)),
            expired: Counter::default(),
        }
    }

    /// A request was answered.
    pub(super) fn answered(&self, route: &'static str, status: u16) {
        self.answers
            .get_or_create(&Answered { route, status })
            .inc();
    }

    /// A transaction of so many requests was committed in so long.
    pub(super) fn committed(&self, requests: usize, took: Duration) {
        self.commits.observe(took.as_secs_f64());
        self.batches.observe(requests as f64);
    }

    /// How many transactions were committed.
    #[cfg(test)]
    pub(super) fn commits_seen(&self) -> usize {
        let text = String::from_utf8(self.page(None).body).expect("text");
        let count = text
            .lines()
            .find_map(|line| line.strip_prefix("arcoflow_commit_seconds_count "));
        count.expect("the count").parse().expect("a number")
    }

    /// So many attempts ran out of time.
    pub(super) fn expired(&self, attempts: u64) {
        self.expired.inc_by(attempts);
    }

    /// The page of `GET /metrics`, with what the last sweep found.
    pub(super) fn page(&self, swept: Option<SweepView>) -> Response {
        let mut registry = Registry::with_prefix("arcoflow");
        registry.register(
            "answers",
            "Requests that were answered, by operation and status",
            self.answers.clone(),
        );
        registry.register_with_unit(
            "commit",
            "How long a transaction took to become durable",
            Unit::Seconds,
            self.commits.clone(),
        );
        registry.register(
            "commit_requests",
            "Requests that shared a transaction",
            self.batches.clone(),
        );
        registry.register(
            "attempts_expired",
            "Attempts that were closed because a deadline passed",
            self.expired.clone(),
        );
        let gauge = |registry: &mut Registry, name, help, value: Option<u64>| {
            if let Some(value) = value.and_then(|value| i64::try_from(value).ok()) {
                let gauge: Gauge = Gauge::default();
                gauge.set(value);
                registry.register_with_unit(name, help, Unit::Bytes, gauge);
            }
        };
        let size = |name: &str| {
            let file = std::fs::metadata(self.directory.join(name));
            file.ok().map(|file| file.len())
        };
        gauge(
            &mut registry,
            "ledger",
            "Size of the ledger's file",
            size(LEDGER),
        );
        gauge(
            &mut registry,
            "ledger_wal",
            "Size of the ledger's write-ahead log",
            size("ledger.db-wal"),
        );
        gauge(
            &mut registry,
            "disk_free",
            "Free space where the ledger is",
            free_bytes(&self.directory),
        );
        self.register_states(&mut registry, swept);
        let mut text = String::new();
        let _ = encode(&mut text, &registry);
        Response::of(
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            200,
            text.into_bytes(),
        )
    }

    /// States of the disk and of the tasks; what nobody knows is absent.
    fn register_states(&self, registry: &mut Registry, swept: Option<SweepView>) {
        if let Some(now) = self.space.state() {
            let states: Family<Disk, Gauge> = Family::default();
            for state in DiskState::ALL {
                let disk = Disk {
                    state: state.as_str(),
                };
                states.get_or_create(&disk).set(i64::from(state == now));
            }
            registry.register(
                "disk_state",
                "Whether there is room for the ledger: 1 for the state that is",
                states,
            );
        }
        // Before the first sweep nobody has looked.
        let Some(swept) = swept.filter(|swept| swept.at.is_some()) else {
            return;
        };
        let left_behind: Gauge = Gauge::default();
        left_behind.set(i64::try_from(swept.left_behind).unwrap_or(i64::MAX));
        registry.register(
            "left_behind",
            "What nothing would have moved, as the last sweep found it",
            left_behind,
        );
        let repaired: Counter = Counter::default();
        repaired.inc_by(swept.repaired);
        registry.register(
            "left_behind_repaired",
            "Rows that sweeps have written again since the ledger began",
            repaired,
        );
    }
}

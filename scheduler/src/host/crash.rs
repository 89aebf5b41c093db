//! Every commit point has a name, and a drill can have the process killed at the n-th passage of one.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::host::message;

/// The points, in the order in which a task passes them.
///
/// Door: E1 authenticated, before the transaction; E2 appended, before the commit; E3 committed, before the answer leaves; E4 the
/// timer for deadlines has fired; E5 its transaction is done. Scheduler: C1 a page was received; C2 it was folded; C4 a decision was
/// made; C5 it was appended, and the answer was not read; C12 a part of a sweep was
/// answered, and the rest was not asked for. Worker: W1 a lease was received; W2 `started` was sent; W3 the work is done;
/// W4 `completed` was sent, and the answer was not read; W5 the output is half written.
pub const POINTS: [&str; 15] = [
    "E1", "E2", "E3", "E4", "E5", "C1", "C2", "C4", "C5", "C12", "W1", "W2", "W3", "W4", "W5",
];

/// The variable that names a point and a passage, for instance `E2:3`.
pub const VARIABLE: &str = "ARCOFLOW_CRASH_AT";

struct Plan {
    point: String,
    left: AtomicU64,
}

/// Marks a commit point. The process dies here, without a chance to clean up, when this is the passage that the drill asked for.
pub fn point(name: &'static str) {
    static PLAN: OnceLock<Option<Plan>> = OnceLock::new();
    let Some(plan) = PLAN.get_or_init(read) else {
        return;
    };
    if plan.point == name && plan.left.fetch_sub(1, Ordering::Relaxed) == 1 {
        die();
    }
}

fn read() -> Option<Plan> {
    let value = std::env::var(VARIABLE).ok()?;
    let (point, passage) = value.split_once(':').unwrap_or((&value, "1"));
    let passage = passage.parse::<u64>().ok().filter(|passage| *passage > 0);
    match passage {
        Some(passage) if POINTS.contains(&point) => Some(Plan {
            point: point.to_owned(),
            left: AtomicU64::new(passage),
        }),
        _ => {
            message::line(format_args!(
                "{VARIABLE}: expected POINT:PASSAGE with a point of {POINTS:?}, for instance `E2:3`"
            ));
            std::process::exit(2);
        }
    }
}

/// What `kill -9` does.
fn die() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort();
}

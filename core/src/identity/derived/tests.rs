//! Derived names are pinned by known answers and read back.

use super::*;
use crate::identity::ids::ScheduleId;
use alloc::string::ToString;

const RUN: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

fn run() -> RunId {
    RunId::parse(RUN).unwrap()
}

fn task() -> TaskKey {
    TaskKey::parse("mart/report[day=d:2025-01-15,hour=i:7]:materialize").unwrap()
}

#[test]
fn queue_names_have_known_answers() {
    assert_eq!(
        queue_name("d", "dispatch:run1:extract:1").unwrap(),
        "d_cxtoltqhbncw6nevn7hy53kqn6"
    );
    assert_eq!(
        queue_name("t", "timer:retry:run1:extract:1:1736935200").unwrap(),
        "t_eagmhme3xao3q2lakj2xosgmm2"
    );
    for kind in ["", "a b", "é", "abcdefghijklmnopq"] {
        assert_eq!(
            queue_name(kind, ""),
            Err(Error::new(Code::QueueKind)),
            "{kind}"
        );
    }
}

#[test]
fn task_and_attempt_ids_take_the_time_of_the_run_and_ten_bytes_of_the_digest() {
    let task = task();
    let parts = [Part::Text(RUN), Part::Text(task.as_str()), Part::Integer(2)];
    for (id, wanted) in [
        (
            Ulid::from(task_id(&run(), &task)),
            digest("arcoflow/task/v1", &parts[..2]),
        ),
        (
            Ulid::from(attempt_id(&run(), &task, 2)),
            digest("arcoflow/attempt/v1", &parts),
        ),
        (
            Ulid::from(materialization_id(&run(), &task, 2)),
            digest("arcoflow/materialization/v1", &parts),
        ),
    ] {
        assert_eq!(id.timestamp_ms(), run().timestamp_ms());
        assert_eq!(id.random(), wanted.to_bytes()[..10]);
    }
    let event = event_id(5, "run_planned", &[Part::Text(RUN)]);
    assert_eq!(event.timestamp_ms(), 5);
    assert_eq!(
        event.random(),
        digest(
            "arcoflow/event/v1",
            &[Part::Text("run_planned"), Part::Text(RUN)]
        )
        .to_bytes()[..10]
    );
    assert_eq!(event_id(u64::MAX, "x", &[]).timestamp_ms(), TIME_END_MS - 1);
}

#[test]
fn a_run_knows_its_home() {
    assert_eq!(home(&run()), run().to_bytes()[6]);
    let key = RunKey::parse("daily").unwrap();
    assert_eq!(
        home(&run().with_home(home_of_run_key(&key))),
        sha256(b"daily").to_bytes()[0]
    );
    assert_eq!([0, 1, 3, 8].map(|bits| shard(0xb7, bits)), [0, 1, 7, 0xb7]);
}

#[test]
fn dispatch_ids_read_back() {
    let id = dispatch_id(&run(), &task(), 3).unwrap();
    assert_eq!(
        id,
        "dispatch:01ARZ3NDEKTSV4RRFFQ69G5FAV:mart/report[day=d:2025-01-15,hour=i:7]:materialize:3"
    );
    assert_eq!(
        parse_dispatch_id(&id),
        Ok(Dispatch {
            run_id: run(),
            task_key: task(),
            attempt: 3
        })
    );
    assert_eq!(
        dispatch_id(&run(), &task(), 0),
        Err(Error::new(Code::AttemptRange))
    );
    for (text, code, offset) in [
        ("dispatsh:", Code::DispatchIdSyntax, 6),
        ("dispatch:", Code::DispatchIdSyntax, 9),
        (
            "dispatch:01ARZ3NDEKTSV4RRFFQ69G5FA:a/b:check:1",
            Code::UlidLength,
            9,
        ),
        (
            "dispatch:01ARZ3NDEKTSV4RRFFQ69G5FAu:a/b:check:1",
            Code::UlidCharacter,
            34,
        ),
        (
            "dispatch:01ARZ3NDEKTSV4RRFFQ69G5FAV:a/b:chock:1",
            Code::TaskKeyOperation,
            40,
        ),
        (
            "dispatch:01ARZ3NDEKTSV4RRFFQ69G5FAV:a/b:check:0",
            Code::AttemptRange,
            46,
        ),
        (
            "dispatch:01ARZ3NDEKTSV4RRFFQ69G5FAV:a/b:check:01",
            Code::DispatchIdSyntax,
            46,
        ),
        (
            "dispatch:01ARZ3NDEKTSV4RRFFQ69G5FAV:a/b:check:4294967296",
            Code::AttemptRange,
            46,
        ),
    ] {
        assert_eq!(
            parse_dispatch_id(text),
            Err(Error::at(code, offset)),
            "{text}"
        );
    }
}

#[test]
fn timer_ids_read_back() {
    let dispatch = Dispatch {
        run_id: run(),
        task_key: task(),
        attempt: 1,
    };
    for timer in [
        Timer::Retry(dispatch.clone()),
        Timer::Heartbeat(dispatch.clone()),
        Timer::Start(dispatch),
        Timer::Run(run()),
        Timer::Schedule(ScheduleId::parse(RUN).unwrap()),
    ] {
        let id = timer_id(&timer, 1_736_935_200);
        assert!(id.ends_with(":1736935200"), "{id}");
        assert_eq!(parse_timer_id(&id), Ok((timer, 1_736_935_200)));
    }
    for text in [
        "timer:run",
        "timer:run:",
        "timer:later:x:1",
        "timer:run:01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "tim",
    ] {
        assert!(parse_timer_id(text).is_err(), "{text}");
    }
    assert_eq!(
        timer_id(&Timer::Run(run()), 7)
            .parse::<String>()
            .unwrap()
            .to_string(),
        "timer:run:01ARZ3NDEKTSV4RRFFQ69G5FAV:7"
    );
}

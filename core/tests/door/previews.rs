//! A plan can be looked at before it runs: the same plan and the same refusals as of a trigger, and nothing is appended.

use serde_json::{Value, json};

use crate::house::{House, asset, manifest, text};
use crate::replayed::check;

fn pipeline() -> Value {
    let days =
        json!([{ "name": "day", "kind": "daily", "start": "2012-01-01", "end": "2012-01-11" }]);
    let mut typed = days.clone();
    typed.as_array_mut().expect("dimensions").extend([
        json!({ "name": "size", "kind": "static", "values": [1, 2, 3] }),
        json!({ "name": "wet", "kind": "static", "values": [true, false] }),
        json!({ "name": "town", "kind": "static", "values": ["7", "north"] }),
    ]);
    manifest(vec![
        asset("raw/a", &[], json!({ "partitions": days })),
        asset(
            "mart/b",
            &["raw/a"],
            json!({ "partitions": days, "check": { "run": { "command": ["check"] } } }),
        ),
        asset("mart/c", &["mart/b"], json!({})),
        asset("odd/t", &[], json!({ "partitions": typed })),
    ])
}

#[test]
fn a_preview_is_the_plan_of_the_run_and_leaves_no_trace() {
    let mut house = House::with(&pipeline());
    let before = house.records().len();
    let trigger = json!({ "selection": "raw/a mart/b", "range": { "day": { "from": "2012-01-02", "to": "2012-01-04" } } });
    let view = house.post("/v1/plans?limit=2", &trigger).expect(200).json;
    assert_eq!(house.records().len(), before);
    assert_eq!(
        (&view["tasks"], &view["stages"], &view["edges"]),
        (&json!(9), &json!(3), &json!(6))
    );
    let assets: Vec<(String, u64, u64, Value)> = view["assets"]
        .as_array()
        .expect("assets")
        .iter()
        .map(|asset| {
            (
                text(&asset["assetKey"]),
                asset["stage"].as_u64().unwrap(),
                asset["tasks"].as_u64().unwrap(),
                asset["waitsFor"].clone(),
            )
        })
        .collect();
    assert_eq!(
        assets,
        [
            ("raw/a".to_string(), 0, 3, json!([])),
            ("mart/b".to_string(), 1, 6, json!(["raw/a"]))
        ]
    );
    assert_eq!(view["assets"][0]["states"]["missing"], 3);
    let mut tasks: Vec<String> = view["page"]
        .as_array()
        .expect("a page")
        .iter()
        .map(|task| text(&task["taskKey"]))
        .collect();
    let next = text(&view["next"]);
    assert_eq!(tasks.last(), Some(&next));
    let rest = house
        .post(&format!("/v1/plans?limit=100&after={next}"), &trigger)
        .expect(200)
        .json;
    tasks.extend(
        rest["page"]
            .as_array()
            .expect("a page")
            .iter()
            .map(|task| text(&task["taskKey"])),
    );
    let run = house.post("/v1/runs", &trigger).expect(202).json;
    assert_eq!(run["plan"], view["plan"]);
    house.work(|house, envelope| house.succeed(envelope));
    let ran: Vec<String> = house
        .tasks(&text(&run["runId"]))
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    assert_eq!(ran, tasks);
    let again = json!({ "selection": "mart/*", "allPartitions": true });
    let view = house.post("/v1/plans", &again).expect(200).json;
    assert_eq!(view["assets"][0]["takes"], json!(["raw/a"]));
    assert_eq!(
        (
            &view["assets"][0]["states"]["succeeded"],
            &view["assets"][0]["states"]["missing"]
        ),
        (&json!(3), &json!(7))
    );
    check(&mut house);
}

#[test]
fn partitions_are_typed_by_the_declaration_and_said_once() {
    let mut house = House::with(&pipeline());
    let of = |size: Value, wet: Value, town: Value| {
        json!({ "selection": "odd/t", "partitions": [
            { "key": "day", "value": "2012-01-05" }, { "key": "size", "value": size },
            { "key": "wet", "value": wet }, { "key": "town", "value": town } ] })
    };
    let good = [
        of(json!(2), json!(true), json!("7")),
        of(json!("2"), json!("true"), json!("7")),
        json!({ "selection": "odd/t", "partitionKey": "day=d:2012-01-05,size=i:2,town=s:Nw,wet=b:true" }),
    ];
    for trigger in &good {
        for route in ["/v1/plans", "/v1/runs"] {
            let answer = house.post(route, trigger).json;
            assert_eq!(answer["tasks"], 1, "{trigger} {answer}");
        }
        let view = house.post("/v1/plans", trigger).expect(200).json;
        let key = text(&view["page"][0]["taskKey"]);
        assert_eq!(
            key,
            "odd/t[day=d:2012-01-05,size=i:2,town=s:Nw,wet=b:true]:materialize"
        );
    }
    let both = json!({ "selection": "raw/a", "partitionKey": "day=d:2012-01-05", "partitions": [{ "key": "day", "value": "2012-01-05" }] });
    let refused = [
        (
            both,
            "validation-failed",
            "trigger.partition_conflict",
            "/partitions",
        ),
        (
            of(json!("two"), json!(true), json!("7")),
            "plan-invalid",
            "plan.partition_type",
            "/partitions/1/value",
        ),
        (
            of(json!(2), json!(1), json!("7")),
            "plan-invalid",
            "plan.partition_type",
            "/partitions/2/value",
        ),
        (
            of(json!(2), json!(true), json!(7)),
            "plan-invalid",
            "plan.partition_type",
            "/partitions/3/value",
        ),
        (
            of(json!(9), json!(true), json!("7")),
            "plan-invalid",
            "plan.partition_unknown",
            "/partitions/1/value",
        ),
    ];
    for (trigger, slug, code, pointer) in refused {
        for route in ["/v1/plans", "/v1/runs"] {
            let answer = house.post(route, &trigger).refused(422, slug);
            assert_eq!(text(&answer.json["errors"][0]["code"]), code, "{trigger}");
            assert_eq!(
                text(&answer.json["errors"][0]["pointer"]),
                pointer,
                "{trigger}"
            );
        }
    }
    house
        .post(
            "/v1/plans?after=raw/z:materialize",
            &json!({ "selection": "mart/c" }),
        )
        .refused(422, "validation-failed");
    House::new()
        .post("/v1/plans", &json!({}))
        .refused(404, "manifest-not-found");
}

#[test]
fn a_rerun_of_named_tasks_runs_these_and_knows_its_parent() {
    let mut house = House::with(&pipeline());
    let trigger = json!({ "selection": "raw/a mart/b", "range": { "day": { "from": "2012-01-02", "to": "2012-01-04" } } });
    let run = house.trigger(&trigger);
    house.work(|house, envelope| house.succeed(envelope));
    let target = format!("/v1/runs/{run}/rerun");
    let tasks = [
        "raw/a[day=d:2012-01-03]:materialize",
        "mart/b[day=d:2012-01-03]:materialize",
    ];
    let answer = house
        .post(&target, &json!({ "mode": "subset", "tasks": tasks }))
        .expect(202)
        .json;
    assert_eq!(answer["tasks"], 2);
    let rerun = text(&answer["runId"]);
    house.work(|house, envelope| house.succeed(envelope));
    let view = house.run(&rerun);
    assert_eq!(
        (&view["state"], &view["rerun"]["parent"]),
        (&json!("succeeded"), &json!(run))
    );
    // The second task of the rerun, which stands at another place in the plan of the trigger.
    let one = json!({ "mode": "subset", "tasks": ["raw/a[day=d:2012-01-03]:materialize"] });
    let answer = house
        .post(&format!("/v1/runs/{rerun}/rerun"), &one)
        .expect(202)
        .json;
    house.work(|house, envelope| house.succeed(envelope));
    let made = house.tasks(&text(&answer["runId"]));
    assert_eq!(
        made,
        [(
            "raw/a[day=d:2012-01-03]:materialize".to_string(),
            "succeeded".to_string()
        )]
    );
    for body in [
        json!({ "mode": "subset" }),
        json!({ "tasks": ["raw/a[day=d:2012-01-03]:materialize"] }),
        json!({ "mode": "subset", "tasks": ["raw/a[day=d:2012-01-09]:materialize"] }),
    ] {
        house.post(&target, &body).refused(422, "validation-failed");
    }
    check(&mut house);
}

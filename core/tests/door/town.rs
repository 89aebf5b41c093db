//! A town is a workspace of several ledgers: a house for each, a front that sends every request its way, and ears between them.

use arcoflow_core::door::admit::{self, Admitted};
use arcoflow_core::door::answer::Then;
use arcoflow_core::door::config::Moment;
use arcoflow_core::door::http::{Head, Response};
use arcoflow_core::door::rate::Limiter;
use arcoflow_core::door::repeats::Repeats;
use arcoflow_core::door::session::records_after;
use arcoflow_core::door::shards::{self, Way};
use arcoflow_core::run::ear::{self, Ear};
use arcoflow_core::wire::shard::{Origin, Shard};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::house::{House, callback_of};
use crate::replayed::check;

pub(crate) struct Town {
    pub(crate) houses: Vec<House>,
    limiter: Limiter,
    /// What was proposed to each ledger so far.
    said: Vec<(usize, Vec<Value>)>,
}

impl Town {
    pub(crate) fn new(count: u32, manifest: &Value) -> Town {
        let houses = (0..count).map(|index| House::of(Shard::new(index, count).expect("a shard")));
        let mut town = Town {
            houses: houses.collect(),
            limiter: Limiter::default(),
            said: Vec::new(),
        };
        town.post("/v1/manifests", manifest).expect(201);
        town
    }

    pub(crate) fn pass(&mut self, time_ms: u64) {
        for house in &mut self.houses {
            house.now_ms += time_ms;
        }
    }

    fn send(
        &mut self,
        method: &str,
        target: &str,
        token: &str,
        more: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let authorization = format!("Bearer {token}");
        let length = body.len().to_string();
        let mut headers = vec![("authorization", authorization.as_str())];
        if !body.is_empty() {
            headers.extend([
                ("content-type", "application/json"),
                ("content-length", length.as_str()),
            ]);
        }
        headers.extend_from_slice(more);
        let head = Head {
            method,
            target,
            headers: &headers,
        };
        let moment = self.houses[0].moment();
        let now_ms = self.houses[0].now_ms;
        let config = self.houses[0].config.clone();
        let (response, then) = match admit::admit(&config, &mut self.limiter, &head, now_ms) {
            Err(problem) => (Response::problem(&problem, moment.request()), Then::Send),
            Ok(admitted) => {
                let way = shards::way(&config, &admitted, body, moment.random()[0]);
                self.go(&way, &admitted, body)
            }
        };
        Answer {
            status: response.status,
            json: serde_json::from_slice(&response.body).unwrap_or(Value::Null),
            headers: response.headers,
            bytes: response.body,
            then,
        }
    }

    fn go(&mut self, way: &Way, admitted: &Admitted, body: &[u8]) -> (Response, Then) {
        match way {
            Way::First(list) => {
                let mut answers = list.iter().map(|index| self.ask(*index, admitted, body));
                let first = answers.next().expect("a ledger is named");
                match first.0.status {
                    404 => answers.next().unwrap_or(first),
                    _ => first,
                }
            }
            Way::Each => {
                let answers: Vec<_> = self.each(0, admitted, body);
                if let Some(refused) = answers.iter().find(|answer| answer.0.status != 200) {
                    return refused.clone();
                }
                let bodies: Vec<&[u8]> = answers
                    .iter()
                    .map(|answer| answer.0.body.as_slice())
                    .collect();
                let joined = shards::join(self.houses[0].config.shard, admitted, &bodies);
                (Response::json(200, joined), Then::Send)
            }
            Way::Deploy => {
                if let Some(refused) = self
                    .each(1, admitted, body)
                    .into_iter()
                    .find(|answer| answer.0.status != 200)
                {
                    return refused;
                }
                let first = self.ask(0, admitted, body);
                let Some(told) = shards::told(&first.0.body) else {
                    return first;
                };
                let told = Admitted {
                    told: Some(told),
                    ..admitted.clone()
                };
                for answer in self.each(1, &told, body) {
                    assert_eq!(answer.0.status, 200);
                }
                first
            }
            Way::Work { ledgers, max, .. } => {
                let (mut left, mut given) = (*max, Vec::new());
                for &index in ledgers {
                    if left > 0 {
                        let (answer, _) = self.ask(index, admitted, &shards::ask(body, left, 0));
                        left -= shards::count(&answer.body);
                        given.push(answer.body);
                    }
                }
                let given: Vec<&[u8]> = given.iter().map(Vec::as_slice).collect();
                let joined = shards::join(self.houses[0].config.shard, admitted, &given);
                (Response::json(200, joined), Then::Send)
            }
        }
    }

    fn each(&mut self, from: u32, admitted: &Admitted, body: &[u8]) -> Vec<(Response, Then)> {
        let count = self.houses.len() as u32;
        (from..count)
            .map(|index| self.ask(index, admitted, body))
            .collect()
    }

    fn ask(&mut self, index: u32, admitted: &Admitted, body: &[u8]) -> (Response, Then) {
        let house = &mut self.houses[index as usize];
        let moment: Moment = house.moment();
        house.answer(admitted, body, moment)
    }

    pub(crate) fn post_with(
        &mut self,
        target: &str,
        token: &str,
        more: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        self.send("POST", target, token, more, body.to_string().as_bytes())
    }

    pub(crate) fn post(&mut self, target: &str, body: &Value) -> Answer {
        let key = self.houses[0].key.clone();
        self.post_with(target, &key, &[], body)
    }

    pub(crate) fn get(&mut self, target: &str) -> Answer {
        let key = self.houses[0].key.clone();
        self.send("GET", target, &key, &[], b"")
    }

    pub(crate) fn trigger(&mut self, trigger: &Value) -> String {
        let answer = self.post("/v1/runs", trigger).expect(202);
        answer.json["runId"].as_str().expect("a run id").to_string()
    }

    pub(crate) fn lease(&mut self, max: u32) -> Vec<Value> {
        let request = json!({ "workerId": "w1", "queues": ["default"], "max": max });
        let answer = self.post("/v1/leases", &request).expect(200);
        answer.json["tasks"].as_array().cloned().unwrap_or_default()
    }

    pub(crate) fn callback(&mut self, envelope: &Value, what: &str, more: Value) -> Answer {
        let (target, token, body) = callback_of(envelope, what, more);
        self.post_with(&target, &token, &[], &body)
    }

    pub(crate) fn end(&mut self, envelope: &Value, outcome: &str) -> Answer {
        self.callback(envelope, "started", json!({}));
        let error = match outcome {
            "SUCCEEDED" => Value::Null,
            _ => json!({ "category": "DATA_QUALITY", "message": "no luck" }),
        };
        self.callback(
            envelope,
            "completed",
            json!({ "outcome": outcome, "error": error }),
        )
    }

    /// Lets one ledger hear up to so many records of another. The answer is how many it repeated.
    pub(crate) fn hear(&mut self, target: usize, source: usize, most: u64) -> usize {
        let proposals = self.heard(target, source, most);
        let count = proposals.len();
        self.propose(target, &proposals);
        self.said.push((target, proposals));
        count
    }

    /// Proposes what was proposed before.
    pub(crate) fn say_again(&mut self, which: usize) {
        if !self.said.is_empty() {
            let (target, proposals) = self.said[which % self.said.len()].clone();
            self.propose(target, &proposals);
        }
    }

    fn propose(&mut self, target: usize, proposals: &[Value]) {
        let house = &mut self.houses[target];
        house.take_lease();
        let request =
            json!({ "epoch": house.epoch, "after": house.world.seq, "events": proposals });
        let ledger = house.own("/v1/ledger");
        house.post(&ledger, &request).expect(200);
    }

    /// What one ledger would repeat of another.
    pub(crate) fn heard(&mut self, target: usize, source: usize, most: u64) -> Vec<Value> {
        let house = &mut self.houses[target];
        let lease = json!({ "holder": "s1", "ttlMs": 600_000, "takeOver": true });
        let scheduler = house.own("/v1/scheduler");
        let answer = house.post(&scheduler, &lease).expect(200).json;
        assert_eq!(answer["shards"], json!(house.config.shard.count()));
        let heard: Vec<Origin> =
            serde_json::from_value(answer["heard"].clone()).unwrap_or_default();
        let last = heard.iter().find(|origin| origin.shard as usize == source);
        let mut ear = Ear::new(house.config.shard, source as u32, last);
        let from = &mut self.houses[source];
        let records = records_after(&mut from.store, ear.seq(), most).expect("the store answers");
        let told = records.iter().filter_map(|record| {
            let origin = ear.hear(record)?;
            let body: Value = serde_json::from_str(&record.body).expect("JSON");
            Some(json!({ "kind": record.kind, "body": body, "origin": origin }))
        });
        told.collect()
    }

    /// Lets every ledger hear everything and every scheduler decide until nothing follows.
    pub(crate) fn settle(&mut self) {
        for _ in 0..1_000 {
            let before = self.heads();
            for source in 1..self.houses.len() {
                self.hear(0, source, 1_000);
            }
            for target in 1..self.houses.len() {
                self.hear(target, 0, 1_000);
            }
            for house in &mut self.houses {
                house.schedule();
            }
            if self.heads() == before {
                return;
            }
        }
        panic!("the town does not come to rest");
    }

    /// Works until nothing can be leased.
    pub(crate) fn work(&mut self) {
        self.work_with(|town, envelope| drop(town.end(envelope, "SUCCEEDED").expect(200)));
    }

    /// The same, with another end of each attempt.
    pub(crate) fn work_with(&mut self, mut end: impl FnMut(&mut Town, &Value)) {
        for _ in 0..1_000 {
            self.settle();
            let leased = self.lease(7);
            if leased.is_empty() {
                return;
            }
            for envelope in &leased {
                end(self, envelope);
            }
        }
        panic!("the work does not end");
    }

    fn heads(&mut self) -> Vec<usize> {
        self.houses
            .iter_mut()
            .map(|house| house.records().len())
            .collect()
    }

    /// Everything that has to hold of a town at any moment: every ledger is in order, and what is repeated stands where it says.
    #[track_caller]
    pub(crate) fn check(&mut self) {
        let mut repeats = Repeats::new(self.houses[0].config.shard);
        for house in &mut self.houses {
            for record in house.records() {
                let event = record.event().expect("an event");
                repeats.take(house.config.shard, &record, &event);
                if let Some(origin) = Origin::of_actor(&record.actor) {
                    let mut quiet = ear::quiet(origin.shard).split(',');
                    assert!(
                        quiet.all(|kind| kind != record.kind),
                        "{} is heard",
                        record.kind
                    );
                }
            }
            check(house);
        }
        repeats.judge().expect("what is repeated is as it was said");
    }
}

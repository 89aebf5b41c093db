//! What the shim is told about a request crosses in one call each, as text and bytes.

use alloc::string::String;
use alloc::vec::Vec;

use arcoflow_core::door::answer::{Then, WaitOn};
use arcoflow_core::door::http::Response;
use arcoflow_core::door::session::Wake;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// The shim's note of one request.
    pub type Exchange;

    /// An answer. Headers are lines of `name:value`; the bytes are good until the call returns.
    #[wasm_bindgen(method)]
    fn respond(this: &Exchange, status: u16, headers: &str, body: &[u8]);

    /// The request may go on: the most bytes of its body, the object of its ledger, what that object has to know, and whether the answer
    /// may wait. The object has no name when the body has to say which one it is.
    #[wasm_bindgen(method)]
    pub(crate) fn pass(this: &Exchange, cap: u32, ledger: &str, handover: &str, waits: bool);

    /// The way of a request among several ledgers: its name, and the objects and what each has to know, in lines. A request for work asks
    /// for so many tasks, and waits for so many seconds.
    #[wasm_bindgen(method)]
    pub(crate) fn place(
        this: &Exchange,
        way: &str,
        ledgers: &str,
        handovers: &str,
        max: u32,
        wait_s: u32,
    );

    /// The answer waits for one of these topics, and is asked for again.
    #[wasm_bindgen(method)]
    fn wait(this: &Exchange, topics: &str, give_up_ms: f64, again_ms: Option<f64>);

    /// The answer is a piece of a stream that goes on after a record.
    #[wasm_bindgen(method)]
    fn follow(this: &Exchange, cursor: f64);

    /// Topics that something happened to.
    #[wasm_bindgen(method)]
    fn wake(this: &Exchange, topics: &str);

    /// When the next deadline is, in milliseconds since 1970; infinity when there is none.
    #[wasm_bindgen(method)]
    pub(crate) fn deadline(this: &Exchange, due_ms: f64);
}

const RECORDS: &str = "records";
const WORK: &str = "work";
const LOGS: &str = "logs";

impl Exchange {
    pub(crate) fn send(&self, response: &Response) {
        let mut headers = String::new();
        for (name, value) in &response.headers {
            headers.push_str(name);
            headers.push(':');
            headers.push_str(value);
            headers.push('\n');
        }
        self.respond(response.status, &headers, &response.body);
    }

    pub(crate) fn then(&self, then: &Then) {
        match then {
            Then::Send => {}
            Then::Wait(wait) => self.wait(
                topic_of(&wait.on),
                wait.give_up_ms as f64,
                wait.again_ms.map(|again| again as f64),
            ),
            Then::Follow(cursor) => self.follow(*cursor as f64),
        }
    }

    pub(crate) fn tell(&self, wake: &Wake) {
        let topics = [
            (wake.records, RECORDS),
            (!wake.work.is_empty(), WORK),
            (wake.logs, LOGS),
        ];
        let happened: Vec<&str> = topics
            .iter()
            .filter(|(happened, _)| *happened)
            .map(|(_, topic)| *topic)
            .collect();
        if !happened.is_empty() {
            self.wake(&happened.join("\n"));
        }
    }
}

fn topic_of(on: &WaitOn) -> &'static str {
    match on {
        WaitOn::Records => RECORDS,
        WaitOn::Work(_) => WORK,
        WaitOn::Logs => LOGS,
    }
}

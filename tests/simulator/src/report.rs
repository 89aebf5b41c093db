//! What a life came to.

use crate::judge::Broken;
use crate::marks::Marks;

/// What a life came to.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) broken: Option<Broken>,
    pub(crate) at_ms: u64,
    pub(crate) steps: u64,
    pub(crate) records: u64,
    pub(crate) runs: usize,
    pub(crate) marks: Marks,
    pub(crate) digest: String,
}

impl Report {
    /// A life that ended in an assertion; the sentence of it was printed.
    pub(crate) fn of_panic(seed: u64) -> Report {
        let broken = Broken {
            rule: "an assertion holds",
            detail: "see the sentence above".to_owned(),
        };
        Report {
            seed,
            broken: Some(broken),
            at_ms: 0,
            steps: 0,
            records: 0,
            runs: 0,
            marks: Marks::default(),
            digest: String::new(),
        }
    }
}

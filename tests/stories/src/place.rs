//! A place is a door as a story meets it: bytes of a request in, bytes of an answer out, at a time that the story gives.

use arcoflow_core::door::config::Moment;
use arcoflow_core::door::sql::{Sql, StoreError};

/// A request, before a place makes it what its wire takes.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method, upper case.
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// The bearer token.
    pub token: String,
    /// The idempotency key.
    pub idempotency_key: Option<String>,
    /// The body; empty when there is none.
    pub body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Whether the door says that it gave this answer before.
    pub is_replayed: bool,
    /// The body.
    pub body: Vec<u8>,
}

/// A look at a store.
pub type Look<'a> = &'a mut dyn FnMut(&mut dyn Sql) -> Result<(), StoreError>;

/// A door that a story can be played against. Each failure is a sentence that ends the story.
pub trait Place {
    /// Answers a request at a moment.
    ///
    /// # Errors
    /// When nothing comes back.
    fn send(&mut self, moment: Moment, request: &Request) -> Result<Answer, String>;

    /// Looks at the deadlines at a moment.
    ///
    /// # Errors
    /// When the door cannot.
    fn expire(&mut self, moment: Moment) -> Result<(), String>;

    /// Ends the door and opens it again over what it wrote.
    ///
    /// # Errors
    /// When it does not open.
    fn restart(&mut self) -> Result<(), String>;

    /// Looks at what the door wrote.
    ///
    /// # Errors
    /// What the store says.
    fn look(&mut self, look: Look<'_>) -> Result<(), String>;

    /// An empty store, to build the ledger in again.
    ///
    /// # Errors
    /// When there is none.
    fn empty_store(&mut self) -> Result<Box<dyn Sql>, String>;
}

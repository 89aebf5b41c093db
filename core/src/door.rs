//! The door is the only writer of the ledger: it checks, appends, and answers, and it works while everything else is down.

pub mod sql;
pub mod schema;
pub mod http;
pub mod config;
pub mod credential;
pub mod token;
pub mod rate;
pub mod routes;
pub mod admit;
pub mod answer;
pub mod session;
pub mod index;
pub mod attempt;
pub mod accept;
pub mod deploy;
pub mod backfill;
pub mod append;
pub mod lease;
pub mod inputs;
pub mod callback;
pub mod expire;
pub mod log;
pub mod read;
pub mod verify;
pub mod compare;
pub mod openapi;

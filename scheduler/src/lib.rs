//! The native house of arcoflow: a local door, the scheduler and what speaks to them, in one process and over one interface.
#![warn(
    clippy::print_stderr,
    reason = "`host::message` does not end the process where standard error cannot be written"
)]

pub mod local;
pub mod host;
pub mod client;
pub mod decider;
pub mod worker;
pub mod cli;

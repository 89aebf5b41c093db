//! The native house of arcoflow: a local door, the scheduler and what speaks to them, in one process and over one interface.

pub mod client;
pub mod host;
pub mod worker;

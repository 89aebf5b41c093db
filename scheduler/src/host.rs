//! A host owns its clock, its entropy, its store and its sockets, each in one small file, and decides nothing.

pub mod clock;
pub mod entropy;
pub mod crash;
pub(crate) mod message;
pub mod lock;
pub mod store;
pub mod door;
pub mod http;

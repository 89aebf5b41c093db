//! A life of the real core over the real ledger SQL, in a world where everything breaks, follows from its settings alone.

mod dice;
pub mod settings;
mod faults;
mod post;
mod store;
#[cfg(not(target_arch = "wasm32"))]
pub mod sqlite;
mod pipeline;
mod graph;
mod door;
mod shelf;
mod scheduler;
mod worker;
mod client;
mod judge;
mod model;
mod mirror;
mod replay;
mod life;
pub mod marks;
pub mod report;
pub mod shrink;

pub use judge::Broken;
pub use life::Life;
pub use store::NewDatabase;

//! The process worker runs real programs under a real door and scheduler, and what stands in the ledger is what the programs did.

mod house;
mod document;
mod endings;
mod lives;
mod logs;
mod outputs;
mod sensors;
mod stops;

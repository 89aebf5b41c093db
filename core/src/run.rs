//! One run's life: what the records say of it, and what has to happen next.

pub mod state;
pub mod fold;
pub mod retry;
pub mod world;
pub mod ear;
pub mod decide;
pub mod owed;
pub mod explain;

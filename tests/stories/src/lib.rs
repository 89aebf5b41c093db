//! A story is played by one interpreter; who answers it is only seen as a door.

pub mod story;
pub mod player;
pub mod place;
pub mod door;
#[cfg(not(target_arch = "wasm32"))]
pub mod sqlite;
#[cfg(not(target_arch = "wasm32"))]
pub mod library;

//! Core says what things are called and what happens next; it cannot reach the world.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
// What a derive writes names the core the same way here and in what uses it.
extern crate self as arcoflow_core;

pub mod identity;
pub mod wire;
pub mod plan;
pub mod automation;
pub mod run;
pub mod door;
pub mod answer;

//! Every shape that leaves the process is declared once, here.

pub mod finding;
pub mod pointer;
pub mod literal;
pub mod trigger;
pub mod manifest;

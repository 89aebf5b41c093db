//! The `arcoflow` binary is its command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    arcoflow::cli::main()
}

//! The `arcoflow` binary.

mod cli;

use clap::Parser;

#[derive(Parser)]
#[command(version, about = "arcoflow orchestrates data assets")]
struct Arguments {
    #[command(subcommand)]
    verb: cli::identity::Verb,
}

fn main() -> std::process::ExitCode {
    cli::identity::run(&Arguments::parse().verb)
}

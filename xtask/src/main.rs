//! The few commands that CI and people share.

mod fixtures;
mod npm;
mod process;
mod python;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["fixtures", targets @ ..] => fixtures::run_all(targets),
        ["npm"] => npm::pack().map(|path| println!("{}", path.display())),
        ["python"] => python::wheel().map(|path| println!("{}", path.display())),
        _ => Err("usage: cargo xtask fixtures [TARGET…] | npm | python".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

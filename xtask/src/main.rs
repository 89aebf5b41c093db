//! The few commands that CI and people share.

mod command;
mod test;
mod docs;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask COMMAND

  test            installs what it needs and passes every test
  docs            writes the documents that follow from the code
  docs --check    fails when one of them is out of date
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["test", rest @ ..] => test::run(rest),
        ["docs", rest @ ..] => docs::run(rest),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("error: {sentence}");
            ExitCode::FAILURE
        }
    }
}

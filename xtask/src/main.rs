//! The few commands that CI and people share.

mod process;
mod test;
mod docs;
mod doors;
mod drill;
mod edge;
mod contract;
mod bench_core;
mod bench_host;
mod bench_identity;
mod evidence;
mod examples;
mod fixtures;
mod stories;
mod simulate;
mod fuzz;
mod install;
mod nightly;
mod schemathesis;
mod mutants;
mod npm;
mod page;
mod python;
mod samples;
mod tool;
mod wasm;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask COMMAND

  test                 installs what it needs and passes every test
  fixtures [TARGET…]   asks every target every fixture: native, node, chromium, vite, workerd, python
  wasm                 runs the tests that only mean something inside WebAssembly
  stories [TARGET…]    plays every story on every target: native, wasm, http, workerd
  simulate [S] [H]     lives through S seeds of H hours (200, 24) in which everything breaks; `--from SEED` begins elsewhere,
                       `--fresh` where nobody was, `--shrink SEED H` makes a broken life smaller, `--regressions` lives those of before,
                       `--wasm` compares lives inside WebAssembly with native ones, `--report FILE` writes the facts
  mutants [WORD…]      plants bugs in a copy of the core, one at a time; each has to be caught by a seed, within 200 or `--seeds N`;
                       `--shrink` makes each broken life smaller
  bench core           measures plans, folds and partitions of any size, and judges each figure
  bench host [WHAT…]   measures the door and the scheduler beside the machine's own sync rate
  bench restate        runs the same work on Restate, in turn, and prints the ratios
  bench edge           measures the edge on workerd beside the least that a durable write takes, and the native door
  bench identity       measures identity on every target beside the peers of each
  fuzz [TARGET] [S]    fuzzes what reads bytes from outside, each target for S seconds (60)
  drill NAME           breaks a working process on purpose, and judges what is left; `drill all` does everything in a row
    kill [N]             kills it N times (200), at each commit point in turn and at random moments
    durable              watches the system calls: no acknowledgement leaves before a sync
    edge                 takes the scheduler away from the edge, and kills its workerd
    backfill             walks ten years of days of four assets, with a pause and a kill, and counts what came of it
    disk                 fills the disk, down to the reserve and to the last byte, and frees it again
    sync                 lets the sync of the disk fail
    clock                moves the machine's clock by an hour, forward and back
    pause                stops workers for longer than they may be silent, and wakes them up again
    cut                  cuts the connection between a scheduler and its door in every way that networks know
    sweep                takes rows out of the indexes, and waits for them to come back
  soak [MINUTES]       keeps a process under load (30), and looks for memory and descriptors that only rise
  schemathesis [--short] [DOOR…]
                       asks the doors (native, workerd) everything that the OpenAPI document allows, and what it does not
  nightly              fresh seeds, planted bugs, fuzzing, schemathesis, drills and a soak, in a row
  evidence make [--short]   bundles the raw files of what ran; the short form runs a quick form of what is missing
  evidence publish [BUNDLE] writes what the repository keeps of a bundle, and every figure that a document quotes
  docs [--check]       writes the documents that follow from the code, or fails when one is out of date
  contract             asks the native door and the one on workerd the same, and compares the bytes
  edge build           builds what Cloudflare takes, and says what it weighs
  edge check           the same, asks wrangler whether it would deploy it, and holds it against its size budget
  page                 opens the page that verifies a ledger, over one of the edge, whole and touched; `--screenshot FILE`
  npm                  packs the npm package
  python               builds the Python wheel
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["test"] => test::run_all(),
        ["fixtures", targets @ ..] => fixtures::run_all(targets),
        ["stories", targets @ ..] => stories::run_all(targets),
        ["mutants", words @ ..] => mutants::hunt(words),
        ["simulate", "--wasm"] => simulate::inside_wasm(),
        ["simulate", arguments @ ..] => simulate::simulate(arguments),
        ["drill", words @ ..] => drill::drill(words),
        ["soak"] => drill::soak("30"),
        ["soak", minutes] => drill::soak(minutes),
        ["schemathesis", "--short", doors @ ..] => {
            schemathesis::run_all(schemathesis::Depth::Short, doors)
        }
        ["schemathesis", doors @ ..] => schemathesis::run_all(schemathesis::Depth::Usual, doors),
        ["nightly"] => nightly::run_all(),
        ["evidence", "make"] => evidence::make(false),
        ["evidence", "make", "--short"] => evidence::make(true),
        ["evidence", "publish"] => evidence::publish(None),
        ["evidence", "publish", bundle] => evidence::publish(Some(bundle)),
        ["docs"] => docs::write(),
        ["docs", "--check"] => docs::check(),
        ["contract"] => contract::run_all(),
        ["edge", "build"] => edge::build().map(|path| println!("{}", path.display())),
        ["edge", "check"] => edge::check(),
        ["bench", "core"] => bench_core::run_all(),
        ["bench", "host", measures @ ..] => bench_host::run_all(measures),
        ["bench", "restate"] => bench_host::beside_restate(),
        ["bench", "edge"] => edge::bench(),
        ["bench", "identity"] => bench_identity::run_all(),
        ["wasm"] => wasm::run_tests(),
        ["fuzz", arguments @ ..] => fuzz::fuzz(arguments),
        ["page", arguments @ ..] => page::check(arguments),
        ["npm"] => npm::pack().map(|path| println!("{}", path.display())),
        ["python"] => python::wheel().map(|path| println!("{}", path.display())),
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
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

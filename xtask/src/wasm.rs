//! Some tests only mean something inside WebAssembly, so that is where they run.

use crate::process::{cargo, run};
use crate::tool::Tool;

/// The version is that of `wasm-bindgen` in the workspace.
const RUNNER: Tool = Tool {
    program: "wasm-bindgen-test-runner",
    package: "wasm-bindgen-cli",
    version: "0.2.130",
    arguments: &["--no-default-features", "--bin", "wasm-bindgen-test-runner"],
};

/// Runs the tests of the npm package's module in Node.
pub(crate) fn run_tests() -> Result<(), String> {
    let runner = RUNNER.path()?;
    run(
        cargo()
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner)
            .args(["test", "--locked", "--profile", "checked"])
            .args(["--package", "arcoflow-npm"])
            .args(["--target", "wasm32-unknown-unknown", "--test", "inside"]),
        "see the failures above",
    )
}

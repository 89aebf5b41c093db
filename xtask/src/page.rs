//! The page that verifies a ledger is opened in a browser, over what the edge wrote and over what somebody touched.

use std::process::Command;

use crate::process::{root, run};
use crate::{edge, npm};

/// Builds the edge and the package, and opens the page.
pub(crate) fn check(arguments: &[&str]) -> Result<(), String> {
    edge::build()?;
    npm::pack()?;
    run(
        Command::new("node")
            .current_dir(root())
            .arg("bindings/npm/verify/check.mjs")
            .args(arguments),
        "install Debian's `chromium`; the lines above name what the page gets wrong",
    )
}

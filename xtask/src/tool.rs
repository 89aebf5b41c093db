//! A tool of the Rust world is built once, at a version that is written down, and stays beside the target folder.

use std::path::PathBuf;

use crate::process::{cargo, run, target};

/// A program of a crate.
pub(crate) struct Tool {
    /// The program.
    pub(crate) program: &'static str,
    /// The crate that has it.
    pub(crate) package: &'static str,
    /// The version.
    pub(crate) version: &'static str,
    /// Further arguments of `cargo install`.
    pub(crate) arguments: &'static [&'static str],
}

impl Tool {
    /// Where the program stands; the first call builds it.
    pub(crate) fn path(&self) -> Result<PathBuf, String> {
        let place = target().join("tools").join(self.version);
        let path = place.join("bin").join(self.program);
        if !path.exists() {
            println!("building {} {}", self.package, self.version);
            run(
                cargo()
                    .args(["install", "--quiet", self.package])
                    .args(["--version", self.version, "--root"])
                    .arg(&place)
                    .args(self.arguments),
                "cargo has to reach its registry once",
            )?;
        }
        Ok(path)
    }
}

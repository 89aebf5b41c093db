//! A command that fails says what was run and what to do about it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Where built things go.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Runs a command to its end, with its output on ours.
pub(crate) fn run(command: &mut Command, hint: &str) -> Result<(), String> {
    let program = command.get_program().to_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!(
            "`{}` ended with {status}; {hint}",
            program.display()
        )),
        Err(error) => Err(format!(
            "`{}` does not start: {error}; {hint}",
            program.display()
        )),
    }
}

/// Runs a command to its end, and returns what it printed.
pub(crate) fn read(command: &mut Command, hint: &str) -> Result<String, String> {
    let program = command.get_program().to_owned();
    match command.output() {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!(
                "`{}` ended with {}; {hint}\n{said}",
                program.display(),
                output.status
            ))
        }
        Err(error) => Err(format!(
            "`{}` does not start: {error}; {hint}",
            program.display()
        )),
    }
}

/// Cargo, as it was called.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Writes a file, and makes the folder that it stands in.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}

/// Puts the licence beside a package, which has to carry it: a packer takes files of its own directory only.
pub(crate) fn license(package: &Path) -> Result<(), String> {
    let copy = package.join("LICENSE");
    std::fs::copy(root().join("LICENSE"), &copy)
        .map(drop)
        .map_err(|error| format!("{}: {error}", copy.display()))
}

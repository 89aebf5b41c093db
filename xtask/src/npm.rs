//! The npm package is built from the core and packed; whoever tests it installs the packed file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use wasm_bindgen_cli_support::Bindgen;

use crate::process::{cargo, license, read, root, run, target};

/// Builds the package, and returns the packed file.
pub(crate) fn pack() -> Result<PathBuf, String> {
    let package = root().join("bindings/npm");
    build(&package)?;
    license(&package)?;
    let destination = target().join("npm");
    fs::create_dir_all(&destination)
        .map_err(|error| format!("{}: {error}", destination.display()))?;
    let packed = read(
        Command::new("npm")
            .args(["pack", "--silent", "--pack-destination"])
            .arg(&destination)
            .current_dir(&package),
        "install Node with npm",
    )?;
    let name = packed.lines().last().unwrap_or_default();
    Ok(destination.join(name))
}

fn build(package: &Path) -> Result<(), String> {
    let dist = package.join("dist");
    let core = module(package, "arcoflow-npm")?;
    let replay = module(package, "arcoflow-npm-replay")?;
    if dist.exists() {
        fs::remove_dir_all(&dist).map_err(|error| format!("{}: {error}", dist.display()))?;
    }
    fs::create_dir_all(&dist).map_err(|error| format!("{}: {error}", dist.display()))?;
    let write = |name: &str, bytes: &[u8]| {
        fs::write(dist.join(name), bytes)
            .map_err(|error| format!("{}: {error}", dist.join(name).display()))
    };
    for entry in fs::read_dir(package.join("src")).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.ends_with(".js") || name.ends_with(".d.ts") {
            write(
                &name,
                &fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?,
            )?;
        }
    }
    write("replay.wasm", &replay)?;
    write("core.wasm", &core)?;
    write(
        "core.wasm.js",
        format!(
            "export default \"{}\";\n",
            data_encoding::BASE64.encode(&core)
        )
        .as_bytes(),
    )
}

/// The optimized module of a crate.
fn module(package: &Path, name: &str) -> Result<Vec<u8>, String> {
    run(
        cargo()
            .args([
                "build",
                "--quiet",
                "--profile",
                "npm",
                "--package",
                name,
                "--lib",
                "--features",
                "module",
            ])
            .args(["--target", "wasm32-unknown-unknown"]),
        "install the target with `rustup target add wasm32-unknown-unknown`",
    )?;
    let file = name.replace('-', "_");
    let built = target()
        .join("wasm32-unknown-unknown/npm")
        .join(&file)
        .with_extension("wasm");
    let bound = target().join("npm/bound").join(name);
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(built)
        .web(true)
        .map_err(|error| error.to_string())?;
    bindgen
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true);
    bindgen
        .generate(&bound)
        .map_err(|error| format!("wasm-bindgen: {error:#}"))?;
    let optimizer = package.join("node_modules/.bin/wasm-opt");
    if !optimizer.exists() {
        run(
            Command::new("npm")
                .args(["ci", "--silent"])
                .current_dir(package),
            "install Node with npm",
        )?;
    }
    let optimized = bound.join("optimized.wasm");
    run(
        Command::new(optimizer)
            .args(["-O3", "--converge"])
            .args(FEATURES)
            .arg(bound.join(format!("{file}_bg.wasm")))
            .arg("-o")
            .arg(&optimized),
        "run `npm ci` in bindings/npm",
    )?;
    fs::read(&optimized).map_err(|error| format!("{}: {error}", optimized.display()))
}

/// What the compiler's default target uses; `--all-features` would let through what engines do not run.
const FEATURES: [&str; 6] = [
    "--enable-mutable-globals",
    "--enable-sign-ext",
    "--enable-nontrapping-float-to-int",
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-reference-types",
];

//! The edge is built from the core and a shim of plain modules; what is built is what workerd and wrangler take, as it is.

mod order;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use wasm_bindgen_cli_support::Bindgen;

use crate::process::{cargo, read, root, run, target};
use crate::samples;

/// The most bytes of everything that is uploaded, compressed as the platform counts it.
///
/// The core has outgrown it: `edge check` says so and fails, a build goes on.
const BUDGET_BYTES: usize = 300 * 1_000;
/// A little more than there is, so that a leap stops the build.
const CEILING_BYTES: usize = 400_000;

/// Builds the edge, and returns the directory that holds it.
pub(crate) fn build() -> Result<PathBuf, String> {
    install()?;
    let built = package().join("built");
    let bound = bind()?;
    let made_of = made_of(&bound)?;
    if is_current(&made_of, &built) {
        weigh(&built, CEILING_BYTES)?;
        return Ok(built);
    }
    let small = optimize(&bound)?;
    for directory in [&built, &used()] {
        if directory.exists() {
            fs::remove_dir_all(directory)
                .map_err(|error| format!("{}: {error}", directory.display()))?;
        }
        fs::create_dir_all(directory)
            .map_err(|error| format!("{}: {error}", directory.display()))?;
    }
    for file in &made_of {
        if file.extension().is_some_and(|ending| ending == "js") {
            shrink(file, &built)?;
        }
    }
    copy(&small, &built)?;
    weigh(&built, CEILING_BYTES)?;
    for file in &made_of {
        copy(file, &used())?;
    }
    Ok(built)
}

/// What the edge is made of: the module, its glue and the shim.
fn made_of(bound: &Path) -> Result<Vec<PathBuf>, String> {
    let shim = package().join("shim");
    let entries = fs::read_dir(&shim).map_err(|error| format!("{}: {error}", shim.display()))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.extend([bound.join(MODULE), bound.join(GLUE)]);
    Ok(files)
}

/// Where the files lie that the last whole build was made of.
fn used() -> PathBuf {
    target().join("edge/used")
}

/// A script without its comments and its white space. Its names stay: a stack in a log has to tell a person something.
fn shrink(script: &Path, built: &Path) -> Result<(), String> {
    run(
        Command::new(package().join("node_modules/.bin/esbuild"))
            .args(["--minify-whitespace", "--minify-syntax", "--format=esm"])
            .args(["--charset=utf8", "--log-level=warning"])
            .arg(script)
            .arg(format!("--outdir={}", built.display())),
        "run `npm ci` in edge",
    )
}

/// The module as small as it gets, and its functions in the order that compresses best.
fn optimize(bound: &Path) -> Result<PathBuf, String> {
    let small = target().join("edge").join(MODULE);
    let wasm_opt = |arguments: &[&str], from: &Path| {
        run(
            Command::new(package().join("node_modules/.bin/wasm-opt"))
                .args(arguments)
                .args(FEATURES)
                .arg(from)
                .arg("-o")
                .arg(&small),
            "run `npm ci` in edge",
        )
    };
    // A copy of a generic function that was put into its only caller is no copy any more, and compresses badly; and what `-Oz` does
    // beyond this makes a module smaller that is larger when it is compressed.
    let shrink = [
        "-O2",
        "--one-caller-inline-max-function-size=0",
        "--always-inline-max-function-size=0",
        // The stack is below the data and grows down, so that the lowest addresses are never used; and a memory begins with zeros.
        "--low-memory-unused",
        "--zero-filled-memory",
        "--strip-debug",
        "--strip-producers",
    ];
    wasm_opt(&shrink, &bound.join(MODULE))?;
    let module = fs::read(&small).map_err(|error| format!("{}: {error}", small.display()))?;
    let ordered = target().join("edge/ordered.wasm");
    fs::write(&ordered, order::name_by_likeness(&module)?)
        .map_err(|error| format!("{}: {error}", ordered.display()))?;
    wasm_opt(&["--reorder-functions-by-name", "--strip-debug"], &ordered)?;
    Ok(small)
}

const MODULE: &str = "arcoflow_edge_bg.wasm";
const GLUE: &str = "arcoflow_edge.js";

/// Whether what is built was made of just these files: to optimize takes longer than everything else.
fn is_current(made_of: &[PathBuf], built: &Path) -> bool {
    let is_used = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default();
        let same = matches!((fs::read(file), fs::read(used().join(name))), (Ok(one), Ok(other)) if one == other);
        same && built.join(name).exists()
    };
    made_of.iter().all(is_used)
}

/// Builds the edge, and lets wrangler say whether it would take it.
pub(crate) fn check() -> Result<(), String> {
    let built = build()?;
    let out = target().join("edge/upload");
    for environment in ["", "production"] {
        let said = read(
            Command::new("npm")
                .args(["exec", "--prefix"])
                .arg(package())
                .args([
                    "--",
                    "wrangler",
                    "deploy",
                    "--dry-run",
                    "--env",
                    environment,
                ])
                .arg("--outdir")
                .arg(&out)
                .env("WRANGLER_SEND_METRICS", "false")
                .env("CLOUDFLARE_CF_FETCH_ENABLED", "false")
                .env("CI", "1")
                .current_dir(root()),
            "see wrangler.toml",
        )?;
        let upload = said.lines().find(|line| line.contains("Total Upload"));
        println!(
            "wrangler, environment `{environment}`: {}",
            upload.unwrap_or("no upload").trim()
        );
    }
    weigh(&built, BUDGET_BYTES)
}

/// Measures the edge beside its peers, in turn.
pub(crate) fn bench() -> Result<(), String> {
    build()?;
    run(
        cargo().args(["build", "--release", "--locked", "--package", "arcoflow"]),
        "the binary has to build",
    )?;
    let hint = "the benchmark runs on Linux, with Node 20 or later";
    let binary = target().join("release/arcoflow");
    let bench = package().join("bench");
    let file = samples::begin("edge")?;
    let mut doors = Command::new("node");
    doors
        .arg(bench.join("bench.mjs"))
        .arg("--native")
        .arg(&binary);
    let mut levels = Command::new("node");
    levels.arg(bench.join("levels.mjs")).arg(&binary);
    run(samples::kept_by(&mut doors, &file), hint)?;
    run(samples::kept_by(&mut levels, &file), hint)
}

/// What a checkout with Rust and Node still lacks.
fn install() -> Result<(), String> {
    if package().join("node_modules/.bin/wasm-opt").exists() {
        return Ok(());
    }
    run(
        Command::new("npm")
            .args(["ci", "--silent", "--no-audit", "--no-fund"])
            .current_dir(package()),
        "install Node with npm",
    )
}

fn package() -> PathBuf {
    root().join("edge")
}

/// The module and its glue, not yet optimized.
fn bind() -> Result<PathBuf, String> {
    run(
        cargo()
            .args([
                "build",
                "--quiet",
                "--locked",
                "--profile",
                "wasm",
                "--package",
                "arcoflow-edge",
                "--lib",
            ])
            .args(["--target", "wasm32-unknown-unknown"]),
        "install the target with `rustup target add wasm32-unknown-unknown`",
    )?;
    let bound = target().join("edge/bound");
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(target().join("wasm32-unknown-unknown/wasm/arcoflow_edge.wasm"))
        .web(true)
        .map_err(|error| error.to_string())?;
    bindgen
        .typescript(false)
        .omit_default_module_path(true)
        .reset_state_function(true)
        .remove_name_section(false)
        .remove_producers_section(true);
    bindgen
        .generate(&bound)
        .map_err(|error| format!("wasm-bindgen: {error:#}"))?;
    Ok(bound)
}

fn copy(file: &Path, directory: &Path) -> Result<(), String> {
    let place = directory.join(file.file_name().unwrap_or_default());
    fs::copy(file, &place)
        .map(|_| ())
        .map_err(|error| format!("{}: {error}", file.display()))
}

/// Says what is uploaded, and refuses what is too large.
fn weigh(built: &Path, most_bytes: usize) -> Result<(), String> {
    let mut total = (0, 0);
    let mut files: Vec<PathBuf> = fs::read_dir(built)
        .map_err(|error| error.to_string())?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    for file in files {
        let bytes = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let compressed = gzip(&bytes)?;
        println!(
            "{:>9} bytes, {:>7} compressed  {}",
            bytes.len(),
            compressed,
            file.file_name().unwrap_or_default().display()
        );
        total = (total.0 + bytes.len(), total.1 + compressed);
    }
    println!("{:>9} bytes, {:>7} compressed  in all", total.0, total.1);
    if total.1 > most_bytes {
        return Err(format!(
            "the edge is {} bytes compressed, and may have {most_bytes}",
            total.1
        ));
    }
    Ok(())
}

fn gzip(bytes: &[u8]) -> Result<usize, String> {
    let mut child = Command::new("gzip")
        .args(["-9", "-c", "-n"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("gzip: {error}"))?;
    let mut input = child.stdin.take().ok_or("gzip takes no input")?;
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = child
        .wait_with_output()
        .map_err(|error| format!("gzip: {error}"))?;
    writer
        .join()
        .map_err(|_| "gzip: its input broke".to_owned())?
        .map_err(|error| format!("gzip: {error}"))?;
    Ok(output.stdout.len())
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

//! A verb finds its door by argument, by environment, or by the directory that it is called in.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::pipeline::FILE_NAMES;
use crate::cli::screen::Screen;
use crate::client::Client;

/// The directory beside a pipeline file that holds everything local.
pub(crate) const DATA_DIR: &str = ".arcoflow";
/// The file in it that says where its door is.
const CLIENT_FILE: &str = "client.json";
/// The example that the demo runs.
const EXAMPLE: &str = "examples/weather";

/// What a verb works with.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// Where output goes.
    pub(crate) screen: Screen,
    url: Option<String>,
    token: Option<String>,
}

/// Where a local door is, and the key to it.
#[derive(Clone, Debug, Deserialize)]
struct Address {
    url: String,
    #[serde(alias = "apiKey", alias = "api_key")]
    key: String,
}

impl Context {
    /// What a verb works with.
    pub(crate) fn new(json: bool, url: Option<String>, token: Option<String>) -> Context {
        Context {
            screen: Screen::new(json),
            url,
            token,
        }
    }

    /// A client of the door that the verb is about.
    pub(crate) fn client(&self) -> Outcome<Client> {
        let (url, key) = self.address()?;
        Ok(Client::remote(&url, &key)?)
    }

    fn address(&self) -> Outcome<(String, String)> {
        let local = find_address()?;
        match (&self.url, local) {
            (Some(url), local) => {
                let same = local.filter(|local| local.url.trim_end_matches('/') == url.trim_end_matches('/'));
                let key = self.token.clone().or(same.map(|local| local.key));
                let key = key.ok_or_else(|| {
                    Failure::usage(format!("there is no API key for `{url}`"))
                        .hint("set `ARCOFLOW_TOKEN` or `--token`")
                })?;
                Ok((url.clone(), key))
            }
            (None, Some(local)) => Ok((local.url, self.token.clone().unwrap_or(local.key))),
            (None, None) => Err(Failure::new(Exit::Unreachable, "no door was ever started here")
                .at("no `.arcoflow/client.json` in this directory or above")
                .hint("start one with `arcoflow dev PIPELINE_DIR`, or name one with `--url` and `--token`")),
        }
    }
}

/// The address of the door that was started in this directory, above it, or in the example.
fn find_address() -> Outcome<Option<Address>> {
    let Some(file) = candidates().into_iter().find(|file| file.is_file()) else {
        return Ok(None);
    };
    let text = std::fs::read(&file).map_err(|error| {
        Failure::usage(format!("the address of the door cannot be read: {error}"))
            .at(file.display())
    })?;
    serde_json::from_slice(&text).map(Some).map_err(|error| {
        Failure::usage(format!(
            "the address of the door cannot be understood: {error}"
        ))
        .at(file.display())
        .hint("remove the file and start the door again")
    })
}

fn candidates() -> Vec<PathBuf> {
    let here = std::env::current_dir().unwrap_or_default();
    let above = here.ancestors().map(|directory| directory.join(DATA_DIR));
    let mut files: Vec<PathBuf> = above.map(|data| data.join(CLIENT_FILE)).collect();
    if let Some(example) = here.ancestors().find_map(example_in) {
        files.push(example.join(DATA_DIR).join(CLIENT_FILE));
    }
    files
}

/// The directory of the example: in this directory, above it, or in the checkout that the program was built from.
pub(crate) fn example_dir() -> Option<PathBuf> {
    let here = std::env::current_dir().unwrap_or_default();
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    here.ancestors().chain(checkout).find_map(example_in)
}

fn example_in(directory: &Path) -> Option<PathBuf> {
    let example = directory.join(EXAMPLE);
    example.join(FILE_NAMES[0]).is_file().then_some(example)
}

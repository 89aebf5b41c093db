//! The example of the contract's page does what the page says.

use std::fs;
use std::path::Path;

use arcoflow_core::wire::event::{ErrorCategory, Figure};
use arcoflow_core::wire::view::RunState;
use serde_json::Value;

use crate::house::House;

/// The files of a page: each fenced block whose first line names a file.
fn files(page: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for block in page.split("\n```").skip(1).step_by(2) {
        let (head, text) = block.split_once('\n').unwrap();
        if let Some((_, name)) = head.split_once(' ') {
            files.push((name.to_owned(), format!("{text}\n")));
        }
    }
    files
}

async fn house(assets: Vec<Value>, files: &[(String, String)]) -> House {
    let house = House::new(assets, 2).await;
    for (name, text) in files {
        let path = house.pipeline().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_runs() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/process-worker.md");
    let files = files(&fs::read_to_string(path).unwrap());
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["arcoflow.toml", "tasks/letters.sh", "tasks/words.py"]
    );
    let manifest: Value = toml::from_str(&files[0].1).unwrap();
    let mut assets = manifest["assets"].as_array().unwrap().clone();

    let good = house(assets.clone(), &files).await;
    let (run, view) = good.run().await;
    assert_eq!(view.line.state, RunState::Succeeded);
    let words = fs::read_to_string(good.data().join("latest/mart/words/all/words.txt")).unwrap();
    assert_eq!(words, "xyzxyz\n");
    let output = good
        .report(run, "mart/words:materialize")
        .await
        .output
        .unwrap();
    assert_eq!(output.metrics["letters"], Figure::Integer(6));
    assert_eq!(output.metrics["mean"], Figure::Text("3.0".to_owned()));
    assert_eq!(
        good.log(run, "mart/words:materialize").await,
        "mart/words: 6 letters\n"
    );
    good.close().await;

    assets[1]["run"]["env"]["AT_LEAST"] = "7".into();
    let bad = house(assets, &files).await;
    let (run, view) = bad.run().await;
    assert_eq!(view.line.state, RunState::Failed);
    let error = bad
        .report(run, "mart/words:materialize")
        .await
        .error
        .unwrap();
    assert_eq!(error.category, ErrorCategory::DataQuality);
    assert_eq!(error.message, "only 6 letters");
    bad.close().await;
}

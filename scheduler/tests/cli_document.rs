//! The reference of the command line says what the program does.

#[test]
fn the_document_follows_from_the_declaration() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cli.md");
    let expected = arcoflow::cli::document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &expected).expect("the document can be written");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/cli.md is not what the arguments say; write it again: UPDATE_DOCS=1 cargo test -p arcoflow --test cli_document"
    );
}

//! The reference of the command line is written from its declaration, so that it says what the program does.

use clap::Command;

/// Columns of the help texts in the document.
const WIDTH: usize = 92;

/// `docs/cli.md`
pub(super) fn document(command: Command) -> String {
    let mut command = command
        .term_width(WIDTH)
        .max_term_width(WIDTH)
        .color(clap::ColorChoice::Never);
    command.build();
    let mut text = String::from(HEAD);
    push(&mut text, &mut command);
    for verb in command.get_subcommands_mut() {
        push(&mut text, verb);
        for part in verb.get_subcommands_mut() {
            push(&mut text, part);
        }
    }
    text
}

const HEAD: &str = "# Command line

Generated from the declaration of the arguments. After a change of it, `UPDATE_DOCS=1 cargo test -p arcoflow --test cli_document`
writes this page again; a test keeps both equal.

- Data go to standard output, messages to standard error. Colour and bars are for terminals; `NO_COLOR` turns colour off.
- `--json` prints the shapes of the interface: one object, or one line for each item of a list or a stream. A failure is then a
  problem (RFC 9457) on standard error, with `exitCode`, `hints`, and for files `file`, `line` and `column` of each finding.
- A verb talks to the door at `--url` (`ARCOFLOW_URL`) with the key `--token` (`ARCOFLOW_TOKEN`). Without them it takes
  `.arcoflow/client.json` from this directory, one above it, or the example's.
- A run is named by its id, by four or more characters of its beginning or end, or by `latest`. A task is named by its key, by the
  name that `status --tasks` shows, or by words that only its name holds. When several match, they are listed.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | the run failed, or what was checked does not hold |
| 2 | the command, or a file that it names, cannot be understood |
| 3 | the door does not answer, or cannot |
| 4 | it contradicts what the door knows |
| 5 | it took longer than `--timeout` |
| 130 | interrupted; a run that was watched goes on |
";

fn push(text: &mut String, command: &mut Command) {
    let name = command.get_bin_name().unwrap_or("arcoflow").to_string();
    let help = command.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    text.push_str(&format!(
        "\n## `{name}`\n\n```text\n{}\n```\n",
        lines.join("\n").trim_end()
    ));
}

//! Spellings are tried on a made-up environment; the whole on a process of its own in `tests/it`.

use clap::{Args, CommandFactory};

use super::*;

#[derive(Debug, Parser)]
struct Cli {
    /// A port.
    #[arg(long, env = "WORMHOLE_TEST_PORT", default_value_t = 8765)]
    port: u16,
    /// A key.
    #[arg(long, env = "WORMHOLE_TEST_KEY", hide_env_values = true)]
    key: Option<String>,
    #[command(subcommand)]
    command: Option<Sub>,
}

#[derive(Debug, clap::Subcommand)]
enum Sub {
    /// Another one.
    Other(Other),
}

#[derive(Debug, Args)]
struct Other {
    /// A name.
    #[arg(long, env = "WORMHOLE_TEST_NAME")]
    name: Option<String>,
}

/// The variables each argument reads when the environment holds these.
fn variables(environment: &[(&str, &str)]) -> Vec<String> {
    let env = |name: &str| {
        environment.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
    };
    let command = adopt_spellings(Cli::command(), &env);
    std::iter::once(&command)
        .chain(command.get_subcommands())
        .flat_map(Command::get_arguments)
        .map(|arg| arg.get_env().map_or("-".to_owned(), |name| name.to_string_lossy().into_owned()))
        .filter(|name| name != "-")
        .collect()
}

#[test]
fn the_lower_case_spelling_is_taken_where_the_upper_case_one_is_not_set() {
    assert_eq!(variables(&[]), ["WORMHOLE_TEST_PORT", "WORMHOLE_TEST_KEY", "WORMHOLE_TEST_NAME"]);
    assert_eq!(
        variables(&[("wormhole_test_port", "1"), ("wormhole_test_name", "x")]),
        ["wormhole_test_port", "WORMHOLE_TEST_KEY", "wormhole_test_name"]
    );
}

#[test]
fn upper_case_wins() {
    assert_eq!(
        variables(&[("wormhole_test_port", "1"), ("WORMHOLE_TEST_PORT", "2")])[0],
        "WORMHOLE_TEST_PORT"
    );
}

#[test]
fn an_empty_variable_counts_as_unset() {
    assert_eq!(
        variables(&[("WORMHOLE_TEST_PORT", ""), ("wormhole_test_port", "1")])[0],
        "wormhole_test_port"
    );
    assert_eq!(
        variables(&[("WORMHOLE_TEST_PORT", ""), ("wormhole_test_port", "")]),
        ["WORMHOLE_TEST_KEY", "WORMHOLE_TEST_NAME"]
    );
}

/// The variable that an error about these arguments names.
fn named(args: &[&str]) -> Option<String> {
    let mut command = Cli::command();
    let error = command.clone().try_get_matches_from(args).unwrap_err();
    variable_of(&error, &mut command)
}

#[test]
fn an_error_names_the_variable_of_its_argument() {
    assert_eq!(named(&["test", "--port", "many"]).as_deref(), Some("WORMHOLE_TEST_PORT"));
    assert_eq!(named(&["test", "--colour"]), None);
    assert_eq!(named(&["test", "--help"]), None);
}

#[test]
fn the_arguments_of_the_tests_are_sound() {
    Cli::command().debug_assert();
}

#[test]
fn a_block_is_read_from_variables_alone_with_other_defaults() {
    let name = |defaults| parse_env::<Other>(defaults).unwrap().name;
    assert_eq!(name(&[]), None);
    assert_eq!(
        name(&[("WORMHOLE_TEST_NAME", "given"), ("WORMHOLE_TEST_PORT", "1")]).as_deref(),
        Some("given")
    );
}

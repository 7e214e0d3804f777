use std::fmt::Write;

use super::*;

#[test]
fn pieces_count_like_the_whole() {
    let text = "Hello, Wörld 123!\n\n    fn main() {}  \u{4f60}\u{597d} \u{1f600}";
    let mut meter = Meter::default();
    for character in text.chars() {
        meter.push(&character.to_string());
    }
    assert_eq!(meter.tokens(), tokens(text));
    assert_eq!(tokens(""), 0);
    assert_eq!(tokens("a"), 1);
}

#[test]
fn room_is_where_the_next_character_is_too_much() {
    let text = "some words, and more of them: \u{4f60}\u{597d}";
    for most in 0..20 {
        let room = Meter::default().room(text, most);
        assert!(tokens(&text[..room]) <= most);
        if let Some(next) = text[room..].chars().next() {
            assert!(tokens(&text[..room + next.len_utf8()]) > most);
        }
    }
}

/// What docs/USAGE.md says. The files are small and mixed on purpose; the weights were fitted to these and to 160 files
/// of code and prose.
#[test]
fn the_errors_against_tiktoken() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/usage");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut table = String::from(
        "| text | bytes | tiktoken | estimate | error | bytes / 4 |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let (exact, estimate) = (crate::usage::exact::count(&text), tokens(&text));
        let percent = |count: u64| 100 * (count.cast_signed() - exact.cast_signed()) / exact.cast_signed();
        assert!(percent(estimate).abs() <= 10, "{}: {estimate} for {exact}", file.display());
        let name = file.file_name().unwrap().to_str().unwrap().replace(".txt", "");
        let (error, quarter) = (percent(estimate), percent(text.len().div_ceil(4) as u64));
        let bytes = text.len();
        writeln!(table, "| {name} | {bytes} | {exact} | {estimate} | {error:+} % | {quarter:+} % |").unwrap();
    }
    assert!(
        include_str!("../../../../../docs/USAGE.md").contains(&table),
        "docs/USAGE.md should say:\n{table}"
    );
}

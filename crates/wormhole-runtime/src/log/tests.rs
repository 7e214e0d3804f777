//! What passes the filter; and what a panic says, in a process of its own.

use std::io;
use std::sync::{Arc, Mutex};

use super::*;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is written while `speak` runs, with this filter.
fn written(directives: &str, speak: impl FnOnce()) -> String {
    let lines = Lines::default();
    let to = lines.clone();
    let layer = fmt::layer().with_ansi(false).with_writer(move || to.clone());
    let subscriber = tracing_subscriber::registry().with(layer.with_filter(filter(directives).unwrap()));
    tracing::subscriber::with_default(subscriber, speak);
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn crates_that_dump_messages_are_silent_even_at_trace() {
    let text = written("trace,chromiumoxide::conn::raw_ws=trace", || {
        tracing::debug!(target: "chromiumoxide::conn", "cookie: sid=1");
        tracing::trace!(target: "tungstenite::protocol", "cookie: sid=2");
        tracing::warn!(target: "chromiumoxide::conn::raw_ws::parse_errors", "cookie: sid=3");
        tracing::debug!(target: "hyper::proto", "cookie: sid=4");
        tracing::warn!(target: "chromiumoxide::browser", "connection lost");
        tracing::error!(target: "chromiumoxide::handler", "cookie: none, but Chrome has ended as it was asked to");
        tracing::trace!(target: "wormhole_server", "a step");
        tracing::trace!(target: "hyperion", "a namesake");
    });
    assert!(!text.contains("cookie"), "{text}");
    for line in ["connection lost", "a step", "a namesake"] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}

#[test]
fn the_operators_filter_holds() {
    let text = written("info,wormhole_server=debug", || {
        tracing::debug!(target: "wormhole_server", "shown");
        tracing::debug!(target: "wormhole_bridge", "hidden");
    });
    assert!(text.contains("shown") && !text.contains("hidden"), "{text}");
}

#[test]
fn a_filter_that_cannot_be_read_names_its_variable() {
    let args = LogArgs { log_filter: "wormhole=louder".to_owned(), ..LogArgs::default() };
    assert_eq!(args.init().unwrap_err().variable(), "WORMHOLE_LOG");
}

#[test]
fn the_filter_says_how_much_it_lets_pass_at_most() {
    let hint = |directives| Filter::<Registry>::max_level_hint(&filter(directives).unwrap());
    assert_eq!(hint("info"), Some(LevelFilter::INFO));
    assert_eq!(hint("info,wormhole_server=debug"), Some(LevelFilter::DEBUG));
}

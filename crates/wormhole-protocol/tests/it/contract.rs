//! Each fixture decodes, and encodes to exactly what stands in the file.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wormhole_protocol::{DecodeError, FromHub, FromPeer, PageFrame, decode, encode};

fn fixtures(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn round_trip<T: DeserializeOwned + Serialize>(name: &str) {
    for shown in fixtures(name) {
        let frame: T =
            decode(shown.to_string().as_bytes()).unwrap_or_else(|error| panic!("{shown}: {error}"));
        let written: Value = serde_json::from_str(&encode(&frame)).unwrap();
        assert_eq!(written, shown);
    }
}

fn types_in(name: &str, tag: &str) -> BTreeSet<String> {
    fixtures(name).iter().map(|frame| frame[tag].as_str().unwrap().to_owned()).collect()
}

fn words(list: &str) -> BTreeSet<String> {
    list.split(' ').map(str::to_owned).collect()
}

#[test]
fn frames_from_peers_are_read_and_written_as_the_fixtures_show() {
    round_trip::<FromPeer>("from_peer.json");
}

#[test]
fn frames_from_the_hub_are_read_and_written_as_the_fixtures_show() {
    round_trip::<FromHub>("from_hub.json");
}

#[test]
fn frames_of_the_page_script_are_read_and_written_as_the_fixtures_show() {
    round_trip::<PageFrame>("page_frames.json");
}

/// A type nobody shows is a type nobody checks: these lists fail when a frame is added without a fixture.
#[test]
fn every_type_is_shown() {
    assert_eq!(
        types_in("from_peer.json", "type"),
        words("hello submit event cancel status forget forgotten forget_failed error")
    );
    assert_eq!(
        types_in("from_hub.json", "type"),
        words("welcome directory queued post event cancel forget forgotten forget_failed error")
    );
    assert_eq!(
        types_in("page_frames.json", "k"),
        words("hello head chunk end value error dialling no_socket")
    );
}

#[test]
fn unknown_fields_are_ignored_at_every_level() {
    for mut shown in fixtures("from_peer.json") {
        let plain: FromPeer = decode(shown.to_string().as_bytes()).unwrap();
        add_unknown_fields(&mut shown);
        let widened: FromPeer = decode(shown.to_string().as_bytes()).unwrap();
        assert_eq!(widened, plain);
    }
}

/// Adds a field to every object that is a struct; an externally tagged body has exactly one key and stays so.
fn add_unknown_fields(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(add_unknown_fields);
            if !["accepted", "text", "reasoning", "done", "failed"]
                .iter()
                .any(|tag| fields.len() == 1 && fields.contains_key(*tag))
            {
                fields.insert("from_the_future".to_owned(), Value::Bool(true));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(add_unknown_fields),
        _ => {}
    }
}

#[test]
fn unknown_types_are_refused_without_quoting_them() {
    for frame in
        [r#"{"type":"s3cret"}"#, r#"{"type":"event","turn":"t","attempt":1,"seq":0,"body":{"s3cret":{}}}"#]
    {
        let error = decode::<FromPeer>(frame.as_bytes()).unwrap_err();
        assert_eq!(error, DecodeError::Unknown { what: "unknown type" });
        assert!(!error.to_string().contains("s3cret"));
    }
}

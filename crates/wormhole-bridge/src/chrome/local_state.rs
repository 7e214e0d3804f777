//! The one thing that Chromium can be told neither by an argument nor by DevTools.
//!
//! A response with status 401 and `WWW-Authenticate` makes Chromium ask for a name and a password in a window of its
//! own. Without a window nobody sees it, and the page's request waits for ever; DevTools can answer only when every
//! request of the page is sent through it. The setting `auth.schemes` in the file `Local State` says which schemes
//! are known: with none, the page gets the 401 as it is.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Map, Value, json};

const FILE: &str = "Local State";

/// Writes the setting into a locked profile. A file that cannot be read is Chromium's own business.
pub(crate) fn never_ask_for_passwords(profile: &Path) -> io::Result<()> {
    let path = profile.join(FILE);
    let mut state = match fs::read(&path) {
        Ok(text) => match serde_json::from_slice::<Map<String, Value>>(&text) {
            Ok(state) => state,
            Err(_) => return Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Map::new(),
        Err(error) => return Err(error),
    };
    let auth = state.entry("auth").or_insert_with(|| json!({}));
    if auth["schemes"] == "" || !auth.is_object() {
        return Ok(());
    }
    auth["schemes"] = json!("");
    let beside = profile.join("Local State.wormhole");
    let written = fs::write(&beside, serde_json::to_vec(&state)?).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // Half a file only takes space that seems to be short.
        let _ = fs::remove_file(beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_is_added_and_everything_else_stays() {
        let profile = tempfile::tempdir().unwrap();
        let file = profile.path().join(FILE);
        let read = || serde_json::from_slice::<Value>(&fs::read(&file).unwrap()).unwrap();
        never_ask_for_passwords(profile.path()).unwrap();
        assert_eq!(read(), json!({ "auth": { "schemes": "" } }));
        fs::write(&file, r#"{"auth":{"other":1},"browser":{"a":[2]}}"#).unwrap();
        never_ask_for_passwords(profile.path()).unwrap();
        assert_eq!(read(), json!({ "auth": { "other": 1, "schemes": "" }, "browser": { "a": [2] } }));
        fs::write(&file, "half a fi").unwrap();
        never_ask_for_passwords(profile.path()).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "half a fi");
    }
}

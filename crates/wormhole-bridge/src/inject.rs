//! The page script: five files, one after the other, in one strict function.
//!
//! An operator may mount a file in place of ours, or a folder with the five. It runs in the same frame: `wormhole` holds the
//! origins it may work in, the name of the binding it speaks through, and the name of the entry it is spoken to through.

use std::{fs, io, path::Path};

use serde_json::json;
use url::Url;

/// The world our script lives in; the page sees neither it nor anything in it.
pub(crate) const WORLD: &str = "wormhole";
/// The function through which the script speaks, in our world alone.
pub(crate) const BINDING: &str = "__wormhole_emit";
/// The object through which the script is spoken to, in our world alone.
pub(crate) const ENTRY: &str = "__wormhole";
/// The version of the commands that the script must speak.
pub(crate) const VERSION: u32 = 1;

/// Our own script. The order matters: each file uses those before it.
pub(crate) const SCRIPT: &str = concat!(
    include_str!("../inject/protocol.js"),
    include_str!("../inject/transport.js"),
    include_str!("../inject/page.js"),
    include_str!("../inject/stream.js"),
    include_str!("../inject/main.js"),
);

/// Its files, in that order.
const PARTS: [&str; 5] = ["protocol.js", "transport.js", "page.js", "stream.js", "main.js"];

/// The operator's script: a file that holds all of it, or a folder that holds the files of ours.
///
/// # Errors
/// The file, or one of the folder's, cannot be read; the error says no more, the caller knows the path.
pub(crate) fn read(path: &Path) -> io::Result<String> {
    if path.is_dir() {
        PARTS.iter().map(|part| fs::read_to_string(path.join(part))).collect()
    } else {
        fs::read_to_string(path)
    }
}

/// The source to inject: `body` for these origins only.
pub(crate) fn assemble(body: &str, origins: &[String]) -> String {
    let config = json!({ "origins": origins, "binding": BINDING, "entry": ENTRY });
    format!("((wormhole) => {{\n\"use strict\";\n{body}\n}})({config});\n")
}

/// The origins of these addresses, as `location.origin` spells them.
pub(crate) fn origins(urls: &[Url]) -> Vec<String> {
    urls.iter().map(|url| url.origin().ascii_serialization()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_one_the_script_says() {
        assert!(SCRIPT.contains(&format!("const VERSION = {VERSION};")));
    }

    #[test]
    fn a_folder_with_our_files_is_our_script_and_a_file_is_all_of_one() {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("inject");
        assert_eq!(read(&shipped).unwrap(), SCRIPT);
        assert!(read(&shipped.join("main.js")).unwrap().len() < SCRIPT.len());
        assert!(read(&shipped.join("test")).is_err());
    }

    #[test]
    fn origins_are_spelt_as_the_browser_spells_them() {
        let urls =
            ["https://chat.example:443/login?x=1", "http://127.0.0.1:8080"].map(|url| url.parse().unwrap());
        assert_eq!(origins(&urls), ["https://chat.example", "http://127.0.0.1:8080"]);
    }
}

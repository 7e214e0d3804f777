//! The page script: its files, one after the other, in one strict function.
//!
//! An operator may mount a file in place of ours, or a folder with the same files. It runs in the same frame: `wormhole`
//! holds the origins it may work in, the name of the binding it speaks through, the name of the entry it is spoken to
//! through, and, where it is to come by the page port, the socket's address and the token of this browser. Only our own
//! world can read them.

use std::{fs, io, path::Path};

use secrecy::ExposeSecret as _;
use serde_json::json;
use url::Url;

use crate::page_port::Pass;

/// The world our script lives in; the page sees neither it nor anything in it.
pub(crate) const WORLD: &str = "wormhole";
/// The function through which the script speaks, in our world alone.
pub(crate) const BINDING: &str = "__wormhole_emit";
/// The object through which the script is spoken to, in our world alone.
pub(crate) const ENTRY: &str = "__wormhole";
/// The version of the commands that the script must speak.
pub(crate) const VERSION: u32 = 1;

macro_rules! parts {
    ($($name:literal)*) => {
        /// The files of our own script, in their order: each uses those before it.
        const PARTS: &[&str] = &[$($name),*];
        /// Our own script.
        pub(crate) const SCRIPT: &str = concat!($(include_str!(concat!("../inject/", $name))),*);
    };
}

parts! {
    "protocol.js" "transport.js" "socket.js" "page.js" "controls.js" "inline.js" "markdown.js" "stream.js" "watch.js"
    "main.js"
}

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

/// The source to inject: `body` for these origins only; with a pass it comes by the page port.
pub(crate) fn assemble(body: &str, origins: &[String], pass: Option<&Pass>) -> String {
    let socket = pass.map(|pass| json!({ "url": pass.url(), "token": pass.token().expose_secret() }));
    let config = json!({ "origins": origins, "binding": BINDING, "entry": ENTRY, "socket": socket });
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

//! Which Chromium to run.

use std::path::{Path, PathBuf};

use super::LaunchError;

/// The program itself before Debian's wrapper: the wrapper adds the flags of `/etc/chromium.d`.
const KNOWN: [&str; 2] = ["/usr/lib/chromium/chromium", "/opt/google/chrome/chrome"];

const NAMES: [&str; 5] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome-headless-shell"];

/// The program asked for, or the first that is found.
pub(crate) fn find(wanted: Option<&Path>) -> Result<PathBuf, LaunchError> {
    let on_path: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    let in_path = |name: &str| on_path.iter().map(|folder| folder.join(name)).find(|file| file.is_file());
    if let Some(wanted) = wanted {
        let bare_name = wanted.components().count() == 1 && !wanted.is_file();
        let found = if bare_name { wanted.to_str().and_then(in_path) } else { Some(wanted.to_owned()) };
        return found.ok_or(LaunchError::NoBinary);
    }
    let known = KNOWN.iter().map(PathBuf::from).find(|file| file.is_file());
    known.or_else(|| NAMES.iter().find_map(|name| in_path(name))).ok_or(LaunchError::NoBinary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_as_it_is_and_a_name_is_searched_for() {
        assert_eq!(find(Some(Path::new("/nowhere/chromium"))).unwrap(), Path::new("/nowhere/chromium"));
        assert!(find(Some(Path::new("sh"))).unwrap().ends_with("sh"));
        assert!(matches!(find(Some(Path::new("no-such-browser"))), Err(LaunchError::NoBinary)));
    }
}

//! Files that are begun anew when they are large, and removed when they are old.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::time::SystemTime;

use wormhole_runtime::ConfigError;

use super::TranscriptSettings;

/// Besides their age: no more than this many stay.
const MOST_FILES: usize = 16;

const EXTENSION: &str = "jsonl";

/// The folder with its newest file open.
#[derive(Debug)]
pub(super) struct Files {
    settings: TranscriptSettings,
    file: File,
    bytes: u64,
}

impl Files {
    /// Makes the folder and begins a file.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(super) fn open(settings: TranscriptSettings) -> Result<Self, ConfigError> {
        let begun = DirBuilder::new().recursive(true).mode(0o700).create(&settings.folder);
        let begun = begun.and_then(|()| begin(&settings));
        let file = begun.map_err(|error| {
            let message = format!("cannot write {}: {}", settings.folder.display(), error.kind());
            ConfigError::new("WORMHOLE_TRANSCRIPTS", message)
        })?;
        let files = Self { settings, file, bytes: 0 };
        // What cannot be removed now is tried again with the next file.
        let _ = files.remove_old();
        Ok(files)
    }

    /// Appends a line.
    pub(super) fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.bytes > 0 && self.bytes + line.len() as u64 > self.settings.file_bytes {
            self.file = begin(&self.settings)?;
            self.bytes = 0;
            self.remove_old()?;
        }
        self.bytes += line.len() as u64;
        self.file.write_all(line)
    }

    fn remove_old(&self) -> io::Result<()> {
        let mut files: Vec<PathBuf> = fs::read_dir(&self.settings.folder)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == EXTENSION))
            .collect();
        // Their names are times, so this is by age; the last is the open one.
        files.sort();
        files.pop();
        let too_many = files.len().saturating_sub(MOST_FILES - 1);
        for (index, path) in files.iter().enumerate() {
            let changed = fs::metadata(path)?.modified()?;
            let age = SystemTime::now().duration_since(changed).unwrap_or_default();
            if index < too_many || age > self.settings.age {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

/// A new file, for this user only.
fn begin(settings: &TranscriptSettings) -> io::Result<File> {
    // Sorts by time, also within a second.
    let name = format!("{}.{EXTENSION}", uuid::Uuid::now_v7().simple());
    let day = jiff::Timestamp::now().to_string().replace(':', "-");
    let day = day.split('.').next().unwrap_or_default();
    let path = settings.folder.join(format!("{day}-{name}"));
    OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::*;

    fn names(folder: &std::path::Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn files_are_private_and_rotate_by_size_and_age() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("transcripts");
        let settings = |age| TranscriptSettings {
            folder: folder.clone(),
            file_bytes: 10,
            age: Duration::from_secs(age),
        };
        let mut files = Files::open(settings(3600)).unwrap();
        for line in ["one\n", "two\n", "three is longer than a file\n", "four\n"] {
            files.write(line.as_bytes()).unwrap();
        }
        let all = names(&folder);
        let text = |name: &String| fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!(
            all.iter().map(text).collect::<Vec<_>>(),
            ["one\ntwo\n", "three is longer than a file\n", "four\n"]
        );
        for name in &all {
            let mode = folder.join(name).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(folder.join("other.txt"), "not ours").unwrap();
        for _ in 0..20 {
            files.write(b"0123456789").unwrap();
        }
        assert_eq!(names(&folder).len(), MOST_FILES + 1);
        drop(Files::open(settings(0)).unwrap());
        assert_eq!(names(&folder).len(), 2, "the new one and what is not ours");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let settings =
            TranscriptSettings { folder: file.path().join("x"), file_bytes: 1, age: Duration::ZERO };
        let error = Files::open(settings).unwrap_err().to_string();
        assert!(error.starts_with("WORMHOLE_TRANSCRIPTS: cannot write "), "{error}");
    }
}

//! The folder that reports are kept in: bounded, the oldest go first, for its owner's eyes alone.

use std::{
    io,
    path::{Path, PathBuf},
};

use tokio::{fs, io::AsyncWriteExt as _};

/// However small they are: a hundred events of two files each.
const MOST_FILES: usize = 200;

/// What we call our files; nothing else in the folder is touched.
const ENDINGS: [&str; 2] = ["txt", "jpg"];
/// One that is being written.
const UNFINISHED: &str = "new";

/// A bounded folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folder {
    path: PathBuf,
    most_bytes: u64,
}

/// A file of ours; their names sort by age.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kept {
    name: String,
    bytes: u64,
}

impl Folder {
    /// The folder at this path. It is made when something is written.
    pub(crate) fn new(path: impl Into<PathBuf>, most_bytes: u64) -> Self {
        Self { path: path.into(), most_bytes }
    }

    /// Writes a file, whole or not at all, and removes as many of the oldest as that takes. `name` begins with the time.
    ///
    /// # Errors
    /// The folder cannot be written to, or the file alone is over the limit.
    pub(crate) async fn save(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let length = bytes.len() as u64;
        if length > self.most_bytes {
            return Err(io::Error::other("the file alone is over the limit of the folder"));
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.path).await?;
        self.make_room(length).await?;
        write_whole(&self.path.join(name), bytes).await
    }

    async fn make_room(&self, length: u64) -> io::Result<()> {
        let mut kept = self.kept().await?;
        kept.sort_unstable();
        let mut bytes: u64 = kept.iter().map(|file| file.bytes).sum();
        let mut files = kept.len();
        for oldest in kept {
            if bytes + length <= self.most_bytes && files < MOST_FILES {
                break;
            }
            fs::remove_file(self.path.join(&oldest.name)).await?;
            bytes -= oldest.bytes;
            files -= 1;
        }
        Ok(())
    }

    /// Our files. What a crash left half written goes.
    async fn kept(&self) -> io::Result<Vec<Kept>> {
        let mut kept = Vec::new();
        let mut entries = fs::read_dir(&self.path).await?;
        while let Some(entry) = entries.next_entry().await? {
            let path = entry.path();
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            let Ok(name) = entry.file_name().into_string() else { continue };
            if ending == UNFINISHED {
                fs::remove_file(&path).await?;
            } else if ENDINGS.contains(&ending) {
                kept.push(Kept { name, bytes: entry.metadata().await?.len() });
            }
        }
        Ok(kept)
    }
}

async fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.to_owned();
    beside.as_mut_os_string().push(".");
    beside.as_mut_os_string().push(UNFINISHED);
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside).await?;
    file.write_all(bytes).await?;
    file.flush().await?;
    fs::rename(&beside, path).await
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn names(path: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    #[tokio::test]
    async fn the_oldest_of_too_many_files_go_and_others_stay() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("made/when/needed");
        let folder = Folder::new(&path, u64::MAX);
        folder.save("0000.txt", b"x").await.unwrap();
        std::fs::write(path.join("0000.md"), "an operator's note").unwrap();
        std::fs::write(path.join("0000.jpg.new"), "half").unwrap();
        for number in 1..=MOST_FILES {
            folder.save(&format!("{number:04}.txt"), b"x").await.unwrap();
        }
        let names = names(&path);
        assert_eq!(names.len(), MOST_FILES + 1, "and the note");
        assert_eq!((&*names[0], &*names[1]), ("0000.md", "0001.txt"));
        assert_eq!(names.last().unwrap(), "0200.txt");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&path.join("0200.txt"))), (0o700, 0o600));
    }

    #[tokio::test]
    async fn the_bytes_are_bounded() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::new(parent.path(), 100);
        for name in ["1.txt", "2.jpg", "3.txt"] {
            folder.save(name, &[0; 40]).await.unwrap();
        }
        assert_eq!(names(parent.path()), ["2.jpg", "3.txt"]);
        folder.save("4.jpg", &[0; 100]).await.unwrap();
        assert_eq!(names(parent.path()), ["4.jpg"]);
        folder.save("5.txt", &[0; 101]).await.unwrap_err();
        assert_eq!(names(parent.path()), ["4.jpg"], "nothing is given up for what cannot be kept");
    }
}

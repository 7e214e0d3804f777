//! A disk that is full, and a folder that cannot be written to.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use wormhole_bridge::browser::{Browser, BrowserConfig, LaunchError};

use crate::browser_site::Site;
use crate::browser_start::{SOON, config, get};

/// A small disk of its own; it is unmounted when it is dropped.
struct Disk(TempDir);

impl Disk {
    /// None where this process may not mount.
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size={size}");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder.path()).status();
        mounted.is_ok_and(|status| status.success()).then(|| Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        let status = Command::new("mount").args(["-o", &options]).arg(self.path()).status().unwrap();
        assert!(status.success());
    }

    /// Leaves no byte.
    fn fill(&self) -> PathBuf {
        let path = self.path().join("filler");
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&path).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        while file.write_all(&[0]).is_ok() {}
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Something may still be closing files in it; lazily is soon enough.
        Command::new("umount").arg("-l").arg(self.path()).status().ok();
    }
}

async fn starts(config: &BrowserConfig) {
    Browser::launch(config).await.expect("it starts").close().await;
}

/// Where nothing can be mounted, the system's own full device has to do: `/dev/full` takes no byte, and a profile
/// below a file is no folder.
async fn without_a_mount(site: &Site) {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(site, &folder);
    std::os::unix::fs::symlink("/dev/full", folder.path().join("wormhole.lock")).unwrap();
    let error = Browser::launch(&config).await.unwrap_err();
    assert!(matches!(&error, LaunchError::Profile { .. }), "{error:?}");
    fs::remove_file(folder.path().join("wormhole.lock")).unwrap();
    starts(&config).await;
    config.user_data_dir = folder.path().join("wormhole.lock").join("profile");
    assert!(matches!(Browser::launch(&config).await, Err(LaunchError::Profile { .. })));
}

#[tokio::test]
async fn browser_on_a_full_disk_says_so_and_starts_when_there_is_room_again() {
    let site = Site::open().await;
    let Some(disk) = Disk::mount("96m") else { return without_a_mount(&site).await };
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&site, &folder);
    config.user_data_dir = disk.path().join("chrome");
    let filler = disk.fill();
    match Browser::launch(&config).await {
        // Not even the folder can be made, or it can, and nothing more.
        Err(LaunchError::DiskFull { free_mib: 0, .. }) => {}
        Err(LaunchError::Profile { source, .. }) => {
            assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
        }
        other => panic!("{other:?}"),
    }
    fs::remove_file(&filler).unwrap();

    // It fills up while the browser runs: the session goes on, what was saved before is not lost, and nothing
    // half-written stays.
    let browser = Browser::launch(&config).await.unwrap();
    browser.tab().goto(&site.origin).await.unwrap();
    get(&browser.tab(), "/login").await.unwrap();
    assert_eq!(browser.save_cookies().await.unwrap(), 3);
    let saved = config.user_data_dir.join("wormhole-cookies.json");
    // Chromium makes room now and then, by tidying up.
    let full = async {
        loop {
            let before = fs::read(&saved).unwrap();
            disk.fill();
            if let Err(error) = browser.save_cookies().await {
                return (before, error);
            }
        }
    };
    let (before, error) = tokio::time::timeout(SOON, full).await.expect("the disk is full at last");
    assert!(error.to_string().contains("No space left on device"), "{error}");
    assert_eq!(fs::read(&saved).unwrap(), before);
    assert!(!saved.with_extension("new").exists());
    assert_eq!(get(&browser.tab(), "/echo").await.unwrap().status, 200);
    fs::remove_file(filler).unwrap();
    assert_eq!(browser.save_cookies().await.unwrap(), 3);
    browser.close().await;

    // A folder that cannot be written to, though there is room.
    disk.remount("ro");
    let error = Browser::launch(&config).await.unwrap_err();
    assert!(matches!(&error, LaunchError::Profile { .. }), "{error:?}");
    disk.remount("rw");
    starts(&config).await;
}

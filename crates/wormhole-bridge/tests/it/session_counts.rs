//! What a running bridge counts, as its admin port says.

use std::{net::SocketAddr, time::Duration};

use tokio::time::timeout;

use crate::{session_hub::SOON, session_stand::ask};

/// What one of the series says.
pub(crate) async fn counted(admin: SocketAddr, series: &str) -> u64 {
    let (_, metrics) = ask(admin, "/metrics").await;
    let line = metrics.lines().find_map(|line| line.strip_prefix(series));
    line.unwrap_or_else(|| panic!("no {series} in {metrics}")).trim().parse().unwrap()
}

/// Waits until it says at least so much: a counter that runs may pass any one number unseen.
pub(crate) async fn until_counted(admin: SocketAddr, series: &str, least: u64) {
    let reached = async {
        while counted(admin, series).await < least {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, reached).await.unwrap_or_else(|_| panic!("{series} does not come to {least}"));
}

//! The end of the site.

use std::time::Duration;
use std::time::Instant;

use wormhole_playground::Config;
use wormhole_playground::GATE;
use wormhole_playground::Site;
use wormhole_playground::SiteError;

use crate::site::client;
use crate::site::logged_in;

#[tokio::test]
async fn it_ends_within_a_second_also_with_streams_open() {
    let (mut site, browser) = logged_in().await;
    let mut open = browser.ask("x", GATE).await;
    let began = Instant::now();
    site.stop.cancel();
    site.tasks.join_next().await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(site.control.snapshot().in_flight, 0);
    while let Ok(Some(_)) = open.chunk().await {}
    assert!(client().build().unwrap().get(&site.origin).send().await.is_err());
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let (site, _browser) = logged_in().await;
    let taken = site.origin.strip_prefix("http://").unwrap();
    let refused = Site::bind(Config { http: taken.parse().unwrap(), ..Config::default() }).await;
    let Err(error @ SiteError::Bind { .. }) = refused else { panic!("bound twice") };
    assert_eq!(error.to_string(), format!("cannot listen on {taken}"));
}

use wormhole_runtime::Registry;

use super::*;
use crate::site::Profile;

fn recorder() -> (Diagnostics, Recorder, Readiness, Registry) {
    let registry = Registry::new();
    let metrics = Arc::new(Metrics::register(&registry).unwrap());
    let site = Profile::shipped("outlier").unwrap().unwrap();
    let readiness = Readiness::new();
    let session = Session::new(&site, "me", readiness.clone(), Arc::clone(&metrics));
    let (diagnostics, recorder) = Diagnostics::new(None, session, readiness.clone(), metrics);
    (diagnostics, recorder, readiness, registry)
}

#[test]
fn names_of_files_sort_by_time_and_are_plain() {
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
    let plain = name("nothing on https://a/b matches login.email", at);
    assert_eq!(plain, "2023-11-14T22-13-20.123Z-nothing-on-https-a-b-matches-login.email");
    assert_eq!(name("../../ü", at), "2023-11-14T22-13-20.123Z-");
    assert!(name(&"x/".repeat(500), at).len() < 128);
}

#[tokio::test]
async fn a_kind_is_news_once_in_ten_minutes_and_there_are_not_too_many() {
    let (_diagnostics, mut recorder, _, _) = recorder();
    let now = Instant::now();
    assert!(recorder.is_news("composer not found", now));
    assert!(!recorder.is_news("composer not found", now));
    assert!(recorder.is_news("send not found", now));
    let later = now + ONCE_IN;
    assert!(recorder.is_news("composer not found", later));
    let told = (0..1000).filter(|number| recorder.is_news(&format!("field {number}"), later)).count();
    assert_eq!(told, MOST_KINDS - 1);
}

#[tokio::test]
async fn a_broken_turn_unreadies_until_one_is_answered_or_time_has_passed() {
    let (diagnostics, mut recorder, readiness, registry) = recorder();
    recorder.forgive_after = Duration::from_secs(2);
    let mut conditions = readiness.subscribe();
    let stop = CancellationToken::new();
    let running = recorder.run(stop.clone());
    let test = async {
        let reason = |conditions: &wormhole_runtime::Conditions| conditions.get("site").cloned();
        diagnostics.note("login.email not found");
        diagnostics.turn_broke("site_changed: call turn: no text");
        let broken = Some(Err("site_changed: call turn: no text".to_owned()));
        let began = Instant::now();
        conditions.wait_for(|now| reason(now) == broken).await.unwrap();
        diagnostics.turn_answered();
        conditions.wait_for(|now| reason(now) == Some(Ok(()))).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(2), "it was the turn");
        diagnostics.turn_broke("call turn: no text");
        conditions.wait_for(|now| reason(now) == broken).await.unwrap();
        conditions.wait_for(|now| reason(now) == Some(Ok(()))).await.unwrap();
        stop.cancel();
    };
    tokio::join!(running, test);
    assert_eq!(counted(&registry), "3");
}

#[tokio::test]
async fn what_comes_too_fast_is_counted_and_holds_nobody_up() {
    let (diagnostics, recorder, _, registry) = recorder();
    for number in 0..100 {
        diagnostics.note(&format!("field {number}"));
    }
    assert_eq!(recorder.notes.len(), WAITING);
    assert_eq!(counted(&registry), "100");
}

fn counted(registry: &Registry) -> String {
    let families = registry.gather();
    let family = families.iter().find(|family| family.name() == "wormhole_bridge_site_changed_total");
    family.unwrap().get_metric()[0].get_counter().get_value().to_string()
}

//! Time is paused: a wait of seconds takes none.

use std::future::pending;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::*;

const GRACE: Duration = Duration::from_secs(10);

fn code(exit: ExitCode) -> bool {
    exit == ExitCode::SUCCESS
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_what_runs_and_exits_with_0() {
    let life = Lifecycle::new(GRACE);
    let (soft, began) = (life.soft(), Instant::now());
    life.spawn("owned", async move {
        soft.cancelled().await;
        tokio::time::sleep(Duration::from_secs(3)).await;
    });
    assert!(!life.is_draining());
    life.shutdown("test");
    assert!(life.is_draining());
    assert!(code(life.wait().await));
    assert_eq!(began.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn what_runs_longer_than_the_grace_is_told_to_end_now() {
    let life = Lifecycle::new(GRACE);
    let (hard, began) = (life.hard(), Instant::now());
    life.spawn_transient("turn", async move { hard.cancelled().await });
    life.shutdown("test");
    assert!(code(life.wait().await));
    assert_eq!(began.elapsed(), GRACE);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_does_not_end_at_all_is_left_behind_with_exit_code_1() {
    let life = Lifecycle::new(GRACE);
    let began = Instant::now();
    life.spawn_transient("stuck", pending());
    life.spawn_transient("stuck", pending());
    assert_eq!(life.running(), "stuck (2)");
    life.shutdown("test");
    assert!(!code(life.wait().await));
    assert_eq!(began.elapsed(), GRACE + HARD_WAIT);
}

#[tokio::test]
async fn an_owned_task_that_ends_early_takes_the_process_down() {
    let life = Lifecycle::new(GRACE);
    life.spawn("listener", async {});
    assert!(!code(life.wait().await));
}

#[tokio::test]
async fn an_owned_task_that_panics_takes_the_process_down() {
    let life = Lifecycle::new(GRACE);
    life.spawn("listener", async { panic!("of the test") });
    assert!(!code(life.wait().await));
    assert_eq!(life.panics().get(), 1);
}

#[tokio::test]
async fn a_transient_task_may_end_and_its_panic_ends_only_itself() {
    let life = Lifecycle::new(GRACE);
    let (gone, sees_it_gone) = oneshot::channel::<()>();
    life.spawn_transient("quick", async {});
    life.spawn_transient("broken", async move {
        let _held = gone;
        panic!("of the test");
    });
    // The panic drops what the task held.
    assert!(sees_it_gone.await.is_err());
    let (done, is_done) = oneshot::channel();
    life.spawn_transient("next", async move { done.send(()).unwrap() });
    is_done.await.unwrap();
    assert!(!life.is_draining());
    life.shutdown("test");
    assert!(code(life.wait().await));
    assert_eq!(life.panics().get(), 1);
}

#[tokio::test]
async fn an_aborted_task_is_not_waited_for() {
    let life = Lifecycle::new(GRACE);
    let handle = life.spawn_transient("aborted", pending());
    handle.abort();
    life.shutdown("test");
    assert!(code(life.wait().await));
    assert_eq!(life.running(), "");
}

#[tokio::test]
async fn a_failure_during_the_drain_still_counts() {
    let life = Lifecycle::new(GRACE);
    let (soft, this) = (life.soft(), life.clone());
    life.spawn("saver", async move {
        soft.cancelled().await;
        this.fail("cannot save");
    });
    life.shutdown("test");
    assert!(!code(life.wait().await));
}

#[tokio::test]
async fn the_admin_port_ends_after_everything_else() {
    let life = Lifecycle::new(GRACE);
    let (last, (tell, mut told)) = (life.last(), oneshot::channel());
    life.spawn_last("admin", async move {
        last.cancelled().await;
        let _ = tell.send(());
    });
    let (end, ended) = oneshot::channel::<()>();
    life.spawn_transient("turn", async move { drop(ended.await) });
    life.shutdown("test");
    let waiting = life.wait();
    tokio::pin!(waiting);
    assert!(futures_util::poll!(waiting.as_mut()).is_pending());
    assert!(told.try_recv().is_err(), "it ended while a turn ran");
    drop(end);
    assert!(code(waiting.await));
    told.try_recv().unwrap();
}

#[tokio::test]
async fn a_child_ends_alone() {
    let parent = Lifecycle::new(GRACE);
    let child = parent.child();
    let soft = child.soft();
    child.spawn("service", async move { soft.cancelled().await });
    child.shutdown("restart");
    assert!(code(child.wait().await));
    assert!(!parent.is_draining());
    parent.shutdown("test");
    assert!(code(parent.wait().await));
}

#[tokio::test]
async fn a_child_that_fails_takes_its_parent_along() {
    let parent = Lifecycle::new(GRACE);
    parent.child().spawn("service", async {});
    assert!(!code(parent.wait().await));
}

#[tokio::test(start_paused = true)]
async fn a_parent_drains_its_children_and_waits_for_them() {
    let parent = Lifecycle::new(GRACE);
    let child = parent.child();
    let (soft, last, began) = (child.soft(), child.last(), Instant::now());
    child.spawn("service", async move {
        soft.cancelled().await;
        tokio::time::sleep(Duration::from_secs(4)).await;
    });
    child.spawn_last("admin", async move { last.cancelled().await });
    parent.shutdown("test");
    assert!(code(parent.wait().await));
    assert_eq!(began.elapsed(), Duration::from_secs(4));
    assert!(child.is_draining());
}

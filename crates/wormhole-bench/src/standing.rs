//! What does not show in a single request: start, memory, and what idleness costs.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::args::Scale;
use crate::ask::{Dialect, History, PLAIN, STALL, TWENTY, ask};
use crate::clock::Clock;
use crate::connection::Connection;
use crate::load::{Pattern, drive};
use crate::process::Binaries;
use crate::stack::{Services, Stack};
use crate::stats::{Figures, count};

/// The services, as the tables call them.
pub(crate) const SERVICES: [&str; 2] = ["server", "oai"];

/// Pages that idle beside the clients.
pub(crate) const IDLE_PAGES: usize = 10;

/// What must settle after a change before memory or idleness is looked at.
const SETTLE: Duration = Duration::from_secs(1);

/// From exec to the first 200 of each service.
pub(crate) async fn starts(
    binaries: &Binaries,
    scale: &Scale,
    clock: Clock,
    figures: &mut Figures,
) -> Result<()> {
    for _ in 0..scale.starts {
        let services = Services::start(binaries, clock).await?;
        let (server, oai) = services.started_in;
        figures.add("start/server", server.as_secs_f64() * 1e3);
        figures.add("start/oai", oai.as_secs_f64() * 1e3);
        services.stop().await?;
    }
    for service in SERVICES {
        figures.add(format!("size/{service}"), binaries.megabytes(&format!("wormhole-{service}"))?);
    }
    Ok(())
}

/// Memory with many streams open, each with its first delta sent.
pub(crate) async fn open_streams(stack: &Stack, scale: &Scale, figures: &mut Figures) -> Result<()> {
    let ask = ask(Dialect::OpenAi, STALL, true, History::Short);
    let open = (0..scale.open_streams).map(|_| async {
        let mut connection = Connection::open(stack.services.api, stack.clock).await?;
        let answer = connection.until_first_delta(&ask).await?;
        anyhow::Ok((connection, answer))
    });
    let held = try_join_all(open).await?;
    tokio::time::sleep(SETTLE).await;
    let running: usize = stack.pages.iter().map(crate::page::FakePage::running).sum();
    ensure!(running == scale.open_streams, "{running} of {} streams are open", scale.open_streams);
    for (name, memory) in memories(stack)? {
        figures.add(format!("streams/{name} rss"), memory.rss);
        figures.add(format!("streams/{name} pss"), memory.pss);
    }
    drop(held);
    stack.check_at_rest().await
}

/// Memory before and after many requests and hang-ups.
pub(crate) async fn flatness(stack: &Stack, scale: &Scale, figures: &mut Figures) -> Result<Vec<String>> {
    let mut errors = use_for_a_while(stack, scale.flat_requests / 5, scale.flat_hang_ups / 5).await?;
    let before = memories(stack)?;
    errors.extend(use_for_a_while(stack, scale.flat_requests, scale.flat_hang_ups).await?);
    let after = memories(stack)?;
    for ((name, before), (_, after)) in before.into_iter().zip(after) {
        figures.add(format!("flat/{name} before"), before.rss);
        figures.add(format!("flat/{name} after"), after.rss);
        figures.add(format!("flat/{name}"), (after.rss / before.rss - 1.0) * 100.0);
    }
    Ok(errors)
}

/// CPU of both services while clients and pages are joined and nobody says anything.
pub(crate) async fn idleness(stack: &Stack, scale: &Scale, figures: &mut Figures) -> Result<()> {
    let open = |_| async {
        let mut connection = Connection::open(stack.services.api, stack.clock).await?;
        let (status, _) = connection.get("/api/version").await?;
        ensure!(status.is_success(), "/api/version answers {status}");
        anyhow::Ok(connection)
    };
    let clients: Vec<_> =
        stream::iter(0..scale.idle_clients).map(open).buffer_unordered(50).try_collect().await?;
    tokio::time::sleep(SETTLE).await;
    let (before, began) = (stack.services.cpu()?, stack.clock.now());
    tokio::time::sleep(Duration::from_secs(scale.idle_seconds)).await;
    let (after, wall) = (stack.services.cpu()?, stack.clock.now().saturating_sub(began));
    let share = |before: Duration, after: Duration| {
        after.saturating_sub(before).as_secs_f64() / wall.as_secs_f64() * 100.0
    };
    let (server, oai) = (share(before.0, after.0), share(before.1, after.1));
    figures.add("idle/server", server);
    figures.add("idle/oai", oai);
    figures.add("idle/both", server + oai);
    for (name, memory) in memories(stack)? {
        figures.add(format!("idle/{name} rss"), memory.rss);
    }
    drop(clients);
    Ok(())
}

async fn use_for_a_while(stack: &Stack, requests: usize, hang_ups: usize) -> Result<Vec<String>> {
    let mut errors = Vec::new();
    for (script, streamed) in [(PLAIN, false), (TWENTY, true)] {
        let ask = ask(Dialect::OpenAi, script, streamed, History::Short);
        let mut left = requests / 2;
        while left > 0 {
            // One drive is bounded in time: many requests are several drives.
            let part = left.min(10_000);
            let outcome = drive(stack.services.api, &ask, Pattern::Closed(10), part, stack.clock).await;
            errors.extend(outcome.error.map(|error| format!("flatness: {error}")));
            left -= part;
        }
    }
    hang_up(stack, hang_ups).await?;
    stack.check_at_rest().await?;
    tokio::time::sleep(SETTLE).await;
    Ok(errors)
}

async fn hang_up(stack: &Stack, times: usize) -> Result<()> {
    let ask = ask(Dialect::OpenAi, STALL, true, History::Short);
    let once = |_| async {
        let mut connection = Connection::open(stack.services.api, stack.clock).await?;
        connection.until_first_delta(&ask).await.map(drop)
    };
    let all = stream::iter(0..times).map(once).buffer_unordered(10).try_for_each(|()| async { Ok(()) });
    let limit = Duration::from_secs(30) + Duration::from_millis(20).mul_f64(count(times));
    tokio::time::timeout(limit, all).await.context("hanging up takes too long")?
}

fn memories(stack: &Stack) -> Result<[(&'static str, crate::procfs::Memory); 2]> {
    let [server, oai] = SERVICES;
    Ok([(server, stack.services.server.memory()?), (oai, stack.services.oai.memory()?)])
}

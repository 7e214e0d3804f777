//! `login --kube` and `status --kube`: the same from a laptop, with an installation in a cluster.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use url::Url;
use wormhole_cluster::Cluster;
use wormhole_cluster::forward::Forward;
use wormhole_cluster::pods::{self, PodView};

use crate::args::KubeArgs;
use crate::{ask, login, terminal};

/// The console's port in a bridge's pod, and the admin port of the hub's.
const CONSOLE: u16 = 8767;
const HUB_ADMIN: u16 = 9465;
/// How long a person may take, and how often the pod is looked at meanwhile.
const LOGIN_WITHIN: Duration = Duration::from_mins(15);
const GLANCE: Duration = Duration::from_secs(2);
/// How long the hub's metrics may take.
const METRICS: Duration = Duration::from_secs(10);

/// Leads a person to the console of an account's bridge, and waits until its session is there.
pub(crate) async fn login(args: &KubeArgs, account: &str) -> ExitCode {
    told(log_in(args, account).await, "login")
}

/// A table of pods and sessions, and the hub's queue.
pub(crate) async fn status(args: &KubeArgs) -> ExitCode {
    told(show(args).await, "status")
}

fn told(outcome: Result<()>, command: &str) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::line(format_args!("wormhole {command} --kube: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn log_in(args: &KubeArgs, account: &str) -> Result<()> {
    let cluster = Cluster::connect(args.namespace.clone()).await?;
    let pods = pods::list(&cluster).await?;
    let pod = choose(&pods, account)?.clone();
    if is_in(&pod) {
        terminal::line(format_args!("{} is logged in already.", pod.name));
        return Ok(());
    }
    let forward = Forward::bind(&cluster, &pod.name, CONSOLE).await?;
    let console: Url =
        format!("http://{}/", forward.addr()?).parse().context("an address is a URL's host")?;
    let stop = CancellationToken::new();
    let until = Instant::now() + LOGIN_WITHIN;
    terminal::line(format_args!("The console of {} is at {}", pod.name, terminal::strong(console.as_str())));
    terminal::line(
        "It asks for the console's token; the notes of the chart (`helm get notes`) say where that is.",
    );
    login::open(&console).await;
    tokio::select! {
        () = forward.run(stop.clone()) => bail!("the port-forward has ended"),
        waited = wait_for(&cluster, &pod.name, until) => waited?,
    }
    terminal::line("The session is ready.");
    Ok(())
}

/// The account's bridge; where none has that name but there is only one, that one.
fn choose<'a>(pods: &'a [PodView], account: &str) -> Result<&'a PodView> {
    let all = pods::bridges(pods, None);
    let of_account = pods::bridges(pods, Some(account));
    match (of_account.as_slice(), all.as_slice()) {
        ([pod, ..], _) | ([], [pod]) => Ok(pod),
        ([], []) => bail!("there is no bridge of Wormhole in this namespace; name another with --namespace"),
        ([], _) => {
            let names: Vec<_> = all.iter().filter_map(|pod| pod.account.as_deref()).collect();
            bail!("no account is called {account:?}: there are {}", names.join(", "))
        }
    }
}

/// A bridge that tells the cluster says it itself; of others the readiness probe tells.
fn is_in(pod: &PodView) -> bool {
    if pod.session.is_some() { pod.is_logged_in() } else { pod.ready }
}

async fn wait_for(cluster: &Cluster, name: &str, until: Instant) -> Result<()> {
    while Instant::now() < until {
        // One failed look is no reason to give up a login.
        let seen = pods::list(cluster).await.ok();
        if seen.is_some_and(|pods| pods.iter().any(|pod| pod.name == name && is_in(pod))) {
            return Ok(());
        }
        sleep(GLANCE).await;
    }
    bail!("nobody logged in within {} minutes", LOGIN_WITHIN.as_secs() / 60)
}

async fn show(args: &KubeArgs) -> Result<()> {
    let cluster = Cluster::connect(args.namespace.clone()).await?;
    let pods = pods::list(&cluster).await?;
    if pods.is_empty() {
        bail!("there are no pods of Wormhole in the namespace {:?}", cluster.namespace());
    }
    table(&pods);
    let hub = pods.iter().find(|pod| pod.component == "server").context("there is no hub")?;
    match timeout(METRICS, queue(&cluster, &hub.name)).await {
        Ok(Ok((waiting, running))) => {
            terminal::line(format_args!("\nqueue: {waiting} turns wait, {running} run"));
        }
        Ok(Err(error)) => terminal::line(format_args!("\nqueue: not known ({error:#})")),
        Err(_) => terminal::line("\nqueue: not known (the hub's metrics did not come in time)"),
    }
    Ok(())
}

fn table(pods: &[PodView]) {
    let mut rows =
        vec![["POD", "SERVICE", "ACCOUNT", "PHASE", "READY", "RESTARTS", "SESSION"].map(str::to_owned)];
    rows.extend(pods.iter().map(|pod| {
        let session = pod.session.as_ref().map(|(reason, words)| match words.as_str() {
            "" => reason.clone(),
            words => format!("{reason}: {words}"),
        });
        let dash = || "-".to_owned();
        [
            pod.name.clone(),
            pod.component.clone(),
            pod.account.clone().unwrap_or_else(dash),
            pod.phase.clone(),
            if pod.ready { "yes" } else { "no" }.to_owned(),
            pod.restarts.to_string(),
            session.unwrap_or_else(dash),
        ]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    for row in &rows {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        terminal::line(cells.join("  ").trim_end());
    }
}

/// How many turns wait at the hub, and how many run.
async fn queue(cluster: &Cluster, hub: &str) -> Result<(String, String)> {
    let forward = Forward::bind(cluster, hub, HUB_ADMIN).await?;
    let admin = forward.addr()?;
    let stop = CancellationToken::new();
    let page = tokio::select! {
        () = forward.run(stop.clone()) => bail!("the port-forward has ended"),
        page = ask::metrics(admin) => page?,
    };
    let value = |name: &str| {
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map(str::to_owned).with_context(|| format!("the hub has no metric {name}"))
    };
    Ok((value("wormhole_server_queued_turns")?, value("wormhole_server_running_turns")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bridge(account: &str) -> PodView {
        PodView {
            name: format!("wormhole-bridge-{account}-0"),
            component: "bridge".to_owned(),
            account: Some(account.to_owned()),
            phase: "Running".to_owned(),
            ready: false,
            restarts: 0,
            session: None,
        }
    }

    #[test]
    fn the_accounts_bridge_is_chosen_or_the_only_one() {
        let two = [bridge("a"), bridge("b")];
        assert_eq!(choose(&two, "b").unwrap().account.as_deref(), Some("b"));
        assert_eq!(choose(&two[..1], "default").unwrap().account.as_deref(), Some("a"));
        let error = choose(&two, "default").unwrap_err().to_string();
        assert_eq!(error, r#"no account is called "default": there are a, b"#);
        assert!(choose(&[], "a").unwrap_err().to_string().contains("no bridge"));
    }

    #[test]
    fn the_condition_counts_where_there_is_one() {
        let mut pod = bridge("a");
        pod.ready = true;
        assert!(is_in(&pod));
        pod.session = Some(("ChallengeWaiting".to_owned(), String::new()));
        assert!(!is_in(&pod));
    }
}

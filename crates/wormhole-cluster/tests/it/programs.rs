//! `wormhole status --kube` and `wormhole login --kube`, the programs, with a kubeconfig of this API server.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::timeout;
use wormhole_cluster::news::CONDITION;

use crate::apiserver::{ApiServer, POD_NAME, PODS, pods_of_the_chart};

const PATIENCE: Duration = Duration::from_secs(30);

/// The program that was built beside these tests.
fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.ancestors().nth(2).unwrap().join("wormhole")
}

fn wormhole(kubeconfig: &NamedTempFile, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).env("KUBECONFIG", kubeconfig.path()).env_remove("DISPLAY").kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn run(kubeconfig: &NamedTempFile, arguments: &[&str]) -> (Output, String) {
    let ended = timeout(PATIENCE, wormhole(kubeconfig, arguments).output());
    let output = ended.await.expect("it ends").unwrap();
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    (output, said)
}

async fn with_the_charts_pods(server: &ApiServer) {
    for pod in pods_of_the_chart() {
        server.create(PODS, &pod).await;
    }
}

async fn session(server: &ApiServer, status: &str, reason: &str, message: &str) {
    let condition = json!({ "type": CONDITION, "status": status, "reason": reason, "message": message });
    let status = json!({ "status": { "phase": "Running", "conditions": [condition] } });
    server.merge(&format!("{PODS}/{POD_NAME}/status"), &status).await;
}

/// A port of a pod: answers every request with this text.
async fn serving(text: &'static str, tasks: &mut JoinSet<()>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            drop(stream.read(&mut request).await);
            let length = text.len();
            let answer =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}");
            drop(stream.write_all(answer.as_bytes()).await);
        }
    });
    port
}

#[tokio::test]
async fn status_shows_each_pod_of_the_chart_with_its_session() {
    let server = ApiServer::start().await;
    with_the_charts_pods(&server).await;
    session(&server, "False", "ChallengeWaiting", "one-time code").await;
    let (output, said) = run(&server.kubeconfig(), &["status", "--kube"]).await;
    assert!(output.status.success(), "{output:?}");
    let rows: Vec<Vec<_>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["POD", "SERVICE", "ACCOUNT", "PHASE", "READY", "RESTARTS", "SESSION"]);
    let bridge =
        [POD_NAME, "bridge", "default", "Running", "no", "0", "ChallengeWaiting:", "one-time", "code"];
    assert_eq!(rows[1], bridge);
    assert_eq!(
        (rows[2][..2].to_vec(), rows[3][..2].to_vec()),
        (vec!["wormhole-oai-0", "oai"], vec!["wormhole-server-0", "server"])
    );
    assert!(said.contains("\nqueue: "), "{said}");
}

#[tokio::test]
async fn status_reads_the_queue_off_the_hubs_admin_port() {
    let server = ApiServer::in_process().await;
    with_the_charts_pods(&server).await;
    let mut tasks = JoinSet::new();
    let metrics = "wormhole_server_queued_turns 3\nwormhole_server_running_turns 1\n";
    server.pod_port(9465, serving(metrics, &mut tasks).await);
    let (output, said) = run(&server.kubeconfig(), &["status", "--kube"]).await;
    assert!(output.status.success(), "{output:?}");
    assert!(said.ends_with("\nqueue: 3 turns wait, 1 run\n"), "{said}");
}

#[tokio::test]
async fn status_says_why_it_cannot_and_fails() {
    let server = ApiServer::start().await;
    let (output, said) = run(&server.kubeconfig(), &["status", "--kube"]).await;
    assert!(!output.status.success());
    assert_eq!(said, "wormhole status --kube: there are no pods of Wormhole in the namespace \"test\"\n");
    let (output, said) = run(&server.kubeconfig_of_a_stranger(), &["status", "--kube"]).await;
    assert!(!output.status.success());
    assert!(said.starts_with("wormhole status --kube: cannot list the pods: "), "{said}");
    assert!(said.contains("forbidden"), "{said}");
}

#[tokio::test]
async fn login_leads_to_the_console_and_ends_when_the_session_is_there() {
    let server = ApiServer::in_process().await;
    with_the_charts_pods(&server).await;
    session(&server, "False", "LoginRequired", "no credentials").await;
    let mut tasks = JoinSet::new();
    server.pod_port(8767, serving("the console", &mut tasks).await);
    let kubeconfig = server.kubeconfig();
    let mut login = wormhole(&kubeconfig, &["login", "--kube", "--account", "default"]).spawn().unwrap();
    let mut lines = BufReader::new(login.stdout.take().unwrap()).lines();
    let first = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().unwrap();
    let url = first.strip_prefix(&format!("The console of {POD_NAME} is at http://")).expect(&first);
    assert!(fetched(url.trim_end_matches('/')).await.ends_with("the console"));
    assert!(login.try_wait().unwrap().is_none(), "nobody has logged in yet");
    session(&server, "True", "SessionReady", "").await;
    let ended = timeout(PATIENCE, login.wait()).await.expect("it ends").unwrap();
    assert!(ended.success());
    let mut last = String::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        last = line;
    }
    assert_eq!(last, "The session is ready.");
    let (output, said) = run(&kubeconfig, &["login", "--kube", "--account", "default"]).await;
    assert!(output.status.success());
    assert_eq!(said, format!("{POD_NAME} is logged in already.\n"));
}

async fn fetched(addr: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(format!("GET / HTTP/1.1\r\nhost: {addr}\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("it ends").unwrap();
    answer
}

#[tokio::test]
async fn login_names_the_accounts_where_the_one_asked_for_is_not() {
    let server = ApiServer::start().await;
    let mut pods = pods_of_the_chart();
    let mut second: Value = pods.iter().find(|pod| pod["metadata"]["name"] == POD_NAME).unwrap().clone();
    second["metadata"]["name"] = json!("wormhole-bridge-other-0");
    second["metadata"]["labels"]["wormhole.dev/account"] = json!("other");
    pods.push(second);
    for pod in &pods {
        server.create(PODS, pod).await;
    }
    let (output, said) = run(&server.kubeconfig(), &["login", "--kube", "--account", "mine"]).await;
    assert!(!output.status.success());
    assert_eq!(said, "wormhole login --kube: no account is called \"mine\": there are default, other\n");
}

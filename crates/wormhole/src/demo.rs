//! `wormhole demo`: the practice site and the whole path, one question, one streamed answer.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::task::JoinSet;
use wormhole_bridge::{Credentials, Password};
use wormhole_client::HubAddress;
use wormhole_playground::{AnswerWith, Site, Switches};
use wormhole_runtime::{CancellationToken, Lifecycle, LogArgs, LogFormat, SecretString};

use crate::args::DemoArgs;
use crate::ask;
use crate::stack::{self, Addresses, Settings, fresh_token};
use crate::terminal::{line, quiet, step, strong};

/// Where Ollama clients look first.
const USUAL_PORT: u16 = 11434;

const MODEL: &str = "practice-story";
const QUESTION: &str = "Tell me the story of the small lighthouse. [[words:60]]";

/// A cold Chromium on a busy two-core machine takes seconds; a minute and a half means it will not come.
const READY_WITHIN: Duration = Duration::from_secs(90);

/// Between two looks at the services' probes.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long what still runs may take when the demo ends.
const GRACE: Duration = Duration::from_secs(10);

/// Runs the demo; exit code 1 if any step failed.
pub(crate) async fn run(args: DemoArgs) -> ExitCode {
    let log = LogArgs { log_format: LogFormat::Text, log_filter: args.log.clone() };
    if let Err(error) = log.init() {
        line(error);
        return ExitCode::from(wormhole_runtime::EX_USAGE);
    }
    let lifecycle = Lifecycle::new(GRACE);
    lifecycle.watch_signals();
    let profile = match TempDir::with_prefix("wormhole-demo-") {
        Ok(profile) => profile,
        Err(error) => {
            line(format_args!("cannot make a folder for Chromium's profile: {error}"));
            return ExitCode::FAILURE;
        }
    };
    line(format_args!(
        "\n{}\n",
        strong("Wormhole demo: from an OpenAI request to a chat page in a real browser, and back")
    ));
    let soft = lifecycle.soft();
    let mut site = JoinSet::new();
    let stop_site = CancellationToken::new();
    let shown = tokio::select! {
        shown = show(&args, profile.path(), &lifecycle, &mut site, stop_site.clone()) => shown,
        () = soft.cancelled() => Ok(()),
    };
    if let Err(error) = &shown {
        step(false, "failed", format_args!("{error:#}"));
        lifecycle.fail("the demo failed");
    } else if args.once {
        lifecycle.shutdown("one answer was asked for");
    }
    let code = lifecycle.wait().await;
    // The site outlives the services: what they finish in their drain, they finish there.
    stop_site.cancel();
    site.join_all().await;
    code
}

async fn show(
    args: &DemoArgs,
    profile: &Path,
    lifecycle: &Lifecycle,
    tasks: &mut JoinSet<()>,
    stop_site: CancellationToken,
) -> Result<()> {
    let (site, serving) = open_site(args).await?;
    tasks.spawn(serving.serve(stop_site));
    step(
        true,
        "practice site",
        format_args!("{} {}", site.origin, quiet("(a chat site of our own, with a login)")),
    );
    let addresses = stack::start(settings(args, profile, &site)?, lifecycle).await?;
    step(true, "hub", format_args!("ws://{}", addresses.hub));
    step(true, "API", format_args!("http://{}", addresses.api));
    let models = until_ready(&addresses).await?;
    step(true, "Chromium", "logged in on the practice site, script injected");
    step(true, "models", models.join(", "));
    line(format_args!("\n  {} {}\n", strong(MODEL), quiet(&format!("is asked: {QUESTION}"))));
    ask::ask(addresses.api, MODEL, QUESTION).await.context("the question was not answered")?;
    line("\n");
    if !args.once {
        say_how_to_go_on(&addresses, &site);
    }
    Ok(())
}

fn say_how_to_go_on(addresses: &Addresses, site: &OpenSite) {
    let api = addresses.api;
    line(format_args!(
        "  It stays up at {} until Ctrl-C. Ask it something yourself:\n",
        strong(&format!("http://{api}/v1"))
    ));
    line(format_args!(
        "  curl -N http://{api}/v1/chat/completions -H 'content-type: application/json' \\\n    \
         -d '{{\"model\":\"practice-echo\",\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]}}'\n"
    ));
    let page = format!(
        "  The chat page for a person: {}/chat (log in as {} with {})",
        site.plain, site.email, site.password
    );
    line(quiet(&page));
}

/// What the rest needs to know of the practice site.
struct OpenSite {
    /// Where the bridge goes: HTTPS with HTTP/2.
    origin: String,
    /// Where a person goes, whose browser does not know the certificate.
    plain: String,
    spki: String,
    email: String,
    password: String,
}

async fn open_site(args: &DemoArgs) -> Result<(OpenSite, Site)> {
    let answer_with = args.answer_with.clone().map(|base| AnswerWith { base, key: None });
    let config = wormhole_playground::Config {
        https: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        answer_with,
        switches: Switches { word_pace_ms: 25, ..Switches::default() },
        ..wormhole_playground::Config::default()
    };
    let (email, password) = (config.email.clone(), config.password.clone());
    let site = Site::bind(config).await?;
    let open = OpenSite {
        origin: site.https_origin().context("the practice site serves HTTPS")?,
        plain: site.http_origin(),
        spki: site.spki_hash().context("the practice site has a certificate")?,
        email,
        password,
    };
    Ok((open, site))
}

fn settings(args: &DemoArgs, profile: &Path, site: &OpenSite) -> Result<Settings> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let (page_token, sender_token) = (fresh_token(), fresh_token());
    // The hub's address is filled in once it is bound.
    let hub = |token: &SecretString| -> Result<HubAddress> {
        Ok(HubAddress { url: "ws://127.0.0.1".parse()?, token: token.clone(), name: "demo".to_owned() })
    };
    let origin = site.origin.parse()?;
    let profile_of_site = wormhole_bridge::site::Profile::load("playground")?.at(origin)?;
    let mut bridge = wormhole_bridge::Config::new(hub(&page_token)?, profile_of_site, profile);
    bridge.credentials = Some(Credentials {
        email: site.email.clone().into(),
        password: Password::Given(SecretString::from(site.password.clone())),
    });
    bridge.browser.headless = !args.window;
    // The practice site's own certificate, by the hash of its key: no other TLS error is ever let pass.
    bridge.browser.extra_args = vec![format!("--ignore-certificate-errors-spki-list={}", site.spki)];
    let mut oai = wormhole_oai::Config::on_loopback(hub(&sender_token)?);
    oai.listen.set_port(api_port(args)?);
    Ok(Settings { server: wormhole_server::Config::new(any, any, page_token, sender_token), bridge, oai })
}

/// The port asked for; else the usual one, if it is free; else any.
fn api_port(args: &DemoArgs) -> Result<u16> {
    let free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    match args.port {
        Some(port) if port == 0 || free(port) => Ok(port),
        Some(port) => bail!("port {port} is taken; give another one with --port"),
        None if !args.once && free(USUAL_PORT) => Ok(USUAL_PORT),
        None => Ok(0),
    }
}

/// Waits until bridge and API are ready and the site's models have arrived; the models' names.
async fn until_ready(addresses: &Addresses) -> Result<Vec<String>> {
    let mut last = String::new();
    let mut look = tokio::time::interval(LOOK_EVERY);
    let wait = async {
        loop {
            look.tick().await;
            for admin in [addresses.bridge_admin, addresses.oai_admin] {
                match ask::readiness(admin).await {
                    Ok((true, _)) => {}
                    Ok((false, words)) => last = words,
                    Err(error) => last = error.to_string(),
                }
            }
            match ask::models(addresses.api).await {
                Ok(models) if models.iter().any(|name| name == MODEL) => return models,
                _ => {}
            }
        }
    };
    let waited = tokio::time::timeout(READY_WITHIN, wait).await;
    waited.with_context(|| format!("not ready within {} s: {last}", READY_WITHIN.as_secs()))
}

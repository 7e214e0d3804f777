//! Templates and phrases that follow their files. Broken ones keep the last good ones in use.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use wormhole_runtime::{ConfigError, Readiness};

use super::{Prompt, SHIPPED};
use crate::metrics::Metrics;

/// Time between looks at the files. They are few and small, and a look sees every way in which they change, also the
/// exchanged link of a mounted ConfigMap.
const EVERY: Duration = Duration::from_secs(2);

/// The prompt in use. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct Prompts {
    current: Arc<ArcSwap<Prompt>>,
    templates: Option<PathBuf>,
    phrases: Option<PathBuf>,
    /// What the files held before they were first read.
    first: Contents,
}

/// What the files hold, to see that they changed; an error stands for itself.
type Contents = Vec<Result<Vec<u8>, std::io::ErrorKind>>;

impl Prompts {
    /// The shipped ones, with those of the operator in their place.
    ///
    /// # Errors
    /// See [`Prompt::load`].
    pub(crate) fn load(templates: Option<PathBuf>, phrases: Option<PathBuf>) -> Result<Self, ConfigError> {
        let first = contents(templates.as_deref(), phrases.as_deref());
        let prompt = Prompt::load(templates.as_deref(), phrases.as_deref())?;
        Ok(Self { current: Arc::new(ArcSwap::from_pointee(prompt)), templates, phrases, first })
    }

    /// The newest good ones.
    pub(crate) fn current(&self) -> Arc<Prompt> {
        self.current.load_full()
    }

    /// Reads the files.
    ///
    /// # Errors
    /// They cannot be used; what was in use stays.
    fn reload(&self) -> Result<(), ConfigError> {
        let prompt = Prompt::load(self.templates.as_deref(), self.phrases.as_deref())?;
        self.current.store(Arc::new(prompt));
        Ok(())
    }
}

fn contents(templates: Option<&Path>, phrases: Option<&Path>) -> Contents {
    let templates =
        templates.into_iter().flat_map(|folder| SHIPPED.iter().map(|(name, _)| folder.join(name)));
    let read = |path: PathBuf| std::fs::read(path).map_err(|error| error.kind());
    templates.chain(phrases.map(Path::to_owned)).map(read).collect()
}

/// Follows the files until the process is told to end.
pub(crate) async fn watch(prompts: Prompts, metrics: Metrics, readiness: Readiness, soft: CancellationToken) {
    follow(prompts, metrics, readiness, EVERY, soft).await;
}

async fn follow(
    prompts: Prompts,
    metrics: Metrics,
    readiness: Readiness,
    every: Duration,
    soft: CancellationToken,
) {
    if prompts.templates.is_none() && prompts.phrases.is_none() {
        soft.cancelled().await;
        return;
    }
    let mut known = prompts.first.clone();
    let look = async {
        loop {
            tokio::time::sleep(every).await;
            let (templates, phrases) = (prompts.templates.clone(), prompts.phrases.clone());
            // A mounted file may be on a slow disk.
            let looked = spawn_blocking(move || contents(templates.as_deref(), phrases.as_deref()));
            let Ok(now) = looked.await else { continue };
            if now == known {
                continue;
            }
            known = now;
            let reloaded = prompts.reload();
            metrics.prompts_broken(reloaded.is_err());
            // The last good ones still serve, so this is no reason to be taken out of service.
            let stale = |error: &ConfigError| format!("broken, the last good ones stay in use: {error}");
            readiness.note("prompts", reloaded.as_ref().err().map(stale));
            match reloaded {
                Ok(()) => info!("the prompt templates changed and are in use"),
                Err(error) => {
                    warn!(%error, "the prompt templates changed and are broken: the last good ones stay in use");
                }
            }
        }
    };
    soft.run_until_cancelled(look).await;
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::chat::{Chat, Message, Part, Role};

    fn rendered(prompts: &Prompts) -> String {
        let system = Message::new(Role::System, vec![Part::Text("s".to_owned())]);
        let user = Message::new(Role::User, vec![Part::Text("u".to_owned())]);
        prompts.current().render(&Chat { messages: vec![system, user], ..Chat::default() }).unwrap()
    }

    #[tokio::test]
    async fn changes_are_followed_and_broken_ones_leave_the_last_good_ones() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| fs::write(folder.path().join("message.j2"), text).unwrap();
        write("ONE {{ turn.text }}");
        let prompts = Prompts::load(Some(folder.path().to_owned()), None).unwrap();
        let registry = wormhole_runtime::registry();
        let metrics = Metrics::register(&registry).unwrap();
        let stop = CancellationToken::new();
        let every = Duration::from_millis(2);
        let readiness = Readiness::new();
        let watching = follow(prompts.clone(), metrics, readiness.clone(), every, stop.clone());
        let broken = || {
            let families = registry.gather();
            let found =
                families.iter().find(|family| family.name() == "wormhole_oai_prompts_broken").unwrap();
            found.get_metric()[0].get_gauge().get_value() > 0.5
        };
        let change = async {
            assert!(rendered(&prompts).contains("ONE u"));
            for (text, expected, is_broken) in [
                ("TWO {{ turn.text }}", "TWO u", false),
                ("{% if %}", "TWO u", true),
                ("{{ turn.txet }}", "TWO u", true),
                ("THREE {{ turn.text }}", "THREE u", false),
            ] {
                write(text);
                while !rendered(&prompts).contains(expected)
                    || broken() != is_broken
                    || readiness.notes().is_empty() == is_broken
                {
                    tokio::time::sleep(every).await;
                }
            }
            stop.cancel();
        };
        tokio::join!(watching, change);
    }

    #[cfg(unix)]
    #[test]
    fn an_exchanged_link_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two, link) = (folder.path().join("1"), folder.path().join("2"), folder.path().join("data"));
        for (place, text) in [(&one, "ONE"), (&two, "TWO")] {
            fs::create_dir(place).unwrap();
            fs::write(place.join("message.j2"), text).unwrap();
        }
        std::os::unix::fs::symlink(&one, &link).unwrap();
        let before = contents(Some(&link), None);
        std::os::unix::fs::symlink(&two, folder.path().join("next")).unwrap();
        fs::rename(folder.path().join("next"), &link).unwrap();
        assert_ne!(contents(Some(&link), None), before);
    }
}

//! Which models there are, under which names.

mod catalogue;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use wormhole_protocol::{Directory, ModelInfo};

use crate::errors::ApiError;
pub(crate) use catalogue::{Catalogue, Entry};

/// How long the models of an account that left the hub stay listed: longer than a restart of its bridge.
const KEEP_GONE: Duration = Duration::from_mins(15);

/// The most bindings of keys whose catalogues are kept: one for each way in which keys are bound to accounts. More are made
/// anew each time.
const MAX_BINDINGS: usize = 256;

/// What a turn is to be posted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The name as the client asked for it, or the default's where it did not; what answers call the model.
    pub asked: String,
    /// The name that the site offers.
    pub model: String,
    /// Only this site, where more than one offers that name.
    pub site: Option<String>,
    /// Another model than asked for, under its public name: an alias or the default stepped in.
    pub instead: Option<String>,
    /// Nothing was known yet when this was decided.
    pub blind: bool,
}

/// The operator's settings about names.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Other names for public names.
    pub aliases: BTreeMap<String, String>,
    /// What steps in for an unknown name, or for none.
    pub default: Option<String>,
}

/// The models of all accounts, kept for a while when an account is away.
#[derive(Debug)]
pub(crate) struct Models {
    names: Names,
    directory: watch::Receiver<Arc<Directory>>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    seen: Option<Arc<Directory>>,
    accounts: BTreeMap<(String, String), Account>,
    /// By the accounts that a caller is bound to; none means all of them.
    catalogues: BTreeMap<Box<[String]>, Arc<Catalogue>>,
    /// When the first account that left is to be forgotten.
    forget_at: Option<Instant>,
}

#[derive(Debug)]
struct Account {
    models: Vec<ModelInfo>,
    gone_since: Option<Instant>,
}

impl Models {
    /// Follows the hub's directory.
    pub(crate) fn new(names: Names, directory: watch::Receiver<Arc<Directory>>) -> Self {
        Self { names, directory, inner: Mutex::default() }
    }

    /// The models now, of the accounts that the caller is bound to; of all where it is bound to none. Made anew only when
    /// the directory changed, or when an account has been away too long.
    pub(crate) fn catalogue(&self, bound: &[String]) -> Arc<Catalogue> {
        let directory = self.directory.borrow().clone();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.follow(directory, Instant::now());
        inner.catalogue(bound, &self.names)
    }

    /// What a request for `asked` is posted to, by a caller who is bound to these accounts.
    ///
    /// While nothing at all is known of them (the first page has not joined yet) the name goes to the hub as it is.
    ///
    /// # Errors
    /// No model was named and there is no default, or models are known and this is none of them.
    pub(crate) fn target(&self, asked: Option<&str>, bound: &[String]) -> Result<Target, ApiError> {
        let asked = asked.map(str::trim).filter(|name| !name.is_empty());
        let default = self.names.default.as_deref();
        let Some(asked) = asked.or(default) else { return Err(ApiError::missing("model")) };
        let catalogue = self.catalogue(bound);
        let aliased = self.names.aliases.get(untagged(asked)).map_or(asked, String::as_str);
        if catalogue.is_empty() {
            return Ok(Target::blind(asked, untagged(aliased)));
        }
        let direct = catalogue.find(aliased);
        let found = direct.or_else(|| catalogue.find(default?));
        let entry = found.ok_or_else(|| ApiError::model_unknown(asked, &catalogue.some_names()))?;
        let is_another = direct.is_none() || aliased != asked;
        Ok(Target {
            asked: asked.to_owned(),
            model: entry.model.clone(),
            site: entry.ambiguous.then(|| entry.site.clone()),
            instead: is_another.then(|| entry.name.clone()),
            blind: false,
        })
    }
}

impl Models {
    /// Whether a turn for this target may hold images. Nobody knows while no model is known; then the page says it.
    pub(crate) fn takes_images(&self, target: &Target, bound: &[String]) -> bool {
        target.blind || self.catalogue(bound).takes_images(&target.model, target.site.as_deref())
    }
}

impl Target {
    fn blind(asked: &str, model: &str) -> Self {
        let instead = (model != untagged(asked)).then(|| model.to_owned());
        Self { asked: asked.to_owned(), model: model.to_owned(), site: None, instead, blind: true }
    }
}

impl Inner {
    fn follow(&mut self, directory: Arc<Directory>, now: Instant) {
        let same = self.seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, &directory));
        if same && self.forget_at.is_none_or(|at| now < at) {
            return;
        }
        for account in self.accounts.values_mut() {
            account.gone_since.get_or_insert(now);
        }
        for joined in &directory.accounts {
            let key = (joined.site.clone(), joined.account.clone());
            let known = self.accounts.entry(key).or_insert(Account { models: Vec::new(), gone_since: None });
            known.gone_since = None;
            // A page that has not asked its site yet names none; what it named before still holds.
            if !joined.models.is_empty() {
                known.models.clone_from(&joined.models);
            }
        }
        self.accounts.retain(|_, account| account.gone_since.is_none_or(|since| now < since + KEEP_GONE));
        self.forget_at =
            self.accounts.values().filter_map(|account| account.gone_since).min().map(|at| at + KEEP_GONE);
        self.catalogues.clear();
        self.seen = Some(directory);
    }

    fn catalogue(&mut self, bound: &[String], names: &Names) -> Arc<Catalogue> {
        if let Some(made) = self.catalogues.get(bound) {
            return made.clone();
        }
        let is_open = |name: &String| bound.is_empty() || bound.contains(name);
        let open = self.accounts.iter().filter(|((_, name), _)| is_open(name));
        let models = open.map(|((site, _), account)| (site.as_str(), account.models.as_slice()));
        let made = Arc::new(Catalogue::new(models, &names.aliases));
        if self.catalogues.len() < MAX_BINDINGS {
            self.catalogues.insert(bound.into(), made.clone());
        }
        made
    }
}

/// `x:latest` and `x` are the same model.
pub(crate) fn untagged(name: &str) -> &str {
    name.strip_suffix(":latest").unwrap_or(name)
}

#[cfg(test)]
mod tests;

//! A chat page worked through its own controls, by the selectors of a `dom` profile.
//!
//! A page has one composer, so one turn at a time has its hands on it: whoever looks meanwhile is told what was last seen.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::OwnedMutexGuard,
    time::{Instant, MissedTickBehavior, interval},
};
use wormhole_protocol::ModelInfo;

use crate::{
    calls::CallError,
    site::{Dom, Fault, ModelMenu, Models, NewConversation, Profile, SiteModel, goto_path},
    tab::{Choice, Sendable, Tab, TabError, TabEvent},
};

/// How often the page is looked at while something is awaited of it.
const GLANCE: Duration = Duration::from_millis(50);
/// A page that has been opened is still when it has looked the same for so long.
const CALM: Duration = Duration::from_millis(250);
/// How long a button that sends may stay disabled before Enter is tried. Some pages enable it when they have reached
/// their server, which takes seconds on a busy machine.
const DISABLED: Duration = Duration::from_secs(10);

/// The controls of a site's page. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Controls {
    hands: Arc<tokio::sync::Mutex<()>>,
    models: Arc<Mutex<Vec<SiteModel>>>,
}

/// The right to work the page; the next turn waits until it is dropped.
pub(crate) type Hands = OwnedMutexGuard<()>;

/// Works a page by a profile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page<'a> {
    pub(crate) site: &'a Profile,
    pub(crate) dom: &'a Dom,
    pub(crate) tab: &'a Tab,
}

impl Controls {
    /// Waits for the turns before.
    pub(crate) async fn take(&self) -> Hands {
        Arc::clone(&self.hands).lock_owned().await
    }

    /// The site's models, read from a page that can take a message: the proof of a session.
    pub(crate) async fn models(&self, page: Page<'_>) -> Result<Vec<SiteModel>, CallError> {
        let Ok(_hands) = self.hands.try_lock() else {
            // A turn is being made, and will find out by itself what is wrong.
            return Ok(self.known());
        };
        page.ready().await?;
        if page.tab.count(&page.dom.composer).await? == 0 {
            return Err(missing("composer"));
        }
        let known = self.known();
        // To open a menu once a minute under a person's eyes would be rude: it is read once for each arrival.
        let models = match &page.dom.models {
            Models::Menu(_) if !known.is_empty() => known,
            _ => page.models().await?,
        };
        self.models.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&models);
        Ok(models)
    }

    /// The page is opened anew, and so is its list of models read anew.
    pub(crate) fn forget(&self) {
        self.models.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn known(&self) -> Vec<SiteModel> {
        self.models.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn missing(field: &'static str) -> CallError {
    Fault::Missing { field }.into()
}

impl Page<'_> {
    /// Waits until the page can take a message.
    ///
    /// # Errors
    /// It shows a login or asks for a person: no session. It shows neither in time: `ready` is not found.
    pub(crate) async fn ready(&self) -> Result<(), CallError> {
        let deadline = Instant::now() + self.site.timeouts.call;
        let login = self.site.login.iter().flat_map(|login| login.email.iter().chain(&login.password));
        let challenge = self.site.challenge.one_time_code.iter().chain(&self.site.challenge.captcha);
        let elsewhere = login.chain(challenge).cloned();
        let selectors: Vec<String> = [self.dom.ready.clone()].into_iter().chain(elsewhere).collect();
        let mut glances = Glances::until(deadline);
        loop {
            match self.tab.shown(selectors.clone()).await {
                Ok(counts) if counts.first().is_some_and(|count| *count > 0) => return Ok(()),
                Ok(counts) if counts.iter().any(|count| *count > 0) => return Err(CallError::LoggedOut),
                Ok(_) | Err(TabError::ContextLost) => {}
                Err(error) => return Err(error.into()),
            }
            if self.tab.url().await.is_ok_and(|url| self.site.is_logged_out(&url)) {
                return Err(CallError::LoggedOut);
            }
            if !glances.next().await {
                return Err(missing("ready"));
            }
        }
    }

    async fn models(&self) -> Result<Vec<SiteModel>, CallError> {
        match &self.dom.models {
            Models::Names(names) => Ok(names.iter().map(|name| model(name, "")).collect()),
            Models::Select(select) => {
                let choices = self.options(select, "models.select").await?;
                Ok(choices.iter().map(|choice| model(&choice.name, &choice.label)).collect())
            }
            Models::Menu(menu) => {
                let choices = self.in_menu(menu).await?;
                // A second press closes it.
                self.tab.press(&menu.open).await?;
                Ok(choices.iter().map(|choice| model(&choice.name, "")).collect())
            }
        }
    }

    async fn in_menu(&self, menu: &ModelMenu) -> Result<Vec<Choice>, CallError> {
        if !self.tab.press(&menu.open).await? {
            return Err(missing("models.open"));
        }
        self.options(&menu.item, "models.item").await
    }

    /// What there is to choose, once there is anything.
    async fn options(&self, selector: &str, field: &'static str) -> Result<Vec<Choice>, CallError> {
        let mut glances = Glances::until(Instant::now() + self.site.timeouts.call);
        loop {
            let options: Vec<Choice> = self.tab.options(selector).await?;
            let named: Vec<Choice> = options.into_iter().filter(|choice| !choice.name.is_empty()).collect();
            if !named.is_empty() {
                return Ok(named);
            }
            if !glances.next().await {
                return Err(missing(field));
            }
        }
    }

    /// Opens a conversation, or begins one; returns when the page is still.
    pub(crate) async fn open(&self, conversation: Option<(&str, u32)>, model: &str) -> Result<(), CallError> {
        match (conversation, &self.dom.conversation, &self.dom.new_conversation) {
            (Some((id, turns)), Some(path), _) => {
                if self.shown_conversation().await?.as_deref() != Some(id) {
                    self.tab.goto(&self.site.at_path(&path.of(id))).await?;
                }
                self.ready().await?;
                return self.calm(turns).await;
            }
            (_, _, Some(NewConversation::Click(selector))) => {
                self.ready().await?;
                self.press_new(selector).await?;
            }
            (_, _, Some(NewConversation::Goto(path))) => {
                self.tab.goto(&self.site.at_path(&goto_path(path, model))).await?;
            }
            (_, _, None) => self.tab.goto(&self.site.start_url()).await?,
        }
        self.ready().await?;
        self.calm(0).await
    }

    /// Presses the control for a new conversation and waits until the old one is gone: the page may even be another.
    async fn press_new(&self, selector: &str) -> Result<(), CallError> {
        let before = self.looks().await?;
        if before.0 == 0 && self.dom.conversation.is_some() && self.shown_conversation().await?.is_none() {
            return Ok(());
        }
        match self.tab.press(selector).await {
            Ok(true) | Err(TabError::ContextLost) => {}
            Ok(false) => return Err(missing("new_conversation")),
            Err(error) => return Err(error.into()),
        }
        let mut glances = Glances::until(Instant::now() + self.site.timeouts.call);
        while before.0 > 0 && self.looks().await.is_ok_and(|now| now == before) {
            if !glances.next().await {
                return Err(Fault::changed("dom", "new_conversation leaves the old one open").into());
            }
        }
        Ok(())
    }

    /// How many replies there are, and in which document.
    async fn looks(&self) -> Result<(usize, TabEvent), TabError> {
        let document = self.tab.events().borrow().clone();
        Ok((self.tab.count(&self.dom.replies).await?, document))
    }

    /// The conversation that the page shows.
    pub(crate) async fn shown_conversation(&self) -> Result<Option<String>, TabError> {
        let Some(path) = &self.dom.conversation else { return Ok(None) };
        let url = self.tab.url().await?;
        let address =
            url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        Ok(path.id_in(&address).map(str::to_owned))
    }

    /// Waits until nothing is written any more, and all of a conversation's replies are there: one that came later
    /// would look like an answer.
    async fn calm(&self, turns: u32) -> Result<(), CallError> {
        let writing = [&self.dom.stop, &self.dom.busy].into_iter().flatten();
        let asked = self.dom.asked.iter();
        let selectors: Vec<String> =
            [&self.dom.replies].into_iter().chain(asked).chain(writing.clone()).cloned().collect();
        let signs = writing.count();
        let mut glances = Glances::until(Instant::now() + self.site.timeouts.call);
        let mut last = (Vec::new(), Instant::now());
        loop {
            let counts = match self.tab.shown(selectors.clone()).await {
                // On its way to another document.
                Err(TabError::ContextLost) => Vec::new(),
                counts => counts?,
            };
            let is_there = !counts.is_empty();
            let quiet = is_there && counts.iter().rev().take(signs).all(|count| *count == 0);
            let all = counts.first().is_some_and(|count| *count >= turns as usize);
            if counts != last.0 {
                last = (counts, Instant::now());
            } else if quiet && all && last.1.elapsed() >= CALM {
                return Ok(());
            }
            if !glances.next().await {
                return Err(missing(if all { "an end of the answer before" } else { "replies" }));
            }
        }
    }

    /// Chooses a model, where the page has a control for it.
    pub(crate) async fn choose(&self, model: &str) -> Result<(), CallError> {
        match &self.dom.models {
            Models::Names(_) => Ok(()),
            Models::Select(select) => {
                let choices = self.options(select, "models.select").await?;
                let is_on = choices.iter().any(|choice| choice.on && choice.name == model);
                if is_on || self.tab.pick(select, model).await? {
                    Ok(())
                } else {
                    Err(missing("models.select"))
                }
            }
            Models::Menu(menu) => {
                if let Some(current) = &menu.current
                    && self.options(current, "models.current").await?.iter().any(|now| now.name == model)
                {
                    return Ok(());
                }
                self.in_menu(menu).await?;
                if self.tab.pick(&menu.item, model).await? { Ok(()) } else { Err(missing("models.item")) }
            }
        }
    }

    /// Puts the text into the composer, and waits until it is there and can be sent.
    pub(crate) async fn compose(&self, text: &str) -> Result<(), CallError> {
        let composer = &self.dom.composer;
        match self.tab.compose(composer, text).await {
            Err(TabError::Missing(_)) => return Err(missing("composer")),
            other => other?,
        }
        let mut glances = Glances::until(Instant::now() + self.site.timeouts.call);
        while !self.tab.composed(composer).await? {
            if !glances.next().await {
                return Err(Fault::changed("dom", "the composer does not take the text").into());
            }
        }
        let Some(send) = &self.dom.send else { return Ok(()) };
        let mut glances = Glances::until(Instant::now() + DISABLED);
        loop {
            match self.tab.sendable(send).await? {
                Sendable::Yes => return Ok(()),
                found => {
                    if !glances.next().await {
                        return if found == Sendable::Missing { Err(missing("send")) } else { Ok(()) };
                    }
                }
            }
        }
    }
}

fn model(name: &str, label: &str) -> SiteModel {
    let label = Some(label.to_owned()).filter(|label| !label.is_empty());
    let info = ModelInfo { name: name.to_owned(), label, provider: None, images: false };
    SiteModel { id: name.to_owned(), info }
}

/// Moments to look at a page again, up to a deadline.
struct Glances {
    ticks: tokio::time::Interval,
    deadline: Instant,
}

impl Glances {
    fn until(deadline: Instant) -> Self {
        let mut ticks = interval(GLANCE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.reset();
        Self { ticks, deadline }
    }

    /// False when the deadline has passed.
    async fn next(&mut self) -> bool {
        self.ticks.tick().await;
        Instant::now() < self.deadline
    }
}

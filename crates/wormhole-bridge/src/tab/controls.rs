//! What a chat page's controls are asked for, beside what every page has.

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::command::Action;
use super::{Tab, TabError};

/// More than any list of models has.
const MOST_OPTIONS: usize = 500;

/// Something that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Choice {
    /// Its name, by which it is picked.
    pub(crate) name: String,
    /// A name for people; may be empty.
    pub(crate) label: String,
    /// It is chosen now, as far as the page says so.
    pub(crate) on: bool,
}

/// Whether what was composed can be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sendable {
    /// It can.
    Yes,
    /// The button is there, and takes no click yet.
    Disabled,
    /// There is no such button.
    Missing,
}

impl Tab {
    /// How many elements a person sees of each selector.
    pub(crate) async fn shown(&self, selectors: Vec<String>) -> Result<Vec<usize>, TabError> {
        let wanted = selectors.len();
        let counts: Vec<usize> = self.ask(Action::Shown { selectors }).await?;
        if counts.len() == wanted { Ok(counts) } else { Err(TabError::Script("shown: too few".to_owned())) }
    }

    /// Presses the first element that matches and can be seen; false when there is none.
    pub(crate) async fn press(&self, selector: &str) -> Result<bool, TabError> {
        self.ask(Action::Press { selector: selector.to_owned() }).await
    }

    /// Puts a text into a composer, whatever kind of editor it is. Ask [`Tab::composed`] whether it is there yet.
    pub(crate) async fn compose(&self, selector: &str, text: &str) -> Result<(), TabError> {
        let value = SecretString::from(text);
        self.run(Action::Compose { selector: selector.to_owned(), value }).await.map(drop)
    }

    /// The composer holds what was put into it.
    pub(crate) async fn composed(&self, selector: &str) -> Result<bool, TabError> {
        self.ask(Action::Composed { selector: selector.to_owned() }).await
    }

    /// Whether the button that sends can be pressed.
    pub(crate) async fn sendable(&self, send: &str) -> Result<Sendable, TabError> {
        self.ask(Action::Sendable { send: send.to_owned() }).await
    }

    /// Sends what was composed: by the button if it can be seen, else by Enter.
    pub(crate) async fn submit(&self, composer: &str, send: Option<&str>) -> Result<(), TabError> {
        let send = send.map(str::to_owned);
        self.run(Action::Submit { composer: composer.to_owned(), send }).await.map(drop)
    }

    /// What can be chosen: the options of a list, or the items of a menu that is open.
    pub(crate) async fn options(&self, selector: &str) -> Result<Vec<Choice>, TabError> {
        self.ask(Action::Options { selector: selector.to_owned(), most: MOST_OPTIONS }).await
    }

    /// Chooses one of those by its name; false when it is not there.
    pub(crate) async fn pick(&self, selector: &str, name: &str) -> Result<bool, TabError> {
        self.ask(Action::Pick { selector: selector.to_owned(), name: name.to_owned() }).await
    }

    async fn ask<T: DeserializeOwned>(&self, action: Action) -> Result<T, TabError> {
        let value = self.run(action).await?;
        // Not the value itself: it may be of the page.
        serde_json::from_value(value).map_err(|_| TabError::Script("an answer of another kind".to_owned()))
    }
}

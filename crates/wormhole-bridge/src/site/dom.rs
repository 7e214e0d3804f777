//! The schema of the `dom` driver: which controls of the chat page do what, as CSS selectors.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};

use crate::site::{
    check,
    template::{self, Values},
};

/// How a chat page is worked through its own controls.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dom {
    /// The page can take a message when this is shown: the proof of a session.
    #[serde(deserialize_with = "check::text")]
    pub ready: String,
    /// The field that takes the text: an input, a textarea or something editable.
    #[serde(deserialize_with = "check::text")]
    pub composer: String,
    /// What sends it; Enter in the composer where absent.
    #[serde(default, deserialize_with = "check::optional_text")]
    pub send: Option<String>,
    /// What stops an answer; shown for as long as one is written.
    #[serde(default, deserialize_with = "check::optional_text")]
    pub stop: Option<String>,
    /// Each message of the user's. The answer is then the reply after the new one.
    #[serde(default, deserialize_with = "check::optional_text")]
    pub asked: Option<String>,
    /// Each answer.
    #[serde(deserialize_with = "check::text")]
    pub replies: String,
    /// Within an answer, what holds its text; the answer itself where absent.
    #[serde(default, deserialize_with = "check::optional_text")]
    pub reply_body: Option<String>,
    /// Within an answer, what is none of its text.
    #[serde(default, deserialize_with = "check::texts")]
    pub ignore: Vec<String>,
    /// Shown for as long as an answer is written.
    #[serde(default, deserialize_with = "check::optional_text")]
    pub busy: Option<String>,
    /// Shown in the answer, or after it in the page, once it is whole.
    #[serde(default, deserialize_with = "check::optional_text")]
    pub done: Option<String>,
    /// With no other sign, an answer is whole when it has not changed for so long.
    #[serde(default = "settle", deserialize_with = "check::wait")]
    pub settle: Duration,
    /// How to begin a conversation; the chat page is opened where absent.
    #[serde(default)]
    pub new_conversation: Option<NewConversation>,
    /// Where an existing conversation is opened; without it none can be continued.
    #[serde(default)]
    pub conversation: Option<ConversationPath>,
    /// Which models there are, and how one is chosen.
    pub models: Models,
    /// What shows that the site has failed.
    #[serde(default, deserialize_with = "check::texts")]
    pub error: Vec<String>,
}

const fn settle() -> Duration {
    Duration::from_millis(1500)
}

impl Dom {
    /// What is wrong with fields that each are right; the field first.
    pub(super) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let chosen_by_path = matches!(&self.new_conversation, Some(NewConversation::Goto(path)) if template::uses_in(path, "model"));
        match &self.models {
            Models::Names(names) if names.len() > 1 && !chosen_by_path => Err((
                "dom.models.names",
                "with several, the path of new_conversation.goto must choose by ${model}",
            )),
            _ => Ok(()),
        }
    }
}

/// How to begin a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewConversation {
    /// Click this.
    Click(String),
    /// Open this path, which may hold `${model}`.
    Goto(String),
}

impl<'de> Deserialize<'de> for NewConversation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Goto {
            goto: String,
        }
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "neither a selector nor { goto: /path }")]
        enum Written {
            Click(String),
            Goto(Goto),
        }
        match Written::deserialize(deserializer)? {
            Written::Click(selector) if selector.trim().is_empty() => Err(D::Error::custom(check::EMPTY)),
            Written::Click(selector) => Ok(Self::Click(selector)),
            Written::Goto(Goto { goto }) => {
                check::path_with(&goto, &["model"])?;
                Ok(Self::Goto(goto))
            }
        }
    }
}

/// The address of a conversation within the site: a path, perhaps with a query, with `${id}` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationPath {
    before: String,
    after: String,
}

impl ConversationPath {
    /// The address of this conversation.
    pub(crate) fn of(&self, id: &str) -> String {
        format!("{}{}{}", self.before, template::encode_segment(id), self.after)
    }

    /// Which conversation a page at this address shows; `address` is a path with its query.
    pub(crate) fn id_in<'a>(&self, address: &'a str) -> Option<&'a str> {
        let rest = address.strip_prefix(self.before.as_str())?;
        let end = rest.find(['/', '?', '#', '&']).unwrap_or(rest.len());
        let (id, after) = rest.split_at(end);
        let ends = if self.after.is_empty() {
            !after.starts_with('/')
        } else {
            after.starts_with(self.after.as_str())
        };
        // An id that would need encoding is not taken: going back to it might lead elsewhere.
        (ends && !id.is_empty() && template::encode_segment(id) == id).then_some(id)
    }
}

impl<'de> Deserialize<'de> for ConversationPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = String::deserialize(deserializer)?;
        check::path_with(&path, &["id"])?;
        match path.split("${id}").collect::<Vec<_>>().as_slice() {
            [before, after] => Ok(Self { before: (*before).to_owned(), after: (*after).to_owned() }),
            _ => Err(D::Error::custom("the path must hold ${id}, once")),
        }
    }
}

/// Which models there are, and how one is chosen.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "WrittenModels")]
pub enum Models {
    /// These, always.
    Names(Vec<String>),
    /// The options of a `<select>`: their values are the names.
    Select(String),
    /// The items of a menu: their texts are the names.
    Menu(ModelMenu),
}

/// A menu of models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelMenu {
    /// What opens it.
    pub open: String,
    /// Each item, shown once it is open.
    pub item: String,
    /// Where the name of the chosen one stands.
    pub current: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenModels {
    #[serde(default, deserialize_with = "check::texts")]
    names: Vec<String>,
    #[serde(default, deserialize_with = "check::optional_text")]
    select: Option<String>,
    #[serde(default, deserialize_with = "check::optional_text")]
    open: Option<String>,
    #[serde(default, deserialize_with = "check::optional_text")]
    item: Option<String>,
    #[serde(default, deserialize_with = "check::optional_text")]
    current: Option<String>,
}

impl TryFrom<WrittenModels> for Models {
    type Error = &'static str;

    fn try_from(written: WrittenModels) -> Result<Self, &'static str> {
        let WrittenModels { names, select, open, item, current } = written;
        match (names.is_empty(), select, open, item) {
            (false, None, None, None) if current.is_none() => Ok(Self::Names(names)),
            (true, Some(select), None, None) if current.is_none() => Ok(Self::Select(select)),
            (true, None, Some(open), Some(item)) => Ok(Self::Menu(ModelMenu { open, item, current })),
            _ => Err("wants one of: names; select; open and item (and perhaps current)"),
        }
    }
}

/// The path of a new conversation with this model.
pub(crate) fn goto_path(template: &str, model: &str) -> String {
    Values { model, ..Values::default() }.path(template)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn path(text: &str) -> ConversationPath {
        serde_yaml::from_str(text).unwrap()
    }

    #[test]
    fn a_conversation_is_known_by_its_address_and_found_by_its_id() {
        let plain = path("/c/${id}");
        assert_eq!(plain.of("a b"), "/c/a%20b");
        for (address, id) in [
            ("/c/17", Some("17")),
            ("/c/17?x=1", Some("17")),
            ("/c/", None),
            ("/c/17/edit", None),
            ("/chat", None),
            ("/c/%2F", None),
        ] {
            assert_eq!(plain.id_in(address), id, "{address}");
        }
        let by_query = path("'/?chat=${id}'");
        assert_eq!(by_query.id_in("/?chat=7&theme=dark"), Some("7"));
        assert_eq!(by_query.of("7"), "/?chat=7");
        assert!(serde_yaml::from_str::<ConversationPath>("/c/${id}/${id}").is_err());
        assert!(serde_yaml::from_str::<ConversationPath>("/c/${text}").is_err());
    }

    #[test]
    fn only_whole_ways_to_choose_a_model_are_taken() {
        let models = |text: &str| serde_yaml::from_str::<Models>(text);
        assert_eq!(models("names: [a]").unwrap(), Models::Names(vec!["a".to_owned()]));
        assert_eq!(models("select: '#m'").unwrap(), Models::Select("#m".to_owned()));
        assert!(matches!(models("{open: a, item: b}").unwrap(), Models::Menu(_)));
        for wrong in ["{}", "{names: [a], select: b}", "{open: a}", "{names: [a], current: b}", "names: ['']"]
        {
            assert!(models(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_conversation_begins_with_a_click_or_at_a_path() {
        let begin = |text: &str| serde_yaml::from_str::<NewConversation>(text);
        assert_eq!(begin("'#new'").unwrap(), NewConversation::Click("#new".to_owned()));
        assert_eq!(begin("goto: '/?m=${model}'").unwrap(), NewConversation::Goto("/?m=${model}".to_owned()));
        assert!(begin("goto: //elsewhere").is_err());
        assert!(begin("goto: '/${text}'").is_err());
        assert_eq!(goto_path("/?m=${model}", "a/b"), "/?m=a%2Fb");
    }
}

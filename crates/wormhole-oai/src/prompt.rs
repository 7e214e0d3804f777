//! From a conversation to the one text that is posted.
//!
//! Sites such as the first one ignore system messages, so everything travels in the text. What it looks like is the
//! templates' business; they are shipped inside the program and can be replaced file by file.

mod phrases;
mod reload;

use std::collections::HashMap;
use std::path::Path;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde::Serialize;
use serde_json::value::RawValue;
use wormhole_runtime::ConfigError;

use crate::chat::{Call, Chat, Message, Output, Part, Role, Tool, ToolChoice};
use phrases::Phrases;
pub(crate) use reload::{Prompts, watch};

/// The template that the others are included from.
const MAIN: &str = "prompt.j2";

/// The shipped templates by file name.
const SHIPPED: &[(&str, &str)] = &[
    (MAIN, include_str!("../templates/prompt.j2")),
    ("message.j2", include_str!("../templates/message.j2")),
    ("tools.j2", include_str!("../templates/tools.j2")),
    ("output.j2", include_str!("../templates/output.j2")),
];

/// Templates and phrases, read and tried once.
#[derive(Debug)]
pub(crate) struct Prompt {
    environment: Environment<'static>,
    /// [`Phrases`], as the templates see them: made once, since all of them go into every rendering.
    phrases: Value,
}

/// A template failed on a conversation that the trial at the start does not cover. Says where, never on what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template {name} failed at line {line}: {kind}")]
pub(crate) struct PromptError {
    name: String,
    line: usize,
    kind: minijinja::ErrorKind,
}

/// A conversation as the templates see it.
#[derive(Serialize)]
struct View<'a> {
    instructions: Vec<String>,
    tools: Vec<String>,
    choice: &'static str,
    named: Option<&'a str>,
    parallel: bool,
    turns: Vec<TurnView<'a>>,
    output: Option<OutputView>,
    phrases: &'a Value,
}

/// A message as the templates see it.
#[derive(Serialize)]
struct TurnView<'a> {
    role: &'static str,
    name: Option<&'a str>,
    text: String,
    calls: Vec<CallView<'a>>,
    answers: Option<&'a str>,
    failed: bool,
}

#[derive(Serialize)]
struct CallView<'a> {
    id: Option<&'a str>,
    name: &'a str,
    arguments: &'a str,
    /// The call in the form in which the model is to write calls.
    json: String,
}

#[derive(Serialize)]
struct OutputView {
    kind: &'static str,
    schema: Option<String>,
}

/// A tool or a call as the model reads it. Field by field, so that the name comes first.
#[derive(Serialize)]
struct Line<'a, T: Serialize> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<T>,
}

impl Prompt {
    /// The shipped ones, with those of the operator in their place.
    ///
    /// # Errors
    /// A file cannot be read, or a template fails on a conversation in which everything occurs.
    pub(crate) fn load(templates: Option<&Path>, phrases: Option<&Path>) -> Result<Self, ConfigError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_syntax(syntax());
        for &(name, shipped) in SHIPPED {
            let source = own(templates, name)?.unwrap_or_else(|| shipped.to_owned());
            environment.add_template_owned(name, source).map_err(|error| wrong_template(&located(&error)))?;
        }
        let prompt = Self { environment, phrases: Value::from(Serde(Phrases::load(phrases)?)) };
        for trial in trials() {
            prompt.render(&trial).map_err(|error| wrong_template(&error))?;
        }
        Ok(prompt)
    }

    /// The text to post.
    ///
    /// # Errors
    /// The operator's templates do not cover this conversation.
    pub(crate) fn render(&self, chat: &Chat) -> Result<String, PromptError> {
        let leading = chat.messages.iter().take_while(|message| message.role == Role::System).count();
        let (system, rest) = chat.messages.split_at(leading);
        let instructions: Vec<String> =
            system.iter().map(Message::text).filter(|text| !text.is_empty()).collect();
        let callers = called(rest);
        let turns: Vec<_> = rest.iter().map(|message| TurnView::of(message, &callers)).collect();
        let callable = if chat.tool_choice == ToolChoice::None { &[][..] } else { &chat.tools[..] };
        let (choice, named) = match &chat.tool_choice {
            ToolChoice::Auto | ToolChoice::None => ("auto", None),
            ToolChoice::Required => ("required", None),
            ToolChoice::Named(name) => ("required", Some(name.as_str())),
        };
        let view = View {
            instructions,
            tools: callable.iter().map(tool_line).collect(),
            choice,
            named,
            parallel: chat.parallel_calls,
            turns,
            output: OutputView::of(&chat.output),
            phrases: &self.phrases,
        };
        let template = self.environment.get_template(MAIN).map_err(|error| located(&error))?;
        template.render(Serde(view)).map_err(|error| located(&error))
    }
}

/// The names of the tools by the ids of their calls: most clients do not repeat them with the result.
fn called(messages: &[Message]) -> HashMap<&str, &str> {
    let calls = messages.iter().flat_map(|message| &message.calls);
    calls.filter_map(|call| Some((call.id.as_deref()?, call.name.as_str()))).collect()
}

fn tool_line(tool: &Tool) -> String {
    let (name, description) = (tool.name.as_str(), tool.description.as_deref());
    line(&Line { name, description, parameters: Some(&tool.parameters), arguments: None })
}

/// Arguments that are no JSON, as a client may have kept them, stand as text.
fn call_line(call: &Call) -> String {
    let of = |arguments| Line {
        name: &call.name,
        description: None,
        parameters: None,
        arguments: Some(arguments),
    };
    if let Ok(arguments) = serde_json::from_str::<&RawValue>(&call.arguments) {
        return line(&of(arguments));
    }
    line(&of(&serde_json::value::to_raw_value(&call.arguments).expect("a string is JSON")))
}

fn line<T: Serialize>(line: &Line<'_, T>) -> String {
    serde_json::to_string(line).expect("lines have string keys")
}

impl OutputView {
    fn of(output: &Output) -> Option<Self> {
        match output {
            Output::Text => None,
            Output::Json => Some(Self { kind: "json", schema: None }),
            Output::Schema { schema, .. } => Some(Self { kind: "schema", schema: Some(schema.to_string()) }),
        }
    }
}

impl<'a> TurnView<'a> {
    fn of(message: &'a Message, names: &HashMap<&'a str, &'a str>) -> Self {
        let call = |call: &'a Call| CallView {
            id: call.id.as_deref(),
            name: &call.name,
            arguments: &call.arguments,
            json: call_line(call),
        };
        let tool = message.answers.as_deref().and_then(|id| names.get(id).copied());
        Self {
            role: message.role.as_str(),
            name: message.name.as_deref().or(tool),
            failed: message.failed,
            text: message.text(),
            calls: message.calls.iter().map(call).collect(),
            answers: message.answers.as_deref(),
        }
    }
}

/// Tags on lines of their own leave no trace in the text.
fn syntax() -> SyntaxConfig {
    let built = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    built.expect("the default delimiters are valid")
}

/// The operator's file of this name, if there is one.
fn own(templates: Option<&Path>, name: &str) -> Result<Option<String>, ConfigError> {
    let Some(path) = templates.map(|folder| folder.join(name)) else { return Ok(None) };
    match std::fs::read_to_string(&path) {
        Ok(source) => Ok(Some(source)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && templates.is_some_and(Path::is_dir) => {
            Ok(None)
        }
        Err(error) => Err(ConfigError::new(
            "WORMHOLE_TEMPLATES",
            format!("cannot read {}: {}", path.display(), error.kind()),
        )),
    }
}

fn wrong_template(error: &PromptError) -> ConfigError {
    ConfigError::new("WORMHOLE_TEMPLATES", error.to_string())
}

/// minijinja's own text may quote values, so only its place and kind are kept. Errors in an included template are
/// wrapped in one of the including template: the innermost says the place that matters.
fn located(error: &minijinja::Error) -> PromptError {
    let mut innermost = error;
    while let Some(inner) = std::error::Error::source(innermost).and_then(|inner| inner.downcast_ref()) {
        innermost = inner;
    }
    PromptError {
        name: innermost.name().unwrap_or("?").to_owned(),
        line: innermost.line().unwrap_or(0),
        kind: innermost.kind(),
    }
}

/// Conversations in which everything occurs that a template can meet.
fn trials() -> [Chat; 4] {
    let message = |role| Message::new(role, vec![Part::Text("x".to_owned())]);
    let call = |id| Call { id, name: "f".to_owned(), arguments: "{}".to_owned() };
    let mut called = message(Role::Assistant);
    called.calls = vec![call(Some("1".to_owned())), call(None)];
    let mut result = message(Role::Tool);
    result.name = Some("f".to_owned());
    result.answers = Some("1".to_owned());
    let all = vec![
        message(Role::System),
        message(Role::User),
        called,
        result,
        message(Role::System),
        message(Role::User),
    ];
    let tools = vec![Tool::new("f".to_owned(), None, None)];
    let schema = Output::Schema { name: "s".to_owned(), schema: true.into() };
    let (required, named) = (ToolChoice::Required, ToolChoice::Named("f".to_owned()));
    [
        Chat { messages: vec![message(Role::User)], ..Chat::default() },
        Chat { messages: all.clone(), output: Output::Json, ..Chat::default() },
        Chat { messages: all.clone(), tools: tools.clone(), tool_choice: required, ..Chat::default() },
        Chat {
            messages: all,
            tools,
            tool_choice: named,
            parallel_calls: false,
            output: schema,
            ..Chat::default()
        },
    ]
}

#[cfg(test)]
mod tests;

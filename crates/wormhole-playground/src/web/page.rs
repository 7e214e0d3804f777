//! The pages. Templates are files under `assets/`; values are escaped when they are filled in.

use axum::response::Html;
use axum::response::IntoResponse;
use axum::response::Response;

use crate::switches::Era;
use crate::switches::Switches;

const CHAT: &str = include_str!("../../assets/chat.html");
const LOGIN: &str = include_str!("../../assets/login.html");
const CODE: &str = include_str!("../../assets/code.html");
const CAPTCHA: &str = include_str!("../../assets/captcha.html");
const MESSAGE: &str = include_str!("../../assets/message.html");
const TEXTAREA: &str =
    r#"<textarea id="{{entry}}" class="entry" rows="1" placeholder="Write a message…" autofocus></textarea>"#;
const EDITABLE: &str =
    r#"<div id="{{entry}}" class="entry" contenteditable="true" role="textbox" aria-multiline="true"></div>"#;

/// The login form; `then` is where it leads.
pub(crate) fn login(then: &str, problem: Option<&str>) -> Response {
    form(LOGIN, then, problem)
}

/// The form for a one-time code.
pub(crate) fn code(then: &str, problem: Option<&str>) -> Response {
    form(CODE, then, problem)
}

/// The page that asks for a person.
pub(crate) fn captcha(then: &str) -> Response {
    form(CAPTCHA, then, None)
}

/// The chat page.
pub(crate) fn chat(switches: &Switches, email: &str) -> Response {
    let era = switches.era;
    // The redesign that breaks whoever looks for the composer by its id.
    let entry = if switches.redesign { "prompt" } else { "text" };
    let composer = if switches.editable_composer { EDITABLE } else { TEXTAREA };
    let models = match era {
        Era::Newer => "playground-models",
        Era::Older => "models",
    };
    let pace = switches.render_pace_ms.to_string();
    let template = CHAT.replace("{{composer}}", composer);
    let values =
        [("home", era.home()), ("models", models), ("email", email), ("entry", entry), ("pace", &pace)];
    fill(&template, &values)
}

/// A page that says something.
pub(crate) fn message(title: &str, text: &str) -> Response {
    fill(MESSAGE, &[("title", title), ("text", text)])
}

fn form(template: &str, then: &str, problem: Option<&str>) -> Response {
    // An empty alert is left out, or a screen reader (and a test) would find an error where there is none.
    let alert = problem.map_or("", |_| r#"<p class="alert" role="alert">{{problem}}</p>"#);
    let template = template.replace("{{alert}}", alert);
    fill(&template, &[("then", then), ("problem", problem.unwrap_or_default())])
}

fn fill(template: &str, values: &[(&str, &str)]) -> Response {
    let mut page = template.to_owned();
    for (name, value) in values {
        page = page.replace(&format!("{{{{{name}}}}}"), &escape(value));
    }
    Html(page).into_response()
}

/// Makes text safe in HTML and in quoted attributes. Braces too, so that no value is taken for a place to fill.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '{' => safe.push_str("&#123;"),
            _ => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_break_out() {
        assert_eq!(escape(r#"<b a="{{then}}">'&"#), "&lt;b a=&quot;&#123;&#123;then}}&quot;&gt;&#39;&amp;");
    }
}

//! The chat page; a browser that is not logged in is sent to the login page.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::Uri;
use axum::response::IntoResponse;
use axum::response::Response;

use super::Browser;
use super::LOGIN;
use super::browser::encode;
use super::login::found;
use super::page;
use crate::api::Met;
use crate::app::App;
use crate::fault::Call;

pub(super) async fn home(State(app): State<Arc<App>>, browser: Browser) -> Response {
    let home = app.switches().era.home();
    if browser.session(&app).is_none() { to_login(home) } else { found(home) }
}

/// `/chat` and `/expert`: one is the page, the other leads to it.
pub(super) async fn show(State(app): State<Arc<App>>, uri: Uri, browser: Browser) -> Response {
    let home = app.switches().era.home();
    match browser.session(&app) {
        None => to_login(uri.path()),
        Some(_) if uri.path() != home => found(home),
        Some(token) => open(&app, &browser, &token).await,
    }
}

/// `/conversation/{id}`: the same page; its script reads the conversation.
pub(super) async fn show_one(State(app): State<Arc<App>>, uri: Uri, browser: Browser) -> Response {
    match browser.session(&app) {
        None => to_login(uri.path()),
        Some(token) => open(&app, &browser, &token).await,
    }
}

async fn open(app: &Arc<App>, browser: &Browser, token: &str) -> Response {
    if let Some(wrong) = (Met { app, browser }).answer(Call::Page).await {
        return wrong;
    }
    app.observed.note(|seen| seen.chat_pages += 1);
    let mut headers = HeaderMap::new();
    if browser.csrf_is_stale(token) {
        browser.give_csrf(app, token, &mut headers);
    }
    (headers, page::chat(&app.switches(), &app.config.email)).into_response()
}

fn to_login(then: &str) -> Response {
    found(&format!("{LOGIN}?redirect_url={}&clear=1", encode(then)))
}

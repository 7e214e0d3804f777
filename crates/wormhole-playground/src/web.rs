//! The site as a browser meets it: pages, login, static files, headers; and all routes together.

mod assets;
mod browser;
mod chat;
mod control;
mod headers;
mod login;
pub(crate) mod page;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::get;
use axum::routing::post;

use crate::api;
use crate::app::App;

pub(crate) use browser::Browser;

/// The login page's path.
pub(crate) const LOGIN: &str = "/en/expert/login";

/// Every route of the site.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let pages = Router::new()
        .route("/", get(chat::home))
        .route("/chat", get(chat::show))
        .route("/expert", get(chat::show))
        .route("/conversation/{id}", get(chat::show_one))
        .route(LOGIN, get(login::show).post(login::submit))
        .route("/en/expert/login/verify", get(login::show_code).post(login::submit_code))
        .route("/en/expert/login/captcha", post(login::pass_captcha))
        .route("/en/expert/logout", post(login::logout))
        .route("/assets/{file}", get(assets::serve))
        .route("/healthz", get(|| async { "ok\n" }))
        .nest("/internal/experts/assistant", api::router())
        .fallback(|| async { (StatusCode::NOT_FOUND, page::message("Not found", "There is no page here.")) });
    control::routes(app, pages)
        .layer(DefaultBodyLimit::max(app.config.limits.body_bytes))
        .layer(middleware::map_response_with_state(Arc::clone(app), headers::add))
        .with_state(Arc::clone(app))
}

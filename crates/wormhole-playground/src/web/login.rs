//! Logging in: a form, and where switched on a captcha before it and a one-time code after it.

use std::sync::Arc;

use axum::Form;
use axum::extract::FromRequest;
use axum::extract::Query;
use axum::extract::Request;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::Browser;
use super::LOGIN;
use super::browser::encode;
use super::page;
use crate::api::Met;
use crate::app::App;
use crate::fault::Call;
use crate::sessions::Ticket;

/// The login page's query, and every form's fields; what a form lacks is empty.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Fields {
    redirect_url: String,
    clear: String,
    email: String,
    password: String,
    code: String,
    person: String,
}

impl Fields {
    /// Where a finished login leads: a path of this site, nothing else.
    fn then<'a>(&'a self, app: &App) -> &'a str {
        let path = self.redirect_url.as_str();
        let local = path.starts_with('/') && !path.starts_with("//") && path.len() <= 2_048;
        let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if local && plain { path } else { app.switches().era.home() }
    }
}

/// A form whose target is taken from the query if the form does not say.
pub(super) struct Posted(Fields);

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let query = Query::<Fields>::try_from_uri(request.uri()).ok().map(|Query(query)| query);
        let form = Form::<Fields>::from_request(request, state).await;
        let Form(mut form) = form.map_err(|wrong| {
            let page = page::message("This did not work", &wrong.body_text());
            (wrong.status(), page).into_response()
        })?;
        if form.redirect_url.is_empty() {
            form.redirect_url = query.unwrap_or_default().redirect_url;
        }
        Ok(Self(form))
    }
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    browser: Browser,
    query: Result<Query<Fields>, QueryRejection>,
) -> Response {
    let query = query.map_or_else(|_| Fields::default(), |Query(query)| query);
    let mut headers = HeaderMap::new();
    if browser.session(&app).is_some() {
        if query.clear != "1" {
            return found(query.then(&app));
        }
        browser.session_id().inspect(|id| app.with_sessions(|sessions| sessions.end(id)));
        browser.end(&mut headers);
    }
    (headers, form(&app, &browser, query.then(&app), None)).into_response()
}

pub(super) async fn submit(State(app): State<Arc<App>>, browser: Browser, Posted(form): Posted) -> Response {
    if let Some(wrong) = (Met { app: &app, browser: &browser }).answer(Call::Login).await {
        return wrong;
    }
    let then = form.then(&app);
    if !person(&app, &browser) {
        return self::form(&app, &browser, then, None);
    }
    let right = same(&form.email, &app.config.email) & same(&form.password, &app.config.password);
    if !right {
        app.observed.note(|seen| seen.logins_failed += 1);
        let page = self::form(&app, &browser, then, Some("E-mail address or password is not right."));
        return (StatusCode::UNAUTHORIZED, page).into_response();
    }
    app.observed.note(|seen| seen.logins_ok += 1);
    if app.switches().one_time_code {
        let mut headers = HeaderMap::new();
        let ticket = app.with_sessions(|sessions| sessions.give_ticket(Ticket::Code));
        browser.give_ticket(&ticket, &mut headers);
        return (headers, see(&format!("{LOGIN}/verify?redirect_url={}", encode(then)))).into_response();
    }
    begin(&app, &browser, then)
}

pub(super) async fn show_code(
    State(app): State<Arc<App>>,
    browser: Browser,
    query: Result<Query<Fields>, QueryRejection>,
) -> Response {
    let query = query.map_or_else(|_| Fields::default(), |Query(query)| query);
    if !holds(&app, &browser, Ticket::Code) {
        return found(LOGIN);
    }
    app.observed.note(|seen| seen.login_pages += 1);
    page::code(query.then(&app), None)
}

pub(super) async fn submit_code(
    State(app): State<Arc<App>>,
    browser: Browser,
    Posted(form): Posted,
) -> Response {
    if !holds(&app, &browser, Ticket::Code) {
        app.observed.note(|seen| seen.codes_failed += 1);
        return see(LOGIN);
    }
    if !same(form.code.trim(), &app.config.code) {
        app.observed.note(|seen| seen.codes_failed += 1);
        let page = page::code(form.then(&app), Some("This code is not right. Try again."));
        return (StatusCode::UNAUTHORIZED, page).into_response();
    }
    app.observed.note(|seen| seen.codes_ok += 1);
    begin(&app, &browser, form.then(&app))
}

pub(super) async fn pass_captcha(
    State(app): State<Arc<App>>,
    browser: Browser,
    Posted(form): Posted,
) -> Response {
    let mut headers = HeaderMap::new();
    if !form.person.is_empty() {
        app.observed.note(|seen| seen.captchas_passed += 1);
        let ticket = app.with_sessions(|sessions| sessions.give_ticket(Ticket::Person));
        browser.give_ticket(&ticket, &mut headers);
    }
    (headers, see(&format!("{LOGIN}?redirect_url={}", encode(form.then(&app))))).into_response()
}

pub(super) async fn logout(State(app): State<Arc<App>>, browser: Browser) -> Response {
    let mut headers = HeaderMap::new();
    browser.session_id().inspect(|id| app.with_sessions(|sessions| sessions.end(id)));
    browser.end(&mut headers);
    (headers, see(LOGIN)).into_response()
}

/// 302, for a browser that asked for a page.
pub(super) fn found(to: &str) -> Response {
    redirect(StatusCode::FOUND, to)
}

/// 303, for a browser that posted a form.
fn see(to: &str) -> Response {
    redirect(StatusCode::SEE_OTHER, to)
}

fn redirect(status: StatusCode, to: &str) -> Response {
    let to = HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/"));
    (status, [(LOCATION, to)]).into_response()
}

/// The login form, or the captcha that stands before it.
fn form(app: &App, browser: &Browser, then: &str, problem: Option<&str>) -> Response {
    app.observed.note(|seen| seen.login_pages += 1);
    if person(app, browser) { page::login(then, problem) } else { page::captcha(then) }
}

fn person(app: &App, browser: &Browser) -> bool {
    !app.switches().captcha || holds(app, browser, Ticket::Person)
}

fn holds(app: &App, browser: &Browser, ticket: Ticket) -> bool {
    let id = browser.ticket();
    id.is_some_and(|id| app.with_sessions(|sessions| sessions.holds_ticket(ticket, id)))
}

fn begin(app: &App, browser: &Browser, then: &str) -> Response {
    let mut headers = HeaderMap::new();
    browser.ticket().inspect(|id| app.with_sessions(|sessions| sessions.spend_ticket(id)));
    browser.begin(app, &mut headers);
    (headers, see(then)).into_response()
}

fn same(given: &str, wanted: &str) -> bool {
    given.as_bytes().ct_eq(wanted.as_bytes()).into()
}

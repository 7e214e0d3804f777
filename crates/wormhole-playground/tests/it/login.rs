//! Logging in, and what a browser that is not logged in gets to see.

use wormhole_playground::Config;
use wormhole_playground::Era;
use wormhole_playground::Switches;

use crate::site::Browser;
use crate::site::logged_in;
use crate::site::quick;
use crate::site::start;

const RIGHT: &str = "email=demo%40example.test&password=practice";

fn leads_to(response: &reqwest::Response) -> &str {
    response.headers()["location"].to_str().unwrap()
}

#[tokio::test]
async fn a_logged_out_browser_is_sent_to_the_login_page_and_back() {
    let site = start(quick()).await;
    let mut browser = Browser::new(&site.origin);
    for (path, then) in [
        ("/chat", "%2Fchat"),
        ("/", "%2Fchat"),
        ("/expert", "%2Fexpert"),
        ("/conversation/0123456789abcdef01234567", "%2Fconversation%2F0123456789abcdef01234567"),
    ] {
        let sent = browser.get(path).await;
        assert_eq!(sent.status(), 302);
        assert_eq!(leads_to(&sent), format!("/en/expert/login?redirect_url={then}&clear=1"));
    }
    let page = browser.get("/en/expert/login?redirect_url=%2Fchat&clear=1").await.text().await.unwrap();
    for part in [r#"type="email""#, r#"type="password""#, r#"<button type="submit""#, r#"value="/chat""#] {
        assert!(page.contains(part), "the login page lacks {part}");
    }
    assert!(!page.contains("role=\"alert\""));
    let sent =
        browser.submit("/en/expert/login", &format!("{RIGHT}&redirect_url=%2Fconversation%2Fab")).await;
    assert_eq!((sent.status().as_u16(), leads_to(&sent)), (303, "/conversation/ab"));
    let page = browser.get("/chat").await;
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains(r#"data-models="playground-models""#));
}

#[tokio::test]
async fn a_wrong_password_shows_an_error_and_gives_no_session() {
    let site = start(quick()).await;
    let mut browser = Browser::new(&site.origin);
    let answer = browser.submit("/en/expert/login", "email=demo%40example.test&password=wrong").await;
    assert_eq!(answer.status(), 401);
    assert!(answer.text().await.unwrap().contains(r#"role="alert""#));
    assert_eq!(browser.cookie("_session"), None);
    let seen = site.control.snapshot();
    assert_eq!((seen.logins_ok, seen.logins_failed, seen.sessions), (0, 1, 0));
}

#[tokio::test]
async fn a_login_leads_to_local_paths_only() {
    let site = start(quick()).await;
    let mut browser = Browser::new(&site.origin);
    for evil in ["https%3A%2F%2Fevil.test", "%2F%2Fevil.test", "%2F%5Cevil.test", "%2Fa%0d%0aX%3A1", "evil"] {
        let sent = browser.submit("/en/expert/login", &format!("{RIGHT}&redirect_url={evil}")).await;
        assert_eq!(leads_to(&sent), "/chat", "{evil}");
    }
    site.control.switch(|switches| switches.era = Era::Older);
    let sent = browser.submit("/en/expert/login", RIGHT).await;
    assert_eq!(leads_to(&sent), "/expert");
}

#[tokio::test]
async fn cookies_are_as_scripts_and_browsers_need_them() {
    let site = start(quick()).await;
    let mut browser = Browser::new(&site.origin);
    let sent = browser.submit("/en/expert/login", RIGHT).await;
    let cookies: Vec<_> =
        sent.headers().get_all("set-cookie").iter().map(|it| it.to_str().unwrap()).collect();
    let of = |name: &str| *cookies.iter().find(|cookie| cookie.starts_with(name)).unwrap();
    assert!(of("_session=").ends_with("; Path=/; SameSite=Lax; HttpOnly"));
    assert!(of("_csrf=").ends_with("; Path=/; SameSite=Lax"));
    assert!(of("_csrf=").contains("%2B") && of("_csrf=").contains("%3D"));

    site.control.switch(|switches| switches.session_max_age_s = Some(3_600));
    let sent = browser.submit("/en/expert/login", RIGHT).await;
    let session = sent.headers().get_all("set-cookie").iter().next().unwrap().to_str().unwrap();
    assert!(session.ends_with("; HttpOnly; Max-Age=3600"));
}

#[tokio::test]
async fn every_page_has_the_strict_policy_and_nothing_inline() {
    let (site, mut browser) = logged_in().await;
    let mut stranger = Browser::new(&site.origin);
    for page in
        [browser.get("/chat").await, stranger.get("/en/expert/login").await, stranger.get("/none").await]
    {
        let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
        for part in ["default-src 'self'", "connect-src 'self'", "require-trusted-types-for 'script'"] {
            assert!(policy.contains(part));
        }
        let text = page.text().await.unwrap();
        assert!(!text.contains("<style") && !text.contains(" style=") && !text.contains("{{"));
        assert_eq!(text.matches("<script").count(), text.matches("type=\"module\"></script>").count());
    }
}

#[tokio::test]
async fn a_one_time_code_stands_between_the_password_and_the_session() {
    let site = start(quick()).await;
    site.control.switch(|switches| switches.one_time_code = true);
    let mut browser = Browser::new(&site.origin);
    let sent = browser.submit("/en/expert/login", RIGHT).await;
    assert_eq!(leads_to(&sent), "/en/expert/login/verify?redirect_url=%2Fchat");
    assert_eq!(browser.cookie("_session"), None);
    let page = browser.get("/en/expert/login/verify?redirect_url=%2Fchat").await.text().await.unwrap();
    assert!(page.contains(r#"autocomplete="one-time-code""#));
    let wrong = browser.submit("/en/expert/login/verify", "code=1").await;
    assert!(wrong.text().await.unwrap().contains(r#"role="alert""#));
    let sent = browser.submit("/en/expert/login/verify", "code=424242&redirect_url=%2Fchat").await;
    assert_eq!((sent.status().as_u16(), leads_to(&sent)), (303, "/chat"));
    assert!(browser.cookie("_session").is_some());
    let seen = site.control.snapshot();
    assert_eq!((seen.codes_ok, seen.codes_failed), (1, 1));
    // Whoever did not give the password cannot give a code.
    let sent = Browser::new(&site.origin).submit("/en/expert/login/verify", "code=424242").await;
    assert_eq!(leads_to(&sent), "/en/expert/login");
}

#[tokio::test]
async fn a_captcha_stands_before_the_form_until_a_person_passes_it() {
    let site = start(quick()).await;
    site.control.switch(|switches| switches.captcha = true);
    let mut browser = Browser::new(&site.origin);
    let page = browser.get("/en/expert/login").await.text().await.unwrap();
    assert!(page.contains("captcha") && !page.contains(r#"type="password""#));
    browser.submit("/en/expert/login", RIGHT).await;
    assert_eq!(browser.cookie("_session"), None);
    browser.submit("/en/expert/login/captcha", "person=yes").await;
    let page = browser.get("/en/expert/login").await.text().await.unwrap();
    assert!(page.contains(r#"type="password""#));
    browser.login().await;
    let picture = browser.get("/assets/captcha.svg").await;
    assert!(
        picture.headers()["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'self'")
    );
}

#[tokio::test]
async fn logging_out_and_clearing_end_the_session() {
    let (site, mut browser) = logged_in().await;
    let sent = browser.get("/en/expert/login?redirect_url=%2Fchat").await;
    assert_eq!((sent.status().as_u16(), leads_to(&sent)), (302, "/chat"));
    assert_eq!(browser.get("/en/expert/login?clear=1").await.status(), 200);
    assert_eq!(browser.get("/chat").await.status(), 302);
    browser.login().await;
    browser.submit("/en/expert/logout", "").await;
    assert_eq!((browser.cookie("_session"), site.control.snapshot().sessions), (None, 0));
}

#[tokio::test]
async fn the_older_era_has_its_own_chat_page() {
    let config = Config { switches: Switches { era: Era::Older, ..quick().switches }, ..quick() };
    let site = start(config).await;
    let mut browser = Browser::new(&site.origin);
    browser.login().await;
    let page = browser.get("/expert").await.text().await.unwrap();
    assert!(page.contains(r#"data-models="models""#));
    assert_eq!(leads_to(&browser.get("/chat").await), "/expert");
}

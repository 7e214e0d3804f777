use super::*;

fn origin(browsers: &Browsers, origin: &str) -> bool {
    let headers = HeaderMap::from_iter([(ORIGIN, origin.parse().unwrap())]);
    browsers.check_origin(&headers).is_ok()
}

fn host(browsers: &Browsers, host: &str, listen: &str) -> bool {
    let request = http::Request::builder().uri("/").header(HOST, host).body(()).unwrap();
    browsers.check_host(&request, listen.parse().unwrap()).is_ok()
}

#[test]
fn pages_of_this_machine_may_call_and_no_others() {
    let browsers = Browsers::default();
    assert!(browsers.check_origin(&HeaderMap::new()).unwrap().is_none());
    for own in [
        "http://localhost",
        "http://localhost:3000",
        "https://127.0.0.1:8443",
        "http://127.8.9.1",
        "http://[::1]:1",
        "http://app.localhost",
        "tauri://localhost",
    ] {
        assert!(origin(&browsers, own), "{own}");
    }
    for foreign in [
        "https://example.org",
        "null",
        "",
        "http://localhost.example.org",
        "http://127.0.0.1.example.org",
        "http://192.168.1.2",
        "file://",
        "http://notlocalhost",
    ] {
        assert!(!origin(&browsers, foreign), "{foreign}");
    }
}

#[test]
fn the_setting_names_pages_schemes_or_everybody() {
    let browsers = Browsers::parse("https://Chat.example.org, app://*", "").unwrap();
    for (given, expected) in [
        ("https://chat.example.org", true),
        ("https://chat.example.org:8443", false),
        ("http://chat.example.org", false),
        ("app://anything", true),
        ("application://x", false),
    ] {
        assert_eq!(origin(&browsers, given), expected, "{given}");
    }
    assert!(origin(&Browsers::parse("*", "").unwrap(), "null"));
}

#[test]
fn on_loopback_only_names_that_nobody_can_own() {
    let (browsers, loopback) = (Browsers::default(), "127.0.0.1:11434");
    for own in [
        "localhost",
        "localhost:11434",
        "127.0.0.1:1",
        "[::1]:1",
        "192.168.1.2",
        "LOCALHOST",
        "host.docker.internal:11434",
        "a.localhost",
    ] {
        assert!(host(&browsers, own, loopback), "{own}");
    }
    for foreign in ["example.org", "example.org:11434", "localhost.example.org", "127.0.0.1.example.org", "?"]
    {
        assert!(!host(&browsers, foreign, loopback), "{foreign}");
    }
    assert!(host(&browsers, "example.org", "0.0.0.0:11434"), "names are not looked at there");
    let browsers = Browsers::parse("", "api.example.org, .example.net").unwrap();
    for (given, expected) in
        [("api.example.org:1", true), ("a.example.net", true), ("example.org", false), ("localhost", true)]
    {
        assert_eq!(host(&browsers, given, loopback), expected, "{given}");
        assert_eq!(host(&browsers, given, "0.0.0.0:1"), expected, "{given}");
    }
    assert!(host(&Browsers::parse("", "*").unwrap(), "example.org", loopback));
}

#[test]
fn a_bad_entry_names_its_variable() {
    for (origins, hosts, variable) in [
        ("example.org", "", "WORMHOLE_CORS_ORIGINS"),
        ("https://example.org/path", "", "WORMHOLE_CORS_ORIGINS"),
        ("", "http://example.org", "WORMHOLE_ALLOWED_HOSTS"),
        ("", "example.org:80", "WORMHOLE_ALLOWED_HOSTS"),
    ] {
        assert!(Browsers::parse(origins, hosts).unwrap_err().to_string().starts_with(variable));
    }
}

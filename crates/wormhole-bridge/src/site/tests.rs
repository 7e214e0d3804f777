use serde_json::json;

use super::*;

fn outlier() -> Profile {
    Profile::shipped("outlier").unwrap().unwrap()
}

fn api(profile: &Profile) -> &Api {
    profile.api().expect("a profile of the api driver")
}

fn text() -> String {
    SHIPPED[0].1.to_owned()
}

/// Reads the shipped profile with one text replaced by another, and gives the error back.
#[track_caller]
fn broken(from: &str, to: &str) -> String {
    let text = text();
    assert!(text.contains(from), "{from:?} does not stand in the profile");
    Profile::parse("mine.yaml", &text.replacen(from, to, 1)).expect_err("must not be taken").to_string()
}

#[track_caller]
fn check(from: &str, to: &str, field: &str, what: &str) {
    let line = text()[..text().find(from).unwrap_or_default()].matches('\n').count() + 1;
    let error = broken(from, to);
    let start = format!("site profile mine.yaml, line {line}, field {field}: ");
    assert!(error.starts_with(&start), "{error}\nnot at {start}");
    assert!(error.contains(what), "{error}");
}

#[test]
fn shipped_profiles_are_whole() {
    for (name, _) in SHIPPED {
        let profile = Profile::load(name).unwrap();
        assert_eq!(profile.name, name);
        if let Some(api) = profile.api() {
            assert!(api.calls.create.is_some() && api.calls.delete.is_some());
        }
    }
    assert_eq!(outlier().start_url().as_str(), "https://playground.outlier.ai/chat");
    assert_eq!(
        outlier().login_url().as_str(),
        "https://app.outlier.ai/en/expert/login?redirect_url=%2Fexpert&clear=1"
    );
    assert_eq!(outlier().origins().len(), 2);
    let older = Profile::load("outlier-expert").unwrap();
    assert_eq!(older.start_url().as_str(), "https://app.outlier.ai/expert");
    assert_eq!(older.origins().len(), 1);
}

#[test]
fn the_turn_of_the_newer_era_is_as_the_facts_say() {
    let values =
        Values { text: "hi", model: "m", model_id: "a1", conversation: "c1", parent: 2, images: &[] };
    let turn = api(&outlier()).calls.turn.clone();
    assert_eq!(values.path(&turn.path), "/internal/experts/assistant/conversations/c1/turn-streaming");
    let body = json!({
        "prompt": {
            "model": "m", "modelId": "a1", "turnType": "Text", "turnMode": "Normal", "text": "hi", "images": [], "files": [],
            "modelWasSwitched": false, "isMysteryModel": false, "systemMessage": "",
        },
        "model": "m", "modelId": "a1", "turnMode": "Normal", "turnType": "Text", "isMysteryModel": false, "systemMessage": "",
        "parentIdx": 2,
    });
    assert_eq!(values.body(&turn.body.unwrap()), body);
}

#[test]
fn creating_in_the_older_era_takes_prompt_and_model_alone() {
    let values = Values { text: "hi", model: "m", ..Values::default() };
    let create = api(&Profile::load("outlier-expert").unwrap()).calls.create.clone().unwrap();
    assert_eq!(
        values.body(&create.request.body.unwrap()),
        json!({"prompt": {"text": "hi", "images": []}, "model": "m"})
    );
}

#[test]
fn the_practice_site_is_the_newer_era_with_images() {
    let (ours, theirs) = (Profile::load("playground").unwrap(), outlier());
    let images = [json!("data:image/png;base64,AA==")];
    let values = Values { text: "hi", parent: 2, images: &images, ..Values::default() };
    let bodies = |profile: &Profile| {
        let create = api(profile).calls.create.as_ref().unwrap().request.body.clone().unwrap();
        let turn = api(profile).calls.turn.body.clone().unwrap();
        (values.body(&create), values.body(&turn))
    };
    let (create, turn) = bodies(&ours);
    assert_eq!(
        (create["prompt"]["images"].clone(), turn["prompt"]["images"].clone()),
        (json!(images), json!(images))
    );
    assert_eq!((create, turn), bodies(&theirs));
    assert_eq!(api(&ours).calls.turn.path, api(&theirs).calls.turn.path);
    assert!(api(&ours).images.is_some() && api(&theirs).images.is_none());
}

#[test]
fn an_error_in_how_images_travel_names_line_and_field() {
    let shipped = SHIPPED[2].1;
    let check = |from: &str, to: &str, field: &str, what: &str| {
        assert!(shipped.contains(from), "{from:?} does not stand in the profile");
        let error =
            Profile::parse("p", &shipped.replace(from, to)).expect_err("must not be taken").to_string();
        let line = shipped[..shipped.find(from).unwrap_or_default()].matches('\n').count() + 1;
        let start = format!("site profile p, line {line}, field {field}: ");
        assert!(error.starts_with(&start) && error.contains(what), "{error}\nnot at {start}");
    };
    check(
        "  item: 'data:${media_type};base64,${base64}'",
        "  item: [x]",
        "images.item",
        "nothing without ${base64}",
    );
    check("  item: 'data:${media_type}", "  item: '${text}", "images.item", "unknown placeholder ${text}");
    check(
        "  media_types: [image/png,",
        "  media_types: [text/plain,",
        "images.media_types",
        "image/png, in small",
    );
    check("  most: 4", "  most: 0", "images.most", "1 to 64 images");
    check("  max_bytes: 1048576", "  max_bytes: 0", "images.max_bytes", "a limit of 0");
    let create = "      body:\n        prompt: { text: '${text}', images: '";
    check(
        create,
        &create.replace("'${text}'", "'${images}!'"),
        "calls.create.request.body",
        "the whole text",
    );
    check("start: /chat", "start: /${images}", "start", "unknown placeholder ${images}");
    let nowhere = shipped.replace("'${images}'", "[]");
    assert_eq!(
        Profile::parse("p", &nowhere).unwrap_err().to_string(),
        "site profile p, field images: calls.turn.body does not say where they go: '${images}'"
    );
}

#[test]
fn another_origin_moves_the_login_too() {
    let profile = outlier().at("http://127.0.0.1:9000".parse().unwrap()).unwrap();
    assert_eq!(profile.start_url().as_str(), "http://127.0.0.1:9000/chat");
    assert_eq!(profile.login_url().host_str(), Some("127.0.0.1"));
    assert_eq!(profile.origins().len(), 1);
    let error = outlier().at("http://example.com".parse().unwrap()).unwrap_err().to_string();
    assert_eq!(
        error,
        "http://example.com/ cannot be the site's origin: http:// is only for this machine and private networks; use https://"
    );
}

#[test]
fn an_error_names_line_and_field() {
    check(
        "  capacity: 2",
        "  capacity: many",
        "account.capacity",
        "invalid type: string \"many\", expected u32",
    );
    check("  capacity: 2", "  capacity: 0", "account.capacity", "a capacity is 1 to 64");
    check("gap: 1s", "gap: 1", "account.gap", "no duration such as 1s");
    check("deadline: 30s", "deadline: 0s", "login.deadline", "a wait of 0");
    check("path: /en/expert", "path: //evil.example/", "login.path", "a path starts with one /");
    check(
        "  password: ['input[type=\"password\"]']",
        "  password: []",
        "login.password",
        "at least one is needed",
    );
    check("submit: ['button", "submit: [' ', 'button", "login.submit", "an empty text");
    check("https://playground.outlier.ai\n", "ftp://x\n", "origin", "an origin starts with https://");
    check("https://playground.outlier.ai\n", "https://u:p@x/\n", "origin", "no credentials");
    check(
        "extra_origins: [https://app.outlier.ai]",
        "extra_origins: [https://x/y]",
        "extra_origins[0]",
        "no path",
    );
    check("statuses: [401]", "statuses: [200]", "logged_out.statuses[0]", "400 to 599");
    check("name: outlier\n", "name: Out/lier\n", "name", "a name is made of");
    check("      method: GET", "      method: BREW", "calls.models.request.method", "unknown variant `BREW`");
    check(
        "      body:\n        prompt: { text: '${text}'",
        "      body:\n        prompt: { text: '${prompt}'",
        "calls.create.request.body",
        "unknown placeholder ${prompt}",
    );
    check("  decode: true", "  decoded: true", "csrf.decoded", "unknown field `decoded`");
}

#[test]
fn yaml_that_is_none_names_its_line() {
    let error = Profile::parse("mine.yaml", "name: x\norigin: [\n").unwrap_err().to_string();
    assert!(error.starts_with("site profile mine.yaml, line "), "{error}");
}

#[test]
fn a_missing_field_is_named() {
    assert!(broken("\nstart: /chat\n", "\n").contains("missing field `start`"));
}

#[test]
fn fields_that_do_not_go_together_are_found() {
    let error = broken("/conversations/${conversation}\n\n", "/conversations\n\n");
    assert_eq!(error, "site profile mine.yaml, field calls.delete: the path must hold ${conversation}");
    assert!(broken("  idle: 90s", "  idle: 90h").contains("timeouts.idle"));
}

#[test]
fn a_name_that_is_no_profile_lists_those_there_are() {
    let error = Profile::load("outlyer").unwrap_err().to_string();
    assert_eq!(
        error,
        "no site profile is called \"outlyer\": shipped are outlier, outlier-expert, playground, playground-dom, gradio, chainlit; or give the path of a YAML file"
    );
    assert!(
        Profile::load("./nowhere.yaml").unwrap_err().to_string().starts_with("cannot read the site profile")
    );
}

#[test]
fn a_page_without_a_session_is_known_by_its_path() {
    let at = |path: &str| {
        outlier().is_logged_out(&"https://playground.outlier.ai".parse::<Url>().unwrap().join(path).unwrap())
    };
    assert!(at("/en/expert/login?redirect_url=%2Fchat"));
    assert!(!at("/chat?from=/login"));
}

fn dom_text() -> String {
    Profile::shipped_text("playground-dom").unwrap().to_owned()
}

/// Reads the shipped dom profile with one text replaced by another, and gives the error back.
#[track_caller]
fn broken_dom(from: &str, to: &str) -> String {
    assert!(dom_text().contains(from), "{from:?} does not stand in the profile");
    Profile::parse("d.yaml", &dom_text().replacen(from, to, 1)).expect_err("must not be taken").to_string()
}

#[test]
fn an_error_in_a_dom_profile_names_line_and_field() {
    let check = |from: &str, to: &str, field: &str, what: &str| {
        let line = dom_text()[..dom_text().find(from).unwrap_or_default()].matches('\n').count() + 1;
        let error = broken_dom(from, to);
        let start = format!("site profile d.yaml, line {line}, field {field}: ");
        assert!(error.starts_with(&start) && error.contains(what), "{error}\nnot at {start}");
    };
    check("  composer: '#text'", "  composer: ' '", "dom.composer", "an empty text");
    check("  composer: '#text'", "  componist: '#text'", "dom.componist", "unknown field");
    check("  conversation: /conversation/${id}", "  conversation: /c", "dom.conversation", "must hold ${id}");
    check("  models: { select: '#model' }", "  models: { open: x }", "dom.models", "wants one of");
    check(
        "  new_conversation: '#new'",
        "  new_conversation: { go: x }",
        "dom.new_conversation",
        "neither a selector nor { goto: /path }",
    );
    check("  error: ['#problem']", "  settle: 0s", "dom.settle", "a wait of 0");
}

#[test]
fn a_profile_has_one_driver_and_all_of_it() {
    let error = |from: &str, to: &str| {
        let said = broken_dom(from, to);
        said.strip_prefix("site profile d.yaml, field ").unwrap_or(&said).to_owned()
    };
    assert!(
        error("capacity: 1", "capacity: 2").starts_with("account.capacity: with dom a tab takes one turn")
    );
    let csrf = "dom:\n".replace("dom:", "csrf: { cookie: a, header: b, stale_status: 403 }\n\ndom:");
    assert!(
        error("dom:\n", &csrf).starts_with("dom: calls, stream, csrf and images belong to the other driver")
    );
    assert!(error("logged_out:\n  path_with: [/login, /logout]\n", "").starts_with("logged_out: missing"));
    let names = "  models: { names: [a, b] }";
    assert!(error("  models: { select: '#model' }", names).starts_with("dom.models.names: with several"));
    assert!(error("  error:", "  settle: 5h\n  error:").starts_with("dom.settle: longer than"));
    let (api, stream) = (text(), "\nstream:\n");
    let without = api.split(stream).next().unwrap().to_owned() + "\nmax_text_bytes: 9\n";
    let error = Profile::parse("p", &without).unwrap_err().to_string();
    assert_eq!(error, "site profile p, field stream: missing: it belongs to calls");
}

#[test]
fn a_site_without_a_login_needs_neither_login_nor_logged_out() {
    let (before, rest) =
        dom_text().split_once("\nlogin:\n").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let (_, rest) = rest.split_once("\ndom:\n").unwrap();
    let profile = Profile::parse("p", &format!("{before}\ndom:\n{rest}")).unwrap();
    assert!(profile.login.is_none() && profile.api().is_none());
    assert_eq!(profile.login_url(), profile.start_url());
    assert!(!profile.is_logged_out(&"http://127.0.0.1:8088/login".parse().unwrap()));
}

/// The fields of a section, as its own reader names them to whoever writes another.
fn fields<T: serde::de::DeserializeOwned>() -> Vec<String> {
    let error = serde_yaml::from_str::<T>("no_such_field: 1").err().expect("no section has it").to_string();
    let (_, expected) = error.split_once("expected").unwrap_or_else(|| panic!("{error}"));
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_field_stands_in_the_documentation() {
    let documented = include_str!("../../../../docs/SITES.md");
    let sections = [
        ("", fields::<Written>()),
        ("account.", fields::<Pace>()),
        ("login.", fields::<Login>()),
        ("login.success.", fields::<LoginSuccess>()),
        ("logged_out.", fields::<LoggedOut>()),
        ("challenge.", fields::<Challenge>()),
        ("csrf.", fields::<Csrf>()),
        ("calls.", fields::<Calls>()),
        ("calls.turn.", fields::<Call>()),
        ("calls.create.", fields::<CreateCall>()),
        ("calls.models.", fields::<ModelsCall>()),
        ("calls.models.usable.", fields::<Usable>()),
        ("calls.models.images.", fields::<Images>()),
        ("calls.models.visibility.", fields::<Visibility>()),
        ("images.", fields::<ImageTravel>()),
        ("stream.", fields::<Stream>()),
        ("stream.messages.", fields::<MessageRule>()),
        ("dom.", fields::<Dom>()),
        ("dom.models.", fields::<Models>()),
        ("timeouts.", fields::<Timeouts>()),
    ];
    let mut known = Vec::new();
    for (section, fields) in &sections {
        assert!(!fields.is_empty(), "{section}");
        known.extend(fields.iter().map(|field| format!("{section}{field}")));
    }
    let rows: Vec<&str> =
        documented.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    for field in &known {
        assert!(rows.contains(&field.as_str()), "docs/SITES.md has no row for `{field}`");
    }
    for row in rows {
        assert!(known.iter().any(|field| field == row), "docs/SITES.md describes `{row}`, which is no field");
    }
}

#[test]
fn the_worked_example_is_a_profile() {
    let documented = include_str!("../../../../docs/SITES.md");
    let (_, rest) = documented.split_once("```yaml\n").unwrap();
    let example = Profile::parse("docs/SITES.md", rest.split("```").next().unwrap()).unwrap();
    assert!(example.login.is_none() && matches!(example.driver, Driver::Dom(_)));
}

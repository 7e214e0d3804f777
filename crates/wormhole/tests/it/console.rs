//! The console's page in a real browser, driven as a person would: see `tests/clients/python/console.py`.

use std::net::TcpListener;

use wormhole_playground::Switches;
use wormhole_testkit::{Setup, Stack};

use crate::{WORMHOLE, clients};

const TOKEN: &str = "console-token-of-the-test";

#[tokio::test]
async fn a_person_at_the_console_types_a_code_and_the_stack_goes_on() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/");
    let mut setup = Setup { not_ready: true, ..Setup::default() };
    setup.site.switches = Switches { one_time_code: true, ..Switches::default() };
    setup.bridge = vec![
        ("WORMHOLE_CONSOLE_TOKEN", TOKEN.to_owned()),
        ("WORMHOLE_CONSOLE_LISTEN", format!("127.0.0.1:{port}")),
        ("WORMHOLE_CONSOLE_URL", url.clone()),
    ];
    let stack = Stack::start(WORMHOLE, setup).await;
    let screenshots = std::env::var_os("CONSOLE_SCREENSHOTS");
    let mut arguments = vec![url.as_str(), TOKEN];
    arguments.extend(screenshots.as_ref().and_then(|folder| folder.to_str()));
    let output = clients::run(&stack, "python/console.py", &arguments).await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.trim(), "ok");
    let seen = stack.site.snapshot();
    assert_eq!((seen.logins_ok, seen.codes_ok, seen.codes_failed), (1, 1, 0));
    stack.until_ready().await;
    // What was typed passed through and stands nowhere.
    stack.stop(&["424242", TOKEN]).await;
}

//! `wormhole site`: what site profiles there are, and whether one can be used.

use std::io::Write as _;
use std::process::ExitCode;

use wormhole_bridge::site::{Api, Dom, Driver, Models, NewConversation, Profile, ProfileError};
use wormhole_runtime::EX_USAGE;

use crate::args::{SiteCommand, SiteToolArgs};
use crate::terminal::{line, write};

/// Runs one of the subcommands. Exit code 64 for a profile that cannot be used.
pub(crate) fn run(args: &SiteToolArgs) -> ExitCode {
    let done = match &args.command {
        SiteCommand::Check { profile } => check(profile),
        SiteCommand::List => list(),
        SiteCommand::Show { name } => show(name),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody may be listening; the exit code still counts.
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::from(EX_USAGE)
        }
    }
}

fn check(name_or_path: &str) -> Result<(), ProfileError> {
    for said in described(&Profile::load(name_or_path)?) {
        line(said);
    }
    Ok(())
}

fn list() -> Result<(), ProfileError> {
    for name in Profile::shipped_names() {
        let profile = Profile::load(name)?;
        line(format_args!("{name:<16} {:<4} {}", driver(&profile), profile.start_url()));
    }
    Ok(())
}

fn show(name: &str) -> Result<(), ProfileError> {
    let text = Profile::shipped_text(name).ok_or_else(|| ProfileError::Unknown { name: name.to_owned() })?;
    write(text);
    Ok(())
}

fn driver(profile: &Profile) -> &'static str {
    match profile.driver {
        Driver::Api(_) => "api",
        Driver::Dom(_) => "dom",
    }
}

/// What a profile describes, a line each.
fn described(profile: &Profile) -> Vec<String> {
    let login = match &profile.login {
        Some(_) => format!("at {}", without_query(&profile.login_url())),
        None => "none".to_owned(),
    };
    let mut lines = vec![
        format!("{}: {}, driver {}", profile.name, profile.start_url(), driver(profile)),
        format!("  login          {login}"),
        format!("  turns at once  {}", profile.account.capacity),
        format!("  longest text   {} bytes", profile.max_text_bytes),
    ];
    lines.extend(match &profile.driver {
        Driver::Api(api) => of_api(api),
        Driver::Dom(dom) => of_dom(dom),
    });
    lines
}

fn without_query(url: &impl ToString) -> String {
    url.to_string().split('?').next().unwrap_or_default().to_owned()
}

fn of_api(api: &Api) -> Vec<String> {
    let turn = &api.calls.turn;
    vec![
        format!("  a turn         {} {}", turn.method.as_str(), turn.path),
        format!("  models         {}", api.calls.models.request.path),
        format!("  images         {}", if api.images.is_some() { "yes" } else { "no" }),
    ]
}

fn of_dom(dom: &Dom) -> Vec<String> {
    let send = dom.send.as_ref().map_or_else(|| "Enter".to_owned(), |send| format!("`{send}`"));
    let models = match &dom.models {
        Models::Names(names) => names.join(", "),
        Models::Select(select) => format!("the options of `{select}`"),
        Models::Menu(menu) => format!("the items `{}` of the menu `{}`", menu.item, menu.open),
    };
    let new = match &dom.new_conversation {
        Some(NewConversation::Click(selector)) => format!("`{selector}`"),
        Some(NewConversation::Goto(path)) => path.clone(),
        None => "the chat page".to_owned(),
    };
    let goes_on = if dom.conversation.is_some() { "can be continued" } else { "cannot be continued" };
    let mut ends: Vec<String> = [("stop", &dom.stop), ("busy", &dom.busy)]
        .into_iter()
        .filter_map(|(name, selector)| selector.as_ref().map(|selector| format!("{name} `{selector}` goes")))
        .collect();
    ends.extend(dom.done.as_ref().map(|done| format!("done `{done}` comes")));
    if ends.is_empty() {
        ends.push(format!("nothing changes for {} ms", dom.settle.as_millis()));
    }
    vec![
        format!("  composer       `{}`, sent by {send}", dom.composer),
        format!("  answers        `{}`", dom.replies),
        format!("  an answer ends when {}", ends.join(", or ")),
        format!("  models         {models}"),
        format!("  conversations  begin at {new}, {goes_on}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_profile_is_described_without_secrets_of_its_paths() {
        for name in Profile::shipped_names() {
            let lines = described(&Profile::load(name).unwrap());
            assert!(lines[0].starts_with(&format!("{name}: http")), "{lines:?}");
            assert!(lines.len() >= 7 && !lines[1].contains('?'), "{lines:?}");
        }
        let dom = described(&Profile::load("playground-dom").unwrap()).join("\n");
        assert!(dom.contains("sent by `#send`") && dom.contains("stop `#stop` goes"), "{dom}");
    }
}

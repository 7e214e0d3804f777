use wormhole_protocol::{AccountModels, PageState};

use super::*;

fn account(site: &str, account: &str, models: &[&str]) -> AccountModels {
    let model =
        |name: &&str| ModelInfo { name: (*name).to_owned(), label: None, provider: None, images: false };
    AccountModels {
        site: site.to_owned(),
        account: account.to_owned(),
        state: PageState::Ready,
        detail: String::new(),
        models: models.iter().map(model).collect(),
    }
}

fn directory(accounts: Vec<AccountModels>) -> Arc<Directory> {
    Arc::new(Directory { accounts })
}

fn models(
    accounts: Vec<AccountModels>,
    aliases: &[(&str, &str)],
    default: Option<&str>,
) -> (Models, watch::Sender<Arc<Directory>>) {
    let (sender, receiver) = watch::channel(directory(accounts));
    let aliases = aliases.iter().map(|(alias, target)| ((*alias).to_owned(), (*target).to_owned())).collect();
    (Models::new(Names { aliases, default: default.map(str::to_owned) }, receiver), sender)
}

fn names(models: &Models) -> Vec<String> {
    models.catalogue(&[]).entries().map(|entry| entry.name.clone()).collect()
}

#[test]
fn one_name_on_two_accounts_is_one_model_and_on_two_sites_two() {
    let (models, _directory) = models(
        vec![account("a", "1", &["m", "x"]), account("a", "2", &["m"]), account("b", "1", &["m"])],
        &[],
        None,
    );
    assert_eq!(names(&models), ["a/m", "b/m", "x"]);
    let target = models.target(Some("b/m:latest"), &[]).unwrap();
    assert_eq!((target.model.as_str(), target.site.as_deref(), target.instead), ("m", Some("b"), None));
    let target = models.target(Some("x"), &[]).unwrap();
    assert_eq!((target.model.as_str(), target.site), ("x", None));
    let target = models.target(Some("a/x"), &[]).unwrap();
    assert_eq!(target.model, "x", "the site may be named even where it need not be");
    let error = models.target(Some("m"), &[]).unwrap_err();
    assert_eq!(error.message(), "model 'm' not found; known models: a/m, b/m, x");
}

#[test]
fn aliases_are_listed_and_lead_to_their_model() {
    let (models, _directory) =
        models(vec![account("a", "1", &["m"])], &[("gpt-4o", "m"), ("lost", "nowhere")], None);
    assert_eq!(names(&models), ["gpt-4o", "m"]);
    let target = models.target(Some("gpt-4o"), &[]).unwrap();
    assert_eq!((target.asked.as_str(), target.model.as_str()), ("gpt-4o", "m"));
    assert_eq!(target.instead.as_deref(), Some("m"));
}

#[test]
fn the_default_steps_in_for_unknown_names_and_for_none() {
    let accounts = || vec![account("a", "1", &["m"])];
    let (with, _directory) = models(accounts(), &[], Some("m"));
    let target = with.target(Some("gpt-9"), &[]).unwrap();
    assert_eq!((target.asked.as_str(), target.model.as_str()), ("gpt-9", "m"));
    assert_eq!(target.instead.as_deref(), Some("m"));
    assert_eq!(with.target(None, &[]).unwrap().asked, "m");
    let (without, _directory) = models(accounts(), &[], None);
    assert_eq!(without.target(None, &[]).unwrap_err().param(), Some("model"));
    assert_eq!(without.target(Some(" "), &[]).unwrap_err().param(), Some("model"));
}

#[test]
fn before_anything_is_known_the_name_goes_to_the_hub() {
    let (models, sender) = models(vec![account("a", "1", &[])], &[], None);
    let target = models.target(Some("m:latest"), &[]).unwrap();
    assert_eq!((target.model.as_str(), target.blind), ("m", true));
    sender.send_replace(directory(vec![account("a", "1", &["x"])]));
    assert!(models.target(Some("m"), &[]).is_err());
}

#[test]
fn models_of_an_account_that_is_away_stay_for_a_while() {
    let names = Names::default();
    let start = Instant::now();
    let mut inner = Inner::default();
    inner.follow(directory(vec![account("a", "1", &["m"])]), start);
    inner.follow(directory(vec![account("a", "1", &[])]), start);
    assert!(
        inner.catalogue(&[], &names).find("m").is_some(),
        "it joined again and has not asked its site yet"
    );
    let empty = directory(Vec::new());
    inner.follow(empty.clone(), start);
    assert!(inner.catalogue(&[], &names).find("m").is_some(), "it left");
    inner.follow(empty.clone(), start + KEEP_GONE / 2);
    assert!(inner.catalogue(&[], &names).find("m").is_some());
    inner.follow(empty, start + KEEP_GONE);
    assert!(inner.catalogue(&[], &names).is_empty());
}

#[test]
fn a_bound_caller_knows_the_models_of_its_accounts_only() {
    let accounts = vec![account("a", "1", &["m", "x"]), account("b", "2", &["m"])];
    let (models, directory_of) = models(accounts, &[("gpt-4o", "x")], None);
    let bound = ["2".to_owned()];
    let names = |bound: &[String]| {
        let catalogue = models.catalogue(bound);
        catalogue.entries().map(|entry| entry.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&[]), ["a/m", "b/m", "gpt-4o", "x"]);
    assert_eq!(names(&bound), ["m"], "only one of its sites has it, and the alias leads elsewhere");
    assert_eq!(models.target(Some("m"), &bound).unwrap().model, "m");
    assert!(models.target(Some("x"), &bound).is_err());
    directory_of.send_replace(directory(vec![account("b", "2", &["y"])]));
    assert_eq!(names(&bound), ["y"], "what was made is made anew");
    assert!(models.target(Some("m"), &["3".to_owned()]).unwrap().blind, "nothing is known of that account");
}

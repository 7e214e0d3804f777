//! Public names, and what stands behind each.

use std::collections::BTreeMap;

use wormhole_protocol::ModelInfo;

use super::untagged;

/// How many names an error lists.
const SOME: usize = 8;

/// One public name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The public name: the model's own, or `site/model` where more than one site has it, or an alias.
    pub name: String,
    /// The name that the site offers.
    pub model: String,
    /// The site.
    pub site: String,
    /// Another site offers the same name.
    pub ambiguous: bool,
    /// It takes images, on every account that offers it.
    pub images: bool,
}

/// All public names, sorted.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    entries: BTreeMap<String, Entry>,
    /// `site/model` for those that are listed without their site.
    qualified: BTreeMap<String, String>,
}

impl Catalogue {
    /// From the models of each account, with the operator's other names for them.
    pub(crate) fn new<'a>(
        accounts: impl Iterator<Item = (&'a str, &'a [ModelInfo])>,
        aliases: &BTreeMap<String, String>,
    ) -> Self {
        // By site, whether all of its accounts take images for the model.
        let mut sites_of: BTreeMap<&str, BTreeMap<&str, bool>> = BTreeMap::new();
        for (site, models) in accounts {
            for model in models {
                *sites_of.entry(&model.name).or_default().entry(site).or_insert(true) &= model.images;
            }
        }
        let mut catalogue = Self::default();
        for (model, sites) in sites_of {
            for (site, images) in &sites {
                catalogue.add(model, site, sites.len() > 1, *images);
            }
        }
        for (alias, target) in aliases {
            catalogue.add_alias(alias, target);
        }
        catalogue
    }

    fn add(&mut self, model: &str, site: &str, ambiguous: bool, images: bool) {
        let qualified = format!("{site}/{model}");
        let name = if ambiguous { qualified.clone() } else { model.to_owned() };
        let (model, site) = (model.to_owned(), site.to_owned());
        let entry = Entry { name: name.clone(), model, site, ambiguous, images };
        self.qualified.insert(qualified, name.clone());
        self.entries.insert(name, entry);
    }

    fn add_alias(&mut self, alias: &str, target: &str) {
        if let Some(entry) = self.find(target).cloned() {
            let entry = Entry { name: alias.to_owned(), ..entry };
            self.entries.entry(alias.to_owned()).or_insert(entry);
        }
    }

    /// What a client's name means, with or without `:latest`, with or without the site before it.
    pub(crate) fn find(&self, name: &str) -> Option<&Entry> {
        let exact = |name: &str| {
            let name = self.qualified.get(name).map_or(name, String::as_str);
            self.entries.get(name)
        };
        exact(name).or_else(|| exact(untagged(name)))
    }

    /// The site's model takes images; where no site is named, the only one that has it.
    pub(crate) fn takes_images(&self, model: &str, site: Option<&str>) -> bool {
        let mut of_model = self.entries.values().filter(|entry| entry.model == model);
        of_model.any(|entry| entry.images && site.is_none_or(|site| entry.site == site))
    }

    /// Every public name.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// No model is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A few names, for an error.
    pub(crate) fn some_names(&self) -> Vec<&str> {
        self.entries.keys().take(SOME).map(String::as_str).collect()
    }
}

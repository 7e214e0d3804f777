//! The model list, and which model a call means.

use std::sync::Arc;

use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;

use super::AGENT;
use super::ECHO;
use super::EYES;
use super::GATE;
use super::STORY;
use super::THINKER;
use crate::app::App;
use crate::switches::Era;

/// A model that is listed but cannot be used.
const RETIRED: &str = "practice-retired";

/// One record of the model list.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) id: String,
    pub(crate) name: String,
    display: String,
    provider: &'static str,
    status: &'static str,
    visibility: &'static str,
    parent: Option<String>,
    inputs: &'static [&'static str],
}

impl Model {
    fn root(name: &str, display: &str, provider: &'static str) -> Self {
        Self {
            id: id(name),
            name: name.to_owned(),
            display: display.to_owned(),
            provider,
            status: "Ok",
            visibility: "Public",
            parent: None,
            inputs: &["Text"],
        }
    }

    fn usable(&self) -> bool {
        self.status == "Ok"
    }

    /// The record as the era writes it.
    pub(crate) fn record(&self, era: Era) -> Value {
        match era {
            Era::Older => json!({ "id": self.id, "name": self.name }),
            Era::Newer => json!({
                "id": self.id,
                "endpointString": self.name,
                "displayName": self.display,
                "status": self.status,
                "visibility": self.visibility,
                "provider": self.provider,
                "parentId": self.parent,
                "inputTypes": self.inputs,
                "outputTypes": ["Text"],
                "modelVersion": "1",
            }),
        }
    }
}

/// All records, the model server's among them. The older era lists only what can be used.
pub(crate) async fn catalogue(app: &Arc<App>, era: Era) -> Vec<Model> {
    let story = Model::root(STORY, "Practice Story", "Practice");
    // Stands before its root record, so that a client which takes the first of a name is found out.
    let variant = Model {
        id: id("practice-story, a variant"),
        visibility: "Experimental",
        parent: Some(story.id.clone()),
        display: "Practice Story (variant)".to_owned(),
        ..story.clone()
    };
    let mut models = vec![
        Model::root(ECHO, "Practice Echo", "Practice"),
        variant,
        story,
        Model::root(THINKER, "Practice Thinker", "Practice"),
        Model::root(GATE, "Practice Gate", "Practice"),
        Model { inputs: &["Text", "Image"], ..Model::root(EYES, "Practice Eyes", "Practice") },
        Model::root(AGENT, "Practice Agent", "Practice"),
        Model { status: "Deprecated", ..Model::root(RETIRED, "Practice Retired", "Practice") },
    ];
    if let Some(upstream) = &app.upstream {
        let theirs = upstream.models().await;
        models.extend(theirs.iter().map(|name| Model::root(name, name, "Model server")));
    }
    if era == Era::Older {
        models.retain(|model| model.usable() && model.parent.is_none());
    }
    models
}

/// Finds the model that a call names: `model` is a public name or an id, `model_id` an id. Both must mean
/// the same model. `Err` says what is wrong.
pub(crate) async fn choose(
    app: &Arc<App>,
    model: Option<&str>,
    model_id: Option<&str>,
) -> Result<String, String> {
    let all = catalogue(app, Era::Newer).await;
    let mut chosen: Option<&Model> = None;
    for wanted in [model, model_id].into_iter().flatten().filter(|wanted| !wanted.is_empty()) {
        let by_id = all.iter().find(|known| known.id == wanted);
        let found = by_id.or_else(|| all.iter().find(|known| known.name == wanted));
        let found = found.ok_or_else(|| format!("there is no model `{wanted}`"))?;
        if chosen.is_some_and(|before| before.name != found.name) {
            return Err("`model` and `modelId` name two models".to_owned());
        }
        chosen = Some(found);
    }
    match chosen {
        Some(chosen) if chosen.usable() => Ok(chosen.name.clone()),
        Some(chosen) => Err(format!("the model `{}` is not available", chosen.name)),
        None => Err("no model is named".to_owned()),
    }
}

/// 24 hex digits that stay the same from start to start.
fn id(of: &str) -> String {
    hex::encode(Sha256::digest(of).iter().take(12).copied().collect::<Vec<u8>>())
}

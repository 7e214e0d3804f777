//! The site's list of models, from its reply to what the hub and a turn need.

use serde_json::Value;
use wormhole_protocol::ModelInfo;

use crate::site::{
    decode::Fault,
    field::FieldPath,
    profile::{Api, ModelsCall},
};

const CALL: &str = "models";

/// A model, with the id that the site's calls want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SiteModel {
    /// The site's id.
    pub(crate) id: String,
    /// What the hub is told.
    pub(crate) info: ModelInfo,
}

/// Reads the reply of the models call. One model for each public name, in the site's own order.
///
/// A record that lacks its id or name is left out, as long as any record has them. Where the profile does not say how
/// images travel, no model takes any, whatever its record says.
pub(crate) fn read_models(api: &Api, reply: &Value) -> Result<Vec<SiteModel>, Fault> {
    let mut models = read_records(&api.calls.models, reply)?;
    for model in &mut models {
        model.info.images &= api.images.is_some();
    }
    Ok(models)
}

fn read_records(call: &ModelsCall, reply: &Value) -> Result<Vec<SiteModel>, Fault> {
    let records = call
        .list
        .find(reply)
        .and_then(Value::as_array)
        .ok_or_else(|| Fault::changed(CALL, format!("{} is no array", call.list)))?;
    let mut models: Vec<(SiteModel, Rank)> = Vec::new();
    let mut missing = None;
    for record in records {
        let model = match read_model(call, record) {
            Ok(model) => model,
            Err(field) => {
                missing.get_or_insert(field);
                continue;
            }
        };
        if !is_usable(call, record) {
            continue;
        }
        let rank = rank(call, record);
        match models.iter_mut().find(|(known, _)| known.info.name == model.info.name) {
            Some(known) if rank < known.1 => *known = (model, rank),
            Some(_) => {}
            None => models.push((model, rank)),
        }
    }
    match missing {
        Some(field) if models.is_empty() => {
            Err(Fault::changed(CALL, format!("no record has the field {field}, or it holds no text")))
        }
        _ => Ok(models.into_iter().map(|(model, _)| model).collect()),
    }
}

/// Lower is better: roots first, then the more public.
type Rank = (bool, usize);

fn rank(call: &ModelsCall, record: &Value) -> Rank {
    let has_parent =
        call.parent.as_ref().is_some_and(|field| field.find(record).is_some_and(|value| !value.is_null()));
    let visibility = call.visibility.as_ref().map_or(0, |visibility| {
        let value = visibility.field.text(record).unwrap_or_default();
        visibility.order.iter().position(|known| known == value).unwrap_or(visibility.order.len())
    });
    (has_parent, visibility)
}

fn is_usable(call: &ModelsCall, record: &Value) -> bool {
    call.usable.as_ref().is_none_or(|usable| match usable.field.find(record) {
        None | Some(Value::Null) => true,
        Some(value) => value.as_str().is_some_and(|value| usable.values.iter().any(|known| known == value)),
    })
}

fn read_model<'c>(call: &'c ModelsCall, record: &Value) -> Result<SiteModel, &'c FieldPath> {
    let needed = |field: &'c FieldPath| id_text(field.find(record)).ok_or(field);
    let wanted = |field: &Option<FieldPath>| {
        field.as_ref().and_then(|field| field.text(record)).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let images = call.images.as_ref().is_some_and(|images| {
        let kinds = images.field.find(record).and_then(Value::as_array);
        kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind.as_str() == Some(&images.value)))
    });
    let info = ModelInfo {
        name: needed(&call.name)?,
        label: wanted(&call.label),
        provider: wanted(&call.provider),
        images,
    };
    Ok(SiteModel { id: needed(&call.id)?, info })
}

/// Ids are text, on some sites numbers.
pub(crate) fn id_text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::site::Profile;

    fn read(profile: &str, reply: &Value) -> Result<Vec<SiteModel>, Fault> {
        read_models(Profile::shipped(profile).unwrap().unwrap().api().unwrap(), reply)
    }

    fn record(id: &str, name: &str, parent: Option<&str>, visibility: &str) -> Value {
        json!({
            "id": id, "endpointString": name, "displayName": format!("{name}!"), "status": "Ok", "provider": "P",
            "visibility": visibility, "parentId": parent, "inputTypes": ["Text", "Image"], "surprise": {"x": 1},
        })
    }

    #[test]
    fn a_record_of_the_newer_era_is_read() {
        let models = read("outlier", &json!([record("a1", "m", None, "Public")])).unwrap();
        let info = ModelInfo {
            name: "m".to_owned(),
            label: Some("m!".to_owned()),
            provider: Some("P".to_owned()),
            images: false,
        };
        assert_eq!(models, [SiteModel { id: "a1".to_owned(), info }]);
    }

    #[test]
    fn models_take_images_only_where_the_profile_says_how_images_travel() {
        let mut blind = record("b", "n", None, "Public");
        blind["inputTypes"] = json!(["Text"]);
        let reply = json!([record("a", "m", None, "Public"), blind]);
        let seeing = |profile: &str| -> Vec<bool> {
            read(profile, &reply).unwrap().into_iter().map(|model| model.info.images).collect()
        };
        assert_eq!(seeing("playground"), [true, false]);
        assert_eq!(seeing("outlier"), [false, false]);
    }

    #[test]
    fn a_record_of_the_older_era_is_read() {
        let models = read("outlier-expert", &json!([{"id": 7, "name": "m"}])).unwrap();
        let info = ModelInfo { name: "m".to_owned(), label: None, provider: None, images: false };
        assert_eq!(models, [SiteModel { id: "7".to_owned(), info }]);
    }

    #[test]
    fn of_one_name_the_root_is_taken_and_then_the_more_public() {
        let reply = json!([
            record("child", "m", Some("x"), "Public"),
            record("experimental", "m", None, "Experimental"),
            record("other", "n", Some("x"), "Nobody knows"),
            record("private", "m", None, "Private"),
            record("prerelease", "m", None, "Prerelease"),
        ]);
        let ids: Vec<String> = read("outlier", &reply).unwrap().into_iter().map(|model| model.id).collect();
        assert_eq!(ids, ["prerelease", "other"]);
    }

    #[test]
    fn a_model_that_is_not_ok_is_left_out() {
        let mut broken = record("a", "m", None, "Public");
        broken["status"] = json!("Degraded");
        assert_eq!(read("outlier", &json!([broken])), Ok(vec![]));
    }

    #[test]
    fn a_reply_of_another_shape_names_the_field() {
        let no_field = |field: &str| {
            Fault::changed("models", format!("no record has the field {field}, or it holds no text"))
        };
        assert_eq!(
            read("outlier", &json!({"a": 1})),
            Err(Fault::changed("models", "(the whole reply) is no array"))
        );
        assert_eq!(read("outlier", &json!([{"id": "a", "endpoint": "m"}])), Err(no_field("endpointString")));
        assert_eq!(read("outlier", &json!([{"endpointString": "m", "_id": "a"}])), Err(no_field("id")));
        assert_eq!(read("outlier", &json!(["m"])), Err(no_field("endpointString")));
    }

    #[test]
    fn one_record_without_a_name_costs_only_itself() {
        let models = read("outlier", &json!([{"id": "x"}, record("a", "m", None, "Public")])).unwrap();
        assert_eq!(models.len(), 1);
    }
}

//! Structured output: the one JSON value that an answer is to be, found in what the model wrote and checked.

use serde_json::Value;

use crate::chat::Output;
use crate::tools;

/// What an answer must be.
#[derive(Debug)]
pub(crate) struct Format {
    /// None where any object will do.
    validator: Option<jsonschema::Validator>,
}

impl Format {
    /// The format of a request; none where the answer is text.
    ///
    /// # Errors
    /// The client's schema is none, or names another that would have to be fetched.
    pub(crate) fn new(output: &Output) -> Result<Option<Self>, String> {
        match output {
            Output::Text => Ok(None),
            Output::Json => Ok(Some(Self { validator: None })),
            Output::Schema { name, schema } => {
                let validator = tools::compiled(schema).ok_or_else(|| {
                    format!(
                        "the JSON schema '{name}' cannot be used: it is not valid, or refers to another one"
                    )
                })?;
                Ok(Some(Self { validator: Some(validator) }))
            }
        }
    }

    /// The answer in a reply.
    ///
    /// # Errors
    /// There is none, or it breaks a rule of the schema, which is named.
    pub(crate) fn read(&self, reply: &str) -> Result<String, String> {
        let mut first_error = None;
        for candidate in candidates(reply) {
            let Ok(value) = serde_json::from_str::<Value>(&candidate) else { continue };
            match self.wrong(&value) {
                None => return Ok(candidate),
                Some(wrong) => first_error = first_error.or(Some(wrong)),
            }
        }
        Err(first_error.unwrap_or_else(|| "the answer is not JSON".to_owned()))
    }

    fn wrong(&self, value: &Value) -> Option<String> {
        match &self.validator {
            Some(validator) => tools::errors(validator, value)
                .map(|wrong| format!("the JSON does not obey the schema:{wrong}")),
            None => (!value.is_object()).then(|| "the JSON is not an object".to_owned()),
        }
    }
}

/// What may be the answer: all of it, what stands in a fence, what begins at the first bracket. As the model wrote it if
/// that is JSON, else as it is meant.
fn candidates(reply: &str) -> Vec<String> {
    let answer = ["</think>", "</thinking>"]
        .iter()
        .find_map(|end| reply.rsplit_once(end))
        .map_or(reply, |(_, rest)| rest);
    let answer = answer.trim();
    let mut texts = vec![answer];
    let mut fences = answer.split("```");
    while let (Some(_), Some(inner)) = (fences.next(), fences.next()) {
        texts.push(inner.split_once('\n').map_or(inner, |(_, rest)| rest).trim());
    }
    let mut all: Vec<String> = texts.into_iter().filter_map(meant).collect();
    if let Some(start) = answer.find(['{', '[']) {
        all.extend(tools::json_at(answer, start));
    }
    all
}

fn meant(text: &str) -> Option<String> {
    if serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok() {
        return Some(text.to_owned());
    }
    tools::json_whole(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_answer_is_found_in_what_models_write_around_it() {
        let format = Format::new(&Output::Json).unwrap().unwrap();
        for (reply, expected) in [
            (" {\"a\": 1}\n", "{\"a\": 1}"),
            ("```json\n{\"a\": [1, 2]}\n```", "{\"a\": [1, 2]}"),
            ("Here it is:\n```\n{'a': True,}\n```\nBye.", "{\"a\":true}"),
            ("Sure! {\"a\": \"b\"} is it.", "{\"a\":\"b\"}"),
            ("<think>{}</think>{\"a\": 2}", "{\"a\": 2}"),
            ("{\"a\": \"```x```\"}", "{\"a\": \"```x```\"}"),
        ] {
            assert_eq!(format.read(reply).as_deref(), Ok(expected), "{reply}");
        }
        assert_eq!(format.read("no").unwrap_err(), "the answer is not JSON");
        assert_eq!(format.read("[1]").unwrap_err(), "the JSON is not an object");
    }

    #[test]
    fn the_rule_that_failed_is_named_with_its_place() {
        let schema = json!({"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "minimum": 3}}});
        let output = Output::Schema { name: "s".to_owned(), schema };
        let format = Format::new(&output).unwrap().unwrap();
        assert_eq!(format.read("{\"n\": 3}").unwrap(), "{\"n\": 3}");
        assert!(format.read("{\"n\": 2}").unwrap_err().contains("at /n: 2 is less than the minimum of 3"));
        assert!(format.read("{}").unwrap_err().contains("\"n\" is a required property"));
        let remote =
            Output::Schema { name: "r".to_owned(), schema: json!({"$ref": "https://example.org/x"}) };
        assert!(Format::new(&remote).is_err());
    }
}

//! How images travel to the site, and which it takes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::Value;
use wormhole_protocol::Image;

use crate::site::{check, template};

/// How images travel. A profile without this section says that nobody knows, so none does.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageTravel {
    /// One image as JSON, with `${media_type}` and `${base64}` in it. The text `${images}` in the body of a call
    /// becomes the array of these.
    #[serde(deserialize_with = "check::image_item")]
    pub item: Value,
    /// The kinds that the site takes.
    #[serde(deserialize_with = "check::media_types")]
    pub media_types: Vec<String>,
    /// Images of one turn.
    #[serde(deserialize_with = "check::image_count")]
    pub most: usize,
    /// The largest image, in bytes before base64.
    #[serde(deserialize_with = "check::text_limit")]
    pub max_bytes: usize,
}

/// What [`ImageTravel::item`] may name.
pub(crate) const ITEM_NAMES: [&str; 2] = ["media_type", "base64"];

impl ImageTravel {
    /// The images as the calls carry them. The error says what the site would not take, and quotes nothing.
    pub(crate) fn render(&self, images: &[Image]) -> Result<Vec<Value>, String> {
        if images.len() > self.most {
            return Err(format!("the message has {} images, the site takes {}", images.len(), self.most));
        }
        let numbered = images.iter().enumerate();
        numbered
            .map(|(at, image)| self.item(image).map_err(|what| format!("image {} {what}", at + 1)))
            .collect()
    }

    fn item(&self, Image { media_type, data }: &Image) -> Result<Value, String> {
        if !self.media_types.contains(media_type) {
            return Err(format!("is of a kind that the site does not take: {}", self.media_types.join(", ")));
        }
        let bytes = STANDARD.decode(data).map_err(|_| "is not in base64".to_owned())?.len();
        if bytes == 0 || bytes > self.max_bytes {
            return Err(format!("has {bytes} bytes, the site takes 1 to {}", self.max_bytes));
        }
        Ok(template::fill(&self.item, &|name| match name {
            "media_type" => Some(Value::from(media_type.as_str())),
            "base64" => Some(Value::from(data.as_str())),
            _ => None,
        }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn travel() -> ImageTravel {
        ImageTravel {
            item: json!({"url": "data:${media_type};base64,${base64}", "kind": "${media_type}", "n": 1}),
            media_types: vec!["image/png".to_owned(), "image/gif".to_owned()],
            most: 2,
            max_bytes: 4,
        }
    }

    fn image(media_type: &str, bytes: &[u8]) -> Image {
        Image { media_type: media_type.to_owned(), data: STANDARD.encode(bytes) }
    }

    #[test]
    fn each_image_is_written_as_the_profile_says() {
        let images = [image("image/png", b"abcd"), image("image/gif", b"${a")];
        let items = travel().render(&images).unwrap();
        assert_eq!(
            items,
            [
                json!({"url": "data:image/png;base64,YWJjZA==", "kind": "image/png", "n": 1}),
                json!({"url": "data:image/gif;base64,JHth", "kind": "image/gif", "n": 1}),
            ]
        );
        assert_eq!(travel().render(&[]), Ok(vec![]));
    }

    #[test]
    fn what_the_site_does_not_take_is_said_and_not_quoted() {
        let refused = |images: &[Image]| travel().render(images).unwrap_err();
        let png = image("image/png", b"abcd");
        assert_eq!(
            refused(&[png.clone(), png.clone(), png.clone()]),
            "the message has 3 images, the site takes 2"
        );
        assert_eq!(
            refused(&[png.clone(), image("image/secret", b"a")]),
            "image 2 is of a kind that the site does not take: image/png, image/gif"
        );
        assert_eq!(refused(&[image("image/png", b"abcde")]), "image 1 has 5 bytes, the site takes 1 to 4");
        assert_eq!(refused(&[image("image/png", b"")]), "image 1 has 0 bytes, the site takes 1 to 4");
        let broken = Image { data: "a secret".to_owned(), ..png };
        assert_eq!(refused(&[broken]), "image 1 is not in base64");
    }
}

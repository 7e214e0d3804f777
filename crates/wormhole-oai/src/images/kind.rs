//! The kinds of pictures that travel, told by their first bytes: what a client says of them is often wrong.

use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use wormhole_protocol::Image as Ready;

/// Clients leave the padding out.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The media type of a picture.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    let beginnings: [(&[u8], _); 4] = [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
    ];
    let found = beginnings.iter().find(|(beginning, _)| bytes.starts_with(beginning));
    found.map(|(_, kind)| *kind).or(is_webp.then_some("image/webp"))
}

/// A client's base64, checked and written anew.
///
/// # Errors
/// It is no base64, too large, or no picture.
pub(super) fn checked(base64: &str, most: usize) -> Result<Ready, String> {
    let too_large = || format!("it has more than {most} bytes (WORMHOLE_IMAGE_BYTES)");
    // Some programs break the lines.
    let stripped: String;
    let text = if base64.contains(|c: char| c.is_ascii_whitespace()) {
        stripped = base64.split_ascii_whitespace().collect();
        &stripped
    } else {
        base64
    };
    // Four characters hold three bytes, less the padding: what is too long is not decoded.
    if text.len() / 4 * 3 > most.saturating_add(2) {
        return Err(too_large());
    }
    let bytes = LENIENT.decode(text).map_err(|_| "it is not in base64".to_owned())?;
    if bytes.len() > most { Err(too_large()) } else { packed(&bytes) }
}

/// A picture's bytes.
///
/// # Errors
/// They are none of a picture of a kind that is taken.
pub(super) fn packed(bytes: &[u8]) -> Result<Ready, String> {
    let kind = media_type(bytes).ok_or("it is no PNG, JPEG, GIF or WebP")?;
    Ok(Ready { media_type: kind.to_owned(), data: STANDARD.encode(bytes) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_known_by_its_bytes() {
        for (bytes, kind) in [
            (&b"\x89PNG\r\n\x1a\n..."[..], Some("image/png")),
            (b"\xff\xd8\xff\xe0", Some("image/jpeg")),
            (b"GIF89a", Some("image/gif")),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"RIFF\0\0\0\0WAVE", None),
            (b"<svg/>", None),
            (b"", None),
        ] {
            assert_eq!(media_type(bytes), kind);
        }
    }

    #[test]
    fn base64_is_taken_as_clients_write_it_and_given_on_as_it_should_be() {
        for text in ["R0lGODlhAA==", "R0lGODlhAA", "R0lG\r\nODlh AA==\n"] {
            let image = checked(text, 7).unwrap();
            assert_eq!((image.media_type.as_str(), image.data.as_str()), ("image/gif", "R0lGODlhAA=="));
        }
        assert_eq!(checked("R0lG!", 9).unwrap_err(), "it is not in base64");
        assert_eq!(checked("AAAA", 9).unwrap_err(), "it is no PNG, JPEG, GIF or WebP");
        assert!(checked("R0lGODlhAA==", 6).unwrap_err().contains("more than 6 bytes"));
        assert!(checked(&"A".repeat(100), 6).unwrap_err().contains("more than 6 bytes"));
    }
}

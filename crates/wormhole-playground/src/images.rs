//! The images of a turn: texts of the form `data:image/png;base64,…` in `prompt.images`.
//!
//! How images travel to the real site is not known; this is the practice site's own rule. Only what the answers tell of
//! an image is kept.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::Digest;
use sha2::Sha256;

/// Images of one turn; more are refused with 422.
pub const MOST_IMAGES: usize = 4;
/// Bytes of one image; a larger one is refused with 422.
pub const MAX_IMAGE_BYTES: usize = 1 << 20;
/// The kinds that are taken, and how the bytes of each begin.
const KINDS: [(&str, &[u8]); 4] = [
    ("image/png", b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", b"\xff\xd8\xff"),
    ("image/gif", b"GIF8"),
    ("image/webp", b"RIFF"),
];

/// What is kept of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Image {
    media_type: &'static str,
    bytes: usize,
    digest: String,
}

/// Reads the images of a turn. `Err` says what is wrong.
pub(crate) fn read(urls: &[String]) -> Result<Vec<Image>, String> {
    if urls.len() > MOST_IMAGES {
        return Err(format!("a turn has at most {MOST_IMAGES} images"));
    }
    let numbered = urls.iter().enumerate();
    numbered.map(|(at, url)| read_one(url).map_err(|what| format!("image {} {what}", at + 1))).collect()
}

fn read_one(url: &str) -> Result<Image, String> {
    let parts = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    let (named, data) = parts.ok_or("is no data: URL in base64")?;
    let kind = KINDS.into_iter().find(|(kind, _)| *kind == named);
    let (media_type, beginning) = kind.ok_or("is no image/png, image/jpeg, image/gif or image/webp")?;
    // Four characters hold three bytes: what is far too long is not decoded.
    let bytes = if data.len() > MAX_IMAGE_BYTES * 3 / 2 { None } else { Some(STANDARD.decode(data)) };
    let bytes = bytes.transpose().map_err(|_| "is not in base64")?;
    let bytes = bytes.filter(|bytes| bytes.len() <= MAX_IMAGE_BYTES);
    let bytes = bytes.ok_or_else(|| format!("has more than {MAX_IMAGE_BYTES} bytes"))?;
    if !bytes.starts_with(beginning) {
        return Err(format!("does not begin as {media_type} does"));
    }
    let digest: Vec<u8> = Sha256::digest(&bytes).iter().take(6).copied().collect();
    Ok(Image { media_type, bytes: bytes.len(), digest: hex::encode(digest) })
}

/// What a model says that sees them.
pub(crate) fn described(images: &[Image]) -> String {
    let beginning = match images.len() {
        0 => "I see no image.".to_owned(),
        1 => "I see 1 image.".to_owned(),
        count => format!("I see {count} images."),
    };
    let each = images.iter().enumerate().map(|(at, Image { media_type, bytes, digest })| {
        format!("{}: {media_type}, {bytes} bytes, sha256 {digest}", at + 1)
    });
    std::iter::once(beginning).chain(each).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(media_type: &str, bytes: &[u8]) -> String {
        format!("data:{media_type};base64,{}", STANDARD.encode(bytes))
    }

    #[test]
    fn images_are_counted_weighed_and_told_apart() {
        let images = read(&[url("image/gif", b"GIF89a"), url("image/jpeg", b"\xff\xd8\xff\xe0")]).unwrap();
        assert_eq!(
            described(&images),
            "I see 2 images.\n1: image/gif, 6 bytes, sha256 610f5ae4d76e\n2: image/jpeg, 4 bytes, sha256 ba4f25bf16ba"
        );
        assert_eq!(described(&[]), "I see no image.");
    }

    #[test]
    fn what_is_no_image_is_named() {
        let wrong = |image: String| read(&[url("image/gif", b"GIF89a"), image]).unwrap_err();
        assert_eq!(wrong("https://example.test/a.png".to_owned()), "image 2 is no data: URL in base64");
        assert_eq!(
            wrong(url("image/bmp", b"BM")),
            "image 2 is no image/png, image/jpeg, image/gif or image/webp"
        );
        assert_eq!(wrong(url("image/png", b"GIF89a")), "image 2 does not begin as image/png does");
        assert_eq!(wrong("data:image/png;base64,a secret".to_owned()), "image 2 is not in base64");
        let large = url("image/gif", &[b"GIF8".as_slice(), &vec![0; MAX_IMAGE_BYTES - 3]].concat());
        assert_eq!(wrong(large), "image 2 has more than 1048576 bytes");
        let huge = url("image/gif", &vec![0; 2 * MAX_IMAGE_BYTES]);
        assert_eq!(wrong(huge), "image 2 has more than 1048576 bytes");
        assert_eq!(read(&vec![String::new(); 5]), Err("a turn has at most 4 images".to_owned()));
    }
}

//! Turns with images, and the sites and models that take none.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use wormhole_playground::{ECHO, EYES};
use wormhole_protocol::{Failure, FailureCode, Image, PageHello, PageState, Posted};

use crate::session_stand::Stand;

fn image(media_type: &str, bytes: &[u8]) -> Image {
    Image { media_type: media_type.to_owned(), data: STANDARD.encode(bytes) }
}

fn png(size: usize) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.resize(size, 7);
    bytes
}

fn seeing(hello: &PageHello) -> Vec<&str> {
    hello.models.iter().filter(|model| model.images).map(|model| model.name.as_str()).collect()
}

#[track_caller]
fn check(failure: Failure, message: &str) {
    let Failure { code, posted, message: said, .. } = failure;
    assert_eq!((code, posted, said.as_str()), (FailureCode::Refused, Posted::No, message));
}

#[tokio::test]
async fn images_travel_as_the_profile_says_and_nowhere_else() {
    let stand = Stand::open().await;
    let bridge = stand.bridge(stand.config("playground")).await;
    let hub = &stand.hub;
    assert_eq!(seeing(&hub.until(PageState::Ready).await), [EYES]);

    // As large as the site takes them.
    let (large, small) = (png(1 << 20), b"GIF89a...".to_vec());
    let images = vec![image("image/png", &large), image("image/gif", &small)];
    let seen = hub.post_with(EYES, "what is this?", None, images).ended().await;
    let digest = |bytes: &[u8]| {
        let first: [u8; 8] = Sha256::digest(bytes)[..8].try_into().unwrap();
        format!("{:012x}", u64::from_be_bytes(first) >> 16)
    };
    let expected = format!(
        "I see 2 images.\n1: image/png, 1048576 bytes, sha256 {}\n2: image/gif, 9 bytes, sha256 {}",
        digest(&large),
        digest(&small)
    );
    assert_eq!(seen.text, expected);
    // In a thread that goes on, too; and a turn without any is one without any.
    let thread = seen.whole();
    let images = vec![image("image/png", &png(9))];
    let again = hub.post_with(EYES, "and this?", Some(thread), images).ended().await;
    assert!(again.text.starts_with("I see 1 image.\n1: image/png, 9 bytes"), "{again:?}");
    let none = hub.post_in(EYES, "and now?", Some(again.whole())).ended().await;
    assert_eq!(none.text, "I see no image.");

    let posted = stand.site.snapshot().conversations_created;
    let refused = |model: &'static str, images: Vec<Image>| hub.post_with(model, "x", None, images).failed();
    let small = || image("image/png", &png(9));
    check(refused(ECHO, vec![small()]).await, "the model practice-echo of playground takes no images");
    check(refused(EYES, vec![small(); 5]).await, "the message has 5 images, the site takes 4");
    check(
        refused(EYES, vec![image("image/png", &png((1 << 20) + 1))]).await,
        "image 1 has 1048577 bytes, the site takes 1 to 1048576",
    );
    assert_eq!(stand.site.snapshot().conversations_created, posted);
    bridge.stop().await;

    // The same site by a profile that does not say how images travel.
    let bridge = stand.bridge(stand.config("outlier")).await;
    assert_eq!(seeing(&hub.until(PageState::Ready).await), [""; 0]);
    check(
        hub.post_with(EYES, "x", None, vec![small()]).failed().await,
        "images cannot be posted to outlier: its profile does not say how they travel",
    );
    assert_eq!(stand.site.snapshot().conversations_created, posted);
    bridge.stop().await;
    stand.close().await;
}

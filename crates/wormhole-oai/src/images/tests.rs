use super::*;
use crate::chat::Tool;

const GIF: &str = "R0lGODlhAA==";

fn picture(base64: &str) -> Part {
    Part::Image(Image::from_base64(base64.to_owned()))
}

fn message(role: Role, parts: Vec<Part>) -> Message {
    Message::new(role, parts)
}

fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

/// An answered picture, then one that is not, then a tool that shows one.
fn chat() -> Chat {
    let messages = vec![
        message(Role::User, vec![text("old"), picture(GIF)]),
        message(Role::Assistant, vec![text("seen")]),
        message(Role::User, vec![picture(GIF)]),
        message(Role::User, vec![text("new"), picture(GIF)]),
        message(Role::Assistant, vec![text("looking")]),
        message(Role::Tool, vec![text("shot"), picture(GIF)]),
    ];
    Chat { messages, tools: vec![Tool::new("f".to_owned(), None, None)], ..Chat::default() }
}

fn images(most: usize) -> Images {
    Images::new(ImageSettings { most, bytes: 10, ..ImageSettings::default() }).unwrap()
}

fn words(chat: &Chat) -> Vec<String> {
    chat.messages.iter().map(Message::text).collect()
}

#[tokio::test]
async fn pictures_travel_from_the_newest_user_message_on_unless_the_site_has_them() {
    wormhole_runtime::install_crypto_provider();
    let (chat, images) = (chat(), images(8));
    let seen = images.seen(&chat).unwrap();
    let marked = seen.marked(&chat);
    assert_eq!(words(&marked), ["old\n[image]", "seen", "[image]", "new", "looking", "shot"]);
    assert_eq!(marked.tools, chat.tools);
    for (from, rest) in [(0, 3), (2, 3), (5, 1), (6, 0)] {
        let ready = images.ready(&seen, from).await.unwrap();
        assert_eq!((ready.rest.len(), ready.whole.len()), (rest, 3), "from {from}");
    }
    assert_eq!(words(&all_marked(&chat))[3], "new\n[image]");
}

#[tokio::test]
async fn of_too_many_the_newest_travel_and_too_many_new_ones_are_refused() {
    wormhole_runtime::install_crypto_provider();
    let mut chat = chat();
    let images = images(2);
    let seen = images.seen(&chat).unwrap();
    assert_eq!(words(&seen.marked(&chat)), ["old\n[image]", "seen", "[image]", "new", "looking", "shot"]);
    assert_eq!(images.ready(&seen, 0).await.unwrap().whole.len(), 2);
    chat.messages[5].parts.extend([picture(GIF), picture(GIF)]);
    let refused = images.seen(&chat).unwrap_err();
    assert_eq!(refused.message(), "the newest messages have 3 images, at most 2 are taken");
}

#[tokio::test]
async fn a_picture_that_cannot_travel_is_named_by_its_message() {
    wormhole_runtime::install_crypto_provider();
    let images = images(8);
    let wrong = async |image| {
        let messages = vec![message(Role::User, vec![text("x"), Part::Image(image)])];
        let chat = Chat { messages, ..Chat::default() };
        let error = images.ready(&images.seen(&chat).unwrap(), 0).await.unwrap_err();
        assert_eq!((error.param(), error.status().as_u16()), (Some("messages[0]"), 400));
        error.message().to_owned()
    };
    let large = Image::from_base64("R0lGODlhAAAAAAAAAAA=".to_owned());
    assert_eq!(wrong(large).await, "an image of message 0: it has more than 10 bytes (WORMHOLE_IMAGE_BYTES)");
    let remote = wrong(Image::from_url("https://example.org/a.png".to_owned())).await;
    assert!(remote.contains("data: URL") && remote.contains("WORMHOLE_IMAGE_HOSTS"), "{remote}");
    assert!(wrong(Image::from_url("data:image/png,x".to_owned())).await.contains("must be in base64"));
}

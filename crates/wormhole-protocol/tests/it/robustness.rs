//! Decoding never panics and never repeats what it was given.

use proptest::prelude::*;
use wormhole_protocol::{DecodeError, FromHub, FromPeer, MAX_FRAME_BYTES, PageFrame, decode};

proptest! {
    #[test]
    fn any_bytes_are_a_frame_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = decode::<FromPeer>(&bytes);
        let _ = decode::<FromHub>(&bytes);
        let _ = decode::<PageFrame>(&bytes);
    }

    /// Nearly right is where decoders break: a real frame with a piece cut out and another put in.
    #[test]
    fn damaged_frames_are_a_frame_or_an_error(cut in 0_usize..400, length in 0_usize..40, patch in "\\PC{0,8}") {
        for file in [include_str!("../../fixtures/from_peer.json"), include_str!("../../fixtures/from_hub.json")] {
            for line in file.lines() {
                let mut bytes = line.trim_end_matches(',').as_bytes().to_vec();
                let start = cut.min(bytes.len());
                let end = (start + length).min(bytes.len());
                bytes.splice(start..end, patch.bytes());
                let _ = decode::<FromPeer>(&bytes);
                let _ = decode::<FromHub>(&bytes);
                let _ = decode::<PageFrame>(&bytes);
            }
        }
    }

    #[test]
    fn errors_never_repeat_the_frame(secret in "[a-z]{12}") {
        let frames = [
            format!(r#"{{"type":"submit","turn":"t","caller":"c","model":"m","text":["{secret}"],"deadline_ms":1}}"#),
            format!(r#"{{"type":"submit","turn":"t","text":"{secret}"}}"#),
            format!(r#"{{"type":"submit","turn":"t","text":"{secret}"#),
            format!(r#"{{"type":"{secret}"}}"#),
        ];
        for frame in frames {
            let error = decode::<FromPeer>(frame.as_bytes()).unwrap_err();
            prop_assert!(!error.to_string().contains(&secret));
        }
    }
}

#[test]
fn an_oversized_frame_is_refused_before_it_is_read() {
    let bytes = vec![b' '; MAX_FRAME_BYTES + 1];
    assert_eq!(decode::<FromPeer>(&bytes).unwrap_err(), DecodeError::TooLarge { bytes: bytes.len() });
}

#[test]
fn deep_nesting_is_an_error_and_no_stack_overflow() {
    let bytes = "[".repeat(1_000_000);
    assert!(decode::<FromPeer>(bytes.as_bytes()).is_err());
    assert!(decode::<PageFrame>(bytes.as_bytes()).is_err());
    let nested =
        format!(r#"{{"type":"cancel","turn":"t","x":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    assert!(decode::<FromPeer>(nested.as_bytes()).is_err());
}

//! Completing a text, and filling a gap in one, on sites that only converse.

use crate::chat::{Message, Part, Role};

/// The message that asks for what follows `prompt`, and precedes `suffix` if there is one.
///
/// A plain prompt goes as it is: the clients of completions write their own instructions, as for any chat model.
pub(crate) fn message(prompt: String, suffix: Option<&str>) -> Message {
    let text = match suffix.filter(|suffix| !suffix.is_empty()) {
        None => prompt,
        Some(suffix) => format!(
            "A text has a gap. Write what belongs into the gap and nothing else: no explanation, no code fence, \
             nothing of what stands before or after it.\n\n\
             <before_gap>\n{prompt}\n</before_gap>\n<after_gap>\n{suffix}\n</after_gap>"
        ),
    };
    Message::new(Role::User, vec![Part::Text(text)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suffix_makes_a_gap_and_none_makes_no_words() {
        assert_eq!(message("fn a".to_owned(), None).text(), "fn a");
        assert_eq!(message("fn a".to_owned(), Some("")).text(), "fn a");
        let text = message("fn a".to_owned(), Some("}")).text();
        assert!(text.ends_with("<before_gap>\nfn a\n</before_gap>\n<after_gap>\n}\n</after_gap>"), "{text}");
    }
}

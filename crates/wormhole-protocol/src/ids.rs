//! Identifiers. Newtypes, so that a turn is never taken for a conversation.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is; the peer that made the id answers for its being unique.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// One message posted to a site and its reply. Made by the sender, unique among all senders of a hub.
    TurnId
}
id! {
    /// The site's own thread, in the site's own spelling.
    ConversationId
}
id! {
    /// A peer as the hub calls it: one connection, not one program. Said in `welcome`.
    PeerId
}

//! Misbehaviour that was ordered: which call, what, and how many times.

use std::collections::VecDeque;

use serde::Deserialize;
use serde::Serialize;

/// A kind of call that a fault can be ordered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `POST` of the login form.
    Login,
    /// The chat page itself.
    Page,
    /// The model list, in either era.
    Models,
    /// `POST /conversations`.
    Create,
    /// `POST /conversations/{id}/turn-streaming`.
    Turn,
    /// `GET /conversations/{id}`.
    Read,
    /// `GET /conversations/paginated`.
    List,
    /// `DELETE /conversations/{id}`.
    Delete,
}

/// What goes wrong. Only calls that would have succeeded use a fault up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// A JSON error with this status.
    Status {
        /// The status; anything outside 200–999 becomes 500.
        code: u16,
        /// Seconds for a `Retry-After` header.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// The body stops after so many words and stays open until the client leaves.
    Stall {
        /// Words sent before.
        #[serde(default)]
        after_words: usize,
    },
    /// The body ends after so many words, without its end marks.
    Cut {
        /// Words sent before.
        #[serde(default)]
        after_words: usize,
        /// Abort the connection (or reset the HTTP/2 stream) in place of a clean end of the body.
        #[serde(default)]
        abrupt: bool,
    },
    /// An HTML page with status 200.
    Html,
    /// Well-formed JSON with types and fields that nobody knows.
    UnknownShape,
    /// The session ends without a 401: status 200 and the login page.
    SilentLogout,
    /// Nothing is answered, no headers either, until [`crate::Control::release_held`].
    HoldResponse,
}

/// Orders that are not used up yet, oldest first. At most [`Faults::MOST`] are kept; more are refused.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    orders: VecDeque<(Call, Fault, u32)>,
}

impl Faults {
    const MOST: usize = 1_024;

    /// Orders `fault` for the next `times` calls; false when the book is full.
    pub(crate) fn order(&mut self, call: Call, fault: Fault, times: u32) -> bool {
        let fits = self.orders.len() < Self::MOST;
        if fits && times > 0 {
            self.orders.push_back((call, fault, times));
        }
        fits
    }

    /// The fault that this call meets, if one is ordered; uses one of its times up.
    pub(crate) fn meet(&mut self, call: Call) -> Option<Fault> {
        let at = self.orders.iter().position(|(of, ..)| *of == call)?;
        let (_, fault, left) = self.orders.get_mut(at)?;
        let met = fault.clone();
        *left -= 1;
        if *left == 0 {
            self.orders.remove(at);
        }
        Some(met)
    }

    pub(crate) fn clear(&mut self) {
        self.orders.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_met_as_often_as_it_says_and_only_by_its_call() {
        let mut faults = Faults::default();
        assert!(faults.order(Call::Turn, Fault::Html, 2));
        assert!(faults.order(Call::Turn, Fault::UnknownShape, 1));
        assert_eq!(faults.meet(Call::Models), None);
        let met: Vec<_> = std::iter::from_fn(|| faults.meet(Call::Turn)).collect();
        assert_eq!(met, [Fault::Html, Fault::Html, Fault::UnknownShape]);
    }
}

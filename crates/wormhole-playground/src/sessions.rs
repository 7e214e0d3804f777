//! Logged-in browsers, and those half-way there (password right, code still missing).

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The sessions of the one account.
#[derive(Debug)]
pub(crate) struct Sessions {
    alive: HashMap<String, Session>,
    /// One-use tickets: a right password that waits for its code, a person who passed the captcha.
    tickets: Vec<(Ticket, String)>,
    most: usize,
    clock: u64,
}

#[derive(Debug)]
struct Session {
    csrf: String,
    used: u64,
}

/// What a one-use ticket allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ticket {
    /// Posting a one-time code.
    Code,
    /// Seeing the login form although the captcha is on.
    Person,
}

impl Sessions {
    pub(crate) fn new(most: usize) -> Self {
        Self { alive: HashMap::new(), tickets: Vec::new(), most: most.max(1), clock: 0 }
    }

    /// Begins a session; past the bound the one unused for longest ends.
    pub(crate) fn begin(&mut self) -> String {
        if self.alive.len() >= self.most {
            let oldest = self.alive.iter().min_by_key(|(_, session)| session.used);
            if let Some(id) = oldest.map(|(id, _)| id.clone()) {
                self.alive.remove(&id);
            }
        }
        let id = secret();
        self.clock += 1;
        self.alive.insert(id.clone(), Session { csrf: csrf_token(), used: self.clock });
        id
    }

    /// The session's CSRF token, if it is alive. Counts as use.
    pub(crate) fn csrf(&mut self, id: &str) -> Option<String> {
        self.clock += 1;
        let session = self.alive.get_mut(id)?;
        session.used = self.clock;
        Some(session.csrf.clone())
    }

    pub(crate) fn end(&mut self, id: &str) {
        self.alive.remove(id);
    }

    pub(crate) fn end_all(&mut self) -> usize {
        self.tickets.clear();
        self.alive.drain().count()
    }

    /// Gives every session a new CSRF token, so that the cookies browsers hold are stale.
    pub(crate) fn rotate_csrf(&mut self) {
        for session in self.alive.values_mut() {
            session.csrf = csrf_token();
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.alive.len() as u64
    }

    pub(crate) fn give_ticket(&mut self, ticket: Ticket) -> String {
        if self.tickets.len() >= self.most {
            self.tickets.remove(0);
        }
        let id = secret();
        self.tickets.push((ticket, id.clone()));
        id
    }

    pub(crate) fn holds_ticket(&self, ticket: Ticket, id: &str) -> bool {
        self.tickets.iter().any(|held| held.0 == ticket && held.1 == id)
    }

    pub(crate) fn spend_ticket(&mut self, id: &str) {
        self.tickets.retain(|held| held.1 != id);
    }
}

fn secret() -> String {
    hex::encode(rand::random::<[u8; 24]>())
}

// Holds characters that a cookie must percent-encode, so that a client which forgets to decode fails.
fn csrf_token() -> String {
    format!(
        "{}+/{}==",
        STANDARD.encode(rand::random::<[u8; 18]>()),
        STANDARD.encode(rand::random::<[u8; 6]>())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_the_bound_the_session_unused_for_longest_ends() {
        let mut sessions = Sessions::new(2);
        let (first, second) = (sessions.begin(), sessions.begin());
        assert!(sessions.csrf(&first).is_some());
        let third = sessions.begin();
        assert!(sessions.csrf(&second).is_none());
        assert!(sessions.csrf(&first).is_some() && sessions.csrf(&third).is_some());
    }

    #[test]
    fn a_ticket_is_good_for_its_purpose_and_once() {
        let mut sessions = Sessions::new(2);
        let id = sessions.give_ticket(Ticket::Code);
        assert!(sessions.holds_ticket(Ticket::Code, &id) && !sessions.holds_ticket(Ticket::Person, &id));
        sessions.spend_ticket(&id);
        assert!(!sessions.holds_ticket(Ticket::Code, &id));
    }
}

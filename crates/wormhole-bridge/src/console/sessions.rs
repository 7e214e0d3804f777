//! Who has signed in: a random cookie each, in memory only.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

/// How long a sign-in lasts.
pub(crate) const LASTS: Duration = Duration::from_hours(12);

/// How many there may be; when one more signs in, the oldest is signed out.
const MOST: usize = 64;

type Hash = [u8; 32];

/// The people who have signed in. Cookies are looked up by their hash: how long that takes tells nothing about them.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<Hash, Signed>>,
}

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    until: Instant,
    /// Cancelled when it ends by another hand than the clock's.
    pub(crate) out: CancellationToken,
}

impl Signed {
    /// Ends when this one is signed out, or has been signed in for long enough.
    pub(crate) async fn over(&self) {
        tokio::select! {
            () = self.out.cancelled() => {}
            () = tokio::time::sleep_until(self.until.into()) => {}
        }
    }
}

impl Sessions {
    /// Signs somebody in; the value of their cookie.
    pub(crate) fn begin(&self, now: Instant) -> String {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, signed| now < signed.until);
        if open.len() >= MOST {
            let oldest = open.iter().min_by_key(|(_, signed)| signed.until).map(|(hash, _)| *hash);
            if let Some(signed) = oldest.and_then(|oldest| open.remove(&oldest)) {
                signed.out.cancel();
            }
        }
        let cookie = random();
        open.insert(hash(&cookie), Signed { until: now + LASTS, out: CancellationToken::new() });
        cookie
    }

    /// Whoever this cookie is of, if they are still signed in.
    pub(crate) fn find(&self, cookie: &str, now: Instant) -> Option<Signed> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(&hash(cookie)).filter(|signed| now < signed.until).cloned()
    }

    /// Signs somebody out, and ends what they look at.
    pub(crate) fn end(&self, cookie: &str) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signed) = open.remove(&hash(cookie)) {
            signed.out.cancel();
        }
    }
}

fn hash(cookie: &str) -> Hash {
    Sha256::digest(cookie.as_bytes()).into()
}

/// 256 random bits, in hexadecimal digits.
pub(crate) fn random() -> String {
    let bits: [u8; 32] = rand::random();
    bits.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_ends_by_the_clock_by_hand_and_for_want_of_places() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let first = sessions.begin(now);
        assert!(sessions.find(&first, now).is_some());
        assert!(sessions.find("something else", now).is_none());
        assert!(sessions.find(&first, now + LASTS).is_none());
        let second = sessions.begin(now);
        let signed = sessions.find(&second, now).unwrap();
        sessions.end(&second);
        assert!(signed.out.is_cancelled() && sessions.find(&second, now).is_none());
        let signed = sessions.find(&first, now).unwrap();
        for later in 1..=MOST as u64 {
            sessions.begin(now + Duration::from_secs(later));
        }
        assert!(signed.out.is_cancelled() && sessions.find(&first, now).is_none());
    }
}

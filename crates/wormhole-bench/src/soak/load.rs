//! Turns at a steady pace: whole ones, streams, and every tenth left in the middle.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use futures_util::stream::{self, StreamExt};

use crate::ask::{Dialect, History, ask_model};
use crate::clock::Clock;
use crate::connection::Connection;
use crate::source::{MODEL, WORDS};

/// As many as the profile lets through at once; a turn that is due while all are busy waits here.
const AT_ONCE: usize = 8;

/// How much is asked, and of whom.
pub(super) struct Load {
    pub(super) api: SocketAddr,
    pub(super) clock: Clock,
    pub(super) turns: u32,
    pub(super) duration: Duration,
}

/// What became of the turns.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Answered to the end, every word there.
    pub(super) whole: u32,
    /// Left by the client in mid-answer.
    pub(super) left: u32,
    /// What went wrong with the others: the first few, and how many.
    pub(super) errors: Vec<String>,
    pub(super) failed: u32,
}

impl Tally {
    fn note(&mut self, leaves: bool, outcome: Result<()>) {
        match outcome {
            Ok(()) if leaves => self.left += 1,
            Ok(()) => self.whole += 1,
            Err(error) => {
                self.failed += 1;
                if self.errors.len() < 5 {
                    self.errors.push(format!("{error:#}"));
                }
            }
        }
    }
}

impl Load {
    /// Every turn when it is due, or as soon after as there is a place.
    pub(super) async fn run(&self, tally: &mut Tally) {
        let began = self.clock.now();
        let turns = stream::iter(0..self.turns).map(|turn| async move {
            let due = began + self.duration * turn / self.turns;
            tokio::time::sleep(due.saturating_sub(self.clock.now())).await;
            let leaves = turn % 10 == 9;
            (leaves, self.turn(leaves, turn % 2 == 0).await)
        });
        let mut turns = std::pin::pin!(turns.buffer_unordered(AT_ONCE));
        while let Some((leaves, outcome)) = turns.next().await {
            tally.note(leaves, outcome);
        }
    }

    async fn turn(&self, leaves: bool, streamed: bool) -> Result<()> {
        let ask = ask_model(Dialect::OpenAi, MODEL, WORDS, leaves || streamed, History::Short);
        let mut connection = Connection::open(self.api, self.clock).await?;
        if leaves {
            return connection.until_first_delta(&ask).await.map(drop);
        }
        connection.exchange(&ask).await.map(drop)
    }
}

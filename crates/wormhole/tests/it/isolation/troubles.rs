//! What breaks meanwhile: browsers that are killed and links that are cut, after every so many turns.

use std::time::Duration;

use tokio::sync::watch;
use wormhole_testkit::{Account, Link, Stack, chromium_pids, kill_hard};

use super::Dice;

/// How many turns (or how long, where all wait for the link) a cut lasts.
const CUT_TURNS: usize = 8;
const CUT_FOR: Duration = Duration::from_secs(2);

pub(super) struct Troubles<'a> {
    stack: &'a Stack,
    others: &'a [Account],
    dice: Dice,
    done: watch::Receiver<usize>,
}

impl<'a> Troubles<'a> {
    pub(super) fn new(
        stack: &'a Stack,
        others: &'a [Account],
        dice: Dice,
        done: watch::Receiver<usize>,
    ) -> Self {
        Self { stack, others, dice, done }
    }

    /// One trouble after every `step` turns, in turn a kill and a cut; says how many there were.
    pub(super) async fn until_done(&mut self, turns: usize, step: usize) -> usize {
        let mut count = 0;
        for after in (step / 2..turns).step_by(step) {
            self.turns_done(after).await;
            let account = usize::try_from(self.dice.below(self.others.len() as u64 + 1)).unwrap();
            if count % 2 == 0 {
                self.kill_browser(account);
            } else {
                self.cut_link(account, after).await;
            }
            count += 1;
        }
        count
    }

    async fn turns_done(&mut self, turns: usize) {
        // An error says that all clients are done.
        let _ = self.done.wait_for(|done| *done >= turns).await;
    }

    /// Whichever browser runs there; one that is just starting is left to start.
    fn kill_browser(&self, account: usize) {
        let pid = match account.checked_sub(1) {
            None => chromium_pids(&self.stack.profile()).first().copied(),
            Some(other) => self.others[other].chromium(),
        };
        if let Some(pid) = pid {
            kill_hard(pid);
        }
    }

    async fn cut_link(&mut self, account: usize, after: usize) {
        let link = self.link(account);
        link.cut();
        let _ = tokio::time::timeout(CUT_FOR, self.turns_done(after + CUT_TURNS)).await;
        link.restore();
    }

    fn link(&self, account: usize) -> &'a Link {
        let (stack, others) = (self.stack, self.others);
        account.checked_sub(1).map_or(&stack.bridge_link, |other| &others[other].link)
    }
}

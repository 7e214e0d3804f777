//! Sixteen clients over four accounts, each a tab in a Chromium of its own, while browsers are killed, links are cut, clients
//! hang up and others read slowly. Whoever gets a whole answer gets the one to its own question, and nothing is posted twice.

mod client;
mod troubles;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use wormhole_testkit::site::Snapshot;
use wormhole_testkit::{Account, Setup, Stack, within};

use crate::WORMHOLE;
use client::{Client, Saw, client_in, last_nonce};
use troubles::Troubles;

const CLIENTS: usize = 16;
const ACCOUNTS: usize = 4;

/// Turns at once on one account: together there is a place for each client while nothing is broken.
const CAPACITY: u32 = 4;

/// Turns of all clients together, where `WORMHOLE_TEST_TURNS` does not say more. The full size is 2,000.
const TURNS: usize = 256;

/// One trouble for so many turns.
const TURNS_PER_TROUBLE: usize = 32;

/// A turn and its share of troubles take a tenth of it on a quiet machine.
const PER_TURN: Duration = Duration::from_millis(600);

/// Numbers that look random and are the same for the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

fn number_from(variable: &str, default: usize) -> usize {
    let given = std::env::var_os(variable);
    given.map_or(default, |text| text.to_str().and_then(|text| text.parse().ok()).expect("a number"))
}

async fn four_accounts() -> (Stack, Vec<Account>) {
    let stack = Stack::start(WORMHOLE, Setup { capacity: CAPACITY, ..Setup::default() }).await;
    let mut others = Vec::new();
    for number in 1..ACCOUNTS {
        others.push(stack.another_account(&format!("account-{number}")).await);
    }
    for account in &others {
        stack.until_account_ready(account).await;
    }
    (stack, others)
}

/// All clients' turns, with troubles beside them. Gives what they saw, and how many troubles there were.
async fn run(stack: &Stack, others: &[Account], turns: usize, seed: u64) -> (Saw, usize) {
    let (progress, done) = watch::channel(0);
    let progress = Arc::new(progress);
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let dice = Dice(seed.wrapping_add(number as u64));
        let client = Client::new(stack.api.clone(), number, dice, Arc::clone(&progress));
        clients.spawn(client.run(turns / CLIENTS));
    }
    drop(progress);
    let mut troubles = Troubles::new(stack, others, Dice(!seed), done);
    let everybody = async {
        let mut all = Saw::default();
        while let Some(saw) = clients.join_next().await {
            all.add(saw.expect("a client that saw only what is its own"));
        }
        all
    };
    tokio::join!(everybody, troubles.until_done(turns, TURNS_PER_TROUBLE))
}

#[tokio::test]
async fn every_reply_carries_its_own_nonce_whatever_breaks_and_nothing_is_posted_twice() {
    let turns = number_from("WORMHOLE_TEST_TURNS", TURNS).next_multiple_of(CLIENTS);
    let dice_seed = number_from("WORMHOLE_TEST_SEED", 20_261_122) as u64;
    println!("{turns} turns, WORMHOLE_TEST_SEED={dice_seed}");
    let (stack, others) = four_accounts().await;
    let limit = Duration::from_mins(1) + PER_TURN * u32::try_from(turns).unwrap();
    let (saw, troubles) = within(limit, "all turns", run(&stack, &others, turns, dice_seed)).await;
    println!("{saw:?}, {troubles} troubles");
    assert_eq!(saw.turns(), turns);
    assert!(saw.whole.len() * 2 > turns, "most are answered: {} of {turns}", saw.whole.len());

    // It has healed by itself: each account serves again, with the session it had.
    stack.until_ready().await;
    for account in &others {
        stack.until_account_ready(account).await;
    }
    let idle = |seen: &Snapshot| seen.in_flight == 0;
    let seen = stack.site.wait_until(crate::SEEN_WITHIN, idle).await.expect("nothing is left running");
    assert_eq!(seen.logins_ok, ACCOUNTS as u64, "no trouble costs a session");
    nothing_is_posted_twice(&seen, &saw);
    conversations_stay_with_their_client(&seen);
    for account in others {
        account.stop().await;
    }
    stack.stop(&["nonce-"]).await;
}

fn nothing_is_posted_twice(seen: &Snapshot, saw: &Saw) {
    assert_eq!(seen.turns.len() as u64, seen.turns_received, "the site remembers every turn");
    let mut posted = BTreeMap::new();
    for turn in &seen.turns {
        *posted.entry(last_nonce(&turn.text).expect("every turn has a nonce")).or_insert(0_u32) += 1;
    }
    let twice: Vec<_> = posted.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    for nonce in &saw.whole {
        assert!(posted.contains_key(nonce.as_str()), "{nonce} was answered and never posted");
    }
}

fn conversations_stay_with_their_client(seen: &Snapshot) {
    let mut owners = BTreeMap::new();
    for turn in &seen.turns {
        let client = client_in(&turn.text);
        let owner = *owners.entry(turn.conversation.as_str()).or_insert(client);
        assert_eq!(client, owner, "conversation {} has two owners", turn.conversation);
    }
}

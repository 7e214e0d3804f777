//! The turns that wait: round robin between callers, first come first served within one.

use std::collections::VecDeque;

use super::Serial;

/// A caller may have at most this many times as many turns waiting as there are places left over. So one caller alone
/// gets three quarters of the queue, and however many of them are greedy, somebody new finds a place.
const GREED: usize = 3;

/// A queue that is fair between callers. Its owner bounds it.
#[derive(Debug, Default)]
pub(super) struct FairQueue {
    /// Whose turn it is next stands in front. No lane is empty.
    lanes: VecDeque<Lane>,
    len: usize,
    changed: bool,
}

#[derive(Debug)]
struct Lane {
    caller: String,
    turns: VecDeque<Serial>,
}

impl FairQueue {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn push_back(&mut self, caller: &str, turn: Serial) {
        match self.lane(caller) {
            Some(lane) => lane.turns.push_back(turn),
            None => self.lanes.push_back(Lane::of(caller, turn)),
        }
        self.grew();
    }

    /// For a turn that was given out and came back: it is its caller's next, and its caller is next.
    pub(super) fn push_front(&mut self, caller: &str, turn: Serial) {
        match self
            .lanes
            .iter()
            .position(|lane| lane.caller == caller)
            .and_then(|index| self.lanes.remove(index))
        {
            Some(mut lane) => {
                lane.turns.push_front(turn);
                self.lanes.push_front(lane);
            }
            None => self.lanes.push_front(Lane::of(caller, turn)),
        }
        self.grew();
    }

    pub(super) fn remove(&mut self, caller: &str, turn: Serial) {
        let Some(index) = self.lanes.iter().position(|lane| lane.caller == caller) else { return };
        let Some(lane) = self.lanes.get_mut(index) else { return };
        let before = lane.turns.len();
        lane.turns.retain(|waiting| *waiting != turn);
        self.len -= before - lane.turns.len();
        if lane.turns.is_empty() {
            self.lanes.remove(index);
        }
        self.changed = true;
    }

    /// Whether a queue of at most `limit` turns keeps the last one of this caller, which stands in it already. Everybody's
    /// first turn stays as long as there is any room; more only as far as others are left some.
    pub(super) fn has_room_for(&self, caller: &str, limit: usize) -> bool {
        let theirs = self.lanes.iter().find(|lane| lane.caller == caller).map_or(0, |lane| lane.turns.len());
        // What would be left without the turn that is asked about.
        let left = (limit + 1).saturating_sub(self.len);
        left > 0 && (theirs <= 1 || theirs <= left.saturating_mul(GREED))
    }

    /// Takes out the first turn that `place` finds a place for. Its caller goes to the end of the round.
    pub(super) fn pick<P>(&mut self, mut place: impl FnMut(Serial) -> Option<P>) -> Option<(Serial, P)> {
        for index in 0..self.lanes.len() {
            let lane = self.lanes.get_mut(index)?;
            let found = lane.turns.iter().enumerate().find_map(|(at, turn)| Some((at, *turn, place(*turn)?)));
            let Some((at, turn, place)) = found else { continue };
            lane.turns.remove(at);
            self.len -= 1;
            self.changed = true;
            if let Some(lane) = self.lanes.remove(index)
                && !lane.turns.is_empty()
            {
                self.lanes.push_back(lane);
            }
            return Some((turn, place));
        }
        None
    }

    /// Every waiting turn with the number of turns before it, were all places alike.
    pub(super) fn places(&self) -> impl Iterator<Item = (Serial, u32)> {
        self.lanes.iter().enumerate().flat_map(move |(lane_index, lane)| {
            lane.turns.iter().enumerate().map(move |(at, turn)| (*turn, self.ahead(lane_index, at)))
        })
    }

    /// Every waiting turn.
    pub(super) fn turns(&self) -> Vec<Serial> {
        self.lanes.iter().flat_map(|lane| &lane.turns).copied().collect()
    }

    /// The number of turns before this one.
    pub(super) fn ahead_of(&self, turn: Serial) -> u32 {
        self.places().find_map(|(waiting, ahead)| (waiting == turn).then_some(ahead)).unwrap_or(0)
    }

    /// Whether anything changed since this was last asked.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Before the turn at `at` come as many of each lane, and one more of the lanes whose turn is earlier.
    fn ahead(&self, lane_index: usize, at: usize) -> u32 {
        let of_lane = |(index, lane): (usize, &Lane)| match index.cmp(&lane_index) {
            std::cmp::Ordering::Less => lane.turns.len().min(at + 1),
            std::cmp::Ordering::Equal => at,
            std::cmp::Ordering::Greater => lane.turns.len().min(at),
        };
        u32::try_from(self.lanes.iter().enumerate().map(of_lane).sum::<usize>()).unwrap_or(u32::MAX)
    }

    fn lane(&mut self, caller: &str) -> Option<&mut Lane> {
        self.lanes.iter_mut().find(|lane| lane.caller == caller)
    }

    fn grew(&mut self) {
        self.len += 1;
        self.changed = true;
    }
}

impl Lane {
    fn of(caller: &str, turn: Serial) -> Self {
        Self { caller: caller.to_owned(), turns: VecDeque::from([turn]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(turns: &[(&str, u64)]) -> FairQueue {
        let mut queue = FairQueue::default();
        for (caller, turn) in turns {
            queue.push_back(caller, Serial(*turn));
        }
        queue
    }

    fn order(mut queue: FairQueue) -> Vec<u64> {
        std::iter::from_fn(|| queue.pick(|_| Some(()))).map(|(turn, ())| turn.0).collect()
    }

    #[test]
    fn callers_take_turns_and_each_is_served_first_come_first_served() {
        let queue = queue(&[("a", 1), ("a", 2), ("a", 3), ("b", 4), ("c", 5), ("c", 6)]);
        assert_eq!(order(queue), [1, 4, 5, 2, 6, 3]);
    }

    #[test]
    fn ahead_says_the_order_in_which_turns_are_picked() {
        let queue = queue(&[("a", 1), ("a", 2), ("a", 3), ("b", 4), ("c", 5), ("c", 6)]);
        let mut ahead: Vec<_> = queue.places().collect();
        ahead.sort_by_key(|(_, ahead)| *ahead);
        assert_eq!(ahead.iter().map(|(_, ahead)| *ahead).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
        assert_eq!(ahead.iter().map(|(turn, _)| turn.0).collect::<Vec<_>>(), order(queue));
    }

    #[test]
    fn a_turn_that_has_no_place_stands_in_nobodys_way() {
        let mut queue = queue(&[("a", 1), ("a", 2), ("b", 3)]);
        assert_eq!(queue.pick(|turn| (turn.0 == 2).then_some(())), Some((Serial(2), ())));
        assert_eq!(queue.pick(|_| None::<()>), None);
        assert_eq!(queue.len(), 2);
        assert_eq!(order(queue), [3, 1], "who was served stands behind");
    }

    #[test]
    fn a_turn_that_came_back_is_next() {
        let mut queue = queue(&[("a", 1), ("b", 2), ("b", 3)]);
        queue.push_front("b", Serial(9));
        queue.push_front("new", Serial(8));
        assert_eq!(order(queue), [8, 9, 1, 2, 3]);
    }

    /// How many turns of a caller a queue of this size keeps, when it submits without end.
    fn fills(queue: &mut FairQueue, caller: &str, limit: usize) -> usize {
        (1..=10_000)
            .find(|turn| {
                queue.push_back(caller, Serial(*turn));
                let refused = !queue.has_room_for(caller, limit);
                if refused {
                    queue.remove(caller, Serial(*turn));
                }
                refused
            })
            .map_or(0, |refused| usize::try_from(refused).unwrap() - 1)
    }

    #[test]
    fn one_caller_cannot_fill_the_queue_and_many_share_it() {
        let mut queue = FairQueue::default();
        assert_eq!(fills(&mut queue, "greedy", 256), 192);
        assert_eq!(fills(&mut queue, "as greedy", 256), 48);
        assert_eq!(fills(&mut queue, "modest", 256), 12);
        let newcomers = (0..100).map(|name| fills(&mut queue, &name.to_string(), 256)).collect::<Vec<_>>();
        assert_eq!(newcomers.iter().sum::<usize>(), 4, "the rest goes to whoever comes first");
        assert_eq!(queue.len(), 256);
    }

    #[test]
    fn a_small_queue_is_used_whole() {
        for limit in 0..=3 {
            assert_eq!(fills(&mut FairQueue::default(), "alone", limit), limit, "{limit}");
        }
    }

    #[test]
    fn a_removed_turn_is_gone() {
        let mut queue = queue(&[("a", 1), ("a", 2), ("b", 3)]);
        queue.remove("a", Serial(1));
        queue.remove("b", Serial(3));
        queue.remove("b", Serial(3));
        assert_eq!(queue.len(), 1);
        assert_eq!(order(queue), [2]);
    }
}

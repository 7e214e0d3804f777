//! A running task's place in the books.

use tokio_util::task::task_tracker::TaskTrackerToken;

use super::Lifecycle;

/// Which tracker a task belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    Tasks,
    Last,
}

/// A running task's entry with its life and, by tokens, with that life's ancestors.
pub(super) struct Entry {
    name: &'static str,
    life: Lifecycle,
    group: Group,
    _ancestors: Vec<TaskTrackerToken>,
}

impl Entry {
    pub(super) fn new(name: &'static str, life: Lifecycle, group: Group) -> Self {
        let mut tokens = Vec::new();
        let mut ancestor = life.inner.parent.as_ref();
        while let Some(this) = ancestor {
            tokens.push(this.inner.tracker(group).token());
            ancestor = this.inner.parent.as_ref();
        }
        if group == Group::Tasks {
            life.count(name, |count| *count += 1);
        }
        Self { name, life, group, _ancestors: tokens }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if self.group == Group::Tasks {
            self.life.count(self.name, |count| *count -= 1);
        }
    }
}

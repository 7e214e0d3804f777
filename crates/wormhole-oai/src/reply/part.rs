//! What an answer is made of.

use wormhole_protocol::{self as protocol, Failure};

use crate::usage::Usage;

/// A piece of an answer. Calls come one after the other: begin, arguments, end. Text stands before them, and rarely
/// after one. The last call has no end where the answer was cut off in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// More of the answer.
    Text(String),
    /// More of the reasoning that precedes it.
    Reasoning(String),
    /// The model calls a tool.
    CallBegin {
        /// Counts from 0.
        index: u32,
        /// `call_…`, unique.
        id: String,
        /// The tool.
        name: String,
    },
    /// More of the call's arguments. Joined, they are the JSON text of an object.
    CallArguments {
        /// Of which call.
        index: u32,
        /// What to append.
        delta: String,
    },
    /// The call is whole.
    CallEnd {
        /// Which.
        index: u32,
    },
    /// The answer is whole; nothing follows.
    End(Finish, Usage),
    /// It never will be; nothing follows.
    Failed(Failure),
}

/// Why an answer that is whole ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// The model was done.
    Stop,
    /// One of the client's stop sequences came: its place in their list.
    Sequence(usize),
    /// A length limit, the client's or the site's.
    Length,
    /// The site's filter.
    ContentFilter,
    /// It ended in calls, whose results the model waits for.
    ToolCalls,
}

impl From<protocol::Finish> for Finish {
    fn from(finish: protocol::Finish) -> Self {
        match finish {
            protocol::Finish::Stop => Self::Stop,
            protocol::Finish::Length => Self::Length,
            protocol::Finish::ContentFilter => Self::ContentFilter,
        }
    }
}

/// An answer that is there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Whole {
    /// The answer.
    pub text: String,
    /// The reasoning that preceded it; may be empty.
    pub reasoning: String,
    /// The calls it ended in.
    pub calls: Vec<WholeCall>,
    /// Why it ended.
    pub finish: Finish,
    /// What it cost.
    pub usage: Usage,
}

/// A call that is there.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct WholeCall {
    /// `call_…`, unique.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The JSON text of an object.
    pub arguments: String,
}

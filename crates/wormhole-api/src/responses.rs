//! OpenAI's responses: the request, the response object, the events of a stream.

mod event;
mod item;
mod request;
mod response;

pub use event::{
    ArgumentsDelta, ArgumentsDone, Event, ItemEvent, PartEvent, ResponseEvent, SummaryDelta,
    SummaryPartEvent, SummaryTextDone, TextDelta, TextDone,
};
pub use item::{Item, OutputItem, OutputText, Part, SummaryText};
pub use request::{CreateRequest, Tool};
pub use response::{Deleted, IncompleteDetails, InputDetails, OutputDetails, Response, ResponseError, Usage};

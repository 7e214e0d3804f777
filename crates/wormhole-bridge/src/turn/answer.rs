//! An answer under way, by either driver.

use wormhole_protocol::{ConversationId, Failure, Post};

use super::{Desk, Progress, Whole, api, dom, fail::Fails};
use crate::{
    session::Place,
    site::{Driver, Piece},
    tab::Tab,
};

/// A turn that is to be posted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'t> {
    pub(super) desk: &'t Desk,
    pub(super) place: &'t Place,
    pub(super) post: &'t Post,
    /// The site's id of the model.
    pub(super) model_id: &'t str,
    pub(super) progress: &'t Progress,
}

impl<'t> Asked<'t> {
    pub(super) fn tab(&self) -> &'t Tab {
        &self.place.live.tab
    }

    pub(super) fn fails(&self) -> Fails<'t> {
        Fails { desk: self.desk, epoch: self.place.epoch, text: &self.post.text }
    }
}

/// An answer under way. Dropping it before its end stops it at the site.
#[derive(Debug)]
pub(super) enum Answer<'t> {
    /// By the site's own API.
    Api(api::Streamed<'t>),
    /// In the page.
    Dom(dom::Watched<'t>),
}

impl<'t> Answer<'t> {
    /// Posts the turn; returns when the site has taken it.
    pub(super) async fn begin(asked: &Asked<'t>) -> Result<Self, Failure> {
        match &asked.desk.site().driver {
            Driver::Api(api) => Ok(Self::Api(api::begin(asked, api).await?)),
            Driver::Dom(dom) => Ok(Self::Dom(Box::pin(dom::begin(asked, dom)).await?)),
        }
    }

    /// Where it stands at the site, as far as that is known.
    pub(super) fn conversation(&self) -> Option<ConversationId> {
        match self {
            Self::Api(answer) => answer.conversation(),
            Self::Dom(answer) => answer.conversation(),
        }
    }

    /// Whatever follows, the answer is whole.
    pub(super) fn is_whole(&self) -> bool {
        match self {
            Self::Api(answer) => answer.is_whole(),
            Self::Dom(_) => false,
        }
    }

    /// Reads on, and appends what there is to `pieces`; false when nothing follows. Losing the future loses nothing.
    pub(super) async fn next(&mut self, pieces: &mut Vec<Piece>) -> Result<bool, Failure> {
        match self {
            Self::Api(answer) => answer.next(pieces).await,
            Self::Dom(answer) => answer.next(pieces).await,
        }
    }

    /// Nothing follows.
    pub(super) fn end(self, pieces: &mut Vec<Piece>) -> Result<Whole, Failure> {
        match self {
            Self::Api(answer) => answer.end(pieces),
            Self::Dom(answer) => Ok(answer.end()),
        }
    }
}

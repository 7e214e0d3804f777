//! A model that the site is not known to offer: perhaps it is new.

use std::time::Duration;

use tokio::{sync::Mutex, time::Instant};
use wormhole_protocol::{Failure, FailureCode, Posted};

use super::{Desk, fail::Fails};
use crate::{
    calls::{CallError, CallName},
    session::{Looker, Place},
};

/// Names that nobody offers must not become calls to the site.
const AT_MOST_EVERY: Duration = Duration::from_secs(30);

/// When the list was last asked for on behalf of a turn.
#[derive(Debug, Default)]
pub(crate) struct ModelRefresh {
    last: Mutex<Option<Instant>>,
}

impl ModelRefresh {
    /// The site's id of a model; asks the site again when it is not known, but not often.
    pub(super) async fn model_id(&self, desk: &Desk, place: &Place, name: &str) -> Result<String, Failure> {
        if let Some(id) = desk.session.model_id(name) {
            return Ok(id);
        }
        // Held while the site is asked, so that turns that come together ask once: a lock for tasks.
        let mut last = self.last.lock().await;
        let is_fresh = last.is_some_and(|at| at.elapsed() < AT_MOST_EVERY);
        if !is_fresh && desk.session.model_id(name).is_none() {
            *last = Some(Instant::now());
            let models = Looker::new(desk.caller.clone()).models(&place.live.tab).await;
            match models {
                Ok(models) => desk.session.set_models(models),
                Err(error @ (CallError::LoggedOut | CallError::Fault(_))) => {
                    let fails = Fails { desk, epoch: place.epoch, text: "" };
                    return Err(fails.call(error, CallName::Models, Posted::No));
                }
                Err(_) => tracing::debug!("the site's models could not be listed again"),
            }
        }
        desk.session.model_id(name).ok_or_else(|| {
            Failure::not_posted(
                FailureCode::ModelUnknown,
                format!("the site {} has no such model", desk.site().name),
            )
        })
    }
}

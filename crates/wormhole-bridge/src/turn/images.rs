//! Whether the images of a turn can be posted, and how.

use serde_json::Value;
use wormhole_protocol::{Failure, FailureCode, Post};

use super::Desk;

/// The turn's images as the site's calls carry them. Nothing has been posted when this refuses.
pub(super) fn of_post(desk: &Desk, post: &Post) -> Result<Vec<Value>, Failure> {
    if post.images.is_empty() {
        return Ok(Vec::new());
    }
    let refused = |message: String| Failure::not_posted(FailureCode::Refused, message);
    let site = desk.site();
    let travel = site.api().and_then(|api| api.images.as_ref()).ok_or_else(|| {
        refused(format!("images cannot be posted to {}: its profile does not say how they travel", site.name))
    })?;
    if !desk.session.takes_images(&post.model) {
        return Err(refused(format!("the model {} of {} takes no images", post.model, site.name)));
    }
    travel.render(&post.images).map_err(refused)
}

//! A profile as its file has it, before it is known which of the two drivers it describes.

use serde::Deserialize;
use url::Url;

use crate::site::{
    check,
    dom::Dom,
    images::ImageTravel,
    profile::{Api, Calls, Challenge, Csrf, Driver, LoggedOut, Login, Pace, Profile, Stream, Timeouts},
};

/// Every field that a file may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    #[serde(deserialize_with = "check::name")]
    name: String,
    #[serde(deserialize_with = "check::origin")]
    origin: Url,
    #[serde(default, deserialize_with = "check::origins")]
    extra_origins: Vec<Url>,
    #[serde(deserialize_with = "check::path")]
    start: String,
    account: Pace,
    #[serde(default)]
    login: Option<Login>,
    #[serde(default)]
    logged_out: Option<LoggedOut>,
    #[serde(default)]
    challenge: Challenge,
    #[serde(default)]
    csrf: Option<Csrf>,
    #[serde(default)]
    calls: Option<Calls>,
    #[serde(default)]
    images: Option<ImageTravel>,
    #[serde(default)]
    stream: Option<Stream>,
    #[serde(default)]
    dom: Option<Dom>,
    #[serde(default)]
    timeouts: Timeouts,
    #[serde(deserialize_with = "check::text_limit")]
    max_text_bytes: usize,
}

/// The field that does not fit the others, and why.
pub(super) type Misfit = (&'static str, &'static str);

impl TryFrom<Written> for Profile {
    type Error = Misfit;

    fn try_from(written: Written) -> Result<Self, Misfit> {
        let Written { name, origin, extra_origins, start, account, login, logged_out, challenge, .. } =
            written;
        let driver = match (written.dom, written.calls, written.stream) {
            (None, Some(calls), Some(stream)) => {
                Driver::Api(Box::new(Api { csrf: written.csrf, calls, images: written.images, stream }))
            }
            (Some(dom), None, None) if written.csrf.is_none() && written.images.is_none() => {
                Driver::Dom(Box::new(dom))
            }
            (Some(_), ..) => {
                return Err((
                    "dom",
                    "calls, stream, csrf and images belong to the other driver: one of the two",
                ));
            }
            (None, None, _) => return Err(("calls", "missing: either calls and stream, or dom")),
            (None, Some(_), None) => return Err(("stream", "missing: it belongs to calls")),
        };
        if login.is_some() && logged_out.is_none() {
            return Err((
                "logged_out",
                "missing: a site with a login must say how a page without a session looks",
            ));
        }
        let profile = Self {
            name,
            origin,
            extra_origins,
            start,
            account,
            login,
            logged_out: logged_out.unwrap_or_default(),
            challenge,
            driver,
            timeouts: written.timeouts,
            max_text_bytes: written.max_text_bytes,
        };
        profile.check()?;
        Ok(profile)
    }
}

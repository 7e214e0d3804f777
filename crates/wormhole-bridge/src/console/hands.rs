//! What a viewer with the control does. Nothing of it is logged.

use std::time::Duration;

use tokio::time::timeout;
use url::Url;

use super::{
    Desk,
    wire::{Ordered, Place, Want},
};
use crate::{session::Order, tab::TabError};

/// How long to wait for a page to open before the hands go on; it goes on opening.
const OPENING: Duration = Duration::from_secs(3);

impl Desk {
    /// Does what is wanted; else why not, for the person.
    pub(super) async fn act(&self, want: Want) -> Result<(), String> {
        if let Want::Order { order } = want {
            self.session.order(match order {
                Ordered::Check => Order::CheckAgain,
                Ordered::LogIn => Order::LogInAgain,
                Ordered::Pause => Order::Pause(true),
                Ordered::Resume => Order::Pause(false),
                Ordered::Restart => Order::RestartBrowser,
            });
            return Ok(());
        }
        if let Want::Show { page } = want {
            self.stage.choose(page);
            return Ok(());
        }
        if !self.session.status().borrow().may_work() {
            return Err("Pause first: the page is Wormhole's at the moment.".to_owned());
        }
        let watched = !matches!(&want, Want::Pointer(pointer) if !pointer.is_press());
        let leads = matches!(want, Want::Go { .. } | Want::Open { .. });
        let done = self.touch(want).await;
        if leads {
            // An address that was typed and not gone to must not stand there.
            self.stage.tell_where();
        }
        if watched {
            self.session.touch();
        }
        done
    }

    async fn touch(&self, want: Want) -> Result<(), String> {
        let live = self.session.live().ok_or("There is no browser at the moment.")?;
        let view = match want {
            Want::Go { to: Place::Start | Place::Login } | Want::Open { .. } => None,
            _ => Some(self.stage.shown(&live.tab).await.map_err(in_words)?),
        };
        let done = match (want, view) {
            (Want::Pointer(pointer), Some(view)) => view.point(pointer.event()).await,
            (Want::Key(key), Some(view)) => match key.event() {
                Some(event) => view.key(event).await,
                None => return Err("This is no key.".to_owned()),
            },
            (Want::Text { text }, Some(view)) => view.insert(text).await,
            (Want::Go { to: Place::Back }, Some(view)) => view.travel(-1).await,
            (Want::Go { to: Place::Forward }, Some(view)) => view.travel(1).await,
            (Want::Go { to: Place::Reload }, Some(view)) => view.reload().await,
            (Want::Go { to: Place::Start }, _) => return self.open(&self.site.start_url()).await,
            (Want::Go { to: Place::Login }, _) => return self.open(&self.site.login_url()).await,
            (Want::Open { url }, _) => match Url::parse(&url) {
                Ok(url) => return self.open(&url).await,
                Err(_) => return Err("This is no address.".to_owned()),
            },
            // What is left concerns the socket alone.
            _ => Ok(()),
        };
        done.map_err(in_words)
    }

    /// Opens an address in our tab: of the site's own origins, no other.
    async fn open(&self, url: &Url) -> Result<(), String> {
        let live = self.session.live().ok_or("There is no browser at the moment.")?;
        match timeout(OPENING, live.tab.goto(url)).await {
            Ok(Err(TabError::NotAllowed)) => Err("This address is not one of the site's.".to_owned()),
            Ok(Err(error)) => Err(in_words(error)),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }
}

/// Nothing that was typed stands in any of these errors.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn in_words(error: TabError) -> String {
    format!("The page did not take it: {error}.")
}

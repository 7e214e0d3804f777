//! What the console's page and the bridge say to each other; `console/wire.js` is the other side.

use std::time::{SystemTime, UNIX_EPOCH};

use chromiumoxide::cdp::browser_protocol::input::{
    DispatchKeyEventParams, DispatchKeyEventType, DispatchMouseEventParams, DispatchMouseEventType,
    MouseButton,
};
use serde::{Deserialize, Serialize};
use wormhole_protocol::PageState;

use crate::session::Status;

/// The longest message that a page may send: a paste.
pub(crate) const MAX_MESSAGE: usize = 128 * 1024;

/// The longest name of a key.
const MAX_KEY: usize = 32;

/// What the page wants. It has no `Debug`: it carries what is typed.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Want {
    /// A picture was shown: the next one may come.
    Seen,
    /// The page is before somebody's eyes, or not.
    Look { on: bool },
    /// The control, from whoever has it.
    TakeControl,
    /// Something for the keeper.
    Order { order: Ordered },
    /// Another of the browser's pages.
    Show { page: String },
    /// A hand on the mouse.
    Pointer(Pointer),
    /// A finger on a key.
    Key(Key),
    /// Text from the clipboard or an input method.
    Text { text: String },
    /// Elsewhere in the tab.
    Go { to: Place },
    /// To an address.
    Open { url: String },
}

/// An order, as the page names it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ordered {
    Check,
    LogIn,
    Pause,
    Resume,
    Restart,
}

/// Where to go.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    Back,
    Forward,
    Reload,
    Start,
    Login,
}

/// What the mouse does.
#[derive(Deserialize)]
pub(crate) struct Pointer {
    act: PointerAct,
    x: f64,
    y: f64,
    #[serde(default)]
    button: u8,
    #[serde(default)]
    buttons: u8,
    #[serde(default)]
    clicks: u8,
    #[serde(default)]
    modifiers: u8,
    #[serde(default)]
    dx: f64,
    #[serde(default)]
    dy: f64,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum PointerAct {
    Move,
    Down,
    Up,
    Wheel,
}

impl Pointer {
    /// A press or what ends one, not a mere movement.
    pub(crate) fn is_press(&self) -> bool {
        matches!(self.act, PointerAct::Down | PointerAct::Up)
    }

    /// As DevTools wants it.
    pub(crate) fn event(&self) -> DispatchMouseEventParams {
        let kind = match self.act {
            PointerAct::Move => DispatchMouseEventType::MouseMoved,
            PointerAct::Down => DispatchMouseEventType::MousePressed,
            PointerAct::Up => DispatchMouseEventType::MouseReleased,
            PointerAct::Wheel => DispatchMouseEventType::MouseWheel,
        };
        let button = match self.button {
            1 => MouseButton::Middle,
            2 => MouseButton::Right,
            _ => MouseButton::Left,
        };
        let wheel = self.act == PointerAct::Wheel;
        DispatchMouseEventParams {
            modifiers: Some(self.modifiers.into()),
            button: Some(if self.is_press() { button } else { MouseButton::None }),
            buttons: Some(self.buttons.into()),
            click_count: self.is_press().then(|| self.clicks.clamp(1, 3).into()),
            delta_x: wheel.then_some(self.dx),
            delta_y: wheel.then_some(self.dy),
            ..DispatchMouseEventParams::new(kind, self.x, self.y)
        }
    }
}

/// What a key does.
#[derive(Deserialize)]
pub(crate) struct Key {
    down: bool,
    #[serde(rename = "key")]
    name: String,
    code: String,
    /// The key's number in Windows' list, by which Chromium knows keys that write nothing.
    number: u16,
    #[serde(default)]
    modifiers: u8,
    #[serde(default)]
    location: u8,
    #[serde(default)]
    repeat: bool,
}

impl Key {
    const ALT: u8 = 1;
    const CONTROL: u8 = 2;
    const META: u8 = 4;

    /// As DevTools wants it; none for what is no key.
    pub(crate) fn event(&self) -> Option<DispatchKeyEventParams> {
        if self.name.len() > MAX_KEY || self.code.len() > MAX_KEY {
            return None;
        }
        let text = self.text().filter(|_| self.down);
        let kind = match (self.down, text.is_some()) {
            (false, _) => DispatchKeyEventType::KeyUp,
            (true, true) => DispatchKeyEventType::KeyDown,
            (true, false) => DispatchKeyEventType::RawKeyDown,
        };
        Some(DispatchKeyEventParams {
            modifiers: Some(self.modifiers.into()),
            unmodified_text: text.clone(),
            text,
            code: Some(self.code.clone()),
            key: Some(self.name.clone()),
            windows_virtual_key_code: Some(self.number.into()),
            native_virtual_key_code: Some(self.number.into()),
            auto_repeat: Some(self.repeat),
            is_keypad: Some(self.location == 3),
            // Chromium refuses left and right here for anything but modifiers; the pad has a field of its own.
            location: (self.location < 3).then_some(self.location.into()),
            ..DispatchKeyEventParams::new(kind)
        })
    }

    /// What the key writes.
    fn text(&self) -> Option<String> {
        let shortcut = self.modifiers & (Self::CONTROL | Self::META) != 0 && self.modifiers & Self::ALT == 0;
        match self.name.as_str() {
            "Enter" => Some("\r".to_owned()),
            key if key.chars().count() == 1 && !shortcut => Some(key.to_owned()),
            _ => None,
        }
    }
}

/// What the bridge tells, beside the pictures.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Tell {
    /// How the session is.
    Status(Box<Report>),
    /// Who looks and who has the control.
    Seats { viewers: usize, yours: bool, held: bool },
    /// The browser's pages.
    Pages { pages: Vec<PageLine> },
    /// Why something was not done.
    Note { text: String },
}

/// One of the browser's pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PageLine {
    pub(crate) id: String,
    pub(crate) address: String,
    pub(crate) ours: bool,
    pub(crate) shown: bool,
}

/// How the session is, for the page and for `wormhole login`.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    site: String,
    account: String,
    state: PageState,
    detail: String,
    /// Milliseconds since 1970, as all times here.
    since: u64,
    paused: bool,
    /// A person may work in the page.
    may_work: bool,
    hub_joined: bool,
    hub_detail: String,
    models: usize,
    running: usize,
    version: &'static str,
    changes: Vec<ChangeLine>,
}

#[derive(Debug, Serialize)]
struct ChangeLine {
    at: u64,
    state: PageState,
    detail: String,
}

impl Report {
    /// `way_in` is left out where a reason ends with it.
    pub(crate) fn new(status: &Status, running: usize, way_in: &str) -> Self {
        let reason = |detail: &str| detail.strip_suffix(way_in).unwrap_or(detail).to_owned();
        let changes = status.changes.iter().map(|change| ChangeLine {
            at: millis(change.at),
            state: change.state,
            detail: reason(&change.detail),
        });
        Self {
            site: status.site.clone(),
            account: status.account.clone(),
            state: status.state,
            detail: reason(&status.detail),
            since: millis(status.since),
            paused: status.paused,
            may_work: status.may_work(),
            hub_joined: status.hub.is_ok(),
            hub_detail: status.hub.clone().err().unwrap_or_default(),
            models: status.models,
            running,
            version: wormhole_runtime::VERSION,
            changes: changes.collect(),
        }
    }
}

fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(json: &str) -> Option<DispatchKeyEventParams> {
        serde_json::from_str::<Key>(json).unwrap().event()
    }

    #[test]
    fn keys_write_unless_they_are_shortcuts() {
        let event = key(r#"{"down":true,"key":"ä","code":"Quote","number":222}"#).unwrap();
        assert_eq!((event.r#type, event.text.as_deref()), (DispatchKeyEventType::KeyDown, Some("ä")));
        let event = key(r#"{"down":true,"key":"a","code":"KeyA","number":65,"modifiers":2}"#).unwrap();
        assert_eq!((event.r#type, event.text), (DispatchKeyEventType::RawKeyDown, None));
        let event = key(r#"{"down":true,"key":"Enter","code":"Enter","number":13}"#).unwrap();
        assert_eq!(event.text.as_deref(), Some("\r"));
        let event = key(r#"{"down":false,"key":"a","code":"KeyA","number":65}"#).unwrap();
        assert_eq!((event.r#type, event.text), (DispatchKeyEventType::KeyUp, None));
        let long = "x".repeat(40);
        assert!(key(&format!(r#"{{"down":true,"key":"{long}","code":"","number":1}}"#)).is_none());
    }

    #[test]
    fn a_click_has_a_count_and_a_movement_has_none() {
        let pointer = |json: &str| serde_json::from_str::<Pointer>(json).unwrap().event();
        let press = pointer(r#"{"act":"down","x":1,"y":2,"button":2,"buttons":2,"clicks":2}"#);
        assert_eq!((press.click_count, press.button), (Some(2), Some(MouseButton::Right)));
        let moved = pointer(r#"{"act":"move","x":1,"y":2}"#);
        assert_eq!((moved.click_count, moved.delta_y), (None, None));
        let wheel = pointer(r#"{"act":"wheel","x":1,"y":2,"dx":0,"dy":120}"#);
        assert_eq!(wheel.delta_y, Some(120.0));
    }
}

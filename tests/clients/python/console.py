"""The bridge's console in a real browser: signing in, a one-time code typed into the picture, two viewers, the keyboard
alone, a phone's width; and that the page asks nobody but the bridge for anything.

    console.py CONSOLE_URL TOKEN                      the whole of it, from a one-time code on
    console.py CONSOLE_URL TOKEN NAME TITLE DETAIL    one state, and what the page says of it
    console.py CONSOLE_URL TOKEN watch                a bridge that goes while somebody looks, and comes back

Screenshots of every state go into the folder CONSOLE_SCREENSHOTS, if there is one.
"""

import os
import re
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import expect, sync_playwright

URL, TOKEN, *SCENE = sys.argv[1:]
SHOTS = Path(os.environ["CONSOLE_SCREENSHOTS"]) if os.environ.get("CONSOLE_SCREENSHOTS") else None
SOON = 60_000

# Where the practice site's button is in the picture, as eyes find it: the first broad bar of its colour. The ring around
# a field is as broad, but thin.
FIND_BUTTON = """
([red, green, blue]) => {
  const canvas = document.getElementById("picture");
  const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const tinted = (at) =>
    Math.abs(data[at] - red) + Math.abs(data[at + 1] - green) + Math.abs(data[at + 2] - blue) < 30;
  let rows = 0;
  for (let y = 0; y < height; y++) {
    let [run, end, best] = [0, 0, 0];
    for (let x = 0; x < width; x++) {
      run = tinted((y * width + x) * 4) ? run + 1 : 0;
      if (run > best) [best, end] = [run, x];
    }
    rows = best > 120 ? rows + 1 : 0;
    if (rows < 6) continue;
    const box = canvas.getBoundingClientRect();
    const scale = box.width / width;
    return { x: box.x + (end - best / 2) * scale, y: box.y + y * scale };
  }
  return null;
}
"""
BUTTON = [0x2F, 0x6F, 0x5E]


class Guard:
    """Collects what must not be: requests to others, refused content, errors."""

    def __init__(self, context):
        self.wrong = []
        context.on("request", lambda request: self.only_here(request.url))
        context.on("console", lambda message: self.no_errors(message))
        context.on("weberror", lambda error: self.wrong.append(str(error.error)))

    def only_here(self, url):
        if not url.startswith("blob:") and urlsplit(url).netloc != urlsplit(URL).netloc:
            self.wrong.append(f"a request to {url}")

    def no_errors(self, message):
        # A wrong token is answered with 401, which Chromium calls an error.
        if message.type == "error" and "401" not in message.text:
            self.wrong.append(message.text)


def sign_in(page):
    page.goto(URL)
    page.get_by_label("Token").fill(TOKEN)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Wormhole console", timeout=SOON)


def state(page, title):
    expect(page.locator("#state")).to_have_text(title, timeout=SOON)


def shot(page, name):
    if SHOTS:
        page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


def fits(page):
    """No line of the page is wider than the window."""
    width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1], width


def door(page):
    page.goto(URL)
    shot(page, "sign-in")
    page.get_by_label("Token").fill("not the token")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("This is not the token.")
    shot(page, "sign-in-wrong")
    sign_in(page)


def looks(page, name):
    """The page at this moment: on a desk and on a phone, in the dark and in the light."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for size, (width, height) in {"desk": (1280, 900), "phone": (390, 844)}.items():
            page.set_viewport_size({"width": width, "height": height})
            fits(page)
            shot(page, f"{name}-{size}-{scheme}")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


def take_over(browser, page):
    context = browser.new_context()
    guard = Guard(context)
    other = context.new_page()
    sign_in(other)
    expect(other.locator("#hint")).to_contain_text("Somebody else has the control", timeout=SOON)
    expect(other.get_by_role("button", name="Pause")).to_be_disabled()
    shot(other, "watching")
    other.get_by_role("button", name="Take control").click()
    expect(page.locator("#note")).to_have_text("Somebody else has taken the control. You are watching.")
    page.get_by_role("button", name="Take control").click()
    expect(other.get_by_role("button", name="Take control")).to_be_visible()
    context.close()
    assert not guard.wrong, guard.wrong


def code_by_keyboard_and_mouse(page):
    # From the top of a fresh page by keyboard alone; the code's field has the focus in the tab already.
    page.reload()
    state(page, "A person is needed")
    expect(page.locator("#blank")).to_be_hidden(timeout=SOON)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#keyboard")).to_be_focused()
    page.keyboard.type("4242", delay=20)
    page.keyboard.insert_text("42")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator("#text")).to_be_focused()
    page.locator("#picture").scroll_into_view_if_needed()
    place = page.wait_for_function(FIND_BUTTON, arg=BUTTON, timeout=SOON).json_value()
    page.mouse.click(place["x"], place["y"])
    state(page, "Ready")


def navigation(page):
    address = page.get_by_label("Address, one of the site's own")
    expect(address).to_have_value(re.compile("/chat$"), timeout=SOON)
    chat = address.input_value()
    elsewhere = chat.replace("/chat", "/elsewhere")
    for way, there in (("Go", elsewhere), ("Back", chat), ("Go", elsewhere), ("Start page", chat)):
        if way == "Go":
            address.fill(elsewhere)
        page.get_by_role("button", name=way, exact=True).click()
        expect(address).to_have_value(there, timeout=SOON)
    page.get_by_role("button", name="Reload").click()
    address.fill("https://example.com/")
    page.get_by_role("button", name="Go", exact=True).click()
    expect(page.locator("#note")).to_have_text("This address is not one of the site's.")


def orders(page):
    expect(page.locator("#hint")).to_have_text("Wormhole works in this page. Pause to use it yourself.")
    looks(page, "ready")
    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    state(page, "Paused")
    expect(page.locator("#hint")).to_have_text("Your clicks and keys go to the page.")
    looks(page, "paused")
    navigation(page)
    # These are searched for in the logs.
    page.get_by_label("Text for the page").fill("pasted-at-the-console")
    page.get_by_role("button", name="Send", exact=True).click()
    page.locator("#keyboard").press("ScrollLock")
    page.get_by_role("button", name="Resume").press("Enter")
    state(page, "Ready")
    page.get_by_role("button", name="Restart browser").click()
    dialog = page.get_by_role("dialog", name="Restart the browser?")
    expect(dialog).to_be_visible()
    shot(page, "restart")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    state(page, "Ready")
    page.get_by_role("button", name="Restart browser").click()
    dialog.get_by_role("button", name="Restart").click()
    # It may be over sooner than one looks: the history remembers.
    changes = page.locator("#changes")
    expect(changes).to_contain_text("the operator restarts the browser", timeout=SOON)
    expect(changes.locator("li").first).to_contain_text("Ready", timeout=SOON)
    state(page, "Ready")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Token")).to_be_visible()


def scene(page, name, title, detail):
    """A state that lasts, as the page tells it."""
    sign_in(page)
    state(page, title)
    if detail:
        expect(page.locator("#detail")).to_contain_text(detail)
    if name != "browser-down":
        expect(page.locator("#blank")).to_be_hidden(timeout=SOON)
    looks(page, name)


def watch(page):
    sign_in(page)
    state(page, "Ready")
    print("watching", flush=True)
    expect(page.locator("#link")).to_have_text("Connection lost, trying again…", timeout=SOON)
    expect(page.locator("#blank")).to_have_text("Not connected.")
    state(page, "Not connected")
    expect(page.get_by_role("button", name="Pause")).to_be_disabled()
    looks(page, "lost")
    print("lost", flush=True)
    # Another bridge knows nothing of this sign-in.
    expect(page.get_by_label("Token")).to_be_visible(timeout=SOON)


def whole(browser, page):
    door(page)
    state(page, "A person is needed")
    expect(page.locator("#detail")).to_contain_text("the site asks for a one-time code")
    expect(page.locator("#blank")).to_be_hidden(timeout=SOON)
    looks(page, "challenge")
    take_over(browser, page)
    code_by_keyboard_and_mouse(page)
    orders(page)


def main():
    with sync_playwright() as playwright:
        binary = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        guard = Guard(context)
        page = context.new_page()
        if SCENE == ["watch"]:
            watch(page)
            # A bridge that is gone answers nothing, and the next one knows nobody: Chromium calls both an error.
            usual = ("ERR_CONNECTION_REFUSED", "HTTP Authentication failed")
            guard.wrong = [wrong for wrong in guard.wrong if not any(words in wrong for words in usual)]
        elif SCENE:
            scene(page, *SCENE)
        else:
            whole(browser, page)
        assert not guard.wrong, guard.wrong
        browser.close()
    print("ok", flush=True)


main()

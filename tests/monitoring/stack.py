"""The whole path as processes of their own, each with the admin port that Prometheus reads: practice site, hub, bridge with
its Chromium, API. And a caller that asks all the time."""

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

HUB, BRIDGE, API = "wormhole-server", "wormhole-bridge", "wormhole-oai"
PASSWORD, CODE = "practice", "424242"
TEMPLATES = Path(__file__).parents[2] / "crates/wormhole-oai/templates"


def until(met, within, what):
    """Waits until `met` gives something, at most `within` seconds."""
    deadline = time.monotonic() + within
    while not (found := met()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within:.0f} s: {what}")
        time.sleep(0.2)
    return found


def ask(port, method, path, body=None, timeout=10):
    """Status and text of an answer on loopback; nothing where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        body = None if body is None else json.dumps(body)
        connection.request(method, path, body, {"content-type": "application/json"} if body else {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def free_ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


class Stack:
    """Everything that runs. A service keeps its ports, its folder and its log however often it starts."""

    def __init__(self, binaries, folder):
        self.binaries, self.folder = binaries, folder
        self.running = {}
        self.site, site_tls, self.hub, self.api, *admins = free_ports(7)
        self.admin = dict(zip((HUB, BRIDGE, API), admins))
        self.password_file = folder / "password"
        self.templates = folder / "templates"
        self.identity = folder / "identity"
        self.templates.mkdir()
        self.identity.mkdir()
        page, sender = secrets.token_hex(16), secrets.token_hex(16)
        self.password_is(PASSWORD)
        hub = {"WORMHOLE_SERVER_URL": f"ws://127.0.0.1:{self.hub}"}
        self.variables = {
            "site": {
                "PLAYGROUND_LISTEN": f"127.0.0.1:{self.site}",
                "PLAYGROUND_LISTEN_TLS": f"127.0.0.1:{site_tls}",
                "PLAYGROUND_IDENTITY": str(self.identity),
                "PLAYGROUND_PASSWORD": PASSWORD,
                "PLAYGROUND_CONTROL": "true",
            },
            HUB: {
                "WORMHOLE_LISTEN": f"127.0.0.1:{self.hub}",
                "WORMHOLE_SERVER_ADMIN": f"127.0.0.1:{self.admin[HUB]}",
                "WORMHOLE_PAGE_TOKEN": page,
                "WORMHOLE_SENDER_TOKEN": sender,
                # Who asks while nobody is logged in is to fail soon, but after the head of its stream.
                "WORMHOLE_PERSON_WAIT": "3s",
                "WORMHOLE_NO_PAGE_WAIT": "3s",
            },
            BRIDGE: hub | {
                "WORMHOLE_BRIDGE_ADMIN": f"127.0.0.1:{self.admin[BRIDGE]}",
                "WORMHOLE_PAGE_TOKEN": page,
                "WORMHOLE_SITE": "playground",
                "WORMHOLE_SITE_ORIGIN": f"https://127.0.0.1:{site_tls}",
                "OUTLIER_EMAIL": "demo@example.test",
                "OUTLIER_PASSWORD_FILE": str(self.password_file),
                "CHROME_USER_DATA_DIR": str(folder / "chrome"),
                "CHROME_DEBUG_PORT": "0",
                "CHROME_TRUST_KEYS_FILE": str(self.identity / "key-hash"),
                "WORMHOLE_DIAGNOSTICS": str(folder / "diagnostics"),
                "WORMHOLE_CANARY_EVERY": "1m",
                "WORMHOLE_SESSION_CHECK": "5s",
                "WORMHOLE_PERSON_CHECK": "1s",
                **({"CHROME_BIN": os.environ["CHROME_BIN"]} if "CHROME_BIN" in os.environ else {}),
            },
            API: hub | {
                "WORMHOLE_OAI_LISTEN": f"127.0.0.1:{self.api}",
                "WORMHOLE_OAI_ADMIN": f"127.0.0.1:{self.admin[API]}",
                "WORMHOLE_SENDER_TOKEN": sender,
                "WORMHOLE_TEMPLATES": str(self.templates),
                "WORMHOLE_DATA": str(folder / "data"),
            },
        }

    def up(self):
        for name in ("site", HUB, BRIDGE, API):
            self.start(name)
            if name == "site":
                until((self.identity / "key-hash").exists, 20, "the practice site's identity")
        self.until_ready()

    def down(self):
        for name in (API, BRIDGE, HUB, "site"):
            if name in self.running:
                self.end(name)

    def start(self, name):
        program, *arguments = {
            "site": ["wormhole-playground"], HUB: ["wormhole", "server"],
            BRIDGE: ["wormhole", "bridge"], API: ["wormhole", "oai"],
        }[name]
        variables = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "WORMHOLE_GRACE": "5s"}
        with open(self.folder / f"{name}.log", "ab") as log:
            self.running[name] = subprocess.Popen(
                [self.binaries / program, *arguments], env=variables | self.variables[name], cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def end(self, name, how=signal.SIGTERM):
        process = self.running.pop(name)
        process.send_signal(how)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def ready(self, name):
        answer = ask(self.admin[name], "GET", "/readyz")
        return answer is not None and answer[0] == 200

    def until_ready(self):
        for name in (HUB, BRIDGE, API):
            until(lambda: self.ready(name), 90, f"{name} is ready, see {self.folder / name}.log")
        until(lambda: "practice-echo" in (ask(self.api, "GET", "/v1/models") or (0, ""))[1], 30, "the site's models")

    # === what goes wrong at the site, and in the files ===

    def control(self, method, verb, body=None):
        status, text = ask(self.site, method, f"/control/{verb}", body) or (0, "nobody answers")
        assert status == 200, f"control/{verb}: {status} {text}"
        return json.loads(text)

    def password_is(self, password):
        self.password_file.write_text(password)

    def expire(self):
        self.control("POST", "expire-sessions", {})

    def misbehave(self, fault, times, call="turn"):
        self.control("POST", "faults", {"call": call, "fault": fault, "times": times})

    def chromium(self):
        """The browser's own process, by its profile folder; nothing while there is none."""
        profile = f"--user-data-dir={self.folder / 'chrome'}"
        for process in Path("/proc").glob("[0-9]*"):
            try:
                arguments = (process / "cmdline").read_text().split("\0")
            except (OSError, UnicodeDecodeError):
                continue
            # Its children have a type.
            if profile in arguments and not any(each.startswith("--type=") for each in arguments):
                return int(process.name)
        return None

    def type_the_code(self):
        """Does in the page what its operator would."""
        from playwright.sync_api import sync_playwright

        port = (self.folder / "chrome/DevToolsActivePort").read_text().split()[0]
        with sync_playwright() as playwright:
            browser = playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
            [page] = [page for context in browser.contexts for page in context.pages]
            page.locator("input[autocomplete='one-time-code']").fill(CODE)
            page.keyboard.press("Enter")
            page.wait_for_url("**/chat")

    # === callers ===

    def chat(self, text="hello", model="practice-echo", stream=False, timeout=10):
        messages = [{"role": "user", "content": text}]
        body = {"model": model, "stream": stream, "messages": messages}
        return ask(self.api, "POST", "/v1/chat/completions", body, timeout)


class Caller(threading.Thread):
    """Asks twice a second, streaming and not, and cares for no answer. Who waits for ten seconds hangs up."""

    def __init__(self, stack):
        super().__init__(daemon=True)
        self.stack, self.stop = stack, threading.Event()

    def run(self):
        stream = False
        while not self.stop.wait(0.5):
            stream = not stream
            self.stack.chat(stream=stream)

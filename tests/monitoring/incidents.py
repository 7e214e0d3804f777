"""What goes wrong, and which alerts that is to raise. Before the `yield` it breaks, after it it heals."""

import os
import signal
import threading
from contextlib import contextmanager

from stack import API, BRIDGE, HUB, PASSWORD, until

SOON = 60


def incident(*fires, may=()):
    """`fires`: alerts as (name, where it is seen). They fire while it lasts and clear after it. `may`: others that are as
    right, but not sure to be quick enough."""
    def mark(broken):
        broken = contextmanager(broken)
        broken.fires, broken.may = set(fires), set(may)
        return broken
    return mark


@incident(("WormholePromptsBroken", API))
def prompts_broken(stack, prometheus):
    """An operator mounts a template with a slip in it."""
    template = stack.templates / "prompt.j2"
    template.write_text("{% if %}")
    yield
    template.unlink()


@incident(("WormholeQueueWait",))
def queue_stands_still(stack, prometheus):
    """Turns that do not end hold every place, and others wait; then, that those that get one have waited long."""
    askers = [threading.Thread(target=stack.chat, args=("hold", "practice-gate", True, 900), daemon=True) for _ in range(12)]
    for asker in askers:
        asker.start()
    until(lambda: prometheus.value("sum(wormhole_server_queued_turns)") >= 4, SOON, "a queue")
    yield
    stack.control("POST", "release", {"count": 1000})
    for asker in askers:
        asker.join(SOON)
    # The median of what was given out just now: the other half of the rule.
    until(lambda: value_of(prometheus, "WormholeQueueWait") > 20, SOON, "the alert goes on, for those who have waited long")
    # What is left over would let later words of the gate go at once.
    assert not any(asker.is_alive() for asker in askers)


def value_of(prometheus, name):
    return max((float(alert["value"]) for alert in prometheus.alerts() if alert["labels"]["alertname"] == name), default=0)


@incident(("WormholeTruncatedStreams",), may=[("WormholeErrorRatio",)])
def streams_cut(stack, prometheus):
    """The site cuts its streams."""
    stack.misbehave({"kind": "cut", "after_words": 1}, 8)
    yield


@incident(("WormholeSiteChanged", BRIDGE), may=[("WormholeErrorRatio",)])
def shape_unknown(stack, prometheus):
    """The site answers in a shape that nobody knows."""
    stack.misbehave({"kind": "unknown_shape"}, 2)
    yield


@incident(("WormholeErrorRatio",), ("WormholeCanaryFailing", BRIDGE))
def site_in_trouble(stack, prometheus):
    """The site answers with 500 to everybody."""
    stack.misbehave({"kind": "status", "code": 500}, 1_000_000)
    yield
    stack.control("DELETE", "faults")


@incident(("WormholeSessionExpired", BRIDGE), ("WormholeNoPageReady",), ("WormholeErrorRatio",))
def wrong_password(stack, prometheus):
    """The session ends, and the password is no longer right."""
    stack.password_is("of last year")
    stack.expire()
    yield
    stack.password_is(PASSWORD)
    until(lambda: stack.ready(BRIDGE), SOON, "the bridge logs in with the new password by itself")


@incident(("WormholeChallengeWaiting", BRIDGE), may=[("WormholeNoPageReady",), ("WormholeErrorRatio",)])
def one_time_code(stack, prometheus):
    """The session ends, and the site wants a code."""
    stack.control("POST", "switches", {"one_time_code": True})
    stack.expire()
    yield
    stack.type_the_code()
    until(lambda: stack.ready(BRIDGE), SOON, "the bridge goes on after the code")
    stack.control("POST", "switches", {"one_time_code": False})


@incident(("WormholeBrowserRestarts", BRIDGE), may=[("WormholeErrorRatio",), ("WormholeTruncatedStreams",)])
def chromium_killed(stack, prometheus):
    """Chromium is killed as the kernel does it, again and again."""
    for _ in range(4):
        pid = until(stack.chromium, SOON, "Chromium is there")
        until(lambda: stack.ready(BRIDGE), SOON, "the page is ready in it")
        os.kill(pid, signal.SIGKILL)
        until(lambda: stack.chromium() not in (None, pid), SOON, "another Chromium")
    yield
    until(lambda: stack.ready(BRIDGE), SOON, "the page is ready again")


@incident(("WormholeHubNotJoined", API), ("WormholeRestarts", HUB), ("WormholeDown", HUB), may=[("WormholeErrorRatio",), ("WormholeNoPageReady",)])
def hub_crashes(stack, prometheus):
    """The hub crashes three times; after the fourth it stays away. A process that is down for long between its starts is
    still one that starts again and again."""
    def started():
        return prometheus.value(f'process_start_time_seconds{{instance="{HUB}"}}')
    for _ in range(3):
        before = until(started, SOON, "the hub is scraped")
        stack.end(HUB, signal.SIGKILL)
        stack.start(HUB)
        until(lambda: started() not in (None, before), SOON, "the new hub is scraped")
    stack.end(HUB, signal.SIGKILL)
    yield
    stack.start(HUB)
    stack.until_ready()


@incident(("WormholeDown", BRIDGE), ("WormholeNoPageReady",), may=[("WormholeErrorRatio",)])
def bridge_stopped(stack, prometheus):
    """The bridge is stopped and does not come back."""
    stack.end(BRIDGE)
    yield
    stack.start(BRIDGE)
    stack.until_ready()


@incident(("WormholeDown", API))
def api_stopped(stack, prometheus):
    """The API is stopped and does not come back."""
    stack.end(API)
    yield
    stack.start(API)
    stack.until_ready()


# What stands together goes wrong at once. Those with the longest memory come first, and between two that raise the same
# alert there is time for it to clear.
STEPS = [
    [hub_crashes],
    [chromium_killed],
    [prompts_broken, queue_stands_still],
    [streams_cut],
    [shape_unknown],
    [site_in_trouble],
    [one_time_code],
    [bridge_stopped],
    [api_stopped],
    [wrong_password],
]

"""Every alert in a real Prometheus with the shipped rules, against real services with a real Chromium: each fires when its
fault is there, no other does, and it clears when the fault is mended. Then every query of the dashboard over that run.

    alerts.py FOLDER_WITH_BINARIES [--factor 15] [--only INCIDENT,…] [--keep FOLDER] [--linger]

Time in Prometheus is divided by the factor: scrapes, `for:` and ranges of the shipped file alike. With factor 1 it is the
file itself, which takes an hour for all of it.
"""

import argparse
import re
import signal
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from incidents import STEPS
from prometheus import Prometheus, Watcher, seconds
from stack import Caller, Stack, until

# Of the dashboard's queries, those that nothing in this run gives data to.
SILENT = {
    "wormhole_bridge_recycles_total": "no tab and no browser grows old in ten minutes",
}
# Beyond what the rule itself waits for: the bridge's own question is a minute apart, whatever the factor.
PATIENCE = 120


def say(text):
    print(f"{time.monotonic() - BEGAN:6.0f}s  {text}", flush=True)


class Run:
    def __init__(self, stack, prometheus, watcher):
        self.stack, self.prometheus, self.watcher = stack, prometheus, watcher
        self.failures, self.spans, self.table = [], [], []

    def fail(self, text):
        say(f"FAILED  {text}")
        self.failures.append(text)

    def waits(self, name):
        """How long a rule may take to fire or to clear: its `for:` and its longest range."""
        rule = self.prometheus.rules()[name]
        ranges = [int(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
                  for span in re.findall(r"\[((?:\d+(?:ms|[smhd]))+)\]", rule["query"])
                  for number, unit in re.findall(r"(\d+)(ms|[smhd])", span)]
        # A day's range is the memory of `WormholeDown`, which fires at once.
        short = [each for each in ranges if each < seconds("1d") / self.prometheus.factor]
        return rule["duration"] + max(short, default=0) + PATIENCE

    def step(self, incidents):
        fires = set().union(*(each.fires for each in incidents))
        self.clear(fires & self.watcher.firing.keys())
        may = set().union(*(each.may for each in incidents))
        span = {"from": time.time(), "healed": None, "right": fires, "may": may}
        self.spans.append(span)
        with ExitStack() as broken:
            for each in incidents:
                say(each.__wrapped__.__doc__.split(".")[0])
                broken.enter_context(each(self.stack, self.prometheus))
            for what in sorted(fires):
                try:
                    until(lambda: what in self.watcher.firing, self.waits(what[0]), f"{what} fires")
                    say(f"        fires: {' '.join(what)}")
                except TimeoutError as error:
                    self.fail(str(error))
            span["healed"] = time.time()
        say("        healed")

    def clear(self, alerts):
        for what in sorted(alerts):
            try:
                until(lambda: what not in self.watcher.firing, self.waits(what[0]), f"{what} clears")
            except TimeoutError as error:
                self.fail(str(error))

    def judge(self):
        """Each alert's times, and whether each was right and held out."""
        for span in self.spans:
            for what in sorted(span["right"]):
                mine = [each for each in self.watcher.episodes
                        if each["what"] == what and each["from"] >= span["from"]
                        and each["from"] <= span["healed"] + 1]
                if not mine:
                    continue
                first = mine[0]
                fired, cleared = first["from"] - span["from"], (first["to"] or time.time()) - span["healed"]
                self.table.append((" ".join(what), fired, cleared))
                if len(mine) > 1 or cleared < 0:
                    self.fail(f"{what} came and went while its fault lasted")
        for each in self.watcher.episodes:
            spans = [span for span in self.spans if span["from"] <= each["from"]]
            if not spans or each["what"] not in set().union(*(s["right"] | s["may"] for s in spans[-2:])):
                self.fail(f"{each['what']} fired, and nothing was wrong that it tells of")
            words = each["alert"]["annotations"].values()
            if any("{{" in text or "<" in text for text in words):
                self.fail(f"{each['what']} has broken words: {words}")

    def queries(self):
        """Each rule and each query of the dashboard, on what this run has left."""
        for name, rule in self.prometheus.rules().items():
            if rule["health"] != "ok":
                self.fail(f"the rule {name} is {rule['health']}: {rule.get('lastError')}")
        asked = 0
        for title, query in self.prometheus.dashboard():
            asked += 1
            try:
                series = self.prometheus.series(query)
            except RuntimeError as error:
                self.fail(f"{title}: {error}")
                continue
            silent = next((why for name, why in SILENT.items() if name in query), None)
            if not series and silent is None:
                self.fail(f"{title}: no data for {query}")
            elif series and silent is not None:
                self.fail(f"{title}: there is data, though {silent}")
            elif silent:
                say(f"no data for {title}: {silent}")
        say(f"{asked} queries of the dashboard answered")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("binaries", type=Path)
    parser.add_argument("--factor", type=int, default=15)
    parser.add_argument("--only", default="", help="names of incidents, with commas between them")
    parser.add_argument("--keep", type=Path, help="keep logs and Prometheus' data here")
    parser.add_argument("--linger", action="store_true", help="stay up at the end, until a signal")
    return parser.parse_args()


def run(given, folder):
    only = set(filter(None, given.only.split(",")))
    steps = [[each for each in step if not only or each.__name__ in only] for step in STEPS]
    stack = Stack(given.binaries.resolve(), folder)
    prometheus = Prometheus(folder, stack.admin, given.factor)
    watcher, caller = Watcher(prometheus), Caller(stack)
    with ExitStack() as running:
        running.callback(stack.down)
        stack.up()
        prometheus.start()
        running.callback(prometheus.end)
        say(f"up: Prometheus at http://127.0.0.1:{prometheus.port}, factor {given.factor}")
        watcher.start()
        running.callback(watcher.stop.set)
        caller.start()
        running.callback(caller.stop.set)
        this = Run(stack, prometheus, watcher)
        # Time for a rule to fire that ought not to: all is well.
        until(lambda: (prometheus.value("sum(wormhole_oai_tokens_total)") or 0) > 0, 60, "the first scrapes")
        time.sleep(300 / given.factor)
        for step in filter(None, steps):
            this.step(step)
        this.clear(list(watcher.firing))
        this.judge()
        if not only:
            this.queries()
        if not watcher.is_alive():
            this.fail("the watcher did not last")
        for name, fired, cleared in this.table:
            print(f"  {name:44} fired after {fired:4.0f} s, cleared {cleared:4.0f} s after the fault")
        if given.linger:
            signal.pause()
    return this.failures


def main():
    given = arguments()
    # In order also when somebody ends it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = given.keep or Path(tempfile.mkdtemp(prefix="wormhole-alerts-"))
    folder.mkdir(parents=True, exist_ok=True)
    failures = run(given, folder)
    if not given.keep and not failures:
        shutil.rmtree(folder)
    print(f"{len(failures)} failed" + (f", logs in {folder}" if failures else ""))
    return 1 if failures else 0


BEGAN = time.monotonic()
if __name__ == "__main__":
    sys.exit(main())

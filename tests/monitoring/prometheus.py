"""A real Prometheus on the shipped rules, in a hurry: every time in it is divided by one factor."""

import json
import re
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

from stack import ask, free_ports, until

SHIPPED = Path(__file__).parents[2]
RULES = SHIPPED / "charts/wormhole/files/rules.yaml"
DASHBOARD = SHIPPED / "charts/wormhole/files/dashboard.json"
# Of monitoring/prometheus.yml, and Prometheus' own for how long a last value counts.
SCRAPE, LOOKBACK = 15, 300

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(duration):
    return int(duration[:-1]) * UNITS[duration[-1]]


def hurried(text, factor):
    """The rules with each `for:` and each range divided. Nothing else changes, and thresholds least of all."""
    def divided(match):
        return f"{match[1]}{seconds(match[2]) * 1000 // factor}ms{match[3]}"
    return re.sub(r"(^ *for: |\[)(\d+[smhd])(\]|$)", divided, text, flags=re.MULTILINE)


class Prometheus:
    def __init__(self, folder, targets, factor):
        self.folder, self.factor = folder, factor
        [self.port] = free_ports(1)
        every = f"{SCRAPE * 1000 // factor}ms"
        (folder / "rules.yaml").write_text(hurried(RULES.read_text(), factor))
        (folder / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
            "rule_files": [str(folder / "rules.yaml")],
            # As in monitoring/prometheus.yml: one job a service, whose name is the instance.
            "scrape_configs": [
                {"job_name": name,
                 "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": {"instance": name}}]}
                for name, port in targets.items()
            ],
        }))

    def start(self):
        with open(self.folder / "prometheus.log", "ab") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={self.folder}/prometheus.yml",
                 f"--storage.tsdb.path={self.folder}/tsdb", f"--web.listen-address=127.0.0.1:{self.port}",
                 f"--query.lookback-delta={LOOKBACK * 1000 // self.factor}ms"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(lambda: (ask(self.port, "GET", "/-/ready") or (0,))[0] == 200, 30, "Prometheus is ready")
        self.began = time.time()

    def end(self):
        self.process.terminate()
        self.process.wait(30)

    def get(self, path, **parameters):
        query = urllib.parse.urlencode(parameters)
        status, text = ask(self.port, "GET", f"/api/v1/{path}?{query}", timeout=30) or (0, "nobody answers")
        answer = json.loads(text) if text.startswith("{") else {"status": text}
        if answer["status"] != "success":
            raise RuntimeError(f"{parameters or path}: {status} {answer.get('error', text)}")
        return answer["data"]

    def value(self, query):
        """The one number that a query gives now, or nothing."""
        found = self.get("query", query=query)["result"]
        return float(found[0]["value"][1]) if found else None

    def rules(self):
        """Each alert's rule, as Prometheus has read it."""
        groups = self.get("rules")["groups"]
        return {rule["name"]: rule for group in groups for rule in group["rules"]}

    def alerts(self):
        return self.get("alerts")["alerts"]

    def series(self, query):
        """How many series with a number in them a query gives over the whole run."""
        step = max(1, SCRAPE // self.factor)
        found = self.get("query_range", query=query, start=self.began, end=time.time(), step=step)["result"]
        return sum(any(value != "NaN" for _, value in each["values"]) for each in found)

    def dashboard(self):
        """Panel and query, as Grafana would ask it. Its $__rate_interval is four scrapes at least."""
        interval = f"{max(4, 4 * SCRAPE // self.factor)}s"
        for panel in json.loads(DASHBOARD.read_text())["panels"]:
            for target in panel.get("targets", []):
                yield panel["title"], target["expr"].replace("$__rate_interval", interval)


class Watcher(threading.Thread):
    """Writes down which alert fires where, from when to when, for the whole of a run."""

    def __init__(self, prometheus):
        super().__init__(daemon=True)
        self.prometheus, self.stop = prometheus, threading.Event()
        self.episodes, self.firing = [], {}

    def run(self):
        while not self.stop.wait(0.3):
            now, seen = time.time(), {}
            for alert in self.prometheus.alerts():
                if alert["state"] == "firing":
                    labels = alert["labels"]
                    where = tuple(labels[name] for name in ("instance", "service") if name in labels)
                    seen[labels["alertname"], *where] = alert
            for what in seen.keys() - self.firing.keys():
                self.firing[what] = {"what": what, "from": now, "to": None, "alert": seen[what]}
                self.episodes.append(self.firing[what])
            for what in self.firing.keys() - seen.keys():
                self.firing.pop(what)["to"] = now

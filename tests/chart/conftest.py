"""Renders the chart with the real helm and hands out decoded objects."""

import functools
import json
import subprocess
import tempfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts/wormhole"
BIN = ROOT / ".tools/chart/bin"
# The parser in C is ten times as fast.
LOADER = yaml.CSafeLoader


class Refused(Exception):
    """helm did not render; the text says why."""


class Objects(list):
    """Rendered objects, in the order of the manifest."""

    def one(self, kind: str, name: str) -> dict:
        [found] = [item for item in self if item["kind"] == kind and item["metadata"]["name"] == name]
        return found

    def kind(self, *kinds: str) -> list[dict]:
        return [item for item in self if item["kind"] in kinds]

    def workloads(self) -> list[dict]:
        return self.kind("Deployment", "StatefulSet")

    def pods(self) -> list[dict]:
        """The specifications of all pods, that of `helm test` included."""
        return [item["spec"]["template"]["spec"] for item in self.workloads()] + [item["spec"] for item in self.kind("Pod")]


@functools.cache
def _render(helm: str, values: str, files: tuple[str, ...], arguments: tuple[str, ...]) -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as given:
        given.write(values)
        given.flush()
        command = [BIN / helm, "template", "wormhole", CHART, "--namespace", "chat", *arguments]
        for file in (*files, given.name):
            command += ["-f", file]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise Refused(done.stderr)
    return done.stdout


def render(values: dict | None = None, *, files=(), helm: str = "helm3", arguments=()) -> Objects:
    """The chart with these values over those of the files, as a list of objects."""
    paths = tuple(str(CHART / "ci" / file) for file in files)
    text = _render(helm, json.dumps(values or {}), paths, tuple(arguments))
    return Objects(item for item in yaml.load_all(text, LOADER) if item)


def refusal(values: dict, helm: str = "helm3") -> str:
    """What helm says when it refuses these values."""
    with pytest.raises(Refused) as refused:
        render(values, helm=helm)
    return str(refused.value)


def container(workload: dict) -> dict:
    [main] = workload["spec"]["template"]["spec"]["containers"]
    return main


def variables(workload: dict) -> dict[str, object]:
    """Name and value, or where the value comes from."""
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in container(workload).get("env", [])}


def pod(workload: dict) -> dict:
    return workload["spec"]["template"]["spec"]

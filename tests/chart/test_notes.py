"""What helm says after an install leads on: to the login, to the key, to the test."""

import json
import subprocess

import pytest
from conftest import BIN, CHART, render


def notes(tmp_path, values: dict) -> str:
    given = tmp_path / "values.json"
    given.write_text(json.dumps(values))
    command = [BIN / "helm4", "install", "wormhole", CHART, "--dry-run=client", "--namespace", "chat", "-f", given]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return text.split("\nNOTES:\n")[1]


def test_the_next_step_is_the_login_of_each_account(tmp_path):
    said = notes(tmp_path, {"bridge": {"accounts": [{"name": "a"}, {"name": "b", "existingSecret": "login"}]}})
    for account in ("a", "b"):
        assert f"wormhole login --kube --namespace chat --account {account}\n" in said
    assert "logs in by itself with the Secret login" in said
    assert "port-forward wormhole-bridge-a-0 8767" in said and "helm test -n chat wormhole" in said


def test_the_practice_site_needs_no_login(tmp_path):
    said = notes(tmp_path, {"demo": {"enabled": True}})
    assert "wormhole login" not in said and "statefulset/wormhole-bridge-demo" in said


@pytest.mark.parametrize(("values", "wanted"), [
    ({}, "get secret wormhole-generated -o jsonpath='{.data.api-keys}'"),
    ({"oai": {"apiKeys": {"existingSecret": "mine"}}}, "get secret mine -o jsonpath='{.data.api-keys}'"),
    ({}, "Chromium runs without its own sandbox"),
    ({}, "page-token, sender-token, api-keys, console-token were made for you"),
    ({"bridge": {"accounts": []}}, "There is no account yet"),
    ({"bridge": {"console": {"enabled": False}}}, "The console is off"),
    ({"oai": {"ingress": {"enabled": True, "hosts": ["api.example"]}}}, "the ingress has no TLS"),
    ({"oai": {"ingress": {"enabled": True, "hosts": ["api.example"]}}}, " http://api.example/v1/models"),
])
def test_says(tmp_path, values, wanted):
    assert wanted in notes(tmp_path, values)


def test_does_not_say_what_does_not_apply(tmp_path):
    values = {"hub": {"existingSecret": "t"}, "oai": {"apiKeys": {"allowAnonymous": True}},
              "bridge": {"sandbox": True, "seccomp": {"type": "Localhost"}, "console": {"existingSecret": "t"}}}
    said = notes(tmp_path, values)
    assert "Note:" not in said and "Authorization" not in said


def test_everything_that_is_named_is_there(tmp_path):
    said = notes(tmp_path, {})
    objects = render()
    for kind, name in (("Service", "wormhole-oai"), ("Secret", "wormhole-generated"), ("StatefulSet", "wormhole-bridge-default")):
        assert objects.one(kind, name) and name in said

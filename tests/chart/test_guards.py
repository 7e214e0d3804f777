"""validate.yaml refuses what the code cannot do, and says why."""

import re

import pytest
from conftest import CHART, refusal, render

KEYS = {"oai": {"ingress": {"enabled": True, "hosts": ["api.example"]}}}
GUARDS = {
    "two hubs": ({"server": {"replicas": 2}}, "two hubs would each know half"),
    "two APIs": ({"oai": {"replicas": 2}}, "a file with one writer"),
    "two pods of an account": ({"bridge": {"replicas": 2}}, "add to bridge.accounts"),
    "an account twice": ({"bridge": {"accounts": [{"name": "a"}, {"name": "a"}]}}, "stands there twice"),
    "a site that is nowhere": ({"bridge": {"accounts": [{"name": "a", "site": "outler"}]}}, 'no site profile "outler"'),
    "a name that is too long": ({"bridge": {"accounts": [{"name": "a" * 40}]}}, "room for 52 characters"),
    "anonymous and an ingress": (
        {"oai": {"apiKeys": {"allowAnonymous": True}, **KEYS["oai"]}}, "everybody on the network could spend"),
    "anonymous and a node port": (
        {"oai": {"apiKeys": {"allowAnonymous": True}, "service": {"type": "NodePort"}}}, "Service of type NodePort"),
    "anonymous and a load balancer": (
        {"oai": {"apiKeys": {"allowAnonymous": True}, "service": {"type": "LoadBalancer"}}}, "Service of type LoadBalancer"),
    "anonymous and keys": ({"oai": {"apiKeys": {"allowAnonymous": True, "existingSecret": "keys"}}}, "contradict each other"),
    "an ingress without a name": ({"oai": {"ingress": {"enabled": True}}}, "needs oai.ingress.hosts"),
    "a key for no server": ({"oai": {"embeddings": {"existingSecret": "k"}}}, "needs oai.embeddings.url"),
    "a sandbox that cannot start": ({"bridge": {"sandbox": True}}, "Chromium would not start"),
    "a wide profile for nothing": ({"bridge": {"seccomp": {"type": "Localhost"}}}, "for Chromium's sandbox alone"),
    "a profile without a name": (
        {"bridge": {"sandbox": True, "seccomp": {"type": "Localhost", "localhostProfile": ""}}}, "needs bridge.seccomp.localhostProfile"),
    "a ceiling at the limit": ({"bridge": {"memoryCeilingMiB": 2048}}, "not below the memory limit (2Gi)"),
    "a ceiling above a limit in Mi": (
        {"bridge": {"resources": {"limits": {"memory": "1000Mi"}}}}, "(1536) is not below the memory limit (1000Mi)"),
    "a setting with a value of its own": ({"server": {"settings": {"WORMHOLE_GRACE": "5s"}}}, "server.settings.WORMHOLE_GRACE: the chart sets it"),
    "a token as a setting": ({"server": {"settings": {"WORMHOLE_PAGE_TOKEN": "x"}}}, "a secret does not belong into values"),
    "a password as a setting": ({"bridge": {"settings": {"OUTLIER_PASSWORD": "x"}}}, "a secret does not belong into values"),
    "keys as a setting": ({"oai": {"settings": {"WORMHOLE_API_KEYS": "x"}}}, "a secret does not belong into values"),
    "a webhook as a setting": ({"bridge": {"settings": {"WORMHOLE_ALERT_WEBHOOK": "x"}}}, "a secret does not belong into values"),
}


@pytest.mark.parametrize("guard", GUARDS)
def test_refuses(guard):
    values, reason = GUARDS[guard]
    assert reason in refusal(values)


def test_every_guard_is_tested():
    text = (CHART / "templates/validate.yaml").read_text()
    said = [refusal(values) for values, _ in GUARDS.values()]
    for line in text.splitlines():
        if "append $wrong" in line:
            literal = max(re.split(r"%\w", line.split('"')[1]), key=len)
            assert any(literal in each for each in said), line


def test_all_objections_come_at_once():
    said = refusal({"server": {"replicas": 2}, "oai": {"replicas": 3}})
    assert "server.replicas" in said and "oai.replicas" in said


@pytest.mark.parametrize("values", [
    {"server": {"replicas": 0}, "oai": {"replicas": 0}, "bridge": {"replicas": 0}},
    {"bridge": {"sandbox": True, "seccomp": {"type": "Localhost"}}},
    {"bridge": {"accounts": [{"name": "a", "site": "/etc/sites/mine.yaml"}]}},
    {"bridge": {"accounts": [{"name": "a", "site": "mine"}], "sites": {"mine": "name: mine\n"}}},
    {"bridge": {"accounts": []}},
    {"bridge": {"memoryCeilingMiB": 0}},
    {"oai": {"apiKeys": {"allowAnonymous": True}}},
    {"oai": {"settings": {"WORMHOLE_TOKENIZER": "tiktoken", "WORMHOLE_PROMPT_LIMIT": 5000}}},
    KEYS,
])
def test_takes_what_works(values):
    assert render(values)

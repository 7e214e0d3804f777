"""The list of checks, the clients, and what the checks share."""

import json
import os
import urllib.request

import anthropic
import ollama
import openai

BASE, KEY = os.environ["BASE_URL"], os.environ["API_KEY"]
HELLO = "héllo, wörld 🕳️"
# One pixel.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 7}},
    "required": ["name", "age"],
    "additionalProperties": False,
}

CHECKS = []

# Strict: what does not fit the SDK's own models raises, in streams chunk by chunk.
OPENAI = openai.OpenAI(base_url=f"{BASE}/v1", api_key=KEY, timeout=60, _strict_response_validation=True)
LENIENT = openai.OpenAI(base_url=f"{BASE}/v1", api_key=KEY, timeout=60)
ANTHROPIC = anthropic.Anthropic(base_url=BASE, api_key=KEY, timeout=60, _strict_response_validation=True)
OLLAMA = ollama.Client(host=BASE, headers={"Authorization": f"Bearer {KEY}"}, timeout=60)


def check(name, part="all"):
    """Registers a check: the endpoint, a colon, what is checked."""

    def register(run):
        CHECKS.append((name, part, run))
        return run

    return register


def refuses(kind, ask, **expected):
    """The error of this class that `ask` raises; its attributes are as expected."""
    try:
        ask()
    except kind as error:
        for name, value in expected.items():
            assert getattr(error, name) == value, f"{name}: {getattr(error, name)!r} of {error!r}"
        return error
    raise AssertionError(f"{kind.__name__} was expected")


def user(content, **fields):
    return {"role": "user", "content": content, **fields}


def call(name, **arguments):
    """The mark that makes the practice agent call a tool."""
    return f"[[call:{name} {json.dumps(arguments)}]]"


def misbehave(fault):
    """Orders a fault of the practice site for its next turn."""
    body = json.dumps({"call": "turn", "fault": fault}).encode()
    request = urllib.request.Request(
        os.environ["CONTROL_URL"] + "/control/faults", data=body, headers={"content-type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=10).read()


def release_one_word():
    """Lets the gated model send its next word."""
    request = urllib.request.Request(
        os.environ["CONTROL_URL"] + "/control/release",
        data=json.dumps({"count": 1}).encode(),
        headers={"content-type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).read()


def read_gated(pieces, words=5):
    """Reads a stream of the gated model: each word is released only when the one before has arrived here."""
    text, received = "", 0
    release_one_word()
    for piece in pieces:
        text += piece or ""
        while received < len(text.split()):
            received += 1
            if received < words:
                release_one_word()
    assert text.split() == [f"w{n}" for n in range(1, words + 1)], text

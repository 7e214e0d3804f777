"""Errors as each SDK's own classes."""

import os

import anthropic
import ollama
import openai

from checks import ANTHROPIC, BASE, HELLO, OLLAMA, OPENAI, check, misbehave, refuses, user

CHAT, MESSAGES, OLLAMA_CHAT = "POST /v1/chat/completions", "POST /v1/messages", "POST /api/chat"


def openai_ask(client=OPENAI, model="practice-echo", **fields):
    return client.chat.completions.create(model=model, messages=[user(HELLO)], **fields)


def anthropic_ask(client=ANTHROPIC, model="practice-echo", **fields):
    return client.messages.create(model=model, max_tokens=99, messages=[user(HELLO)], **fields)


def ollama_ask(client=OLLAMA, model="practice-echo", **fields):
    return client.chat(model=model, messages=[user(HELLO)], **fields)


@check(f"{CHAT}: errors as the SDK's classes")
def of_openai():
    error = refuses(openai.NotFoundError, lambda: openai_ask(model="no-such-model"), code="model_not_found")
    assert "no-such-model" in error.message and error.request_id, error
    wrong = openai.OpenAI(base_url=f"{BASE}/v1", api_key="wrong")
    refuses(openai.AuthenticationError, lambda: openai_ask(wrong), code="invalid_api_key")
    limited = openai.OpenAI(base_url=f"{BASE}/v1", api_key=os.environ["LIMITED_KEY"], max_retries=0)
    openai_ask(limited)
    error = refuses(openai.RateLimitError, lambda: openai_ask(limited), status_code=429, type="rate_limit_error")
    assert int(error.response.headers["retry-after"]) > 0, error.response.headers
    nothing = lambda: OPENAI.post("/nothing", cast_to=object)  # noqa: E731
    refuses(openai.NotFoundError, nothing, code="unknown_url")


@check(f"{MESSAGES}: errors as the SDK's classes")
def of_anthropic():
    error = refuses(anthropic.NotFoundError, lambda: anthropic_ask(model="no-such-model"), status_code=404)
    assert error.body["type"] == "error" and error.body["error"]["type"] == "not_found_error", error.body
    assert error.request_id == error.body["request_id"] != "", error.body
    robot = [{"role": "robot", "content": ""}]
    ask = lambda: ANTHROPIC.messages.create(model="practice-echo", max_tokens=9, messages=robot)  # noqa: E731
    refuses(anthropic.BadRequestError, ask, status_code=400)
    wrong = anthropic.Anthropic(base_url=BASE, api_key="wrong")
    refuses(anthropic.AuthenticationError, lambda: anthropic_ask(wrong), status_code=401)


@check(f"{OLLAMA_CHAT}: errors as the SDK's classes")
def of_ollama():
    error = refuses(ollama.ResponseError, lambda: ollama_ask(model="no-such-model"), status_code=404)
    assert "no-such-model" in error.error, error
    wrong = ollama.Client(host=BASE, headers={"Authorization": "Bearer wrong"})
    refuses(ollama.ResponseError, lambda: ollama_ask(wrong), status_code=401)


def broken(kind, ask):
    """The site breaks before a word, and then in the middle of a stream."""
    misbehave({"kind": "status", "code": 500})
    refuses(kind, lambda: ask())
    misbehave({"kind": "cut", "after_words": 1})
    refuses(kind, lambda: list(ask(stream=True)))


@check(f"{CHAT}: a broken site, whole and in the middle of a stream")
def openai_broken():
    broken(openai.APIError, openai_ask)


@check(f"{MESSAGES}: a broken site, whole and in the middle of a stream")
def anthropic_broken():
    broken(anthropic.APIError, anthropic_ask)


@check(f"{OLLAMA_CHAT}: a broken site, whole and in the middle of a stream")
def ollama_broken():
    broken(ollama.ResponseError, ollama_ask)

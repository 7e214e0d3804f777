"""Asks through a published port with OpenAI's own library.

chat.py BASE answers TEXT    a streamed answer that repeats TEXT, within two minutes
chat.py BASE refuses CODE    an error with this code
"""

import sys
import time

import openai

WITHIN = 120
base, wanted, what = sys.argv[1:]
# No retries of its own: what is asked for here is that the service comes back, and how it says that it has not yet.
client = openai.OpenAI(base_url=base, api_key="unused", max_retries=0, timeout=60)


def ask(text):
    messages = [{"role": "user", "content": text}]
    stream = client.chat.completions.create(model="practice-echo", messages=messages, stream=True)
    pieces = [chunk.choices[0] for chunk in stream if chunk.choices]
    assert pieces[-1].finish_reason == "stop", pieces[-1]
    return "".join(piece.delta.content or "" for piece in pieces)


def answers():
    deadline = time.monotonic() + WITHIN
    while True:
        try:
            answer = ask(what)
            break
        except openai.APIError as error:
            if time.monotonic() > deadline:
                sys.exit(f"no answer within {WITHIN} s: {error}")
            time.sleep(1)
    assert what in answer, f"asked {what!r}, answered {answer!r}"


def refuses():
    try:
        answer = ask("is anybody there?")
    except openai.APIError as error:
        assert error.code == what, f"expected {what}, found {error.code}: {error}"
    else:
        sys.exit(f"expected {what}, was answered {answer!r}")


{"answers": answers, "refuses": refuses}[wanted]()

"""Completions of old."""

import openai

from checks import HELLO, LENIENT, OPENAI, check, refuses

ROUTE = "POST /v1/completions"


def create(prompt=HELLO, client=OPENAI, **fields):
    return client.completions.create(model="practice-echo", prompt=prompt, **fields)


@check(f"{ROUTE}: whole")
def whole():
    answer = create()
    assert answer.choices[0].text == HELLO and answer.choices[0].finish_reason == "stop", answer
    assert answer.usage.total_tokens > 0 and create([HELLO]).choices[0].text == HELLO


@check(f"{ROUTE}: suffix")
def suffix():
    posted = create("fn a() {", suffix="} // end").choices[0].text
    assert "fn a() {" in posted and "} // end" in posted, posted


@check(f"{ROUTE}: streamed")
def streamed():
    # The SDK's model has no null for `finish_reason`, which OpenAI itself sends before the last chunk.
    chunks = list(create(client=LENIENT, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].text for chunk in chunks[:-1]) == HELLO
    assert chunks[-2].choices[0].finish_reason == "stop" and chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens > 0


@check(f"{ROUTE}: limits and refusals")
def limits():
    assert create("word " * 200, max_tokens=16).choices[0].finish_reason == "length"
    assert create(stop=[" wörld"]).choices[0].text == "héllo,"
    for fields in [{"prompt": ["a", "b"]}, {"prompt": [1, 2]}, {"n": 2}, {"best_of": 2}]:
        refuses(openai.BadRequestError, lambda: create(**fields), status_code=400)

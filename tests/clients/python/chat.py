"""Chat completions without tools."""

import json

import openai
from pydantic import BaseModel

from checks import HELLO, OPENAI, PERSON, PNG, check, read_gated, refuses, user

ROUTE = "POST /v1/chat/completions"


def create(model="practice-echo", messages=None, **fields):
    return OPENAI.chat.completions.create(model=model, messages=messages or [user(HELLO)], **fields)


def text(answer):
    return answer.choices[0].message.content


@check(f"{ROUTE}: whole")
def whole():
    answer = create()
    assert text(answer) == HELLO and answer.choices[0].finish_reason == "stop", answer
    assert answer.choices[0].message.refusal is None and answer.choices[0].message.role == "assistant"
    usage = answer.usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens > 0


@check(f"{ROUTE}: streamed, each word as it comes")
def streamed():
    stream = create("practice-gate", [user("[[words:5]]")], stream=True)
    finishes = []

    def pieces():
        for chunk in stream:
            assert chunk.choices, "no chunk without choices unless usage is asked for"
            finishes.append(chunk.choices[0].finish_reason)
            yield chunk.choices[0].delta.content

    read_gated(pieces())
    assert finishes[-1] == "stop" and not any(finishes[:-1]), finishes


@check(f"{ROUTE}: streamed through the SDK's helper")
def helper():
    with OPENAI.chat.completions.stream(model="practice-echo", messages=[user(HELLO)]) as stream:
        deltas = "".join(event.delta for event in stream if event.type == "content.delta")
        final = stream.get_final_completion()
    assert deltas == text(final) == HELLO and final.choices[0].message.role == "assistant", final


@check(f"{ROUTE}: roles")
def roles():
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": "sea"}'}}
    messages = [
        {"role": "system", "content": "text of system"},
        {"role": "developer", "content": "text of developer"},
        user("text of ada", name="ada"),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "text of tool"}]},
        {"role": "assistant", "content": None, "function_call": {"name": "old", "arguments": "{}"}},
        {"role": "function", "name": "old", "content": "text of function"},
        {"role": "assistant", "content": [{"type": "text", "text": "text of assistant"}]},
        user("text of user"),
    ]
    posted = text(create(messages=messages))
    places = [posted.index(f"text of {who}") for who in "system developer ada tool function assistant user".split()]
    assert places == sorted(places), posted
    assert "look" in posted and "ada" in posted, posted
    refuses(openai.BadRequestError, lambda: create(messages=[{"role": "robot", "content": "x"}]), status_code=400)


@check(f"{ROUTE}: content as text, parts, null")
def contents():
    parts = [{"type": "text", "text": "one", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "two"}]
    posted = text(create(messages=[user(parts)]))
    assert posted.split() == ["one", "two"], posted
    null = {"role": "assistant", "content": None}
    posted = text(create(messages=[user("a"), null, {"role": "assistant", "content": ""}, user("b")]))
    assert "b" in posted, posted
    unknown = [{"type": "hologram", "hologram": "x"}]
    refuses(openai.BadRequestError, lambda: create(messages=[user(unknown)]), status_code=400)


@check(f"{ROUTE}: n")
def several():
    assert len(create(n=1).choices) == 1
    refuses(openai.BadRequestError, lambda: create(n=2), param="n", type="invalid_request_error")


@check(f"{ROUTE}: stop")
def stop():
    for stops in [" wörld", ["never", " wörld"]]:
        answer = create(stop=stops)
        assert text(answer) == "héllo," and answer.choices[0].finish_reason == "stop", answer


@check(f"{ROUTE}: length limits")
def limits():
    long = [user("word " * 200)]
    for field in ["max_tokens", "max_completion_tokens"]:
        answer = create(messages=long, **{field: 16})
        assert answer.choices[0].finish_reason == "length", answer
        assert 0 < answer.usage.completion_tokens <= 16 and len(text(answer)) < 200, answer
    chunks = list(create(messages=long, max_tokens=16, stream=True))
    assert chunks[-1].choices[0].finish_reason == "length", chunks[-1]


@check(f"{ROUTE}: usage of a stream")
def usage():
    chunks = list(create(stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens > 0, chunks[-1]
    assert all(chunk.usage is None and chunk.choices for chunk in chunks[:-1])
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert [chunk.choices[0].delta.role for chunk in chunks[:-1]].count("assistant") == 1


@check(f"{ROUTE}: reasoning")
def reasoning():
    message = create("practice-thinker").choices[0].message
    assert message.reasoning_content == message.reasoning != "" and message.content, message
    thoughts = words = ""
    for chunk in create("practice-thinker", stream=True):
        delta = chunk.choices[0].delta
        thought = getattr(delta, "reasoning_content", None)
        assert thought == getattr(delta, "reasoning", None) and not (words and thought), chunk
        thoughts += thought or ""
        words += delta.content or ""
    assert (thoughts, words) == (message.reasoning_content, message.content)


class Person(BaseModel):
    """What the answer is to be."""

    name: str
    age: int


@check(f"{ROUTE}: response_format")
def formats():
    assert text(create(response_format={"type": "text"})) == HELLO
    answer = create("practice-agent", response_format={"type": "json_object"})
    assert isinstance(json.loads(text(answer)), dict), answer
    schema = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON, "strict": True}}
    answer = json.loads(text(create("practice-agent", response_format=schema)))
    assert set(answer) == {"name", "age"} and answer["age"] >= 7, answer
    chunks = create("practice-agent", response_format=schema, stream=True)
    assert json.loads("".join(chunk.choices[0].delta.content or "" for chunk in chunks)) == answer
    parsed = OPENAI.chat.completions.parse(model="practice-agent", messages=[user("who?")], response_format=Person)
    assert isinstance(parsed.choices[0].message.parsed, Person), parsed
    unknown = {"type": "yaml"}
    refuses(openai.BadRequestError, lambda: create(response_format=unknown), param="response_format.type")


@check(f"{ROUTE}: images")
def images():
    for url in [{"url": f"data:image/png;base64,{PNG}"}, f"data:image/png;base64,{PNG}"]:
        content = [{"type": "text", "text": "what is this?"}, {"type": "image_url", "image_url": url}]
        assert "image/png" in text(create("practice-eyes", [user(content)]))
        error = refuses(openai.BadRequestError, lambda: create(messages=[user(content)]), status_code=400)
        assert "image" in error.message, error
    elsewhere = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
    refuses(openai.BadRequestError, lambda: create("practice-eyes", [user(elsewhere)]), status_code=400)


@check(f"{ROUTE}: what cannot be honoured is accepted and named")
def unknown():
    raw = OPENAI.chat.completions.with_raw_response.create(
        model="practice-echo",
        messages=[user(HELLO)],
        temperature=0.5,
        seed=1,
        logit_bias={"1": 1},
        reasoning_effort="low",
        user="someone",
        metadata={"a": "b"},
        extra_body={"brand_new": True},
    )
    named = raw.headers["x-wormhole-ignored"]
    assert all(name in named for name in ["temperature", "seed", "reasoning_effort", "brand_new"]), named
    assert text(raw.parse()) == HELLO

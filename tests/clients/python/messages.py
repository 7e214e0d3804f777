"""Anthropic's messages."""

import json

import anthropic

from checks import ANTHROPIC, BASE, CITY, HELLO, KEY, PERSON, PNG, call, check, refuses, user

ROUTE = "POST /v1/messages"
WEATHER = {"name": "weather", "description": "Tells the weather of a city.", "input_schema": CITY}
TIME = {**WEATHER, "name": "time"}
PARIS = user(f"What is the weather in Paris? {call('weather', city='Paris')}")


def create(model="practice-echo", messages=None, client=ANTHROPIC, **fields):
    return client.messages.create(**{"model": model, "max_tokens": 2048, "messages": messages or [user(HELLO)], **fields})


def stream(model="practice-echo", messages=None, **fields):
    return ANTHROPIC.messages.stream(model=model, max_tokens=2048, messages=messages or [user(HELLO)], **fields)


def uses(message):
    assert message.stop_reason == "tool_use", message
    return [(block.name, block.input) for block in message.content if block.type == "tool_use"]


@check(f"{ROUTE}: whole")
def whole():
    message = create()
    assert [block.type for block in message.content] == ["text"] and message.content[0].text == HELLO, message
    assert message.stop_reason == "end_turn" and message.role == "assistant", message
    assert message.usage.input_tokens > 0 and message.usage.output_tokens > 0 and message._request_id, message
    by_bearer = anthropic.Anthropic(base_url=BASE, auth_token=KEY, api_key=None, timeout=60)
    assert create(client=by_bearer).content[0].text == HELLO


@check(f"{ROUTE}: streamed")
def streamed():
    with stream() as events:
        text = "".join(events.text_stream)
        final = events.get_final_message()
    assert text == final.content[0].text == HELLO and final.stop_reason == "end_turn", final
    kinds = [event.type for event in create(stream=True) if event.type != "ping"]
    deltas = kinds.count("content_block_delta")
    expected = ["message_start", "content_block_start", *["content_block_delta"] * deltas]
    assert kinds == [*expected, "content_block_stop", "message_delta", "message_stop"], kinds


@check(f"{ROUTE}: system, at the top and in the middle")
def system():
    parts = [{"type": "text", "text": "text at the top", "cache_control": {"type": "ephemeral"}}]
    middle = [user("first"), {"role": "assistant", "content": "second"}]
    middle += [{"role": "system", "content": "text in the middle"}, user("third")]
    posted = create(messages=middle, system=parts).content[0].text
    marks = ["text at the top", "first", "second", "text in the middle", "third"]
    places = [posted.index(mark) for mark in marks]
    assert places == sorted(places), posted
    assert "text of the beta" in ANTHROPIC.beta.messages.create(
        model="practice-echo", max_tokens=99, betas=["x-1"], system="text of the beta", messages=[user(HELLO)]
    ).content[0].text


@check(f"{ROUTE}: stop_sequences and max_tokens")
def limits():
    message = create(stop_sequences=["never", " wörld"])
    assert message.content[0].text == "héllo,", message
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", " wörld"), message
    cut = create(messages=[user("word " * 200)], max_tokens=16)
    assert cut.stop_reason == "max_tokens" and cut.usage.output_tokens <= 16, cut


@check(f"{ROUTE}: thinking")
def thinking():
    asked = {"type": "enabled", "budget_tokens": 1024}
    with stream("practice-thinker", thinking=asked) as events:
        final = events.get_final_message()
    assert [block.type for block in final.content] == ["thinking", "text"], final
    assert final.content[0].thinking and final.content[1].text, final
    # Given back in the next request, it is taken and not posted.
    history = [user(HELLO), {"role": "assistant", "content": [block.model_dump() for block in final.content]}]
    posted = create(messages=[*history, user("next")]).content[0].text
    assert final.content[0].thinking not in posted and "next" in posted, posted
    assert [block.type for block in create("practice-thinker").content] == ["text"]


@check(f"{ROUTE}: tools, called and answered")
def tools():
    with stream("practice-agent", [PARIS], tools=[WEATHER, TIME]) as events:
        called = events.get_final_message()
    assert uses(called) == [("weather", {"city": "Paris"})] == uses(create("practice-agent", [PARIS], tools=[WEATHER]))
    made = next(block for block in called.content if block.type == "tool_use")
    history = [PARIS, {"role": "assistant", "content": [block.model_dump() for block in called.content]}]
    for content in ["22 degrees", [{"type": "text", "text": "22 degrees"}]]:
        for failed in [False, True]:
            result = {"type": "tool_result", "tool_use_id": made.id, "content": content, "is_error": failed}
            answer = create("practice-agent", [*history, user([result])], tools=[WEATHER])
            assert answer.stop_reason == "end_turn" and "22 degrees" in answer.content[0].text, answer


@check(f"{ROUTE}: tool_choice")
def choice():
    def made(messages, **choice):
        return create("practice-agent", messages, tools=[WEATHER, TIME], tool_choice=choice)

    greeting = [user("hello")]
    assert made([PARIS], type="none").stop_reason == "end_turn"
    assert uses(made([PARIS], type="auto")) == [("weather", {"city": "Paris"})]
    assert len(uses(made(greeting, type="any"))) == 1
    assert [name for name, _ in uses(made(greeting, type="tool", name="time"))] == ["time"]
    both = [user(f"[[together]] {call('weather', city='Paris')} {call('time', city='Rome')}")]
    assert [name for name, _ in uses(made(both, type="auto"))] == ["weather", "time"]
    assert len(uses(made(both, type="auto", disable_parallel_tool_use=True))) == 1


@check(f"{ROUTE}: output_config.format")
def formats():
    wanted = {"format": {"type": "json_schema", "schema": PERSON}}
    answer = json.loads(create("practice-agent", extra_body={"output_config": wanted}).content[0].text)
    assert set(answer) == {"name", "age"} and answer["age"] >= 7, answer


@check(f"{ROUTE}: images")
def images():
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "what is this?"}]
    assert "image/png" in create("practice-eyes", [user(content)]).content[0].text
    refuses(anthropic.BadRequestError, lambda: create(messages=[user(content)]), status_code=400)


@check("POST /v1/messages/count_tokens: more for more")
def counted():
    def count(text, **fields):
        return ANTHROPIC.messages.count_tokens(model="practice-echo", messages=[user(text)], **fields).input_tokens

    assert 0 < count(HELLO) < count(HELLO, tools=[WEATHER]) < count("word " * 1000, system="x", tools=[WEATHER])

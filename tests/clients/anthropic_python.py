"""The official Anthropic Python SDK: whole and streamed messages, thinking, tools, counted tokens, errors.

The practice site's scripted agent reads the tool's description out of the prompt it gets; the mark in the question
tells it what to ask the tool.
"""

import os

import anthropic

HELLO = [{"role": "user", "content": "héllo, wörld 🕳️"}]
PARIS = 'What is the weather in Paris? [[call:weather {"city": "Paris"}]]'
WEATHER = {
    "name": "weather",
    "description": "Tells the weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def whole(client):
    message = client.messages.create(model="practice-echo", max_tokens=1024, messages=HELLO)
    assert message.content[0].type == "text" and message.content[0].text == "héllo, wörld 🕳️", message
    assert message.stop_reason == "end_turn" and message.role == "assistant", message
    assert message.usage.input_tokens > 0 and message.usage.output_tokens > 0, message
    assert message._request_id, "the SDK found the request's id"


def streamed(client):
    with client.messages.stream(model="practice-echo", max_tokens=1024, messages=HELLO) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == "héllo, wörld 🕳️", text
    assert final.content[0].text == text and final.stop_reason == "end_turn", final


def thinking(client):
    asked = {"type": "enabled", "budget_tokens": 1024}
    with client.messages.stream(
        model="practice-thinker", max_tokens=2048, messages=HELLO, thinking=asked
    ) as stream:
        final = stream.get_final_message()
    assert [block.type for block in final.content] == ["thinking", "text"], final
    assert final.content[0].thinking and final.content[1].text, final
    plain = client.messages.create(model="practice-thinker", max_tokens=1024, messages=HELLO)
    assert [block.type for block in plain.content] == ["text"], plain


def tools(client, model):
    messages = [{"role": "user", "content": PARIS}]
    with client.messages.stream(model=model, max_tokens=1024, messages=messages, tools=[WEATHER]) as stream:
        called = stream.get_final_message()
    assert called.stop_reason == "tool_use", called
    use = next(block for block in called.content if block.type == "tool_use")
    assert use.name == "weather" and use.input == {"city": "Paris"}, use
    messages.append({"role": "assistant", "content": [block.model_dump() for block in called.content]})
    result = {"type": "tool_result", "tool_use_id": use.id, "content": [{"type": "text", "text": "22 degrees"}]}
    messages.append({"role": "user", "content": [result]})
    answer = client.messages.create(model=model, max_tokens=1024, messages=messages, tools=[WEATHER])
    assert answer.stop_reason == "end_turn" and "22" in answer.content[0].text, answer


def beta(client):
    message = client.beta.messages.create(
        model="practice-echo",
        max_tokens=1024,
        betas=["interleaved-thinking-2025-05-14"],
        system=[{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
        messages=HELLO,
    )
    assert "héllo, wörld 🕳️" in message.content[0].text, message


def counted(client):
    few = client.messages.count_tokens(model="practice-echo", messages=HELLO).input_tokens
    many = [{"role": "user", "content": "word " * 1000}]
    assert 0 < few < client.messages.count_tokens(model="practice-echo", messages=many).input_tokens


def errors(client):
    for request, expected in [
        ({"model": "no-such-model", "messages": HELLO}, anthropic.NotFoundError),
        ({"model": "practice-echo", "messages": [{"role": "robot", "content": ""}]}, anthropic.BadRequestError),
    ]:
        try:
            client.messages.create(max_tokens=10, **request)
        except expected as error:
            assert error.body["type"] == "error" and error.body["request_id"], error.body
            assert error.request_id == error.body["request_id"]
        else:
            raise AssertionError(f"{expected.__name__} was expected")


def main():
    client = anthropic.Anthropic(base_url=os.environ["BASE_URL"], api_key=os.environ["API_KEY"], timeout=60)
    whole(client)
    streamed(client)
    thinking(client)
    beta(client)
    counted(client)
    errors(client)
    by_bearer = anthropic.Anthropic(
        base_url=os.environ["BASE_URL"], auth_token=os.environ["API_KEY"], api_key=None, timeout=60
    )
    whole(by_bearer)
    tools(client, "practice-agent")
    print("ok")


main()

"""The responses API."""

import json

import httpx2
import openai
import zstandard
from pydantic import BaseModel

from checks import BASE, CITY, HELLO, KEY, OPENAI, PERSON, PNG, call, check, refuses, user

ROUTE = "POST /v1/responses"
WEATHER = {"type": "function", "name": "weather", "description": "Tells the weather.", "parameters": CITY, "strict": False}
PARIS = user(f"What is the weather in Paris? {call('weather', city='Paris')}")


def create(model="practice-echo", **fields):
    return OPENAI.responses.create(model=model, **{"input": HELLO, **fields})


@check(f"{ROUTE}: whole")
def whole():
    answer = create(metadata={"a": "b"})
    assert answer.output_text == HELLO and answer.status == "completed" and answer.metadata == {"a": "b"}, answer
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens > 0


@check(f"{ROUTE}: input items and instructions")
def items():
    made = {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"}
    said = [
        {"role": "developer", "content": [{"type": "input_text", "text": "text of developer"}]},
        user([{"type": "input_text", "text": "text of user"}]),
        {"type": "reasoning", "id": "rs_1", "summary": []},
        made,
        {"type": "function_call_output", "call_id": "call_1", "output": "text of result"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "text of assistant", "annotations": []}]},
        {"type": "message", "role": "user", "content": "text at the end"},
    ]
    posted = create(input=said, instructions="text of instructions").output_text
    marks = ["of instructions", "of developer", "of user", "of result", "of assistant", "at the end"]
    places = [posted.index(f"text {mark}") for mark in marks]
    assert places == sorted(places), posted


@check(f"{ROUTE}: streamed")
def streamed():
    with OPENAI.responses.stream(model="practice-thinker", input=[user(HELLO)]) as stream:
        events = list(stream)
        final = stream.get_final_response()
    raw = list(create("practice-thinker", stream=True))
    assert [event.sequence_number for event in raw] == list(range(len(raw))), [event.type for event in raw]
    assert [event.type for event in raw[:2]] == ["response.created", "response.in_progress"]
    assert raw[-1].type == events[-1].type == "response.completed"
    deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert deltas == final.output_text != "", final
    assert final.output[0].type == "reasoning" and final.output[0].summary[0].text, final


@check(f"{ROUTE}: functions")
def functions():
    with OPENAI.responses.stream(
        model="practice-agent", input=[PARIS], tools=[WEATHER, {"type": "web_search"}]
    ) as stream:
        events = list(stream)
        called = stream.get_final_response()
    [made] = [item for item in called.output if item.type == "function_call"]
    assert made.name == "weather" and json.loads(made.arguments) == {"city": "Paris"}, made
    assert any(event.type == "response.function_call_arguments.done" for event in events)
    result = {"type": "function_call_output", "call_id": made.call_id, "output": "22 degrees"}
    answer = create("practice-agent", input=[result], previous_response_id=called.id, tools=[WEATHER])
    assert "22 degrees" in answer.output_text, answer
    for choice in ["required", {"type": "function", "name": "weather"}]:
        forced = create("practice-agent", tools=[WEATHER], tool_choice=choice)
        assert forced.output[-1].type == "function_call", forced
    assert create("practice-agent", input=[PARIS], tools=[WEATHER], tool_choice="none").output_text
    space = {"type": "namespace", "name": "mcp", "description": "x", "tools": [{**WEATHER, "name": "rain"}]}
    raw = OPENAI.responses.with_raw_response.create(
        model="practice-agent", input="hello", tools=[space, {"type": "web_search"}]
    )
    assert "tools.web_search" in raw.headers["x-wormhole-ignored"]
    assert raw.parse().output[-1].type == "function_call"


class Person(BaseModel):
    """What the answer is to be."""

    name: str
    age: int


@check(f"{ROUTE}: text.format")
def formats():
    text = {"format": {"type": "json_schema", "name": "person", "schema": PERSON, "strict": True}}
    answer = json.loads(create("practice-agent", text=text).output_text)
    assert set(answer) == {"name", "age"} and answer["age"] >= 7, answer
    parsed = OPENAI.responses.parse(model="practice-agent", input="who?", text_format=Person)
    assert isinstance(parsed.output_parsed, Person), parsed
    assert json.loads(create("practice-agent", text={"format": {"type": "json_object"}}).output_text)


@check(f"{ROUTE}: max_output_tokens")
def cut():
    answer = create(input="word " * 200, max_output_tokens=16)
    assert answer.status == "incomplete" and answer.incomplete_details.reason == "max_output_tokens", answer
    *_, last = create(input="word " * 200, max_output_tokens=16, stream=True)
    assert last.type == "response.incomplete", last


@check(f"{ROUTE}: images")
def images():
    content = [{"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}]
    assert "image/png" in create("practice-eyes", input=[user(content)]).output_text
    refuses(openai.BadRequestError, lambda: create(input=[user(content)]), status_code=400)


@check(f"{ROUTE}: previous_response_id and store")
def continued():
    first = create(input="my name is Ada")
    second = create(input="and now?", previous_response_id=first.id)
    assert "and now?" in second.output_text and second.previous_response_id == first.id, second
    unstored = create(store=False)
    refuses(openai.NotFoundError, lambda: OPENAI.responses.retrieve(unstored.id), status_code=404)
    again = lambda: create(previous_response_id=unstored.id)  # noqa: E731
    refuses(openai.BadRequestError, again, code="previous_response_not_found")


class Packed(httpx2.HTTPTransport):
    """Sends bodies with zstd, as codex may."""

    def handle_request(self, request):
        packed = zstandard.compress(request.read())
        headers = [pair for pair in request.headers.raw if pair[0].lower() != b"content-length"]
        headers += [(b"content-encoding", b"zstd"), (b"content-length", str(len(packed)).encode())]
        packed = httpx2.Request(
            request.method, request.url, headers=headers, content=packed, extensions=request.extensions
        )
        return super().handle_request(packed)


@check(f"{ROUTE}: a packed body")
def packed():
    client = openai.OpenAI(base_url=f"{BASE}/v1", api_key=KEY, http_client=httpx2.Client(transport=Packed()))
    assert client.responses.create(model="practice-echo", input=HELLO).output_text == HELLO


@check("GET /v1/responses/{id}: stored as it was sent")
def retrieved():
    first = create()
    assert OPENAI.responses.retrieve(first.id) == first
    refuses(openai.NotFoundError, lambda: OPENAI.responses.retrieve("resp_none"), code="response_not_found")


@check("DELETE /v1/responses/{id}: gone")
def deleted():
    first = create()
    OPENAI.responses.delete(first.id)
    refuses(openai.NotFoundError, lambda: OPENAI.responses.retrieve(first.id), status_code=404)
    refuses(openai.NotFoundError, lambda: OPENAI.responses.delete(first.id), status_code=404)

"""The official OpenAI Python SDK: responses (whole, streamed, stored, continued, tools), completions, embeddings.

The practice site's scripted agent reads the tool's description out of the prompt it gets; the mark in the question
tells it what to ask the tool.
"""

import os

import openai

HELLO = "héllo, wörld 🕳️"
PARIS = 'What is the weather in Paris? [[call:weather {"city": "Paris"}]]'
WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "Tells the weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}


def whole_and_stored(client):
    first = client.responses.create(model="practice-echo", input=HELLO, metadata={"a": "b"})
    assert first.output_text == HELLO and first.status == "completed", first
    assert first.usage.total_tokens == first.usage.input_tokens + first.usage.output_tokens > 0
    assert client.responses.retrieve(first.id).output_text == HELLO
    second = client.responses.create(model="practice-echo", input="and now?", previous_response_id=first.id)
    assert "and now?" in second.output_text, second
    client.responses.delete(first.id)
    try:
        client.responses.retrieve(first.id)
    except openai.NotFoundError:
        pass
    else:
        raise AssertionError("it was deleted")
    try:
        client.responses.create(model="practice-echo", input="x", previous_response_id=first.id)
    except openai.BadRequestError as error:
        assert error.code == "previous_response_not_found", error
    else:
        raise AssertionError("there is nothing to continue")


def streamed(client):
    with client.responses.stream(model="practice-thinker", input=[{"role": "user", "content": HELLO}]) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert [event.sequence_number for event in events if hasattr(event, "sequence_number")] == list(
        range(len(events))
    ), [event.type for event in events]
    assert events[0].type == "response.created" and events[-1].type == "response.completed"
    deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert deltas == final.output_text and final.output_text, final
    assert final.output[0].type == "reasoning" and final.output[0].summary[0].text, final


def cut(client):
    response = client.responses.create(model="practice-echo", input="word " * 200, max_output_tokens=16)
    assert response.status == "incomplete", response
    assert response.incomplete_details.reason == "max_output_tokens", response


def tools(client, model):
    asked = [{"role": "user", "content": PARIS}]
    with client.responses.stream(model=model, input=asked, tools=[WEATHER, {"type": "web_search"}]) as stream:
        for _ in stream:
            pass
        called = stream.get_final_response()
    call = next(item for item in called.output if item.type == "function_call")
    assert call.name == "weather" and call.arguments.replace(" ", "") == '{"city":"Paris"}', call
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "22 degrees"}
    answer = client.responses.create(
        model=model, input=[result], previous_response_id=called.id, tools=[WEATHER]
    )
    assert "22" in answer.output_text, answer


def completions(client):
    whole = client.completions.create(model="practice-echo", prompt=HELLO)
    assert whole.choices[0].text == HELLO and whole.choices[0].finish_reason == "stop", whole
    filled = client.completions.create(model="practice-echo", prompt="fn a() {", suffix="}")
    assert "fn a() {" in filled.choices[0].text, filled
    stream = client.completions.create(
        model="practice-echo", prompt=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == HELLO
    assert chunks[-1].usage.completion_tokens > 0


def embeddings(client):
    """None, unless the operator named a server for them."""
    try:
        client.embeddings.create(model="any", input="text")
    except openai.InternalServerError as error:
        assert error.status_code == 501 and error.code == "unsupported", error
    else:
        raise AssertionError("a chat site has none")


def main():
    client = openai.OpenAI(base_url=os.environ["BASE_URL"] + "/v1", api_key=os.environ["API_KEY"], timeout=60)
    whole_and_stored(client)
    streamed(client)
    cut(client)
    completions(client)
    embeddings(client)
    tools(client, "practice-agent")
    print("ok")


main()

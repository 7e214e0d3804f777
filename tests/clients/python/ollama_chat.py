"""Ollama's chat and generate."""

import json

import ollama

from checks import CITY, HELLO, OLLAMA, PERSON, PNG, call, check, read_gated, refuses, user

CHAT, GENERATE = "POST /api/chat", "POST /api/generate"
WEATHER = {"type": "function", "function": {"name": "weather", "description": "Tells it.", "parameters": CITY}}
PARIS = user(f"What is the weather in Paris? {call('weather', city='Paris')}")


def chat(model="practice-echo", messages=None, **fields):
    return OLLAMA.chat(model=model, messages=[user(HELLO)] if messages is None else messages, **fields)


def generate(model="practice-echo", prompt=HELLO, **fields):
    return OLLAMA.generate(model=model, prompt=prompt, **fields)


def timed(last):
    assert last.done and last.done_reason == "stop", last
    assert min(last.total_duration, last.eval_duration, last.prompt_eval_count, last.eval_count) > 0, last


@check(f"{CHAT}: whole")
def whole():
    answer = chat("practice-echo:latest")
    assert answer.message.content == HELLO and answer.message.role == "assistant", answer
    timed(answer)
    posted = chat(messages=[{"role": "system", "content": "text of system"}, user("a")]).message.content
    assert "text of system" in posted, posted


@check(f"{CHAT}: streamed, each word as it comes")
def streamed():
    parts = []

    def pieces():
        for part in chat("practice-gate", [user("[[words:5]]")], stream=True):
            parts.append(part)
            yield part.message.content

    read_gated(pieces())
    timed(parts[-1])
    assert not any(part.done for part in parts[:-1])


@check(f"{CHAT}: tools, called and answered")
def tools():
    whole = chat("practice-agent", [PARIS], tools=[WEATHER])
    parts = list(chat("practice-agent", [PARIS], tools=[WEATHER], stream=True))
    for calls in [whole.message.tool_calls, [made for part in parts for made in part.message.tool_calls or []]]:
        assert [(made.function.name, made.function.arguments) for made in calls] == [("weather", {"city": "Paris"})]
    assert parts[-1].done_reason == "stop", parts[-1]
    made = whole.message.model_dump(exclude_none=True)
    for result in [{"role": "tool", "tool_name": "weather"}, {"role": "tool", "name": "weather"}]:
        answer = chat("practice-agent", [PARIS, made, {**result, "content": "22 degrees"}], tools=[WEATHER])
        assert "22 degrees" in answer.message.content, answer


@check(f"{CHAT}: think")
def think():
    for wanted in [True, "low"]:
        answer = chat("practice-thinker", think=wanted)
        assert answer.message.thinking and answer.message.content, answer
    assert chat("practice-thinker", think=False).message.thinking is None
    parts = list(chat("practice-thinker", think=True, stream=True))
    assert "".join(part.message.thinking or "" for part in parts) == answer.message.thinking


@check(f"{CHAT}: format")
def formats():
    assert isinstance(json.loads(chat("practice-agent", format="json").message.content), dict)
    answer = json.loads(chat("practice-agent", format=PERSON).message.content)
    assert set(answer) == {"name", "age"} and answer["age"] >= 7, answer
    assert chat(format="").message.content == HELLO


@check(f"{CHAT}: keep_alive loads and unloads")
def loads():
    assert chat(messages=[]).done_reason == "load"
    assert chat(messages=[], keep_alive="5m").done_reason == "load"
    assert chat(messages=[], keep_alive=0).done_reason == "unload"
    assert chat(keep_alive=-1).message.content == HELLO


@check(f"{CHAT}: images")
def images():
    message = ollama.Message(role="user", content="what is this?", images=[ollama.Image(value=PNG)])
    assert "image/png" in chat("practice-eyes", [message]).message.content
    refuses(ollama.ResponseError, lambda: chat(messages=[message]), status_code=400)


@check(f"{CHAT}: options")
def options():
    assert chat(options={"stop": [" wörld"], "num_ctx": 4096}).message.content == "héllo,"
    cut = chat(messages=[user("word " * 200)], options={"num_predict": 16})
    assert cut.done_reason == "length" and cut.eval_count <= 16, cut


@check(f"{GENERATE}: whole")
def generated():
    answer = generate()
    assert answer.response == HELLO
    timed(answer)
    assert "text of system" in generate(system="text of system").response


@check(f"{GENERATE}: streamed")
def generated_stream():
    parts = list(generate(stream=True))
    assert "".join(part.response for part in parts) == HELLO
    timed(parts[-1])


@check(f"{GENERATE}: suffix")
def suffix():
    posted = generate(prompt="fn a() {", suffix="} // end").response
    assert "fn a() {" in posted and "} // end" in posted, posted


@check(f"{GENERATE}: think, format, images")
def features():
    thought = generate("practice-thinker", think=True)
    assert thought.thinking and thought.response, thought
    assert generate("practice-thinker", think=False).thinking is None
    assert set(json.loads(generate("practice-agent", format=PERSON).response)) == {"name", "age"}
    assert "image/png" in generate("practice-eyes", images=[PNG]).response
    refuses(ollama.ResponseError, lambda: generate(images=[PNG]), status_code=400)


@check(f"{GENERATE}: keep_alive loads and unloads")
def generate_loads():
    assert generate(prompt="").done_reason == "load"
    assert generate(prompt="", keep_alive=0).done_reason == "unload"

"""Tools in chat completions. The practice agent reads them out of the prompt that reaches it."""

import json

import openai
from openai.lib.streaming.chat import ChatCompletionStreamState

from checks import CITY, OPENAI, call, check, refuses, user

ROUTE = "POST /v1/chat/completions"


def function(name):
    return {"name": name, "description": f"Tells the {name} of a city.", "parameters": CITY}


TOOLS = [{"type": "function", "function": function(name)} for name in ["weather", "time"]]
PARIS = user(f"What is the weather in Paris? {call('weather', city='Paris')}")
BOTH = user(f"Both! [[together]] {call('weather', city='Paris')} {call('time', city='Rome')}")


def create(messages=(PARIS,), tools=TOOLS, **fields):
    return OPENAI.chat.completions.create(model="practice-agent", messages=list(messages), tools=tools, **fields)


def called(answer):
    assert answer.choices[0].finish_reason == "tool_calls", answer
    calls = answer.choices[0].message.tool_calls
    assert len({call.id for call in calls}) == len(calls)
    return [(call.function.name, json.loads(call.function.arguments)) for call in calls]


@check(f"{ROUTE}: tools, called and answered")
def whole():
    answer = create()
    assert called(answer) == [("weather", {"city": "Paris"})], answer
    message = answer.choices[0].message
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "22 degrees"}
    final = create([PARIS, message.model_dump(exclude_none=True), result])
    assert final.choices[0].finish_reason == "stop" and "22 degrees" in final.choices[0].message.content, final
    assert create([user("hello")], tools=[]).choices[0].message.tool_calls is None
    # As some clients do: the calls stay in the history, the tools do not.
    history = [PARIS, message.model_dump(exclude_none=True), result]
    assert create(history, tools=openai.omit).choices[0].message.content


@check(f"{ROUTE}: tools, streamed")
def streamed():
    state, raw = ChatCompletionStreamState(), []
    for chunk in create(stream=True, stream_options={"include_usage": True}):
        state.handle_chunk(chunk)
        raw += [piece for choice in chunk.choices for piece in choice.delta.tool_calls or []]
    assert called(state.get_final_completion()) == [("weather", {"city": "Paris"})]
    assert raw[0].id and raw[0].type == "function" and raw[0].function.name == "weather", raw
    assert all(piece.id is None and piece.function.name is None for piece in raw[1:]), raw


@check(f"{ROUTE}: tool_choice")
def choice():
    greeting = [user("hello")]
    none = create(tool_choice="none").choices[0]
    assert none.message.tool_calls is None and none.finish_reason == "stop", none
    assert called(create(tool_choice="auto")) == [("weather", {"city": "Paris"})]
    assert len(called(create(greeting, tool_choice="required"))) == 1
    one = {"type": "function", "function": {"name": "time"}}
    assert [name for name, _ in called(create(greeting, tool_choice=one))] == ["time"]
    for mode in ["auto", "required"]:
        allowed = {"mode": mode, "tools": [one]}
        answer = create(greeting, tool_choice={"type": "allowed_tools", "allowed_tools": allowed})
        assert [name for name, _ in called(answer)] == ["time"], answer
    absent = {"type": "function", "function": {"name": "absent"}}
    refuses(openai.BadRequestError, lambda: create(tool_choice=absent), param="tool_choice")


@check(f"{ROUTE}: parallel_tool_calls")
def parallel():
    both = [("weather", {"city": "Paris"}), ("time", {"city": "Rome"})]
    assert called(create([BOTH])) == both
    assert called(create([BOTH], parallel_tool_calls=False)) == both[:1]
    state = ChatCompletionStreamState()
    for chunk in create([BOTH], stream=True):
        state.handle_chunk(chunk)
    assert called(state.get_final_completion()) == both


@check(f"{ROUTE}: functions of old")
def legacy():
    def old(messages, **fields):
        functions = [function("weather"), function("time")]
        return OPENAI.chat.completions.create(
            model="practice-agent", messages=messages, functions=functions, **fields
        )

    answer = old([PARIS]).choices[0]
    assert answer.finish_reason == "function_call" and answer.message.tool_calls is None, answer
    made = answer.message.function_call
    assert made.name == "weather" and json.loads(made.arguments) == {"city": "Paris"}, answer
    history = [PARIS, answer.message.model_dump(exclude_none=True)]
    final = old([*history, {"role": "function", "name": "weather", "content": "22 degrees"}])
    assert "22 degrees" in final.choices[0].message.content, final
    named = old([user("hello")], function_call={"name": "time"}).choices[0]
    assert named.message.function_call.name == "time", named
    assert old([PARIS], function_call="none").choices[0].message.function_call is None
    chunks = list(old([PARIS], stream=True))
    made = [chunk.choices[0].delta.function_call for chunk in chunks if chunk.choices[0].delta.function_call]
    assert made[0].name == "weather" and chunks[-1].choices[0].finish_reason == "function_call", chunks
    assert json.loads("".join(piece.arguments for piece in made)) == {"city": "Paris"}

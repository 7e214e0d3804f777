"""The official OpenAI Python SDK: model list, whole and streamed chat, errors with its own retries switched on."""

import json
import os
import sys

import openai

from practice import release_one_word

WORDS = 5


def models(client):
    names = [model.id for model in client.models.list()]
    assert "practice-echo" in names, names
    assert client.models.retrieve("practice-echo").id == "practice-echo"


def whole(client):
    answer = client.chat.completions.create(
        model="practice-echo", messages=[{"role": "user", "content": "héllo, wörld 🕳️"}]
    )
    assert answer.choices[0].message.content == "héllo, wörld 🕳️", answer
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def reasoning(client):
    answer = client.chat.completions.create(model="practice-thinker", messages=[{"role": "user", "content": "think"}])
    assert answer.choices[0].message.content
    assert answer.choices[0].message.reasoning_content


def streamed(client):
    """Each word is released only when the one before has arrived here."""
    stream = client.chat.completions.create(
        model="practice-gate",
        messages=[{"role": "user", "content": f"[[words:{WORDS}]]"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    text, finish, usage, received = "", None, None, 0
    release_one_word()
    for chunk in stream:
        if chunk.usage:
            usage = chunk.usage
        if not chunk.choices:
            continue
        finish = chunk.choices[0].finish_reason or finish
        if chunk.choices[0].delta.content:
            text += chunk.choices[0].delta.content
            while received < len(text.split()):
                received += 1
                if received < WORDS:
                    release_one_word()
    assert text.split() == [f"w{n}" for n in range(1, WORDS + 1)], text
    assert finish == "stop"
    assert usage.completion_tokens > 0


def fail(client):
    """Asks once, with the SDK's own two retries on, and says which error came of it."""
    try:
        stream = sys.argv[2:] == ["streamed"]
        answer = client.chat.completions.create(
            model="practice-echo", messages=[{"role": "user", "content": "once only"}], stream=stream
        )
        if stream:
            for _ in answer:
                pass
    except openai.APIError as error:
        print(json.dumps({"error": type(error).__name__, "status": getattr(error, "status_code", None)}))
    else:
        print(json.dumps({"error": None}))


def main():
    client = openai.OpenAI(base_url=os.environ["BASE_URL"] + "/v1", api_key=os.environ["API_KEY"], timeout=60)
    if sys.argv[1:2] == ["fail"]:
        fail(client)
        return
    for check in (models, whole, reasoning, streamed):
        check(client)
    print("ok")


main()

"""The official Ollama Python client: model list, show, whole and streamed chat."""

import os

import ollama

from practice import release_one_word

WORDS = 5


def main():
    client = ollama.Client(
        host=os.environ["BASE_URL"], headers={"Authorization": f"Bearer {os.environ['API_KEY']}"}, timeout=60
    )
    names = [model.model for model in client.list().models]
    assert "practice-echo:latest" in names, names
    shown = client.show("practice-echo")
    assert "completion" in shown.capabilities, shown

    messages = [{"role": "user", "content": "héllo, wörld 🕳️"}]
    whole = client.chat(model="practice-echo", messages=messages)
    assert whole.message.content == "héllo, wörld 🕳️", whole
    assert whole.done and whole.done_reason == "stop"

    thought = client.chat(model="practice-thinker:latest", messages=messages, think=True)
    assert thought.message.thinking and thought.message.content, thought

    text, received, last = "", 0, None
    stream = client.chat(
        model="practice-gate", messages=[{"role": "user", "content": f"[[words:{WORDS}]]"}], stream=True
    )
    release_one_word()
    for part in stream:
        last = part
        text += part.message.content or ""
        while received < len(text.split()):
            received += 1
            if received < WORDS:
                release_one_word()
    assert text.split() == [f"w{n}" for n in range(1, WORDS + 1)], text
    assert last.done and last.done_reason == "stop" and last.total_duration > 0, last
    print("ok")


main()

"""The official Ollama Python client: generate, ps, pull, and what it is told it cannot have."""

import os

import ollama

HELLO = "héllo, wörld 🕳️"


def refused(status, ask):
    try:
        ask()
    except ollama.ResponseError as error:
        assert error.status_code == status and error.error, error
    else:
        raise AssertionError(f"status {status} was expected")


def main():
    client = ollama.Client(
        host=os.environ["BASE_URL"], headers={"Authorization": f"Bearer {os.environ['API_KEY']}"}, timeout=60
    )
    whole = client.generate(model="practice-echo", prompt=HELLO)
    assert whole.response == HELLO and whole.done_reason == "stop" and whole.eval_count > 0, whole
    parts = list(client.generate(model="practice-echo", prompt=HELLO, stream=True))
    assert "".join(part.response for part in parts) == HELLO
    assert parts[-1].done and parts[-1].total_duration > 0, parts[-1]
    thought = client.generate(model="practice-thinker", prompt=HELLO, think=True)
    assert thought.thinking and thought.response, thought
    assert client.generate(model="practice-echo").done_reason == "load"
    assert client.generate(model="practice-echo", keep_alive=0).done_reason == "unload"

    running = client.ps().models
    assert any(model.model == "practice-echo:latest" and model.expires_at for model in running), running
    assert client.pull("practice-echo").status == "success"
    assert [part.status for part in client.pull("practice-echo", stream=True)][-1] == "success"
    refused(404, lambda: client.pull("no-such-model"))
    refused(501, lambda: client.embed(model="practice-echo", input="text"))
    refused(501, lambda: client.copy("practice-echo", "other"))
    refused(501, lambda: client.create(model="other", from_="practice-echo"))
    refused(501, lambda: client.delete("practice-echo"))
    print("ok")


main()

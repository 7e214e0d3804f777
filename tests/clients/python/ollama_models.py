"""Ollama's models, and what there is none of."""

import tempfile

import ollama

from checks import OLLAMA, check, refuses

ECHO = "practice-echo"


@check("GET /api/tags: models, each with its digest")
def tags():
    models = OLLAMA.list().models
    assert f"{ECHO}:latest" in [model.model for model in models], models
    assert len({model.digest for model in models}) == len(models) and models[0].details.family, models


@check("POST /api/show: capabilities and lengths")
def show():
    shown = OLLAMA.show(ECHO)
    assert {"completion", "tools"} <= set(shown.capabilities) and shown.details.family, shown
    info = shown.modelinfo
    assert info[f"{info['general.architecture']}.context_length"] > 0, info
    assert "vision" in OLLAMA.show("practice-eyes:latest").capabilities
    refuses(ollama.ResponseError, lambda: OLLAMA.show("no-such-model"), status_code=404)


@check("GET /api/ps: all of them")
def ps():
    assert any(model.model == f"{ECHO}:latest" and model.expires_at for model in OLLAMA.ps().models)


@check("GET /api/version: a release")
def version():
    # This SDK has no call for it; its own HTTP client does.
    major, minor, _ = OLLAMA._client.get("/api/version").json()["version"].split(".")
    assert (int(major), int(minor)) >= (0, 14)


@check("POST /api/pull: what is there, and what is not")
def pull():
    assert OLLAMA.pull(ECHO).status == "success"
    assert [part.status for part in OLLAMA.pull(ECHO, stream=True)][-1] == "success"
    refuses(ollama.ResponseError, lambda: OLLAMA.pull("no-such-model"), status_code=404)
    refuses(ollama.ResponseError, lambda: list(OLLAMA.pull("no-such-model", stream=True)), status_code=404)


def refused(route, ask):
    check(f"{route}: refused")(lambda: refuses(ollama.ResponseError, ask, status_code=501))


def blob():
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"no model")
        file.flush()
        OLLAMA.create_blob(file.name)


refused("POST /api/create", lambda: OLLAMA.create(model="other", from_=ECHO))
refused("POST /api/copy", lambda: OLLAMA.copy(ECHO, "other"))
refused("POST /api/push", lambda: OLLAMA.push(ECHO))
refused("DELETE /api/delete", lambda: OLLAMA.delete(ECHO))
refused("POST /api/blobs/{digest}", blob)

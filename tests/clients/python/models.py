"""OpenAI's list of models."""

import openai

from checks import OPENAI, check, refuses


@check("GET /v1/models: listed")
def listed():
    models = list(OPENAI.models.list())
    assert "practice-echo" in [model.id for model in models], models
    assert all(model.object == "model" and model.created > 0 and model.owned_by for model in models)


@check("GET /v1/models/{id}: with and without tag and site")
def one():
    for name in ["practice-echo", "practice-echo:latest", "playground/practice-echo"]:
        assert OPENAI.models.retrieve(name).id == name
    refuses(openai.NotFoundError, lambda: OPENAI.models.retrieve("no-such-model"), code="model_not_found")

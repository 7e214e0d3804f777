"""Embeddings: refused, or passed on to a server that this script plays."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import ollama
import openai

from checks import LENIENT, OLLAMA, OPENAI, check, refuses

OPENAI_ROUTE, EMBED, OLD = "POST /v1/embeddings", "POST /api/embed", "POST /api/embeddings"


@check(f"{OPENAI_ROUTE}: refused")
def refused():
    ask = lambda: OPENAI.embeddings.create(model="small", input="text")  # noqa: E731
    refuses(openai.InternalServerError, ask, status_code=501, code="unsupported")


@check(f"{EMBED}: refused")
def embed_refused():
    refuses(ollama.ResponseError, lambda: OLLAMA.embed(model="small", input="text"), status_code=501)


@check(f"{OLD}: refused")
def old_refused():
    refuses(ollama.ResponseError, lambda: OLLAMA.embeddings(model="small", prompt="text"), status_code=501)


class Lengths(BaseHTTPRequestHandler):
    """Gives each text its length and its place."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
        data = [
            {"object": "embedding", "index": place, "embedding": [len(text), place]}
            for place, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": 3, "total_tokens": 3}
        body = json.dumps({"object": "list", "data": data, "model": asked["model"], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Served:
    """The server, while something is asked."""

    def __enter__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["EMBEDDINGS_PORT"])), Lengths)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


@check(f"{OPENAI_ROUTE}: passed on", "passed-on")
def passed_on():
    with Served():
        # Without a word from the caller the SDK asks for base64 and reads it, which its own model does not know of.
        whole = LENIENT.embeddings.create(model="small", input=["a", "abc"])
        assert [item.embedding for item in whole.data] == [[1, 0], [3, 1]] and whole.usage.total_tokens == 3, whole
        plain = OPENAI.embeddings.create(model="small", input="ab", encoding_format="float")
        assert plain.data[0].embedding == [2, 0], plain


@check(f"{EMBED}: passed on", "passed-on")
def embed_passed_on():
    with Served():
        answer = OLLAMA.embed(model="small", input=["a", "abc"])
    assert [list(one) for one in answer.embeddings] == [[1, 0], [3, 1]] and answer.prompt_eval_count == 3, answer


@check(f"{OLD}: passed on", "passed-on")
def old_passed_on():
    with Served():
        assert list(OLLAMA.embeddings(model="small", prompt="abc").embedding) == [3, 0]

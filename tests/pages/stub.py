"""A small OpenAI-compatible server: what the chat pages under test answer from. Standard library only.  stub.py PORT

It says the user's last message back, word by word. Some messages ask for something else:

    [[markdown]]  a piece of every kind of Markdown
    [[gate:N]]    the words w1 to wN; each waits for a POST to /release
    [[fail]]      status 500

GET /seen tells how many answers were asked for, and how many of those who asked left before the end.
"""

import json
import re
import select
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MARKDOWN = Path(__file__).with_name("markdown.md").read_text().strip()

PACE = 0.01
GATE_OPENS_WITHIN = 60

gate = threading.Semaphore(0)
lock = threading.Lock()
seen = {"asked": 0, "left": 0}


def count(what):
    with lock:
        seen[what] += 1


def answer(asked):
    gated = re.search(r"\[\[gate:(\d+)\]\]", asked)
    if gated:
        return " ".join(f"w{number}" for number in range(1, int(gated[1]) + 1))
    return MARKDOWN if "[[markdown]]" in asked else asked


def last_message(body):
    content = body["messages"][-1]["content"]
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


class Stub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        models = {"object": "list", "data": [{"id": "stub", "object": "model", "owned_by": "tests"}]}
        self.reply(seen if self.path == "/seen" else models)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])) or "null")
        if self.path == "/release":
            gate.release()
            self.reply({})
            return
        count("asked")
        asked = last_message(body)
        if "[[fail]]" in asked:
            self.reply({"error": {"message": "the stub was told to fail", "type": "server_error"}}, 500)
            return
        self.stream(re.findall(r"\S*\s*", answer(asked)), wait=self.gated if "[[gate:" in asked else self.paced)

    def stream(self, pieces, wait):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            for piece in filter(None, pieces):
                wait()
                self.event({"delta": {"content": piece}, "index": 0, "finish_reason": None})
            self.event({"delta": {}, "index": 0, "finish_reason": "stop"})
            self.wfile.write(b"data: [DONE]\n\n")
        except ConnectionError:
            count("left")

    def event(self, choice):
        chunk = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "stub", "choices": [choice]}
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.flush()

    def paced(self):
        time.sleep(PACE)

    def gated(self):
        """Waits for a release. Whoever asked may leave meanwhile: then their end of the connection is closed."""
        for _ in range(GATE_OPENS_WITHIN * 20):
            if gate.acquire(timeout=0.05):
                return
            readable, _, _ = select.select([self.connection], [], [], 0)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise ConnectionResetError
        raise TimeoutError("nobody opened the gate")


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Stub).serve_forever()

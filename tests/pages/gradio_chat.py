"""Gradio's own chat interface in front of an OpenAI-compatible server.  STUB_URL=… gradio_chat.py PORT

The function is async: Gradio cannot stop one that waits in a thread before its next word comes.
"""

import os
import sys

import gradio
from openai import AsyncOpenAI

client = AsyncOpenAI(base_url=os.environ["STUB_URL"], api_key="none", max_retries=0)


def text(content):
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content if isinstance(part, dict))


async def chat(message, history):
    messages = [{"role": turn["role"], "content": text(turn["content"])} for turn in history]
    messages.append({"role": "user", "content": message})
    answer = ""
    async with await client.chat.completions.create(model="stub", messages=messages, stream=True) as stream:
        async for chunk in stream:
            answer += chunk.choices[0].delta.content or ""
            yield answer


gradio.ChatInterface(chat).launch(server_name="127.0.0.1", server_port=int(sys.argv[1]), quiet=True)

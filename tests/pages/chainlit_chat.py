"""Chainlit's chat page in front of an OpenAI-compatible server.  STUB_URL=… chainlit run chainlit_chat.py"""

import os

import chainlit
from openai import AsyncOpenAI

client = AsyncOpenAI(base_url=os.environ["STUB_URL"], api_key="none", max_retries=0)


@chainlit.on_message
async def answer(_message):
    reply = chainlit.Message(content="")
    messages = chainlit.chat_context.to_openai()
    async with await client.chat.completions.create(model="stub", messages=messages, stream=True) as stream:
        async for chunk in stream:
            await reply.stream_token(chunk.choices[0].delta.content or "")
    await reply.update()

"""Asks once, with the SDK's own two retries on, and says which error came of it: `once.py [streamed]`."""

import json
import os
import sys

import openai

client = openai.OpenAI(base_url=os.environ["BASE_URL"] + "/v1", api_key=os.environ["API_KEY"], timeout=60)
try:
    stream = sys.argv[1:] == ["streamed"]
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

"""The practice site's control endpoint."""

import json
import os
import urllib.request


def release_one_word():
    """Lets the gated model send its next word."""
    request = urllib.request.Request(
        os.environ["CONTROL_URL"] + "/control/release",
        data=json.dumps({"count": 1}).encode(),
        headers={"content-type": "application/json"},
        method="POST",
    )
    urllib.request.urlopen(request, timeout=10).read()

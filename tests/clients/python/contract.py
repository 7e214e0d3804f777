"""Every row of the dialect table with the official Python SDKs. Each check prints its name; one that fails, why.

    contract.py              all but those below
    contract.py passed-on    embeddings, when the API has been told of a server for them
    contract.py names        what is checked, without checking it
"""

import sys
import traceback

import chat  # noqa: F401  (each module registers its checks)
import completions  # noqa: F401
import embeddings  # noqa: F401
import errors  # noqa: F401
import messages  # noqa: F401
import models  # noqa: F401
import ollama_chat  # noqa: F401
import ollama_models  # noqa: F401
import responses  # noqa: F401
import tools  # noqa: F401
from checks import CHECKS


def main():
    part = sys.argv[1] if len(sys.argv) > 1 else "all"
    if part == "names":
        print("\n".join(name for name, *_ in CHECKS))
        return
    failed = 0
    for name, of_part, run in CHECKS:
        if of_part != part:
            continue
        try:
            run()
        except Exception:
            failed += 1
            print(f"FAILED {name}\n{traceback.format_exc()}", flush=True)
        else:
            print(f"ok {name}", flush=True)
    sys.exit(1 if failed else 0)


main()

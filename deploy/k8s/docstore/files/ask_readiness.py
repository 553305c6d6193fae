"""Asks each URL among the arguments until it responds with 200, for a minute; exits with 1 if one does not."""

import sys
import time
import urllib.request

WAIT_SECONDS = 60


def failure(url: str) -> str:
    """Why it does not respond with 200; empty if it does."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return ""
    except OSError as error:
        return str(error)


end = time.monotonic() + WAIT_SECONDS
for url in sys.argv[1:]:
    while (why := failure(url)) and time.monotonic() < end:
        time.sleep(1)
    print(url, why or "ok", flush=True)
    if why:
        sys.exit(1)

"""Tell another system how a run ended: a JSON POST, which never fails the run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from common.python.client import TRANSIENT, settings

TRIES = 3  # the run waits for them


def tell(webhook: str, body: Mapping[str, Any], timeout: float = 10.0) -> None:
    """POST *body* as JSON to *webhook*; nothing when it is empty. What goes wrong is printed, not raised.

    What stumbles (429, 5xx, no answer) is sent again, TRIES times in all: being told twice is better than
    not at all, and `run_id` and `workflow` of *body* show that it is the same. The address is a secret:
    nothing that is printed holds it.
    """
    for attempt in range(1, TRIES + 1) if webhook else ():
        said, again = posted(webhook, body, timeout)
        print(f"webhook {said}")
        if not again:
            return
        if attempt < TRIES:
            time.sleep(settings().wait_before(attempt))


def posted(webhook: str, body: Mapping[str, Any], timeout: float) -> tuple[str, bool]:
    """Send it once; return what came of it in words, and whether it may do better the next time.

    A redirection is not followed, since a POST becomes a GET there; nor is the answer's body read, which
    might never end.
    """
    import requests

    try:
        with requests.post(
            webhook, json=dict(body), timeout=timeout, allow_redirects=False, stream=True
        ) as answer:
            taken = "" if answer.ok and not answer.is_redirect else ", so nobody may have been told"
            return f"answered {answer.status_code}{taken}", answer.status_code in TRANSIENT
    except (requests.ConnectionError, requests.Timeout) as error:
        return f"did not answer: {type(error).__name__}", True
    except (requests.RequestException, ValueError, OSError) as error:
        return f"did not answer: {type(error).__name__}", False

"""Tell another system how a run ended: one JSON POST, which never fails the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def tell(webhook: str, body: Mapping[str, Any], timeout: float = 10.0) -> None:
    """POST *body* as JSON to *webhook*; nothing when it is empty. What goes wrong is printed, not raised.

    Its address is a secret: nothing that is printed holds it. A redirection is not followed, since a POST
    becomes a GET there; nor is the answer's body read, which might never end.
    """
    if not webhook:
        return
    import requests

    try:
        with requests.post(
            webhook, json=dict(body), timeout=timeout, allow_redirects=False, stream=True
        ) as answer:
            taken = "" if answer.ok and not answer.is_redirect else ", so nobody may have been told"
            print(f"webhook answered {answer.status_code}{taken}")
    except (requests.RequestException, ValueError, OSError) as error:
        print(f"webhook did not answer: {type(error).__name__}")

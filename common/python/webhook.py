"""Tell another system how a run ended: one JSON POST, which never fails the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def tell(webhook: str, body: Mapping[str, Any], timeout: float = 10.0) -> None:
    """POST *body* as JSON to *webhook*; nothing when it is empty. What goes wrong is printed, not raised."""
    if not webhook:
        return
    import requests

    try:
        answer = requests.post(webhook, json=dict(body), timeout=timeout)
        print(f"webhook answered {answer.status_code}")
    except requests.RequestException as error:
        print(f"webhook did not answer: {type(error).__name__}")

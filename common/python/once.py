"""Do a thing once by a request that must not simply be sent twice: look for it before trying again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from common.python.client import ApiError, pause, settings

TAKEN = "already been taken"  # what the API says of a name that is there


def once(make: Callable[[], Any], find: Callable[[], Any]) -> Any:
    """Return what *make* made, or what *find* finds when an answer was lost on the way.

    Args:
        make: one request that creates or changes something.
        find: tells whether it is done: the same kind of value, or None.

    Raises:
        ApiError: a fault that is not transient, or one that stayed through all tries.
    """
    how = settings()
    attempt = 0
    while True:
        attempt += 1
        try:
            return make()
        except ApiError as error:
            fault, taken = error, TAKEN in str(error.answer)
        if not fault.transient and not taken:
            raise fault
        if not taken and attempt < how.tries:
            pause(how, attempt, fault)  # before looking: the request may still be on its way
        found = find()
        if found is not None:
            return found
        if taken or attempt == how.tries:
            raise fault

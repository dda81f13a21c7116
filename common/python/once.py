"""Make a thing once by a request that must not simply be sent twice: look for it before trying again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from common.python.treasure import TRANSIENT, ApiError

TRIES = 6
TAKEN = "already been taken"  # what the API says of a name that is there


def once(make: Callable[[], Any], find: Callable[[], Any]) -> Any:
    """Return what *make* made, or what *find* finds when an answer was lost on the way.

    Args:
        make: one request that creates something.
        find: tells whether it is there: the same kind of value, or None.

    Raises:
        ApiError: a fault that is not transient, or one that stayed through all tries.
    """
    for attempt in range(TRIES):
        try:
            return make()
        except ApiError as error:
            taken = TAKEN in str(error.answer)
            if error.status not in (0, *TRANSIENT) and not taken:
                raise
            found = find()
            if found is not None:
                return found
            if taken or attempt + 1 == TRIES:
                raise
        time.sleep(min(10.0, 0.5 * 2**attempt) * (0.5 + random.random() / 2))
    return None

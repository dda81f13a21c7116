"""What failed tasks said, word for word.

Digdag evaluates `error.message` as a template before the handler of a failed task runs: `${x}` in it is
replaced, or fails the handler, and of tasks that failed side by side only the last one's message is there.
The attempt knows all of them as they were.

Reads     the file that TD_FAILURES names (tdlocal writes it: one JSON object a failed task), else the tasks
          of this attempt (workflow API). Where there is neither, nothing is known
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from common.python import treasure
from common.python.errors import TaskError


def of_handler(params: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return task, message and stacktrace of each task that the handler which asks runs for.

    Args:
        params: of the asking task: `task_name`; `site`, `attempt_id`, `endpoints` for the workflow API.
    """
    name = str(params.get("task_name") or "")
    if "^error" not in name:
        return []
    return below(recorded() or of_attempt(params), name.partition("^error")[0])


def below(failures: Sequence[Mapping[str, Any]], task: str) -> list[dict[str, str]]:
    """Return the last failure of each task at or below *task*, not those of error handlers.

    >>> told = [{"task": "+a^sub+b", "message": "x"}, {"task": "+a^error", "message": "y"}, {"task": "+ab"}]
    >>> below(told, "+a")
    [{'task': '+b', 'message': 'x', 'stacktrace': ''}]
    """
    found = {}
    for failure in failures:
        name = str(failure.get("task"))
        rest = name[len(task) :]
        if name.startswith(task) and rest[:1] in ("", "+", "^") and "^error" not in rest:
            words = {key: str(failure.get(key) or "") for key in ("message", "stacktrace")}
            found[name] = {"task": rest.removeprefix("^sub") or name, **words}
    return list(found.values())


def recorded() -> list[dict[str, Any]]:
    """Return what the runner wrote down."""
    try:
        with open(os.environ["TD_FAILURES"], encoding="utf-8") as file:
            return [json.loads(line) for line in file]
    except (KeyError, OSError, ValueError):
        return []


def of_attempt(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the failed tasks of this attempt, as the workflow API tells them; none when it does not."""
    if params.get("site") == "local" or not params.get("attempt_id"):
        return []
    try:
        url = f"{params['endpoints']['workflow']}/api/attempts/{params['attempt_id']}/tasks"
        tasks = treasure.call("GET", url)["tasks"]
        return [{"task": task["fullName"], **task["error"]} for task in tasks if task.get("error")]
    except (TaskError, KeyError, TypeError) as error:
        print(f"the attempt's tasks were not read: {error}")
        return []


def joined(failures: Sequence[Mapping[str, str]], word: str, *, named: bool = False) -> str:
    """Return one text of *word* of all failures; where there are several, or *named*, each after its task.

    >>> joined([{"task": "+a", "message": "x"}], "message")
    'x'
    >>> joined([{"task": "+a", "message": "x"}, {"task": "+b", "message": "y"}], "message")
    '+a: x\\n+b: y'
    """
    if len(failures) == 1 and not named:
        return failures[0][word]
    texts = ((failure["task"], once(failure[word]) if named else failure[word]) for failure in failures)
    return "\n".join(f"{task}: {text}" for task, text in texts if text)


def once(text: str) -> str:
    r"""Return *text* without its repetition: a job tells its fault on both of its outputs.

    >>> once("no column x\nno column x"), once("no column x")
    ('no column x', 'no column x')
    """
    half = text[: len(text) // 2]
    return half if f"{half}\n{half}" == text else text

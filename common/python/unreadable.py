"""Log and tell that a workflow could not start, because files of the project cannot be read.

Task      common/unreadable.dig
Reads     config/src_params.yml and config/email_ids.yml, line by line where they are the broken ones
Writes    va_config_<sub>.log_tbl: a failure of the workflow that was asked for
Stores    `told`: {addresses, sub, text} for the mail
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from common.python import run_log
from common.python.attempt import run_id
from common.python.errors import unbraced

PARAMETERS = Path("config/src_params.yml")
ADDRESSES = Path("config/email_ids.yml")
ADDRESS = re.compile(r"[^\s\"'\[\],<>]+@[^\s\"'\[\],<>]+")
TEXT = """The retail pipeline did not start.

What failed
{workflow}: files of the project cannot be read

What happened
{message}

What is still good
Everything: no task has run.

How to go on
Mend the file that is named (tdlocal check finds every fault) and run {workflow} again for the same session.
"""


def main(
    unreadable_workflow,
    unreadable_message,
    session_unixtime,
    session_time,
    sub="",
    email_failure="",
):
    """Task entry."""
    import digdag

    sub = sub if run_log.usable(str(sub)) else setting("sub") or "retail"
    wanted = str(email_failure or setting("email_failure")).lower() != "false"
    run_log.add_failure(
        f"va_config_{sub}",
        unreadable_workflow,
        int(session_unixtime),
        session_time,
        run_id(digdag.env.params),
        unreadable_message,
    )
    text = TEXT.format(workflow=unreadable_workflow, message=unbraced(unreadable_message))
    people = addresses(content(ADDRESSES)) if wanted else []
    digdag.env.store({"told": {"addresses": people, "sub": sub, "text": text}})


def setting(name: str) -> str:
    """Return what stands behind *name* in the parameters' file, which need not be valid YAML."""
    found = re.search(rf"^\s+{name}:[ \t]*(\w+)", content(PARAMETERS), re.MULTILINE)
    return found[1] if found else ""


def addresses(text: str) -> list[str]:
    """Return who is told of failures.

    >>> addresses('email_failure: ["a@b.co"]')
    ['a@b.co']
    >>> addresses('email_success: [x@y.co]\\nemail_failure: ["a@b.co", "c@d.co\\nother: [e@f.co]')
    ['a@b.co', 'c@d.co']
    """
    try:
        read: Any = yaml.safe_load(text)
        found = read["email_failure"] or []
        return [str(one) for one in (found if isinstance(found, list) else [found])]
    except (yaml.YAMLError, KeyError, TypeError):
        block = re.search(r"^email_failure:.*?(?=^\w|\Z)", text, re.MULTILINE | re.DOTALL)
        return ADDRESS.findall(block[0]) if block else []


def content(path: Path) -> str:
    """Return a file's text, nothing when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""

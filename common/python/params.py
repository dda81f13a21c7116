"""Settle the values of this run: what `-p name=value` gave, else the default.

Task      +params of every workflow, ``py>: common.python.params.settle``
Reads     `defaults`, `sites`, `tables` of config/src_params.yml; the run's parameters; TD_API_SERVER
Stores    every name of `defaults` as a plain value of the default's type, `endpoints`
          (api, presto, cdp, workflow: URLs), `params_settled`: true
Raises    TaskError for a value of the wrong kind, an unknown site or workflow

`-p` lies below every `_export`, so a default may not be exported under its own name. It stands under
`defaults:` and this task stores the value that counts. `-p from=` is taken for `start_at` and given
back as the mails' sender: mail> reads a parameter of that name. So what it names is checked later, by
common.python.run_log.decide: the mail about it needs a sender.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from common.python.errors import TaskError
from common.python.inputs import WORKFLOWS

WHERE = "config/src_params.yml, defaults"
SPELLINGS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
MOST_VERSIONS = 100


def settle(defaults, sites, mail_sender=""):
    """Task entry."""
    import digdag

    chosen = chosen_values(defaults, digdag.env.params, sites, os.environ)
    if "from" in digdag.env.params:
        chosen["from"] = mail_sender
    given = {name: chosen[name] for name in sorted(defaults) if name in digdag.env.params}
    if given.get("webhook"):
        given["webhook"] = "(its address is a secret)"
    print(
        ", ".join(
            f"{name} {json.dumps(value)}"
            for name, value in {"sub": chosen["sub"], "site": chosen["site"], **given}.items()
        )
    )
    digdag.env.store({**chosen, "params_settled": True})


def chosen_values(
    defaults: Mapping[str, Any],
    given: Mapping[str, Any],
    sites: Mapping[str, Mapping[str, str]],
    environment: Mapping[str, str],
) -> dict[str, Any]:
    """Return the settled values, `endpoints` included.

    >>> sites = {"us": {"api": "https://api.treasuredata.com"}, "local": {"api": "http://127.0.0.1:8800"}}
    >>> chosen_values({"sub": "retail", "site": "us"}, {"sub": "x"}, sites, {})["endpoints"]["api"]
    'https://api.treasuredata.com'
    """
    if "start_at" in defaults and "from" in given:
        given = {**given, "start_at": given.get("start_at") or given["from"]}
    chosen = {name: typed(name, given.get(name, value), value) for name, value in defaults.items()}
    if "site" not in given and is_local(environment.get("TD_API_SERVER", "")):
        chosen["site"] = "local"
    check(chosen, sites)
    chosen["endpoints"] = endpoints(chosen["site"], defaults["site"], sites, environment)
    return chosen


def typed(name: str, text: Any, default: Any) -> Any:
    """Return *text* as a value of the default's type: `-p` gives text only.

    >>> typed("run_all", "true", False), typed("n", "3", 1), typed("sub", "x", "retail")
    (True, 3, 'x')
    >>> [typed("run_all", text, False) for text in ("True", '"true"', "yes", 1, "off", "0", None)]
    [True, True, True, True, False, False, False]
    """
    value = default if text is None else text
    if isinstance(default, bool):
        value = SPELLINGS.get(str(value).strip(" \"'").lower())
    elif isinstance(value, str) and not isinstance(default, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    if type(value) is not type(default):
        raise TaskError(
            f"-p {name}={text} is not a value of the right kind",
            where=WHERE,
            mend=f"give a value like {json.dumps(default)}",
        )
    return value


def check(chosen: Mapping[str, Any], sites: Mapping[str, Any]) -> None:
    """Raise TaskError when a settled value cannot work."""
    if not re.fullmatch(r"[a-z0-9_]{1,64}", str(chosen.get("sub", "x"))):
        raise TaskError(
            f"sub is {chosen['sub']!r}, which cannot be part of a database's name",
            where=WHERE,
            mend="use small letters, digits and underscores",
        )
    if chosen["site"] not in sites:
        raise TaskError(
            f"site {chosen['site']!r} is not known", where=WHERE, mend=f"use one of {', '.join(sites)}"
        )
    check_workflow("only", chosen.get("only") or "")
    if chosen.get("keep_versions", 1) not in range(1, MOST_VERSIONS + 1):
        raise TaskError(
            f"keep_versions is {chosen['keep_versions']!r}",
            where=WHERE,
            mend=f"keep at least one earlier state, at most {MOST_VERSIONS}: keep_versions: 2",
        )


def check_workflow(name: str, workflow: str) -> None:
    """Raise TaskError when parameter *name* names no workflow; empty is none named."""
    if workflow and workflow not in WORKFLOWS:
        raise TaskError(
            f"{name} names no workflow: {workflow!r}",
            where=f"-p {name}=…",
            mend=f"use one of {', '.join(WORKFLOWS)}",
        )


def name_for(name: str, sub: str, defaults: Mapping[str, Any] | None) -> str:
    """Return a name that the account knows once, such as a parent segment's, for the shop of *sub*.

    Names that stand in templates belong to the project's own `sub`; another one gets names of its own, so
    that a trial does not change what the shop works with.

    >>> name_for("Sales", "retail", {"sub": "retail"}), name_for("Sales", "trial", {"sub": "retail"})
    ('Sales', 'Sales (trial)')
    """
    return name if sub == (defaults or {}).get("sub", sub) else f"{name} ({sub})"


def endpoints(
    site: str, default_site: str, sites: Mapping[str, Mapping[str, str]], environment: Mapping[str, str]
) -> dict[str, str]:
    """Return the URLs of the site's APIs, without a slash at the end.

    tdlocal sends Treasure Data's own host names to its account, whose port differs from run to run; a
    stored port would be stale when a run is resumed. It is known by TD_OUTPUT_DIR. Elsewhere a local
    account is where TD_API_SERVER says, else at the address of site `local`.
    """
    if site != "local":
        return {name: url.rstrip("/") for name, url in sites[site].items()}
    if "TD_OUTPUT_DIR" in environment:
        named = default_site if default_site != "local" else next(name for name in sites if name != "local")
        return {name: url.rstrip("/") for name, url in sites[named].items()}
    server = environment.get("TD_API_SERVER", "").rstrip("/")
    return {name: server or url.rstrip("/") for name, url in sites["local"].items()}


def is_local(server: str) -> bool:
    """Tell whether TD_API_SERVER names an account on this machine.

    >>> is_local("http://127.0.0.1:8800"), is_local("https://api.treasuredata.com"), is_local("")
    (True, False, False)
    """
    return (urlsplit(server).hostname or "") in ("127.0.0.1", "localhost", "::1")

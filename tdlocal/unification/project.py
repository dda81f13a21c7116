"""A project's unify.yml and match.yml, read from its files: parameters put in, faults with their lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tdlocal.errors import KitError
from tdlocal.unification.model import Unification, UnificationFaults, read_unification

UNIFY = Path("unification/unify.yml")
MATCH = Path("unification/match.yml")
PARAMETERS = Path("config/src_params.yml")
TEMPLATE = re.compile(r"\$\{\s*([A-Za-z_][A-Za-z0-9_.]*)\s*\}")


@dataclass(frozen=True)
class Settings:
    """What a project unifies by.

    Args:
        document: unify.yml, parsed, parameters put in.
        unification: the same as an object.
        protection: match.yml's `protection`, empty without the file.
        parameters: plain values of config/src_params.yml and of the command line.
    """

    document: dict[str, Any]
    unification: Unification
    protection: dict[str, Any]
    parameters: dict[str, Any]

    @property
    def database(self) -> str:
        """The database that the service writes."""
        return f"cdp_unification_{self.unification.name}".lower()


def read_settings(
    project: Path, given: Mapping[str, str], unify_file: Path | None = None, match_file: Path | None = None
) -> Settings:
    """Return the settings of the project in *project*.

    Args:
        given: parameters of the command line; they replace those of config/src_params.yml.
        unify_file: another unify.yml.
        match_file: another match.yml; by default the project's, when it has one.

    Raises:
        KitError: a file is missing, is no YAML, or has faults; each fault with its line.
    """
    parameters = {**_parameters(project / PARAMETERS), **given}
    path = unify_file or project / UNIFY
    text = _text(path)
    filled = TEMPLATE.sub(lambda found: _value(found[1], parameters, path, text, found.start()), text)
    document = _yaml(filled, path)
    try:
        unification = read_unification(document)
    except UnificationFaults as faults:
        raise KitError(told(faults.faults, filled, path)) from None
    matched = match_file or project / MATCH
    match_document = _yaml(_text(matched), matched) if match_file or matched.is_file() else {}
    protection = (match_document or {}).get("protection") or {}
    return Settings(document, unification, protection, parameters)


def told(faults: Sequence[tuple[str, str]], text: str, path: Path) -> str:
    """Return faults as lines ``file:line: path: what``."""
    lines = line_numbers(text)
    shown = [f"{path}:{line_of(lines, where)}: {where}: {what}" for where, what in faults]
    return "\n".join(shown)


def line_numbers(text: str) -> dict[str, int]:
    """Return path → line (from 1) of everything in a YAML text.

    >>> line_numbers("a:\\n  - {b: 1}\\n")["a[0].b"]
    2
    """
    found: dict[str, int] = {}

    def walk(node: yaml.Node, path: str) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                here = f"{path}.{key.value}" if path else str(key.value)
                found[here] = key.start_mark.line + 1
                walk(value, here)
        elif isinstance(node, yaml.SequenceNode):
            for at, item in enumerate(node.value):
                found[f"{path}[{at}]"] = item.start_mark.line + 1
                walk(item, f"{path}[{at}]")

    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is not None:
        walk(node, "")
    return found


def line_of(lines: Mapping[str, int], path: str) -> int:
    """Return the line of *path*, or of the nearest thing above it that is there.

    >>> line_of({"keys": 3, "keys[1]": 5}, "keys[1].name")
    5
    """
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path, 1)


def _parameters(path: Path) -> dict[str, Any]:
    """Return the plain values of config/src_params.yml, its defaults among them."""
    if not path.is_file():
        return {}
    document = _yaml(_text(path), path) or {}
    return {**document, **(document.get("defaults") or {})}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise KitError(
            f"{path} cannot be read: {error.strerror}", mend="name the file, or the project"
        ) from None
    except UnicodeDecodeError:
        raise KitError(f"{path} is not UTF-8", mend="save it as UTF-8") from None


def _yaml(text: str, path: Path) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise KitError(
            f"this is no YAML: {error.problem}",
            where=f"{path}:{line}",
            mend="mend the line, or the one above",
        ) from None


def _value(name: str, parameters: Mapping[str, Any], path: Path, text: str, at: int) -> str:
    value: Any = parameters
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is None:
        line = text.count("\n", 0, at) + 1
        raise KitError(
            f"${{{name}}} has no value",
            where=f"{path}:{line}",
            mend=f"give it: -p {name}=…, or in {PARAMETERS}",
        )
    return str(value)

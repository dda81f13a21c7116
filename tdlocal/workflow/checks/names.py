"""Templates: their syntax, what is newer than ECMAScript 5, and names that nothing in the project defines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tdlocal.workflow import templates
from tdlocal.workflow.checks.project import Checked, Spot
from tdlocal.workflow.faults import Place
from tdlocal.workflow.parameters import texts
from tdlocal.workflow.sessions import NOT_EXECUTED
from tdlocal.workflow.yaml_reader import Section

BUILT_IN = {
    f"{prefix}session_{suffix}"
    for prefix in ("", "last_", "next_")
    for suffix in ("time", "date", "date_compact", "local_time", "tz_offset", "unixtime")
} | {
    *NOT_EXECUTED,
    "session_uuid",
    "session_id",
    "attempt_id",
    "project_id",
    "task_name",
    "timezone",
    "retry_attempt_name",
    "http",
    "td",
    "error",
    "moment",
}
JAVASCRIPT = set(
    (
        "Array Boolean Date Error EvalError Function Infinity JSON Math NaN Number Object "
        "RangeError ReferenceError RegExp String SyntaxError TypeError URIError decodeURI "
        "decodeURIComponent encodeURI encodeURIComponent escape eval isFinite isNaN parseFloat "
        "parseInt undefined unescape break case catch continue debugger default delete do else "
        "false finally for function if in instanceof new null return switch this throw true try "
        "typeof var void while with arguments "
    ).split()
)
NAME = re.compile(r"(?<![\w$.])([A-Za-z_$][\w$]*)")
KEY = re.compile(r"[{,]\s*([A-Za-z_$][\w$]*)\s*:")


def check(project: Checked) -> None:
    """Note what is wrong with each template."""
    seen_files: set[Path] = set()
    for spot in project.spots:
        task = spot.task
        _order(project, spot)
        for section in (task.export, task.config):
            for key, value in section.items():
                if key in ("_do", "_else_do"):
                    continue
                place = section.at(key) if isinstance(section, Section) else task.place
                inner = set(value) if isinstance(value, dict) else set()
                for text in texts(value):
                    _text(project, text, place, inner)
        for path in _template_files(spot.task.operator, spot.task.command, spot.task.folder):
            if path not in seen_files:
                seen_files.add(path)
                _file(project, path)


def _order(project: Checked, spot: Spot) -> None:
    """Own keys that use a key written below them."""
    config = spot.task.config
    exported = (
        set().union(*(export.keys() for export in spot.exports)) | spot.loops if spot.exports else spot.loops
    )
    later = [key for key in config if key not in ("_do", "_else_do")]
    for key in list(later):
        later.remove(key)
        place = config.at(key) if isinstance(config, Section) else spot.task.place
        for text in texts(config[key]) if isinstance(config[key], str) else ():
            codes = [part[0] for part in templates.template(text).parts if isinstance(part, tuple)]
            used = set().union(*map(unknown_names, codes)) if codes else set()
            for name in sorted(
                used & set(later) - exported - BUILT_IN - project.texts_in_python - project.given
            ):
                project.fault(
                    place,
                    f"{key} uses {name}, which is written below it and not known yet",
                    f"move {name} above {key}",
                    "order",
                )


def _template_files(operator: str, command: Any, folder: Path) -> Iterator[Path]:
    """Files whose text is a template: queries and mail bodies."""
    if (
        operator not in ("td", "td_for_each", "td_wait", "mail")
        or not isinstance(command, str)
        or not command
    ):
        return
    if "${" not in command:
        path = folder / command
        if path.is_file():
            yield path.resolve()
        return
    pattern = re.sub(r"\$\{[^}]*\}", "*", command)
    if not pattern.startswith(("*", "/")):
        yield from (path.resolve() for path in sorted(folder.glob(pattern)) if path.is_file())


def _file(project: Checked, path: Path) -> None:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        project.fault(
            Place(project.shown(path)), f"cannot be read: {error}", "save the file as UTF-8", "encoding"
        )
        return
    for row, line in enumerate(text.split("\n"), 1):
        if "$$" in line and not line.lstrip().startswith("--"):
            project.fault(
                Place(project.shown(path), row),
                "$$ becomes $ when the file is read",
                "write [$] in a pattern",
                "dollar",
                True,
            )
    if "${" not in text:
        return
    position = 0
    for part in templates.split(text):
        if isinstance(part, tuple):
            found = text.find(part[0], position)
            number = text.count("\n", 0, max(found, 0)) + 1
            position = max(found, position)
            _text(project, "${" + part[0] + "}", Place(project.shown(path), number), set())


def _text(project: Checked, text: str, place: Place, inner: set[str]) -> None:
    found = templates.template(text)
    if not any(isinstance(part, tuple) for part in found.parts):
        return
    if found.fault:
        project.fault(
            place,
            f"{found.fault} is not known to Digdag's JavaScript",
            "write it in ECMAScript 5",
            "template",
        )
        return
    problem = templates.syntax_fault(found)
    if problem:
        mend = "the shell's ${VAR:-x} cannot be used in a .dig file" if ":-" in text else ""
        project.fault(place, f"${{…}} does not parse: {problem} in {_short(text)}", mend, "template")
        return
    for part in found.parts:
        if isinstance(part, tuple):
            for name in sorted(unknown_names(part[0]) - BUILT_IN - project.defined - inner):
                project.fault(
                    place,
                    f"nothing in the project defines {name}, used in {_short(text)}",
                    f"define it in _export, store it in a task, or check with -p {name}",
                    "undefined",
                )


def unknown_names(code: str) -> set[str]:
    """Names that an expression takes from its surroundings, guarded ones left out.

    >>> code = "typeof a === 'u' ? b.c : {d: e}.d + f.map(function(x) { return x + moment(g) })"
    >>> sorted(unknown_names(code))
    ['b', 'e', 'f', 'g', 'moment']
    """
    bare = templates.without_strings(code)
    guarded = set(re.findall(r"typeof\s+([A-Za-z_$][\w$]*)", bare))
    own: set[str] = set()
    for arguments in re.findall(r"function\s*[\w$]*\s*\(([^)]*)\)", bare):
        own |= {word.strip() for word in arguments.split(",")}
    own |= set(re.findall(r"\bvar\s+([A-Za-z_$][\w$]*)", bare)) | set(
        re.findall(r"function\s+([\w$]+)", bare)
    )
    own |= set(re.findall(r"\bcatch\s*\(\s*([\w$]+)", bare)) | set(KEY.findall(bare))
    return set(NAME.findall(bare)) - guarded - own - JAVASCRIPT


def _short(text: str) -> str:
    line = next((line.strip() for line in text.split("\n") if "${" in line), text)
    return line if len(line) <= 80 else line[:80] + "…"

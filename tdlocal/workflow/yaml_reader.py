"""Reads .dig files and the YAML that they include, as Digdag types it, keeping the place of every key.

Scalars follow Digdag's resolver: only true/false are booleans, 0123 is octal, dates and times are text.
`!include : path` as a key merges that file's map at its place. Faults are gathered, not raised.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tdlocal.workflow.faults import Fault, Place

PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEEPEST = 200  # levels of nesting in one file
LARGEST = 1_000_000  # values in one file, aliases counted each time
INTEGER = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]+|0|[1-9][0-9_]*)")
FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[1-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?"
)  # none that begins with 0
CLOCK = re.compile(r"([-+]?)([0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*)")  # 12:30:45.5 counts seconds
FRACTION = re.compile(r"[-+]?0[0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?")  # looks like a number and is text
SPECIAL: dict[str, Any] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "false": False,
    "False": False,
    **{
        sign + name: sign.strip("+") + "Infinity"
        for sign in ("", "+", "-")
        for name in (".inf", ".Inf", ".INF")
    },
    **dict.fromkeys((".nan", ".NaN", ".NAN"), "NaN"),
}
CORE = "tag:yaml.org,2002:"


class Section(dict[str, Any]):
    """A map of a project file that knows where it and its keys stand."""

    __slots__ = ("marks", "place")

    def __init__(self, values: Any = (), place: Place | None = None) -> None:
        super().__init__(values)
        self.place = place or Place("")
        self.marks: dict[str, Place] = {}

    def at(self, key: str) -> Place:
        """The place of *key*, or of the map itself."""
        return self.marks.get(key, self.place)


class PlainFraction(str):
    """Text such as 0.5, written without quotes: somebody may take it for a number."""

    __slots__ = ()


class _Refused(Exception):
    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def plain_scalar(text: str) -> Any:
    """The value of an unquoted scalar, by Digdag's rules.

    >>> texts = ("yes", "True", "TRUE", "0123", "0x1F", "1e3", "2024-03-10", "12:30:45", "~", "1_0", "08")
    >>> [plain_scalar(text) for text in texts]
    ['yes', True, 'TRUE', 83, 31, 1000.0, '2024-03-10', '12:30:45', None, 10, '08']
    >>> [plain_scalar(text) for text in ("0.5", ".5", "1.50", "5.", "1:30.5", ".inf")]
    ['0.5', 0.5, 1.5, 5.0, 90.5, 'Infinity']
    """
    if text in SPECIAL:
        return SPECIAL[text]
    if INTEGER.fullmatch(text):
        digits = text.replace("_", "")
        sign = -1 if digits.startswith("-") else 1
        digits = digits.lstrip("+-")
        if digits in ("0b", "0x", ""):
            return text
        if digits.startswith(("0b", "0x")):
            return sign * int(digits, 0)
        if len(digits) > 4000:
            return text
        return sign * int(digits, 8 if digits.startswith("0") and digits != "0" else 10)
    if FLOAT.fullmatch(text) and len(text) < 400:
        return float(text.replace("_", ""))
    clock = CLOCK.fullmatch(text)
    if clock and len(text) < 400:
        seconds = 0.0
        for part in clock[2].replace("_", "").split(":"):
            seconds = seconds * 60 + float(part)
        return -seconds if clock[1] == "-" else seconds
    return PlainFraction(text) if FRACTION.fullmatch(text) else text


def key_text(value: Any) -> str | None:
    """A key that is no text as Digdag has it; None for a null, which it refuses.

    >>> key_text(83), key_text(True), key_text(1000.0), key_text(None)
    ('83', 'true', '1000.0', None)
    """
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def merge_deep(base: dict[str, Any], over: dict[str, Any]) -> None:
    """Merge *over* into *base*: maps key by key, everything else replaced."""
    for key, value in over.items():
        old = base.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            merge_deep(old, value)
        else:
            base[key] = value
        if isinstance(base, Section) and isinstance(over, Section) and key in over.marks:
            base.marks[key] = over.marks[key]


def read_text(path: Path, shown: str) -> tuple[str, Fault | None]:
    """The text of a project file, or the fault that it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problem = f"not UTF-8: byte 0x{error.object[error.start]:02x}"
        return "", Fault(Place(shown, line), problem, "save the file as UTF-8", code="encoding")
    except OSError as error:
        why = "no such file" if isinstance(error, FileNotFoundError) else str(error.strerror)
        return "", Fault(Place(shown), why, code="missing-file")


def read_yaml(path: Path, root: Path, faults: list[Fault], text: str | None = None) -> Section | None:
    """The map of one file with its includes, or None when a fault was added.

    Args:
        path: the file.
        root: project folder; places are told relative to it.
        faults: where faults are added.
        text: what to read in place of the file's own text.
    """
    return _Reader(root, faults, ()).read(path, text)


class _Reader:
    def __init__(self, root: Path, faults: list[Fault], within: tuple[Path, ...]) -> None:
        self.root, self.faults, self.within = root, faults, within

    def read(self, path: Path, text: str | None = None) -> Section | None:
        self.path = path
        self.shown = _shown(path, self.root)
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.count = 0
        before = len(self.faults)
        if text is None:
            text, fault = read_text(path, self.shown)
            if fault:
                self.faults.append(fault)
                return None
        try:
            self.events = iter(yaml.parse(text, Loader=PARSER))
            value = self._document()
        except _Refused as refused:
            self.faults.append(refused.fault)
            return None
        except yaml.YAMLError as error:
            self.faults.append(self._syntax(error))
            return None
        except RecursionError:
            self.faults.append(Fault(Place(self.shown), "nested too deep", code="yaml"))
            return None
        if not isinstance(value, Section):
            found = "nothing" if value is None else f"a {_kind(value)}"
            problem = f"expected a map of keys but found {found}"
            self.faults.append(
                Fault(Place(self.shown, 1), problem, "write `key: value` lines, or {}", code="yaml")
            )
            return None
        return value if len(self.faults) == before else None

    def _document(self) -> Any:
        value: Any = None
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._refused(
                        event, "a second YAML document", "keep one document a file, without ---"
                    )
                value = self._value(next(self.events), 0)
        return value

    def _value(self, event: Any, depth: int) -> Any:
        self.count += 1
        if depth > DEEPEST:
            raise self._refused(event, f"nested more than {DEEPEST} levels deep")
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise self._refused(event, f"unknown alias *{event.anchor}")
            value, size = self.anchors[event.anchor]
            self.count += size
            if self.count > LARGEST:
                raise self._refused(event, f"more than {LARGEST:,} values once its aliases are written out")
            return value
        before = self.count
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = []
            if event.anchor:
                self.anchors.pop(event.anchor, None)
            for item in self.events:
                if isinstance(item, yaml.SequenceEndEvent):
                    break
                value.append(self._value(item, depth + 1))
        else:
            value = self._map(event, depth)
        if event.anchor:
            self.anchors[event.anchor] = (value, self.count - before)
        return value

    def _map(self, start: Any, depth: int) -> Section:
        section = Section(place=self._place(start))
        merged: set[str] = set()
        own: dict[str, Place] = {}
        if start.anchor:
            self.anchors.pop(start.anchor, None)
        for key in self.events:
            if isinstance(key, yaml.MappingEndEvent):
                break
            place = self._place(key)
            if isinstance(key, yaml.ScalarEvent) and key.tag == "!include":
                self._include(section, key, next(self.events))
                continue
            name = self._key(key)
            is_merge = name == "<<" and isinstance(key, yaml.ScalarEvent) and key.implicit[0]
            value = self._value(next(self.events), depth + 1)
            if is_merge:
                merged |= self._merge(section, value, key)
                continue
            if name in own:
                first = own[name].line
                self.faults.append(
                    Fault(
                        place,
                        f"duplicate key {name!r}, first on line {first}",
                        "keep one of the two",
                        code="yaml",
                    )
                )
                continue
            own[name] = place
            if name not in merged and isinstance(value, dict) and isinstance(section.get(name), dict):
                value = _copied(section[name], value)
            section[name] = value
            section.marks[name] = place
        return section

    def _merge(self, section: Section, value: Any, event: Any) -> set[str]:
        """Put the keys of `<<` where it stands, below what is there already; the names that it gave."""
        parts = value if isinstance(value, list) else [value]
        if not all(isinstance(part, dict) for part in parts):
            raise self._refused(event, "<< takes a map or a list of maps")
        given = set()
        for part in parts:
            for name in part:
                if name not in section:
                    given.add(name)
                    section[name] = part[name]
                    section.marks[name] = part.at(name) if isinstance(part, Section) else section.place
        return given

    def _key(self, event: Any) -> str:
        if isinstance(event, yaml.AliasEvent):
            value = self._value(event, 0)
        elif isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
        else:
            raise self._refused(event, "a list or map as a key", "quote the key")
        if isinstance(value, (dict, list)):
            raise self._refused(event, "a list or map as a key", "quote the key")
        name = key_text(value)
        if name is None:
            raise self._refused(event, "null as a key", "quote the key")
        return name

    def _scalar(self, event: Any) -> Any:
        tag: str | None = event.tag
        if tag in (None, "!"):
            return plain_scalar(event.value) if event.implicit[0] and tag is None else event.value
        if tag == CORE + "str":
            return event.value
        if tag == CORE + "binary":
            return event.value
        if tag in (CORE + "int", CORE + "float", CORE + "bool", CORE + "null"):
            return plain_scalar(event.value)
        if tag == "!include":
            raise self._refused(
                event,
                "!include as a value",
                f"write it as a key on a line of its own: `!include : {event.value}`",
            )
        raise self._refused(event, f"unknown YAML tag {tag}")

    def _include(self, section: Section, key: Any, target: Any) -> None:
        place = self._place(target)
        if not isinstance(target, yaml.ScalarEvent) or not target.value:
            raise self._refused(target, "!include needs a file name")
        name: str = target.value
        path = (self.path.parent / name).resolve() if not Path(name).is_absolute() else Path(name)
        if ".." in Path(name).parts:
            problem, mend = (
                f"include path must not hold ..: {name}",
                "put the file in this folder or below it",
            )
        elif path in (*self.within, self.path.resolve()):
            problem, mend = f"{name} includes itself", "take one include out"
        elif not path.is_file():
            problem, mend = f"no such file: {name}", "an include path is relative to this file"
            if "${" in name:
                mend = "templates are not evaluated in an include path: name the file"
        else:
            reader = _Reader(self.root, self.faults, (*self.within, self.path.resolve()))
            included = reader.read(path)
            if included is not None:
                merge_deep(section, included)
            return
        self.faults.append(Fault(place, problem, mend, code="include"))

    def _place(self, event: Any) -> Place:
        return Place(self.shown, event.start_mark.line + 1, event.start_mark.column + 1)

    def _refused(self, event: Any, problem: str, mend: str = "") -> _Refused:
        return _Refused(Fault(self._place(event), problem, mend, code="yaml"))

    def _syntax(self, error: yaml.YAMLError) -> Fault:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        words = [
            getattr(error, "context", None),
            getattr(error, "problem", None) or getattr(error, "reason", None),
        ]
        problem = ", ".join(word for word in words if word) or str(error).split("\n")[0]
        place = Place(self.shown, mark.line + 1, mark.column + 1) if mark else Place(self.shown)
        mend = ""
        if "mapping values are not allowed" in problem:
            mend = 'quote the value: a plain text may not hold ": "'
        elif "cannot start any token" in problem:
            mend = "indent with spaces, not tabs"
        return Fault(place, f"not YAML: {problem}", mend, code="yaml")


def _copied(old: dict[str, Any], new: dict[str, Any]) -> Section:
    both = Section(old)
    both.marks = dict(getattr(old, "marks", {}))
    both.place = getattr(new, "place", both.place)
    merge_deep(both, new)
    return both


def _kind(value: Any) -> str:
    return "list" if isinstance(value, list) else "single value"


def _shown(path: Path, root: Path) -> str:
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return str(path)

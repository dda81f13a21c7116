"""Parameters: layers that merge deeply, what tasks store, and the evaluation of a task's own view.

A `Scope` is what is visible at one place of the tree, still unevaluated. It is never changed, so siblings
share one; its templates are evaluated once for all tasks where that cannot make a difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tdlocal.workflow import templates

NOT_EVALUATED = ("_do", "_else_do")  # branches keep their templates until they run
OF_THE_TASK = frozenset({"task_name"})


@dataclass(slots=True)
class Update:
    """What tasks stored: paths that are reset first, then values that are merged."""

    resets: list[tuple[str, ...]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.resets or self.values)

    def then(self, later: Update) -> Update:
        """This update followed by *later*, as one."""
        if not later:
            return self
        if not self:
            return later
        values = self.values
        for path in later.resets:
            values = without(values, path)
        resets = self.resets + [path for path in later.resets if path not in self.resets]
        return Update(resets, merged(values, later.values))

    def applied(self, values: dict[str, Any]) -> dict[str, Any]:
        """*values* after this update; the argument is not changed."""
        for path in self.resets:
            values = without(values, path)
        return merged(values, self.values)

    def to_json(self) -> dict[str, Any]:
        """For the journal."""
        return {"resets": self.resets, "values": self.values}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Update:
        """From the journal."""
        return cls([tuple(path) for path in saved["resets"]], saved["values"])


def whole_text(text: str) -> str:
    """*text* with a question mark for half a surrogate pair, as Java writes it; nothing else can be written.

    >>> whole_text("a\\ud800b")
    'a?b'
    """
    return text.encode("utf-8", "replace").decode()


def merged(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """A new map: *over* laid on *base*, maps key by key, everything else replaced; neither is changed.

    >>> merged({"m": {"a": 1}, "l": [1]}, {"m": {"b": 2}, "l": [2]})
    {'m': {'a': 1, 'b': 2}, 'l': [2]}
    """
    if not over:
        return base
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(value, dict) and isinstance(old, dict) else value
    return result


def without(values: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """A copy of *values* that lacks the value at *path*.

    >>> without({"td": {"last_results": 1, "database": "d"}}, ("td", "last_results"))
    {'td': {'database': 'd'}}
    """
    if path[0] not in values:
        return values
    result = dict(values)
    if len(path) == 1:
        del result[path[0]]
    elif isinstance(result[path[0]], dict):
        result[path[0]] = without(result[path[0]], path[1:])
    return result


def holds_template(value: Any) -> bool:
    """Whether a value holds text that evaluation may change."""
    if isinstance(value, str):
        return "$" in value
    if isinstance(value, dict):
        return any(holds_template(item) for item in value.values())
    if isinstance(value, list):
        return any(holds_template(item) for item in value)
    return False


def texts(value: Any) -> Iterable[str]:
    """All texts in a value that evaluation may change, branches left out."""
    if isinstance(value, str):
        if "$" in value:
            yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in NOT_EVALUATED:
                yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


class Scope:
    """Unevaluated parameters that are visible at one place of the task tree."""

    __slots__ = ("_templates", "evaluated", "shareable", "values")

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values
        self._templates: list[str] | None = None
        self.evaluated: dict[str, Any] | None = None
        self.shareable = False

    def with_export(self, export: Mapping[str, Any]) -> Scope:
        """This scope and an `_export` below it."""
        return Scope(merged(self.values, export)) if export else self

    def after(self, update: Update) -> Scope:
        """This scope once *update* was stored."""
        return Scope(update.applied(self.values)) if update else self

    def template_keys(self) -> list[str]:
        """Names of the parameters that hold a template."""
        if self._templates is None:
            self._templates = [key for key, value in self.values.items() if holds_template(value)]
            found = [templates.template(text) for key in self._templates for text in texts(self.values[key])]
            self.shareable = not any(t.everything or t.clock or t.names & OF_THE_TASK for t in found)
        return self._templates


@dataclass(slots=True)
class View:
    """What one task sees: all parameters evaluated, and which of them its own keys read.

    ``joined`` are maps of the task that were laid on maps of the same name.
    """

    values: dict[str, Any]
    reads: set[str]
    joined: set[str] = field(default_factory=set)


def view(scope: Scope, runtime: Mapping[str, Any], own: Mapping[str, Any], zone: str) -> View:
    """Evaluate everything that is in scope for a task.

    Exports come first, in order, each seeing the evaluated ones above it and the raw ones below; then the
    task's own keys, each seeing those above it; a map of the task is laid on the map of the same name.
    Inside a map the names of the other parameters are seen unevaluated.

    Args:
        scope: exports and stored values.
        runtime: session variables and the task's name.
        own: the task's own keys.
        zone: the workflow's time zone.

    Raises:
        ConfigError: a template cannot be evaluated.
    """
    raw = {**scope.values, **runtime}
    keys = scope.template_keys()
    reads: set[str] = set()
    if not own.keys().isdisjoint(raw) or (keys and not scope.shareable):
        maps = {key for key, value in own.items() if isinstance(value, dict)}
        joined = {key for key in maps if isinstance(raw.get(key), dict)}
        whole = {key: merged(raw[key], value) if key in joined else value for key, value in own.items()}
        seen = _in_order(raw, whole, zone)
        return View(seen.values, seen.reads, joined)
    if keys and scope.evaluated is None:
        built = dict(raw)
        for key in keys:
            if key not in runtime:
                built[key] = _value(built[key], built, raw, zone, None)
        scope.evaluated = {key: built[key] for key in keys if key not in runtime}
    built = {**raw, **scope.evaluated} if scope.evaluated else dict(raw)
    for key, value in own.items():
        built[key] = value if key in NOT_EVALUATED else _value(value, built, raw, zone, reads)
    return View(built, reads - own.keys())


def _in_order(raw: dict[str, Any], own: Mapping[str, Any], zone: str) -> View:
    """The same, key by key: a key of the task that hides a parameter is evaluated in that parameter's
    turn.
    """
    reads: set[str] = set()
    built = dict(raw)
    for key, value in {**raw, **own}.items():
        if key in NOT_EVALUATED:
            built[key] = value
        elif key in own or holds_template(value):
            built[key] = _value(value, built, raw, zone, reads if key in own else None)
    return View(built, reads - own.keys() | (reads & raw.keys()))


def _value(
    value: Any, visible: Mapping[str, Any], raw: dict[str, Any], zone: str, reads: set[str] | None
) -> Any:
    if isinstance(value, str):
        return templates.evaluate(value, visible, zone, reads) if "$" in value else value
    if isinstance(value, dict):
        return _inside(value, raw, zone, reads)
    if isinstance(value, list):
        return [_value(item, visible, raw, zone, reads) for item in value]
    return value


def _inside(value: dict[str, Any], raw: dict[str, Any], zone: str, reads: set[str] | None) -> dict[str, Any]:
    """A map: its own keys are seen evaluated, everything outside it raw."""
    if not any(holds_template(item) for item in value.values()):
        return value
    visible = _Layered({}, raw)
    result: dict[str, Any] = {}
    for key, item in value.items():
        if key in NOT_EVALUATED:
            result[key] = item
        else:
            result[key] = visible.near[key] = _value(item, visible, raw, zone, reads)
    return result


class _Layered(dict[str, Any]):
    """Names of one map over the names of a task, without copying either."""

    def __init__(self, near: dict[str, Any], far: dict[str, Any]) -> None:
        super().__init__()
        self.near, self.far = near, far

    def __contains__(self, key: object) -> bool:
        return key in self.near or key in self.far

    def __getitem__(self, key: str) -> Any:
        return self.near[key] if key in self.near else self.far[key]

    def keys(self) -> Any:
        return {**self.far, **self.near}.keys()

    def items(self) -> Any:
        return {**self.far, **self.near}.items()

"""match.yml's `protection`: which kinds of identifier may join people, and how far."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tdlocal.engine.functions import regexps
from tdlocal.unification.model import CanonicalId, Unification, UnificationFaults
from tdlocal.unification.sql import (
    key_numbers,
    literal,
    quoted,
    record_key,
    unevaluated,
)

STRENGTHS = ("strong", "link", "weak")
NO_LIMIT = 2**53


@dataclass(frozen=True)
class KeyRule:
    """How far an identifier of one kind is trusted.

    Args:
        strength: strong keys join records and tell people apart; links join but do not tell apart; weak
            keys never join people whose strong keys differ.
        limit: an identifier that occurs with more different values of a profile key than this is
            no identifier.
        per_person: a person by strong keys with more of these is doubtful.
        blocked: texts that are no identifiers.
        blocked_regexp: pattern of such texts.
        slips: how many letters a slip of the pen may change: the only strong value of a person, so near to a
            value of the same kind that stands in three times as many records and beside the same weak
            identifier, tells nobody apart from it.
    """

    strength: str = "strong"
    limit: int | None = None
    per_person: int | None = None
    blocked: tuple[str, ...] = ()
    blocked_regexp: str | None = None
    slips: int | None = None


@dataclass(frozen=True)
class Protection:
    """All of `protection`."""

    keys: Mapping[str, KeyRule] = field(default_factory=dict)
    profile_keys: tuple[str, ...] = ()
    contradictions: tuple[tuple[str, str], ...] = ()  # (table, column)

    def rule(self, key: str) -> KeyRule:
        return self.keys.get(key, KeyRule())


def read_protection(document: object, unification: Unification) -> Protection | None:
    """Return *document* as a Protection, None when it is empty.

    Raises:
        UnificationFaults: every fault, with its path in match.yml.
    """
    if not document:
        return None
    faults: list[tuple[str, str]] = []
    names = [key.name for key in unification.keys]
    tables = [table.name for table in unification.tables]
    if not isinstance(document, Mapping):
        raise UnificationFaults([("protection", "must be a mapping")])
    for name in document:
        if name not in ("keys", "profile_keys", "contradictions"):
            faults.append(
                (f"protection.{name}", "unknown setting; known: keys, profile_keys, contradictions")
            )
    rules = {}
    for name, rule in (document.get("keys") or {}).items():
        path = f"protection.keys.{name}"
        if name not in names:
            faults.append((path, f"unify.yml has no key {name!r}; it has {', '.join(names)}"))
        else:
            rules[name] = _read_rule(rule or {}, path, faults)
    profile_keys = tuple(document.get("profile_keys") or ())
    for name in profile_keys:
        if name not in names:
            faults.append(("protection.profile_keys", f"unify.yml has no key {name!r}"))
    contradictions = []
    for at, item in enumerate(document.get("contradictions") or ()):
        table, column = str(item.get("table")), str(item.get("column"))
        if table not in tables:
            faults.append((f"protection.contradictions[{at}].table", f"unify.yml has no table {table!r}"))
        contradictions.append((table, column))
    if faults:
        raise UnificationFaults(faults)
    return Protection(rules, profile_keys, tuple(contradictions))


def _read_rule(rule: Mapping[str, Any], path: str, faults: list[tuple[str, str]]) -> KeyRule:
    known = ("strength", "limit", "per_person", "blocked", "blocked_regexp", "slips")
    for name in rule:
        if name not in known:
            faults.append((f"{path}.{name}", f"unknown setting; known: {', '.join(known)}"))
    strength = rule.get("strength", "strong")
    if strength not in STRENGTHS:
        faults.append((f"{path}.strength", f"must be one of {', '.join(STRENGTHS)}, is {strength!r}"))
    for name in ("limit", "per_person", "slips"):
        value = rule.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            faults.append((f"{path}.{name}", f"must be a whole number from 1, is {value!r}"))
    pattern = rule.get("blocked_regexp")
    if pattern is not None:
        try:
            regexps.compiled(pattern)
        except (re.error, TypeError) as error:
            faults.append((f"{path}.blocked_regexp", f"is not a regular expression: {error}"))
    return KeyRule(
        strength=strength,
        limit=rule.get("limit"),
        per_person=rule.get("per_person"),
        blocked=tuple(str(text) for text in rule.get("blocked") or ()),
        blocked_regexp=pattern,
        slips=rule.get("slips"),
    )


class ProtectedSql:
    """The protection of one canonical id as pieces of SQL over id_key_types."""

    def __init__(self, protection: Protection, unification: Unification, canonical: CanonicalId) -> None:
        self.numbers = key_numbers(canonical)
        rules = {name: protection.rule(name) for name in self.numbers}
        self.rules = rules
        order = sorted(self.numbers, key=lambda name: (rules[name].strength == "weak", self.numbers[name]))
        self.places = {name: at for at, name in enumerate(order, start=1)}
        self.last_joining = sum(rule.strength != "weak" for rule in rules.values())
        self.profile_keys = [name for name in protection.profile_keys if name in self.numbers]
        strong = [name for name in order if rules[name].strength == "strong"]
        self.anchor = self.numbers[strong[0]] if strong else 0
        self.settings = (rules, self.profile_keys, protection.contradictions)  # all that a result hangs on
        self.contradictions = [
            (
                at,
                record_key(unification, canonical, table.name),
                quoted(table.database),
                quoted(table.table),
                column,
            )
            for name, column in protection.contradictions
            for at, table in enumerate(unification.tables, start=1)
            if table.name == name and record_key(unification, canonical, name) is not None
        ]

    def place(self, column: str) -> str:
        """Return an expression: how strong a kind is, 1 the strongest."""
        if all(self.places[name] == number for name, number in self.numbers.items()):
            return column
        return self._case(column, self.places, len(self.places) + 1)

    def joins(self, column: str) -> str:
        return self._among(column, [name for name, rule in self.rules.items() if rule.strength != "weak"])

    def distinguishes(self, column: str) -> str:
        return self._among(column, [name for name, rule in self.rules.items() if rule.strength == "strong"])

    def links(self, column: str) -> str:
        return self._among(column, [name for name, rule in self.rules.items() if rule.strength == "link"])

    def is_limited(self, column: str) -> str:
        return self._among(column, [name for name, rule in self.rules.items() if rule.limit is not None])

    def is_profile(self, column: str) -> str:
        return self._among(column, self.profile_keys)

    @property
    def has_slips(self) -> bool:
        """Whether slips of the pen are looked for."""
        return any(rule.slips for rule in self.rules.values())

    def slips(self, column: str) -> str:
        return self._among(column, [name for name, rule in self.rules.items() if rule.slips])

    def letters(self, column: str) -> str:
        letters = {name: rule.slips for name, rule in self.rules.items() if rule.slips}
        return self._case(column, letters, 0)

    def limit(self, column: str) -> str:
        limits = {name: rule.limit for name, rule in self.rules.items() if rule.limit is not None}
        return self._case(column, limits, NO_LIMIT)

    def largest(self, column: str) -> str:
        largest = {name: rule.per_person for name, rule in self.rules.items() if rule.per_person is not None}
        return self._case(column, largest, NO_LIMIT)

    def refuses(self, name: str, value: str) -> str:
        """Return conditions, each beginning with `and`: *value* is not blocked."""
        rule = self.rules[name]
        conditions = ""
        if rule.blocked:
            conditions += (
                f" and {value} not in ({', '.join(literal(unevaluated(text)) for text in rule.blocked)})"
            )
        if rule.blocked_regexp:
            conditions += f" and not regexp_like({value}, {literal(unevaluated(rule.blocked_regexp))})"
        return conditions

    def _among(self, column: str, names: Sequence[str]) -> str:
        listed = ", ".join(str(self.numbers[name]) for name in names) or "0"
        return f"{column} in ({listed})"

    def _case(self, column: str, values: Mapping[str, int], otherwise: int) -> str:
        whens = " ".join(f"when {self.numbers[name]} then {value}" for name, value in values.items())
        return f"case {column} {whens} else {otherwise} end" if whens else str(otherwise)

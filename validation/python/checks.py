"""SQL of the checks: one pass over a table measures all its columns. No query runs here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from common.python.masking import LONGEST_SAMPLE
from common.python.treasure import identifier, literal
from validation.python.config import ColumnRule
from validation.python.formats import FORMATS

LONGEST_MESSAGE = 60


class Measure:
    """The conditions that one column's values are held against, in the order of the query's columns."""

    def __init__(self, column: str, kind: str, rule: ColumnRule) -> None:
        self.column, self.kind, self.rule = column, kind, rule
        self.name = identifier(column)

    def filled(self) -> str:
        """Return the condition of a row that has a value, as a person reads it."""
        return f"trim({self.name}) <> ''" if self.kind == "string" else f"{self.name} is not null"

    def filled_fast(self) -> str:
        """Return the same condition for counting: only what starts unlike plain text is trimmed."""
        if self.kind != "string":
            return self.filled()
        return f"({self.name} between '!' and '~' or {self.filled()})"

    def wrong(self, fast: bool = False) -> dict[str, str]:
        """Return check → condition of a value that is not as expected.

        Args:
            fast: the form for counting. Only what fails as it stands is judged without its outer blanks:
                trimming every value first costs three times as much.
        """
        found = {}
        rule, name = self.rule, self.name
        text = f"trim({name})"
        if rule.format and self.kind == "string":
            pattern = literal(FORMATS.get(rule.format, rule.format))
            first = f"not regexp_like({name}, {pattern}) and " if fast else ""
            found["FORMAT"] = f"{first}not regexp_like({text}, {pattern})"
        if rule.values and self.kind == "string":
            words = ", ".join(literal(value) for value in rule.values)
            first = f"{name} not in ({words}) and " if fast else ""
            found["VALUES"] = f"{first}lower({text}) not in ({words})"
        number = f"try_cast({text} as double)" if self.kind == "string" else name
        sides = []
        if rule.least is not None:
            sides.append(f"{number} < {literal(rule.least, 'double')}")
        if rule.largest is not None:
            sides.append(f"{number} > {literal(rule.largest, 'double')}")
        if sides and self.kind in ("string", "long", "double"):
            found["RANGE"] = " or ".join(sides)
        return {check: f"({condition}) and {self.filled()}" for check, condition in found.items()}

    def expected(self, check: str) -> str:
        """Return in words what a check expects."""
        rule = self.rule
        if check == "FORMAT":
            return f"a well-formed {rule.format}" if rule.format in FORMATS else f"text like {rule.format}"
        if check == "VALUES":
            words = ", ".join(rule.values)
            return f"one of {words if len(words) < LONGEST_MESSAGE else words[:LONGEST_MESSAGE] + '…'}"
        sides = [
            f"at least {rule.least:g}" if rule.least is not None else "",
            f"at most {rule.largest:g}" if rule.largest is not None else "",
        ]
        return " and ".join(side for side in sides if side)


def profile_sql(database: str, table: str, measures: Sequence[Measure], key: Sequence[str]) -> str:
    """Return a query of one row: rows, repeated keys, last time, then per column filled and wrong values.

    >>> sql = profile_sql("src_t", "consents", [Measure("id", "string", ColumnRule())], [])
    >>> sql.splitlines()[-1]
    'from "src_t"."consents"'
    """
    values = ["count(*) as rows_all", f"{repeats(key)} as rows_repeated", 'max("time") as last_time']
    for number, measure in enumerate(measures):
        values.append(f"count_if({measure.filled_fast()}) as f{number}")
        values += [
            f"count_if({condition}) as w{number}_{check.lower()}"
            for check, condition in measure.wrong(fast=True).items()
        ]
    lines = ",\n".join(f"    {value}" for value in values)
    return f"select\n{lines}\nfrom {identifier(database)}.{identifier(table)}"


def repeats(key: Sequence[str]) -> str:
    """Return the expression that counts the rows that repeat a key; rows without one do not count."""
    if not key:
        return "cast(0 as bigint)"
    parts = [f"cast({identifier(name)} as varchar)" for name in key]
    whole = parts[0] if len(parts) == 1 else f"concat({', chr(31), '.join(parts)})"
    return f"count({whole}) - count(distinct {whole})"


def rows_sql(database: str, table: str, condition: str) -> str:
    """Return the query that shows all rows of a finding."""
    return f"select * from {database}.{table} where {condition}"


def samples_sql(database: str, table: str, column: str, condition: str) -> str:
    """Return a query of the five most frequent values that meet *condition*."""
    name = identifier(column)
    return (
        f"select substr(cast({name} as varchar), 1, {LONGEST_SAMPLE}) as sample, count(*) as occurrences\n"
        f"from {identifier(database)}.{identifier(table)}\nwhere {condition}\n"
        "group by 1\norder by 2 desc, 1\nlimit 5"
    )


def repeats_sql(database: str, table: str, key: Sequence[str]) -> str:
    """Return a query of the five keys that name the most rows, more than one each, and how many."""
    names = ", ".join(identifier(name) for name in key)
    shown = ", ".join(f"substr(cast({identifier(name)} as varchar), 1, {LONGEST_SAMPLE})" for name in key)
    there = " and ".join(f"{identifier(name)} is not null" for name in key)
    return (
        f"select {shown}, count(*) as occurrences\nfrom {identifier(database)}.{identifier(table)}\n"
        f"where {there}\ngroup by {names}\nhaving count(*) > 1\norder by count(*) desc, {names}\nlimit 5"
    )


def repeated_rows(database: str, table: str, key: Sequence[str]) -> str:
    """Return the condition of a row that shares its key with another."""
    names = ", ".join(identifier(name) for name in key)
    row = f"({names})" if len(key) > 1 else names
    there = " and ".join(f"{identifier(name)} is not null" for name in key)
    return (
        f"{row} in (select {names} from {identifier(database)}.{identifier(table)} where {there} "
        f"group by {names} having count(*) > 1)"
    )


def referring_rows(column: str, sql: str) -> str:
    """Return the condition of a row whose value is among those that `reference_sql` answers."""
    return f"cast({identifier(column)} as varchar) in (select value from ({' '.join(sql.split())}) as lost)"


def reference_sql(database: str, entry: Mapping[str, object]) -> str:
    """Return a query of values of `from` that no column of `to` has, with how often each occurs."""
    table, column = str(entry["from"]).split(".")
    given = entry["to"]
    others = given if isinstance(given, list) else [given]
    union = "\nunion\n".join(
        f"select {identifier(name)} as value from {identifier(database)}.{identifier(other)}"
        for other, name in (str(target).split(".") for target in others)
    )
    name = identifier(column)
    return (
        f"select cast(source.{name} as varchar) as value, count(*) as occurrences\n"
        f"from {identifier(database)}.{identifier(table)} as source\n"
        f"left join (\n{union}\n) as target on source.{name} = target.value\n"
        f"where source.{name} is not null and target.value is null\ngroup by 1"
    )


def total_sql(database: str, entry: Mapping[str, object]) -> str:
    """Return a query of keys whose sum differs from the value it must equal: value, sum, expected.

    `by` is a column or several, the later ones of which may be null.
    """
    table, column = str(entry["of"]).split(".")
    other, wanted = str(entry["equals"]).split(".")
    by = entry["by"] if isinstance(entry["by"], list) else [entry["by"]]
    names = [identifier(str(name)) for name in by]
    key = names[0] if len(names) == 1 else f"concat_ws('#', {', '.join(names)})"
    off = literal(float(str(entry.get("at_most_off", 0))) + 1e-6, "double")
    return (
        "select cast(parts.value as varchar) as value, parts.total, whole.total as expected\n"
        f"from (\nselect {key} as value, sum({identifier(column)}) as total\n"
        f"from (select distinct * from {identifier(database)}.{identifier(table)}) as lines\n"
        f"where {names[0]} is not null group by 1\n) as parts\n"
        f"inner join (\nselect {key} as value, max({identifier(wanted)}) as total\n"
        f"from {identifier(database)}.{identifier(other)} where {names[0]} is not null group by 1\n"
        f") as whole on parts.value = whole.value\nwhere abs(parts.total - whole.total) > {off}"
    )


def counted(sql: str, occurrences: str = "count(*)") -> str:
    """Return a query of one row: how many rows *sql* answers, and what their occurrences add up to."""
    return f"select count(*) as found, {occurrences} as rows_found\nfrom (\n{sql}\n) as wrong"

"""Parent segments from segment/templates/parent_*.yml: read, judged, and written as the API's body."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from common.python import treasure
from common.python.errors import TaskError, told_together

FOLDER = "segment/templates"
KINDS = {"long": "number", "double": "number"}
TYPES = ("string", "number", "timestamp", "string_array", "number_array")
Tables = Mapping[str, Mapping[str, str]]  # "database.table" → column → stored type


def load(stem: str, folder: str = FOLDER) -> dict[str, Any]:
    """Return one template; TaskError when it is no YAML or no map."""
    path = Path(folder) / f"{stem}.yml"
    try:
        template = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise TaskError(" ".join(str(error).split()), where=str(path), mend="mend the file") from error
    if not isinstance(template, dict):
        raise TaskError(
            "a template is a map",
            where=str(path),
            mend="write it as docs/workflows/wf08_create_refresh_master_segment.md says",
        )
    return template


def stems(folder: str = FOLDER) -> list[str]:
    """Return the templates' names, parent_segment and its like."""
    return sorted(path.stem for path in Path(folder).glob("parent_*.yml"))


def tables_of(databases: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return "database.table" → column → stored type of the databases, `time` included."""
    return {
        f"{database}.{name}": {**treasure.columns_of(table), "time": "long"}
        for database in sorted(set(databases))
        for name, table in treasure.tables(database).items()
    }


def database(part: Mapping[str, Any], params: Mapping[str, Any]) -> str:
    """Return the database of a part: the golden layer, or that of its `layer`."""
    return f"{params[part.get('layer', 'gld')]}_{params['sub']}"


def columns(part: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the part's columns, each as a map with `column` and `name`.

    >>> columns({"columns": ["rfm_tier", {"column": "email", "name": "E-mail"}]})
    [{'column': 'rfm_tier', 'name': 'Rfm Tier'}, {'column': 'email', 'name': 'E-mail'}]
    """
    found = []
    for one in part.get("columns") or []:
        entry = {"column": one} if isinstance(one, str) else dict(one)
        entry.setdefault("name", str(entry.get("column", "")).replace("_", " ").title())
        found.append(entry)
    return found


def kind(column: str, stored: str) -> str:
    """Return what a column means to a segment.

    >>> kind("age", "long"), kind("last_purchase_unix", "long"), kind("tier", "string")
    ('number', 'timestamp', 'string')
    """
    if stored in KINDS:
        return "timestamp" if column.endswith("_unix") or column == "time" else "number"
    if stored.startswith("array"):
        return "string_array" if "string" in stored else "number_array"
    return "string"


def faults(template: Mapping[str, Any], params: Mapping[str, Any], tables: Tables) -> list[str]:
    """Return everything that is wrong with the template, each in one line."""
    found = [f"{name} is missing" for name in ("name", "master") if not template.get(name)]
    if found:
        return found
    master = template["master"]
    key = str(master.get("key"))
    found += absent("master", master, [key], params, tables)
    for part in template.get("attributes") or []:
        wanted = [key, *(str(one.get("column")) for one in columns(part))]
        found += absent(f"attributes of {part.get('table')}", part, wanted, params, tables)
    for part in template.get("behaviors") or []:
        wanted = [key, *(str(one.get("column")) for one in columns(part))]
        wanted += [part["time"]] if "time" in part else []
        found += absent(f"behavior {part.get('name')!r}", part, wanted, params, tables)
    for part in (*(template.get("attributes") or []), *(template.get("behaviors") or [])):
        for one in columns(part):
            if one.get("type", "string") not in TYPES:
                found.append(f"column {one['column']}: type {one['type']!r} is none of {', '.join(TYPES)}")
    names = [one["column"] for part in template.get("attributes") or [] for one in columns(part)]
    found += twice("attribute", names)
    return found + twice("behavior", [str(part.get("name")) for part in template.get("behaviors") or []])


def absent(
    what: str, part: Mapping[str, Any], wanted: Iterable[str], params: Mapping[str, Any], tables: Tables
) -> list[str]:
    """Return a fault when the part's table is not there, else one for each column that is not."""
    if part.get("layer", "gld") not in params:
        return [f"{what}: layer {part['layer']!r} is not in config/src_params.yml"]
    name = f"{database(part, params)}.{part.get('table')}"
    if name not in tables:
        return [f"{what}: there is no table {name}"]
    return [
        f"{what}: {name} has no column {column!r}{hint(column, tables[name])}"
        for column in dict.fromkeys(wanted)
        if column not in tables[name]
    ]


def hint(name: str, known: Iterable[str]) -> str:
    """Return a guess at what was meant, empty when there is none.

    >>> hint("lifetime_valu", ["lifetime_value", "age"])
    '; did you mean lifetime_value?'
    """
    close = difflib.get_close_matches(str(name), [str(one) for one in known], 1)
    return f"; did you mean {close[0]}?" if close else ""


def twice(what: str, names: list[str]) -> list[str]:
    """Return a fault for each name that occurs more than once."""
    return [f"{what} {name!r} is there twice" for name in sorted({n for n in names if names.count(n) > 1})]


def checked(stem: str, params: Mapping[str, Any], tables: Tables) -> dict[str, Any]:
    """Return the template, or raise TaskError with all its faults."""
    template = load(stem)
    found = faults(template, params, tables)
    if found:
        where = f"{FOLDER}/{stem}.yml"
        raise told_together([f"{where}: {fault}" for fault in found], where=where, mend="mend these entries")
    return template


def databases(template: Mapping[str, Any], params: Mapping[str, Any]) -> list[str]:
    """Return the databases that a template names tables of."""
    parts = [*(template.get("attributes") or []), *(template.get("behaviors") or []), template.get("master")]
    layers = {part.get("layer", "gld") for part in parts if isinstance(part, Mapping)} | {"gld"}
    return sorted(f"{params[layer]}_{params['sub']}" for layer in layers if layer in params)


def body(template: Mapping[str, Any], params: Mapping[str, Any], tables: Tables) -> dict[str, Any]:
    """Return the parent segment as POST /audiences takes it."""
    master = template["master"]
    key = master["key"]
    return {
        "name": template["name"],
        "description": template.get("description", ""),
        "scheduleType": "none",
        "scheduleOption": None,
        "timezone": template.get("timezone", "UTC"),
        "master": {
            "parentDatabaseName": database(master, params),
            "parentTableName": master["table"],
        },
        "attributes": [
            {
                "name": one["name"],
                "type": one.get("type") or kind(one["column"], stored(part, one["column"], params, tables)),
                "groupingName": part.get("group"),
                **source(part, key, params),
                "parentColumn": one["column"],
                "matrixColumnName": one["column"],
            }
            for part in template.get("attributes") or []
            for one in columns(part)
        ],
        "behaviors": [behavior(part, key, params, tables) for part in template.get("behaviors") or []],
    }


def behavior(part: Mapping[str, Any], key: str, params: Mapping[str, Any], tables: Tables) -> dict[str, Any]:
    """Return one behaviour; its `time` column is one of its columns, with the type timestamp."""
    listed = columns(part)
    time = part.get("time")
    if time and time not in [one["column"] for one in listed]:
        listed = [*listed, {"column": time, "name": time.replace("_", " ").title(), "type": "timestamp"}]
    return {
        "name": part["name"],
        **source(part, key, params),
        "matrixTableName": table_name(part["name"]),
        "allColumns": False,
        "defaultTimeFilterEnabled": False,
        "isRealtime": False,
        "schema": [
            {
                "name": one["name"],
                "type": one.get("type") or kind(one["column"], stored(part, one["column"], params, tables)),
                "parentColumn": one["column"],
                "matrixColumnName": one["column"],
            }
            for one in listed
        ],
    }


def table_name(name: str) -> str:
    """Return a behaviour's table in the audience's database.

    >>> table_name("Email Activity")
    'behavior_email_activity'
    """
    return "behavior_" + "_".join(name.lower().replace("-", " ").split())


def source(part: Mapping[str, Any], key: str, params: Mapping[str, Any]) -> dict[str, str]:
    """Return where the part's rows come from and by what they are joined."""
    return {
        "parentDatabaseName": database(part, params),
        "parentTableName": part["table"],
        "parentKey": key,
        "foreignKey": key,
    }


def stored(part: Mapping[str, Any], column: str, params: Mapping[str, Any], tables: Tables) -> str:
    """Return the stored type of a part's column."""
    return tables[f"{database(part, params)}.{part['table']}"][column]


def merged(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, Any]:
    """Return *wanted* with the ids of what is there, and with what people added there by hand.

    >>> there = {"attributes": [{"matrixColumnName": "age", "id": "7", "name": "Age"},
    ...                         {"matrixColumnName": "shoe_size", "id": "8"}]}
    >>> wanted = {"attributes": [{"matrixColumnName": "age", "name": "Years"}]}
    >>> merged(wanted, there)["attributes"]
    [{'matrixColumnName': 'age', 'id': '7', 'name': 'Years'}, {'matrixColumnName': 'shoe_size', 'id': '8'}]
    """
    found = dict(wanted)
    for part, name in (("attributes", "matrixColumnName"), ("behaviors", "matrixTableName")):
        known = {one[name]: one for one in there.get(part, [])}
        ours = [{**known.get(one[name], {}), **one} for one in wanted.get(part, [])]
        names = {one[name] for one in ours}
        found[part] = ours + [one for one in there.get(part, []) if one[name] not in names]
    return found


def differs(wanted: Any, there: Any) -> bool:
    """Tell whether *there* lacks anything that *wanted* says; what *wanted* is silent about may be anything.

    >>> differs({"a": 1, "b": [{"c": 2}]}, {"a": 1, "b": [{"c": 2, "id": "9"}], "x": 0})
    False
    >>> differs({"b": [{"c": 2}]}, {"b": []}), differs(None, "x")
    (True, False)
    """
    if isinstance(wanted, Mapping):
        return not isinstance(there, Mapping) or any(
            differs(value, there.get(name)) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        if not isinstance(there, list) or len(wanted) != len(there):
            return True
        return any(differs(one, other) for one, other in zip(wanted, there, strict=True))
    return wanted is not None and wanted != there

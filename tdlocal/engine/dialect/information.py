"""information_schema and the few system tables that drivers read, in Trino's shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pyarrow as pa

from tdlocal.engine.catalog import Catalog
from tdlocal.engine.types import Column

Maker = Callable[[], pa.Table]
_SHAPES: dict[tuple[str, str], str] = {
    ("information_schema", "tables"): "table_catalog table_schema table_name table_type",
    ("information_schema", "columns"):
        ("table_catalog table_schema table_name column_name ordinal_position:bigint"
            " column_default is_nullable data_type comment:hidden extra_info:hidden"),
    ("information_schema", "schemata"): "catalog_name schema_name",
    ("information_schema", "views"): "table_catalog table_schema table_name view_definition",
    ("information_schema", "table_privileges"):
        ("grantor grantor_type grantee grantee_type table_catalog table_schema table_name"
            " privilege_type is_grantable with_hierarchy"),
    ("information_schema", "roles"): "role_name",
    ("metadata", "table_comments"): "catalog_name schema_name table_name comment",
    ("metadata", "catalogs"): "catalog_name connector_id connector_name",
    ("runtime", "nodes"): "node_id http_uri node_version coordinator:boolean state",
    ("jdbc", "catalogs"): "table_cat",
    ("jdbc", "schemas"): "table_schem table_catalog",
}  # fmt: skip
_ARROW = {"varchar": pa.string(), "hidden": pa.string(), "bigint": pa.int64(), "boolean": pa.bool_()}


def table(catalog: Catalog, schema: str, name: str) -> tuple[tuple[Column, ...], Maker] | None:
    """The columns of a system table and what makes its rows; None when there is no such table.

    Columns of type `hidden` are texts that `*` leaves out.
    """
    shape = _SHAPES.get((schema, name))
    if shape is None:
        return None
    columns = tuple(Column(*([*word.split(":"), "varchar"][:2])) for word in shape.split())

    def make() -> pa.Table:
        rows = list(_rows(catalog, schema, name))
        arrays = [
            pa.array([row[index] for row in rows], _ARROW[column.type])
            for index, column in enumerate(columns)
        ]
        return pa.table(arrays, names=[column.name for column in columns])

    return columns, make


def _rows(catalog: Catalog, schema: str, name: str) -> Iterable[tuple[Any, ...]]:
    databases = catalog.databases()
    if (schema, name) == ("metadata", "catalogs"):
        return [("td", "td", "td")]
    if (schema, name) == ("runtime", "nodes"):
        return [("local", "http://127.0.0.1", "476", True, "active")]
    if name == "catalogs":
        return [("td",)]
    if name in ("schemata", "schemas"):
        pairs = [("td", database) for database in [*databases, "information_schema"]]
        return pairs if name == "schemata" else [(schema_, catalog_) for catalog_, schema_ in pairs]
    found = [info for database in databases for info in catalog.tables(database)]
    if name == "tables":
        return [("td", info.database, info.name, "BASE TABLE") for info in found]
    if name == "table_comments":
        return [("td", info.database, info.name, None) for info in found]
    if name == "columns":
        return [
            ("td", info.database, info.name, column.name, place, None, "YES", column.type, None, None)
            for info in found
            for place, column in enumerate(info.columns, 1)
        ]
    return []

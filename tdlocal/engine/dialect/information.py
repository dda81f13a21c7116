"""information_schema and the few system tables that drivers read, in Trino's shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pyarrow as pa

from tdlocal.engine.catalog import Catalog
from tdlocal.engine.storage import CATALOG
from tdlocal.engine.types import Column, TableInfo

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
    ("information_schema", "enabled_roles"): "role_name",
    ("information_schema", "applicable_roles"): "grantee grantee_type role_name is_grantable",
    ("metadata", "table_comments"): "catalog_name schema_name table_name comment",
    ("metadata", "catalogs"): "catalog_name connector_id connector_name",
    ("metadata", "materialized_views"):
        ("catalog_name schema_name name storage_catalog storage_schema storage_table freshness"
            " last_fresh_time owner comment definition"),
    ("metadata", "table_properties"): "catalog_name property_name default_value type description",
    ("metadata", "schema_properties"): "catalog_name property_name default_value type description",
    ("runtime", "nodes"): "node_id http_uri node_version coordinator:boolean state",
    ("jdbc", "catalogs"): "table_cat",
    ("jdbc", "schemas"): "table_schem table_catalog",
    ("jdbc", "table_types"): "table_type",
    ("jdbc", "tables"):
        ("table_cat table_schem table_name table_type remarks type_cat type_schem type_name"
            " self_referencing_col_name ref_generation"),
    ("jdbc", "columns"):
        ("table_cat table_schem table_name column_name data_type:bigint type_name column_size:bigint"
            " buffer_length:bigint decimal_digits:bigint num_prec_radix:bigint nullable:bigint remarks"
            " column_def sql_data_type:bigint sql_datetime_sub:bigint char_octet_length:bigint"
            " ordinal_position:bigint is_nullable scope_catalog scope_schema scope_table"
            " source_data_type:bigint is_autoincrement is_generatedcolumn"),
    ("jdbc", "types"):
        ("type_name data_type:bigint precision:bigint literal_prefix literal_suffix create_params"
            " nullable:bigint case_sensitive:boolean searchable:bigint unsigned_attribute:boolean"
            " fixed_prec_scale:boolean auto_increment:boolean local_type_name minimum_scale:bigint"
            " maximum_scale:bigint sql_data_type:bigint sql_datetime_sub:bigint num_prec_radix:bigint"),
    ("jdbc", "procedures"):
        ("procedure_cat procedure_schem procedure_name remarks procedure_type:bigint specific_name"),
    ("jdbc", "procedure_columns"):
        ("procedure_cat procedure_schem procedure_name column_name column_type:bigint data_type:bigint"
            " type_name precision:bigint length:bigint scale:bigint radix:bigint nullable:bigint remarks"
            " column_def sql_data_type:bigint sql_datetime_sub:bigint char_octet_length:bigint"
            " ordinal_position:bigint is_nullable specific_name"),
    ("jdbc", "attributes"):
        ("type_cat type_schem type_name attr_name data_type:bigint attr_type_name attr_size:bigint"
            " decimal_digits:bigint num_prec_radix:bigint nullable:bigint remarks attr_def"
            " sql_data_type:bigint sql_datetime_sub:bigint char_octet_length:bigint"
            " ordinal_position:bigint is_nullable scope_catalog scope_schema scope_table"
            " source_data_type:bigint"),
    ("jdbc", "pseudo_columns"):
        ("table_cat table_schem table_name column_name data_type:bigint column_size:bigint"
            " decimal_digits:bigint num_prec_radix:bigint column_usage remarks char_octet_length:bigint"
            " is_nullable"),
    ("jdbc", "udts"): "type_cat type_schem type_name class_name data_type:bigint remarks base_type:bigint",
    ("jdbc", "super_tables"): "table_cat table_schem table_name supertable_name",
    ("jdbc", "super_types"):
        "type_cat type_schem type_name supertype_cat supertype_schem supertype_name",
}  # fmt: skip
_ARROW = {"varchar": pa.string(), "hidden": pa.string(), "bigint": pa.int64(), "boolean": pa.bool_()}


# a type -> JDBC's number for it, its size, its digits behind the point, its radix
_JDBC: dict[str, tuple[int, int | None, int | None, int | None]] = {
    "boolean": (16, None, None, None), "tinyint": (-6, 3, 0, 10), "smallint": (5, 5, 0, 10),
    "integer": (4, 10, 0, 10), "bigint": (-5, 19, 0, 10), "real": (7, 24, None, 2),
    "double": (8, 53, None, 2), "varchar": (12, 2147483647, None, None), "date": (91, 14, None, None),
    "varbinary": (-3, 2147483647, None, None), "json": (2000, None, None, None),
    "timestamp": (93, 23, 3, None), "timestamp with time zone": (2014, 29, 3, None),
    "array": (2003, None, None, None), "map": (2000, None, None, None), "row": (2000, None, None, None),
}  # fmt: skip


def _jdbc_type(shown: str) -> tuple[int, int | None, int | None, int | None]:
    name = shown.partition("(")[0] + (" with time zone" if shown.endswith(" with time zone") else "")
    return _JDBC.get(name.replace(" with time zone with", " with"), (2000, None, None, None))


def _jdbc_rows(name: str, found: list[TableInfo]) -> list[tuple[Any, ...]]:
    """The tables that JDBC's DatabaseMetaData reads."""
    if name == "tables":
        return [(CATALOG, info.database, info.name, "TABLE", *[None] * 6) for info in found]
    if name == "table_types":
        return [("TABLE",), ("VIEW",)]
    if name == "types":
        texts = ("varchar", "varbinary", "json")
        return [
            (kind, number, size, "'" if kind == "varchar" else None, "'" if kind == "varchar" else None, None,
             1, kind in texts, 3, False, False, False, None, digits, digits, None, None, radix)
            for kind, (number, size, digits, radix) in _JDBC.items()
        ]  # fmt: skip
    if name != "columns":
        return []
    rows: list[tuple[Any, ...]] = []
    for info in found:
        for place, column in enumerate(info.columns, 1):
            number, size, digits, radix = _jdbc_type(column.type)
            octets = size if number == 12 else None
            rows.append((CATALOG, info.database, info.name, column.name, number, column.type, size, None,
                         digits, radix, 1, None, None, None, None, octets, place, "YES",
                         *[None] * 6))  # fmt: skip
    return rows


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
        return [(CATALOG, CATALOG, CATALOG)]
    if (schema, name) == ("runtime", "nodes"):
        return [("local", "http://127.0.0.1", "476", True, "active")]
    if name == "catalogs":
        return [(CATALOG,)]
    if name in ("schemata", "schemas"):
        pairs = [(CATALOG, database) for database in [*databases, "information_schema"]]
        return pairs if name == "schemata" else [(schema_, catalog_) for catalog_, schema_ in pairs]
    found = [info for database in databases for info in catalog.tables(database)]
    if schema == "jdbc":
        return _jdbc_rows(name, found)
    if name == "tables":
        return [(CATALOG, info.database, info.name, "BASE TABLE") for info in found]
    if name == "table_comments":
        return [(CATALOG, info.database, info.name, None) for info in found]
    if name == "columns":
        return [
            (CATALOG, info.database, info.name, column.name, place, None, "YES", column.type, None, None)
            for info in found
            for place, column in enumerate(info.columns, 1)
        ]
    return []

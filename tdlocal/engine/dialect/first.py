"""The thin translation: sqlglot and a few rules. Replaced by the typed compiler."""

from __future__ import annotations

import re
import threading
from typing import Any

import sqlglot
from sqlglot import exp

from tdlocal.engine.dialect import plans
from tdlocal.engine.failures import failure
from tdlocal.engine.intervals import window
from tdlocal.engine.storage import from_duck, schema_name
from tdlocal.engine.types import Column

BAD = re.compile(r"^(read_|parquet_|sniff|glob|duckdb_|pragma_|query|query_table|json_execute|getenv|copy|current_setting)")
LOCK = threading.Lock()
UTC = exp.Literal.string("UTC")


class Dialect:
    def __init__(self, catalog: Any) -> None:
        self.catalog, self.home = catalog, ""

    def statements(self, sql: str) -> list[exp.Expression]:
        try:
            return [s for s in sqlglot.parse(sql, read="trino") if s is not None and not isinstance(s, exp.Semicolon)]
        except sqlglot.errors.SqlglotError as error:
            raise failure("SYNTAX_ERROR", str(error).split("\n")[0]) from error

    def plan(self, statement: Any, *, database: str, scheduled_time: int, time_zone: str, strict: bool, cursor: Any):
        with LOCK:
            return self._plan(statement, database, scheduled_time, cursor)

    def _plan(self, statement, database, scheduled_time, cursor):
        self._db, self._now, self._cursor = database, scheduled_time, cursor
        s = statement.copy()
        if isinstance(s, exp.Query) or isinstance(s, exp.Values):
            return self._query(s)
        if isinstance(s, exp.Create) and s.kind == "TABLE":
            table = s.this.this if isinstance(s.this, exp.Schema) else s.this
            target = self._name(table)
            if s.expression is not None:
                return plans.CreateTableAs(target, self._query(s.expression), bool(s.args.get("exists")), bool(s.args.get("replace")))
            cols = tuple(Column(c.name, c.args["kind"].sql("trino").lower()) for c in s.this.expressions if isinstance(c, exp.ColumnDef))
            return plans.CreateTable(target, cols, bool(s.args.get("exists")))
        if isinstance(s, exp.Create) and s.kind == "SCHEMA":
            return plans.CreateSchema(s.this.name or s.this.db, bool(s.args.get("exists")))
        if isinstance(s, exp.Drop) and s.kind == "TABLE":
            return plans.DropTable(self._name(s.find(exp.Table)), bool(s.args.get("exists")))
        if isinstance(s, exp.Drop) and s.kind == "SCHEMA":
            return plans.DropSchema(s.find(exp.Table).db or s.find(exp.Table).name, bool(s.args.get("exists")), bool(s.args.get("cascade")))
        if isinstance(s, exp.Insert):
            table = s.this.this if isinstance(s.this, exp.Schema) else s.this
            target = self._name(table)
            query = self._query(s.expression)
            info = self.catalog.table(*target)
            if info is None:
                raise failure("TABLE_NOT_FOUND", f"Table 'td.{target[0]}.{target[1]}' does not exist")
            if isinstance(s.this, exp.Schema):
                names = tuple(c.name.lower() for c in s.this.expressions)
            else:
                names = tuple(c.name for c in info.columns)
                if len(query.columns) == len(names) - 1:
                    names = tuple(n for n in names if n != "time")
            if len(names) != len(query.columns):
                raise failure("TYPE_MISMATCH", f"Insert query has {len(query.columns)} expression(s) but expected {len(names)} target column(s)")
            return plans.Insert(target, names, query)
        if isinstance(s, exp.Delete):
            target = self._name(s.this)
            self._need(target)
            return plans.Change(target, self._text(s), "DELETE")
        if isinstance(s, exp.Update):
            target = self._name(s.this)
            return plans.Change(target, self._text(s), "UPDATE")
        if isinstance(s, exp.Alter):
            target = self._name(s.this)
            action = s.args["actions"][0]
            if isinstance(action, exp.AlterRename):
                new = action.this
                return plans.RenameTable(target, (new.db or target[0], new.name))
            return plans.AlterColumns(target, action.sql("duckdb"), "ALTER")
        if isinstance(s, (exp.Show, exp.Command, exp.Describe)):
            text = s.sql("trino")
            m = re.match(r"SHOW\s+TABLES(?:\s+(?:FROM|IN)\s+(\S+))?", text, re.I)
            if m:
                return plans.Rows((Column("Table", "varchar"),), [(t.name,) for t in self.catalog.tables((m[1] or database).strip('"'))])
            if re.match(r"SHOW\s+SCHEMAS", text, re.I):
                return plans.Rows((Column("Schema", "varchar"),), [(n,) for n in self.catalog.databases()])
            m = re.match(r"(?:SHOW\s+COLUMNS\s+(?:FROM|IN)|DESCRIBE|DESC)\s+(?:TABLE\s+)?(\S+)", text, re.I)
            if m:
                target = self._name(exp.to_table(m[1]))
                info = self._need(target)
                cols = tuple(Column(n, "varchar") for n in ("Column", "Type", "Extra", "Comment"))
                return plans.Rows(cols, [(c.name, c.type, "", "") for c in info.columns])
        raise failure("NOT_SUPPORTED", f"statement is not supported: {s.sql()[:60]}")

    def _need(self, target):
        info = self.catalog.table(*target)
        if info is None:
            raise failure("TABLE_NOT_FOUND", f"Table 'td.{target[0]}.{target[1]}' does not exist")
        return info

    def _name(self, t):
        return (t.db or self._db).lower(), t.name.lower()

    def _query(self, s):
        if isinstance(s, exp.Subquery):
            s = s.this
        self._inputs = {}
        if isinstance(s, exp.Select):
            for i, e in enumerate(s.expressions):
                if not isinstance(e, (exp.Column, exp.Alias, exp.Star)) and not e.is_star:
                    e.replace(exp.alias_(e.copy(), f"_col{i}", quoted=True))
        text = self._text(s)
        import duckdb
        for name, make in self._inputs.items():
            self._cursor.register(name, make())
        try:
            rows = self._cursor.execute("DESCRIBE " + text).fetchall()
        except duckdb.BinderException as error:
            m = str(error).split("\n")[0].replace("Binder Error: ", "")
            raise failure("COLUMN_NOT_FOUND" if "not found" in m else "TYPE_MISMATCH", m) from error
        except duckdb.CatalogException as error:
            m = str(error).split("\n")[0].replace("Catalog Error: ", "")
            raise failure("FUNCTION_NOT_FOUND" if "unction" in m else "TABLE_NOT_FOUND", m) from error
        fix = {"DECIMAL(38,0)": "bigint", "HUGEINT": "bigint"}
        columns = tuple(Column(r[0], fix.get(r[1]) or (from_duck(r[1]) if not r[1].startswith("MAP") else "map(varchar,varchar)")) for r in rows)
        if any(r[1] == "HUGEINT" for r in rows):
            parts = ", ".join(f'CAST(#{i} AS BIGINT) AS "{r[0]}"' if r[1] == "HUGEINT" else f'#{i}' for i, r in enumerate(rows, 1))
            text = f"SELECT {parts} FROM ({text}) q"
        return plans.Query(text, columns, dict(self._inputs))

    def _text(self, s):
        self._inputs = getattr(self, "_inputs", {})
        ctes = {c.alias_or_name.lower() for c in s.find_all(exp.CTE)}
        for t in list(s.find_all(exp.Table)):
            if isinstance(t.this, exp.Func):
                raise failure("FUNCTION_NOT_FOUND", f"Function '{t.this.sql()}' not registered")
            if (t.db or "").lower() == "information_schema":
                self._information(t)
                continue
            if not t.db and t.name.lower() in ctes:
                continue
            target = self._name(t)
            self._need(target)
            if not t.alias:
                t.set("alias", exp.TableAlias(this=exp.to_identifier(t.name, quoted=True)))
            t.set("db", exp.to_identifier(schema_name(target[0]), quoted=True))
            t.set("catalog", exp.to_identifier(self.home, quoted=True))
        for node in reversed(list(s.walk())):
            new = self._rule(node)
            if new is not node:
                node.replace(new)
        return s.sql("duckdb")

    def _information(self, t):
        import pyarrow as pa
        which = t.name.lower()
        name = f"info-{which}"
        def tables():
            rows = [("td", d, x.name, "BASE TABLE") for d in self.catalog.databases() for x in self.catalog.tables(d)]
            return _arrow(["table_catalog", "table_schema", "table_name", "table_type"], rows)
        def columns():
            rows = [("td", d, x.name, c.name, i, None, "YES", c.type) for d in self.catalog.databases() for x in self.catalog.tables(d) for i, c in enumerate(x.columns, 1)]
            return _arrow(["table_catalog", "table_schema", "table_name", "column_name", "ordinal_position:l", "column_default", "is_nullable", "data_type"], rows)
        def schemata():
            return _arrow(["catalog_name", "schema_name"], [("td", d) for d in self.catalog.databases()])
        def _arrow(names, rows):
            cols = list(zip(*rows)) if rows else [[] for _ in names]
            return pa.table({n.split(":")[0]: pa.array(list(c), pa.int64() if n.endswith(":l") else pa.string()) for n, c in zip(names, cols)})
        makers = {"tables": tables, "columns": columns, "schemata": schemata}
        if which not in makers:
            raise failure("TABLE_NOT_FOUND", f"Table 'td.information_schema.{which}' does not exist")
        self._inputs[name] = makers[which]
        if not t.alias:
            t.set("alias", exp.TableAlias(this=exp.to_identifier(t.name, quoted=True)))
        t.set("this", exp.to_identifier(name, quoted=True)); t.set("db", None); t.set("catalog", None)

    def _rule(self, node):
        if isinstance(node, exp.DateDiff):
            unit = (node.args.get("unit") or exp.var("day")).name.lower()
            return exp.Anonymous(this="date_sub", expressions=[exp.Literal.string(unit), exp.cast(node.expression, "timestamp"), exp.cast(node.this, "timestamp")])
        if isinstance(node, exp.Filter) and node.this.sql().upper().startswith(("MAP_FROM_ENTRIES(",)):
            inner = node.this.expressions[0]
            return exp.Anonymous(this="map_from_entries", expressions=[exp.Filter(this=inner.copy(), expression=node.expression.copy())])
        if isinstance(node, exp.RegexpExtract) and not node.args.get("done"):
            new = node.copy()
            new.set("done", True)
            return exp.Anonymous(this="nullif", expressions=[new, exp.Literal.string("")])
        if isinstance(node, exp.RegexpReplace) and isinstance(node.args.get("replacement"), exp.Literal):
            node.args["replacement"].set("this", re.sub(r"\$(\d)", r"\\\1", node.args["replacement"].name))
        if isinstance(node, exp.ArraySlice) or (isinstance(node, exp.Anonymous) and node.name.lower() == "slice"):
            a, b, c = (node.expressions if isinstance(node, exp.Anonymous) else [node.this, node.args["start"], node.args["end"]])
            return exp.Anonymous(this="list_slice", expressions=[a.copy(), b.copy(), exp.paren(b.copy()) + exp.paren(c.copy()) - 1])
        if isinstance(node, exp.JSONExtractScalar):
            return sqlglot.parse_one(f"case when json_valid({node.this.sql('duckdb')}) then json_extract_string({node.this.sql('duckdb')}, {exp.Literal.string(node.expression.sql().strip(chr(39))).sql()}) end", read="duckdb")
        if isinstance(node, exp.Anonymous) and node.name.lower() in ("url_extract_host", "url_extract_path", "url_extract_query"):
            u = node.expressions[0].sql("duckdb")
            pattern = {"host": "^[a-zA-Z][a-zA-Z0-9+.-]*://([^/:?#]*)", "path": "^[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*([^?#]*)", "query": "[?]([^#]*)"}[node.name.lower().split("_")[-1]]
            return sqlglot.parse_one(f"regexp_extract({u}, '{pattern}', 1)", read="duckdb")
        if isinstance(node, exp.Anonymous) and node.name.lower() == "url_extract_parameter":
            u, n = (x.sql("duckdb") for x in node.expressions)
            return sqlglot.parse_one(f"case when regexp_matches({u}, '[?&]' || {n} || '=') then url_decode(regexp_extract({u}, '[?&]' || {n} || '=([^&#]*)', 1)) end", read="duckdb")
        if isinstance(node, exp.Func) and node.sql("trino").upper().startswith("MAP_AGG("):
            k, v = (node.expressions if isinstance(node, exp.Anonymous) else [node.this, node.expression])
            pair = exp.Struct(expressions=[exp.PropertyEQ(this=exp.to_identifier("k"), expression=k.copy()), exp.PropertyEQ(this=exp.to_identifier("v"), expression=v.copy())])
            return exp.Anonymous(this="map_from_entries", expressions=[exp.ArrayAgg(this=pair)])
        if isinstance(node, exp.Anonymous):
            return self._function(node)
        return node

    def _function(self, node):
        name, a = node.name.lower(), node.expressions
        if BAD.match(name):
            raise failure("FUNCTION_NOT_FOUND", f"Function '{name}' not registered")
        call = lambda n, *args: exp.Anonymous(this=n, expressions=list(args))
        big = lambda x: exp.cast(x, "bigint")
        get = lambda i, d=UTC: a[i] if len(a) > i else d.copy()
        if name == "td_scheduled_time":
            return big(exp.Literal.number(self._now))
        if name == "td_time_parse":
            return call("py_time_parse", a[0], get(1))
        if name == "td_time_format":
            return call("py_time_format", big(a[0]), a[1], get(2))
        if name == "td_time_string":
            return call("py_time_string", big(a[0]), a[1], get(2))
        if name == "td_date_trunc":
            return call("py_date_trunc", a[0], big(a[1]), get(2))
        if name == "td_time_add":
            t = call("py_time_parse", a[0], get(2)) if a[0].is_string else big(a[0])
            return call("py_time_add", t, a[1])
        if name == "td_parse_agent":
            return call("py_parse_agent", a[0])
        if name == "td_parse_user_agent":
            return call("py_parse_user_agent", a[0], get(1, exp.Null()))
        if name == "td_interval":
            s, e = window(a[1].name, self._now, a[2].name if len(a) > 2 else "UTC")
            return exp.paren(exp.and_(exp.GTE(this=a[0], expression=exp.Literal.number(s)), exp.LT(this=a[0].copy(), expression=exp.Literal.number(e))))
        if name == "td_time_range":
            conds = []
            for i, op in ((1, exp.GTE), (2, exp.LT)):
                if len(a) > i and not isinstance(a[i], exp.Null):
                    v = call("py_time_parse", a[i], get(3)) if a[i].is_string else a[i]
                    conds.append(op(this=a[0].copy(), expression=v))
            return exp.paren(exp.and_(*conds)) if conds else exp.true()
        if name.startswith("td_ip_to"):
            return exp.cast(exp.Null(), "varchar")
        if name.startswith("td_"):
            raise failure("FUNCTION_NOT_FOUND", f"Function '{name}' not registered")
        return node

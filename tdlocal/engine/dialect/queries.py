"""The parser of queries, by Trino's grammar."""

from __future__ import annotations

from typing import Any

from tdlocal.engine.dialect import syntax as s
from tdlocal.engine.dialect.expressions import ExpressionParser
from tdlocal.engine.dialect.tokens import error_at

_JOIN_WORDS = ("CROSS", "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "NATURAL")
_AFTER_RELATION = frozenset(
    """LIMIT OFFSET FETCH WINDOW TABLESAMPLE MATCH_RECOGNIZE SET""".split()
)  # words that are no alias here though they are no reserved words


class QueryParser(ExpressionParser):
    """Adds SELECT, VALUES, TABLE, WITH, set operations and relations."""

    def query(self) -> s.Query:
        self.depth += 1
        if self.depth > 100:
            self.wrong("statement is too large (stack overflow)")
        pos = self.token.start
        ctes: list[s.Cte] = []
        recursive = False
        if self.accept("WITH"):
            recursive = self.accept("RECURSIVE")
            ctes = self.comma_list(self.cte)
        query = self.query_tail(pos, self.union())
        query.ctes, query.recursive = ctes, recursive
        self.depth -= 1
        return query

    def query_tail(self, pos: int, body: Any) -> s.Query:
        """ORDER BY, OFFSET, then LIMIT or FETCH: in this order only."""
        query = s.Query(pos, body)
        if self.accept("ORDER", "BY"):
            query.order_by = self.comma_list(self.sort_item)
        if self.accept("OFFSET"):
            query.offset = self.row_count()
            if self.at("ROW", "ROWS"):
                self.advance()
        if self.accept("LIMIT"):
            query.limit = None if self.accept("ALL") else self.row_count()
        elif self.accept("FETCH"):
            if not self.at("FIRST", "NEXT"):
                self.wrong("Expecting: 'FIRST', 'NEXT'")
            self.advance()
            query.fetch = True
            query.limit = s.Literal(pos, "integer", 1) if self.at("ROW", "ROWS") else self.row_count()
            if not self.at("ROW", "ROWS"):
                self.wrong("Expecting: 'ROW', 'ROWS'")
            self.advance()
            if self.accept("WITH"):
                self.expect("TIES")
                query.with_ties = True
            else:
                self.expect("ONLY")
        return query

    def row_count(self) -> Any:
        if self.token.text == "?":
            return self.primary()
        pos = self.token.start
        return s.Literal(pos, "integer", self.integer())

    def cte(self) -> s.Cte:
        pos = self.token.start
        name = self.identifier()
        columns: tuple[str, ...] = ()
        if self.accept("("):
            columns = tuple(self.comma_list(self.alias_name))
            self.expect(")")
        self.expect("AS")
        return s.Cte(pos, name, columns, self.parenthesized_query())

    def parenthesized_query(self) -> s.Query:
        self.expect("(")
        query = self.query()
        self.expect(")")
        return query

    def union(self) -> Any:
        left = self.intersection()
        while self.at("UNION", "EXCEPT"):
            token = self.advance()
            distinct = self.set_quantifier()
            left = s.SetOperation(token.start, token.upper, distinct, left, self.intersection())
        return left

    def intersection(self) -> Any:
        left = self.query_primary()
        while self.at("INTERSECT"):
            token = self.advance()
            distinct = self.set_quantifier()
            left = s.SetOperation(token.start, "INTERSECT", distinct, left, self.query_primary())
        return left

    def set_quantifier(self) -> bool:
        if self.accept("ALL"):
            return False
        self.accept("DISTINCT")
        return True

    def query_primary(self) -> Any:
        token = self.token
        if token.upper == "SELECT":
            return self.select()
        if token.upper == "VALUES":
            self.advance()
            return s.Values(token.start, self.comma_list(self.expression))
        if token.upper == "TABLE":
            self.advance()
            star = s.AllColumns(token.start)
            return s.Select(token.start, False, [star], s.Table(token.start, self.qualified_name()))
        if token.text == "(":
            self.expect("(")
            query = self.query()
            self.expect(")")
            return query
        self.wrong("Expecting: 'SELECT', 'TABLE', 'VALUES', 'WITH'")

    def select(self) -> s.Select:
        pos = self.expect("SELECT").start
        distinct = self.accept("DISTINCT")
        if not distinct:
            self.accept("ALL")
        select = s.Select(pos, distinct, self.comma_list(self.select_item))
        if self.accept("FROM"):
            select.source = self.relations()
        if self.accept("WHERE"):
            select.where = self.expression()
        if self.accept("GROUP", "BY"):
            select.grouping = self.group_by()
        if self.accept("HAVING"):
            select.having = self.expression()
        if self.at("WINDOW"):
            self.advance()
            for name, window in self.comma_list(self.named_window):
                if name in select.windows:
                    message = f"WINDOW name '{name}' specified more than once"
                    raise error_at(self.text, window.pos, "DUPLICATE_WINDOW_NAME", message)
                select.windows[name] = window
        return select

    def named_window(self) -> tuple[str, s.Window]:
        name = self.identifier()
        self.expect("AS", "(")
        window = self.window_definition()
        self.expect(")")
        return name, window

    def select_item(self) -> Any:
        pos = self.token.start
        if self.token.text == "*":
            self.advance()
            return s.AllColumns(pos)
        value = self.expression()
        if self.token.text == "." and self.peek().text == "*":
            self.advance()
            self.advance()
            aliases: tuple[str, ...] = ()
            if self.at("AS") and self.peek().text == "(":
                self.advance()
                self.expect("(")
                aliases = tuple(self.comma_list(self.alias_name))
                self.expect(")")
            return s.AllColumns(pos, value, aliases)
        if self.accept("AS"):
            return s.SelectItem(pos, value, self.alias_name())
        if self.is_identifier() and not self.at(*_AFTER_RELATION):
            return s.SelectItem(pos, value, self.alias_name())
        return s.SelectItem(pos, value, None)

    # -- GROUP BY

    def group_by(self) -> s.Grouping:
        pos = self.token.start
        distinct = self.accept("DISTINCT")
        if not distinct:
            self.accept("ALL")
        return s.Grouping(pos, self.comma_list(self.grouping_element), distinct)

    def grouping_element(self) -> tuple[str, list[Any]]:
        if self.at("ROLLUP", "CUBE"):
            kind = self.advance().upper.lower()
            self.expect("(")
            sets = [] if self.at(")") else self.comma_list(self.grouping_set)
            self.expect(")")
            return kind, sets
        if self.at("GROUPING") and self.peek().upper == "SETS":
            self.expect("GROUPING", "SETS", "(")
            sets = self.comma_list(self.grouping_set)
            self.expect(")")
            return "sets", sets
        return "simple", self.simple_group()

    def simple_group(self) -> list[Any]:
        if self.token.text == "(" and self.peek().text == ")":
            self.advance()
            self.advance()
            return []
        value = self.expression()
        return value.items if isinstance(value, s.RowLiteral) else [value]

    def grouping_set(self) -> list[Any]:
        if self.accept("("):
            items = [] if self.at(")") else self.comma_list(self.expression)
            self.expect(")")
            return items
        return [self.expression()]

    # -- FROM

    def relations(self) -> Any:
        left = self.relation()
        while self.at(","):
            pos = self.advance().start
            left = s.Join(pos, "CROSS", left, self.relation())
        return left

    def relation(self) -> Any:
        left = self.sampled()
        while self.at(*_JOIN_WORDS):
            left = self.join(left)
        return left

    def join(self, left: Any) -> s.Join:
        pos = self.token.start
        if self.accept("CROSS"):
            self.expect("JOIN")
            return s.Join(pos, "CROSS", left, self.sampled())
        natural = self.accept("NATURAL")
        kind = "INNER"
        if self.at("LEFT", "RIGHT", "FULL"):
            kind = self.advance().upper
            self.accept("OUTER")
        else:
            self.accept("INNER")
        self.expect("JOIN")
        if natural:
            return s.Join(pos, kind, left, self.sampled(), natural=True)
        right = self.relation()
        if self.accept("ON"):
            return s.Join(pos, kind, left, right, on=self.expression())
        if not self.at("USING"):
            self.wrong("Expecting: 'ON', 'USING'")
        self.expect("USING", "(")
        pos = self.token.start
        using = tuple(self.comma_list(self.identifier))
        self.expect(")")
        return s.Join(pos, kind, left, right, using=using)

    def sampled(self) -> Any:
        relation = self.aliased()
        if not self.at("TABLESAMPLE"):
            return relation
        pos = self.advance().start
        if not self.at("BERNOULLI", "SYSTEM"):
            self.wrong("Expecting: 'BERNOULLI', 'SYSTEM'")
        method = self.advance().upper
        self.expect("(")
        percent = self.expression()
        self.expect(")")
        return s.Sampled(pos, relation, method, percent)

    def aliased(self) -> Any:
        relation = self.relation_primary()
        if self.at("MATCH_RECOGNIZE"):
            self.refuse(self.token.start, "MATCH_RECOGNIZE")
        pos = self.token.start
        if not self.accept("AS") and (not self.is_identifier() or self.at(*_AFTER_RELATION)):
            return relation
        alias = self.identifier()
        columns: tuple[str, ...] = ()
        if self.accept("("):
            columns = tuple(self.comma_list(self.alias_name))
            self.expect(")")
        if self.at("MATCH_RECOGNIZE"):
            self.refuse(self.token.start, "MATCH_RECOGNIZE")
        return s.Aliased(pos, relation, alias, columns)

    def relation_primary(self) -> Any:
        token = self.token
        if token.text == "(":
            if self.peek_query():
                return s.Derived(token.start, self.parenthesized_query())
            self.advance()
            relation = self.relations()
            self.expect(")")
            return relation
        if token.upper == "UNNEST":
            self.advance()
            self.expect("(")
            arguments = self.comma_list(self.expression)
            self.expect(")")
            return s.Unnest(token.start, arguments, self.accept("WITH", "ORDINALITY"))
        if token.upper == "LATERAL" and self.peek().text == "(":
            self.advance()
            return s.Derived(token.start, self.parenthesized_query(), lateral=True)
        if token.upper == "JSON_TABLE":
            return self.json_table()
        if token.upper == "TABLE" and self.peek().text == "(":
            return self.table_function()
        name = self.qualified_name()
        if self.at("FOR") and self.peek().upper in ("VERSION", "TIMESTAMP"):
            self.refuse(self.token.start, "FOR VERSION AS OF")
        return s.Table(token.start, name)

    def table_function(self) -> s.TableFunction:
        pos = self.advance().start
        self.expect("(")
        name = ".".join(self.qualified_name()).lower()
        if name.rpartition(".")[2] != "sequence":
            self.refuse(pos, f"TABLE({name}(…))")
        self.expect("(")
        arguments = self.comma_list(self.named_argument)
        self.expect(")")
        self.expect(")")
        return s.TableFunction(pos, "sequence", arguments)

    def named_argument(self) -> tuple[str | None, Any]:
        if self.is_identifier() and self.peek().text == "=>":
            name = self.identifier()
            self.advance()
            return name, self.expression()
        return None, self.expression()

    def json_table(self) -> s.JsonTable:
        pos = self.advance().start
        self.expect("(")
        value = self.expression()
        if self.accept("FORMAT", "JSON"):
            pass
        self.expect(",")
        path = self.string()
        if self.accept("AS"):
            self.identifier()
        passing = self.comma_list(self.json_parameter) if self.accept("PASSING") else []
        columns = self.json_table_columns()
        if self.at("PLAN"):
            self.refuse(self.token.start, "JSON_TABLE … PLAN")
        on_error = "EMPTY"
        if self.at("ERROR", "EMPTY"):
            on_error = self.advance().upper
            self.expect("ON", "ERROR")
        self.expect(")")
        return s.JsonTable(pos, value, path, columns, passing, on_error)

    def json_table_columns(self) -> list[dict[str, Any]]:
        self.expect("COLUMNS", "(")
        columns = self.comma_list(self.json_table_column)
        self.expect(")")
        return columns

    def json_table_column(self) -> dict[str, Any]:
        if self.at("NESTED") and (self.peek().upper == "PATH" or self.peek().kind == "string"):
            self.advance()
            self.accept("PATH")
            path = self.string()
            if self.accept("AS"):
                self.identifier()
            return {"path": path, "nested": self.json_table_columns()}
        written = self.token.text
        column: dict[str, Any] = {"name": self.identifier()}
        # a name without quotes is one in capitals, as the standard has it
        key = written[1:-1].replace('""', '"') if written.startswith('"') else written.upper()
        if self.accept("FOR"):
            self.expect("ORDINALITY")
            column["ordinality"] = True
            return column
        column["type"] = self.type_name()
        if self.accept("FORMAT", "JSON"):
            column["query"] = True
        column["path"] = self.string() if self.accept("PATH") else f'lax $."{key}"'
        if column.get("query"):
            self.json_wrapper(column)
        while not self.at(",", ")"):
            self.json_behaviour(column)
        return column

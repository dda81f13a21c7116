"""The parser of whole statements; several may stand in one text."""

from __future__ import annotations

from typing import Any

from tdlocal.engine.dialect import syntax as s
from tdlocal.engine.dialect.queries import QueryParser
from tdlocal.engine.dialect.tokens import error_at

_QUERY = ("SELECT", "WITH", "VALUES", "TABLE", "(")
_KNOWN = frozenset(
    """CREATE DROP ALTER INSERT DELETE UPDATE SHOW DESCRIBE DESC EXPLAIN EXECUTE PREPARE DEALLOCATE USE
    SET RESET
    TRUNCATE START COMMIT ROLLBACK""".split()
)
_REFUSED = frozenset(
    """CALL GRANT REVOKE DENY MERGE COMMENT ANALYZE REFRESH""".split()
)  # Trino has them, Treasure Data's clients do not need them


class StatementParser(QueryParser):
    """`statements()` is the door."""

    def statements(self) -> list[Any]:
        """Every statement of the text, as Query or Statement nodes."""
        found: list[Any] = []
        while self.token.kind != "end":
            if self.accept(";"):
                continue
            self.parameters = 0
            found.append(self.statement())
            if self.token.kind != "end":
                if self.token.text != ";":
                    self.wrong()
                self.advance()
        return found

    def statement(self) -> Any:
        token = self.token
        if token.upper in _QUERY or token.text == "(":
            return self.query()
        if token.upper in _REFUSED:
            self.refuse(token.start, token.upper)
        if token.upper not in _KNOWN:
            self.wrong("Expecting: 'ALTER', 'CREATE', 'DELETE', 'DESCRIBE', 'DROP', 'EXECUTE', 'EXPLAIN', "
                       "'INSERT', 'SHOW', 'UPDATE', <query>")  # fmt: skip
        self.advance()
        return getattr(self, f"statement_{token.upper.lower()}")(token.start)

    # -- tables and schemas

    def if_exists(self) -> bool:
        return self.accept("IF", "EXISTS")

    def if_not_exists(self) -> bool:
        return self.accept("IF", "NOT", "EXISTS")

    def statement_create(self, pos: int) -> s.Statement:
        replace = self.accept("OR", "REPLACE")
        if not replace and self.at("SCHEMA", "DATABASE"):
            self.advance()
            quiet = self.if_not_exists()
            details = {"name": self.qualified_name(), "quiet": quiet}
            self.properties()
            return s.Statement(pos, "create schema", details)
        if self.at("VIEW", "MATERIALIZED", "FUNCTION", "ROLE", "CATALOG"):
            self.refuse(pos, f"CREATE {self.token.upper}")
        self.expect("TABLE")
        quiet = self.if_not_exists()
        details = {
            "name": self.qualified_name(),
            "quiet": quiet,
            "replace": replace,
            "columns": None,
            "names": (),
        }
        if self.at("(") and not self.peek_query():
            self.expect("(")
            elements = self.comma_list(self.table_element)
            self.expect(")")
            if all(kind is None for _, kind in elements):
                details["names"] = tuple(name for name, _ in elements)
            else:
                details["columns"] = elements
        self.accept("COMMENT") and self.string()
        self.properties()
        if details["columns"] is None:
            self.expect("AS")
            details["query"] = self.parenthesized_query() if self.peek_query() else self.query()
            details["data"] = not self.accept("WITH", "NO", "DATA")
            self.accept("WITH", "DATA")
            return s.Statement(pos, "create table as", details)
        return s.Statement(pos, "create table", details)

    def table_element(self) -> tuple[str, Any]:
        if self.at("LIKE"):
            pos = self.advance().start
            other = s.Table(pos, self.qualified_name())
            if self.at("INCLUDING", "EXCLUDING"):
                self.advance()
                self.expect("PROPERTIES")
            return "", other
        name = self.identifier()
        if self.at(",", ")"):
            return name, None
        kind = self.type_name()
        if self.accept("NOT"):
            self.expect("NULL")
        if self.accept("COMMENT"):
            self.string()
        if self.at("WITH"):
            self.properties()
        return name, kind

    def properties(self) -> None:
        """`WITH (name = value, …)`: read and left alone, as storage properties mean nothing here."""
        if not (self.at("WITH") and self.peek().text == "("):
            return
        self.advance()
        self.expect("(")
        while True:
            self.identifier()
            self.expect("=")
            self.expression()
            if not self.accept(","):
                break
        self.expect(")")

    def statement_drop(self, pos: int) -> s.Statement:
        if self.accept("SCHEMA"):
            quiet = self.if_exists()
            name = self.qualified_name()
            cascade = self.accept("CASCADE")
            self.accept("RESTRICT")
            return s.Statement(pos, "drop schema", {"name": name, "quiet": quiet, "cascade": cascade})
        if self.at("MATERIALIZED", "FUNCTION", "ROLE", "CATALOG"):
            self.refuse(pos, f"DROP {self.token.upper}")
        kind = "view" if self.accept("VIEW") else "table"
        if kind == "table":
            self.expect("TABLE")
        quiet = self.if_exists()
        return s.Statement(pos, f"drop {kind}", {"name": self.qualified_name(), "quiet": quiet})

    def statement_alter(self, pos: int) -> s.Statement:
        self.expect("TABLE")
        details: dict[str, Any] = {"quiet": self.if_exists()}
        details["name"] = self.qualified_name()
        if self.accept("RENAME", "TO"):
            return s.Statement(pos, "rename table", {**details, "new": self.qualified_name()})
        if self.accept("ADD", "COLUMN"):
            details["quiet_column"] = self.if_not_exists()
            details["column"], details["type"] = self.table_element()
            return s.Statement(pos, "add column", details)
        if self.accept("DROP", "COLUMN"):
            details["quiet_column"] = self.if_exists()
            return s.Statement(pos, "drop column", {**details, "column": self.identifier()})
        if self.accept("RENAME", "COLUMN"):
            details["quiet_column"] = self.if_exists()
            details["column"] = self.identifier()
            self.expect("TO")
            return s.Statement(pos, "rename column", {**details, "new": self.identifier()})
        self.refuse(pos, f"ALTER TABLE … {self.token.text}")

    # -- rows

    def statement_insert(self, pos: int) -> s.Statement:
        self.expect("INTO")
        details: dict[str, Any] = {"name": self.qualified_name(), "columns": ()}
        if self.at("(") and not self.peek_query():
            self.expect("(")
            details["columns"] = tuple(self.comma_list(self.identifier))
            self.expect(")")
        details["query"] = self.query()
        return s.Statement(pos, "insert", details)

    def statement_delete(self, pos: int) -> s.Statement:
        self.expect("FROM")
        name = self.qualified_name()
        where = self.expression() if self.accept("WHERE") else None
        return s.Statement(pos, "delete", {"name": name, "where": where})

    def statement_truncate(self, pos: int) -> s.Statement:
        self.expect("TABLE")
        return s.Statement(pos, "truncate", {"name": self.qualified_name(), "where": None})

    def statement_update(self, pos: int) -> s.Statement:
        name = self.qualified_name()
        self.expect("SET")
        changes = self.comma_list(self.assignment)
        where = self.expression() if self.accept("WHERE") else None
        return s.Statement(pos, "update", {"name": name, "changes": changes, "where": where})

    def assignment(self) -> tuple[str, Any]:
        name = self.identifier()
        self.expect("=")
        return name, self.expression()

    # -- looking

    def like_clause(self) -> tuple[str | None, str | None]:
        if not self.accept("LIKE"):
            return None, None
        pattern = self.string()
        return pattern, self.string() if self.accept("ESCAPE") else None

    def statement_show(self, pos: int) -> s.Statement:
        word = self.token.upper
        if word in ("TABLES", "SCHEMAS", "CATALOGS", "FUNCTIONS", "SESSION", "COLUMNS", "DATABASES"):
            self.advance()
            details: dict[str, Any] = {"name": None}
            if self.at("FROM", "IN"):
                self.advance()
                details["name"] = self.qualified_name()
            elif word == "COLUMNS":
                self.wrong("Expecting: 'FROM', 'IN'")
            details["like"] = self.like_clause()
            kind = {"DATABASES": "schemas"}.get(word, word.lower())
            return s.Statement(pos, f"show {kind}", details)
        if self.accept("CREATE", "TABLE"):
            return s.Statement(pos, "show create table", {"name": self.qualified_name()})
        if self.accept("CREATE", "SCHEMA"):
            return s.Statement(pos, "show create schema", {"name": self.qualified_name()})
        if self.accept("CREATE", "VIEW"):
            return s.Statement(pos, "show create view", {"name": self.qualified_name()})
        if self.accept("STATS"):
            self.refuse(pos, "SHOW STATS")
        self.wrong("Expecting: 'CATALOGS', 'COLUMNS', 'CREATE', 'FUNCTIONS', 'SCHEMAS', 'SESSION', 'TABLES'")

    def statement_describe(self, pos: int) -> s.Statement:
        if self.at("INPUT", "OUTPUT") and self.peek().kind in ("word", "quoted"):
            kind = self.advance().upper.lower()
            return s.Statement(pos, f"describe {kind}", {"prepared": self.identifier()})
        return s.Statement(pos, "show columns", {"name": self.qualified_name(), "like": (None, None)})

    statement_desc = statement_describe

    def statement_explain(self, pos: int) -> s.Statement:
        self.accept("ANALYZE")
        self.accept("VERBOSE")
        words = set()
        if self.at("(") and not self.peek_query():
            self.expect("(")
            while not self.accept(")"):
                words.add(self.token.upper)
                self.advance()
                if self.token.kind == "end":
                    self.wrong()
        for word in sorted(words & {"IO", "JSON", "GRAPHVIZ"}):
            self.refuse(pos, f"EXPLAIN ({'TYPE' if word == 'IO' else 'FORMAT'} {word})")
        return s.Statement(pos, "explain", {"statement": self.statement(), "validate": "VALIDATE" in words})

    # -- prepared statements and the session

    def statement_execute(self, pos: int) -> s.Statement:
        details: dict[str, Any] = {}
        if self.accept("IMMEDIATE"):
            details["text"] = self.string()
        else:
            details["prepared"] = self.identifier()
        details["values"] = self.comma_list(self.expression) if self.accept("USING") else []
        return s.Statement(pos, "execute", details)

    def statement_prepare(self, pos: int) -> s.Statement:
        name = self.identifier()
        self.expect("FROM")
        start = self.token.start
        statement = self.statement()
        text = self.text[start : self.token.start].strip().rstrip(";")
        return s.Statement(pos, "prepare", {"prepared": name, "text": text, "statement": statement})

    def statement_deallocate(self, pos: int) -> s.Statement:
        self.expect("PREPARE")
        return s.Statement(pos, "deallocate", {"prepared": self.identifier()})

    def statement_use(self, pos: int) -> s.Statement:
        return s.Statement(pos, "use", {"name": self.qualified_name()})

    def statement_set(self, pos: int) -> s.Statement:
        if self.accept("TIME", "ZONE"):
            zone = None if self.accept("LOCAL") else self.expression()
            return s.Statement(pos, "set time zone", {"zone": zone})
        if not self.accept("SESSION"):
            self.wrong("Expecting: 'SESSION', 'TIME'")
        if self.at("AUTHORIZATION"):
            self.refuse(pos, "SET SESSION AUTHORIZATION")
        name = self.qualified_name()
        self.expect("=")
        return s.Statement(pos, "set session", {"name": name, "value": self.expression()})

    def statement_reset(self, pos: int) -> s.Statement:
        self.expect("SESSION")
        return s.Statement(pos, "reset session", {"name": self.qualified_name()})

    def statement_start(self, pos: int) -> s.Statement:
        self.expect("TRANSACTION")
        raise error_at(
            self.text, pos, "NOT_SUPPORTED", "transactions of several statements are not supported"
        )

    def statement_commit(self, pos: int) -> s.Statement:
        self.accept("WORK")
        raise error_at(self.text, pos, "NOT_IN_TRANSACTION", "No transaction in progress")

    statement_rollback = statement_commit


def parse(text: str) -> list[Any]:
    """Every statement of *text*. Raises EngineError SYNTAX_ERROR with line and column.

    >>> [type(node).__name__ for node in parse("select 1; drop table t;")]
    ['Query', 'Statement']
    """
    return StatementParser(text).statements()

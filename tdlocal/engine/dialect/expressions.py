"""The parser of expressions, by Trino's grammar: what Trino calls a syntax error is one here."""

from __future__ import annotations

from typing import Any, NoReturn

from tdlocal.engine.dialect import syntax as s
from tdlocal.engine.dialect.tokens import RESERVED, Token, error_at, tokens

COMPARISONS = frozenset(["=", "<>", "!=", "<", "<=", ">", ">="])
_INTERVAL_UNITS = frozenset(["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"])
_NO_PARENTHESES = frozenset(
    ["CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP", "CURRENT_USER",
     "CURRENT_CATALOG", "CURRENT_SCHEMA", "CURRENT_PATH", "CURRENT_ROLE"]
)  # fmt: skip
MAX_DEPTH = 150


class ExpressionParser:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.index = 0
        self.token = self.tokens[0]
        self.depth = 0
        self.parameters = 0

    # -- tokens

    def advance(self) -> Token:
        token = self.token
        if token.kind != "end":
            self.index += 1
            self.token = self.tokens[self.index]
        return token

    def peek(self, distance: int = 1) -> Token:
        return self.tokens[min(self.index + distance, len(self.tokens) - 1)]

    def at(self, *words: str) -> bool:
        return self.token.upper in words

    def accept(self, *words: str) -> bool:
        """Take these words if they all stand here in a row."""
        if self.token.upper != words[0]:
            return False
        for distance, word in enumerate(words[1:], 1):
            if self.peek(distance).upper != word:
                return False
        for _ in words:
            self.advance()
        return True

    def expect(self, *words: str) -> Token:
        first = self.token
        for word in words:
            if self.token.upper != word:
                self.wrong(f"Expecting: '{word}'")
            self.advance()
        return first

    def wrong(self, hint: str = "") -> NoReturn:
        shown = self.token.text
        message = f"mismatched input '{shown}'" + (f". {hint}" if hint else "")
        raise error_at(self.text, self.token.start, "SYNTAX_ERROR", message)

    def refuse(self, pos: int, what: str) -> NoReturn:
        raise error_at(self.text, pos, "NOT_SUPPORTED", f"{what} is not supported by the local account")

    # -- names

    def identifier(self) -> str:
        token = self.token
        if token.kind == "quoted":
            self.advance()
            return token.text[1:-1].replace('""', '"').lower()
        if token.kind != "word" or token.upper in RESERVED:
            self.wrong("Expecting: <identifier>")
        self.advance()
        return token.text.lower()

    def alias_name(self) -> str:
        """Like `identifier`, but the letters' case is kept for the answer's header."""
        token = self.token
        if token.kind == "quoted":
            self.advance()
            return token.text[1:-1].replace('""', '"')
        return self.identifier()

    def is_identifier(self) -> bool:
        return self.token.kind == "quoted" or (self.token.kind == "word" and self.token.upper not in RESERVED)

    def qualified_name(self) -> tuple[str, ...]:
        parts = [self.identifier()]
        while self.accept("."):
            parts.append(self.identifier())
        return tuple(parts)

    def string(self) -> str:
        token = self.token
        if token.kind == "unicode":
            self.advance()
            return _unicode(token.text[2:])
        if token.kind != "string":
            self.wrong("Expecting: <string>")
        self.advance()
        return token.text[1:-1].replace("''", "'")

    def integer(self) -> int:
        if self.token.kind != "integer":
            self.wrong("Expecting: <integer>")
        digits = self.advance().text.replace("_", "")
        return int(digits, 10 if digits.isdecimal() else 0)

    # -- from the loosest operator to the tightest

    def expression(self) -> Any:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise error_at(
                self.text, self.token.start, "SYNTAX_ERROR", "statement is too large (stack overflow)"
            )
        try:
            left = self.conjunction()
            while self.at("OR"):
                pos = self.advance().start
                left = s.Binary(pos, "OR", left, self.conjunction())
            return left
        finally:
            self.depth -= 1

    def conjunction(self) -> Any:
        left = self.negation()
        while self.at("AND"):
            pos = self.advance().start
            left = s.Binary(pos, "AND", left, self.negation())
        return left

    def negation(self) -> Any:
        negations = []
        while self.at("NOT"):
            negations.append(self.advance().start)
        value = self.predicate()
        for pos in reversed(negations):
            value = s.Unary(pos, "NOT", value)
        return value

    def predicate(self) -> Any:
        left = self.value()
        token = self.token
        if token.upper in COMPARISONS:
            self.advance()
            operator = "<>" if token.upper == "!=" else token.upper
            if self.at("ALL", "SOME", "ANY") and self.peek().text == "(":
                quantifier = self.advance().upper
                return s.Quantified(token.start, operator, left, quantifier, self.parenthesized_query())
            return s.Binary(token.start, operator, left, self.value())
        if token.upper == "IS":
            self.advance()
            negated = self.accept("NOT")
            if self.accept("NULL"):
                return _negated(negated, token.start, s.IsNull(token.start, left))
            self.expect("DISTINCT", "FROM")
            return _negated(negated, token.start, s.IsDistinct(token.start, left, self.value()))
        negated = self.at("NOT") and self.peek().upper in ("BETWEEN", "IN", "LIKE")
        if negated:
            self.advance()
        if self.accept("BETWEEN"):
            low = self.value()
            self.expect("AND")
            return _negated(negated, token.start, s.Between(token.start, left, low, self.value()))
        if self.at("IN"):
            return _negated(negated, token.start, self.membership(token.start, left))
        if self.accept("LIKE"):
            pattern = self.value()
            escape = self.value() if self.accept("ESCAPE") else None
            return _negated(negated, token.start, s.Like(token.start, left, pattern, escape))
        return left

    def membership(self, pos: int, left: Any) -> Any:
        self.expect("IN")
        if self.peek_query():
            return s.InQuery(pos, left, self.parenthesized_query())
        self.expect("(")
        items = self.comma_list(self.expression)
        self.expect(")")
        return s.InList(pos, left, items)

    def value(self) -> Any:
        left = self.sum()
        while self.at("||"):
            pos = self.advance().start
            left = s.Binary(pos, "||", left, self.sum())
        return left

    def sum(self) -> Any:
        left = self.product()
        while self.token.kind == "sign" and self.token.text in "+-":
            operator = self.advance()
            left = s.Binary(operator.start, operator.text, left, self.product())
        return left

    def product(self) -> Any:
        left = self.signed()
        while self.token.kind == "sign" and self.token.text in "*/%":
            operator = self.advance()
            left = s.Binary(operator.start, operator.text, left, self.signed())
        return left

    def signed(self) -> Any:
        signs = []
        while self.token.kind == "sign" and self.token.text in "+-":
            signs.append(self.advance())
        value = self.zoned()
        for sign in reversed(signs):
            value = s.Unary(sign.start, sign.text, value)
        return value

    def zoned(self) -> Any:
        value = self.postfix()
        while self.at("AT") and self.peek().upper == "TIME":
            pos = self.advance().start
            self.expect("TIME", "ZONE")
            zone = (
                self.interval()
                if self.at("INTERVAL")
                else s.Literal(self.token.start, "string", self.string())
            )
            value = s.AtZone(pos, value, zone)
        return value

    def postfix(self) -> Any:
        value = self.primary()
        while self.token.kind == "sign":
            if self.token.text == "[":
                pos = self.advance().start
                value = s.Subscript(pos, value, self.value())
                self.expect("]")
            elif self.token.text == ".":
                if self.peek().text == "*":
                    return value  # row.* of a select list
                pos = self.advance().start
                name = self.identifier()
                if isinstance(value, s.Column):
                    value = s.Column(value.pos, (*value.parts, name))
                else:
                    value = s.Field(pos, value, name)
            else:
                break
        return value

    # -- primaries

    def primary(self) -> Any:
        token = self.token
        kind = token.kind
        if kind == "word":
            return self.word()
        if kind == "quoted":
            if self.peek().text == "(":
                return self.call(self.identifier(), token.start)
            if self.peek().text == "->":
                return self.lambda_(token.start)
            return s.Column(token.start, (self.identifier(),))
        if kind in ("string", "unicode"):
            return s.Literal(token.start, "string", self.string())
        if kind == "integer":
            return s.Literal(token.start, "integer", self.integer())
        if kind in ("decimal", "double"):
            self.advance()
            return s.Literal(token.start, kind, token.text.replace("_", ""))
        if kind == "binary":
            self.advance()
            return self.binary(token)
        if token.text == "?":
            self.advance()
            self.parameters += 1
            return s.Parameter(token.start, self.parameters - 1)
        if token.text == "(":
            return self.parenthesis()
        self.wrong()

    def binary(self, token: Token) -> s.Literal:
        try:
            return s.Literal(token.start, "binary", bytes.fromhex(token.text[2:-1]))
        except ValueError:
            message = "Binary literal must contain an even number of digits"
            raise error_at(self.text, token.start, "SYNTAX_ERROR", message) from None

    def parenthesis(self) -> Any:
        pos = self.token.start
        if self.is_lambda():
            return self.lambda_(pos)
        if self.peek_query():
            return s.ScalarQuery(pos, self.parenthesized_query())
        self.expect("(")
        items = self.comma_list(self.expression)
        self.expect(")")
        return items[0] if len(items) == 1 else s.RowLiteral(pos, items)

    def is_lambda(self) -> bool:
        """Does `( a, b ) ->` begin here?"""
        distance = 1
        while self.peek(distance).kind in ("word", "quoted") or self.peek(distance).text == ",":
            distance += 1
        return self.peek(distance).text == ")" and self.peek(distance + 1).text == "->"

    def lambda_(self, pos: int) -> s.Lambda:
        names: list[str] = []
        if self.accept("("):
            if not self.at(")"):
                names = self.comma_list(self.identifier)
            self.expect(")")
        else:
            names = [self.identifier()]
        self.expect("->")
        return s.Lambda(pos, tuple(names), self.expression())

    def peek_query(self) -> bool:
        """Does a parenthesized query begin here?"""
        distance = 0
        while self.peek(distance).text == "(":
            distance += 1
        if not distance or self.peek(distance).upper not in ("SELECT", "WITH", "VALUES", "TABLE"):
            return False
        return distance == 1 or self._query_in_parentheses(distance)

    def _query_in_parentheses(self, distance: int) -> bool:
        """After `((select …)`: a query only if its parenthesis is followed by a set operation or the end."""
        index, depth = self.index + distance, 1
        while depth and index < len(self.tokens) - 1:
            text = self.tokens[index].text
            depth += (text == "(") - (text == ")")
            index += 1
        return self.tokens[index].upper in (
            "UNION",
            "EXCEPT",
            "INTERSECT",
            "ORDER",
            "LIMIT",
            "OFFSET",
            "FETCH",
            ")",
        )

    def word(self) -> Any:
        token, following = self.token, self.peek()
        upper = token.upper
        handler = getattr(self, f"word_{upper.lower()}", None) if upper in _SPECIAL else None
        if handler is not None and (upper in RESERVED or upper not in _CALL_ONLY or following.text == "("):
            return handler()
        if upper in _NO_PARENTHESES:
            return self.current()
        if following.kind in ("string", "unicode") and upper not in RESERVED:
            return self.typed_literal()
        if following.text == "->" and upper not in RESERVED:
            return self.lambda_(token.start)
        if upper == "INTERVAL" and (following.kind == "string" or following.text in "+-"):
            return self.interval()
        if upper in ("TIMESTAMP", "TIME", "DOUBLE", "DECIMAL", "CHAR", "VARCHAR"):
            literal = self.try_typed_literal()
            if literal is not None:
                return literal
        if following.text == "(" and upper not in RESERVED:
            return self.call(self.identifier(), token.start)
        name = self.identifier()
        return self.qualified_call(name, token.start)

    def qualified_call(self, name: str, pos: int) -> Any:
        """A plain name, or a function's name with a schema in front of it."""
        return s.Column(pos, (name,))

    def word_null(self) -> s.Literal:
        return s.Literal(self.advance().start, "null", None)

    def word_true(self) -> s.Literal:
        return s.Literal(self.advance().start, "boolean", True)

    def word_false(self) -> s.Literal:
        return s.Literal(self.advance().start, "boolean", False)

    def word_case(self) -> s.Case:
        pos = self.expect("CASE").start
        operand = None if self.at("WHEN") else self.expression()
        branches = []
        while self.accept("WHEN"):
            condition = self.expression()
            self.expect("THEN")
            branches.append((condition, self.expression()))
        if not branches:
            self.wrong("Expecting: 'WHEN'")
        default = self.expression() if self.accept("ELSE") else None
        self.expect("END")
        return s.Case(pos, operand, branches, default)

    def word_cast(self, safe: bool = False) -> s.Cast:
        pos = self.advance().start
        self.expect("(")
        value = self.expression()
        self.expect("AS")
        type_name = self.type_name()
        self.expect(")")
        return s.Cast(pos, value, type_name, safe)

    def word_try_cast(self) -> s.Cast:
        return self.word_cast(safe=True)

    def word_exists(self) -> s.Exists:
        pos = self.expect("EXISTS").start
        return s.Exists(pos, self.parenthesized_query())

    def word_extract(self) -> s.Extract:
        pos = self.expect("EXTRACT").start
        self.expect("(")
        part = self.identifier()
        self.expect("FROM")
        value = self.value()
        self.expect(")")
        return s.Extract(pos, part, value)

    def word_array(self) -> Any:
        if self.peek().text != "[":
            return self.call(self.identifier(), self.token.start) if self.peek().text == "(" else self.plain()
        pos = self.advance().start
        self.expect("[")
        items = [] if self.at("]") else self.comma_list(self.expression)
        self.expect("]")
        return s.ArrayLiteral(pos, items)

    def plain(self) -> s.Column:
        return s.Column(self.token.start, (self.identifier(),))

    def word_row(self) -> Any:
        if self.peek().text != "(":
            return self.plain()
        pos = self.advance().start
        self.expect("(")
        items = self.comma_list(self.expression)
        self.expect(")")
        return s.RowLiteral(pos, items)

    def word_position(self) -> Any:
        pos = self.advance().start
        self.expect("(")
        needle = self.value()
        if self.at(","):
            rest = [self.expression() for _ in iter(lambda: self.accept(","), False)]
            self.expect(")")
            return s.Call(pos, "position", [needle, *rest])
        self.expect("IN")
        hay = self.value()
        self.expect(")")
        return s.Call(pos, "strpos", [hay, needle])

    def word_substring(self) -> Any:
        pos = self.advance().start
        self.expect("(")
        arguments = [self.value()]
        if self.accept("FROM"):
            arguments.append(self.value())
            if self.accept("FOR"):
                arguments.append(self.value())
        else:
            while self.accept(","):
                arguments.append(self.expression())
        self.expect(")")
        return s.Call(pos, "substr", arguments)

    def word_trim(self) -> Any:
        pos = self.advance().start
        self.expect("(")
        side = "trim"
        chosen = self.at("BOTH", "LEADING", "TRAILING")
        if chosen:
            side = {"BOTH": "trim", "LEADING": "ltrim", "TRAILING": "rtrim"}[self.advance().upper]
        if self.accept("FROM"):
            arguments = [self.value()]
        else:
            arguments = [self.value()]
            if self.accept("FROM"):
                arguments.insert(0, self.value())
            elif chosen:
                self.wrong("Expecting: 'FROM'")
            elif self.accept(","):
                arguments.append(self.value())
        self.expect(")")
        return s.Call(pos, side, arguments)

    def word_normalize(self) -> Any:
        pos = self.advance().start
        self.expect("(")
        value = self.value()
        form = "NFC"
        if self.accept(","):
            form = self.token.upper
            if form not in ("NFD", "NFC", "NFKD", "NFKC"):
                self.wrong()
            self.advance()
        self.expect(")")
        return s.Call(pos, "normalize", [value, s.Literal(pos, "string", form)])

    def word_grouping(self) -> Any:
        pos = self.advance().start
        self.expect("(")
        names = self.comma_list(self.value)
        self.expect(")")
        return s.Call(pos, "grouping", names)

    def word_listagg(self) -> Any:
        pos = self.advance().start
        self.expect("(")
        distinct = self.accept("DISTINCT")
        arguments = [self.expression()]
        if self.accept(","):
            arguments.append(s.Literal(self.token.start, "string", self.string()))
        extra: dict[str, Any] = {}
        if self.accept("ON", "OVERFLOW"):
            if self.accept("TRUNCATE"):
                extra["filler"] = self.string() if self.token.kind == "string" else "..."
                extra["count"] = self.accept("WITH", "COUNT")
                if not extra["count"]:
                    self.expect("WITHOUT", "COUNT")
            else:
                self.expect("ERROR")
        self.expect(")")
        self.expect("WITHIN", "GROUP", "(", "ORDER", "BY")
        order_by = self.comma_list(self.sort_item)
        self.expect(")")
        where = self.filter_clause()
        over = self.window_name_or_definition() if self.accept("OVER") else None
        return s.Call(pos, "listagg", arguments, distinct=distinct, order_by=order_by, where=where, over=over,
                      extra=extra)  # fmt: skip

    # -- JSON

    def word_json_exists(self) -> Any:
        return self.json_call("json_exists")

    def word_json_value(self) -> Any:
        return self.json_call("json_value")

    def word_json_query(self) -> Any:
        return self.json_call("json_query")

    def json_call(self, name: str) -> Any:
        pos = self.advance().start
        self.expect("(")
        value = self.expression()
        if self.accept("FORMAT", "JSON") and self.accept("ENCODING"):
            self.identifier()
        self.expect(",")
        path = self.string()
        extra: dict[str, Any] = {"path": path}
        if self.accept("PASSING"):
            extra["passing"] = self.comma_list(self.json_parameter)
        if self.accept("RETURNING"):
            extra["returning"] = self.type_name()
            if self.accept("FORMAT", "JSON") and self.accept("ENCODING"):
                self.identifier()
        if name == "json_query":
            self.json_wrapper(extra)
        while not self.at(")"):
            self.json_behaviour(extra)
        self.expect(")")
        return s.Call(pos, name, [value], extra=extra)

    def json_parameter(self) -> tuple[str, Any, bool]:
        """`value [FORMAT JSON] AS name`; a bare name is in capitals."""
        value = self.expression()
        is_json = self.accept("FORMAT", "JSON")
        self.expect("AS")
        quoted = self.token.kind == "quoted"
        name = self.token.text
        folded = self.identifier()
        return (name.strip('"').replace('""', '"') if quoted else folded.upper()), value, is_json

    def json_wrapper(self, extra: dict[str, Any]) -> None:
        if self.accept("WITHOUT"):
            self.accept("ARRAY")
            self.expect("WRAPPER")
        elif self.accept("WITH"):
            extra["wrapper"] = "conditional" if self.accept("CONDITIONAL") else "unconditional"
            self.accept("UNCONDITIONAL")
            self.accept("ARRAY")
            self.expect("WRAPPER")
        if self.at("KEEP", "OMIT"):
            extra["quotes"] = self.advance().upper
            self.expect("QUOTES")
            self.accept("ON", "SCALAR", "STRING")

    def json_behaviour(self, extra: dict[str, Any]) -> None:
        default: Any = None
        if self.accept("DEFAULT"):
            default = self.expression()
            choice = "DEFAULT"
        elif self.at("NULL", "ERROR", "EMPTY", "TRUE", "FALSE", "UNKNOWN"):
            choice = self.advance().upper
            if choice == "EMPTY" and self.at("ARRAY", "OBJECT"):
                choice = f"EMPTY {self.advance().upper}"
        else:
            self.wrong()
        self.expect("ON")
        when = self.token.upper
        if when not in ("EMPTY", "ERROR"):
            self.wrong()
        self.advance()
        extra[f"on_{when.lower()}"] = (choice, default)

    def word_json_array(self) -> Any:
        pos = self.advance().start
        self.expect("(")
        items: list[Any] = []
        if not self.at(")", "NULL", "ABSENT", "RETURNING") or (self.at("NULL") and self.peek().upper != "ON"):
            items = self.comma_list(self.json_member)
        extra = self.json_null_clause("ABSENT")
        self.expect(")")
        return s.Call(pos, "json_array", items, extra=extra)

    def json_member(self) -> Any:
        value = self.expression()
        if self.accept("FORMAT", "JSON"):
            return s.Call(value.pos, "json_parse", [value])
        return value

    def word_json_object(self) -> Any:
        pos = self.advance().start
        self.expect("(")
        items: list[Any] = []
        if not self.at(")", "ABSENT", "RETURNING") and not (self.at("NULL") and self.peek().upper == "ON"):
            for key, value in self.comma_list(self.json_pair):
                items += [key, value]
        extra = self.json_null_clause("NULL")
        self.expect(")")
        return s.Call(pos, "json_object", items, extra=extra)

    def json_pair(self) -> tuple[Any, Any]:
        if self.accept("KEY"):
            key = self.expression()
            self.expect("VALUE")
            return key, self.json_member()
        key = self.expression()
        if not self.accept(":"):
            self.expect("VALUE")
        return key, self.json_member()

    def json_null_clause(self, default: str) -> dict[str, Any]:
        choice = default
        if self.at("NULL", "ABSENT"):
            choice = self.advance().upper
            self.expect("ON", "NULL")
        if self.accept("WITH", "UNIQUE") or self.accept("WITHOUT", "UNIQUE"):
            self.accept("KEYS")
        if self.accept("RETURNING"):
            self.type_name()
            self.accept("FORMAT", "JSON")
        return {"nulls": choice}

    # -- literals with a type in front

    def current(self) -> s.CurrentTime:
        token = self.advance()
        precision = None
        if self.at("(") and token.upper not in ("CURRENT_DATE", "CURRENT_USER"):
            self.advance()
            precision = self.integer()
            self.expect(")")
        return s.CurrentTime(token.start, token.upper.lower(), precision)

    def typed_literal(self) -> Any:
        pos = self.token.start
        if self.at("INTERVAL"):
            return self.interval()
        name = self.identifier()
        return s.TypedLiteral(pos, s.TypeName(pos, name), self.string())

    def try_typed_literal(self) -> Any:
        """TIMESTAMP(3) '…', TIMESTAMP WITH TIME ZONE '…', DOUBLE PRECISION '…'; None when it is none of
        them."""
        start = self.index
        try:
            type_name = self.type_name()
        except Exception:
            type_name = None
        if type_name is not None and self.token.kind in ("string", "unicode"):
            return s.TypedLiteral(type_name.pos, type_name, self.string())
        self.index = start
        self.token = self.tokens[start]
        return None

    def interval(self) -> s.IntervalLiteral | s.TypedLiteral:
        """INTERVAL '1' DAY; without a unit it is a literal of a type of that name, which there is not."""
        pos = self.expect("INTERVAL").start
        sign = 1
        if self.token.text in ("+", "-"):
            sign = -1 if self.advance().text == "-" else 1
        value = self.string()
        unit = self.token.upper
        if unit not in _INTERVAL_UNITS and self.peek(-2).text not in ("+", "-"):
            return s.TypedLiteral(pos, s.TypeName(pos, "interval"), value)
        if unit not in _INTERVAL_UNITS:
            self.wrong("Expecting: 'DAY', 'HOUR', 'MINUTE', 'MONTH', 'SECOND', 'YEAR'")
        self.advance()
        until = None
        if self.accept("TO"):
            until = self.token.upper
            if until not in _INTERVAL_UNITS:
                self.wrong()
            self.advance()
        return s.IntervalLiteral(pos, sign, value, unit, until)

    def type_name(self) -> s.TypeName:
        pos = self.token.start
        if self.at("INTERVAL"):
            self.advance()
            first = self.advance().upper
            self.expect("TO")
            return s.TypeName(pos, f"interval {first.lower()} to {self.advance().upper.lower()}")
        name = self.identifier()
        if name == "double":
            self.accept("PRECISION")
        if name == "row":
            self.expect("(")
            fields = self.comma_list(self.type_field)
            self.expect(")")
            return self.array_suffix(s.TypeName(pos, "row", tuple(fields)))
        arguments: tuple[Any, ...] = ()
        if name in ("array", "map") and self.accept("<"):
            arguments = tuple(self.comma_list(self.type_name))
            self.expect(">")
        elif self.accept("("):
            arguments = tuple(self.comma_list(self.type_argument))
            self.expect(")")
        if name in ("timestamp", "time"):
            if self.accept("WITH", "TIME", "ZONE"):
                name += " with time zone"
            else:
                self.accept("WITHOUT", "TIME", "ZONE")
        return self.array_suffix(s.TypeName(pos, name, arguments))

    def array_suffix(self, type_name: s.TypeName) -> s.TypeName:
        while self.at("ARRAY") and self.peek().text != "[":
            pos = self.advance().start
            type_name = s.TypeName(pos, "array", (type_name,))
        return type_name

    def type_argument(self) -> Any:
        return self.integer() if self.token.kind == "integer" else self.type_name()

    def type_field(self) -> tuple[str | None, s.TypeName]:
        following = self.peek()
        named = following.kind in ("word", "quoted") and following.upper not in ("PRECISION", "WITH",
                                                                              "WITHOUT", "TO")  # fmt: skip
        if following.upper == "ARRAY":  # `a array(bigint)` has a name, `bigint array` has none
            named = self.peek(2).text in ("(", "<")
        if named or self.token.kind == "quoted":
            return self.identifier(), self.type_name()
        return None, self.type_name()

    # -- calls

    def call(self, name: str, pos: int) -> Any:
        self.expect("(")
        call = s.Call(pos, name, [])
        if self.token.text == "*" and self.peek().text == ")":
            self.advance()
            call.star = True
        elif not self.at(")"):
            if self.accept("DISTINCT"):
                call.distinct = True
            else:
                self.accept("ALL")
            if not self.at("ORDER"):
                call.arguments = self.comma_list(self.expression)
            if self.accept("ORDER", "BY"):
                call.order_by = self.comma_list(self.sort_item)
        self.expect(")")
        call.where = self.filter_clause()
        if self.at("IGNORE", "RESPECT") and self.peek().upper == "NULLS":
            call.nulls = self.advance().upper
            self.advance()
            if not self.at("OVER"):
                self.wrong("Expecting: 'OVER'")
        if self.accept("OVER"):
            call.over = self.window_name_or_definition()
        return call

    def filter_clause(self) -> Any:
        if not (self.at("FILTER") and self.peek().text == "("):
            return None
        self.advance()
        self.expect("(", "WHERE")
        condition = self.expression()
        self.expect(")")
        return condition

    def window_name_or_definition(self) -> Any:
        if not self.at("("):
            return self.identifier()
        self.expect("(")
        window = self.window_definition()
        self.expect(")")
        return window

    def window_definition(self) -> s.Window:
        pos = self.token.start
        base = None
        if self.is_identifier() and not self.at("PARTITION", "ROWS", "RANGE", "GROUPS", "MEASURES"):
            base = self.identifier()
        partition: list[Any] = []
        order_by: list[s.SortItem] = []
        if self.accept("PARTITION", "BY"):
            partition = self.comma_list(self.expression)
        if self.accept("ORDER", "BY"):
            order_by = self.comma_list(self.sort_item)
        frame = self.frame() if self.at("ROWS", "RANGE", "GROUPS") else None
        return s.Window(pos, base, partition, order_by, frame)

    def frame(self) -> s.Frame:
        token = self.advance()
        if self.accept("BETWEEN"):
            start = self.frame_bound()
            self.expect("AND")
            return s.Frame(token.start, token.upper, start, self.frame_bound())
        return s.Frame(token.start, token.upper, self.frame_bound(), None)

    def frame_bound(self) -> tuple[str, Any]:
        for words in (("UNBOUNDED", "PRECEDING"), ("UNBOUNDED", "FOLLOWING"), ("CURRENT", "ROW")):
            if self.accept(*words):
                return " ".join(words), None
        value = self.expression()
        if not self.at("PRECEDING", "FOLLOWING"):
            self.wrong("Expecting: 'PRECEDING', 'FOLLOWING'")
        return self.advance().upper, value

    def sort_item(self) -> s.SortItem:
        pos = self.token.start
        value = self.expression()
        descending = False
        if self.at("ASC", "DESC"):
            descending = self.advance().upper == "DESC"
        nulls_first = None
        if self.accept("NULLS"):
            if not self.at("FIRST", "LAST"):
                self.wrong("Expecting: 'FIRST', 'LAST'")
            nulls_first = self.advance().upper == "FIRST"
        return s.SortItem(pos, value, descending, nulls_first)

    def comma_list(self, parse: Any) -> list[Any]:
        items = [parse()]
        while self.accept(","):
            items.append(parse())
        return items

    def parenthesized_query(self) -> s.Query:
        raise NotImplementedError


_SPECIAL = frozenset(
    """NULL TRUE FALSE CASE CAST TRY_CAST EXISTS EXTRACT ARRAY ROW POSITION SUBSTRING TRIM NORMALIZE GROUPING
    LISTAGG JSON_EXISTS JSON_VALUE JSON_QUERY JSON_ARRAY JSON_OBJECT""".split()
)
_CALL_ONLY = frozenset(["TRY_CAST", "POSITION", "SUBSTRING"])  # plain names unless "(" follows


def _negated(negated: bool, pos: int, node: s.Node) -> s.Node:
    return s.Unary(pos, "NOT", node) if negated else node


def _unicode(quoted: str) -> str:
    """The text of U&'\\0041': four digits after a backslash, six after `\\+`."""
    import re

    body = quoted[1:-1].replace("''", "'")

    def letter(match: re.Match[str]) -> str:
        return "\\" if match[0] == "\\\\" else chr(int((match[1] or match[2]), 16))

    return re.sub(r"\\(?:([0-9a-fA-F]{4})|\+([0-9a-fA-F]{6})|\\)", letter, body)

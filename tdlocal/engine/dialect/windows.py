"""OVER: window functions, named windows and their frames."""

from __future__ import annotations

from typing import Any

from tdlocal.engine.dialect import aggregates as agg
from tdlocal.engine.dialect import kinds as k
from tdlocal.engine.dialect import syntax as s
from tdlocal.engine.dialect.values import Value
from tdlocal.engine.dialect.walking import calls
from tdlocal.engine.failures import failure


class WindowMixin:
    """Part of the query compiler: `window(over)` gives the text of an OVER clause."""

    def window_function(self: Any, node: s.Call, over: str) -> Value:
        values = [self.argument(item) for item in node.arguments]
        offset = values[1].constant if len(values) > 1 and values[1].is_constant else None
        if node.name in ("lag", "lead"):
            if isinstance(offset, int) and offset < 0:
                raise failure("INVALID_FUNCTION_ARGUMENT", "Offset must be at least 0")
            if len(values) > 1 and values[1].kind.name == "unknown":
                raise failure("INVALID_FUNCTION_ARGUMENT", "Offset must not be null")
            if "ORDER BY" not in over:
                message = f"{node.name} function requires an ORDER BY window clause"
                pos = node.over.pos if isinstance(node.over, s.Window) else node.pos
                raise self.error(pos, "MISSING_ORDER_BY", message)
        if node.name == "nth_value" and isinstance(offset, int) and offset < 1:
            raise failure("INVALID_FUNCTION_ARGUMENT", "Offset must be at least 1")
        made = self.placed(node.pos, agg.from_table, self, agg.WINDOW_ONLY, node, values)
        nulls = " IGNORE NULLS" if node.nulls == "IGNORE" else ""
        if nulls and agg.NULLS not in made.sql:
            raise self.error(
                node.pos,
                "NULL_TREATMENT_NOT_ALLOWED",
                f"Cannot specify null treatment clause for {node.name} function",
            )
        sql = made.sql.replace(agg.NULLS, nulls).replace(agg.OVER, over)
        return Value(sql, made.kind, zone=made.zone)

    def sort_list(self: Any, order_by: list[s.SortItem]) -> str:
        return ", ".join(never_bare(self.expression(item.value)) + direction(item) for item in order_by)

    def window(self: Any, over: Any) -> str:
        window = self.named_window(over) if isinstance(over, str) else self.based(over)
        for call in calls([window.partition, window.order_by, window.frame]):
            if call.over is not None:
                message = "Cannot nest window functions or row pattern measures inside window specification"
                raise self.error(call.pos, "NESTED_WINDOW", message)
        parts = []
        if window.partition:
            keys = []
            for item in window.partition:
                mark = len(self.pending)
                keys.append(never_bare(self.expression(item)))
                self.uncovered(mark, item, "PARTITION BY expression ")
            parts.append(f"PARTITION BY {', '.join(keys)}")
        if window.order_by:
            parts.append("ORDER BY " + self.sort_list(window.order_by))
        if window.frame is not None:
            parts.append(self.frame(window.frame, window))
        return f" OVER ({' '.join(parts)})"

    def named_window(self: Any, name: str) -> s.Window:
        if name not in self.windows:
            raise self.error(0, "INVALID_WINDOW_REFERENCE", f"Cannot resolve WINDOW name {name}")
        found: s.Window = self.based(self.windows[name])
        return found

    def based(self: Any, window: s.Window) -> s.Window:
        if window.base is None:
            return window
        base = self.named_window(window.base)
        if window.partition:
            message = "WINDOW specification with named WINDOW reference cannot specify PARTITION BY"
            raise self.error(window.partition[0].pos, "INVALID_PARTITION_BY", message)
        if window.order_by and base.order_by:
            message = "Cannot specify ORDER BY if referenced named WINDOW specifies ORDER BY"
            raise self.error(window.order_by[0].pos, "INVALID_ORDER_BY", message)
        if base.frame is not None:
            message = "Cannot reference named WINDOW containing frame specification"
            raise self.error(window.pos, "INVALID_WINDOW_REFERENCE", message)
        return s.Window(window.pos, None, base.partition, window.order_by or base.order_by, window.frame)

    def frame(self: Any, frame: s.Frame, window: s.Window) -> str:
        self.check_frame(frame, window)
        start = self.bound(frame, window, frame.start)
        if frame.end is None:
            return f"{frame.kind} {start}"
        return f"{frame.kind} BETWEEN {start} AND {self.bound(frame, window, frame.end, 'end')}"

    def check_frame(self: Any, frame: s.Frame, window: s.Window) -> None:
        first, last = frame.start[0], frame.end[0] if frame.end is not None else "CURRENT ROW"
        for wrong, side in (("UNBOUNDED FOLLOWING", "start"), ("UNBOUNDED PRECEDING", "end")):
            if wrong == (first if side == "start" else last):
                message = f"Window frame {side} cannot be {wrong}"
                raise self.error(frame.pos, "INVALID_WINDOW_FRAME", message)
        if first == "FOLLOWING" and last in ("PRECEDING", "CURRENT ROW"):
            message = f"Window frame starting from FOLLOWING cannot end with {last}"
            raise self.error(frame.pos, "INVALID_WINDOW_FRAME", message)
        if first == "CURRENT ROW" and last == "PRECEDING":
            message = "Window frame starting from CURRENT ROW cannot end with PRECEDING"
            raise self.error(frame.pos, "INVALID_WINDOW_FRAME", message)
        counted = {first, last} & {"PRECEDING", "FOLLOWING"}
        if frame.kind in ("RANGE", "GROUPS") and counted and not window.order_by:
            message = f"Window frame of type {frame.kind} PRECEDING or FOLLOWING requires ORDER BY"
            raise self.error(frame.pos, "MISSING_ORDER_BY", message)
        if frame.kind == "RANGE" and counted and len(window.order_by) > 1:
            message = (
                "Window frame of type RANGE PRECEDING or FOLLOWING requires single sort item in ORDER BY"
                f" (actual: {len(window.order_by)})"
            )
            raise self.error(window.pos, "INVALID_ORDER_BY", message)

    def bound(
        self: Any, frame: s.Frame, window: s.Window, bound: tuple[str, Any], side: str = "start"
    ) -> str:
        word, node = bound
        if node is None:
            return word
        value = self.expression(node)
        if frame.kind == "RANGE":
            self.check_range(self.expression(window.order_by[0].value), value, window, node)
        elif value.kind.name not in k.INTEGERS and not (
            value.kind.name == "decimal" and value.kind.sizes[1] == 0
        ):
            message = (
                f"Window frame {frame.kind} {side} value type must be exact numeric type with scale 0"
                f" (actual {value.kind})"
            )
            raise self.error(node.pos, "TYPE_MISMATCH", message)
        return f"{value.sql} {word}"

    def check_range(self: Any, key: Value, value: Value, window: s.Window, node: Any) -> None:
        """What RANGE counts must add to what it sorts by."""
        pos = window.order_by[0].value.pos
        if not (k.is_number(key.kind) or key.kind.name.startswith(("date", "time", "interval"))):
            message = (
                "Window frame of type RANGE PRECEDING or FOLLOWING requires that sort item type be numeric,"
                f" datetime or interval (actual: {key.kind})"
            )
            raise self.error(pos, "TYPE_MISMATCH", message)
        if k.is_number(key.kind) != k.is_number(value.kind) or (
            not k.is_number(value.kind) and not value.kind.name.startswith("interval")
        ):
            message = (
                f"Window frame RANGE value type ({value.kind}) not compatible with sort item type"
                f" ({key.kind})"
            )
            raise self.error(node.pos, "TYPE_MISMATCH", message)


def never_bare(value: Value) -> str:
    """No bare number, which GROUP BY and ORDER BY would take for a place."""
    if value.is_constant or value.kind.name == "unknown":
        return f"CAST({value.sql} AS {k.duck(value.kind)})"
    return value.sql


def direction(item: s.SortItem) -> str:
    return f"{' DESC' if item.descending else ' ASC'} NULLS {'FIRST' if item.nulls_first else 'LAST'}"

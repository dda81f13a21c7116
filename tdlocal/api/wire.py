"""Routes, requests, replies and faults: all that the areas of the API know about HTTP.

An area is a module of functions, each marked with its method, its path and the place where its
shape was read:

    @route("GET", "/v3/database/list", source="td-client-python 1.7 tdclient/database_api.py")
    def list_databases(account, request):
        return {"databases": [...]}

Functions run in a worker thread, so they may wait. They return a dict or list (compact JSON, 200)
or a `Reply`, and raise `Fault` or one of tdlocal.account.errors.
"""

from __future__ import annotations

import json as json_module
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, unquote

import orjson

from tdlocal.account.errors import AccountError, AlreadyThere, NotThere, Refused

if TYPE_CHECKING:
    from tdlocal.account.account import Account

BODY_LIMIT = 32 * 2**20  # bytes of a request body, unless the route says otherwise

Body = bytes | str | dict[str, Any] | list[Any] | Iterator[bytes]
Handler = Callable[..., Any]
HandlerType = TypeVar("HandlerType", bound=Handler)


LARGEST_NUMBER = 2**62  # of a parameter: sums of two still fit into 64 bits


class Fault(Exception):
    """An answer that is not a success.

    Args:
        status: HTTP status.
        message: the sentence a client shows.
        body: a whole answer body instead of Treasure Data's usual error object.
        headers: more answer headers, e.g. Retry-After.
    """

    def __init__(
        self, status: int, message: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.body = status, message, body
        self.headers = dict(headers or {})


@dataclass
class Reply:
    """An answer that is not plain JSON with status 200.

    `body` is bytes or text as they are, a dict or list (compact JSON), or an iterator of chunks.
    """

    status: int = 200
    body: Body = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Request:
    """One request. `headers` has lower-case names; `path` is decoded; `key` is the API key as presented."""

    method: str
    path: str
    query_string: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @cached_property
    def query(self) -> dict[str, str]:
        """Parameters of the address; the last one wins when a name is given twice."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def content_type(self) -> str:
        """The body's media type, lower case, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @cached_property
    def json(self) -> Any:
        """The parsed JSON body, None when there is none. Broken JSON that calls itself JSON is a 400."""
        if not self.body:
            return None
        declared = self.content_type.endswith("json")
        if not declared and self.body.lstrip()[:1] not in (b"{", b"["):
            return None
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            if declared:
                raise Fault(400, f"the body is not JSON: {error}") from None
            return None

    @cached_property
    def params(self) -> dict[str, str]:
        """Query, form, multipart and flat JSON parameters in one; the body wins over the address.

        Values of a JSON body become text: numbers and booleans as JSON writes them, lists and objects as
        JSON text, nulls are left out.
        """
        return {**self.query, **self._body_params()}

    def _body_params(self) -> dict[str, str]:
        if self.content_type == "multipart/form-data":
            return multipart_fields(self.headers["content-type"], self.body)
        if isinstance(self.json, dict):
            return {name: as_text(value) for name, value in self.json.items() if value is not None}
        if self.content_type == "application/x-www-form-urlencoded":
            try:
                return dict(parse_qsl(self.body.decode(), keep_blank_values=True))
            except (UnicodeDecodeError, ValueError) as error:
                raise Fault(400, f"the form cannot be read: {error}") from None
        return {}

    @property
    def key(self) -> str:
        """The API key as presented: `TD1 key`, bare key, Bearer, Basic password, the Trino user, or the write
        key of an event, which pages send in the address."""
        given = self.headers.get("authorization", "").strip()
        if not given:
            in_headers = [
                self.headers.get(name) for name in ("x-trino-user", "x-presto-user", "x-td-write-key")
            ]
            in_address = ("api_key", "td_write_key") if self.path.startswith(("/js/", "/postback/")) else ()
            return next(filter(None, [*in_headers, *[self.query.get(name) for name in in_address]]), "")
        scheme, _, rest = given.partition(" ")
        if scheme.lower() == "basic":
            return basic_key(rest)
        return rest.strip() if scheme.lower() in ("td1", "bearer") else given

    def number(self, name: str, default: int | None = None) -> int:
        """A whole-number parameter; 422 when it is absent without default, or no number."""
        text = self.params.get(name, "")
        if text == "" and default is not None:
            return default
        try:
            value = int(text)
        except ValueError:
            raise Fault(422, f"parameter {name!r} must be a whole number, not {text[:40]!r}") from None
        if abs(value) > LARGEST_NUMBER:
            raise Fault(422, f"parameter {name!r} is too large")
        return value

    def required(self, name: str) -> str:
        """A parameter that must be there; 422 when it is not."""
        value = self.params.get(name)
        if value is None:
            raise Fault(422, f"parameter {name!r} is required")
        return value


@dataclass(frozen=True)
class Route:
    """One method and path, its function, and what docs/coverage.md says about it."""

    method: str
    path: str
    source: str
    handler: Handler
    auth: bool = True
    body_limit: int = BODY_LIMIT
    partly: str = ""  # what of it is missing, when something is
    lacking: str = ""  # why it answers 501, when it does

    @cached_property
    def segments(self) -> tuple[str, ...]:
        return tuple(part for part in self.path.split("/") if part)


ROUTES: list[Route] = []


def route(
    method: str,
    path: str,
    *,
    source: str,
    auth: bool = True,
    body_limit: int = BODY_LIMIT,
    partly: str = "",
) -> Callable[[HandlerType], HandlerType]:
    """Mark a function as the answer to *method* and *path*; `{name}` parts become its arguments.

    Args:
        method: GET, POST, PUT, PATCH or DELETE.
        path: without trailing slash; one may be sent.
        source: the client file or page in which the shape was read.
        auth: False when no API key is asked for.
        body_limit: largest body in bytes; more is a 413.
        partly: what the real service does here and this one does not, for docs/coverage.md.
    """

    def mark(handler: HandlerType) -> HandlerType:
        ROUTES.append(Route(method, path, source, handler, auth, body_limit, partly))
        return handler

    return mark


def lacks(method: str, path: str, *, source: str, why: str) -> None:
    """Declare a call that is known and not supported: it answers 501 and says *why*."""

    def refuse(account: Account, request: Request, **_: str) -> Any:
        raise Fault(501, f"{method} {path} is not supported by tdlocal: {why}")

    ROUTES.append(Route(method, path, source, refuse, lacking=why))


class Router:
    """Finds the route of a request; literal parts win over variables."""

    def __init__(self, routes: list[Route]) -> None:
        self._by_shape: dict[tuple[str, int], list[Route]] = {}
        for one in routes:
            self._by_shape.setdefault((one.method, len(one.segments)), []).append(one)
        for group in self._by_shape.values():
            group.sort(key=lambda one: [part.startswith("{") for part in one.segments])

    def find(self, method: str, raw_path: str) -> tuple[Route, dict[str, str]] | None:
        """Return the route and its path variables (percent-decoded), or None.

        Repeated and trailing slashes do not count: td-client sends `//v3/…`.
        """
        parts = [unquote(part) for part in raw_path.split("/") if part]
        for one in self._by_shape.get((method, len(parts)), ()):
            variables = {}
            for pattern, part in zip(one.segments, parts, strict=True):
                if pattern[0] == "{":
                    variables[pattern[1:-1]] = part
                elif pattern != part:
                    break
            else:
                return one, variables
        return None


def fault_of(error: Exception) -> Fault | None:
    """Return the answer that an exception of an area or the account stands for; None when it is a bug."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, AccountError):
        status = {NotThere: 404, AlreadyThere: 409, Refused: 422}.get(type(error), 422)
        body = error.body
        if body is None and isinstance(error, AlreadyThere) and error.conflicts_with is not None:
            body = error_body(error.message) | {"details": {"conflicts_with": error.conflicts_with}}
        return Fault(status, error.message, body)
    return None


def error_body(message: str) -> dict[str, Any]:
    """Treasure Data's error object; Java reads `text`, Python the whole."""
    return {"error": message, "text": message, "message": message, "severity": "error"}


def encode_json(value: Any) -> bytes:
    """Compact JSON: shell clients cut `"job_id":"` out of the text."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS, default=str)


def as_text(value: Any) -> str:
    """A JSON value as a parameter's text."""
    if isinstance(value, str):
        return value
    return json_module.dumps(value, separators=(",", ":"), ensure_ascii=False)


def basic_key(encoded: str) -> str:
    """The key in HTTP Basic credentials: the password, or the user when there is no password."""
    import base64
    import binascii

    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
    return password or user


def multipart_fields(content_type: str, body: bytes) -> dict[str, str]:
    """Read a multipart/form-data body into text fields; 400 when it is broken."""
    from python_multipart.multipart import MultipartParser, parse_options_header

    reader = _Fields()
    try:
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary:
            raise Fault(400, "the multipart body has no boundary")
        parser = MultipartParser(boundary, reader.callbacks())
        parser.write(body)
        parser.finalize()
        fields = {name.decode(): bytes(value).decode() for name, value in reader.fields}
    except (ValueError, KeyError, UnicodeDecodeError) as error:
        raise Fault(400, f"the multipart body cannot be read: {error}") from None
    if not reader.ended:
        raise Fault(400, "the multipart body ends too early")
    return fields


class _Fields:
    """Collects the parts of a multipart body; file names are of no interest."""

    def __init__(self) -> None:
        self.fields: list[tuple[bytes, bytearray]] = []
        self.ended = False
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._name: bytes | None = None
        self._value = bytearray()

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._field,
            "on_header_value": self._header,
            "on_header_end": self._header_end,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._name, self._value = None, bytearray()

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _header(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_end(self) -> None:
        from python_multipart.multipart import parse_options_header

        if bytes(self._header_name).lower() == b"content-disposition":
            self._name = parse_options_header(bytes(self._header_value))[1].get(b"name")
        self._header_name, self._header_value = bytearray(), bytearray()

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end(self) -> None:
        if self._name is None:
            raise ValueError("a part has no name")
        self.fields.append((self._name, self._value))

    def _finish(self) -> None:
        self.ended = True

"""http> and http_call>: requests to web services; Treasure Data's hosts lead to the local account."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from tdlocal.operators.base import Job, Result, Stopped, TaskFailure, as_list, as_text
from tdlocal.operators.process import TD_HOST
from tdlocal.workflow.faults import ConfigError, Fault, Place
from tdlocal.workflow.model import as_integer, workflow_of
from tdlocal.workflow.parameters import Update
from tdlocal.workflow.yaml_reader import Section, read_yaml

MOST = 64 * 1024  # characters that are stored, or that an answer of http_call> may have
TRIED_AGAIN = ("GET", "HEAD", "OPTIONS", "TRACE")
PAUSES = (1, 2, 4, 8, 16, 30)  # seconds between tries; the last one for ever
REDIRECTS = 8
AGENT = "Digdag/0.10.6 (tdlocal)"


class Answer:
    """What came back."""

    def __init__(self, status: int, reason: str, body: bytes, content_type: str) -> None:
        self.status, self.reason, self.body, self.content_type = status, reason, body, content_type

    @property
    def text(self) -> str:
        """The body as text, by its charset."""
        charset = re.search(r"charset=\"?([\w-]+)", self.content_type)
        try:
            return self.body.decode(charset[1] if charset else "utf-8", "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")


def run(job: Job) -> Result:
    """Send a request; a status of 400 or more fails the task."""
    answer = _request(job)
    stored: dict[str, Any] = {}
    resets: list[tuple[str, ...]] = []
    if job.flag("store_content", family="http"):
        text = answer.text
        if len(text) > MOST:
            raise TaskFailure(f"Response content too large: {len(text)} > {MOST}", retriable=False)
        stored["last_content"] = text
        resets.append(("http", "last_content"))
    stored["last_status"] = answer.status
    return Result(
        Update(resets, {"http": stored}), note=str(answer.status), effect=_method(job) not in TRIED_AGAIN
    )


def call(job: Job) -> Result:
    """http_call>: the answer is a workflow, whose tasks run below this one."""
    answer = _request(job)
    text = answer.text
    most = int(job.services.settings.system.get("config.http_call.max_response_content_size", MOST))
    if len(text) > most:
        raise TaskFailure(f"Response content too large: {len(text)} > {most}", retriable=False)
    kind = (
        (job.text("content_type_override", None, "http") or answer.content_type).split(";")[0].strip().lower()
    )
    if kind not in ("application/json", "application/x-yaml", "application/yaml"):
        raise TaskFailure(
            f"Unsupported Content-Type: {kind or '(none)'}",
            retriable=False,
            mend="the service must answer application/json or application/x-yaml",
        )
    section = _workflow(job, kind, text)
    body = Section(
        (key, value) for key, value in section.items() if key not in ("timezone", "schedule", "sla")
    )
    body.place = job.place
    body.marks = dict.fromkeys(body, job.place)
    return Result(subtasks=body or None, effect=False, note=str(answer.status))


def _workflow(job: Job, kind: str, text: str) -> Section:
    faults: list[Fault] = []
    shown = job.folder / f"the answer of {job.name}"
    section: Section | None = None
    if kind == "application/json":
        try:
            loaded = json.loads(text)
        except ValueError as error:
            raise ConfigError(f"the answer is not JSON: {error}") from None
        if not isinstance(loaded, dict):
            raise ConfigError("the answer is not a workflow: expected a JSON object")
        section = Section(loaded, job.place)
    else:
        section = read_yaml(shown, job.services.project.root, faults, text)
    if section is not None:
        workflow_of(section, shown, faults, "http_call")
    if faults or section is None:
        problems = "; ".join(fault.problem for fault in sorted(set(faults), key=_line))
        raise ConfigError(f"the answer is not a workflow: {problems}")
    return section


def _line(fault: Fault) -> tuple[Place, str]:
    return fault.place, fault.problem


def _method(job: Job) -> str:
    return (job.text("method", "GET", "http") or "GET").upper()


def _request(job: Job) -> Answer:
    """The answer of a request that went well, tried again as Digdag does.

    Raises:
        TaskFailure: the answer is a fault, or there is none.
    """
    import urllib3

    secret_uri = job.find_secret("http.uri")
    uri = job.services.current(job.with_secrets(secret_uri or as_text(job.need_command())))
    method = _method(job)
    headers, body = _headers_and_body(job)
    url = _with_query(uri, job.with_secrets(job.get("query", None, "http")), job)
    shown = "http://***" if secret_uri else url
    timeout = job.number("timeout", 30, "http")
    target = _local(job, url)
    pool = urllib3.PoolManager(timeout=timeout, retries=False, cert_reqs="CERT_REQUIRED")
    always = job.get("retry", None, "http")
    repeat = method in TRIED_AGAIN if always is None else job.flag("retry", family="http")
    tries = 0
    while True:
        problem, again = "", repeat
        try:
            answer = _send(
                pool, method, target, headers, body, job.flag("follow_redirects", True, "http"), job
            )
            if answer.status < 400:
                return answer
            problem = _problem(answer, method, shown, job)
            again = answer.status in (408, 429) or (answer.status >= 500 and repeat)
        except urllib3.exceptions.HTTPError as error:
            problem = _no_answer(error)
        if not again:
            raise TaskFailure(
                problem, shown=f"{problem} from {method} {shown}" if shown not in problem else problem
            )
        pause = PAUSES[min(tries, len(PAUSES) - 1)]
        tries += 1
        job.services.console.warning(f"{job.name}: {problem}: trying again in {pause} s")
        if job.services.stopping.wait(pause):
            raise Stopped


def _no_answer(error: Exception) -> str:
    """Why there was no answer, in Digdag's words where it has some."""
    import urllib3

    if "refused" in str(error):
        return "Connection refused (runtime)"
    if isinstance(error, urllib3.exceptions.TimeoutError) and not isinstance(
        error, urllib3.exceptions.NewConnectionError
    ):
        return "java.util.concurrent.TimeoutException (runtime)"
    return f"{error} (runtime)"


def _send(
    pool: Any, method: str, url: str, headers: dict[str, str], body: bytes | None, follow: bool, job: Job
) -> Answer:
    for _ in range(REDIRECTS + 1):
        send = dict(headers)
        if body is None and method in ("POST", "PUT", "PATCH"):
            send["Content-Length"] = "0"
        answer = pool.urlopen(method, url, headers=send, body=body, redirect=False, assert_same_host=False)
        location = answer.headers.get("Location")
        if not (follow and location and answer.status in (301, 302, 303, 307, 308)):
            break
        from urllib.parse import urljoin

        url = _local(job, urljoin(url, location))
        if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):
            method, body = "GET", None
    return Answer(answer.status, answer.reason or "", answer.data, answer.headers.get("Content-Type", ""))


def _local(job: Job, url: str) -> str:
    """*url*, or the same path of the local account where it names a Treasure Data host."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ConfigError(f"{url!r} is no http or https address")
    if not TD_HOST.fullmatch(parts.hostname or ""):
        return url
    account = urlsplit(job.services.account().url)
    return urlunsplit((account.scheme, account.netloc, parts.path or "/", parts.query, ""))


def _with_query(uri: str, query: Any, job: Job) -> str:
    if not query:
        return uri
    if isinstance(query, dict):
        plain = job.text("query_format", None, "http")
        pairs = {key: as_text(value) for key, value in query.items()}
        text = (
            "&".join(f"{key}={value}" for key, value in pairs.items()) if plain == "raw" else urlencode(pairs)
        )
    else:
        text = as_text(query)
    return f"{uri}{'&' if '?' in uri else '?'}{text}"


def _headers_and_body(job: Job) -> tuple[dict[str, str], bytes | None]:
    headers = {"User-Agent": AGENT, "Accept-Encoding": "gzip"}
    find = job.find_secret
    user, password = find("http.user") or job.text("user", None, "http"), find("http.password") or ""
    if authorization := find("http.authorization"):
        headers["Authorization"] = authorization
    elif user:
        headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    content_type, body = _content(job)
    if content_type:
        headers["Content-Type"] = content_type
    given = job.get("headers", [], "http")
    for item in as_list(given, "headers"):
        if not isinstance(item, dict):
            raise ConfigError("headers takes a list of {name: value}")
        for key, value in item.items():
            for known in [known for known in headers if known.lower() == key.lower()]:
                del headers[known]
            headers[key] = job.with_secrets(as_text(value))
    return headers, body


def _content(job: Job) -> tuple[str, bytes | None]:
    content = job.get("content", None, "http")
    if content is None:
        return "", None
    content = job.with_secrets(content)
    kind = job.text("content_format", None, "http") or (
        "json" if isinstance(content, (dict, list)) else "text"
    )
    if kind == "form":
        if not isinstance(content, dict):
            raise ConfigError("content_format: form needs a map as content")
        default, text = (
            "application/x-www-form-urlencoded",
            urlencode({k: as_text(v) for k, v in content.items()}),
        )
    elif kind == "json":
        default, text = "application/json", json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    elif kind == "text":
        if isinstance(content, (dict, list)):
            raise ConfigError("content_format: text needs a text as content")
        default, text = "plain/text", as_text(content)
    else:
        raise ConfigError(f"content_format must be text, json or form but is {kind!r}")
    return job.text("content_type", None, "http") or default, text.encode()


def _problem(answer: Answer, method: str, shown: str, job: Job) -> str:
    longest = as_integer(job.get("error_content_max_length", 200, "http"), "error_content_max_length")
    told = f"{method} {shown} - {answer.status} {answer.reason}: {answer.text[:longest]}"
    if answer.status in (408, 429):
        return f"Failed HTTP request: {told}"
    return f"HTTP {answer.status // 100}XX {'Client' if answer.status < 500 else 'Server'} Error: {told}"

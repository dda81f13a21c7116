"""http>, http_call> and mail> against real servers on loopback."""

import json
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.runner.kit import Project
from tests.runner.test_conformance import PATTERNS, pattern
from tests.support import needs_shared


class Service:
    """Notes every request; what it answers is set by path."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.answers: dict[str, list[tuple[int, str, str]]] = {}
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(size).decode()
                note = {
                    "method": self.command,
                    "path": self.path,
                    "headers": dict(self.headers),
                    "body": body,
                }
                service.seen.append(note)
                answers = service.answers.get(
                    self.path.split("?")[0], [(200, "application/json", '{"ok": true}')]
                )
                status, kind, text = answers.pop(0) if len(answers) > 1 else answers[0]
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", text)
                    text = ""
                data = text.encode()
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_POST = do_PUT = do_GET

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.server.shutdown()


def run(project: Project, service: Service, text: str) -> Any:
    project.write("main.dig", text)
    return project.run("-p", f"url={service.url}", "--no-save")


def test_bodies_and_their_types(project: Project, service: Service) -> None:
    ended = run(
        project,
        service,
        "_export: {http: {method: POST}}\n"
        "+a:\n  http>: ${url}/obj\n  content: {k: v, n: 1, t: '${1+1}'}\n"
        "+b:\n  http>: ${url}/form\n  content: {k: v w, n: 1}\n  content_format: form\n"
        "+c:\n  http>: ${url}/text\n  content: hello\n"
        "+d:\n  http>: ${url}/json\n  content: hello\n  content_format: json\n"
        "  content_type: application/x-c\n"
        "+e:\n  http>: ${url}/arr\n  content: [1, a]\n  method: put\n+f:\n  http>: ${url}/none\n",
    )
    assert ended.code == 0, ended.err
    told = [(s["method"], s["headers"].get("Content-Type"), s["body"]) for s in service.seen]
    assert told == [
        ("POST", "application/json", '{"k":"v","n":1,"t":"2"}'),
        ("POST", "application/x-www-form-urlencoded", "k=v+w&n=1"),
        ("POST", "plain/text", "hello"),
        ("POST", "application/x-c", '"hello"'),
        ("PUT", "application/json", '[1,"a"]'),
        ("POST", None, ""),
    ]
    assert service.seen[-1]["headers"]["Content-Length"] == "0"


def test_query_headers_redirects_and_what_is_stored(project: Project, service: Service) -> None:
    service.answers["/moved"] = [(302, "text/plain", "/x")]
    ended = run(
        project,
        service,
        "+a:\n  http>: ${url}/x?q=1\n  query: {a: 1, b: x y}\n  headers: [{X-One: 1}]\n"
        "  store_content: true\n"
        "+b:\n  echo>: ${http.last_status} ${JSON.parse(http.last_content).ok}\n+c:\n  http>: ${url}/moved\n"
        "+d:\n  http>: ${url}/moved\n  follow_redirects: false\n+e:\n  echo>: ${http.last_status}\n",
    )
    assert ended.lines == ["200 true", "302"]
    assert service.seen[0]["path"] == "/x?q=1&a=1&b=x+y" and service.seen[0]["headers"]["X-One"] == "1"


@pytest.mark.parametrize(
    ("answer", "options", "told"),
    [
        ((404, "text/plain", "body of 404"), "", "HTTP 4XX Client Error: GET"),
        ((503, "text/plain", "busy"), "  method: POST\n", "HTTP 5XX Server Error: POST"),
        (
            (200, "text/plain", "x" * 70_000),
            "  store_content: true\n",
            "Response content too large: 70000 > 65536",
        ),
    ],
)
def test_answers_that_fail_the_task(
    project: Project, service: Service, answer: tuple[int, str, str], options: str, told: str
) -> None:
    service.answers["/x"] = [answer]
    ended = run(project, service, f"+a:\n  http>: ${{url}}/x\n{options}")
    assert ended.code == 1 and told in ended.err and len(service.seen) == 1


def test_what_is_tried_again(project: Project, service: Service) -> None:
    service.answers["/busy"] = [(503, "text/plain", ""), (200, "text/plain", "")]
    service.answers["/slow"] = [(429, "text/plain", ""), (200, "text/plain", "")]
    ended = run(project, service, "+a:\n  http>: ${url}/busy\n+b:\n  http>: ${url}/slow\n  method: POST\n")
    assert ended.code == 0 and [s["path"] for s in service.seen] == ["/busy", "/busy", "/slow", "/slow"]


def test_no_server_fails_a_post(project: Project, service: Service) -> None:
    ended = run(project, service, "+a:\n  http>: http://127.0.0.1:1/x\n  method: POST\n")
    assert "Connection refused" in ended.err


def test_the_answer_of_http_call_is_a_workflow(project: Project, service: Service) -> None:
    answer = {
        "timezone": "Asia/Tokyo",
        "_export": {"rounds": 2},
        "+a": {"loop>": "${rounds}", "_do": {"echo>": "round ${i} for ${who} ${timezone}"}},
        "+b": {"call>": "child"},
    }
    service.answers["/w"] = [(200, "application/json; charset=utf-8", json.dumps(answer))]
    project.write("child.dig", "+c:\n  echo>: ${task_name}\n")
    ended = run(
        project,
        service,
        "_export: {who: me}\n+x:\n  http_call>: ${url}/w\n  method: POST\n  content: {a: b}\n",
    )
    assert ended.lines == ["round 0 for me UTC", "round 1 for me UTC", "+main+x^sub+b^sub+c"]


@needs_shared
def test_the_answer_of_an_http_call_runs_below_it(project: Project, service: Service) -> None:
    place = pattern(project, "http_call")
    answer = (PATTERNS / "http_call" / "sample_answer.json").read_text()
    service.answers["/unifications/workflow_call"] = [(200, "application/json", answer)]
    parameters = (place.root / "config" / "src_params.yml").read_text()
    place.write("config/src_params.yml", parameters.replace("http://127.0.0.1:8800", service.url))
    ended = place.tdlocal("run", "wf05_unify", "--session", "2024-03-10", "--json")
    assert ended.code == 0, ended.err
    done = [event["task"] for event in ended.events if event["event"] == "task_ended"]
    steps = [name for name in done if name.endswith("+step")]
    assert steps == [f"+wf05_unify+unify^sub+merge^sub+loop-{i}+round^sub+step" for i in (0, 1, 2)]
    told = [event["text"] for event in ended.events if event["event"] == "output"]
    assert told == ["round 3: converged", "round 4: converged", "after: rows 0"]


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("text/plain", "{}", "Unsupported Content-Type"),
        ("application/json", "no json", "the answer is not JSON"),
        ("application/json", '{"ok": 1}', "includes unknown key 'ok'"),
        ("application/json", json.dumps({"+a": {"echo>": "x" * 66_000}}), "Response content too large"),
        ("application/x-yaml", "+a:\n  echo>: [", "the answer is not a workflow"),
    ],
)
def test_answers_that_are_no_workflow(
    project: Project, service: Service, kind: str, text: str, told: str
) -> None:
    service.answers["/w"] = [(200, kind, text)]
    ended = run(project, service, "+x:\n  http_call>: ${url}/w\n")
    assert ended.code == 1 and told in ended.err


def test_a_mail_with_everything(project: Project) -> None:
    project.write("body.txt", "Dear ${task_name},\nline two é\n")
    project.write("sub/b.txt", "b\n")
    project.write(
        "main.dig",
        "_export: {mail: {from: me@example.com}}\n"
        "+a:\n  mail>: body.txt\n  subject: hello ${session_date} é\n"
        "  to: [a@example.com, Bob <b@example.com>]\n  cc: [c@example.com]\n  bcc: [d@example.com]\n"
        "  attach_files: [{path: sub/b.txt}]\n"
        "+b:\n  mail>: {data: '<b>${1+1}</b>'}\n  html: true\n  subject: html\n  to: x@example.com\n",
    )
    ended = project.run("--session", "2024-03-10")
    assert ended.code == 0, ended.err
    mails = [
        message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in sorted((project.root / ".tdlocal" / "mails").glob("*.eml"))
    ]
    first, second = mails
    assert first["Subject"] == "hello 2024-03-10 é" and first["From"] == "me@example.com"
    assert first["To"] == "a@example.com, Bob <b@example.com>" and "d@example.com" not in str(first["Cc"])
    assert [part.get_filename() for part in first.iter_attachments()] == ["b.txt"]
    body = first.get_body()
    assert body is not None and body.get_content().splitlines() == ["Dear +main+a,", "line two é"]
    assert second.get_content_type() == "text/html" and "<b>2</b>" in second.get_content()
    assert ".tdlocal/mails/0001.eml" in ended.err


@pytest.mark.parametrize(
    ("to", "told"),
    [
        ("'${list}'", "Illegal address"),
        ("[]", "No recipient addresses"),
        ("\"${list.join(', ')}\"", "Illegal"),
    ],
)
def test_recipients_are_taken_strictly(project: Project, to: str, told: str) -> None:
    project.write(
        "main.dig",
        f"_export: {{list: [a@x.com, b@x.com]}}\n+a:\n  mail>: {{data: x}}\n  subject: s\n  to: {to}\n",
    )
    assert told in project.run().err

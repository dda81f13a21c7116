"""What a run tells: the mail on a telephone's screen, and the webhook."""

from __future__ import annotations

import html
import json
import re
import shutil
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from aiosmtpd.controller import Controller

from common.python.webhook import tell
from tests.pipeline.shop import SESSION, rows, tdlocal
from tests.pipeline.small_shop import copy_of

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PHONE = 360  # pixels
MEASURE = """<!doctype html><body><iframe id=f width={width} height=3000 srcdoc="{page}"></iframe><script>
f.onload = () => {{
  const page = f.contentDocument.documentElement;
  const small = [...f.contentDocument.querySelectorAll('td,th,p')]
    .filter(one => parseFloat(getComputedStyle(one).fontSize) < 12).length;
  document.title = 'measured ' + page.scrollWidth + ' ' + small + ' ' + page.innerText.length;
}};
</script></body>"""


class Ear(BaseHTTPRequestHandler):
    """Keeps what is posted to it."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append(json.loads(body))
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *words: object) -> None:
        return


@pytest.fixture
def ear():
    """A server that a webhook can name."""
    server = HTTPServer(("127.0.0.1", 0), Ear)
    server.heard, server.status = [], 200
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


NOTHING = ("-p", "only=wf09_create_segment", "-p", "create_segments=false")


@pytest.fixture(scope="module")
def judged(small, project, tmp_path_factory):
    """A shop that was mapped and validated, each by a run with its mail. Tests only read it."""
    state = copy_of(small, tmp_path_factory.mktemp("judged") / "state")
    for word in ("only=wf02_mapping", "only=wf03_validate"):
        done = mapped(state, project, "-p", word)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return state


def mapped(state, project, *words):
    """Run the mapping alone, or what *words* say."""
    return tdlocal(
        "run", "wf00_orchestration", "--session", SESSION, "--rerun", "-p", "only=wf02_mapping", *words,
        state=state, project=project,
    )  # fmt: skip


def test_a_webhook_hears_of_success_and_failure(small, project, tmp_path, ear):
    state = copy_of(small, tmp_path / "state")
    webhook = ("-p", f"webhook=http://127.0.0.1:{ear.server_port}/SECRET")
    done = mapped(state, project, *webhook, *NOTHING)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert tdlocal("query", "drop table raw_retail.formfills", state=state).returncode == 0
    assert mapped(state, project, *webhook).returncode == 1
    wrong = mapped(state, project, *webhook, "-p", "site=moon")
    assert wrong.returncode == 1
    logs = [path.read_text() for path in (state / "runs").rglob("*") if path.is_file()]
    assert not any("SECRET" in text for text in [done.stdout, done.stderr, wrong.stdout, wrong.stderr, *logs])
    success, failure, outside = ear.heard
    assert outside["workflow"] == "wf00_orchestration" and "site 'moon' is not known" in outside["message"]
    assert (success["status"], success["sub"], success["session"]) == ("success", "retail", SESSION)
    assert "records in" in success["facts"]
    assert (failure["status"], failure["workflow"]) == ("failure", "wf02_mapping")
    assert "formfills" in failure["message"]
    mail = sorted((state / "mails").glob("*.txt"))[-2].read_text(encoding="utf-8")
    assert "\nfound in  raw_retail\nto mend   load the table" in mail
    assert "raw table raw_retail.formfills is missing" in mail and "Traceback" not in mail


def test_a_webhook_that_fails_fails_no_run(small, project, tmp_path, ear):
    state = copy_of(small, tmp_path / "state")
    ear.status = 500
    done = mapped(state, project, "-p", f"webhook=http://127.0.0.1:{ear.server_port}/x", *NOTHING)
    assert done.returncode == 0 and "webhook answered 500, so nobody may have been told" in done.stdout
    assert [one["status"] for one in ear.heard] == ["success"] * 3, "it may be a moment's trouble"
    assert len({one["run_id"] for one in ear.heard}) == 1, "who hears it twice can tell"
    gone = mapped(state, project, "-p", "webhook=http://127.0.0.1:9/x", *NOTHING)
    assert gone.returncode == 0 and "webhook did not answer" in gone.stdout


MISSING = "drop table raw_retail.formfills"
FAILURES = "select workflow, error_message from log_tbl where status = 'failure' order by logged_at"
NOT_SENT = FAILURES.replace("where", "where workflow = 'mail' and")


class Picky:
    """A mail server that knows one person."""

    def __init__(self):
        self.taken = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address != "knows@company.com":
            return "550 no such person here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.taken.append(envelope.rcpt_tos)
        return "250 OK"


@pytest.fixture
def picky(small, tmp_path):
    """A shop whose mails go to a server that refuses nearly everybody; the server and the shop."""
    handler = Picky()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, mailing_to(port, small, tmp_path)
    controller.stop()


def mailing_to(port, small, folder):
    """A copy of the shop whose mails go to a port of this machine."""
    state = copy_of(small, folder / "state")
    (state / "secrets").mkdir()
    (state / "secrets/mail.host").write_text("127.0.0.1")
    (state / "secrets/mail.port").write_text(str(port))
    return state


def test_a_mail_server_that_is_down_fails_no_run_and_is_logged(judged, project, tmp_path):
    state = mailing_to(9, judged, tmp_path)
    done = mapped(state, project, "-p", "only=wf03_validate")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    told = [row["error_message"] for row in rows(state, NOT_SENT)]
    assert [message.split(":")[1].split()[0] for message in told] == ["Validation", "retail"]
    assert all("refused" in message for message in told)
    ends = rows(state, "select workflow, status from log_tbl where status <> 'running' order by logged_at")
    assert [row["workflow"] for row in ends if row["status"] == "success"][1:] == ["wf03_validate"] * 2


def test_a_failing_run_keeps_its_own_cause_when_its_mail_fails_too(small, project, tmp_path):
    state = mailing_to(9, small, tmp_path)
    for sql in ("create table raw_retail.aside as select * from raw_retail.formfills", MISSING):
        assert tdlocal("query", sql, state=state).returncode == 0
    done = mapped(state, project)
    assert done.returncode == 1
    failures = rows(state, FAILURES)
    assert [row["workflow"] for row in failures] == ["wf02_mapping", "mail"]
    assert "raw table raw_retail.formfills is missing" in failures[0]["error_message"]
    back = "create table raw_retail.formfills as select * from raw_retail.aside"
    assert tdlocal("query", back, state=state).returncode == 0
    words = ("run", "wf00_orchestration", "--session", SESSION, "-p", "only=wf02_mapping")
    again = tdlocal(*words, state=state, project=project)  # goes on where it was: +decide is not asked again
    assert again.returncode == 0, again.stdout[-2000:] + again.stderr[-2000:]
    log = rows(state, "select attempt, status from log_tbl where workflow <> 'mail' order by logged_at")
    assert [(row["attempt"], row["status"]) for row in log] == [
        (1, "running"), (1, "failure"), (2, "running"), (2, "success"),
    ]  # fmt: skip


@pytest.mark.parametrize("status", [302, 307])
def test_a_webhook_is_not_followed_elsewhere(ear, capsys, status):
    ear.status = status
    tell(f"http://127.0.0.1:{ear.server_port}/SECRET", {"status": "success"})
    tell("http://[::1", {"status": "success"})
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"webhook answered {status}, so nobody may have been told"
    assert told[1].startswith("webhook did not answer") and len(ear.heard) == 1


def test_an_address_that_is_refused_leaves_the_others_alone(picky, project, tmp_path):
    handler, state = picky
    own = shutil.copytree(project, tmp_path / "project")
    people = "gone@company.com, knows@company.com, left@company.com"  # as good as a list
    (own / "config/email_ids.yml").write_text(f"email_success: {people}\nemail_failure: {people}\n")
    assert mapped(state, own, *NOTHING).returncode == 0
    assert handler.taken == [["knows@company.com"]]
    assert sorted(row["error_message"][-60:].count("550") for row in rows(state, NOT_SENT)) == [1, 1]


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed here")
def test_the_mail_fits_a_telephone(judged, tmp_path):
    pages = sorted((judged / "mails").glob("*.html"))
    assert len(pages) >= 2
    for page in pages:
        width, tiny, letters = measured(page.read_text(encoding="utf-8"), tmp_path)
        assert width <= PHONE, f"{page.name} is {width} pixels wide"
        assert tiny == 0 and letters > 200


def measured(text, folder):
    """Return the width that a page needs, how many of its texts are tiny, and how many letters it has."""
    wrapper = folder / "wrapper.html"
    wrapper.write_text(MEASURE.format(width=PHONE, page=html.escape(text)), encoding="utf-8")
    words = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    done = subprocess.run(
        [CHROMIUM, *words, "--virtual-time-budget=3000", "--dump-dom", wrapper.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
    )
    found = re.search(r"<title>measured (\d+) (\d+) (\d+)", done.stdout)
    assert found, done.stdout[-500:] + done.stderr[-500:]
    return tuple(int(number) for number in found.groups())

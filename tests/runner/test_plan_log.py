"""tdlocal plan, tdlocal log and what a person sees while a run goes on."""

import io
import os
import pty
import re
import shlex
import subprocess
from pathlib import Path

from rich.console import Console as Terminal

from tdlocal.console.live import LiveConsole
from tdlocal.workflow.faults import Place
from tests.runner.kit import Project

QUERIES = (
    "_export: {td: {database: shop}, day: 5}\n"
    "+all:\n"
    "  for_each>: {table: [one, two]}\n"
    "  _do:\n"
    "    +q:\n"
    "      td>: q/${table}.sql\n"
    "      create_table: new_${table}\n"
)


def actions(project: Project, *options: str) -> dict[str, tuple[str, str]]:
    events = project.tdlocal("plan", "main", "--json", *options).events
    return {event["task"]: (event["action"], event["why"]) for event in events}


def test_a_plan_shows_queries_with_what_they_read_and_write(project: Project) -> None:
    project.write("main.dig", QUERIES)
    project.write("q/one.sql", "select * from raw.a join b using (x) where day = ${day}")
    project.write("q/two.sql", "with c as (select 1 as x) select * from c")
    events = {e["task"]: e for e in project.tdlocal("plan", "main", "--json").events}
    one = events["+main+all^sub+for-0=table=0=one+q"]
    assert (sorted(one["reads"]), one["writes"]) == (["raw.a", "shop.b"], ["shop.new_one"])
    assert one["sql"].endswith("where day = 5") and one["action"] == "run"
    assert events["+main+all^sub+for-0=table=1=two+q"]["reads"] == []
    shown = project.tdlocal("plan", "main", "--sql").out
    assert "| select * from raw.a join b using (x) where day = 5" in shown and shown.endswith("2 to run\n")


def test_a_plan_touches_nothing(project: Project) -> None:
    project.write("main.dig", "+a:\n  sh>: echo a >> $TRACE\n")
    before = sorted(project.root.rglob("*"))
    ended = project.tdlocal("plan", "main")
    assert ended.code == 0 and ended.trace == [] and sorted(project.root.rglob("*")) == before


def test_a_plan_says_what_is_skipped_and_why_not(project: Project) -> None:
    project.write("main.dig", "+a:\n  sh>: 'true'\n+b:\n  sh>: test -f there\n+c:\n  sh>: 'true'\n")
    project.run()
    told = actions(project)
    assert told["+main+a"] == ("skip", "succeeded, nothing changed since")
    assert told["+main+b"] == told["+main+c"] == ("run", "has not succeeded yet")
    assert actions(project, "--goal", "+a")["+main+a"] == ("run", "asked for")
    started = actions(project, "--start", "+c")
    assert [started[f"+main+{name}"][0] for name in "abc"] == ["skip", "run", "run"]
    assert actions(project, "--end", "+b")["+main+c"][0] == "leave"


def test_a_plan_shows_both_branches_of_what_is_decided_later(project: Project) -> None:
    project.write("t.py", "def f():\n    pass\n")
    project.write(
        "main.dig",
        "+a:\n  py>: t.f\n+b:\n  if>: ${made_by_a}\n  _do:\n"
        "    +x: {echo>: x}\n  _else_do:\n    +y: {echo>: y}\n",
    )
    told = actions(project)
    assert told["+main+b"][0] == "decide"
    assert {"+main+b^sub+x", "+main+b^sub+y"} <= told.keys()


def test_a_plan_of_what_cannot_work_ends_with_1(project: Project) -> None:
    project.write("main.dig", "+a:\n  echo>: ${nosuch}\n")
    ended = project.tdlocal("plan", "main")
    assert ended.code == 1 and "FAIL" in ended.out


def test_past_runs_can_be_read(project: Project) -> None:
    project.write("main.dig", "+a:\n  sh>: echo from a\n+b:\n  fail>: no\n")
    project.run()
    project.run()
    listed = project.tdlocal("log").lines
    assert len(listed) == 2 and re.search(r"1 .* main .* failure .* 1 ok, 1 failed", listed[0])
    assert "FAILED   +main+b  fail>  main.dig:3:1" in project.tdlocal("log", "1", "--failed").out
    assert "from a" in project.tdlocal("log", "1", "+a").out
    assert "no run 7" in project.tdlocal("log", "7").err


OLD_LOG = """{"event": "run_started", "at": "2026-11-23T23:52:56.493+00:00", "workflow": "a<script>"}
5
{"event": "task_ended", "task": "+lacks"}
{"event": "task_ended", "task": "+wf+a<img src=x>\\"&", "how": "ok", "at": "2026-11-23T23:52:59+00:00"}
{"event": "task_failed", "task": "+x"}
{"event": "task_failed", "task": "+y", "problem": "<script>", "operator": "<b>", "at": "2026-11-23T23:53:59Z"}
{"cut sh"""


def test_a_log_of_another_version_is_read_and_its_page_runs_nothing(project: Project) -> None:
    folder = project.root / ".tdlocal/runs/0001"
    folder.mkdir(parents=True)
    (folder / "events.jsonl").write_text(OLD_LOG, encoding="utf-8")
    for words in ([], ["--json"], ["--failed"], ["1"], ["1", "--failed"], ["--slowest", "1"]):
        assert project.tdlocal("log", *words).code == 0, words
    page = (folder / "run.html").read_text(encoding="utf-8")
    assert "<script>" not in page and "<img" not in page and "&lt;img src=x&gt;" in page
    refused = project.tdlocal("log", "--slowest", "0")
    assert refused.code == 2 and "'0' is no number from 1 on" in refused.err


def test_a_reader_that_goes_away_is_no_fault(project: Project) -> None:
    project.write("main.dig", "+a:\n  echo>: x\n")
    project.run()
    done = subprocess.run(
        [
            "bash",
            "-c",
            f"{shlex.join(project.command('log', 'last', '--json'))} | exec true",
        ],
        capture_output=True,
        text=True,
        cwd=project.root,
        env=project.environment(),
    )
    assert done.stderr == ""


def test_files_left_for_people_are_named_at_the_end(project: Project) -> None:
    project.write("main.dig", "+a:\n  sh>: mkdir -p $TD_OUTPUT_DIR; echo x > $TD_OUTPUT_DIR/report.html\n")
    assert "  file  .tdlocal/output/report.html" in project.run().err


def test_the_live_tree_folds_what_is_done() -> None:
    console = LiveConsole(None)
    console.terminal = Terminal(file=io.StringIO(), width=100)
    console.live.console = console.terminal
    console.title = "main"
    place = Place("main.dig", 1)
    for name in ("+main+load^sub+a", "+main+load^sub+b"):
        console.task_started(name, "td", place)
    console.task_ended("+main+load^sub+a", "td", "ok", 1.0, "", 500)
    console.task_started("+main+other", "py", place)
    screen = Terminal(file=io.StringIO(), width=100)
    screen.print(console._tree())
    text = screen.file.getvalue()  # type: ignore[attr-defined]
    assert "load  1 done  500 rows" in text and "b  td>" in text and "other  py>" in text
    assert "a  td>" not in text


def test_on_a_terminal_it_is_live(project: Project, tmp_path: Path) -> None:
    project.write("main.dig", "+a:\n  sh>: sleep 0.4; echo out\n+b:\n  fail>: broken\n")
    leader, follower = pty.openpty()
    child = subprocess.Popen(
        project.command("run", "main"),
        cwd=project.root,
        env={**project.environment(), "TERM": "xterm", "COLUMNS": "120"},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    seen = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
    assert child.wait(20) == 1
    text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", seen).decode()
    assert "a  sh>" in text and "      out" in text and "FAILED" in text and "failure: 1 ok, 1 failed" in text

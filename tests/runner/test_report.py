"""The page of a run and the slowest tasks of tdlocal log."""

import re

from tests.runner.kit import Project

TASKS = "+quick:\n  sh>: 'true'\n+all:\n  for_each>: {n: [1, 2]}\n  _do:\n    +slow: {sh>: sleep $n}\n"


def test_every_run_leaves_a_page_that_needs_nothing_else(project: Project) -> None:
    project.write("main.dig", TASKS.replace("$n", "0.1") + "+bad:\n  sh>: 'echo \"<b>x\"; exit 3'\n")
    assert project.tdlocal("run", "main").code == 1
    page = (project.root / ".tdlocal/runs/0001/run.html").read_text()
    assert "main, session" in page and "failure" in page
    assert len(re.findall("<div class=row ", page)) == 4
    assert re.search(r"\+main\+bad.*class=\"failed\"", page)
    assert not re.search(r"<script|https?://|<b>x", page)


def test_the_slowest_tasks_are_shown_against_earlier_runs(project: Project) -> None:
    for seconds in ("0.1", "0.1", "0.6"):
        project.write("main.dig", TASKS.replace("$n", seconds))
        assert project.tdlocal("run", "main", "--rerun").code == 0
    shown = project.tdlocal("log", "last", "--slowest", "2")
    lines = [line for line in shown.out.splitlines() if "n=" in line]
    assert [line.split("n=")[1][0] for line in sorted(lines)] == ["1", "2"]
    assert all(int(re.search(r"\+(\d+) %", line)[1]) > 50 for line in lines), shown.out
    first = project.tdlocal("log", "1")
    assert "new" in first.out and "page  .tdlocal/runs/0001/run.html" in first.out

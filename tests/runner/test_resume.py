"""Saved state: what a second run skips, what makes it run again, and that a kill loses nothing."""

import random
import signal
import time

import pytest

from tests.runner.kit import Project

THREE = (
    "+a:\n  sh>: echo a >> $TRACE\n+b:\n  +b1:\n"
    "    sh>: echo b1 >> $TRACE\n  +b2:\n    sh>: echo b2 >> $TRACE\n+c:\n  sh>: echo c >> $TRACE\n"
)


def test_the_options_choose_as_on_digdag(project: Project) -> None:
    project.write("main.dig", THREE)
    assert project.run().trace == ["a", "b1", "b2", "c"]
    assert project.run().trace == []
    assert project.run("--rerun").trace == ["a", "b1", "b2", "c"]
    assert project.run("--start", "+b").trace == ["b1", "b2", "c"]
    assert project.run("--goal", "+b").trace == ["b1", "b2"]
    assert project.run("--end", "+c").trace == []
    assert project.run("--session", "2024-01-02", "--start", "+b2").trace == ["a", "b1", "b2", "c"]
    project.write("main.dig", THREE.replace("echo a", "echo A"))
    assert project.run("--session", "2024-01-02", "--start", "+c").trace == ["c"]
    project.write("main.dig", THREE)
    assert project.run("--session", "2024-01-03", "--goal", "+b1").trace == ["a", "b1"]
    assert project.run("--session", "2024-01-04", "--end", "+b2").trace == ["a", "b1"]
    assert "don't work together" in project.run("--start", "+b", "--goal", "+c").err
    assert project.run("+b").trace == []
    assert project.run("+b", "--rerun").trace == ["b1", "b2"]
    assert project.run("--session", "2024-01-01").trace == ["a", "b1", "b2", "c"]
    assert project.run("--no-save").trace == ["a", "b1", "b2", "c"]
    ended = project.run("--start", "+zzz")
    assert ended.code == 1 and "no task is called '+zzz'" in ended.err


def test_without_a_session_the_last_one_is_gone_on_with(project: Project) -> None:
    project.write("main.dig", "+a:\n  sh>: echo ${session_date} >> $TRACE\n")
    project.run("--session", "2024-01-05")
    assert project.run("--no-save").trace == ["2024-01-05"]
    project.run("--session", "2024-01-03")
    assert project.run("--rerun").trace == ["2024-01-05"]


def changing(project: Project) -> None:
    project.write("conf.yml", "x: 1\n")
    project.write(
        "t.py",
        "from traced import write\nfrom lib import name\ndef put(x):\n    import digdag\n"
        "    write('put', x, name)\n    digdag.env.store({'y': x})\n",
    )
    project.write("lib.py", "name = 'lib'\n")
    project.write(
        "main.dig",
        "_export:\n  !include : conf.yml\n+first:\n  sh>: echo first >> $TRACE\n+put:\n  py>: t.put\n"
        "+use:\n  sh>: echo use ${y} >> $TRACE\n+other:\n  echo>: nothing\n",
    )


@pytest.mark.parametrize(
    ("file", "old", "new", "ran", "why"),
    [
        ("conf.yml", "x: 1", "x: 2", ["put 2 lib", "use 2"], "parameter x changed"),
        ("lib.py", "'lib'", "'new'", ["put 1 new", "use 1"], "lib.py changed"),
        ("main.dig", "echo use", "echo using", ["using 1"], "its text changed"),
        ("main.dig", "nothing", "something", [], "its text changed"),
    ],
)
def test_what_changed_runs_again_with_what_follows(
    project: Project, file: str, old: str, new: str, ran: list[str], why: str
) -> None:
    changing(project)
    assert project.run().trace == ["first", "put 1 lib", "use 1"]
    path = project.root / file
    path.write_text(path.read_text().replace(old, new))
    assert why in project.tdlocal("plan", "main").out
    ended = project.run()
    assert ended.trace == ran and why in ended.err
    assert project.run().trace == []


def test_a_parameter_that_was_given_counts(project: Project) -> None:
    project.write("main.dig", "+a:\n  sh>: echo ${x} >> $TRACE\n+b:\n  sh>: echo b >> $TRACE\n")
    assert project.run("-p", "x=1").trace == ["1", "b"]
    assert project.run("-p", "x=1").trace == []
    assert project.run("-p", "x=2").trace == ["2", "b"]


def test_a_query_file_counts(project: Project) -> None:
    project.write("q.sql", "select 1 as a")
    project.write(
        "main.dig",
        "_export: {td: {database: shop}}\n"
        "+db:\n  td_ddl>:\n  create_databases: [shop]\n+q:\n  td>: q.sql\n  create_table: t_1\n",
    )
    assert project.run().code == 0
    assert "skipped" in project.run().err
    project.write("q.sql", "select 2 as a")
    ended = project.run()
    assert "q.sql changed" in ended.err and ended.code == 0
    assert "2" in project.tdlocal("query", "select a from shop.t_1", "--format", "csv").out


def test_handlers_run_on_resume_too(project: Project) -> None:
    project.write(
        "main.dig",
        "+a:\n  sh>: echo a >> $TRACE\n+b:\n  sh>: exit 1\n  _error:\n    sh>: echo handler >> $TRACE\n",
    )
    assert project.run().trace == ["a", "handler"]
    assert project.run().trace == ["handler"]


def test_two_runs_of_a_session_at_once_are_refused(project: Project) -> None:
    project.write("main.dig", "+a:\n  sh>: touch started; sleep 3\n")
    first = project.start("run", "main")
    try:
        wait_for(project, "started")
        ended = project.run()
        assert ended.code == 1 and "another run of this session is going on" in ended.err
    finally:
        first.communicate(timeout=30)


def wait_for(project: Project, name: str) -> None:
    deadline = time.monotonic() + 20
    while not (project.root / name).exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_control_c_ends_the_tasks_and_can_be_gone_on_from(project: Project) -> None:
    project.write("t.py", "import time\ndef f():\n    open('started', 'w').close()\n    time.sleep(60)\n")
    project.write("main.dig", "+a:\n  sh>: echo a >> $TRACE\n+b:\n  py>: t.f\n")
    child = project.start("run", "main")
    wait_for(project, "started")
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=20)
    assert child.returncode == 1 and b"killed: 1 ok" in errors
    assert b"Traceback" not in errors
    assert "killed" in project.tdlocal("log").out
    project.write("t.py", "def f():\n    pass\n")
    ended = project.run()
    assert ended.code == 0 and ended.trace == []


@pytest.mark.slow
def test_a_kill_at_any_moment_loses_nothing(project: Project) -> None:
    """200 tasks, each leaves one line: none is lost, none counted that was not done."""
    lines = [
        f"+t{n}:\n  py>: t.f\n  n: {n}\n" if n % 10 == 0 else f"+t{n}:\n  sh>: echo {n} >> done.txt\n"
        for n in range(200)
    ]
    project.write(
        "t.py", "def f(n):\n    with open('done.txt', 'a') as file:\n        file.write(f'{n}\\n')\n"
    )
    project.write("main.dig", "".join(lines))
    draw = random.Random(5)
    done_file = project.root / "done.txt"
    done_file.touch()
    kills = 0
    while kills < 50:
        size = done_file.stat().st_size
        grow = draw.choice([0, 1, 4, 12])
        child = project.start("run", "main", "-q")
        deadline = time.monotonic() + 30
        while (
            done_file.stat().st_size <= size + grow and child.poll() is None and time.monotonic() < deadline
        ):
            time.sleep(0.001)
        time.sleep(draw.uniform(0, 0.02))
        if child.poll() is not None:
            child.communicate()
            break
        child.kill()
        child.communicate()
        kills += 1
    time.sleep(0.3)
    saved = project.tdlocal("plan", "main", "--json").events
    skipped = {int(event["task"].split("+t")[1]) for event in saved if event["action"] == "skip"}
    done = [int(line) for line in (project.root / "done.txt").read_text().split()]
    assert skipped <= set(done)
    ended = project.run("-q")
    assert ended.code == 0, ended.err
    done = [int(line) for line in (project.root / "done.txt").read_text().split()]
    assert set(done) == set(range(200))
    assert len(done) <= 200 + kills, "only the task at work when a kill came may have run twice"


def test_a_stored_address_of_the_account_is_brought_up_to_date(project: Project) -> None:
    """The account answers elsewhere in every run; stored values must not lead to the old place."""
    project.write(
        "t.py",
        "import os, urllib.request\n"
        "def put():\n    import digdag\n"
        "    digdag.env.store({'where': {'api': os.environ['TD_API_SERVER']}})\n"
        "def ask(where):\n    for url in (where['api'], os.environ['MINE']):\n"
        "        print(urllib.request.urlopen(url + '/v3/system/server_status').status)\n",
    )
    project.write(
        "main.dig",
        "+put:\n  py>: t.put\n+fail:\n  sh>: test -f go_on\n"
        "+ask:\n  py>: t.ask\n  _env: {MINE: '${where.api}'}\n"
        "+http:\n  http>: ${where.api}/v3/system/server_status\n",
    )
    assert project.run().code == 1
    project.write("go_on", "")
    ended = project.run()
    assert ended.code == 0 and ended.lines == ["200", "200"], ended.err

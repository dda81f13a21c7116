"""py> and sh> in processes of their own: nothing leaks, and a task that misbehaves is told in one message."""

import os
import subprocess
import sys
import time

import pytest

from tests.runner.kit import Project

TASKS = """
import os, signal, sys, time

def leak():
    import builtins, json
    folder = os.path.basename(os.getcwd())
    print(hasattr(builtins, "LEAK"), os.environ.get("LEAK"), folder, "/extra" in sys.path)
    builtins.LEAK = 1
    os.environ["LEAK"] = "1"
    sys.path.insert(0, "/extra")
    json.dumps = None
    os.chdir("/")

def dice():
    import random
    print(random.random())

def fork():
    if os.fork() == 0:
        time.sleep(20)
        os._exit(0)
    print("parent")

def hang():
    time.sleep(1000)

def much():
    line = "x" * 1023 + "\\n"
    for _ in range(64 * 1024):
        sys.stdout.write(line)

def kill_itself():
    os.kill(os.getpid(), signal.SIGKILL)

def exit_at_once():
    os._exit(9)

def exit_politely():
    sys.exit(0)

def no_json():
    import digdag
    digdag.env.store({"day": time.localtime})

def deep():
    return deep()

def needs(nope):
    pass
"""


@pytest.fixture
def tasks(project: Project) -> Project:
    project.write("t.py", TASKS)
    return project


def test_nothing_leaks_from_task_to_task(tasks: Project) -> None:
    tasks.write("main.dig", "+a:\n  py>: t.leak\n+b:\n  py>: t.leak\n")
    assert tasks.run().lines == ["False None project False"] * 2


def test_a_module_that_changes_within_a_run_is_loaded_anew(tasks: Project) -> None:
    (tasks.root / "other.py").write_text("def main():\n    print('first')\n")
    tasks.write(
        "main.dig",
        "+one: {py>: other.main}\n+same: {py>: other.main}\n"
        '+change: {sh>: "sed -i s/first/second/ other.py"}\n+two: {py>: other.main}\n',
    )
    assert [line for line in tasks.run().lines if line in ("first", "second")] == ["first", "first", "second"]


def test_random_numbers_differ_between_tasks(tasks: Project) -> None:
    tasks.write("main.dig", "+a:\n  py>: t.dice\n+b:\n  py>: t.dice\n")
    assert len(set(tasks.run().lines)) == 2


def test_a_task_that_leaves_a_child_behind_does_not_hang_the_run(tasks: Project) -> None:
    tasks.write("main.dig", "+a:\n  py>: t.fork\n+b:\n  sh>: sleep 20 &\n")
    began = time.monotonic()
    assert tasks.run().lines == ["parent"]
    assert time.monotonic() - began < 12


@pytest.mark.parametrize(
    ("function", "told"),
    [
        ("kill_itself", "the Python process was ended by signal 9"),
        ("exit_at_once", "the Python process ended with code 9"),
        ("exit_politely", "the task called sys.exit(0)"),
        ("no_json", "a stored or exported value is not JSON"),
        ("deep", "maximum recursion depth exceeded"),
        ("needs", "Method 'needs' requires parameter 'nope' but not set (TypeError)"),
        ("nothing", "has no attribute 'nothing'"),
    ],
)
def test_a_task_that_breaks_is_told_in_one_message(tasks: Project, function: str, told: str) -> None:
    tasks.write("main.dig", f"+a:\n  py>: t.{function}\n")
    ended = tasks.run()
    assert ended.code == 1 and told in ended.err and ended.err.count("FAILED") == 1


def test_a_task_that_hangs_is_ended_when_asked_to(tasks: Project) -> None:
    tasks.write("main.dig", "+a:\n  py>: t.hang\n")
    ended = tasks.run("--task-timeout", "0.5")
    assert ended.code == 1 and "py> took longer than 0.5 seconds" in ended.err


def test_endless_output_is_cut_and_memory_stays_flat(tasks: Project) -> None:
    tasks.write("main.dig", "+a:\n  py>: t.much\n")
    ended = tasks.run("-q")
    assert ended.code == 0
    assert 19_000_000 < len(ended.out) < 21_000_000 and ended.lines[-1].endswith("the rest is left out")


def test_another_python_is_used_when_named(tasks: Project) -> None:
    tasks.write("main.dig", "_export: {py: {python: [python3, -X, utf8]}}\n+a:\n  py>: u.f\n")
    tasks.write("u.py", "import sys\ndef f():\n    print(sys.flags.utf8_mode)\n")
    assert tasks.run().lines == ["1"]
    tasks.write("main.dig", "+a:\n  py>: u.f\n  python: /nonexistent/python\n")
    assert 'Cannot run program "/nonexistent/python"' in tasks.run().err


def test_a_script_gets_its_files(tasks: Project) -> None:
    tasks.write(
        "main.dig",
        "_export: {a: 1}\n+a:\n  py>:\n  script: |\n    import json, sys\n"
        "    given = json.load(open(sys.argv[1]))['params']\n"
        "    json.dump({'store_params': {'z': given['a'] + 1}}, open(sys.argv[2], 'w'))\n"
        "+b:\n  echo>: ${z}\n",
    )
    assert tasks.run().lines == ["2"]


def test_subtasks_run_after_their_task(tasks: Project) -> None:
    tasks.write(
        "s.py",
        "import digdag\n"
        "def make():\n"
        "    for i in range(2):\n"
        "        digdag.env.add_subtask(child, i=i)\n"
        "    digdag.env.add_subtask({'_type': 'echo', '_command': 'map ${task_name}'})\n"
        "def child(i, task_name):\n    print(i, task_name)\n",
    )
    tasks.write("main.dig", "+a:\n  py>: s.make\n+b:\n  echo>: after\n")
    assert tasks.run().lines == [
        "0 +main+a^sub+subtask0",
        "1 +main+a^sub+subtask1",
        "map +main+a^sub+subtask2",
        "after",
    ]


def test_a_shell_sees_every_parameter_and_python_does_not(tasks: Project) -> None:
    tasks.write("v.py", "import os\ndef f():\n    print(os.environ.get('plain'))\n")
    tasks.write(
        "main.dig",
        "_export: {plain: v, obj: {a: 1}}\n+a:\n  sh>: echo $plain $obj $loc\n  loc: 5\n+b:\n  py>: v.f\n"
        "+c:\n  sh>: echo $BASH_VERSION | wc -c\n  shell: [bash, -e]\n",
    )
    lines = tasks.run().lines
    assert lines[:2] == ['v {"a":1} 5', "None"] and int(lines[2]) > 3


def test_secrets_are_filled_in_where_digdag_does(tasks: Project) -> None:
    tasks.write(".tdlocal/secrets/my.key", "s3cr3t\n")
    tasks.write(
        "main.dig",
        "+a:\n  sh>: echo $KEY ${secret:my.key}\n  _env: {KEY: '${secret:my.key}'}\n"
        "+b:\n  echo>: ${secret:my.key}\n"
        "+c:\n  sh>: echo ${secret:no.such}\n",
    )
    ended = tasks.run()
    assert ended.lines == ["s3cr3t s3cr3t", "${secret:my.key}"]
    assert "Secret not found for key: 'no.such'" in ended.err


def test_secrets_are_mounted_under_other_names(tasks: Project) -> None:
    tasks.write(".tdlocal/secrets/backup.s3.key", "kept")
    tasks.write(".tdlocal/secrets/plain", "itself")
    tasks.write(
        "main.dig",
        "_export:\n  _secrets: {aws: {s3: 'backup.${place}', other: true}, plain: true}\n  place: s3\n"
        "+a:\n  sh>: echo ${secret:aws.s3.key} ${secret:plain} [$_secrets]\n"
        "+b:\n  _secrets: {plain: 5}\n  sh>: echo ${secret:plain}\n",
    )
    ended = tasks.run()
    assert ended.lines == ["kept itself []"]
    assert "Illegal value in _secrets: 5" in ended.err


def test_an_exported_env_reaches_no_process(tasks: Project) -> None:
    tasks.write("main.dig", "_export:\n  _env: {KEY: out}\n+a:\n  sh>: echo [$KEY]\n")
    assert tasks.run().lines == ["[]"]
    checked = tasks.tdlocal("check")
    assert "main.dig:2:3" in checked.out and "_env" in checked.out


def test_ten_thousand_tasks_need_little_memory(tasks: Project) -> None:
    tasks.write(
        "main.dig",
        "+a:\n  loop>: 100\n  _do:\n    +b:\n      loop>: 100\n      _do:\n        +c: {echo>: '${i}'}\n"
        "+d:\n  sh>: grep VmHWM /proc/$PPID/status\n",
    )
    ended = tasks.run("-q")
    assert ended.code == 0 and len(ended.lines) == 10_001
    assert int(ended.lines[-1].split()[1]) < 300_000


def test_scratch_folders_go_with_their_task_or_with_the_next_run(tasks: Project) -> None:
    tasks.write("main.dig", "+a:\n  sh>: 'true'\n+b:\n  py>: t.dice\n+c:\n  sh>: sleep 5\n")
    scratch = tasks.root / ".tdlocal" / "tmp"
    killed = tasks.start("run", "main")
    deadline = time.monotonic() + 30
    while not list(scratch.glob(f"sh-{killed.pid}-*/runner.sh")) or list(scratch.glob("py-*")):
        assert time.monotonic() < deadline and killed.poll() is None
        time.sleep(0.02)
    killed.kill()
    killed.communicate()
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    (scratch / f"py-{other.pid}-of_a_run_at_work").mkdir()
    assert len(os.listdir(scratch)) == 2
    tasks.write("main.dig", "+d:\n  sh>: 'true'\n")
    assert tasks.run("--no-save").code == 0
    assert os.listdir(scratch) == [f"py-{other.pid}-of_a_run_at_work"]
    other.communicate(b"\n")

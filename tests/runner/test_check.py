"""tdlocal check: what it finds, where, and that a sound project has no faults."""

import json
import re
import subprocess
import sys
import time

import pytest

from tests.runner.kit import Project
from tests.support import ROOT


def found(project: Project, text: str, *options: str) -> str:
    project.write("main.dig", text)
    return project.tdlocal("check", *options).out


def test_this_project_has_no_faults_and_is_checked_fast() -> None:
    started = time.monotonic()
    command = [sys.executable, "-m", "tdlocal.cli", "check"]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 0, out.decode()
    assert time.monotonic() - started < 15, "the aim is under 2 s on a free machine"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "+a:\n  ech>: hi\n",
            "main.dig:1:1: error: unknown operator ech> [operator]\n    to mend: did you mean echo>?",
        ),
        ("+a:\n  s3_wait>: hi\n", "warning: operator s3_wait> (Amazon S3) is not supported by tdlocal"),
        ("+a:\n  td>: q/one.sq\n  database: d\n", "main.dig:2:3: error: no such file: q/one.sq"),
        ("+a:\n  td>: q/one.sql\n  create_tabel: x\n", "has no parameter 'create_tabel' [parameter]"),
        ("+a:\n  call>: chidl\n", "no such file: chidl.dig"),
        (
            "schedule:\n  weekly>: Monday,07:00:00\n+a: {}\n",
            "'Monday' is neither a number nor one of sun, mon",
        ),
        ("schedule:\n  cron>: 0 0 * *\n+a: {}\n", "a cron line has five fields: '0 0 * *'"),
        ("+a:\n  require>: nope\n", "no such workflow in the project's top folder"),
        ("+a:\n  py>: t.nope\n", "t.py has no nope"),
        ("+a:\n  py>: nope.f\n", "no module nope"),
        ("+a:\n  py>: t.f\n", "f of t.py needs wanted, which nothing defines"),
        ("+a:\n  py>: t.keyword\n", "t.py:3: error: argument k of keyword is keyword-only"),
        ("+a:\n  py>: broken.f\n", "broken.py:1:7: error: not Python"),
        ("+a:\n  py>: missing.f\n", "missing.py:1: error: does not import: no module no_such_library"),
        ("+a:\n  echo>: ${nosuch}\n", "main.dig:2:3: error: nothing in the project defines nosuch"),
        ("+a:\n  echo>: '${1 +}'\n", "does not parse"),
        ("+a:\n  echo>: '${[1].map(x => x)}'\n", "an arrow function (=>) is not known"),
        ("+a:\n  sh>: echo ${HOME:-x}\n", "the shell's ${VAR:-x} cannot be used"),
        ("+a:\n  b: '${c}'\n  c: '1'\n  echo>: ${b}\n", "b uses c, which is written below it"),
        ("_export: {p: '${p}2'}\n+a:\n  echo>: ${p}\n", "p refers to itself"),
        (
            "_export: {t: '${1+1}', m: {k: '${t}'}}\n+a:\n  echo>: ${m}\n",
            "inside a map it is seen unexpanded",
        ),
        ("+g:\n  _check: {echo>: x}\n  +a: {echo>: y}\n", "_check on a group is silently ignored"),
        ("+a:\n  _retry: 2\n  td>: q/one.sql\n  database: d\n", "asks about the same failed job again"),
        ("+a:\n  if>: true\n", "if> has neither _do nor _else_do"),
        ("+a:\n  if>: true\n  _do: {}\n", "if> has neither _do nor _else_do"),
        ("+a:\n  wait>: 10\n", "main.dig:1:1: error: Invalid duration: 10"),
        (
            "+a:\n  _retry: many\n  sh>: x\n",
            "error: the task fails: Expected integer (int) type for key '_retry'",
        ),
        ("+a:\n  _retry: many\n  echo>: x\n", "warning: _retry is ignored"),
        (
            "_export: {m: {r: [1, 0.5]}}\n+a:\n  echo>: ${m}\n",
            "main.dig:1:15: warning: 0.5 is text on Digdag, not a number",
        ),
        (
            "+a:\n  if>: true\n  _do:\n    +b:\n      for_each>: {x: [1]}\n",
            "main.dig:4:5: error: for_each> has no _do",
        ),
        ("_export: {l: [a]}\n+a:\n  mail>: {data: x}\n  to: '${l}'\n", "becomes the text of a list"),
        ("+a:\n  td>: q/bad.sql\n  database: d\n", "q/bad.sql:1"),
        (
            "+a:\n  td>: q/types.sql\n  create_table: t\n  database: d\n",
            "q/types.sql:2: error: column day is date",
        ),
        ("+a:\n  td>: q/types.sql\n  insert_into: t\n  database: d\n", "column flag is boolean"),
        (
            "_export: {database: d}\n+a:\n  td>: q/one.sql\n  create_table: made\n+b:\n  td>: q/reads.sql\n",
            "reads d.never_made, which nothing in the project writes",
        ),
    ],
)
def test_what_is_found(project: Project, text: str, told: str) -> None:
    project.write("q/one.sql", "select 1 as a\n")
    project.write("q/bad.sql", "select (1 as a\n")
    project.write(
        "q/types.sql",
        "with final as (\n  select date '2020-01-01' as day, 1 > 0 as flag\n)\nselect * from final\n",
    )
    project.write("q/reads.sql", "select * from never_made\n")
    project.write("t.py", "def f(wanted):\n    pass\ndef keyword(*, k):\n    pass\n")
    project.write("broken.py", "def f(:\n")
    project.write("missing.py", "import no_such_library\ndef f():\n    pass\n")
    assert told in found(project, text)


def test_one_file_and_parameters_from_files(project: Project) -> None:
    project.write("main.dig", "+a:\n  echo>: ${x} ${y} ${z} ${w}\n")
    project.write("other.dig", "+a:\n  echo>: ${nosuch}\n")
    project.write("f.yml", "x: 1\n")
    project.write("c.properties", "params.y = 1\n")
    given = ("-P", "f.yml", "-c", "c.properties", "-X", "params.z=1", "-p", "w=1")
    ended = project.tdlocal("check", "main.dig", *given)
    assert (ended.code, ended.out) == (0, "no faults\n")
    assert (
        "other.dig:2:3: error: nothing in the project defines nosuch" in project.tdlocal("check", *given).out
    )
    assert "no such folder: f.yml" in project.tdlocal("check", "f.yml").err


def test_stray_files_and_secrets(project: Project) -> None:
    project.write("main copy.dig", "+a:\n  echo>: x\n")
    project.write("sub/stray.dig", "+a:\n  echo>: x\n")
    project.write("sub/unreadable.dig", "+a:\n  echo>: x\n")
    project.write(
        "conf.yml",
        "password: hunter2x\nkey: 1/" + "0123456789" * 4 + "\ntoken: varchar\nsecret: ${secret:x}\n",
    )
    told = found(project, "+a:\n  echo>: x\n")
    assert "main copy.dig:1: warning: looks like a copy" in told
    assert "sub/stray.dig:1: warning: push would send this .dig file" in told
    assert "unreadable" not in told  # tdlocal run starts it
    assert re.findall(r"conf.yml:(\d): error", told) == ["1", "2"]
    project.write(".digdagignore", "/sub/\n*copy.dig\nconf.yml\n")
    assert found(project, "+a:\n  echo>: x\n") == "no faults\n"


def test_a_module_with_the_name_of_one_of_pythons_own(project: Project) -> None:
    project.write("json/tasks.py", "def f():\n    pass\n")
    assert "module json has the name of one of Python's own" in found(project, "+a:\n  py>: json.tasks.f\n")


def test_the_forms_of_its_output(project: Project) -> None:
    text = "+a:\n  ech>: x\n+b:\n  echo>: ${nosuch}\n"
    lines = found(project, text, "--json").splitlines()
    assert [json.loads(line)["line"] for line in lines] == [1, 4]
    assert found(project, text, "--github").startswith(
        "::error file=main.dig,line=1,col=1,title=tdlocal check: operator::"
    )
    assert "1 error, 0 warnings" in found(project, text, "-p", "nosuch")


def test_exit_codes(project: Project) -> None:
    project.write("main.dig", "+g:\n  _check: {echo>: x}\n  +a: {echo>: y}\n")
    assert project.tdlocal("check").code == 0
    assert project.tdlocal("check", "--strict").code == 1
    assert project.tdlocal("check", "nowhere").code == 1

"""Options of `digdag run` that scripts use: -c, -X, -l, -L, -O, -o and the short names."""

import gzip
from pathlib import Path

import pytest

from tdlocal.workflow.settings import properties
from tests.runner.kit import Project

TWO = "+a:\n  echo>: hi ${typeof z} ${z}\n+b:\n  sh>: echo out; echo err >&2\n"


def test_settings_give_parameters_below_minus_p(project: Project) -> None:
    project.write("main.dig", "+a:\n  echo>: ${x} ${y} ${z} ${td.database}\n")
    project.write("f.yml", "y: file\nz: file\n")
    project.write("c.properties", "params.x = c\nparams.y = c\nparams.z=c\nparams.td.database: d\n")
    words = ("-c", "c.properties", "-X", "params.x=X", "-P", "f.yml", "-p", "z=given", "-q")
    assert project.run(*words).lines == ["X file given d"]


def test_settings_give_secrets_and_unknown_ones_are_named(project: Project) -> None:
    project.write("main.dig", "+a:\n  sh>: echo ${secret:my.key}\n")
    words = ("-X", "secrets.my.key=s3cret", "-X", "config.td.min_poll_interval=1s", "-X", "what.is=this")
    ended = project.run(*words)
    assert ended.lines == ["s3cret"]
    assert "settings that nothing here reads: what.is" in ended.err and "min_poll" not in ended.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-X", "nothing"), "-X nothing is no key=value"),
        (
            ("-c", "nope.properties"),
            "cannot read the settings: No such file or directory | found in nope.properties",
        ),
        (
            ("-L", "no/folder/x.log"),
            "cannot write the log: No such file or directory | found in no/folder/x.log",
        ),
        (("-O", "main.dig"), "cannot write the task logs: Not a directory | found in main.dig"),
    ],
)
def test_what_cannot_be_read_or_written_is_one_line(
    project: Project, words: tuple[str, ...], told: str
) -> None:
    project.write("main.dig", "+a:\n  echo>: x\n")
    ended = project.run(*words)
    assert ended.code == 1 and told in ended.err


def test_lines_go_to_a_file_or_away_and_task_logs_are_compressed(project: Project) -> None:
    project.write("main.dig", TWO)
    ended = project.run("-l", "error", "-p", "z=1")
    assert ended.lines == ["hi string 1", "out", "err"] and "echo>" not in ended.err
    ended = project.run("-L", "x.log", "-O", "logs", "-t", "2024-03-10", "-p", "z=1")
    assert ended.lines == ["hi string 1", "out", "err"] and ended.err == ""
    assert "ok" in (project.root / "x.log").read_text()
    logs = sorted(project.root.glob("logs/*/0.1main@20240310T000000+0000/+main+*@*.log.gz"))
    assert [gzip.decompress(log.read_bytes()) for log in logs] == [b"hi string 1\n", b"out\nerr\n"]


def test_state_may_be_kept_elsewhere_and_short_names_are_known(project: Project) -> None:
    project.write("main.dig", "+a:\n  sh>: echo a >> $TRACE\n+b:\n  sh>: echo b >> $TRACE\n")
    kept = ("-o", "kept", "-t", "2024-01-01")
    assert project.run(*kept).trace == ["a", "b"]
    assert list(Path(project.root / "kept").rglob("*.jsonl"))
    assert project.run(*kept).trace == []
    assert project.run(*kept, "-s", "+b").trace == ["b"]
    assert project.run(*kept, "-g", "+a").trace == ["a"] == project.run(*kept, "-a", "-e", "+b").trace
    assert project.run("-dE", *kept, "-a").trace == []
    assert project.run("-t", "2024-01-01").trace == ["a", "b"]  # another folder knows nothing of it


def test_properties_are_read_as_java_reads_them() -> None:
    text = "! note\n\n  a.b : c=d\nk\\ 1 = v\\u00e9\\tx\n=\nlong = one,\\\n    two\nlast\\=x y\n"
    assert dict(properties(text)) == {"a.b": "c=d", "k 1": "vé\tx", "long": "one,two", "last=x": "y"}

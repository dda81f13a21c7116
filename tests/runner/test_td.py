"""The td operators against the local account."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.runner.kit import Project

HEAD = "timezone: UTC\n_export: {td: {database: shop}}\n+db:\n  td_ddl>:\n  create_databases: [shop]\n"
ITEMS = (
    "+fill:\n  td>: {data: \"select 1 as n, 'a' as name union all select 2, '' union all select 3, null\"}\n"
    "  create_table: items\n"
)


def run(project: Project, text: str) -> list[str]:
    project.write("main.dig", HEAD + ITEMS + text)
    ended = project.run("-q", "--session", "2024-03-10")
    assert ended.code == 0, ended.err
    return ended.lines


def test_rows_in_files_and_in_last_results(project: Project) -> None:
    project.write("q.sql", "-- ${session_date}\nselect n, name from items order by n")
    lines = run(
        project,
        "+get:\n  td>: q.sql\n  download_file: out/i.csv\n  store_last_results: true\n"
        "+tell:\n  echo>: ${td.last_results} ${td.last_job.num_records} ${typeof td.last_job_id}\n"
        "+none:\n  td>: {data: select n from items where n > 9}\n  store_last_results: true\n"
        "+empty:\n  echo>: ${td.last_results}\n",
    )
    assert lines == ['{"n":1,"name":"a"} 3 string', "{}"]
    assert (project.root / "out" / "i.csv").read_bytes() == b'n,name\r\n1,a\r\n2,""\r\n3,\r\n'


def test_insert_preview_and_loops_over_rows(project: Project) -> None:
    lines = run(
        project,
        "+more:\n  td>: {data: \"select 4 as n, 'd' as name\"}\n  insert_into: shop.items\n"
        "+look:\n  td>: {data: select n from items order by n}\n  preview: true\n"
        "+each:\n  td_for_each>: {data: 'select n, name from items where n > 2 order by n'}\n"
        "  _do:\n    echo>: ${task_name} ${td.each.n} ${td.each.name}\n",
    )
    assert lines[1:6] == ["n", "1", "2", "3", "4"]
    assert lines[6:] == ["+main+each^sub+td-for-each-0 3 ", "+main+each^sub+td-for-each-1 4 d"]


def test_waiting_renaming_deleting_and_saved_queries(project: Project) -> None:
    lines = run(
        project,
        "+table:\n  td_wait_table>: items\n  rows: 3\n"
        "+query:\n  td_wait>:\n  query: select count(*) = 3 from items\n"
        "+ddl:\n  td_ddl>:\n  rename_tables: [{from: items, to: things}]\n  create_tables: [empty_one]\n"
        "  drop_tables: [nosuch]\n"
        "+save:\n  http>: https://api.treasuredata.com/v3/schedule/create/my%20query\n  method: POST\n"
        "  content_format: form\n  headers: [{authorization: 'TD1 ${secret:td.apikey}'}]\n"
        "  content: {query: select count(*) as c from things, database: shop, type: presto, cron: ''}\n"
        "+saved:\n  td_run>: my query\n  store_last_results: true\n+tell:\n  echo>: ${td.last_results.c}\n"
        "+delete:\n  td_partial_delete>: things\n  from: 2020-01-01 00:00:00 +0000\n"
        "  to: 2030-01-01 00:00:00 +0000\n"
        "+count:\n  td>: {data: select count(*) as c from things}\n  store_last_results: true\n"
        "+told:\n  echo>: ${td.last_results.c}\n",
    )
    assert lines == ["3", "0"]


def test_a_fault_in_a_query_names_file_and_line(project: Project) -> None:
    project.write("q/bad.sql", "select n\nfrom items\nwhere nosuch = 1\n")
    project.write("main.dig", HEAD + ITEMS + "+bad:\n  td>: q/bad.sql\n  create_table: t_1\n")
    ended = project.run()
    assert ended.code == 1 and "nosuch" in ended.err and "in q/bad.sql" in ended.err


def test_a_retry_on_td_asks_about_the_same_job(project: Project) -> None:
    project.write(
        "main.dig",
        HEAD + "+bad:\n  _retry: 2\n  td>: {data: select nosuch}\n+g:\n  echo>: never\n",
    )
    ended = project.run("--json")
    failures = [event["problem"] for event in ended.events if event["event"] == "task_failed"]
    assert len(failures) == 3 and len(set(failures)) == 1


def test_what_is_written_wrong_is_not_sent(project: Project) -> None:
    for text, told in (
        (
            "+a:\n  td>: {data: select 1}\n  insert_into: abc\n  create_table: abc\n",
            "Setting both insert_into and create_table",
        ),
        ("+a:\n  td>: {data: select 1}\n  engine: trino\n", "Unknown 'engine:' option"),
        ("+a:\n  td>: ''\n", "Failed to read file: "),
        ("+a:\n  td>: nosuch.sql\n", "no such file: nosuch.sql"),
        ("+a:\n  td>: {data: select 1}\n  priority: HIGH\n", "key 'priority'"),
        ("+a:\n  td_wait>:\n  query: select 1\n  interval: 2s\n", "poll interval must be at least 30s"),
    ):
        project.write("main.dig", "_export: {td: {database: shop}}\n" + text)
        assert told in project.run("--rerun").err
    project.write("main.dig", "+a:\n  td>: {data: select 1}\n")
    assert "Parameter 'database' is required but not set" in project.run("--rerun").err


@pytest.fixture
def stumbling(project: Project) -> Iterator[None]:
    """An account that answers every second call wrongly or not at all."""
    kinds = ("429", "503", "drop", "lost", "cut")
    faults = [{"route": "* /v3/*", "kind": kind, "rate": 0.1, "retry_after": 0} for kind in kinds]
    project.write("faults.yml", json.dumps({"seed": 3, "faults": faults}))
    server = project.start("serve", "--port", "0", "--faults", "faults.yml")
    try:
        deadline = time.monotonic() + 60
        while not (project.root / ".tdlocal" / "server.json").exists():
            assert server.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        yield
    finally:
        server.terminate()
        server.communicate(timeout=30)


def test_faults_that_pass_do_no_harm_and_no_query_runs_twice(project: Project, stumbling: None) -> None:
    text = "".join(
        f"+add{n}:\n  td>: {{data: \"select {n} as n, 'x' as name\"}}\n  insert_into: items\n"
        for n in range(4, 9)
    )
    look = (
        "+look:\n  td_for_each>: {data: 'select n from items order by n'}\n  _do: {echo>: '${td.each.n}'}\n"
    )
    other = "+other:\n  td_ddl>:\n  create_tables: [one]\n  rename_tables: [{from: one, to: two}]\n"
    assert run(project, text + other + look) == [str(n) for n in range(1, 9)]

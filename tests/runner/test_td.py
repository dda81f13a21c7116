"""The td operators against the local account."""

import gzip
import json
import sqlite3
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
        "+empty:\n  echo>: ${td.last_results}\n"
        "+odd:\n  td>: {data: 'select array[1, 2] l, 12345678.5e0 d, 0.25e0 h'}\n  download_file: odd.csv\n",
    )
    assert lines == ['{"n":1,"name":"a"} 3 string', "{}"]
    assert (project.root / "odd.csv").read_bytes() == b'l,d,h\r\n"[1,2]",1.23456785E7,0.25\r\n'
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


def test_loads_and_exports(project: Project) -> None:
    project.write(".tdlocal/buckets/drop/in/2024-03-10.csv", "id,name,at\n1,a,1710028800\n2,b,1710028801\n")
    project.write(".tdlocal/buckets/out/.keep", "")
    for name in ("access_key_id", "secret_access_key"):
        project.write(f".tdlocal/secrets/aws.s3.{name}", "nobody")
    config = (
        "in:\n  type: s3\n  bucket: drop\n  path_prefix: in/${session_date}\n"
        "  access_key: ${secret:td.apikey}\n  parser:\n    type: csv\n    skip_header_lines: 1\n"
        "    columns: [{name: id, type: long}, {name: name, type: string}, {name: at, type: long}]\n"
        "out: {mode: append, time_column: at}\n"
    )
    project.write("load.yml", config)
    post = "  method: POST\n  headers: [{authorization: 'TD1 ${secret:td.apikey}'}]\n"
    api = "https://api.treasuredata.com/v3"
    lines = run(
        project,
        "+to:\n  td_ddl>:\n  create_tables: [landed]\n+load:\n  td_load>: load.yml\n  table: landed\n"
        "+told:\n  echo>: ${td.last_job.num_records} ${typeof td.last_job_id}\n"
        f"+save:\n  http>: {api}/bulk_loads\n{post}  content: {json.dumps(SAVED_LOAD)}\n"
        "+saved:\n  td_load>: nightly\n"
        "+landed:\n  td>: {data: 'select id, name, time from landed order by id'}\n  download_file: l.csv\n"
        "+export:\n  td_table_export>:\n  table: landed\n  s3_bucket: out\n  s3_path_prefix: t/x\n"
        "  file_format: jsonl.gz\n  from: 2024-03-10 00:00:00 +0000\n  to: 2024-03-10 00:00:01 +0000\n"
        f"+connect:\n  http>: {api}/result/create/my_out\n{post}  content_format: form\n"
        "  content: {url: 's3://k:s@/out/r.csv'}\n"
        "+rows:\n  td>: {data: select id from landed order by id}\n"
        "+result:\n  td_result_export>:\n  job_id: ${td.last_job_id}\n  result_connection: my_out\n"
        "  result_settings: {path: '${session_date}.csv'}\n",
    )
    assert lines == ["2 string"]
    rows = (project.root / "l.csv").read_text().split()
    assert rows == ["id,name,time", *["1,a,1710028800"] * 2, *["2,b,1710028801"] * 2]
    out = project.root / ".tdlocal" / "buckets" / "out"
    [table] = (out / "t").glob("*")
    assert [json.loads(line)["id"] for line in gzip.decompress(table.read_bytes()).splitlines()] == [1, 1]
    assert (out / "2024-03-10.csv").read_text().split() == ["id", "1", "1", "2", "2"]


SAVED_LOAD = {
    "name": "nightly",
    "database": "shop",
    "table": "landed",
    "config": {
        "in": {
            "type": "s3",
            "bucket": "drop",
            "path_prefix": "in/",
            "parser": {
                "type": "csv",
                "skip_header_lines": 1,
                "columns": [
                    {"name": n, "type": t} for n, t in (("id", "long"), ("name", "string"), ("at", "long"))
                ],
            },
        },
        "out": {"time_column": "at"},
    },
}


def test_what_is_written_wrong_is_not_sent(project: Project) -> None:
    wrong = (
        (
            "td>: {data: select 1}\n    insert_into: abc\n    create_table: abc",
            "Setting both insert_into and create_table",
        ),
        ("td>: {data: select 1}\n    engine: trino", "Unknown 'engine:' option"),
        ("td>: ''", "Failed to read file: "),
        ("td>: nosuch.sql", "no such file: nosuch.sql"),
        ("td>: {data: select 1}\n    priority: HIGH", "key 'priority'"),
        ("td_wait>:\n    query: select 1\n    interval: 2s", "poll interval must be at least 30s"),
        ("td_wait>:\n    query: select 1\n    interval: 30", "interval must be a text with a unit"),
        ("td_load>: nosuch.yml\n    table: t_1", "nosuch.yml"),
        ("td_table_export>:\n    table: t_1", "s3_bucket"),
        ("td_result_export>:\n    job_id: 1", "result_connection"),
    )
    tasks = "".join(f"  +t{n}:\n    {text}\n" for n, (text, _) in enumerate(wrong))
    tasks += "  +none:\n    _export: {td: null}\n    td>: {data: select 1}\n"
    project.write("main.dig", "_export: {td: {database: shop}}\n+all:\n  _parallel: true\n" + tasks)
    ended = project.run("--json")
    problems = {e["task"]: e["problem"] for e in ended.events if e["event"] == "task_failed"}
    for number, (_, told) in enumerate(wrong):
        assert told in problems[f"+main+all+t{number}"]
    assert "Parameter 'database' is required but not set" in problems["+main+all+none"]


@pytest.fixture
def stumbling(project: Project) -> Iterator[None]:
    """An account that answers every second call wrongly or not at all."""
    kinds = ("429", "503", "drop", "lost", "cut")
    faults = [{"route": "* /v3/*", "kind": kind, "rate": 0.1, "retry_after": 0} for kind in kinds]
    project.write("faults.yml", json.dumps({"seed": 3, "faults": faults}))
    with project.serving("--faults", "faults.yml"):
        yield


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


def test_a_rename_that_a_killed_run_could_not_note_is_done(project: Project) -> None:
    """The kill comes between two renames of one task: the first is done, and nothing says so yet."""
    slow = {"route": "POST /v3/table/rename/shop/three/four", "kind": "slow", "seconds": 60, "times": 1}
    project.write("faults.yml", json.dumps({"seed": 3, "faults": [slow]}))
    text = "+ddl:\n  td_ddl>:\n  create_tables: [one, three]\n+move:\n  td_ddl>:\n"
    pairs = "  rename_tables: [{from: one, to: two}, {from: three, to: four}]\n"
    project.write("main.dig", HEAD + text + pairs)
    there = "select count(*) as n from information_schema.tables where table_name = 'two'"
    with project.serving("--faults", "faults.yml"):
        killed = project.start("run", "main", "--session", "2024-03-10")
        deadline = time.monotonic() + 60
        while '"n":1' not in project.tdlocal("query", there, "--json").out.replace(" ", ""):
            assert killed.poll() is None and time.monotonic() < deadline
        killed.kill()
        killed.communicate()
        tell = "+tell:\n  td_wait_table>: four\n"
        project.write("main.dig", HEAD + text + pairs + tell)
        ended = project.run("--session", "2024-03-10", timeout=30)
        assert ended.code == 0, ended.err
    project.write("main.dig", HEAD + "+move:\n  td_ddl>:\n  rename_tables: [{from: one, to: two}]\n")
    assert "Renaming table shop.one doesn't exist" in project.run("--session", "2024-03-11").err


@pytest.mark.parametrize("edited", [False, True])
def test_an_insert_that_goes_on_after_its_run_was_killed_is_not_done_twice(
    project: Project, edited: bool
) -> None:
    numbers = "unnest(sequence(1, 9999))"
    heavy = f"select max(x * y) as n from {numbers} as a (x), {numbers} as b (y)"
    fill = "+fill:\n  td>: {data: select 0 as n}\n  create_table: items\n"
    add = HEAD + fill + f"+add:\n  td>: {{data: '{heavy}'}}\n  insert_into: items\n"
    project.write("main.dig", add)
    with project.serving():
        killed = project.start("run", "main", "--session", "2024-03-10")
        jobs = sqlite3.connect(project.root / ".tdlocal/account.sqlite")
        deadline = time.monotonic() + 60
        while not jobs.execute("select 1 from jobs where query like '%9999%'").fetchall():
            assert killed.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        killed.kill()
        killed.communicate()
        project.write("main.dig", add.replace("max(", "min(") if edited else add)
        ended = project.run("--session", "2024-03-10")
        assert ended.code == 0, ended.err
        count = "select count(*) as c, count(distinct n) as d from shop.items"
        expected = {"c": 3, "d": 3} if edited else {"c": 2, "d": 2}
        while jobs.execute("select 1 from jobs where status in ('queued', 'running')").fetchall():
            time.sleep(0.05)
        jobs.close()
        asked = project.tdlocal("query", count, "--json")
        assert asked.code == 0, asked.err
        assert json.loads(asked.out) == expected


def test_an_edit_after_the_end_makes_published_tables_anew(project: Project) -> None:
    """The tables that the edited query reads were renamed when the first run published them."""
    project.write(
        "main.dig",
        HEAD + "+a:\n  td>: {data: select 1 as x}\n  create_table: a__next\n"
        "+b:\n  td>: b.sql\n  create_table: b__next\n"
        "+publish:\n  td>: publish.sql\n"
        "+look:\n  td>: {data: select x from b}\n  store_last_results: true\n"
        "+told:\n  sh>: echo ${td.last_results.x} >> $TRACE\n",
    )
    project.write(
        "publish.sql", "drop table if exists b; drop table a__next; alter table b__next rename to b"
    )
    project.write("b.sql", "select x from a__next\n")
    assert project.run().trace == ["1"]
    assert project.run().trace == []
    project.write("b.sql", "select x + 1 as x from a__next\n")
    run = project.run()
    assert run.code == 0, run.out
    assert run.trace == ["2"]

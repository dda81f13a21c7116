"""The language: what a file means, told by what its tasks do."""

import itertools
import json

import pytest

from tests.runner.kit import Project


def dig(project: Project, text: str, *options: str) -> list[str]:
    project.write("main.dig", text)
    ended = project.run("-q", *options)
    assert ended.code == 0, ended.err
    return ended.lines


def failed(project: Project, text: str, *options: str) -> str:
    project.write("main.dig", text)
    ended = project.run(*options)
    assert ended.code == 1
    return ended.out + ended.err


def test_all_faults_of_all_files_are_told_at_once(project: Project) -> None:
    project.write("main.dig", "+a:\n  echo>: x\n  sh>: y\n+b:\n_export:\n  x: 1\n  x: 2\n")
    project.write("other.dig", "timezone: Mars/Base\nsh>: x\nschedule: {dayly>: 1}\n+c d:\n  echo>: x\n")
    ended = project.run()
    assert ended.code == 1 and ended.out == ""
    for part in (
        "main.dig:3:3: +main+a has more than one operator: echo>, sh>",
        "main.dig:4:1: task +b is empty",
        "main.dig:7:3: duplicate key 'x', first on line 6",
        "other.dig:1:1: unknown time zone 'Mars/Base'",
        "other.dig:2:1: workflow 'other' includes unknown key 'sh>'",
        "other.dig:3:1: schedule: unknown scheduler type: dayly>",
        "other.dig:4:1: task name '+c d' must not contain character ' '",
    ):
        if part.startswith("main.dig") and "duplicate" not in part:
            continue  # a file that is no YAML is not compiled
        assert part in ended.err, ended.err
    assert "main.dig:7:3: duplicate key" in ended.err


def test_a_group_with_an_unknown_key_is_refused(project: Project) -> None:
    assert "invalid key 'email_activity'" in failed(
        project, "+g:\n  email_activity:\n    echo>: x\n  +a:\n    echo>: y\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "+p:\n  _parallel: true\n  +a:\n    _background: true\n    echo>: x\n",
        "+a:\n  echo>: x\n+b:\n  _after: [+a]\n  echo>: y\n",
        "+a:\n  _error: [1]\n  echo>: x\n",
        "+a: 5\n",
        "_export: 5\n",
        "- a\n",
        "",
        "+a:\n\techo>: x\n",
        "+a:\n  echo>: a: b\n",
        "a: !include b.yml\n",
        "+a:\n  _parallel: {limit: x}\n  +b:\n    echo>: x\n",
        "+a:\n  _parallel: ${true}\n  +b:\n    echo>: x\n",
        "+a:\n  _parallel: [true]\n  +b:\n    echo>: x\n",
        "+a:\n  _parallel:\n  +b:\n    echo>: x\n",
        "+a:\n  _disable: ${off}\n  echo>: x\n",
        "+g:\n  _env: {A: b}\n  +a:\n    echo>: x\n",
        "+g:\n  _disable: false\n  +a:\n    echo>: x\n",
        "_background: true\n+a:\n  echo>: x\n",
        "+a:b:\n  echo>: x\n",
        "+a+b:\n  echo>: x\n",
        "schedule:\n  daily>: 25:00:00\n+a:\n  echo>: x\n",
        "schedule:\n  cron>: '* * *'\n+a:\n  echo>: x\n",
        "schedule:\n  daily>: 01:00:00\n  start: 2024-02-30\n+a:\n  echo>: x\n",
        "schedule:\n  daily>: 01:00:00\n  start: 2024-02-02\n  end: 2024-02-01\n+a:\n  echo>: x\n",
        "_export:\n  !include : ../x.yml\n",
        "_export:\n  !include : main.dig\n",
        "&a {+x: *a}\n",
    ],
)
def test_what_digdag_refuses_at_load_is_refused_with_its_place(project: Project, text: str) -> None:
    told = failed(project, text)
    assert "nothing was run" in told and "main.dig:" in told


def test_includes_merge_deeply_and_later_keys_win(project: Project) -> None:
    project.write("conf/a.yml", "x: 1\nm: {a: 10, b: 20}\n!include : b.yml\n")
    project.write("conf/b.yml", "m: {b: 21, c: 30}\ny: '${x}!'\n")
    text = (
        "_export:\n  x: 0\n  m: {a: 1, z: 9}\n  !include : conf/a.yml\n  w: 4\n"
        "+a:\n  echo>: ${x} ${m} ${y} ${w}\n"
    )
    assert dig(project, text) == ['1 {"a":10,"z":9,"b":21,"c":30} 1! 4']


def test_an_include_may_hold_tasks(project: Project) -> None:
    project.write("tasks/t.yml", "+one:\n  echo>: ${task_name}\n")
    assert dig(project, "+g:\n  !include : tasks/t.yml\n") == ["+main+g+one"]


def test_stored_values_lie_between_outer_and_nearer_exports(project: Project) -> None:
    project.write("t.py", "import digdag\ndef put():\n    digdag.env.store({'v': 'stored', 'm': {'a': 1}})\n")
    text = (
        "_export: {v: outer, m: {b: 2}}\n+s:\n  py>: t.put\n+a:\n  echo>: ${v} ${m}\n"
        "+b:\n  _export: {v: nearer}\n  echo>: ${v}\n"
    )
    assert dig(project, text) == ['stored {"b":2,"a":1}', "nearer"]


def test_literal_parameters_are_the_operators_own(project: Project) -> None:
    assert dig(project, "+a:\n  if>: true\n  y: 5\n  _do:\n    echo>: ${typeof y}\n") == ["undefined"]


def test_minus_p_is_the_lowest_layer_and_beats_minus_P(project: Project) -> None:
    project.write("f.yml", "b: file\nc: {d: 1}\nn: 6\n")
    text = "_export: {a: exported}\n+a:\n  echo>: ${a} ${b} ${c} ${n} ${typeof n}\n"
    options = ["-p", "a=given", "-p", "n=5", "-P", "f.yml"]
    assert dig(project, text, *options) == ['exported file {"d":1} 5 string']


def test_parallel_limit_runs_in_chunks(project: Project) -> None:
    text = (
        "+p:\n  _parallel: {limit: 2}\n  +a:\n    sh>: sleep 0.6; echo a >> $TRACE\n"
        "  +b:\n    sh>: echo b >> $TRACE\n  +c:\n    sh>: echo c >> $TRACE\n"
    )
    project.write("main.dig", text)
    assert project.run().trace == ["b", "a", "c"]


def test_background_tasks_wait_for_nothing(project: Project) -> None:
    text = (
        "+a:\n  sh>: sleep 0.3; echo a >> $TRACE\n+z:\n  sh>: echo z >> $TRACE\n"
        "+bg:\n  _background: true\n  sh>: echo bg >> $TRACE\n+c:\n  sh>: echo c >> $TRACE\n"
    )
    project.write("main.dig", text)
    assert project.run().trace == ["bg", "a", "z", "c"]


def test_a_map_of_a_task_is_laid_on_the_exported_map_of_that_name(project: Project) -> None:
    text = (
        "_export:\n  td: {database: d, engine: presto, more: {a: 1, b: '${1+1}'}}\n  l: [1, 2]\n"
        "+a:\n  echo>: ${td} ${l}\n  td: {engine: hive, more: {b: 3}}\n  l: [9]\n+b:\n  echo>: ${td}\n"
    )
    assert dig(project, text) == [
        '{"database":"d","engine":"hive","more":{"a":1,"b":3}} [9]',
        '{"database":"d","engine":"presto","more":{"a":1,"b":"2"}}',
    ]


def test_a_parameter_count_decides_how_often_a_loop_runs(project: Project) -> None:
    text = "_export: {count: 3}\n+a:\n  loop>: 1\n  _do:\n    echo>: ${i}\n"
    assert dig(project, text) == ["0", "1", "2"]


def test_a_dot_in_the_name_of_a_given_parameter_is_a_map(project: Project) -> None:
    text = "+a:\n  echo>: ${td} ${x.y.z}\n"
    assert dig(project, text, "-p", "td.a=1", "-p", "td.b=2", "-p", "x.y.z=3") == ['{"a":"1","b":"2"} 3']
    assert "'a' is no map" in failed(project, text, "-p", "a=1", "-p", "a.b=2")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("wait>: 1", "Invalid duration: 1"),
        ("wait>: 5 seconds", "Invalid duration: 5 seconds"),
        ("wait>: 1s\n  blocking: true\n  poll_interval: 1s", "can't be specified with blocking:true"),
        ("if>: true\n  _do: {}", "Both _do and _else_do are not specified."),
        ("if>: true\n  _do:", "Parameter '_do' must be an object"),
        ("loop>: 1\n  _parallel: ${x}x\n  _do: {echo>: a}", "Expected 'true' or 'false' for key '_parallel'"),
        ("loop>: 1\n  _parallel: 2\n  _do: {echo>: a}", "Invalid _parallel format: 2"),
        ("loop>: 1\n  _parallel: {}\n  _do: {echo>: a}", "Parameter 'limit' is required but not set"),
    ],
)
def test_what_digdag_refuses_when_its_turn_comes_is_refused(project: Project, words: str, told: str) -> None:
    assert told in failed(project, f"+a:\n  {words}\n", "-p", "x=true")


def test_numbers_are_those_of_digdags_yaml(project: Project) -> None:
    text = (
        "_export:\n  m: {0123: a, True: b, 1.5: c}\n"
        "  l: [0.5, .5, 5., 1_0.5, 08, TRUE, .inf, '1', 1:30.5, 0o7]\n"
        "+a:\n  echo>: ${m} ${l}\n"
    )
    assert dig(project, text) == [
        '{"83":"a","true":"b","1.5":"c"} ["0.5",0.5,5,10.5,"08","TRUE","Infinity","1",90.5,"0o7"]'
    ]
    assert "null as a key" in failed(project, "_export: {~: x}\n+a:\n  echo>: x\n")


def test_what_is_disabled_is_not_looked_at_and_some_keys_of_groups_mean_nothing(project: Project) -> None:
    text = (
        "+off:\n  _disable: true\n  nonsense: 1\n  echo>: a\n  sh>: b\n  +c: 5\n"
        "+on:\n  timezone: Asia/Tokyo\n  sla: {}\n  +日本_1.a-b=c:\n    echo>: ${timezone} ${task_name}\n"
    )
    assert dig(project, text) == ["UTC +main+on+日本_1.a-b=c"]


def test_a_limit_may_be_a_template_where_a_task_makes_others(project: Project) -> None:
    text = "+a:\n  loop>: 2\n  _parallel: {limit: '${n}'}\n  _do:\n    echo>: ${i}\n"
    assert dig(project, text, "-p", "n=1") == ["0", "1"]


@pytest.mark.parametrize(("value", "order"), [("${x}", "quick slow"), ("False", "slow quick")])
def test_parallel_may_be_text(project: Project, value: str, order: str) -> None:
    body = "_do:\n    sh>: sleep 0.${3 - 3 * i}; echo ${['slow', 'quick'][i]}\n"
    assert dig(project, f"+a:\n  loop>: 2\n  _parallel: {value}\n  {body}", "-p", "x=true") == order.split()
    group = f"+a:\n  _parallel: {value.replace('${x}', 'TRUE')!r}\n"
    tasks = "  +b:\n    sh>: sleep 0.3; echo slow\n  +c:\n    echo>: quick\n"
    assert dig(project, group + tasks, "--rerun") == order.split()


def test_a_failing_background_task_stops_what_follows(project: Project) -> None:
    text = (
        "+a:\n  sh>: sleep 0.3; echo a >> $TRACE\n"
        "+b:\n  _background: true\n  sh>: exit 1\n+c:\n  sh>: echo c >> $TRACE\n"
    )
    project.write("main.dig", text)
    ended = project.run()
    assert (ended.code, ended.trace) == (1, ["a"])


def test_retry_intervals_grow(project: Project) -> None:
    project.write(
        "main.dig",
        "+a:\n  _retry: {limit: 2, interval: 1, interval_type: Exponential, max_interval: 1}\n"
        "  sh>: date +%s.%N >> $TRACE; exit 1\n",
    )
    times = [float(line) for line in project.run().trace]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(gaps) == 2 and all(0.95 < gap < 2 for gap in gaps)


def test_a_recovered_group_retry_ends_well(project: Project) -> None:
    project.write(
        "main.dig", "+g:\n  _retry: 2\n  +a:\n    sh>: echo a >> $TRACE; test $(wc -l < $TRACE) -ge 3\n"
    )
    ended = project.run()
    assert (ended.code, ended.trace) == (0, ["a", "a", "a"])


@pytest.mark.parametrize("retry", ["many", "", "[1]", "{interval: 1}", "{limit: 1, interval_type: often}"])
def test_an_invalid_retry_fails_a_task_that_works_and_is_ignored_elsewhere(
    project: Project, retry: str
) -> None:
    text = (
        f"+all:\n  _parallel: true\n  +works:\n    _retry: {retry}\n    sh>: echo works >> $TRACE\n"
        f"  +says:\n    _retry: {retry}\n    echo>: said\n"
    )
    project.write("main.dig", text)
    ended = project.run()
    assert ended.code == 1 and ended.trace == [] and ended.lines == ["said"]
    assert "+main+all+works" in ended.err and "+main+all+says" not in ended.err


def test_an_invalid_retry_is_ignored_with_a_warning(project: Project) -> None:
    told = failed(project, "_export: {n: 3}\n+g:\n  _retry: ${n}\n  +a:\n    sh>: exit 1\n")
    assert "_retry is ignored" in told


def test_the_error_of_a_group_is_that_of_its_last_failed_child(project: Project) -> None:
    text = (
        "+g:\n  _parallel: true\n  _error:\n    echo>: got ${error.message}\n  +a:\n"
        "    fail>: first\n  +b:\n    fail>: second\n"
    )
    project.write("main.dig", text)
    assert project.run().lines == ["got second"]


def test_handlers_may_have_handlers(project: Project) -> None:
    text = (
        "+a:\n  fail>: one\n  _error:\n    fail>: two\n"
        "    _error:\n      echo>: ${task_name} ${error.message}\n"
    )
    project.write("main.dig", text)
    assert project.run().lines == ["+main+a^error^error two"]


def test_check_sees_what_was_stored_and_its_failure_is_retried(project: Project) -> None:
    project.write(
        "main.dig",
        "+a:\n  _retry: 1\n  sh>: echo a >> $TRACE\n  _check:\n    sh>: echo check >> $TRACE; exit 1\n",
    )
    ended = project.run("--no-save")
    assert (ended.code, ended.trace) == (1, ["a", "check", "a", "check"])


def test_names_of_generated_tasks(project: Project) -> None:
    text = (
        "+f:\n  for_each>:\n    fruit: [apple, 'or ange+long name']\n    n: [1, 2.5]\n    o: [{k: v}]\n"
        "  _do:\n    echo>: ${task_name}\n"
    )
    assert dig(project, text) == [
        f"+main+f^sub+for-0=fruit={i}={fruit}&1=n={j}={n}&2=o=0=%7B%22k%22%3A%22v%22"
        for i, fruit in enumerate(["apple", "or%20ange%2B"])
        for j, n in enumerate(["1", "2.5"])
    ]


@pytest.mark.parametrize(
    ("value", "branch"), [("true", "do"), ("''", "else"), ("1", "do"), ("0", "else"), ("'False'", "else")]
)
def test_what_if_takes_for_true(project: Project, value: str, branch: str) -> None:
    text = f"+a:\n  if>: {value}\n  _do:\n    echo>: do\n  _else_do:\n    echo>: else\n"
    assert dig(project, text) == [branch]


@pytest.mark.parametrize("value", ["yes please", "'1'", "'${1}'"])
def test_what_if_refuses(project: Project, value: str) -> None:
    text = f"+a:\n  if>: {value}\n  _do:\n    echo>: do\n"
    assert "Expected 'true' or 'false' for key '_command'" in failed(project, text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("+a:\n  nosuch>: hi\n", "Unknown task type: nosuch"),
        ("+a:\n  s3_wait>: b/k\n", "operator s3_wait> (Amazon S3) is not supported by tdlocal"),
        ("+a:\n  echo>:\n", "Parameter '_command' is required but not set"),
        ("+a:\n  for_each>: {x: a}\n  _do: {echo>: x}\n", "Unrecognized token 'a'"),
        ("+a:\n  for_each>: {x: [1]}\n", "Parameter '_do' is required but not set"),
        ("+a:\n  loop>: 1001\n  _do: {echo>: x}\n", "Too many loop subtasks. Limit: 1000"),
        ("+a:\n  call>: main\n", "does a call> call itself?"),
        (
            "+a:\n  require>: main.dig\n",
            "Dependent workflow does not exist. projectId: 1, workflowName:main.dig",
        ),
        ("+a:\n  require>: nope\n", "Dependent workflow does not exist. projectId: 1, workflowName:nope"),
        (
            "+a:\n  echo>: '${[1].map(x => x)}'\n",
            "an arrow function (=>) is not known to Digdag's JavaScript",
        ),
        ('+a:\n  echo>: \'${"a".includes("a")}\'\n', "includes is newer than ECMAScript 5"),
        ("+a:\n  echo>: '${`x`}'\n", "a template string"),
    ],
)
def test_what_fails_when_its_turn_comes(project: Project, text: str, told: str) -> None:
    assert told in failed(project, text)


def test_the_text_of_a_fault_is_four_lines(project: Project) -> None:
    project.write("main.dig", "+a:\n  echo>: ${nosuch}\n")
    lines = project.run().err.splitlines()
    start = next(i for i, line in enumerate(lines) if "FAILED" in line)
    assert "+main+a  echo>  main.dig:1:1" in lines[start]
    assert "found     ReferenceError: nosuch is not defined in ${nosuch}" in lines[start + 1]
    assert "to mend   define nosuch in _export" in lines[start + 2]
    assert "log       .tdlocal/runs/0001/" in lines[start + 3]


def test_docker_is_told_once_and_ignored(project: Project) -> None:
    project.write("t.py", "def f():\n    print('ran')\n")
    project.write("main.dig", "_export: {docker: {image: x}}\n+a:\n  py>: t.f\n+b:\n  py>: t.f\n")
    ended = project.run()
    assert ended.lines == ["ran", "ran"] and ended.err.count("docker: is ignored") == 1


def test_require_takes_over_a_result_of_the_same_session(project: Project) -> None:
    project.write("child.dig", "+c:\n  sh>: echo ${session_time} >> $TRACE\n")
    project.write(
        "main.dig",
        "+a:\n  require>: child\n"
        "+b:\n  require>: child\n+c:\n  require>: child\n  session_time: 2020-01-02T00:00:00+00:00\n"
        "+d:\n  require>: child\n  rerun_on: all\n",
    )
    trace = project.run("--session", "2024-03-10", "--no-save").trace
    assert trace == ["2024-03-10T00:00:00+00:00", "2020-01-02T00:00:00+00:00", "2024-03-10T00:00:00+00:00"]


def test_moment_lives_in_the_workflows_zone(project: Project) -> None:
    text = (
        "timezone: America/New_York\n"
        "+a:\n  echo>: \"${moment(session_time).format()} ${moment.unix(session_unixtime).format('Z')} "
        "${moment(session_time).add(1, 'days').isSameOrAfter(session_time)}\"\n"
    )
    assert dig(project, text, "--session", "2024-07-10") == ["2024-07-10T00:00:00-04:00 -04:00 true"]


def test_dry_run_runs_nothing_but_evaluates(project: Project) -> None:
    project.write("main.dig", "+a:\n  sh>: echo a >> $TRACE\n+b:\n  echo>: ${nosuch}\n")
    ended = project.run("--dry-run")
    assert ended.code == 1 and ended.trace == [] and "nosuch is not defined" in ended.err


def test_show_params_prints_them(project: Project) -> None:
    project.write("main.dig", "_export: {x: 1}\n+a:\n  echo>: hi\n")
    assert "    x: 1\n" in project.run("-E").err


def test_json_events_are_json(project: Project) -> None:
    project.write("main.dig", "+a:\n  echo>: hi\n+b:\n  fail>: no\n")
    events = project.run("--json").events
    assert [event["event"] for event in events] == [
        "run_started", "task_started", "output", "task_ended", "task_started", "task_failed", "run_ended",
    ]  # fmt: skip


def test_hosts_of_treasure_data_lead_to_the_account(project: Project) -> None:
    project.write(
        "t.py",
        "import os, requests, urllib.request\n"
        "def f():\n"
        "    key = {'Authorization': 'TD1 ' + os.environ['TD_API_KEY']}\n"
        "    url = 'https://api.treasuredata.com/v3/database/list'\n"
        "    print(requests.get(url, headers=key).status_code)\n"
        "    print(urllib.request.urlopen(urllib.request.Request(url, headers=key)).status)\n"
        "    print(os.environ['HOST'].startswith('http://127.0.0.1:'))\n",
    )
    project.write(
        "main.dig",
        "+a:\n  py>: t.f\n  _env: {TD_API_KEY: '${secret:td.apikey}', HOST: api-presto.treasuredata.com}\n"
        "+b:\n  http>: https://api.eu01.treasuredata.com/v3/database/list\n  store_content: true\n"
        "  headers: [{authorization: 'TD1 ${secret:td.apikey}'}]\n"
        "+c:\n  echo>: ${http.last_status} ${typeof JSON.parse(http.last_content).databases}\n",
    )
    ended = project.run()
    assert ended.lines == ["200", "200", "True", "200 object"], ended.err


def test_a_file_with_other_bytes_than_utf8_is_told(project: Project) -> None:
    project.write("main.dig", b"+a:\n  echo>: \xff\n")
    assert "main.dig:2: not UTF-8: byte 0xff" in project.run().err


def test_a_huge_template_works(project: Project) -> None:
    project.write("main.dig", '+a:\n  echo>: "' + "x${1+1}" * 150_000 + '"\n')
    assert len(project.run("-q").out) == 300_001


def echoed(project: Project, head: str, *texts: str) -> list[str]:
    tasks = "".join(f"+t{n}:\n  echo>: {json.dumps(text)}\n" for n, text in enumerate(texts))
    project.write("main.dig", head + tasks)
    ended = project.run("--session", "2024-03-10", "--no-save")
    assert ended.code == 0, ended.err
    return ended.lines


def test_templates_are_cut_as_digdag_cuts_them(project: Project) -> None:
    lines = echoed(
        project,
        '_export: {s: "it\'s", site: us}\n',
        "${s.replace(/'/g, \"''\")} ${site}",
        "${secret:td.${site}.key}",
        "${ { ${site}",
        "a$$b ${site}$$ $ ${}.",
    )
    assert lines == ["it''s us", "${secret:td.us.key}", "${ { ${site}", "a$b us$ $ ."]
    project.write("main.dig", "+a:\n  echo>: ${'}'}\n")
    assert "SyntaxError" in project.run().err


def test_moment_works_in_the_workflows_zone(project: Project) -> None:
    lines = echoed(
        project,
        "timezone: Asia/Tokyo\n",
        "${typeof moment.tz}",
        "${moment(session_time).utc().format()} ${moment(session_date_compact).format()}",
        "${moment(session_time).isSameOrBefore('2024-03-10', 'day')} ${moment(session_time)}",
    )
    assert lines == [
        "undefined",
        "2024-03-09T15:00:00Z 2024-03-10T00:00:00+09:00",
        'true "2024-03-09T15:00:00.000Z"',
    ]


def test_merge_keys_stand_where_they_are_written(project: Project) -> None:
    head = (
        "_export:\n  base: &b {k: 1, m: {x: 1}}\n  one: {<<: *b, z: 2}\n"
        "  two: {z: 2, <<: *b, k: 5, m: {y: 2}}\n  three: {<<: [*b, {k: 9, q: 1}]}\n"
    )
    assert echoed(project, head, "${one} ${two} ${three}") == [
        '{"k":1,"m":{"x":1},"z":2} {"z":2,"k":5,"m":{"y":2}} {"k":1,"m":{"x":1},"q":1}'
    ]


def test_one_task_is_named_before_or_behind_the_options(project: Project) -> None:
    project.write("main.dig", "+a:\n  echo>: a\n+b:\n  echo>: b\n")
    assert project.run().lines == ["a", "b"]
    assert project.run("+b").lines == []
    assert project.tdlocal("run", "./main.dig", "--rerun").lines == ["a", "b"]
    assert project.run("--rerun", "+b").lines == ["b"]
    assert project.run("+b", "--rerun").lines == ["b"]
    assert project.run("--rerun", "+b", "extra").code == 2


def test_names_and_lists_of_for_each(project: Project) -> None:
    project.write(
        "main.dig",
        "+a:\n  for_each>: {a: [null, 2.0, {k: v}], b: [two words]}\n  _do:\n    echo>: ${task_name}\n"
        "+b:\n  for_each>: {a: [1], b: [], c: [x, y]}\n  _do:\n    echo>: ${c} ${typeof a} ${task_name}\n"
        "+c:\n  for_each>: {a: [1], b: []}\n  _do:\n    echo>: never\n"
        "+d:\n  for_each>: {a: [1]}\n  _do:\n    _export: {a: 5, b: '${a}1'}\n    echo>: ${a} ${b}\n",
    )
    assert project.run().lines == [
        "+main+a^sub+for-0=a=0=null&1=b=0=two%20word",
        "+main+a^sub+for-0=a=1=2.0&1=b=0=two%20word",
        "+main+a^sub+for-0=a=2=%7B%22k%22%3A%22v%22&1=b=0=two%20word",
        "x undefined +main+b^sub+for-2=c=0=x",
        "y undefined +main+b^sub+for-2=c=1=y",
        "1 11",
    ]

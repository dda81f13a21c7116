"""Publishing keeps the last good rows wherever it dies; rollback brings them back."""

import pytest

from common.python import publish, rollback
from common.python.errors import TaskError

DAY = 86_400


class Died(Exception):
    """Stands for a kill between two requests."""


@pytest.fixture
def layer(treasure, params):
    """A layer's name; its database is there and empty."""
    name = f"golden_{params['sub']}"
    treasure.create_database(name)
    return name


@pytest.fixture
def build(treasure, layer):
    """A function that builds <table>__next for a session, as a workflow does."""

    def make(session, value, table="people"):
        treasure.run_query(
            layer,
            f'drop table if exists "{table}__next";\n'
            f'create table "{table}__next" as select {value or 0} as value, {session} as built_for\n'
            f"where {'false' if value is None else 'true'}",
            rows=False,
        )

    return make


@pytest.fixture
def values(treasure, layer):
    """A function that tells what each state of a table holds, by the state's name."""

    def read():
        return {
            name: treasure.run_query(layer, f'select max(value) from "{name}"').rows[0][0]
            for name in sorted(treasure.tables(layer))
        }

    return read


def test_each_session_moves_the_earlier_states_on(build, values, layer):
    for session, value in ((1, 10), (2, 20), (3, 30), (4, 40)):
        build(session * DAY, value)
        publish.publish_layer(layer, session * DAY, keep=2)
    assert values() == {"people": 40, "people__prev": 30, "people__prev2": 20}


def test_a_second_build_of_a_session_keeps_the_states_of_earlier_sessions(build, values, layer):
    for session, value in ((1, 10), (2, 20), (2, 21)):
        build(session * DAY, value)
        done = publish.publish_layer(layer, session * DAY, keep=2)
    assert done == {"people": ("replaced within the session", 1)}
    assert values() == {"people": 21, "people__prev": 10}


def test_publishing_again_does_nothing(build, values, layer):
    for session, value in ((1, 10), (2, 20)):
        build(session * DAY, value)
        publish.publish_layer(layer, session * DAY)
    assert publish.publish_layer(layer, 2 * DAY) == {"people": ("published before", 1)}
    assert values() == {"people": 20, "people__prev": 10}


@pytest.mark.parametrize("dies_at", range(5))
@pytest.mark.parametrize("after", [False, True], ids=["before the request", "after the request"])
def test_killed_anywhere_and_run_again_it_ends_like_an_unbroken_run(
    build, values, layer, treasure, monkeypatch, dies_at, after
):
    for session, value in ((1, 10), (2, 20)):
        build(session * DAY, value)
        publish.publish_layer(layer, session * DAY, keep=2)
    build(3 * DAY, 30)
    requests = iter(range(100))
    for name in ("rename_table", "swap_tables"):
        whole = getattr(treasure, name)

        def dying(*words, whole=whole):
            now = next(requests)
            if now == dies_at and not after:
                raise Died
            whole(*words)
            if now == dies_at:
                raise Died

        monkeypatch.setattr(treasure, name, dying)
    try:
        publish.publish_layer(layer, 3 * DAY, keep=2)
    except Died:
        assert 20 in values().values(), "the last good rows are gone"
        publish.publish_layer(layer, 3 * DAY, keep=2)
    assert values() == {"people": 30, "people__prev": 20, "people__prev2": 10}


def test_a_first_build_that_was_published_before_the_kill_is_counted(build, values, layer, treasure):
    for table in ("people", "orders"):
        build(DAY, 10, table=table)
    treasure.rename_table(layer, "people__next", "people")  # and there it died
    done = publish.publish_layer(layer, DAY)
    assert done == {"orders": ("published for the first time", 1), "people": ("published before", 1)}
    assert publish.publish_layer(layer, DAY).keys() == done.keys()
    with pytest.raises(TaskError, match="nothing was built"):
        publish.publish_layer(layer, 2 * DAY)


def test_a_backfill_of_an_older_session_is_finished_after_a_kill(build, values, layer, treasure):
    build(5 * DAY, 50)
    publish.publish_layer(layer, 5 * DAY)
    build(2 * DAY, 20)
    treasure.rename_table(layer, "people__next", "people__prev")  # and there it died
    assert publish.publish_layer(layer, 2 * DAY) == {"people": ("swap finished", 1)}
    assert values() == {"people": 20, "people__prev": 50}


def test_a_transient_fault_is_tried_again(build, values, layer, treasure, monkeypatch):
    build(DAY, 10)
    publish.publish_layer(layer, DAY)
    build(2 * DAY, 20)
    whole, faults = treasure.swap_tables, iter([treasure.ApiError("x", where="y", mend="z", status=503)])

    def stumbling(*words):
        whole(*words)  # the swap was done, its answer was lost
        fault = next(faults, None)
        if fault:
            raise fault

    monkeypatch.setattr(treasure, "swap_tables", stumbling)
    publish.publish_layer(layer, 2 * DAY)
    assert values() == {"people": 20, "people__prev": 10}


def test_nothing_built_is_told(layer):
    with pytest.raises(TaskError, match="nothing was built"):
        publish.publish_layer(layer, DAY)


def test_the_task_logs_and_stores_what_it_published(build, layer, py, params, treasure):
    build(params["session_unixtime"], 10)
    build(params["session_unixtime"], 10, table="orders")
    py("common.python.publish.main", database=layer, built='["people", "orders"]')
    assert params["published_rows"] == {layer: 2}
    logged = treasure.run_query(
        f"va_config_{params['sub']}", "select table_name, action, row_count from publish_log order by 1"
    )
    assert logged.rows == [
        ["orders", "published for the first time", 1],
        ["people", "published for the first time", 1],
    ]


@pytest.fixture
def days(build, py, layer):
    """A function that runs the layer's workflow for some sessions; a value of None makes an empty table."""

    def run(*sessions, **tables):
        for session in sessions:
            for table, values in tables.items():
                build(session * DAY, values[session - 1], table=table)
            py("common.python.publish.main", database=layer, session_unixtime=session * DAY)

    return run


@pytest.fixture
def back(params, layer):
    """A function that takes the layer back, as `tdlocal rollback wf06_golden` does, or to a session."""

    def roll(session=None):
        run = "" if session is None else str(session * DAY)
        moved = rollback.roll_back(params, run=run, workflow="wf06_golden")
        return {table: stamp // DAY for table, stamp in moved[layer].items()}

    return roll


def test_a_rollback_brings_a_session_back_and_can_be_undone(days, values, back):
    days(1, 2, 3, people=(10, 20, 30))
    assert back(1) == {"people": 1}
    assert values() == {"people": 10, "people__prev": 20, "people__prev2": 30}
    assert back() == {"people": 3}, "undone, not one state further"
    assert values() == {"people": 30, "people__prev": 20, "people__prev2": 10}
    assert back() == {"people": 1}, "and done again"
    assert back(3) == {"people": 3} and back(3) == {}


def test_a_first_session_has_nothing_to_go_back_to(days, back, layer, treasure):
    treasure.run_query(
        layer, "create table if not exists people (value bigint, built_for bigint)", rows=False
    )
    days(1, people=(10, 20))
    with pytest.raises(TaskError, match="no table has an earlier state"):
        back()
    days(2, people=(10, 20))
    assert back() == {"people": 1}


@pytest.mark.parametrize("done", [True, False], ids=["after the swap", "before the swap"])
def test_a_rollback_swaps_once_though_an_answer_is_lost(days, values, back, treasure, monkeypatch, done):
    days(1, 2, people=(10, 20))
    whole, faults = treasure.swap_tables, iter([treasure.ApiError("x", where="y", mend="z", status=0)])

    def stumbling(*words):
        fault = next(faults, None)
        if fault is None or done:
            whole(*words)
        if fault:
            raise fault

    monkeypatch.setattr(treasure, "swap_tables", stumbling)
    assert back() == {"people": 1}
    assert values() == {"people": 10, "people__prev": 20}


THREE = {"people": (10, 20, 30), "orders": (1, 2, 3), "visits": (7, 8, 9)}


@pytest.mark.parametrize("dies_at", range(3))
@pytest.mark.parametrize("undone", [False, True], ids=["the rollback", "its undoing"])
def test_a_rollback_that_was_killed_is_finished_by_the_same_command(
    days, values, back, treasure, monkeypatch, dies_at, undone
):
    days(1, 2, 3, **THREE)
    if undone:
        back()
    whole, requests = treasure.swap_tables, iter(range(100))

    def dying(*words):
        if next(requests) == dies_at:
            raise Died
        whole(*words)

    monkeypatch.setattr(treasure, "swap_tables", dying)
    with pytest.raises(Died):
        back()
    back()
    aim = 2 if undone else 1
    assert {name: value for name, value in values().items() if "__" not in name} == {
        table: states[aim] for table, states in THREE.items()
    }


def test_a_rollback_that_was_killed_leaves_no_workflow_done(days, back, treasure, monkeypatch, py, params):
    def decide():
        py("common.python.run_log.decide", workflow_name="wf06_golden", session_unixtime=2 * DAY)
        return params["decisions"]["wf06_golden"]["should_run"]

    days(1, 2, **THREE)
    decide()
    py("common.python.run_log.success", workflow_name="wf06_golden", session_unixtime=2 * DAY)
    whole, requests = treasure.swap_tables, iter(range(100))

    def dying(*words):
        whole(*words)
        if next(requests) == 1:
            raise Died

    monkeypatch.setattr(treasure, "swap_tables", dying)
    with pytest.raises(Died):
        back()
    assert decide() == "run"


def test_a_table_that_was_empty_in_a_session_is_empty_again(days, values, back, py, params):
    days(1, 2, 3, people=(10, 20, 30), findings=(None, 5, None))
    assert back(2) == {"people": 2, "findings": 2} and values()["findings"] == 5
    assert back(1) == {"people": 1, "findings": 1} and values()["findings"] is None
    assert back(3) == {"people": 3}, "empty is empty"
    assert values()["findings"] is None
    assert back() == {"people": 1}, "undone"
    days(3, people=(10, 20, 31), findings=(None, 5, 6))
    assert back() == {"people": 1, "findings": 1}


def test_tables_that_a_run_did_not_reach_go_to_their_state_of_then(days, values, back):
    days(1, 2, 3, people=(10, 20, 30))
    days(1, 3, orders=(1, None, 3))  # the second session failed before it built them
    assert back(2) == {"people": 2, "orders": 1}


def test_what_cannot_go_back_is_told(days, values, back, build, layer, treasure, capsys):
    days(1, 2, 3, people=(10, 20, 30))
    build(3 * DAY, 5, table="novelties")
    publish.publish_layer(layer, 3 * DAY)
    treasure.run_query(layer, "drop table people", rows=False)
    assert back(1) == {"people": 1}, "a table that is gone comes back"
    assert values() == {"novelties": 5, "people": 10, "people__prev": 20}
    told = capsys.readouterr().out
    assert f"{layer}: not taken back, no state so old is kept: novelties" in told
    with pytest.raises(TaskError, match="run '7' is not in the log"):
        rollback.roll_back(
            {"sub": layer.removeprefix("golden_"), "gld": "golden"}, run="7", workflow="wf06_golden"
        )


def test_a_rollback_by_run_id_reads_the_log(build, values, layer, py, params, treasure):
    py(
        "common.python.run_log.decide",
        workflow_name="wf06_golden",
        session_unixtime=DAY,
        session_uuid="first",
    )
    for session, value in ((1, 10), (2, 20)):
        build(session * DAY, value)
        publish.publish_layer(layer, session * DAY)
    for name in ("first", "first", params["session_date"]):  # there already: nothing to do is no fault
        py("common.python.rollback.main", rollback_to=name)
        assert values() == {"people": 10, "people__prev": 20}


def test_a_layer_that_was_taken_back_is_not_done(build, values, layer, py, params):
    def decide():
        py("common.python.run_log.decide", workflow_name="wf06_golden", session_unixtime=2 * DAY)
        return params["decisions"]["wf06_golden"]["should_run"]

    for session, value in ((1, 10), (2, 20)):
        build(session * DAY, value)
        py("common.python.publish.main", database=layer, session_unixtime=session * DAY)
    assert decide() == "run"
    py("common.python.run_log.success", workflow_name="wf06_golden", session_unixtime=2 * DAY)
    assert decide() == "skip"
    py("common.python.rollback.main", rollback_to=str(1 * DAY))
    assert values()["people"] == 10 and decide() == "run"
    py("common.python.run_log.success", workflow_name="wf06_golden", session_unixtime=2 * DAY)
    py("common.python.rollback.main", rollback_to=str(2 * DAY))
    assert values()["people"] == 20 and decide() == "skip"


def test_a_rollback_to_a_run_nobody_knows_is_told(layer, py, params):
    py("common.python.run_log.decide", workflow_name="wf06_golden")
    with pytest.raises(TaskError, match="not in the log"):
        py("common.python.rollback.main", rollback_to="nobody")

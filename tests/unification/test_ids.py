"""Canonical ids stay with their people: over reruns, new data, merges, splits and kills."""

import random

import pytest

from tdlocal.unification.compile import compile_workflow
from tests.unification.support import Killed, Run, copied, one_table, partition, people, put, rows, unify

DAY = 86_400
FIRST = 1_793_491_200
COLUMNS = ["email", "phone", "time"]


def changes(engine):
    return sorted(
        rows(
            engine,
            "select change, canonical_id, other_canonical_id, identifiers, cause, session_unixtime"
            " from unification_changes",
            "cdp_unification_t",
        )
    )


def lookup(engine):
    return dict(rows(engine, "select id, canonical_id from who_lookup", "cdp_unification_t"))


def test_new_data_keeps_the_id_of_the_person_it_joins(engine):
    put(engine, "stg.a", COLUMNS, [("e1", "p1", 10)])
    unify(engine, one_table(["email", "phone"]), FIRST)
    before = lookup(engine)["e1"]
    put(engine, "stg.a", COLUMNS, [("e1", "p1", 10), ("e0", "p1", 5), ("e2", "p1", 20)])
    unify(engine, one_table(["email", "phone"]), FIRST + DAY)
    assert set(lookup(engine).values()) == {before}
    assert changes(engine) == []


def test_when_two_people_merge_the_older_id_survives_and_the_log_says_why(engine):
    put(engine, "stg.a", COLUMNS, [("e1", None, 20), ("e2", None, 10)])
    unify(engine, one_table(["email", "phone"]), FIRST)
    before = lookup(engine)
    put(engine, "stg.a", COLUMNS, [("e1", None, 20), ("e2", None, 10), ("e1", "p", 30), ("e2", "p", 30)])
    unify(engine, one_table(["email", "phone"]), FIRST + DAY)
    assert set(lookup(engine).values()) == {before["e2"]}
    assert changes(engine) == [("merge", before["e2"], before["e1"], 1, "phone", FIRST + DAY)]


def test_when_a_person_splits_the_larger_part_keeps_the_id(engine):
    linked = [("e1", "p1", 1), ("e2", "p1", 2), ("e2", "p2", 3), ("e3", "p2", 4), ("e4", "p2", 5)]
    put(engine, "stg.a", COLUMNS, linked)
    unify(engine, one_table(["email", "phone"]), FIRST)
    before = set(lookup(engine).values())
    put(engine, "stg.a", COLUMNS, [linked[0], *linked[2:]])  # e2 never had p1
    unify(engine, one_table(["email", "phone"]), FIRST + DAY)
    after = lookup(engine)
    assert {after["e2"], after["p2"], after["e3"]} == before
    assert after["e1"] == after["p1"] not in before
    assert changes(engine) == [("split", *before, after["e1"], 2, "link no longer in the data", FIRST + DAY)]


def test_a_rerun_of_a_session_compares_with_the_session_before(engine):
    put(engine, "stg.a", COLUMNS, [("e1", None, 20), ("e2", None, 10)])
    unify(engine, one_table(["email", "phone"]), FIRST)
    put(engine, "stg.a", COLUMNS, [("e1", "p", 20), ("e2", "p", 10)])
    unify(engine, one_table(["email", "phone"]), FIRST + DAY)
    first = lookup(engine), changes(engine)
    unify(engine, one_table(["email", "phone"]), FIRST + DAY)
    assert (lookup(engine), changes(engine)) == first
    assert len(first[1]) == 1


def test_the_log_keeps_earlier_sessions(engine):
    put(engine, "stg.a", COLUMNS, [("e1", None, 1), ("e2", None, 2), ("e3", None, 3)])
    unify(engine, one_table(["email", "phone"]), FIRST)
    put(engine, "stg.a", COLUMNS, [("e1", "p", 1), ("e2", "p", 2), ("e3", None, 3)])
    unify(engine, one_table(["email", "phone"]), FIRST + DAY)
    put(engine, "stg.a", COLUMNS, [("e1", "p", 1), ("e2", "p", 2), ("e3", "p", 3)])
    unify(engine, one_table(["email", "phone"]), FIRST + 2 * DAY)
    assert [row[-1] for row in changes(engine)] == [FIRST + DAY, FIRST + 2 * DAY]


def test_a_key_moved_in_the_order_of_keys_changes_no_id(engine):
    put(engine, "stg.a", COLUMNS, [("e1", "p1", 20), ("e2", None, 10)])
    unify(engine, one_table(["email", "phone"]), FIRST)
    before = lookup(engine)
    unify(engine, one_table(["phone", "email"]), FIRST + DAY)
    assert lookup(engine) == before


def batches(seed):
    """Return ten days of records: new people, known ones with new identifiers, links between both."""
    dice = random.Random(seed)
    days, time = [], 0
    for day in range(10):
        batch = []
        for _ in range(12):
            time += 1
            email = f"e{dice.randrange(4 + day * 6)}" if dice.random() < 0.8 else None
            phone = f"p{dice.randrange(4 + day * 6)}" if dice.random() < 0.7 else None
            batch.append((email, phone, time))
        days.append(batch)
    return days


def outputs(engine):
    """Return every output but the session's own columns."""
    seen = "id_first_seen_at, id_last_seen_at, canonical_id_first_seen_at, canonical_id_last_seen_at"
    queries = [
        f"select id, id_key_type, canonical_id, {seen}, id_source_table_ids from who_lookup",
        "select follower_id, follower_ns, leader_id, leader_ns, follower_first_seen_at from who_graph",
        "select from_table, total_distinct, distinct_email, distinct_phone from who_source_key_stats",
        "select from_table, total_distinct, distinct_with_email, histogram_email, histogram_phone"
        " from who_result_key_stats",
        "select who, best, emails from best",
    ]
    return [sorted(rows(engine, query, "cdp_unification_t")) for query in queries]


BEST = {
    "name": "best",
    "canonical_id": "who",
    "attributes": [
        {"name": name, "source_columns": [{"table": "a", "column": "email"}], **more}
        for name, more in (("best", {}), ("emails", {"array_elements": 3}))
    ],
}


@pytest.mark.parametrize("seed", [1])
def test_ten_daily_incremental_runs_equal_one_full_run(engine, seed):
    unification = one_table(["email", "phone"], master_tables=[BEST])
    together = []
    for day, batch in enumerate(batches(seed)):
        together += batch
        put(engine, "stg.a", COLUMNS, together)
        unify(engine, unification, FIRST + day * DAY, full_refresh=False)
    daily = people(engine), outputs(engine)
    engine.drop_database("cdp_unification_t")
    unify(engine, unification, FIRST + 9 * DAY)
    assert (people(engine), outputs(engine)) == daily


def test_an_incremental_run_after_a_full_one_carries_nothing_over_from_an_older_state(engine):
    unification = one_table(["email", "phone"])
    put(engine, "stg.a", COLUMNS, [("e1", "p1", 1), ("e2", "p2", 2)])
    unify(engine, unification, FIRST, full_refresh=False)
    put(engine, "stg.a", COLUMNS, [("e1", "p1", 1), ("e2", "p2", 2), ("e1", "p2", 3)])
    unify(engine, unification, FIRST + DAY)
    put(engine, "stg.a", COLUMNS, [("e1", "p1", 1), ("e2", "p2", 2), ("e1", "p2", 3), ("e3", None, 4)])
    unify(engine, unification, FIRST + 2 * DAY, full_refresh=False)
    ids = lookup(engine)
    assert ids["e1"] == ids["e2"] != ids["e3"]


def test_a_changed_unify_yml_makes_an_incremental_run_read_everything(engine):
    put(engine, "stg.a", COLUMNS, [("e1", "p1", 1), ("e1", "p2", 2), ("e2", "p2", 3)])
    unify(engine, one_table(["email"]), FIRST, full_refresh=False)
    unify(engine, one_table(["email", "phone"]), FIRST + DAY, full_refresh=False)
    assert partition(people(engine)) == {frozenset({1, 2, 3})}


@pytest.mark.parametrize("full_refresh", [True, False])
def test_killed_between_tasks_and_started_again_it_ends_the_same(engine, full_refresh):
    unification = one_table(["email", "phone"])
    first = [("e1", "p1", 1), ("e2", None, 2), ("e3", "p3", 3)]
    second = [*first, ("e2", "p1", 4), ("e4", "p4", 5)]

    put(engine, "stg.a", COLUMNS, first)
    unify(engine, unification, FIRST, full_refresh=full_refresh)
    copied(engine, "cdp_unification_t", "first_day")
    put(engine, "stg.a", COLUMNS, second)
    workflow = compile_workflow(unification, full_refresh=full_refresh)

    def ends(die_after):
        copied(engine, "first_day", "cdp_unification_t")
        run = Run(engine, FIRST + DAY, die_after)
        try:
            run.run(workflow)
        except Killed:
            Run(engine, FIRST + DAY).run(workflow)
        return (lookup(engine), changes(engine), people(engine)), run.done

    unbroken, tasks = ends(None)
    assert len(unbroken[1]) == 1
    for at in range(1, tasks + 1, 3):
        assert ends(at)[0] == unbroken, f"killed after task {at}"

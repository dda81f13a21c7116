"""Tables beside the lookup: their names and columns, enriched rows, survivorship, statistics."""

from tests.support import SESSION_UNIXTIME
from tests.unification.support import one_table, people, put, rows, unify

U = "cdp_unification_t"


def master(attributes):
    return {"master_tables": [{"name": "best", "canonical_id": "who", "attributes": attributes}]}


def source(column="value", **more):
    return {"table": "a", "column": column, **more}


def best(engine, columns):
    return sorted(rows(engine, f"select {columns} from best", U), key=repr)


def test_the_tables_have_the_services_names_and_columns(engine):
    put(engine, "stg.a", ["email", "phone"], [("e1", "p1"), ("e2", "p1"), ("e3", None)])
    unify(
        engine,
        one_table(["email", "phone"], **master([{"name": "email", "source_columns": [source("email")]}])),
    )
    columns = {table.name: [column.name for column in table.columns if column.name != "time"]
               for table in engine.tables(U)}  # fmt: skip
    assert columns["who_lookup"] == [
        "canonical_id", "id", "id_key_type", "canonical_id_first_seen_at", "canonical_id_last_seen_at",
        "id_first_seen_at", "id_last_seen_at", "id_source_table_ids", "id_last_processed_at", "built_for",
    ]  # fmt: skip
    assert columns["who_keys"] == ["key_type", "key_name", "built_for"]
    assert columns["who_tables"] == ["table_id", "table_name", "built_for"]
    assert columns["enriched_a"] == ["email", "phone", "who", "built_for"]
    assert columns["best"] == ["who", "email", "built_for"]
    assert set(columns) == {
        "who_lookup", "who_graph", "who_keys", "who_tables", "who_source_key_stats", "who_result_key_stats",
        "who_previous", "enriched_a", "best", "unification_changes", "unification_suspects",
    }  # fmt: skip
    graph = rows(
        engine, "select follower_id, leader_id, leader_ns, follower_source_table_ids from who_graph", U
    )
    assert sorted(graph) == [
        ("e1", "e1", 1, [1]), ("e2", "e1", 1, [1]), ("e3", "e3", 1, [1]), ("p1", "e1", 1, [1]),
    ]  # fmt: skip


def test_statistics_count_identifiers_before_and_people_after(engine):
    put(
        engine,
        "stg.a",
        ["email", "phone"],
        [("e1", "p1"), ("e2", "p1"), ("e3", None), (None, "p2"), ("e1", "p1")],
    )
    unify(engine, one_table(["email", "phone"]))
    assert rows(
        engine,
        "select total_distinct, distinct_email, distinct_phone, time from who_source_key_stats"
        " where from_table = '*'",
        U,
    ) == [(4, 3, 2, SESSION_UNIXTIME)]
    assert rows(
        engine,
        "select total_distinct, distinct_with_email, distinct_with_phone, histogram_email, histogram_phone"
        " from who_result_key_stats where from_table = 'a'",
        U,
    ) == [(3, 2, 2, "1:1,2:1", "1:2")]


def test_build_aside_leaves_every_table_for_the_caller_to_publish(engine):
    put(engine, "stg.a", ["email"], [("e1",)])
    unify(engine, one_table(["email"]), build_aside=True)
    live = {table.name for table in engine.tables(U) if not table.name.endswith("__next")}
    # the empty lookup and keys are what the next run compares with
    assert live == {"who_lookup", "who_keys", "who_previous", "unification_changes"}
    assert rows(engine, "select count(*) from who_lookup", U) == [(0,)]
    assert rows(engine, "select count(*), max(built_for) from who_lookup__next", U) == [(1, SESSION_UNIXTIME)]


def test_enriched_rows_keep_every_column_and_row(engine):
    put(
        engine,
        "stg.a",
        ["email", "group", "built_for"],
        [("e1", "x", "old"), (None, "y", "old"), ("e1", "x", "old")],
    )
    unify(engine, one_table(["email"]))
    found = rows(engine, 'select "group", who is null, built_for from enriched_a', U)
    assert sorted(found) == [("x", False, SESSION_UNIXTIME)] * 2 + [("y", True, SESSION_UNIXTIME)]


def test_the_lowest_priority_wins_then_the_latest_then_the_order_of_sources(engine):
    columns = ["email", "value", "other", "time"]
    put(engine, "stg.a", columns, [("e1", "old", "b", 1), ("e1", "new", "c", 9), ("e1", None, "z", 20),
                                   ("e2", None, "only", 5)])  # fmt: skip
    attributes = [
        {"name": "latest", "source_columns": [source(), source("other", priority=2)]},
        {"name": "earliest", "source_columns": [source(order="first")]},
        {"name": "same_rank", "source_columns": [source(priority=1), source("other", priority=1)]},
    ]
    unify(engine, one_table(["email"], **master(attributes)))
    assert best(engine, "latest, earliest, same_rank") == [("new", "old", "z"), ("only", None, "only")]


def test_ties_are_decided_by_the_value_and_never_by_the_engine(engine):
    put(engine, "stg.a", ["email", "value", "time"], [("e1", v, 7) for v in ("c", "a", "b")])
    unify(engine, one_table(["email"], **master([{"name": "value", "source_columns": [source()]}])))
    assert best(engine, "value") == [("a",)]


def test_an_array_attribute_holds_the_best_values_once_each(engine):
    records = [("e1", "a", 1), ("e1", "b", 2), ("e1", "a", 3), ("e1", "c", 0), ("e2", None, 4)]
    put(engine, "stg.a", ["email", "value", "time"], records)
    attribute = {"name": "all_values", "array_elements": 2, "source_columns": [source()]}
    unify(engine, one_table(["email"], **master([attribute])))
    assert best(engine, "all_values") == [(None,), (["a", "b"],)]


def test_invalid_values_of_an_attribute_do_not_survive(engine):
    put(engine, "stg.a", ["email", "value", "time"], [("e1", "n/a", 9), ("e1", "12", 5), ("e1", "x", 8)])
    attribute = {
        "name": "value",
        "invalid_texts": ["n/a"],
        "valid_regexp": "^[0-9]+$",
        "source_columns": [source()],
    }
    unify(engine, one_table(["email"], **master([attribute])))
    assert best(engine, "value") == [("12",)]


def test_attributes_keep_their_type(engine):
    put(engine, "stg.a", ["email", "time"], [("e1", 5), ("e1", 9)])
    unify(engine, one_table(["email"], **master([{"name": "seen", "source_columns": [source("time")]}])))
    assert best(engine, "seen") == [(9,)]


def two_levels():
    unification = one_table(["cookie", "email"])
    unification["canonical_ids"] = [
        {"name": "browser", "merge_by_keys": ["cookie"]},
        {"name": "who", "merge_by_keys": ["email"], "merge_by_canonical_ids": ["browser"]},
    ]
    return unification


def test_a_canonical_id_builds_on_a_lower_one(engine):
    put(engine, "stg.a", ["cookie", "email"], [("k1", None), ("k1", "e1"), ("k2", "e1"), ("k3", None)])
    attributes = [{"name": "browser", "source_canonical_id": "browser"}]
    unify(engine, two_levels() | master(attributes))
    ids = people(engine)
    assert ids[1] == ids[2] == ids[3] != ids[4]
    assert len(set(people(engine, id_name="browser").values())) == 3
    assert len(best(engine, "who, browser")) == 2


def test_source_tables_limit_where_a_canonical_id_comes_from(engine):
    put(engine, "stg.a", ["email"], [("e1",)])
    put(engine, "stg.b", ["email"], [("e1",), ("e2",)])
    unification = one_table(["email"])
    unification["tables"].append(
        {"database": "stg", "table": "b", "as": "again", "key_columns": [{"column": "email", "key": "email"}]}
    )
    unification["canonical_ids"][0]["source_tables"] = ["a"]
    unify(engine, unification)
    assert rows(engine, "select count(*) from who_lookup", U) == [(1,)]
    assert set(people(engine, table="again").values()) == {None}


def test_persistent_ids_are_called_so(engine):
    put(engine, "stg.a", ["email"], [("e1",)])
    unification = one_table(["email"])
    unification["persistent_ids"] = unification.pop("canonical_ids")
    unify(engine, unification)
    assert len(rows(engine, "select persistent_id, persistent_id_first_seen_at from who_lookup", U)) == 1
    unify(engine, unification, SESSION_UNIXTIME + 1)

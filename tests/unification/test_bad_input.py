"""Bad settings and bad data: a clear error or a decided outcome for each."""

import json
from pathlib import Path

import pytest
import yaml

from tdlocal.engine.types import EngineError
from tdlocal.unification.compile import TooLong, compile_workflow
from tdlocal.unification.model import UnificationFaults
from tests.support import ROOT
from tests.unification.support import Run, one_table, partition, people, put, unify


def faults(document):
    with pytest.raises(UnificationFaults) as caught:
        compile_workflow(document)
    return caught.value.faults


def changed(**parts):
    return one_table(["email", "phone"]) | parts


def key_and_phone(**key):
    return changed(keys=[{"name": "email"} | key, {"name": "phone"}])


def with_id(**settings):
    return changed(canonical_ids=[{"name": "who", "merge_by_keys": ["email"]} | settings])


def with_columns(*columns):
    return changed(tables=[{"database": "d", "table": "a", "key_columns": list(columns)}])


def with_attributes(*attributes, canonical_id="who"):
    return changed(
        master_tables=[{"name": "m", "canonical_id": canonical_id, "attributes": list(attributes)}]
    )


def attribute(name="x", **source):
    return {"name": name, "source_columns": [{"table": "a", "column": "email"} | source]}


ATTRIBUTES = "master_tables[0].attributes"
FAULTS = [
    (None, "unify.yml", "must be a mapping"),
    ([], "unify.yml", "must be a mapping"),
    (changed(name=None), "name", "missing"),
    (changed(name="a-b"), "name", "not a name"),
    (changed(keys=[]), "keys", "missing or empty"),
    (changed(keys="email"), "keys", "must be a list"),
    (key_and_phone(valid_regexp="("), "keys[0].valid_regexp", "regular expression"),
    (key_and_phone(valid_regex="x"), "keys[0].valid_regex", "unknown setting"),
    (changed(keys=[{"name": "email"}, {"name": "phone"}, {"name": "email"}]), "keys[2]", "twice"),
    (changed(tables=None), "tables", "missing"),
    (with_columns(), "tables[0].key_columns", "empty"),
    (with_columns({"column": "x", "key": "fax"}), "tables[0].key_columns[0].key", "'fax' is not declared"),
    (changed(tables=one_table(["email"])["tables"] * 2), "tables[1]", "twice"),
    (changed(canonical_ids=[]), "canonical_ids", "missing"),
    (with_id(merge_by_keys=[]), "canonical_ids[0].merge_by_keys", "missing"),
    (with_id(merge_by_keys=["fax"]), "canonical_ids[0].merge_by_keys[0]", "not declared"),
    (with_id(merge_by_canonical_ids=["who"]), "canonical_ids[0].merge_by_canonical_ids", "declared above"),
    (with_id(merge_iterations="many"), "canonical_ids[0].merge_iterations", "whole number"),
    (with_attributes(attribute(), canonical_id="nobody"), "master_tables[0].canonical_id", "not declared"),
    (with_attributes({"name": "x"}), f"{ATTRIBUTES}[0]", "must have either"),
    (with_attributes(attribute(), attribute()), f"{ATTRIBUTES}[1]", "twice"),
    (with_attributes(attribute("X"), attribute("x")), f"{ATTRIBUTES}[1]", "twice"),
    (with_attributes(attribute("built_for")), f"{ATTRIBUTES}[0]", "every table"),
    # an attribute that would be made of its own table, or of itself
    (
        with_attributes(attribute(table="m")),
        f"{ATTRIBUTES}[0].source_columns[0].table",
        "'m' is not declared",
    ),
    (
        with_attributes({"name": "x", "source_canonical_id": "x"}),
        f"{ATTRIBUTES}[0].source_canonical_id",
        "not declared",
    ),
    (
        changed(master_tables=[{"name": "enriched_a", "canonical_id": "who", "attributes": [attribute()]}]),
        "master_tables[0].name",
        "writes itself",
    ),
    (with_attributes(attribute("who")), f"{ATTRIBUTES}[0]", "own id column"),
    (with_attributes(attribute(order="newest")), f"{ATTRIBUTES}[0].source_columns[0].order", "first or last"),
]


@pytest.mark.parametrize(
    "document, path, words", FAULTS, ids=[f"{path}: {words}" for _, path, words in FAULTS]
)
def test_a_fault_of_unify_yml_is_told_with_its_place(document, path, words):
    found = faults(document)
    assert [(where, what) for where, what in found if where == path and words in what], found


def test_every_fault_is_told_at_once():
    assert len(faults({"name": "x y", "keys": [{"name": ""}], "tables": 3})) >= 4


def test_canonical_ids_that_need_each_other_are_refused():
    ids = [
        {"name": "a_id", "merge_by_keys": ["email"], "merge_by_canonical_ids": ["b_id"]},
        {"name": "b_id", "merge_by_keys": ["email"], "merge_by_canonical_ids": ["a_id"]},
    ]
    assert any("must be declared above" in what for _, what in faults(changed(canonical_ids=ids)))


def test_a_key_column_that_does_not_exist_fails_naming_it(engine):
    put(engine, "stg.a", ["email"], [("e1",)])
    with pytest.raises(EngineError, match="phone"):
        unify(engine, one_table(["email", "phone"]))


def test_empty_identifiers_identify_nobody(engine):
    put(engine, "stg.a", ["email"], [("",), ("",), (None,)])
    unify(engine, one_table(["email"]))
    assert set(people(engine).values()) == {None}


def test_no_rows_at_all_gives_empty_tables(engine):
    put(engine, "stg.a", ["email"], [])
    unify(engine, one_table(["email"]))
    assert people(engine) == {}


def test_all_rows_sharing_one_value_are_one_person_unless_it_has_a_limit(engine):
    records = [(f"e{at}", "0000") for at in range(300)]
    put(engine, "stg.a", ["email", "phone"], records)
    unify(engine, one_table(["email", "phone"]))
    assert len(partition(people(engine))) == 1
    unify(engine, one_table(["email", "phone"]),
          protection={"keys": {"phone": {"limit": 10}}, "profile_keys": ["email"]})  # fmt: skip
    assert len(partition(people(engine))) == 300


def test_identifiers_of_a_megabyte_work(engine):
    long = "x" * 2**20
    put(engine, "stg.a", ["email"], [(long,), (long,), (long + "y",)])
    unify(engine, one_table(["email"]))
    assert partition(people(engine)) == {frozenset({1, 2}), frozenset({3})}


def test_look_alikes_are_different_identifiers(engine):
    put(
        engine,
        "stg.a",
        ["email"],
        [("ada@x.example",), ("аda@x.example",), ("Ada@x.example",), ("ada@x.example ",)],
    )
    unify(engine, one_table(["email"]))
    assert len(partition(people(engine))) == 4


def test_quotes_dollars_and_separators_in_values_do_no_harm(engine):
    texts = ["it's", "${session_unixtime}", "a$$b", 'say "x"', "02:p1", "one␟02:p1", "-- no", "ü"]
    put(engine, "stg.a", ["email", "phone"], [*((text, None) for text in texts), (None, "p1")])
    unification = one_table(["email", "phone"])
    unification["keys"][0] |= {"invalid_texts": ["it's", "${session_unixtime}", "a$$b"]}
    unify(engine, unification)
    ids = people(engine)
    assert [ids[at] for at in (1, 2, 3)] == [None] * 3
    assert len({ids[at] for at in range(4, 10)}) == 6


def test_a_regular_expression_with_look_ahead_and_dollar_works(engine):
    pattern = r"^[a-z0-9][a-z0-9._+-]*@(?!(?:example\.com|test\.com))[a-z0-9][a-z0-9.-]*\.[a-z]{2,}$"
    unification = one_table(["email"])
    unification["keys"][0]["valid_regexp"] = pattern
    put(engine, "stg.a", ["email"], [("ada@x.org",), ("ada@test.com",), ("ada",), ("b@mytest.com",)])
    unify(engine, unification)
    assert [at for at, who in sorted(people(engine).items()) if who] == [1, 4]


def test_a_workflow_that_http_call_would_refuse_is_packed_or_refused_here():
    unification = one_table(["email"])
    plain = length(compile_workflow(unification))
    assert length(compile_workflow(unification, limit=plain - 100)) < plain - 100
    with pytest.raises(TooLong, match="takes 1000"):
        compile_workflow(unification, limit=1000)


def length(workflow):
    return len(json.dumps(workflow, ensure_ascii=False, separators=(",", ":")))


def test_the_packs_own_settings_compile_to_less_than_http_call_takes():
    unify_yml = Path(ROOT / "unification/unify.yml").read_text(encoding="utf-8")
    for name, value in {"sub": "retail", "stg": "staging", "unif": "cdp_unification",
                        "unification_id": "retail_unification_id"}.items():  # fmt: skip
        unify_yml = unify_yml.replace(f"${{{name}}}", value)
    protection = yaml.safe_load(Path(ROOT / "unification/match.yml").read_text(encoding="utf-8"))[
        "protection"
    ]
    workflow = compile_workflow(yaml.safe_load(unify_yml), build_aside=True, protection=protection)
    assert length(workflow) < 50_000  # http_call> takes 65,536: there is room for more tables


def test_twenty_tables_of_twelve_keys_fit_and_unify_the_same(engine):
    keys = [f"key_{at}" for at in range(12)]
    document = one_table(keys)
    (table,) = document["tables"]
    document["tables"] = [table, *({**table, "as": f"a{at}"} for at in range(2, 21))]
    values = [[f"{at}"] + [None] * 10 + [f"{at // 2}"] for at in range(8)]
    put(engine, "stg.a", keys, [*values, ["3"] + [None] * 11])
    whole = compile_workflow(document, limit=None)
    fitting = compile_workflow(document)
    assert length(whole) > 100_000 > 65_536 > length(fitting)
    found = []
    for workflow in (whole, fitting):
        Run(engine).run(workflow)
        found.append(people(engine))
        engine.drop_database("cdp_unification_t")
    assert found[0] == found[1]
    assert len(partition(found[0])) == 4

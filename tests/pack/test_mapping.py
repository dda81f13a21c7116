"""wf02: the map is checked whole, what is lost is counted, one bad table stops no other."""

import pytest
import yaml

from common.python import schema_map
from common.python.errors import TaskError
from common.python.treasure import literal
from common.python.written_numbers import number_text

SCHEMA = {"people": {"id": "string", "email": "string", "points": "long", "spent": "double"}}


def read(tmp_path, text, tables=("people",), absent=()):
    path = tmp_path / "schema_map.yml"
    path.write_text(text, encoding="utf-8")
    return schema_map.read_map(SCHEMA, list(tables), list(absent), str(path))


def columns(table):
    return {column.name: column for column in table.columns}


def test_the_specs_two_forms_mean_the_same_target(tmp_path):
    table = read(
        tmp_path,
        "people:\n  prp_table_name: crm\n  columns:\n"
        "    id: {prp: customer_id, src: cust_id, type: string}\n"
        "    email: {prp: email_address, src: email, type: string}\n",
    )[0]
    found = columns(table)
    assert table.prp_table == "crm"
    assert found["id"].read_from({"customer_id": "string", "cust_id": "string"}) == "customer_id"
    assert found["id"].read_from({"cust_id": "string"}) == "cust_id"
    assert found["email"].read_from({"email_address": "string"}) == "email_address"


def test_a_column_that_is_not_mapped_is_there_and_null(tmp_path):
    table = read(tmp_path, "people: {columns: {id: {prp: a}}}\n")[0]
    sql = schema_map.map_sql(table, {"a": "string", "time": "long"}, "prp_t", 5)
    assert sql == (
        'select\n    "a" as "id",\n    cast(null as varchar) as "email",\n'
        '    cast(null as bigint) as "points",\n    cast(null as double) as "spent",\n'
        '    try_cast(time as bigint) as "time",\n    5 as "built_for"\n'
        'from "prp_t"."people"'
    )


def test_expr_default_and_quotes(tmp_path):
    table = read(
        tmp_path,
        "people:\n  columns:\n"
        "    email: {expr: \"lower(concat(a, '@', b))\"}\n"
        "    points: {prp: 'odd \"name\"', type: int, default: 0}\n",
    )[0]
    sql = schema_map.map_sql(table, {'odd "name"': "string"}, "prp_t", 5)
    assert "try_cast((lower(concat(a, '@', b))) as varchar) as \"email\"" in sql
    whole = "regexp_replace(nullif(trim(\"odd \"\"name\"\"\"), ''), '[.]0+$', '')"
    assert f'coalesce(try_cast({whole} as bigint), 0) as "points"' in sql


@pytest.mark.parametrize(
    "form, numbers",
    [
        ("point", {"$1,234.50": 1234.5, "(9.99)": -9.99, "9.99-": -9.99, "USD 12": 12.0, "1'234.5": 1234.5,
                   " 7 ": 7.0, ".5": 0.5, "1.234,50": None, "1.5E3": None, "12 pcs": None, "": None,
                   "Rs. 1,234.50": 1234.5, "kr. 5": 5.0, "kr.5": 5.0, "\u22125.00": -5.0, "¥1,200": 1200.0}),
        ("comma", {"1.234,50 €": 1234.5, "-0,5": -0.5, "1\xa0234,5": 1234.5, "R$ 1.000,00": 1000.0,
                   "1.234": 1234.0, "20": 20.0, "1,234.50": None, "1.23,4": None,
                   "1\u202f234,50 €": 1234.5, "5,00 руб.": 5.0, "\u2212 5,00": -5.0, "-": None}),
    ],
)  # fmt: skip
def test_numbers_as_shops_write_them(engine, form, numbers):
    engine.create_database("t")
    rows = ", ".join(f"({literal(number)})" for number in numbers)
    sql = f"select n, try_cast({number_text('n', form)} as double) from (values {rows}) as t (n)"
    answer = engine.run(sql, database="t", scheduled_time=0)
    assert dict(row for batch in answer.batches() for row in batch) == numbers


def test_a_form_of_numbers_that_nobody_knows_is_a_fault(tmp_path):
    with pytest.raises(TaskError, match="points: number is point or comma, and for columns of type long"):
        read(tmp_path, "people:\n  columns:\n    points: {prp: p, type: long, number: german}\n")


def test_all_faults_are_told_at_once_each_with_its_line(tmp_path):
    with pytest.raises(TaskError) as caught:
        read(
            tmp_path,
            "people:\n"
            "  columns:\n"
            "    emial: {prp: a, type: string}\n"
            "    id: {prp: a, type: uuid}\n"
            "    points: {prp: a, expr: b}\n"
            "    spent: {expr: 'sum((a)'}\n"
            "    email: {prb: a}\n"
            "persons: {columns: {}}\n",
        )
    told = str(caught.value)
    assert "6 faults" in told
    for line, words in (
        (3, "emial is no column of the table (did you mean email?)"),
        (4, "unknown type 'uuid'"),
        (5, "prp and expr exclude each other"),
        (6, "a bracket is not closed"),
        (7, "unknown key prb (did you mean prp?)"),
        (8, "no table persons"),
    ):
        assert f"schema_map.yml:{line}: " in told
        assert words in told


def test_two_sources_for_one_column_are_a_fault(tmp_path):
    with pytest.raises(TaskError, match="has two sources"):
        read(tmp_path, "people: {columns: {mail: {prp: a, src: email}, email: {prp: b}}}\n")


def test_a_key_that_stands_twice_is_a_fault(tmp_path):
    with pytest.raises(TaskError, match=r"schema_map.yml:4: id stands here a second time"):
        read(tmp_path, "people:\n  columns:\n    id: {prp: a}\n    id: {prp: b}\n")


def test_a_table_that_is_neither_mapped_nor_absent_is_a_fault(tmp_path):
    with pytest.raises(TaskError, match="people is not mapped"):
        read(tmp_path, "{}\n")
    assert read(tmp_path, "{}\n", absent=["people"])[0].absent


@pytest.mark.parametrize(
    "text, words",
    [
        ("people: [a\n", "this is no YAML"),
        ("- people\n", "the top of the file is no map"),
        ("people: text\n", "people is no map"),
    ],
)
def test_a_broken_file_is_told_in_one_line(tmp_path, text, words):
    with pytest.raises(TaskError, match=words):
        read(tmp_path, text)


@pytest.fixture
def shop(treasure, params, tmp_path, monkeypatch, py):
    """A tiny project of two tables, its databases, and a function that maps them."""
    params["tables"] = [{"src_table_name": "consents"}, {"src_table_name": "formfills"}]
    for layer in ("raw", "prp", "src"):
        treasure.create_database(f"{params[layer]}_{params['sub']}")
    (tmp_path / "config").mkdir()
    (tmp_path / "prep/queries").mkdir(parents=True)
    for name in ("consents", "formfills"):
        (tmp_path / f"prep/queries/{name}.sql").write_text(f"select *\nfrom ${{raw}}_${{sub}}.{name}\n")
    schema = {"consents": {"id": "string", "consent_flag": "long"}, "formfills": {"email": "string"}}
    (tmp_path / "config/retail_schema.yml").write_text(yaml.safe_dump(schema))
    monkeypatch.chdir(tmp_path)

    def run(mapping, **tables):
        (tmp_path / "config/schema_map.yml").write_text(mapping)
        for name, select in tables.items():
            prp = f"prp_{params['sub']}"
            treasure.run_query(
                prp, f"drop table if exists {name};create table {name} as {select}", rows=False
            )
        py("prep.python.map_tables.main")

    return run


MAP = (
    "consents: {columns: {id: {prp: key}, consent_flag: {prp: flag}}}\n"
    "formfills: {columns: {email: {prp: mail}}}\n"
)


def rejects(treasure, params):
    names = "table_name, column_name, kind, samples, reject_count, row_count"
    sql = f"select {names} from mapping_rejects order by 1, 2"
    return treasure.run_query(f"va_config_{params['sub']}", sql).rows


def test_values_that_cannot_be_converted_are_null_and_counted_with_samples(shop, treasure, params):
    shop(
        MAP,
        consents="select * from (values ('a', '1'), ('b', ' 2 '), ('c', 'n/a'), ('d', ''), ('e', null))"
        " t (key, flag)",
        formfills="select 'a@b.co' as mail",
    )
    mapped = treasure.run_query(
        f"src_{params['sub']}", "select id, consent_flag from consents__next order by id"
    ).rows
    assert mapped == [["a", 1], ["b", 2], ["c", None], ["d", None], ["e", None]]
    assert rejects(treasure, params) == [["consents", "consent_flag", "unconvertible", '[["n/a", 1]]', 1, 5]]


def test_what_an_expression_gives_and_is_no_number_is_counted_too(shop, treasure, params):
    mapping = MAP.replace("{prp: flag}", "{expr: \"replace(flag, ',', '')\"}")
    shop(
        mapping,
        consents="select * from (values ('a', '1,000'), ('b', 'n,one'), ('c', null)) t (key, flag)",
        formfills="select 'a@b.co' as mail",
    )
    mapped = treasure.run_query(
        f"src_{params['sub']}", "select id, consent_flag from consents__next order by id"
    ).rows
    assert mapped == [["a", 1000], ["b", None], ["c", None]]
    assert rejects(treasure, params) == [["consents", "consent_flag", "unconvertible", '[["none", 1]]', 1, 3]]


def test_a_column_that_vanished_is_null_and_noted(shop, treasure, params):
    shop(MAP, consents="select 'a' as key, '1' as flag", formfills="select 'x' as e_mail")
    assert treasure.run_query(f"src_{params['sub']}", "select email from formfills__next").rows == [[None]]
    assert rejects(treasure, params) == [["formfills", "email", "missing_column", "[]", None, None]]


def test_one_failing_table_stops_no_other_and_all_failures_are_told(shop, treasure, params):
    bad = MAP.replace("{prp: key}", "{expr: 'nosuch(key)'}")
    with pytest.raises(TaskError) as caught:
        shop(bad, consents="select 'a' as key, '1' as flag", formfills="select 'x' as mail")
    assert "1 of 2 tables" in str(caught.value)
    assert "consents: " in str(caught.value)
    assert "formfills__next" in treasure.tables(f"src_{params['sub']}")


def test_an_absent_source_is_an_empty_table_with_the_right_columns(shop, treasure, params):
    params["absent_tables"] = ["formfills"]
    shop(MAP, consents="select 'a' as key, '1' as flag")
    tables = treasure.tables(f"src_{params['sub']}")
    assert tables["formfills__next"]["count"] == 0
    assert treasure.columns_of(tables["formfills__next"]) == {"email": "string", "built_for": "long"}


def test_missing_raw_tables_are_told_together_before_any_query(shop, treasure, params, py, tmp_path):
    (tmp_path / "config/schema_map.yml").write_text(MAP)
    treasure.run_query(f"raw_{params['sub']}", "create table formfill as select 1 as a", rows=False)
    with pytest.raises(TaskError) as caught:
        py("prep.python.plan.main")
    told = str(caught.value)
    assert "prep/queries/consents.sql:2: raw table" in told
    assert "formfills is missing (did you mean formfill?)" in told
    assert "absent_tables" in told


def test_the_plan_names_each_prp_table_once(shop, treasure, params, py, tmp_path):
    (tmp_path / "config/schema_map.yml").write_text(
        "consents: {prp_table_name: web, columns: {id: {prp: a}}}\n"
        "formfills: {prp_table_name: web, columns: {email: {prp: b}}}\n"
    )
    treasure.run_query(f"raw_{params['sub']}", "create table consents as select 1 as a", rows=False)
    py("prep.python.plan.main")
    whole = {"src_table_name": "consents", "prp_table_name": "web", "since": 0, "build_as": "web__next"}
    assert params["prp_tables"] == [whole]


DECLARED = """
consents:
  prp_table_name: choices
  prep:
    from: [web_consents, store_consents]
    unpack: {key: who.mail}
    rename: {flag: "opted in"}
    latest: {key: [nr], by: [changed desc]}
  columns: {id: {prp: key}, consent_flag: {prp: flag}}
formfills:
  columns: {email: {prp: mail}}
"""


def test_declared_prep_stacks_unpacks_renames_and_keeps_the_latest(shop, treasure, params, py, tmp_path):
    (tmp_path / "config/schema_map.yml").write_text(DECLARED)
    raw, prp = f"raw_{params['sub']}", f"prp_{params['sub']}"
    for sql in (
        "create table web_consents as select * from (values (1, 'a', '{\"mail\":\"x@b.co\"}', '1'), (1, 'b', "
        "'{\"mail\":\"y@b.co\"}', '2'), (2, 'a', 'no json', '3'), (null, 'a', null, '5'), "
        "(null, 'b', null, '6')) t (nr, changed, who, \"opted in\")",
        "create table store_consents as select 3 as nr, 'c' as changed, 4 as \"opted in\"",
        "create table formfills as select 'm' as mail",
    ):
        treasure.run_query(raw, sql, rows=False)
    py("prep.python.plan.main")
    assert params["declared_prep"] is True
    assert [table["build_as"] for table in params["prp_tables"]] == ["formfills__next"]
    py("prep.python.prepare.main")
    rows = treasure.run_query(
        prp, "select nr, key, flag, built_for from choices__next order by nr, flag"
    ).rows
    session = params["session_unixtime"]
    assert rows == [[1, "y@b.co", "2", session], [2, None, "3", session], [3, None, "4", session]] + [
        [None, None, flag, session] for flag in ("5", "6")
    ]


def test_faults_of_declared_prep_are_told_with_their_lines(shop, treasure, params, py, tmp_path):
    raw = f"raw_{params['sub']}"
    for name in ("web_consents", "formfills"):
        treasure.run_query(raw, f"create table {name} as select 1 as nr, 'x' as mail", rows=False)
    (tmp_path / "config/schema_map.yml").write_text(DECLARED)
    with pytest.raises(TaskError, match=r"schema_map.yml:4: raw table .*store_consents is missing"):
        py("prep.python.plan.main")
    (tmp_path / "config/schema_map.yml").write_text(DECLARED.replace(", store_consents", ""))
    with pytest.raises(TaskError) as caught:
        py("prep.python.prepare.main")
    assert "no column who" in str(caught.value) and "no column opted in" in str(caught.value)
    (tmp_path / "config/schema_map.yml").write_text(
        DECLARED.replace("key: [nr], ", "").replace("from", "form")
    )
    with pytest.raises(TaskError) as caught:
        py("prep.python.plan.main")
    for words in (
        "unknown key form (did you mean from?)",
        "from names no raw table",
        "latest needs key and by",
    ):
        assert words in str(caught.value)

"""Matching by weights learned from the data: what it finds, what it leaves, what it says of bad rules."""

import csv
import random
from dataclasses import replace

import pytest

from common.python.errors import TaskError
from tdlocal import cli
from tests.support import SHARED, needs_shared
from tests.unification.support import put, rows
from unification.python import match, matching, settings, weights
from unification.python.matching import Comparison, Rule

PEOPLE = Rule(
    "name_address",
    ("substr(last, 1, 3) || zip", "substr(first, 1, 3) || zip", "street"),
    (
        Comparison("first", term_frequency=True),
        Comparison("last"),
        Comparison("street"),
        Comparison("zip", (0.8,)),
    ),
    must_agree=("first",),
)


def word(dice, shortest=5):
    return "".join(dice.choices("abcdefghiklmnoprstuvwz", k=dice.randint(shortest, 9)))


def slipped(text, dice):
    at = dice.randrange(len(text))
    return text[:at] + dice.choice("xyq") + text[at + 1 :]


def shop(engine):
    """A hundred people, each twice, the second time with a slip of the pen; a household; empty records."""
    dice = random.Random(3)
    firsts, lasts = [word(dice) for _ in range(30)], [word(dice) for _ in range(60)]
    found = []
    for at in range(100):
        street, code = f"{at} {word(dice)} street", f"{dice.randrange(1000, 1040)}"
        person = [dice.choice(firsts), dice.choice(lasts), street, code]
        copy = list(person)
        copy[at % 3] = slipped(copy[at % 3], dice)
        found += [(f"a{at:03}", *person), (f"b{at:03}", *copy)]
    found += [
        ("mum", "klara", "bauer", "9 hill road", "2000"),
        ("dad", "otto", "bauer", "9 hill road", "2000"),
    ]
    found += [("no one", None, None, None, None), ("nobody", "", " ", None, "3000")]
    put(engine, "stg.r", ["record_id", "first", "last", "street", "zip"], found)


def links(engine, rule):
    def run(sql):
        return rows(engine, sql, "stg")

    model, counts = match.match(run, rule, "r")
    return {(a, b) for a, b in run(f"select left_id, right_id from match_{rule.name}_links")}, model, counts


def test_names_that_changed_places_are_a_level_of_their_own(engine):
    dice = random.Random(5)
    people = [(word(dice), word(dice), f"{at} {word(dice)} street", "1000") for at in range(150)]
    found = [(f"a{at:03}", *person) for at, person in enumerate(people)]
    found += [
        (f"b{at:03}", *((last, slipped(first, dice)) if at < 12 else (first, last)), street, zip_code)
        for at, (first, last, street, zip_code) in enumerate(people[:60])
    ]
    found += [(f"n{at:03}", word(dice), word(dice), *person[2:]) for at, person in enumerate(people)]
    put(engine, "stg.r", ["record_id", "first", "last", "street", "zip"], found)
    swapped = {(f"a{at:03}", f"b{at:03}") for at in range(12)}
    compare = (Comparison("first"), Comparison("last"), Comparison("street"))
    seeing = Rule(
        "seeing", ("street", "substr(last, 1, 3)"), (Comparison("first", swapped_with="last"), *compare[1:])
    )
    pairs, model, _ = links(engine, seeing)
    assert swapped <= pairs
    assert model.weight(0, 2) > 5


def test_slips_of_the_pen_are_found_and_a_household_stays_apart(engine):
    shop(engine)
    found, model, _ = links(engine, PEOPLE)
    true = {(f"a{at:03}", f"b{at:03}") for at in range(100)}
    assert len(found & true) / len(true) >= 0.95
    assert len(found & true) / len(found) >= 0.99
    assert ("dad", "mum") not in found
    assert not any({"no one", "nobody"} & set(pair) for pair in found)
    # the more alike, the more weight
    first = [model.weight(0, level) for level in range(1, PEOPLE.compare[0].count + 1)]
    assert first[0] < 0 < first[-1]


def test_families_at_one_address_are_not_taken_for_one_person(engine):
    dice = random.Random(6)
    firsts, lasts = [word(dice) for _ in range(40)], [word(dice) for _ in range(200)]
    found, persons = [], {}
    for house in range(60):
        home = (dice.choice(lasts), f"{house} {word(dice)} street", str(dice.randrange(1000, 1040)))
        for first in dice.sample(firsts, 4):
            born = f"{dice.randint(1940, 2010)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
            for copy in range(2):
                at = f"{len(found):04}"
                persons[at] = (house, first)
                name = slipped(first, dice) if copy and dice.random() < 0.3 else first
                found.append((at, name, *home, born if dice.random() < 0.8 else None))
    put(engine, "stg.r", ["record_id", "first", "last", "street", "zip", "dob"], found)
    compare = tuple(Comparison(column) for column in ("first", "last", "street", "zip", "dob"))
    pairs, model, _ = links(engine, Rule("families", ("street", "dob"), compare))
    right = sum(persons[a] == persons[b] for a, b in pairs)
    assert right / len(pairs) >= 0.97
    assert right / 240 >= 0.9
    assert model.shared == (1, 2, 3)
    assert model.household > 2 * model.prior


def test_accents_and_initials_say_nothing_against_one_person(engine):
    dice = random.Random(4)
    records = []
    for at in range(60):
        first, last, street = word(dice), word(dice), f"{at} {word(dice)} street"
        records.append((f"a{at:02}", first, last, street, str(10_000 + at)))
        other = (first[0], f"{first[0]}.", first)[at % 3]
        accented = last.replace("a", "\u00e1").replace("e", "e\u0308").replace("o", "\u00f6")
        records.append((f"b{at:02}", other, accented, street, str(10_000 + at)))
    records.append(("c00", "zoe", records[0][2], "1 elsewhere", "99999"))
    put(engine, "stg.r", ["record_id", "first", "last", "street", "zip"], records)
    compare = tuple(Comparison(column) for column in ("first", "last", "street", "zip"))
    pairs, _, _ = links(engine, Rule("written", ("street", "last"), compare))
    assert {(f"a{at:02}", f"b{at:02}") for at in range(60)} == {tuple(sorted(pair)) for pair in pairs}


def test_namesakes_at_one_address_are_told_apart(engine):
    dice = random.Random(4)
    columns = ["record_id", "first", "last", "street", "zip", "email", "phone"]
    people = [(word(dice), word(dice), f"{at} {word(dice)} street", "1000") for at in range(60)]
    found = [(f"a{at:03}", *person, f"{at}@x", f"+{at}") for at, person in enumerate(people)]
    found += [
        ("same-phone", *people[0], "other@x", "+0"),
        ("no-phone", *people[1], "other@x", None),
        ("son", *people[2], "son@x", "+999"),
    ]
    put(engine, "stg.r", columns, found)
    rule = replace(PEOPLE, told_apart_by=("email", "phone"))
    assert links(engine, rule)[0] == {("a000", "same-phone"), ("a001", "no-phone")}
    assert ("a002", "son") in links(engine, PEOPLE)[0]


def test_a_run_repeats_exactly(engine):
    shop(engine)
    assert links(engine, PEOPLE)[:2] == links(engine, PEOPLE)[:2]


def test_a_block_too_large_is_split_and_what_stays_too_large_is_told(engine):
    put(
        engine,
        "stg.r",
        ["record_id", "first", "last"],
        [(str(at), "xy"[at % 2], "smith") for at in range(40)],
    )
    compare = (Comparison("first"), Comparison("last"))
    whole = Rule("whole", ("last",), compare, largest_block=30)
    assert links(engine, whole)[2].skipped == 40
    split = Rule("split", ("last",), compare, largest_block=30, split_by="first")
    counts = links(engine, split)[2]
    assert counts.skipped == 0
    assert sum(counts.candidates.values()) == 2 * 20 * 19 // 2


def test_no_records_give_no_links(engine):
    put(engine, "stg.r", ["record_id", "first", "last", "street", "zip"], [])
    assert links(engine, PEOPLE)[0] == set()


def test_weights_are_found_again_from_counts_made_by_them():
    m, u = [0.1, 0.9], [0.95, 0.05]
    prior, total = 0.01, 1_000_000
    pairs = {}
    for a in (1, 2):
        for b in (1, 2):
            for c in (1, 2):
                pattern = (a, b, c)
                same = prior * m[a - 1] * m[b - 1] * m[c - 1]
                other = (1 - prior) * u[a - 1] * u[b - 1] * u[c - 1]
                pairs[pattern] = round(total * (same + other))
    model = weights.estimate(
        [2, 2, 2], {(1, pattern): n for pattern, n in pairs.items()}, pairs, [None] * 3, [[False] * 3], total
    )
    assert model.prior == pytest.approx(prior, rel=0.1)
    for column in range(3):
        assert model.m[column][1] == pytest.approx(0.9, abs=0.02)
        assert model.u[column][1] == pytest.approx(0.05, abs=0.005)


def test_faults_of_match_yml_are_told_together_with_their_lines(tmp_path):
    file = tmp_path / "match.yml"
    file.write_text(
        "matching:\n  rules:\n    r:\n      block_by: zip\n      threshold: 2\n      typo: 1\n"
        "      compare:\n        - {column: a, levels: [0.9, 0.5]}\n        - 3\n      must_agree: [b]\n"
        "      told_apart_by: 3\n",
        encoding="utf-8",
    )
    with pytest.raises(TaskError) as caught:
        settings.rules_of(settings.read(file))
    places = "4: block_by,5: threshold,6: unknown setting 'typo',8: levels,9: must be a map,10: must_agree"
    for place in [*places.split(","), "11: told_apart_by"]:
        assert place in str(caught.value)


def test_a_project_without_match_yml_matches_nothing(tmp_path):
    assert settings.rules_of(settings.read(tmp_path / "match.yml")) == []


def test_columns_of_a_rule_are_those_it_compares_or_blocks_by():
    assert PEOPLE.columns == ["first", "last", "street", "zip"]
    rule = Rule("r", ("soundex(name) || cast(born as varchar)",), (Comparison("name"),), split_by="town")
    assert rule.columns == ["name", "born", "town"]
    assert rule.agrees("soundex(name)") == [True]
    assert matching.work_tables(PEOPLE)[-1] == "match_name_address_terms_0"


@needs_shared
def test_any_file_can_be_tried(tmp_path, capsys):
    rules = tmp_path / "match.yml"
    rules.write_text(
        "matching:\n  rules:\n    person:\n"
        "      block_by: [dob, email, 'substr(first_name, 1, 3) || substr(surname, 1, 3)']\n"
        "      compare:\n        - {column: first_name, term_frequency: true}\n        - {column: surname}\n"
        "        - {column: dob}\n        - {column: email}\n      threshold: 0.9\n",
        encoding="utf-8",
    )
    out = tmp_path / "clusters.csv"
    file = SHARED / "data/splink_fake_1000/fake_1000.csv"
    words = [
        "identity",
        "match",
        str(file),
        "--match",
        str(rules),
        "--id",
        "unique_id",
        "--labels",
        "cluster",
    ]
    assert cli.main([*words, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    precision = float(said.split("links: precision ")[1].split(",")[0])
    assert precision >= 0.98
    with out.open(encoding="utf-8") as clusters:
        assert len(list(csv.DictReader(clusters))) == 1000
    assert cli.main([*words[:6], "no_such_column"]) == 1
    assert "no column no_such_column" in capsys.readouterr().err


ODD = (  # the first line, what goes between values, how it is written, what --id is
    ("record_id,Order,last name,time", ",", "utf-8-sig", "record_id"),
    ("ID;Order;LAST_NAME;time", ";", "cp1252", "ID"),
)


@pytest.mark.parametrize("head, between, encoding, id_column", ODD)
def test_odd_files_are_read_and_their_columns_can_be_named(
    tmp_path, capsys, head, between, encoding, id_column
):
    rules, file = tmp_path / "match.yml", tmp_path / "people.csv"
    rules.write_text(
        "matching: {rules: {r: {block_by: [last_name], compare: [{column: order_}, {column: Time_}]}}}"
    )
    rows = [
        f"{at},{word(random.Random(at // 2))},M\u00fcller{at // 2},{1000 + at // 2 * 37}" for at in range(20)
    ]
    file.write_text("\n".join([head, *(row.replace(",", between) for row in rows)]), encoding=encoding)
    words = ["identity", "match", str(file), "--match", str(rules), "--id", id_column]
    if encoding == "cp1252":
        words += ["--encoding", encoding]
    assert cli.main(words) == 0
    assert "20 records, 10 links, 10 clusters" in capsys.readouterr().out


@pytest.mark.parametrize("ids, said", [("1,1,2", "has '1' in 2 rows"), ("1,,2", "is empty in 1 rows")])
def test_ids_that_tell_no_records_apart_are_refused(tmp_path, capsys, ids, said):
    rules, file = tmp_path / "match.yml", tmp_path / "people.csv"
    rules.write_text("matching: {rules: {r: {block_by: [name], compare: [{column: name}]}}}")
    file.write_text("id,name\n" + "".join(f"{each},ada\n" for each in ids.split(",")))
    assert cli.main(["identity", "match", str(file), "--match", str(rules), "--id", "id"]) == 1
    assert f"column id {said}" in capsys.readouterr().err


def test_unify_compile_writes_files_that_are_a_workflow(tmp_path, capsys):
    assert cli.main(["unify", "compile", "--out", str(tmp_path)]) == 0
    dig = (tmp_path / "unify_retail.dig").read_text(encoding="utf-8")
    files = sorted((tmp_path / "unify_retail").glob("*.sql"))
    assert len(files) > 10
    assert all(f"unify_retail/{file.name}" in dig for file in files)
    assert cli.main(["unify", "compile", "-p", "sub=shop2"]) == 0
    assert '"cdp_unification_shop2"' in capsys.readouterr().out


def test_unify_compile_tells_faults_with_their_lines(tmp_path, capsys):
    file = tmp_path / "unify.yml"
    file.write_text("name: x\nkeys:\n  - name: email\n    valid_regexp: '('\ntables: []\n", encoding="utf-8")
    assert cli.main(["unify", "compile", str(file)]) == 1
    said = capsys.readouterr().err
    assert f"{file}:4: keys[0].valid_regexp" in said
    assert f"{file}:5: tables" in said

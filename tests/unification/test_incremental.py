"""Incremental runs: the same as a full run on the same state, day after day, whatever rows do."""

import random

import pytest

from tdlocal.unification.compile import compile_workflow
from tests.unification.support import Killed, Run, copied, one_table, put, rows, unify

DAY = 86_400
FIRST = 1_793_491_200
A = ["customer_id", "email", "phone", "token", "born", "time"]
B = ["email", "token", "time"]
PROTECTION = {
    "keys": {
        "customer_id": {"per_person": 2},
        "email": {"limit": 2, "slips": 1, "blocked": ["e0"]},
        "phone": {"strength": "weak", "limit": 2},
        "token": {"strength": "weak"},
    },
    "profile_keys": ["customer_id", "email"],
    "contradictions": [{"table": "a", "column": "born"}],
}
BEST = {
    "name": "best",
    "canonical_id": "who",
    "attributes": [
        {"name": "email", "source_columns": [{"table": "a", "column": "email"}]},
        {"name": "born", "source_columns": [{"table": "a", "column": "born", "order": "first"}]},
        {"name": "emails", "array_elements": 3, "source_columns": [{"table": "b", "column": "email"}]},
    ],
}
# every output but the columns that tell of the session
OUTPUTS = {
    "who_lookup": "canonical_id, id, id_key_type, canonical_id_first_seen_at, canonical_id_last_seen_at,"
    " id_first_seen_at, id_last_seen_at, id_source_table_ids",
    "who_graph": "follower_id, follower_ns, leader_id, leader_ns, follower_first_seen_at,"
    " follower_last_seen_at, follower_source_table_ids",
    "who_keys": "key_type, key_name",
    "who_tables": "table_id, table_name",
    "who_source_key_stats": "from_table, total_distinct, distinct_customer_id, distinct_email,"
    " distinct_phone, distinct_token",
    "who_result_key_stats": "from_table, total_distinct, distinct_with_email, histogram_customer_id,"
    " histogram_email, histogram_phone, histogram_token",
    "enriched_a": '"time", customer_id, email, phone, token, born, who',
    "enriched_b": '"time", email, token, who',
    "best": "who, email, born, emails",
    "unification_changes": "unification_id, change, canonical_id, other_canonical_id, identifiers, cause,"
    " session_unixtime",
    "unification_suspects": "unification_id, reason, canonical_id, key_name, id, people",
}


def document(name, masters=True):
    keys = A[:4]
    return {
        **one_table(keys),
        "name": name,
        "tables": [
            {"database": "stg", "table": "a", "key_columns": [{"column": key, "key": key} for key in keys]},
            {"database": "stg", "table": "b", "key_columns": [{"column": key, "key": key} for key in B[:2]]},
        ],
        **({"master_tables": [BEST]} if masters else {}),
    }


class Shop:
    """Two tables of records that come, change and go from day to day."""

    def __init__(self, seed, people=60):
        self.dice, self.people, self.clock = random.Random(seed), people, 1000
        self.a = [self.of_a(person) for person in range(people) for _ in range(2)]
        self.b = [self.of_b(person) for person in range(people)]

    def seen(self):
        self.clock += 1
        return self.clock if self.dice.random() < 0.8 else self.dice.randrange(1000)

    def of_a(self, person):
        dice = self.dice
        return (
            f"c{person}" if dice.random() < 0.4 else None,
            dice.choice([None, f"e{person}", f"e{person}", f"e{person}x"]),
            f"p{person // 2}" if dice.random() < 0.4 else None,  # of a household
            f"t{person}" if dice.random() < 0.4 else None,
            dice.choice([None, None, "1980", str(1900 + person)]),
            self.seen(),
        )

    def of_b(self, person):
        dice = self.dice
        return (
            dice.choice([None, "", f"e{person}"]),
            f"t{person}" if dice.random() < 0.6 else None,
            self.seen(),
        )

    def next_day(self):
        """Rows come, some of known records, some that join people; some go, some change."""
        dice = self.dice
        for _ in range(dice.randrange(1, 5)):
            kind = dice.random()
            person = dice.randrange(self.people + 3)
            if kind < 0.25:
                self.a.append((*dice.choice(self.a)[:5], self.seen()))
            elif kind < 0.45:
                self.b.append(dice.choice([(*dice.choice(self.b)[:2], self.seen()), self.of_b(person)]))
            elif kind < 0.6:
                self.a.append(self.of_a(person))
            elif kind < 0.75:  # what two people share
                one, other = self.of_a(person), self.of_a(dice.randrange(self.people))
                self.a.append((one[0], other[1], one[2], other[3], None, self.seen()))
            elif kind < 0.9:
                for table in (self.a, self.b):
                    table.pop(dice.randrange(len(table)))
            else:  # something else than identifiers changes
                at = dice.randrange(len(self.a))
                self.a[at] = (*self.a[at][:4], str(dice.randrange(1900, 1903)), self.a[at][5])

    def put(self, engine):
        put(engine, "stg.a", A, self.a)
        put(engine, "stg.b", B, self.b)


def outputs(engine, name, masters=True):
    return {
        table: sorted(rows(engine, f"select {columns} from {table}", f"cdp_unification_{name}"), key=repr)
        for table, columns in OUTPUTS.items()
        if masters or table != "best"
    }


@pytest.mark.parametrize(
    "seed, protection, masters",
    [(1, None, True), (2, None, False), (2, PROTECTION, True), (12, PROTECTION, False)],
)
def test_ten_random_days_equal_full_runs(engine, seed, protection, masters):
    shop, partial = Shop(seed), 0
    for run_number in range(10):
        shop.put(engine)
        # every third session is run again after its rows have changed
        session = FIRST + (run_number - run_number // 3) * DAY
        unify(engine, document("full", masters), session, protection=protection)
        run = unify(engine, document("daily", masters), session, protection=protection, full_refresh=False)
        partial += not run.said
        daily, full = (outputs(engine, name, masters) for name in ("daily", "full"))
        for table in full:
            assert daily[table] == full[table], f"run {run_number}: {table}"
        shop.next_day()
    assert partial >= 6


@pytest.mark.parametrize("next_session", [0, DAY])
def test_killed_in_the_middle_the_next_run_ends_what_was_begun(engine, next_session):
    shop = Shop(5, people=20)
    shop.put(engine)
    for name in ("full", "daily"):
        unify(engine, document(name), FIRST, protection=PROTECTION, full_refresh=name == "full")
    copied(engine, "cdp_unification_daily", "first_day")
    shop.next_day()
    shop.put(engine)
    unify(engine, document("full"), FIRST + DAY, protection=PROTECTION)
    full = outputs(engine, "full")
    workflow = compile_workflow(document("daily"), protection=PROTECTION, full_refresh=False)

    def ends(die_after):
        """Run the second session, killed and run again; return what differs from the full run, its tasks."""
        copied(engine, "first_day", "cdp_unification_daily")
        run = Run(engine, FIRST + DAY, die_after)
        try:
            run.run(workflow)
        except Killed:
            Run(engine, FIRST + DAY + next_session).run(workflow)
        assert not run.said
        daily = outputs(engine, "daily")
        tables = set(OUTPUTS) - ({"unification_changes"} if next_session else set())
        return [table for table in tables if daily[table] != full[table]], run.done

    differ, tasks = ends(None)
    assert not differ
    for at in range(20, tasks, 13):
        differ, _ = ends(at)
        assert not differ, f"killed after task {at} of {tasks}"


def partial(engine, unification, session, **options):
    """Run a day and say what it worked on; the day must not be a full one."""
    workflow = compile_workflow(unification, full_refresh=False, **options)
    del workflow["+clean_up"]
    run = Run(engine, session).run(workflow)
    assert not run.said
    return {name for (name,) in rows(engine, "select id from w1_nodes", "cdp_unification_t")}


MANY = [(f"e{at}", f"p{at}", at) for at in range(1, 200)]
EMAIL_PHONE = ["email", "phone", "time"]


def test_only_the_people_whom_a_row_concerns_are_worked_on(engine):
    unification = one_table(["email", "phone"])
    put(engine, "stg.a", EMAIL_PHONE, MANY)
    unify(engine, unification, FIRST, full_refresh=False)
    seen_again = ("e7", "p7", 400)  # who that is does not change
    put(engine, "stg.a", EMAIL_PHONE, [*MANY[1:], ("e5", "p9", 300), ("new", None, 300), seen_again])
    assert partial(engine, unification, FIRST + DAY) == {"e5", "p5", "e9", "p9", "new"}
    found = rows(engine, "select id, id_last_seen_at from who_lookup", "cdp_unification_t")
    assert dict(found)["e7"] == 400
    assert "e1" not in dict(found)  # its row went


def test_an_identifier_shared_by_too_many_leads_nowhere(engine):
    unification = one_table(["email", "phone"])
    protection = {"keys": {"phone": {"limit": 3}}, "profile_keys": ["email"]}
    shop = [*MANY, *((f"e{at}", "till", at) for at in range(1, 10))]
    put(engine, "stg.a", EMAIL_PHONE, shop)
    unify(engine, unification, FIRST, protection=protection, full_refresh=False)
    put(engine, "stg.a", EMAIL_PHONE, [*shop, ("e50", "till", 300)])
    assert partial(engine, unification, FIRST + DAY, protection=protection) == {"e50", "p50", "till"}
    # three are left that have it: it is an identifier now, and joins them
    put(engine, "stg.a", EMAIL_PHONE, shop[:-6])
    worked_on = partial(engine, unification, FIRST + 2 * DAY, protection=protection)
    assert {"e1", "e2", "e3", "p3", "till"} <= worked_on
    assert "e60" not in worked_on
    ids = dict(rows(engine, "select id, canonical_id from who_lookup", "cdp_unification_t"))
    assert ids["e1"] == ids["e2"] == ids["e3"] == ids["till"] != ids["e4"]


@pytest.mark.parametrize(
    "why",
    [
        "there is no state of an earlier incremental run",
        "unify.yml or match.yml changed",
        "a table of the last run is missing",
        "the columns of a source changed",
        "more than a third of all people are concerned",
        "unify.yml has several canonical ids",
    ],
)
def test_a_run_that_cannot_be_partial_works_on_everybody_and_says_why(engine, why):
    unification = one_table(["email", "phone"])
    columns, records, options = EMAIL_PHONE, [*MANY, ("e5", "p9", 300)], {}
    put(engine, "stg.a", EMAIL_PHONE, MANY)
    unify(engine, unification, FIRST, full_refresh=False)
    if "state" in why:
        unify(engine, unification, FIRST)  # a full run takes nothing from it, and leaves none
    elif "match.yml" in why:
        options["protection"] = {"keys": {"phone": {"limit": 3}}, "profile_keys": ["email"]}
    elif "missing" in why:
        engine.drop_table("cdp_unification_t", "who_graph")
    elif "columns" in why:
        columns, records = [*columns, "name"], [(*record, "n") for record in records]
    elif "third" in why:
        records = [(email, "one", time) for email, _, time in records]
    else:
        unification["canonical_ids"].append({"name": "other", "merge_by_keys": ["email"]})
    put(engine, "stg.a", columns, records)
    run = unify(engine, unification, FIRST + DAY, full_refresh=False, **options)
    assert run.said == [f"everybody is worked on: {why}"]
    daily = rows(engine, "select id, canonical_id from who_lookup", "cdp_unification_t")
    assert len(dict(daily)) == len({value for record in records for value in record[:2]})


def test_tables_built_aside_are_whole(engine):
    unification = one_table(["email", "phone"])
    put(engine, "stg.a", EMAIL_PHONE, MANY)
    unify(engine, unification, FIRST, full_refresh=False)
    put(engine, "stg.a", EMAIL_PHONE, [*MANY, ("e5", "p9", 300)])
    run = unify(engine, unification, FIRST + DAY, full_refresh=False, build_aside=True)
    assert not run.said
    sql = "select count(*), count(distinct canonical_id), min(built_for) from who_lookup{}"
    assert rows(engine, sql.format("__next"), "cdp_unification_t") == [(398, 198, FIRST + DAY)]
    assert rows(engine, sql.format(""), "cdp_unification_t") == [(398, 199, FIRST)]
    assert rows(engine, "select count(*), count(who) from enriched_a__next", "cdp_unification_t") == [
        (200, 200)
    ]

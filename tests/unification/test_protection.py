"""Strangers stay apart: what match.yml's `protection` does, and that nothing happens without it."""

import pytest

from tdlocal.unification.compile import compile_workflow
from tdlocal.unification.model import UnificationFaults
from tests.unification.support import one_table, partition, people, put, rows, unify

KEYS = ["customer_id", "email", "phone", "token"]
PROTECTION = {
    "keys": {
        "customer_id": {"strength": "strong", "per_person": 2},
        "email": {
            "strength": "strong",
            "limit": 3,
            "blocked": ["info@shop.example"],
            "blocked_regexp": "^noreply@",
        },
        "phone": {"strength": "weak", "limit": 5},
        "token": {"strength": "weak"},
    },
    "profile_keys": ["customer_id", "email"],
}


def groups(engine, records, protection=PROTECTION, columns=KEYS):
    put(engine, "stg.a", columns, records)
    unify(engine, one_table(KEYS), protection=protection)
    return partition(people(engine))


def suspects(engine):
    return set(rows(engine, "select reason, key_name, id from unification_suspects", "cdp_unification_t"))


FAMILY = [
    ("c1", "ada@x.example", "+1", None),
    ("c2", "bob@x.example", "+1", "card of bob"),
    (None, None, "+1", "card of bob"),
    (None, None, "+1", None),
    (None, "ada@x.example", None, "card of ada"),
    (None, None, None, "card of ada"),
]


def test_a_family_that_shares_a_phone_stays_two_people(engine):
    # the record with the phone alone is of one of them, nobody can say whom
    assert groups(engine, FAMILY) == {frozenset({1, 5, 6}), frozenset({2, 3}), frozenset({4})}
    assert suspects(engine) == {("weak link between different people", "phone", "+1")}


def test_without_protection_unify_yml_alone_decides(engine):
    assert groups(engine, FAMILY, protection=None) == {frozenset(range(1, 7))}
    assert suspects(engine) == set()


def test_a_weak_key_joins_people_whose_strong_keys_do_not_differ(engine):
    records = [("c1", None, "+1", None), (None, "ada@x.example", "+1", None)]
    assert groups(engine, records) == {frozenset({1, 2})}


def test_weak_keys_one_after_the_other_do_not_join_strangers(engine):
    # each weak key alone joins what does not differ; both together would join ada with bob
    records = [
        (None, "ada@x.example", "+1", None),
        ("c1", None, "+1", "t"),
        (None, "bob@x.example", None, "t"),
    ]
    found = groups(engine, records)
    assert not any({1, 3} <= group for group in found)
    assert {reason for reason, _, _ in suspects(engine)} == {"chain of weak links between different people"}


def test_a_store_address_used_for_many_customers_identifies_nobody(engine):
    records = [(f"c{at}", "till@shop.example", f"+{at}", None) for at in range(4)]
    assert groups(engine, records) == {frozenset({at}) for at in range(1, 5)}
    assert suspects(engine) == {("shared by too many", "email", "till@shop.example")}


@pytest.mark.parametrize("email", ["info@shop.example", "noreply@shop.example"])
def test_blocked_texts_identify_nobody(engine, email):
    assert groups(engine, [("c1", email, None, None), ("c2", email, None, None)]) == {
        frozenset({1}),
        frozenset({2}),
    }


def test_a_person_with_too_many_accounts_is_not_merged(engine):
    records = [(f"c{at}", "ada@x.example", None, None) for at in range(3)]
    assert groups(engine, records) == {frozenset({1}), frozenset({2}), frozenset({3})}
    assert {reason for reason, _, _ in suspects(engine)} == {"too large"}


def test_two_birth_dates_are_two_people(engine):
    records = [
        ("c1", "home@x.example", "+1", None, "1980-01-01"),
        ("c2", "home@x.example", "+2", None, "2004-05-05"),
        (None, "home@x.example", None, None, None),
    ]
    protection = PROTECTION | {"contradictions": [{"table": "a", "column": "born"}]}
    found = groups(engine, records, protection, [*KEYS, "born"])
    assert not any({1, 2} <= group for group in found)
    assert {reason for reason, _, _ in suspects(engine)} == {"contradiction"}


def test_links_join_but_do_not_tell_apart(engine):
    protection = {"keys": {"token": {"strength": "link"}, "phone": {"strength": "weak"}}}
    records = [("c1", None, None, "same"), (None, "a@x.example", None, "same"), (None, None, "+1", "other"),
               (None, "a@x.example", "+1", None)]  # fmt: skip
    assert groups(engine, records, protection) == {frozenset({1, 2, 3, 4})}


def test_do_not_merge_key_keeps_its_values_apart(engine):
    unification = one_table(KEYS)
    unification["canonical_ids"][0]["do_not_merge_key"] = "customer_id"
    put(engine, "stg.a", KEYS, [("c1", "e", None, None), ("c2", "e", None, None), ("c1", None, "+1", None)])
    unify(engine, unification)
    assert partition(people(engine)) == {frozenset({1, 3}), frozenset({2})}


def test_faults_of_the_settings_are_told_together():
    protection = {
        "keys": {"fax": {}, "email": {"strength": "mighty", "limit": 0}, "phone": {"blocked_regexp": "("}},
        "profile_keys": ["nobody"],
        "contradictions": [{"table": "z", "column": "born"}],
        "spelling": 1,
    }
    with pytest.raises(UnificationFaults) as caught:
        compile_workflow(one_table(KEYS), protection=protection)
    assert [path for path, _ in caught.value.faults] == [
        "protection.spelling",
        "protection.keys.fax",
        "protection.keys.email.strength",
        "protection.keys.email.limit",
        "protection.keys.phone.blocked_regexp",
        "protection.profile_keys",
        "protection.contradictions[0].table",
    ]


CARDS = [
    *((None, "chloe.b@x.example", None, "card") for _ in range(3)),
    (None, None, None, "card"),
]


# three records of the right spelling, one of them beside the card
ELSEWHERE = [*((None, "chloe.b@x.example", None, each) for each in ("card", "", "")), CARDS[-1]]


@pytest.mark.parametrize("before", [CARDS, ELSEWHERE])
@pytest.mark.parametrize(
    "other, times, together",
    [
        ("cloe.b@x.example", 1, {1, 2, 3, 4, 5}),
        ("cloe.b@x.example", 2, {1, 2, 3}),  # not often enough the other way
        ("bob@x.example", 1, {1, 2, 3}),
    ],
)
def test_a_slip_of_the_pen_makes_no_second_person(engine, before, other, times, together):
    protection = PROTECTION | {"keys": {**PROTECTION["keys"], "email": {"slips": 2}}}
    columns = [*KEYS, "order_no"]  # records of their own
    spelt = [(None, other, None, "card")] * times
    records = [(*record, str(at)) for at, record in enumerate([*before, *spelt])]
    put(engine, "stg.a", columns, records)
    document = one_table(columns)
    protection["keys"]["order_no"] = {"strength": "weak"}
    unify(engine, document, protection=protection)
    assert frozenset(together) in partition(people(engine))

"""Suggested maps, measured on tables of sources that nobody of this project named."""

import functools

import pytest
import yaml

from tdlocal.mapping.suggest import RawTable, as_yaml, prep_sql, suggest
from tests.mapping.measure import SCHEMA, SOURCES, raw_table, score, split_of
from tests.support import SHARED, needs_shared

NEW = [name for name, source in SOURCES.items() if "split" in source]  # written to measure, not to tune
OURS = [name for name, source in SOURCES.items() if "folder" not in source and name not in NEW]


def guesses_of(raw, table):
    return next(guess for guess in suggest([raw], SCHEMA) if guess.table == table)


@functools.cache
def measured(name):
    return score(name)


def is_good(name):
    found = measured(name)
    assert found.share >= 0.8, found.missed
    assert not found.wrong_keys
    assert not found.strange


@needs_shared
@pytest.mark.parametrize("name", ["shopify", "klaviyo", "adventureworks sales", "complete_journey"])
def test_of_real_sources_four_of_five_columns_are_right_at_first_try(name):
    is_good(name)


@pytest.mark.parametrize("name", OURS)
def test_of_other_vendors_exports_four_of_five_columns_are_right_at_first_try(name):
    is_good(name)


def test_what_is_held_out_was_decided_by_a_hash_of_the_name():
    assert {name: SOURCES[name]["split"] for name in NEW} == {name: split_of(name) for name in NEW}


def test_names_as_load_makes_them_do_as_well():
    found = [score(name, as_loaded=True) for name in OURS]
    assert sum(each.right for each in found) >= 0.95 * sum(each.mappable for each in found)
    assert not [wrong for each in found for wrong in each.wrong_keys]


def test_a_key_without_a_value_to_look_at_is_left_to_a_person():
    raw = profile(customer_id=["1", "2"], email=["", None], first_name=["Ada", "Bob"])
    guess = next(each for each in guesses_of(raw, "loyalty_profile").columns if each.target == "email")
    assert guess.raw == "email" and not guess.taken


def test_a_column_that_two_targets_want_goes_to_one_and_the_other_takes_its_next_best():
    raw = profile(
        item_id=["7", "8"], linenum=["1", "2"], order_id=["A", "A"], qty=["1", "1"], price=["2.5", "3"]
    )
    taken = {c.target: c.raw for c in guesses_of(raw, "order_details").columns if c.taken}
    assert taken["product_id"] == "item_id" and taken["order_line_no"] == "linenum"


def test_a_key_that_does_not_get_the_column_most_like_it_is_left_to_a_person():
    raw = profile(email=["a@b.io", "c@d.io"], custom_email=["e@f.io", ""], first_name=["Ada", "Bob"])
    guesses = {c.target: c for c in guesses_of(raw, "loyalty_profile").columns}
    assert guesses["email"].raw == "email"
    assert "secondary_email" not in guesses or not guesses["secondary_email"].taken


def test_a_table_called_right_is_taken_though_one_column_that_it_needs_is_in_doubt():
    raw = RawTable(
        "orders",
        dict.fromkeys(("order_no", "order_date", "payment_method", "sum_total_amount"), "varchar"),
        {
            "order_no": ["A1", "A2"],
            "order_date": ["2026-03-01", "2026-03-02"],
            "payment_method": ["visa", "cash"],
            "sum_total_amount": ["1.50", "2.50"],
        },
    )
    guess = next(each for each in suggest([raw], SCHEMA) if each.table == "order_digital_transactions")
    amount = next(each for each in guess.columns if each.target == "amount")
    assert guess.raw == "orders" and guess.lacks == ("amount",)
    assert amount.raw == "sum_total_amount" and not amount.taken
    text = as_yaml([guess], SCHEMA)
    assert "    # ? amount: {prp: sum_total_amount" in text
    undecided = yaml.safe_load(text)["order_digital_transactions"]["columns"]["amount"]
    assert undecided == {"prp": "???", "src": "amount", "type": "double", "required": True}


def test_an_address_is_no_customer_number():
    raw = profile(user_id=["a@b.io", "c@d.io"], email=["a@b.io", "c@d.io"], first_name=["Ada", "Bob"])
    taken = {c.target: c.raw for c in guesses_of(raw, "loyalty_profile").columns if c.taken}
    assert taken == {"email": "email", "first_name": "first_name"}


@needs_shared
def test_years_of_sales_are_stacked():
    paths = sorted((SHARED / "data/adventureworks/sales").glob("AdventureWorks_Sales_*.csv.gz"))
    guesses = suggest([raw_table(path) for path in paths], SCHEMA)
    guess = next(guess for guess in guesses if guess.table == "order_details")
    assert guess.stacked == tuple(path.name.split(".")[0] for path in paths)
    taken = {column.target: column.raw for column in guess.columns if column.taken}
    assert taken.items() >= {
        ("order_no", "OrderNumber"), ("order_line_no", "OrderLineItem"), ("product_id", "ProductKey"),
        ("quantity", "OrderQuantity"), ("order_datetime", "OrderDate"),
    }  # fmt: skip
    assert yaml.safe_load(as_yaml(guesses, SCHEMA))["order_details"]["prep"]["from"] == list(guess.stacked)


def test_a_state_that_says_enabled_is_no_place():
    raw = profile(customer_id=["1", "2"], first_name=["Ada", "Bob"], state=["enabled", "disabled"])
    assert "state" not in {column.target for column in guesses_of(raw, "loyalty_profile").columns}


def test_an_id_in_a_table_of_something_else_is_no_key():
    values = {"id": ["1"], "email": ["a@b.co"], "name": ["Shop"], "created_at": ["2026-01-01"], "city": ["X"]}
    raw = RawTable("shop", dict.fromkeys(values, "varchar"), values)
    assert [guess.raw for guess in suggest([raw], SCHEMA)] == [""] * len(SCHEMA)


def profile(**values):
    return RawTable("customers", dict.fromkeys(values, "varchar"), values)


def test_values_can_speak_against_a_name():
    raw = profile(customer_id=["1", "2"], email=["2026-01-01", "2026-01-02"], first_name=["Ada", "Bob"])
    guess = guesses_of(raw, "loyalty_profile")
    assert not [column for column in guess.columns if column.target == "email" and column.taken]


def test_an_email_is_found_by_its_values_alone():
    raw = profile(customer_id=["1", "2"], login=["a@b.co", "c@d.co"], first_name=["Ada", "Bob"])
    found = {column.target: column for column in guesses_of(raw, "loyalty_profile").columns}
    assert found["email"].raw == "login"


def test_a_doubtful_key_is_a_comment_in_the_file():
    raw = profile(customer_id=["1", "2"], login=["a@b.co", "c@d.co"], first_name=["Ada", "Bob"])
    text = as_yaml(suggest([raw], SCHEMA), SCHEMA)
    assert "    # ? email: {prp: login" in text
    assert set(yaml.safe_load(text)["loyalty_profile"]["columns"]) == {"customer_id", "first_name"}


def test_a_table_that_is_nearly_right_is_named_with_what_it_lacks():
    values = {"customer_id": ["1"], "order_date": ["2026-01-01"], "revenue": ["32.5"]}
    found = suggest([RawTable("orders", dict.fromkeys(values, "varchar"), values)], SCHEMA)
    orders = next(guess for guess in found if guess.table == "order_digital_transactions")
    assert (orders.raw, orders.near, orders.lacks) == ("", "orders", ("order_no",))


def test_letters_that_all_columns_of_a_table_begin_with_say_nothing():
    values = {"q_orderkey": ["1"], "q_custkey": ["7"], "q_orderdate": ["2026-03-01"], "q_totalprice": ["9.5"]}
    raw = RawTable("orders", dict.fromkeys(values, "varchar"), values)
    guess = guesses_of(raw, "order_digital_transactions")
    taken = {column.target: column.raw for column in guess.columns if column.taken}
    assert (taken["order_no"], taken["customer_id"]) == ("q_orderkey", "q_custkey")


def test_an_orders_sum_repeated_with_each_line_is_not_the_lines_value():
    values = {
        "order_no": ["1", "1"], "sku": ["a", "b"], "qty": ["2", "1"], "unit_price": ["5.00", "3.00"],
        "total": ["13.00", "13.00"],
    }  # fmt: skip
    raw = RawTable("order_lines", dict.fromkeys(values, "varchar"), values)
    taken = {c.target: c.raw for c in guesses_of(raw, "order_details").columns if c.taken}
    assert "net_price" not in taken
    values = {**values, "due": ["10.00", "3.00"]}
    raw = RawTable("order_lines", dict.fromkeys(values, "varchar"), values)
    taken = {c.target: c.raw for c in guesses_of(raw, "order_details").columns if c.taken}
    assert taken["net_price"] == "due"


def test_what_must_be_seconds_is_made_seconds():
    values = {"phone": ["+14155550111"], "event": ["delivered"], "sent_at": ["2026-03-01T10:00:00Z"]}
    raw = RawTable("sms_events", dict.fromkeys(values, "varchar"), values)
    told = yaml.safe_load(as_yaml(suggest([raw], SCHEMA), SCHEMA))["sms_activity"]["columns"]["message_date"]
    assert told == {"expr": "td_time_parse(\"sent_at\", 'UTC')", "src": "message_date", "type": "long"}


def test_numbers_of_other_countries_are_read_as_such():
    values = {"order_no": ["1"], "order_date": ["2026-03-01"], "total": ["1.119,90 €"], "shipping": ["4,90"]}
    raw = RawTable("orders", dict.fromkeys(values, "varchar"), values)
    told = yaml.safe_load(as_yaml(suggest([raw], SCHEMA), SCHEMA))["order_digital_transactions"]["columns"]
    assert (told["amount"]["number"], told["shipping_cost"]["number"]) == ("comma", "comma")


def test_a_file_of_orders_with_a_row_per_line_feeds_both_and_each_order_once():
    values = {
        "Name": ["#1", "#1"], "Created at": ["2026-03-01"] * 2, "Total": ["30", None],
        "Lineitem sku": ["a", "b"], "Lineitem name": ["A", "B"], "Lineitem quantity": ["1", "2"],
        "Lineitem price": ["10", "10"],
    }  # fmt: skip
    found = suggest([RawTable("orders_export", dict.fromkeys(values, "varchar"), values)], SCHEMA)
    by_table = {guess.table: guess for guess in found}
    order, lines = by_table["order_digital_transactions"], by_table["order_details"]
    taken = {column.target: column.raw for column in lines.columns if column.taken}
    assert order.row_per_line and lines.raw == "orders_export" and "net_price" not in taken
    assert (taken["order_no"], taken["product_id"], taken["quantity"]) == (
        "Name",
        "Lineitem sku",
        "Lineitem quantity",
    )
    assert 'partition by "Name"' in prep_sql(order) and "line_of_order = 1" in prep_sql(order)
    assert "partition" not in prep_sql(lines)


def test_the_value_of_a_line_that_no_column_has_is_offered_as_quantity_times_price():
    values = {"order_no": ["1"], "sku": ["a"], "qty": ["2"], "unit_price": ["9.95"]}
    raw = RawTable("order_lines", dict.fromkeys(values, "varchar"), values)
    text = as_yaml(suggest([raw], SCHEMA), SCHEMA)
    assert """# ? net_price: {expr: 'try_cast("qty" as double) * try_cast("unit_price" as double)'""" in text
    raw = RawTable(
        "order_lines", {**raw.columns, "line_total": "varchar"}, {**values, "line_total": ["19.9"]}
    )
    assert "net_price: {prp: line_total" in as_yaml(suggest([raw], SCHEMA), SCHEMA)


def test_nothing_fits_nothing():
    raw = RawTable("weather", {"station": "varchar", "degrees": "double"}, {"degrees": [1.5]})
    assert [guess.raw for guess in suggest([raw], SCHEMA)] == [""] * len(SCHEMA)
    assert yaml.safe_load(as_yaml(suggest([raw], SCHEMA), SCHEMA)) is None

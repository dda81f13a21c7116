"""Suggested maps, measured on tables of sources that nobody of this project named."""

import csv
import gzip
import io

import pytest
import yaml

from tdlocal.mapping.suggest import KEYS, RawTable, as_yaml, suggest
from tests.support import ROOT, SHARED, needs_shared

SCHEMA = yaml.safe_load((ROOT / "config/retail_schema.yml").read_text(encoding="utf-8"))
SEEDS = SHARED / "data/fivetran_seeds"

# table → column → the raw columns that are right
TRUTH = {
    "shopify/shopify_customer_data.csv": (
        "loyalty_profile",
        {
            "customer_id": ["id"], "email": ["email"], "phone_number": ["phone"],
            "first_name": ["first_name"], "last_name": ["last_name"], "created_at": ["created_at"],
            "updated_at": ["updated_at"], "total_loyalty_purchases": ["orders_count"],
        },
    ),
    "shopify/shopify_order_data.csv": (
        "order_digital_transactions",
        {
            "customer_id": ["customer_id"], "email": ["email"],
            "phone_number": ["shipping_address_phone", "billing_address_phone"],
            "order_no": ["id", "order_number"], "order_datetime": ["created_at", "processed_at"],
            "amount": ["subtotal_price", "total_price"], "net_amount": ["subtotal_price", "total_price"],
            "discount_amount": ["total_discounts"], "location_id": ["location_id"],
            "billing_first_name": ["billing_address_first_name"],
            "billing_last_name": ["billing_address_last_name"],
            "billing_address": ["billing_address_address_1"], "billing_city": ["billing_address_city"],
            "billing_state": ["billing_address_province", "billing_address_province_code"],
            "billing_postal_code": ["billing_address_zip"],
            "billing_country": ["billing_address_country", "billing_address_country_code"],
            "shipping_address": ["shipping_address_address_1"], "shipping_city": ["shipping_address_city"],
            "shipping_state": ["shipping_address_province", "shipping_address_province_code"],
            "shipping_postal_code": ["shipping_address_zip"],
            "shipping_country": ["shipping_address_country", "shipping_address_country_code"],
        },
    ),
    "shopify/shopify_order_line_data.csv": (
        "order_details",
        {
            "order_no": ["order_id"], "order_line_no": ["id", "index"], "product_id": ["product_id", "sku"],
            "product_name": ["name", "title"], "quantity": ["quantity"], "list_price": ["price"],
            "discount_offered": ["total_discount"], "net_price": ["pre_tax_price"],
        },
    ),
    "klaviyo/event.csv": (
        "email_activity",
        {
            "customer_id": ["person_id"], "activity_date": ["datetime", "timestamp"],
            "activity_type": ["type"], "campaign_id": ["campaign_id"],
            "campaign_name": ["property_campaign_name"],
        },
    ),
    "klaviyo/person.csv": (
        "loyalty_profile",
        {
            "customer_id": ["id"], "email": ["email"], "phone_number": ["phone_number"],
            "first_name": ["first_name"], "last_name": ["last_name"], "address": ["address_1"],
            "city": ["city"], "state": ["region"], "postal_code": ["zip"], "country": ["country"],
            "created_at": ["created"], "updated_at": ["updated"], "date_of_birth": ["custom_birthday"],
        },
    ),
}  # fmt: skip


def raw_table(path, rows=300):
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
        head = b"".join(line for _, line in zip(range(rows), file, strict=False))
    found = list(csv.DictReader(io.StringIO(head.decode("utf-8-sig", "replace"))))
    names = [name for name in found[0] if name]
    return RawTable(
        path.name.split(".")[0].removesuffix("_data"),
        dict.fromkeys(names, "varchar"),
        {name: [row[name] for row in found] for name in names},
    )


def guesses_of(raw, table):
    return next(guess for guess in suggest([raw], SCHEMA) if guess.table == table)


def verdicts(name):
    """Yield column, whether it is right, whether it was taken and wrong, for one table of TRUTH."""
    table, truth = TRUTH[name]
    guess = guesses_of(raw_table(SEEDS / name), table)
    taken = {column.target: column.raw for column in guess.columns if column.taken}
    for target, right in truth.items():
        yield f"{table}.{target}", taken.get(target) in right, target in taken and taken[target] not in right


@needs_shared
def test_at_least_four_of_five_mappable_columns_are_right_at_first_try():
    found = [row for name in TRUTH for row in verdicts(name)]
    missed = [column for column, right, _ in found if not right]
    assert len(missed) <= 0.2 * len(found), missed


@needs_shared
def test_no_key_column_is_wrong_in_silence():
    wrong = [column for name in TRUTH for column, _, wrong in verdicts(name) if wrong]
    assert [column for column in wrong if column.split(".")[1] in KEYS] == []


@needs_shared
def test_grocery_transactions_are_order_lines():
    raw = raw_table(SHARED / "data/complete_journey/transactions_sample.csv.gz")
    columns = {
        column.target: column.raw for column in guesses_of(raw, "order_details").columns if column.taken
    }
    assert columns["order_no"] == "basket_id"
    assert columns["product_id"] == "product_id"
    assert columns["quantity"] == "quantity"
    assert columns["net_price"] == "sales_value"
    assert columns["order_datetime"] == "transaction_timestamp"


@needs_shared
def test_adventureworks_customers_are_profiles():
    raw = raw_table(SHARED / "data/adventureworks/sales/AdventureWorks_Customers.csv.gz")
    columns = {
        column.target: column.raw for column in guesses_of(raw, "loyalty_profile").columns if column.taken
    }
    wanted = {
        "customer_id": "CustomerKey", "email": "EmailAddress", "first_name": "FirstName",
        "last_name": "LastName", "date_of_birth": "BirthDate", "gender": "Gender",
    }  # fmt: skip
    assert {name: columns.get(name) for name in wanted} == wanted


WHOLE = {  # folder of many tables → what each of ours comes from, and the keys that are then right
    "shopify": {
        "loyalty_profile": ({"shopify_gql_customer", "shopify_customer"}, {"customer_id": "id"}),
        "order_digital_transactions": (
            {"shopify_order", "shopify_gql_order"}, {"order_no": "id", "customer_id": "customer_id"}
        ),
        "order_details": (
            {"shopify_order_line", "shopify_gql_order_line"}, {"order_no": "order_id", "product_id": "sku"}
        ),
    },
    "klaviyo": {
        "loyalty_profile": ({"person"}, {"customer_id": "id", "email": "email"}),
        "email_activity": ({"event", "event_norename"}, {"customer_id": "person_id"}),
    },
}  # fmt: skip


@needs_shared
@pytest.mark.parametrize("source", WHOLE)
def test_of_a_whole_database_the_right_tables_are_taken_and_no_others(source):
    found = {
        guess.table: guess
        for guess in suggest([raw_table(path) for path in sorted((SEEDS / source).glob("*.csv"))], SCHEMA)
        if guess.raw
    }
    assert set(found) == set(WHOLE[source])
    for table, (names, keys) in WHOLE[source].items():
        assert found[table].raw in names
        taken = {column.target: column.raw for column in found[table].columns if column.taken}
        assert {key: taken.get(key) for key in keys} == keys


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


def test_nothing_fits_nothing():
    raw = RawTable("weather", {"station": "varchar", "degrees": "double"}, {"degrees": [1.5]})
    assert [guess.raw for guess in suggest([raw], SCHEMA)] == [""] * len(SCHEMA)
    assert yaml.safe_load(as_yaml(suggest([raw], SCHEMA), SCHEMA)) is None

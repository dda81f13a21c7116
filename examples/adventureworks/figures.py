"""Prints AdventureWorks' figures as each layer has them, and says whether any differ.

    python examples/adventureworks/figures.py [--state DIR]

Two order numbers (SO62019, SO72019) were given to two customers each. Each is two orders here, the second
with the customer's key behind the number: 25,164 orders with 25,162 numbers.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tdlocal.files.upload import Upload
from tdlocal.local_server import local_account

SUB = "adventureworks"
FIGURES = ("order lines", "order numbers", "orders", "customers with an account", "of whom bought", "revenue")
NUMBER = "regexp_extract({column}, '^[A-Z0-9]+')"
RAW_ORDERS = "select distinct order_number, customer_key from raw_{sub}.sales"
RAW_REVENUE = (
    "select sum(sales.order_quantity * products.product_price) from raw_{sub}.sales as sales "
    "inner join raw_{sub}.products as products on sales.product_key = products.product_key"
)
LAYER = (  # what src_ and staging_ have in common
    "select count(*) from {layer}.order_details",
    f"select count(distinct {NUMBER.format(column='order_no')}) from {{layer}}.order_digital_transactions",
    "select count(*) from {layer}.order_digital_transactions",
    "select count(distinct customer_id) from {layer}.loyalty_profile",
    "select count(distinct orders.customer_id) from {layer}.order_digital_transactions as orders "
    "inner join {layer}.loyalty_profile as members on orders.customer_id = members.customer_id",
    "select sum(amount) from {layer}.order_digital_transactions",
)
QUERIES = {
    "raw files": (
        "select count(*) from raw_{sub}.sales",
        "select count(distinct order_number) from raw_{sub}.sales",
        f"select count(*) from ({RAW_ORDERS}) as orders",
        "select count(distinct customer_key) from raw_{sub}.customers",
        "select count(distinct sales.customer_key) from raw_{sub}.sales as sales "
        "inner join raw_{sub}.customers as customers on sales.customer_key = customers.customer_key",
        RAW_REVENUE,
    ),
    "source": tuple(query.replace("{layer}", "src_{sub}") for query in LAYER),
    "staging": tuple(query.replace("{layer}", "staging_{sub}") for query in LAYER),
    "golden": (
        "select count(*) from golden_{sub}.transaction_history",
        f"select count(distinct {NUMBER.format(column='order_no')}) from golden_{{sub}}.unified_transactions",
        "select count(*) from golden_{sub}.unified_transactions",
        "select count(*) from golden_{sub}.unified_customers where customer_id is not null",
        "select count(*) from golden_{sub}.customer_attributes where total_orders > 0",
        "select sum(revenue) from golden_{sub}.unified_transactions",
    ),
    "dashboards": (
        "select sum(lines) from analytics_{sub}.sales_by_product",
        "",  # the dashboards count orders, not numbers
        "select total_orders from analytics_{sub}.sales_summary",
        "select known_profiles from analytics_{sub}.identity_summary",
        "select buyers from analytics_{sub}.sales_summary",
        "select total_revenue from analytics_{sub}.sales_summary",
    ),
}


def main() -> int:
    """Print the figures; 0 when every layer has the same ones, else 1."""
    parser = argparse.ArgumentParser(description="AdventureWorks' figures, layer by layer.")
    parser.add_argument("--state", type=Path, default=Path(".tdlocal/adventureworks"))
    arguments = parser.parse_args()
    with local_account(arguments.state) as server:
        found = read(Upload(server.url, server.key))
    print(table(found))
    differing = [figure for figure in FIGURES if len({row[figure] for row in found.values()} - {""}) > 1]
    if differing:
        print(f"not the same everywhere: {', '.join(differing)}")
        return 1
    print("the same in every layer: nothing was lost, nothing was invented")
    return 0


def read(account: Upload) -> dict[str, dict[str, str]]:
    """Return layer → figure → how it is printed; empty where a layer does not have it."""
    found: dict[str, dict[str, str]] = {}
    for layer, queries in QUERIES.items():
        found[layer] = {}
        for figure, query in zip(FIGURES, queries, strict=True):
            value = account.execute(f"raw_{SUB}", query.format(sub=SUB))[0][0] if query else None
            found[layer][figure] = (
                "" if value is None else f"{value:,.2f}" if figure == "revenue" else f"{value:,}"
            )
    return found


def table(found: dict[str, dict[str, str]]) -> str:
    """Return the figures as lines, one a figure, with a column for each layer."""
    lines = [" " * 27 + "".join(f"{layer:>15}" for layer in found)]
    lines += [f"{figure:27}" + "".join(f"{row[figure]:>15}" for row in found.values()) for figure in FIGURES]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

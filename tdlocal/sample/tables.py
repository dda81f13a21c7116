"""The raw tables as their sources send them: file, columns, types, and the key of a record in the truth."""

from __future__ import annotations

from typing import NamedTuple

VERSION = 5  # raise it when the bytes of a sample change


class RawTable(NamedTuple):
    """One raw table.

    Args:
        name: the table's name in the raw database.
        form: file format, "csv" or "jsonl".
        columns: column names in order; `name:l` is bigint, `name:d` double, plain is text.
        key: the columns that name a record in the truth file (a repeated record repeats its key).
    """

    name: str
    form: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    @property
    def file_name(self) -> str:
        """File name without compression suffix."""
        return f"{self.name}.{self.form}"

    @property
    def names(self) -> list[str]:
        """Column names without types."""
        return [column.partition(":")[0] for column in self.columns]

    @property
    def types(self) -> list[str]:
        """Column types as the account names them: long, double, string."""
        kinds = {"l": "long", "d": "double", "": "string"}
        return [kinds[column.partition(":")[2]] for column in self.columns]


def _table(name: str, form: str, columns: str, key: str) -> RawTable:
    return RawTable(name, form, tuple(columns.split()), tuple(key.split()))


TABLES = (
    _table(
        "loyalty_profile", "csv",
        "external_id email alternate_email phone first_name last_name address1 city state zip "
        "country_code gender birthday loyalty_is_opt_in loyalty_vip_tier_name "
        "loyalty_vip_expiration_date home_store_id home_store_address home_store_city "
        "account_created_at account_updated_at wishlist_item loyalty_redeemable_balance:d "
        "loyalty_net_debits:d loyalty_points_earned:l loyalty_points_balance:l loyalty_points_pending "
        "loyalty_total_redemptions:l export_batch time:l",
        "external_id account_updated_at",
    ),
    _table(
        "order_digital_transactions", "jsonl",
        "id name email phone created_at updated_at transaction_kind customer billing_address "
        "shipping_address discount_codes payment_gateway_names payment_token tags "
        "estimated_delivery_date pickup_location subtotal_price total_discounts shipping_price "
        "total_tax total_price currency landing_site source_name time:l",
        "id updated_at",
    ),
    _table(
        "order_offline_transactions", "csv",
        "txn_id member_no receipt_email receipt_phone card_token txn_ts txn_type tender coupon_code "
        "markdown store_number store_address store_city store_state store_zip store_country "
        "net_total:d discount_total:d register cashier time:l",
        "txn_id",
    ),
    _table(
        "order_details", "csv",
        "order_id line_number:l line_type order_created_at sku title color variant_title description "
        "product_type category quantity:l unit_price:d line_discount:d line_tax:d line_total:d time:l",
        "order_id line_number",
    ),
    _table(
        "email_activity", "jsonl",
        "event_id datetime metric_name campaign_id campaign_name email person_phone external_id "
        "subject flow_id time:l",
        "event_id",
    ),
    _table(
        "sms_activity", "jsonl",
        "event_id timestamp_ms:l to_number subscriber_email event kind message_name body link "
        "creative_url time:l",
        "event_id",
    ),
    _table(
        "pageviews", "jsonl",
        "td_url td_path td_title td_description td_host td_language td_charset td_os td_os_version "
        "td_user_agent td_platform td_screen td_viewport td_color td_version td_global_id "
        "td_client_id td_ip td_referrer td_browser td_browser_version time:l",
        "td_client_id time",
    ),
    _table(
        "app_analytics", "jsonl",
        "app amplitude_id event_id session_id user_id device_id event_time event_type version_name "
        "adid groups idfa platform os_name os_version device_brand device_manufacturer device_model "
        "device_carrier device_type device_family country language city region dma ip_address "
        "event_properties user_properties uuid location_lat:d location_lng:d server_upload_time "
        "time:l",
        "uuid",
    ),
    _table("formfills", "jsonl", "form_email form_phone td_global_id td_client_id form_name page time:l",
    "td_client_id time"),
    _table("consents", "csv", "identifier identifier_type subscription status source time:l",
    "identifier subscription time"),
    _table(
        "survey_responses", "csv",
        "survey_ref response_id question_ref question answer_text score submitted member_id "
        "contact_email contact_phone time:l",
        "response_id question_ref",
    ),
)  # fmt: skip
BY_NAME = {table.name: table for table in TABLES}

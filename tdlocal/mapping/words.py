"""What sources call the columns and tables of the retail schema.

Names are compared as words: `billing_address_zip`, `BillingAddressZip` and `billing zip` are near each other.
"""

from __future__ import annotations

# fmt: off
TABLES: dict[str, tuple[str, ...]] = {
    "loyalty_profile": (
        "customer", "customers", "member", "members", "loyalty", "profile", "profiles", "person", "people",
        "contact", "contacts", "crm", "user", "users", "dim customer", "household", "demographics",
    ),
    "order_digital_transactions": (
        "order", "orders", "online orders", "order header", "sales order header", "web orders",
        "shopify order", "checkout", "digital", "ecommerce", "internet sales",
    ),
    "order_offline_transactions": (
        "store orders", "pos", "pos transactions", "receipts", "tickets", "store sales", "offline",
        "register", "till", "reseller sales",
    ),
    "order_details": (
        "order line", "order lines", "order items", "line items", "order details", "order positions",
        "sales order detail", "basket", "transaction items", "invoice line", "invoice item",
        "sales", "transactions", "fact internet sales",
    ),
    "email_activity": ("email activity", "email events", "email", "event", "events", "campaign events"),
    "sms_activity": ("sms activity", "sms", "text messages", "messages", "mobile messages"),
    "pageviews": ("pageviews", "page views", "web events", "clickstream", "hits", "td js"),
    "app_analytics": ("app analytics", "app events", "mobile events", "amplitude", "events"),
    "formfills": ("formfills", "form fills", "forms", "form submissions", "leads", "signups"),
    "consents": ("consents", "consent", "opt ins", "permissions", "subscriptions", "preferences"),
    "survey_responses": ("survey responses", "survey", "surveys", "nps", "feedback", "answers", "reviews"),
}

# a word in a raw table's name that says as much as the whole name: what else is in the table decides
HINTS: dict[str, frozenset[str]] = {
    "loyalty_profile": frozenset("client contact customer member profile shopper subscriber".split()),
    "order_offline_transactions": frozenset(
        "clover lightspeed ncr pos receipt register retail square store till tlog toast".split()
    ),
    "email_activity": frozenset("campaign email mail mailing newsletter".split()),
    "sms_activity": frozenset("mms sms text".split()),
    "pageviews": frozenset("clickstream ga hit matomo page pageview snowplow web".split()),
    "app_analytics": frozenset("amplitude app firebase mixpanel mobile track".split()),
    "formfills": frozenset("form lead signup submission".split()),
    "consents": frozenset(
        "consent cookiebot didomi onetrust optin permission preference subscription trustarc "
        "usercentrics".split()
    ),
    "survey_responses": frozenset("answer feedback nps questionnaire response review survey".split()),
}

# without these a raw table does not feed the source table: one word of each group must be found
CORE: dict[str, tuple[tuple[str, ...], ...]] = {
    "loyalty_profile": (("customer_id", "email"), ("first_name", "last_name", "date_of_birth", "created_at")),
    "order_digital_transactions": (("order_no",), ("order_datetime",), ("amount",)),
    "order_offline_transactions": (("order_no",), ("order_datetime",), ("amount",), ("location_id",)),
    "order_details": (("order_no",), ("product_id",), ("quantity", "net_price", "list_price")),
    "email_activity": (("activity_type",), ("email", "customer_id"), ("activity_date",)),
    "sms_activity": (("activity_type", "message_type"), ("phone_number",), ("message_date",)),
    "pageviews": (("td_url", "td_path"), ("td_client_id",)),
    "app_analytics": (("event_type",), ("device_id", "session_id"), ("event_time",)),
    "formfills": (("email", "phone_number"), ("form_type",)),
    "consents": (("id",), ("consent_flag",)),
    "survey_responses": (("answer", "answer_numeric"), ("question_id", "question_text", "survey_id")),
}

# how the columns of a line begin in a file of orders that has a row per line
LINE_STARTS = frozenset("article item line lineitem product quantity sku".split())

# so many columns speak for a table whatever the raw table is called
MANY = {"order_details": 5, "loyalty_profile": 6}

# columns by which records are told apart, and the sums: a doubtful guess is left to a person
KEYS = (
    "customer_id", "email", "secondary_email", "phone_number", "token", "order_no", "product_id",
    "device_id", "td_client_id", "td_global_id", "adid", "idfa", "user_id", "id", "amount",
    "net_price",
)

# parts of an address that each side of an order has
PARTS = {
    "first_name": ("first name",),
    "last_name": ("last name",),
    "address": ("address", "street", "address 1", "address line 1", "street 1", "street address"),
    "city": ("city", "suburb", "town"),
    "state": ("province code", "province", "state", "state code", "region", "county", "state province"),
    "postal_code": ("zip", "postal code", "zip code"),
    "country": ("country code", "country"),
}

# column of the schema → what sources call it; `table.column` where a table has its own words
COLUMNS: dict[str, tuple[str, ...]] = {
    "customer_id": (
        "customer id", "external id", "member id", "partner id", "customer", "member no", "member number",
        "cust id",
        "customer key", "customer no", "customer number", "account number", "account no", "person id",
        "household id", "household key", "user id", "client id", "contact id", "loyalty id",
        "loyalty number", "shopper id", "buyer id", "guest id", "subscriber id", "external customer id",
        "external user id", "subscriber external id", "customer code", "client number", "consumer id",
        "loyalty card number", "loyalty card id", "card member id", "contact key", "customer reference",
        "customer internal id", "customer account", "cust account", "account code", "client code",
        "member code", "customer guid", "customer uuid", "customer sk",
    ),
    "loyalty_profile.customer_id": (
        "id", "business entity id", "customer alternate key", "entity id", "user name", "record id",
    ),
    "email": (
        "email", "email address", "e mail", "mail", "contact email", "customer email", "form email",
        "billing email", "order email", "receipt email", "buyer email", "user email", "email id",
        "recipient", "login email",
    ),
    "secondary_email": ("secondary email", "alternate email", "other email", "email 2"),
    "phone_number": (
        "phone", "phone number", "mobile", "mobile number", "telephone", "tel", "cell", "msisdn",
        "to number", "contact phone", "customer phone", "form phone", "mobile phone", "cell phone",
        "home phone", "primary phone", "billing phone", "buyer phone", "phone 1", "sms number",
        "recipient phone",
        "to", "sms phone number", "phone number e 164", "contact number", "mobile telephone",
        "telephone number",
    ),
    "first_name": ("first name", "given name", "fname", "forename", "first", "billing first name"),
    "last_name": ("last name", "surname", "family name", "lname", "last", "family", "second name"),
    "address": (
        "address", "address 1", "address line 1", "street", "street address", "addr", "street 1",
        "street line 1", "mailing address", "home address", "default address",
    ),
    "city": ("city", "town", "locality", "address city", "suburb", "municipality"),
    "state": (
        "state", "province", "region", "state province", "province code", "state code", "address state",
        "region code", "county", "state region", "address province code", "address province",
        "mailing state", "customer state", "contact state", "home state", "member state",
    ),
    **{
        f"loyalty_profile.{part}": tuple(
            f"{side} {middle}{word}"
            for side in ("billing", "shipping", "default", "postal")
            for middle in ("", "address ") for word in words
        )
        for part, words in PARTS.items() if part not in ("first_name", "last_name")
    },
    "postal_code": (
        "postal code", "zip", "zip code", "postcode", "address zip", "address postal code", "post code",
    ),
    "country": (
        "country", "country code", "country region", "country region code", "address country",
        "country name", "country iso", "address country code",
    ),
    "gender": ("gender", "sex"),
    "date_of_birth": (
        "date of birth", "birthday", "birth date", "birthdate", "dob", "birth day", "date birth",
    ),
    "membership_status": (
        "membership status", "loyalty status", "member status", "loyalty is opt in", "account status",
        "membership state",
    ),
    "membership_tier": (
        "membership tier", "tier", "loyalty tier", "vip tier", "loyalty vip tier name", "level",
        "vip level", "membership level", "loyalty level", "rank", "member tier", "tier name",
    ),
    "current_membership_level_expiration": (
        "membership expiration", "tier expiration", "vip expiration date",
    ),
    "store_id": ("store id", "home store id", "store number", "store no"),
    "store_address": ("store address", "home store address"),
    "store_city": ("store city", "home store city"),
    "created_at": (
        "created at", "created", "account created at", "date first purchase", "signup date", "joined",
        "creation date", "registered at", "registration date", "signup timestamp", "join date",
        "member since", "enrolled at", "enrollment date", "date added", "opened at", "customer since",
        "create date", "recorded at",
        "date joined", "joined at", "account created", "registered", "date registered", "signup at",
        "first seen", "first visit", "created time", "created on",
    ),
    "updated_at": (
        "updated at", "updated", "account updated at", "modified date", "last modified", "modified",
        "changed", "last changed", "last updated",
        "last modified date", "last update", "updated date", "date updated", "date modified", "last edited",
    ),
    "wishlist_item": ("wishlist item", "wishlist"),
    "net_redeemable_balance": (
        "redeemable balance", "loyalty redeemable balance", "loyalty balance", "store credit",
    ),
    "net_debits": ("net debits", "debits"),
    "membership_points_earned": (
        "points earned", "loyalty points earned", "lifetime points", "total points earned",
    ),
    "membership_points_balance": (
        "points balance", "loyalty points balance", "points", "point balance", "reward points",
        "current points", "available points",
    ),
    "membership_points_pending": ("points pending", "loyalty points pending"),
    "total_loyalty_purchases": (
        "loyalty purchases", "total redemptions", "orders count", "loyalty total redemptions",
        "total orders", "order count", "transaction count", "number of orders", "order total count",
    ),
    "token": (
        "card token", "payment token", "credit card id", "card number", "card fingerprint", "card hash",
        "pan token", "payment card token", "card id",
    ),
    "order_no": (
        "order no", "order number", "order id", "sales order id", "sales order number",
        "transaction id", "txn id", "receipt no", "basket id", "ticket no", "invoice no", "order",
        "order code", "order reference", "purchase id", "transaction number", "receipt number",
        "receipt id", "invoice id", "invoice number", "bill number", "ticket number", "ticket id",
        "check number", "sale id", "basket number", "invoice", "receipt", "amazon order id",
        "marketplace order id", "web order id", "online order number",
        "document number", "document no", "transaction code", "voucher number", "slip number", "cart id",
        "check id",
    ),
    "order_digital_transactions.order_no": ("id", "entity id", "increment id", "name", "code", "number"),
    "order_datetime": (
        "order datetime", "order date", "created at", "processed at", "txn ts", "transaction timestamp",
        "transaction date", "purchase date", "ordered at", "order created at", "timestamp",
        "creation date", "date created", "order placed at", "purchased at", "placed at", "closed at",
        "sale date", "business date", "invoice date", "date", "order time", "receipt date",
        "recorded at",
        "opened", "opened at", "order placed", "date ordered", "date of order", "document date",
        "posting date", "sold at", "completed at", "paid at", "booking date", "txn date", "sale time",
        "transaction datetime",
    ),
    "order_transaction_type": (
        "transaction type", "transaction kind", "order type", "txn type", "line type", "kind", "sale type",
        "receipt type", "document type",
        "event type",
    ),
    "payment_method": (
        "payment method", "payment gateway", "tender", "gateway", "payment type", "payment gateway names",
        "payment", "tender type", "payment method title", "pay type", "payment mode", "payment option",
        "payment method name", "tender name", "method of payment", "payment provider", "payment instrument",
    ),
    "promo_code": (
        "promo code", "coupon code", "discount code", "discount codes", "voucher", "coupon", "coupons",
        "promotion code", "voucher code", "discount name",
    ),
    "projected_delivery_date": (
        "projected delivery date", "estimated delivery date", "due date", "delivery date",
        "expected delivery", "expected shipment date", "promised date", "estimated arrival",
    ),
    "bopis_flag": (
        "bopis flag", "bopis", "pickup in store", "is pickup", "click and collect", "store pickup",
    ),
    "markdown_flag": ("markdown flag", "markdown", "on sale"),
    "guest_checkout_flag": (
        "guest checkout flag", "guest checkout", "guest", "is guest", "is guest checkout", "guest order",
    ),
    "expidated_ship_flag": (
        "expedited ship flag", "expedited", "express", "is express", "rush", "expedited shipping",
    ),
    "location_id": (
        "location id", "store number", "store id", "store no", "territory id", "shop id", "location",
        "store code", "outlet id", "branch id", "site id", "register location id",
        "merchant location id", "shop number", "branch", "store", "shop", "outlet",
        "location name", "store name", "shopping mall", "branch code", "site", "warehouse",
    ),
    "location_address": ("location address", "store address"),
    "location_city": ("location city", "store city"),
    "location_state": ("location state", "store state"),
    "location_postal_code": ("location postal code", "store zip", "store postal code"),
    "location_country": ("location country", "store country"),
    **{
        f"{side}_{part}": tuple(f"{side} {middle}{word}" for middle in ("", "address ") for word in words)
        for side in ("billing", "shipping") for part, words in PARTS.items()
    },
    "amount": (
        "amount", "subtotal price", "sub total", "subtotal", "net total", "order amount", "total",
        "revenue", "sales amount", "order total", "total price", "total due", "net sales", "gross sales",
        "grand total", "merchandise total net", "merchandize total net", "merchandise total",
        "order value", "total amount", "total paid", "net value", "total money", "invoice total",
        "sale amount", "net order value", "order subtotal",
        "gross amount", "total amount gross", "total amount net", "transaction total",
        "transaction amount", "gross total", "total gross",
        "total sales", "amount paid", "total incl tax", "order gross", "net revenue", "total net",
        "sales total", "sales value", "bill amount", "check total",
    ),
    "discount_amount": (
        "discount amount", "total discounts", "discount total", "discount", "discounts", "total discount",
        "discount value", "coupon discount",
    ),
    "net_amount": (
        "net amount", "subtotal price", "net total", "sub total", "subtotal", "total price",
        "net sales", "net value", "merchandise total net", "merchandize total net", "order subtotal",
        "grand total", "total", "total amount", "order total", "total paid", "order amount",
        "total money",
        "total net", "net revenue", "amount net", "total amount net", "total amount gross",
    ),
    "shipping_cost": (
        "shipping cost", "shipping price", "freight", "shipping", "total shipping price", "shipping total",
        "shipping amount", "shipping charge", "delivery cost", "delivery fee", "shipping fee",
        "shipping total net", "shipping rate", "postage",
    ),
    "order_line_no": (
        "line number", "order line no", "line no", "line item id", "sales order detail id", "index",
        "line id", "line", "order item id", "order line id", "position", "row number", "line item no",
        "line sequence", "item number", "sequence",
        "line num", "line sequence number", "sequence number", "line nr", "line item number",
        "entry number", "item selection id", "item id", "row id", "row no", "line order",
    ),
    "order_details.order_line_no": ("order line item", "order detail id", "invoice line id", "id"),
    "product_id": (
        "product id", "sku", "product key", "item id", "article no", "upc", "product sku", "variant id",
        "article number", "item no", "item code", "product code", "style number", "barcode",
        "product no", "plu", "stock code", "lineitem sku", "item sku", "product reference",
        "item", "material", "material number", "article", "article id", "asin", "ean", "gtin",
        "product number", "goods id", "track id", "item sk", "menu item id", "item number",
    ),
    "product_name": (
        "product name", "title", "name", "item name", "product", "item", "item description",
        "article name", "product title", "lineitem name", "variant name",
        "label", "menu item", "item label", "article", "description of goods", "goods name", "item title",
        "product label", "display name",
    ),
    "product_color": ("color", "colour", "product color"),
    "product_size": ("size", "variant title", "product size"),
    "product_description": ("description", "product description"),
    "product_department": (
        "department", "product type", "product department", "category", "product category",
        "item category", "product group", "department name", "product line",
        "sales category", "menu group", "main category", "category name", "merchandise group",
        "item group", "article group", "division",
    ),
    "product_sub_department": (
        "sub department", "subcategory", "product subcategory", "sub category", "product class",
        "sub class", "product subtype", "category",
    ),
    "quantity": (
        "quantity", "qty", "order qty", "order quantity", "units", "quantity ordered", "quantity sold",
        "item quantity", "units sold", "count", "lineitem quantity", "sold quantity",
        "quantity purchased", "product quantity",
        "qty sold", "num items", "number of items", "pieces", "pcs", "item qty", "amount of items",
    ),
    "list_price": (
        "list price", "unit price", "price", "product price", "original price", "base price", "item price",
        "regular price", "retail price", "msrp", "lineitem price", "price each", "selling price",
        "item rate", "rate", "gross price", "unit rate", "unit cost price", "unit amount",
        "price per unit", "sale price", "unit retail", "sales price", "selling unit price",
    ),
    "discount_offered": (
        "discount offered", "line discount", "total discount", "discount", "retail disc",
        "unit price discount", "discount amount", "line item discount", "item discount",
        "markdown amount", "lineitem discount", "item promotion discount", "promotion discount",
        "line discount amount",
    ),
    "tax": (
        "tax", "line tax", "price tax", "tax amt", "tax amount", "total tax", "tax total", "vat", "item tax",
        "sales tax",
    ),
    "net_price": (
        "net price", "line total", "pre tax price", "sales value", "extended amount", "line amount",
        "sales amount", "row total", "item total", "extended price", "net sales", "line value",
        "net amount", "line net", "total price", "net value", "line total net", "sales", "amount total",
        "line gross", "item amount", "line revenue", "revenue", "paid price", "price paid",
        "total line amount", "amount paid", "item revenue", "line subtotal", "subtotal price",
    ),
    "order_details.net_price": ("total", "subtotal", "amount"),
    "activity_date": (
        "activity date", "datetime", "event time", "occurred at", "timestamp", "event date", "created at",
        "event timestamp", "action time", "sent at", "date",
    ),
    "activity_type": (
        "activity type", "metric name", "event type", "event", "type", "action", "event name",
        "event action", "interaction", "interaction type", "engagement type", "activity",
        "status", "message status", "delivery status", "event kind",
    ),
    "campaign_id": ("campaign id", "campaign", "mailing id", "job id", "send id"),
    "campaign_name": (
        "campaign name", "property campaign name", "message name", "email name", "mailing name",
        "campaign title", "subject",
    ),
    "message_date": (
        "message date", "timestamp", "timestamp ms", "sent at", "datetime", "event timestamp",
        "send time", "delivered at", "created at", "occurred at", "date sent", "event time",
        "date created", "sent date", "send date", "delivered date", "sent time", "message sent at",
    ),
    "message_type": ("message type", "kind", "property message type"),
    "message_name": ("message name", "property message name", "campaign name", "template name"),
    "message_text": (
        "message text", "body", "text", "property message body", "message body", "content",
        "message content",
    ),
    "message_link": ("message link", "link", "url", "short link", "clicked url", "link url"),
    "message_creative": ("message creative", "creative url", "creative"),
    "event_time": (
        "event time", "client event time", "timestamp", "occurred at", "event timestamp",
        "original timestamp", "event date", "created at", "client timestamp", "time",
    ),
    "event_type": ("event type", "event name", "event", "event text", "action", "activity"),
    "analytics_id": ("analytics id", "amplitude id", "instance id", "distinct id"),
    "app_name": ("app name", "app"),
    "form_type": (
        "form type", "form name", "form", "form id", "form title", "source form", "submission type",
    ),
    "id": (
        "id", "identifier", "value", "contact value", "email address", "subject id", "contact point",
        "channel value", "address or number",
        "data subject identifier", "subject identifier", "data subject id", "contact", "recipient",
        "customer identifier",
    ),
    "id_type": ("id type", "identifier type", "channel type", "channel", "contact type", "identity type"),
    "consent_type": (
        "consent type", "subscription", "purpose", "topic", "purpose name", "list", "preference",
        "channel",
    ),
    "consent_flag": (
        "consent flag", "status", "consent", "opted in", "granted", "opt in", "consent status",
        "opt in status", "is subscribed", "subscription status", "subscribed", "consent given", "state",
        "consent value", "value", "opt in flag", "is opted in", "has consented", "permission status",
        "decision",
    ),
    "survey_id": (
        "survey id", "survey ref", "survey", "form id", "questionnaire id", "poll id", "campaign id",
        "survey type",
    ),
    "respondent_id": ("respondent id", "response id", "submission id", "respondent", "participant id"),
    "question_id": ("question id", "question ref", "question code", "field id", "item id"),
    "question_text": (
        "question text", "question", "question title", "prompt", "field title", "question name",
    ),
    "answer": (
        "answer", "answer text", "comment", "comments", "response", "review", "answer value", "feedback",
        "verbatim", "review text", "review body",
    ),
    "answer_numeric": (
        "answer numeric", "score", "rating", "nps score", "answer value numeric", "stars", "star rating",
        "nps", "rating value", "csat",
    ),
    "submitted_at": (
        "submitted at", "submitted", "review date", "response date", "created at", "completed at",
        "response time", "end date", "submission date", "answered at", "date submitted", "recorded at",
    ),
    "td_url": ("url", "page url", "page location", "location", "full url", "document location", "href"),
    "td_path": ("path", "page path", "page urlpath", "url path", "uri", "request path"),
    "td_title": ("title", "page title", "document title", "page name"),
    "td_host": ("host", "hostname", "page host", "domain", "page urlhost", "server name"),
    "td_referrer": ("referrer", "referer", "page referrer", "referrer url", "document referrer"),
    "td_client_id": (
        "client id", "anonymous id", "user pseudo id", "visitor id", "cookie id", "full visitor id",
        "domain userid", "first party id", "browser id", "mcvisid",
    ),
    "td_global_id": ("global id", "network userid", "third party id"),
    "td_ip": ("ip", "ip address", "user ipaddress", "client ip", "remote address"),
    "td_user_agent": ("user agent", "useragent", "http user agent"),
    "td_language": (
        "language", "device language", "locale", "browser language", "br lang", "accept language",
    ),
    "td_os": ("os", "operating system", "os name", "device operating system", "os family"),
    "td_os_version": ("os version", "operating system version", "device operating system version"),
    "td_browser": (
        "browser", "browser name", "device browser", "browser family", "br name", "web info browser",
    ),
    "td_browser_version": ("browser version", "device browser version", "br version"),
    "td_platform": ("platform", "device category", "device platform", "device type"),
    "td_screen": ("screen", "screen resolution", "screen size", "resolution"),
    "td_viewport": ("viewport", "viewport size", "window size"),
    "td_charset": ("charset", "document encoding", "encoding"),
    "td_color": ("color depth", "screen color", "colour depth"),
    "td_description": ("page description", "meta description"),
    "device_id": ("device id", "device identifier", "device uuid", "installation id", "vendor id", "idfv"),
    "session_id": ("session id", "session", "user session", "visit id", "session identifier"),
    "user_id": ("user id", "customer id", "account id", "external user id", "customer user id"),
    "adid": ("adid", "gaid", "google advertising id", "advertising id", "android advertising id", "aaid"),
    "idfa": ("idfa", "ios advertising id", "apple advertising id"),
    "version_name": (
        "version name", "app version", "app info version", "application version", "app version string",
        "app build", "app version name",
    ),
    "os_name": ("os name", "os", "operating system", "device operating system"),
    "os_version": ("os version", "operating system version", "device operating system version"),
    "device_brand": ("device brand", "brand", "device mobile brand name"),
    "device_manufacturer": ("device manufacturer", "manufacturer", "device make"),
    "device_model": ("device model", "model", "device name", "device mobile model name"),
    "device_carrier": ("device carrier", "carrier", "network carrier"),
    "ip_address": ("ip address", "ip", "client ip"),
    "language": ("language", "locale", "device language"),
    "region": ("region", "geo region", "state"),
    "event_properties": ("event properties", "properties", "event params", "event data", "event value"),
    "user_properties": ("user properties", "user attributes", "traits"),
    "uuid": ("uuid", "insert id", "event uuid"),
    "location_lat": ("lat", "latitude"),
    "location_lng": ("lng", "lon", "longitude", "long"),
}

# words that mean the same, whatever the column
SAME = {
    "no": "number", "nr": "number", "num": "number", "nbr": "number", "qty": "quantity", "amt": "amount",
    "disc": "discount", "desc": "description", "cust": "customer", "prod": "product", "addr": "address",
    "telephone": "phone", "tel": "phone", "mobile": "phone", "creation": "created", "create": "created",
    "modification": "modified", "modify": "modified", "update": "updated", "ordered": "order",
    "postal": "zip", "postcode": "zip", "zipcode": "zip", "identifier": "id", "uid": "id",
    "timestamp": "at", "datetime": "at", "date": "at", "time": "at", "ts": "at", "dt": "at", "on": "at",
    "firstname": "first name", "lastname": "last name", "merchandize": "merchandise", "dob": "birth at",
    "birthdate": "birth at", "birthday": "birth at", "txn": "transaction", "trx": "transaction",
    "trans": "transaction", "ord": "order", "mail": "email", "lang": "language", "curr": "currency",
    "shipment": "shipping", "freight": "shipping", "bill": "billing", "ship": "shipping",
    "ipaddress": "ip address", "cd": "code", "key": "id", "tran": "transaction", "add": "created",
    "added": "created", "upd": "updated", "descr": "description", "seq": "sequence",
}
# fmt: on

# words of tables' names that say where they come from, not what they hold
VENDORS = frozenset(
    "adventure adyen all attentive bc bigcommerce braze current d365 daily data dim dump dwh dynamic "
    "dynamics ecwid edw emarsys entity epos erp etl export extract fact freshdesk full gorgias gql "
    "history hubspot intercom iterable jtl klarna klaviyo lake latest list m2 magento mailchimp mart "
    "master nav netsuite new odoo omnisend oms oracle pim postscript prestashop prod quickbooks raw "
    "recharge report responsys sage sailthru salesforce sample sap segment sendgrid sfcc sfdc shopify "
    "shopware smile src staging stg stripe table tbl tmp twilio typeform v view wc wms woocommerce work "
    "wp yotpo zendesk".split()
)
# systems whose name in front of a column's says which one knows it so
SYSTEMS = frozenset(
    "bigcommerce braze clover hubspot klaviyo lightspeed magento mailchimp salesforce shopify square stripe "
    "woocommerce zendesk".split()
)
# words at the end of a sum that say which tax is in it
TAXED = frozenset("ex exc excl excluding inc incl including o tax vat w".split())
# columns whose own name is too common to speak for them
WEAK = frozenset(("token",))
# names that every table has: alone they say nothing about whose they are
GENERIC = frozenset("at code id key name number state status title type value".split())
# words in front of a name that say whose it is, not what it is
OWNERS = frozenset(
    "account buyer client contact context custom customer default dim event fact form home loyalty "
    "mailing main member order person primary property raw receipt recipient sales shop shopper "
    "source subscriber user".split()
)

"""Page views and forms: sessions that browse or buy, robots, and forms that tie a cookie to a person."""

from __future__ import annotations

from typing import Any

from tdlocal.sample import dirt, words
from tdlocal.sample.catalogue import PRODUCTS, Product, pick
from tdlocal.sample.dice import Dice
from tdlocal.sample.people import Browser, Person
from tdlocal.sample.rhythm import DAY, Rhythm
from tdlocal.sample.sink import Sink

HOST = "www.sampleshop.example"
SOURCES = (  # referrer, query of the landing page
    ("", ""), ("", ""), ("https://www.google.com/", ""), ("https://www.google.com/", ""),
    ("https://www.google.com/", "utm_source=google&utm_medium=cpc&utm_campaign=brand"),
    ("https://www.instagram.com/", "utm_source=instagram&utm_medium=social&utm_campaign=lookbook"),
    ("https://www.facebook.com/", "utm_source=facebook&utm_medium=social&utm_campaign=retargeting"),
    ("https://partner.example/", "utm_source=partner&utm_medium=affiliate&utm_campaign=deals"),
)  # fmt: skip
FROM_MAIL = ("", "utm_source=newsletter&utm_medium=email&utm_campaign={campaign}")
EXTRAS = (
    "/wishlist",
    "/loyalty",
    "/account",
    "/account/login",
    "/help",
    "/search?q=linen",
    "/returns",
    "/reviews/P0007",
)
# how often a customer gives a name in a session: at the till of the web shop, signing in, or otherwise
CHECKOUT_FORMS, SIGN_INS, OTHER_FORMS = 0.92, 0.25, 0.07
STAYS_ANONYMOUS = 0.07  # the share of the other browsers of customers in which they never do
FORMS = ("newsletter", "newsletter", "register", "Register", "back_in_stock", "contact")


def browse(
    dice: Dice, person: Person, rhythm: Rhythm, sink: Sink, bought: list[tuple[str, int, int]]
) -> None:
    """Write the person's sessions and forms; most purchases online are the last page of a session."""
    if not person.browsers:
        return
    for channel, moment, _ in bought:
        if channel == "online" and dice.yes(0.85):
            browser = dice.pick(person.browsers)
            start = moment - 240 - dice.below(1500)
            end = session(dice, browser, start, dice.pick(SOURCES), sink, person, ends_at=moment)
            if dice.yes(CHECKOUT_FORMS):
                _form(dice, person, browser, end, "Checkout", "/checkout", sink, rhythm)
    for _ in range(dice.count(1.0 + min(person.activity, 12.0) * 0.4, 40)):
        moment = rhythm.moment("online", person.joined, dice.roll(), dice.roll(), person.home.city.utc_hours)
        browser = dice.pick(person.browsers)
        end = session(dice, browser, moment, dice.pick(SOURCES), sink, person, until=rhythm.until)
        if person.customer_ids and dice.yes(SIGN_INS):
            _form(dice, person, browser, end, "Login", "/account/login", sink, rhythm)
        elif dice.yes(OTHER_FORMS):
            _form(dice, person, browser, end, dice.pick(FORMS), "/account/register", sink, rhythm)


def look_around(dice: Dice, visitor: Person, rhythm: Rhythm, sink: Sink) -> None:
    """Write the sessions of a visitor, who never gives a name."""
    for browser in visitor.browsers:
        for _ in range(1 + dice.count(0.8, 12)):
            chances = dice.roll(), dice.roll()
            moment = rhythm.moment("online", visitor.joined, *chances, visitor.home.city.utc_hours)
            session(dice, browser, moment, dice.pick(SOURCES), sink, visitor, until=rhythm.until)


def give_name(dice: Dice, person: Person, rhythm: Rhythm, sink: Sink) -> None:
    """Write the forms that end the last session in browsers where the person had given no name so far."""
    last = {browser.client_id: (browser, moment) for browser, moment in sorted(person.visits, key=_moment)}
    for client_id, (browser, moment) in last.items():
        if client_id in person.named_browsers or dice.yes(STAYS_ANONYMOUS):
            continue
        form, page = ("Login", "/account/login") if person.customer_ids else ("newsletter", "/")
        _form(dice, person, browser, moment, form, page, sink, rhythm)


def _moment(visit: tuple[Browser, int]) -> int:
    return visit[1]


def session(
    dice: Dice, browser: Browser, start: int, source: tuple[str, str], sink: Sink, person: Person, *,
    ends_at: int = 0, until: int = 1 << 40,
) -> int:  # fmt: skip
    """Write one session of page views; return the moment of its last page.

    Args:
        ends_at: moment of the purchase that ends the session; 0 for a session without one.
        until: no page is at or after this moment.
    """
    pages = _pages(dice, person, buying=ends_at > 0)
    if ends_at:
        step = max((ends_at - start) // len(pages), 1)
        moments = [
            min(start + step * place + dice.below(step), ends_at) for place in range(len(pages) - 1)
        ] + [ends_at]
    else:
        moments = [start]
        for _ in pages[1:]:
            moments.append(moments[-1] + 4 + int(dice.skewed(50)) % 1500)
    referrer, query = source
    end = start
    for place, (path, title) in enumerate(pages):
        moment = moments[place]
        if moment >= until:
            break
        url = f"https://{HOST}{path}"
        if place == 0 and query:
            url += ("&" if "?" in path else "?") + query
        _view(dice, browser, moment, url, path, title, referrer, sink, person.person_id)
        referrer = url
        end = moment
    person.visits.append((browser, end))
    return end


def _pages(dice: Dice, person: Person, *, buying: bool) -> list[tuple[str, str]]:
    pages = [("/", "Sample Shop")] if dice.yes(0.55) else []
    for _ in range(1 + dice.count(1.3 if buying else 1.0, 9)):
        product = pick(dice.pick(person.departments), dice.roll())
        if dice.yes(0.5):
            pages.append(_category(product))
        pages.append((f"/p/{product.sku}-{product.slug}", f"{product.name} | Sample Shop"))
        if dice.yes(0.08):
            extra = dice.pick(EXTRAS)
            pages.append((extra, "Sample Shop"))
    if buying or dice.yes(0.18):
        pages.append(("/cart", "Your bag | Sample Shop"))
        if buying or dice.yes(0.35):
            pages.append(("/checkout", "Checkout | Sample Shop"))
    if buying:
        pages += [
            ("/checkout/payment", "Payment | Sample Shop"),
            ("/checkout/confirmation", "Thank you | Sample Shop"),
        ]
    return pages


def _category(product: Product) -> tuple[str, str]:
    path = f"/c/{product.department.lower()}/{product.category.lower()}"
    return path, f"{product.category} | {product.department} | Sample Shop"


def _view(
    dice: Dice,
    browser: Browser,
    moment: int,
    url: str,
    path: str,
    title: str,
    referrer: str,
    sink: Sink,
    person_id: str,
) -> None:
    platform, system, system_version, name, version, screen, agent = words.USER_AGENTS[browser.agent]
    chance = dice.roll()
    row: list[Any] = [
        url, path.partition("?")[0], title if chance < 0.97 else None,
        None if chance < 0.7 else "Clothes, shoes and home",
        HOST if chance > 0.01 else "WWW.SampleShop.example", "en-us" if chance < 0.9 else "en-gb", "utf-8",
        system, system_version,
        agent, platform, screen, screen, "24-bit", "4.1.0", browser.global_id if chance < 0.93 else None,
        browser.client_id,
        browser.ip, referrer or None, name, version, moment,
    ]  # fmt: skip
    sink.add("pageviews", row, person_id)
    if chance > 0.995:
        sink.add("pageviews", row, person_id)


def _form(
    dice: Dice,
    person: Person,
    browser: Browser,
    moment: int,
    form: str,
    page: str,
    sink: Sink,
    rhythm: Rhythm,
) -> None:
    filled = moment + 20
    if filled >= rhythm.until:
        return
    person.named_browsers.add(browser.client_id)
    if form == "Login":  # nobody signs in under a misspelt name
        email: str | None = dirt.email_text(dice, person.emails[0])
    else:
        email = dirt.maybe_junk_email(dice, _address(dice, person), typed=True, junk=0.02)
    phone = (
        dice.pick(person.phones)
        if form in {"register", "Register", "Checkout", "contact"} and dice.yes(0.6)
        else None
    )
    row = [
        email, dirt.maybe_junk_phone(dice, phone, junk=0.01), browser.global_id, browser.client_id,
        form, page, filled,
    ]  # fmt: skip
    sink.add("formfills", row, person.person_id)


def _address(dice: Dice, person: Person) -> str:
    """Return the address the person gives: mostly the first one."""
    return person.emails[0] if dice.yes(0.8) else dice.pick(person.emails)


def crawl(dice: Dice, robot_id: str, rhythm: Rhythm, sink: Sink) -> None:
    """Write one robot's visit: many product pages, a second apart, no cookie kept."""
    agent = dice.pick(words.BOT_AGENTS)
    moment = rhythm.until - 1 - dice.below(180) * DAY - dice.below(DAY)
    for _ in range(10 + dice.below(20)):
        product = dice.pick(PRODUCTS)
        path = f"/p/{product.sku}-{product.slug}"
        moment += 1
        if moment >= rhythm.until:
            return
        row: list[Any] = [
            f"https://{HOST}{path}", path, f"{product.name} | Sample Shop", None, HOST, None, "utf-8", None,
            None, agent, None,
            "0x0", "0x0", None, "4.1.0", None, dice.uuid(), "198.51.100.7", None, None, None, moment,
        ]  # fmt: skip
        sink.add("pageviews", row, robot_id)

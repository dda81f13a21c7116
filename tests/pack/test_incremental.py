"""Incremental loading of event tables: five days of late and repeated events end as one full load does."""

import json
import random
from pathlib import Path

import pytest
import yaml

from common.python.errors import TaskError
from common.python.rollback import roll_back
from prep.python.incremental import SINCE
from tests.support import ROOT, SESSION_UNIXTIME, render

DAY = 86_400
FIRST = SESSION_UNIXTIME - 5 * DAY
TABLES = {
    "email_activity": {"key": "event_id", "keep": "latest", "late_days": 2},
    "app_analytics": {"key": ["uuid"], "keep": "first", "late_days": 2},
    "sms_activity": {"late_days": 2},
    "pageviews": {"late_days": 2},
}
PAIR = {name: TABLES[name] for name in ("email_activity", "pageviews")}
COLUMNS = {
    "email_activity": "event_id varchar, datetime varchar, metric_name varchar, campaign_id varchar, "
    "campaign_name varchar, email varchar, person_phone varchar, external_id varchar, subject varchar, "
    "flow_id varchar",
    "app_analytics": "uuid varchar, event_time varchar, event_id varchar, user_properties varchar",
    "sms_activity": "event_id varchar, timestamp_ms bigint, to_number varchar",
    "pageviews": "td_url varchar, td_client_id varchar",
}


class Shop:
    """Raw tables that grow, and a session's load of them by the tasks of wf02_mapping."""

    def __init__(self, treasure, params, py):
        self.treasure, self.params, self.py = treasure, params, py
        self.raw, self.prp, self.src = (f"{params[layer]}_{params['sub']}" for layer in ("raw", "prp", "src"))
        params["tables"] = [{"src_table_name": table} for table in TABLES]
        for database in (self.raw, self.prp, self.src, f"va_config_{params['sub']}"):
            treasure.create_database(database)
        for table, columns in COLUMNS.items():
            treasure.run_query(self.raw, f"create table {table} ({columns}, time bigint)", rows=False)

    def only(self, *names):
        """Have no more than these tables, which is quicker."""
        self.params["tables"] = [{"src_table_name": name} for name in names]

    def names(self):
        return [table["src_table_name"] for table in self.params["tables"]]

    def receive(self, events):
        """Put events into the raw tables."""
        for table, rows in events.items():
            if rows and table in self.names():
                names = ", ".join(rows[0])
                values = ", ".join("(" + ", ".join(map(sql_literal, row.values())) + ")" for row in rows)
                self.treasure.run_query(
                    self.raw, f"insert into {table} ({names}) values {values}", rows=False
                )

    def load(self, session, until="end", **own):
        """Do what wf02_mapping does, until the task *until*; return table → since."""
        self.params["session_unixtime"] = session
        own.setdefault("incremental_tables", {name: TABLES[name] for name in self.names()})
        for name, task in (("plan", self.plan), ("prp", self.prepare), ("settle", self.settle),
                           ("merge", self.merge), ("note", self.note), ("publish", self.publish),
                           ("map", self.map), ("end", self.publish_src)):  # fmt: skip
            task(own)
            if name == until:
                break
        since = {table["prp_table_name"]: table["since"] for table in self.params["prp_tables"]}
        return {**since, **{name: load["since"] for name, load in self.params["incremental"].items()}}

    def plan(self, own):
        self.py("prep.python.plan.main", **own)

    def prepare(self, own):
        for table in self.params["prp_tables"]:
            text = (ROOT / f"prep/queries/{table['src_table_name']}.sql").read_text(encoding="utf-8")
            sql = render(text, {**self.params, "since": table["since"]})
            name = table["build_as"]
            self.treasure.run_query(
                self.prp, f"drop table if exists {name};create table {name} as {sql}", rows=False
            )
        if self.params["declared_prep"]:
            self.py("prep.python.prepare.main")

    def settle(self, own):
        self.py("prep.python.keep_rows.settle")

    def merge(self, own):
        self.py("prep.python.keep_rows.merge")

    def publish(self, own):
        self.py("common.python.publish.main", database=self.prp, keep_one_more=self.params["spare_tables"])

    def note(self, own):
        self.py("prep.python.incremental.note")

    def map(self, own):
        self.py("prep.python.map_tables.main")

    def publish_src(self, own):
        self.py("common.python.publish.main", database=self.src, keep_one_more=self.params["spare_tables"])

    def rows(self, layers="prp src"):
        """Return layer and table → its rows, in order, without the session they were built for."""
        found = {}
        for layer in layers.split():
            for table in self.names():
                answer = self.treasure.run_query(getattr(self, layer), f"select * from {table}")
                rows = [{k: v for k, v in row.items() if k != "built_for"} for row in answer.dicts()]
                found[f"{layer}.{table}"] = sorted(map(str, map(sorted_items, rows)))
        return found

    def tables(self):
        """Return the names of all tables of both layers."""
        return sorted([*self.treasure.tables(self.prp), *self.treasure.tables(self.src)])


def sorted_items(row):
    return sorted(row.items())


def sql_literal(value):
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def made(day, count, dice):
    """Return the events of one day, a tenth of them delivered twice with another content."""
    start = FIRST + day * DAY
    times = [start + dice.randrange(DAY) for _ in range(count)]
    events = {table: [] for table in TABLES}
    for number, time in enumerate(times):
        key = f"{day}-{number}"
        for again in range(2 if dice.random() < 0.1 else 1):
            then = time + again * dice.randrange(DAY)
            events["email_activity"].append({"event_id": key, "email": f"{again}@b.co", "time": then})
            events["app_analytics"].append(
                {"uuid": key, "user_properties": json.dumps({"email": f"{again}@b.co"}), "time": then}
            )
        events["sms_activity"].append({"event_id": key, "timestamp_ms": time * 1000, "time": time})
        events["pageviews"].append({"td_url": f"https://a.co/{number}", "td_client_id": key, "time": time})
    return events


def arrivals(days, dice):
    """Return day → the events that arrive on it: most at once, some a day late, out of order."""
    found = [{table: [] for table in TABLES} for _ in range(days + 1)]
    for day in range(days):
        for table, rows in made(day, 40, dice).items():
            for row in rows:
                late = dice.random() < 0.15 or row["time"] >= FIRST + (day + 1) * DAY
                found[day + late][table].append(row)
    for events in found:
        for rows in events.values():
            dice.shuffle(rows)
    return found


@pytest.fixture
def shop(treasure, params, py, monkeypatch, tmp_path):
    """A project with the pack's four queries of event tables."""
    (tmp_path / "config").mkdir()
    for name in ("retail_schema", "schema_map"):
        whole = yaml.safe_load((ROOT / f"config/{name}.yml").read_text(encoding="utf-8"))
        (tmp_path / f"config/{name}.yml").write_text(yaml.safe_dump({t: whole[t] for t in TABLES}))
    (tmp_path / "prep/queries").mkdir(parents=True)
    for table in TABLES:
        text = (ROOT / f"prep/queries/{table}.sql").read_text(encoding="utf-8")
        (tmp_path / f"prep/queries/{table}.sql").write_text(text)
    shop = Shop(treasure, params, py)
    monkeypatch.chdir(tmp_path)
    return shop


def test_five_days_out_of_order_end_as_one_full_load(shop):
    days = arrivals(5, random.Random(3))
    since = []
    for day, events in enumerate(days):
        shop.receive(events)
        since.append(shop.load(FIRST + (day + 1) * DAY))
    assert set(since[0].values()) == {0}
    assert all(min(found.values()) > 0 for found in since[2:]), since
    daily = shop.rows()
    shop.load(FIRST + 6 * DAY)  # the session again: nothing changes twice
    assert shop.rows() == daily
    assert set(shop.load(FIRST + 7 * DAY, full_load="true").values()) == {0}
    assert shop.rows() == daily
    assert len(daily["prp.email_activity"]) == len(daily["src.app_analytics"]) == 200


def test_a_row_later_than_the_window_loads_its_table_whole_once(shop, capsys):
    shop.only("pageviews", "sms_activity")
    shop.receive(made(0, 5, random.Random(1)))
    shop.load(FIRST + DAY)
    shop.receive(made(4, 5, random.Random(2)))
    shop.load(FIRST + 5 * DAY)
    shop.receive({"pageviews": [{"td_url": "https://a.co/late", "td_client_id": "x", "time": FIRST + 9}]})
    capsys.readouterr()
    since = shop.load(SESSION_UNIXTIME)
    assert since["pageviews"] == 0 and since["sms_activity"] > 0
    assert "pageviews: loaded whole, +1 raw rows older than the window" in capsys.readouterr().out
    assert len(shop.rows()["src.pageviews"]) == 11
    assert min(shop.load(SESSION_UNIXTIME + DAY).values()) > 0


class Diary:
    """A shop of two tables, what it has received so far, and what its layers must hold then."""

    def __init__(self, shop):
        self.shop, self.dice, self.day, self.got = shop, random.Random(4), 0, {name: [] for name in PAIR}

    def receive(self):
        """Take one day's events."""
        events = made(self.day, 4, self.dice)
        events = {name: events[name] for name in PAIR}
        for name, rows in events.items():
            self.got[name] += rows
        self.shop.receive(events)
        self.day += 1

    def load(self, until="end"):
        return self.shop.load(FIRST + self.day * DAY, until, incremental_tables=PAIR)

    def is_right(self):
        """Compare all rows with what was received."""
        mails = {}
        for row in sorted(self.got["email_activity"], key=lambda row: row["time"]):
            mails[row["event_id"]] = [row["email"], row["time"]]
        views = [[row["td_client_id"], row["td_url"], row["time"]] for row in self.got["pageviews"]]
        for layer in (self.shop.prp, self.shop.src):
            query = self.shop.treasure.run_query
            assert sorted(query(layer, "select email, time from email_activity").rows) == sorted(
                mails.values()
            )
            found = query(layer, "select td_client_id, td_url, time from pageviews").rows
            assert sorted(found) == sorted(views)
        assert not [name for name in self.shop.tables() if "__next" in name]


@pytest.fixture
def diary(shop):
    """Two tables whose loads have come to take the oldest state instead of copying."""
    shop.only(*PAIR)
    diary = Diary(shop)
    for _ in range(4):
        diary.receive()
        diary.load()
    return diary


def test_from_the_fifth_load_on_no_old_row_is_copied(diary, capsys):
    diary.receive()
    capsys.readouterr()
    diary.load()
    told = capsys.readouterr().out
    for database in (diary.shop.prp, diary.shop.src):
        for table in PAIR:
            line = told.split(f"{database}.{table}: ")[1].split("\n")[0]
            assert f"fresh rows put into {table}__prev3" in line
    diary.is_right()
    states = {name for name in diary.shop.tables() if name.startswith("pageviews")}
    assert states == {"pageviews", "pageviews__prev", "pageviews__prev2", "pageviews__prev3"}
    path = Path("config/schema_map.yml")  # another map: its table is mapped whole, the other is not
    path.write_text(path.read_text().replace("prp: td_title", "expr: upper(td_url)"))
    diary.receive()
    diary.load()
    told = capsys.readouterr().out
    assert f"{diary.shop.src}.email_activity: " in told
    assert f"{diary.shop.prp}.pageviews: " in told and f"{diary.shop.src}.pageviews: " not in told
    titles = diary.shop.treasure.run_query(
        diary.shop.src, "select distinct upper(td_url) = td_title from pageviews"
    )
    assert titles.rows == [[True]]
    diary.is_right()


def test_through_kills_and_a_rollback_the_rows_stay_those_of_a_full_load(diary):
    for until in ("prp", "settle", "merge", "note", "publish", "map"):
        diary.receive()
        diary.load(until)
        if until in ("settle", "publish"):
            diary.receive()  # the machine comes back a day later
        assert min(diary.load().values()) > 0, until
        diary.is_right()
    shop = diary.shop
    back = FIRST + diary.day * DAY
    diary.receive()
    diary.load()
    moved = roll_back(shop.params, run=str(back), workflow="wf02_mapping")
    assert {database: len(tables) for database, tables in moved.items()} == {
        shop.prp: len(PAIR),
        shop.src: len(PAIR),
    }
    diary.receive()
    assert min(diary.load().values()) > 0
    diary.is_right()
    killed_while_rows_are_put_together(diary)
    diary.is_right()


def killed_while_rows_are_put_together(diary):
    """Load a day by a task that dies between its statements and is tried again: it copies then."""
    shop = diary.shop
    diary.receive()
    diary.load("settle")
    spares = [f"{table}__prev3" for table in PAIR]
    assert {load["base"] for load in shop.params["incremental"].values()} == set(spares)
    for table, spare in zip(PAIR, spares, strict=True):
        base = f"{table}__next_base"
        shop.treasure.rename_table(shop.prp, spare, base)
        shop.treasure.run_query(shop.prp, f"delete from {base} where time > {FIRST + 4 * DAY}", rows=False)
    for task in (shop.merge, shop.merge, shop.note, shop.publish, shop.map, shop.publish_src):
        task({})


def test_a_declared_prep_is_loaded_by_its_newest_rows_in_its_own_order(shop):
    """Of repeats the one with the greatest subject stays, whenever it came."""
    shop.only("email_activity")
    path = Path("config/schema_map.yml")
    entries = yaml.safe_load(path.read_text())
    latest = {"key": ["event_id"], "by": ["subject desc"]}
    entries["email_activity"]["prep"] = {"from": "email_activity", "latest": latest}
    path.write_text(yaml.safe_dump(entries))
    tables = {"email_activity": {"late_days": 1}}
    dice = random.Random(8)
    for day in range(6):
        start = FIRST + day * DAY
        rows = [
            {"event_id": str(dice.randrange(12)), "subject": str(dice.randrange(100)), "email": f"{n}@b.co",
             "time": start - dice.randrange(DAY)}
            for n in range(10)
        ]  # fmt: skip
        shop.receive({"email_activity": rows})
        since = shop.load(start, incremental_tables=tables)
    daily = shop.rows("prp src")
    assert since["email_activity"] > 0 and len(daily["prp.email_activity"]) == 12
    shop.load(FIRST + 6 * DAY, incremental_tables=tables, full_load="true")
    assert shop.rows() == daily
    with pytest.raises(TaskError, match="has `latest:`, which says key and keep"):
        shop.load(FIRST + 6 * DAY, incremental_tables={"email_activity": {"key": "event_id"}})


def test_another_query_loads_its_table_whole(shop):
    shop.only("pageviews", "sms_activity")
    shop.receive(made(0, 5, random.Random(1)))
    shop.load(FIRST + DAY)
    path = Path("prep/queries/pageviews.sql")
    path.write_text(path.read_text().replace("pageviews.*,", "pageviews.*, 'eu' as shop,"))
    since = shop.load(FIRST + 2 * DAY)
    assert since["pageviews"] == 0 and since["sms_activity"] > 0


def test_a_new_raw_column_is_null_in_the_rows_that_stay(shop, treasure):
    shop.only("pageviews")
    shop.receive(made(0, 5, random.Random(1)))
    shop.load(FIRST + 5 * DAY)
    treasure.run_query(shop.raw, "alter table pageviews add column td_new varchar", rows=False)
    new = {"td_url": "https://a.co/x", "td_client_id": "x", "td_new": "yes", "time": FIRST + 4 * DAY}
    shop.receive({"pageviews": [new]})
    assert shop.load(FIRST + 6 * DAY)["pageviews"] > 0
    found = treasure.run_query(shop.prp, "select td_new, count(*) from pageviews group by 1 order by 2").rows
    assert found == [["yes", 1], [None, 5]]


def test_faults_of_the_settings_are_told_together(shop):
    wrong = {"pageview": {}, "pageviews": {"keys": "a", "keep": "all", "late_days": -1}, "sms_activity": 3}
    path = Path("prep/queries/pageviews.sql")
    path.write_text(path.read_text().replace(SINCE, "0"))
    with pytest.raises(TaskError) as caught:
        shop.load(FIRST, incremental_tables=wrong)
    for words in ("pageview is no table with a query or", "(did you mean pageviews?)", "no `where time >=",
                  "unknown name keys (did you mean key?)", "keep is latest or first", "late_days is a whole",
                  "sms_activity is no map"):  # fmt: skip
        assert words in str(caught.value)

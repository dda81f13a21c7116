"""Incremental loading of event tables: five days of late and repeated events end as one full load does."""

import json
import random
from pathlib import Path

import pytest
import yaml

from common.python.errors import TaskError
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
        self.raw, self.prp = (f"{params[layer]}_{params['sub']}" for layer in ("raw", "prp"))
        params["tables"] = [{"src_table_name": table} for table in TABLES]
        for database in (self.raw, self.prp, f"va_config_{params['sub']}"):
            treasure.create_database(database)
        for table, columns in COLUMNS.items():
            treasure.run_query(self.raw, f"create table {table} ({columns}, time bigint)", rows=False)

    def receive(self, events):
        """Put events into the raw tables."""
        for table, rows in events.items():
            if rows:
                names = ", ".join(rows[0])
                values = ", ".join("(" + ", ".join(map(sql_literal, row.values())) + ")" for row in rows)
                self.treasure.run_query(
                    self.raw, f"insert into {table} ({names}) values {values}", rows=False
                )

    def load(self, session, **own):
        """Do what wf02_mapping does until the PRP tables are published; return table → since."""
        self.params["session_unixtime"] = session
        own.setdefault("incremental_tables", TABLES)
        self.py("prep.python.plan.main", **own)
        for table in self.params["prp_tables"]:
            text = (ROOT / f"prep/queries/{table['src_table_name']}.sql").read_text(encoding="utf-8")
            sql = render(text, {**self.params, "since": table["since"]})
            name = table["build_as"]
            self.treasure.run_query(
                self.prp, f"drop table if exists {name};create table {name} as {sql}", rows=False
            )
        self.py("prep.python.incremental.merge")
        self.py("common.python.publish.main", database=self.prp)
        self.py("prep.python.incremental.note")
        return {table["prp_table_name"]: table["since"] for table in self.params["prp_tables"]}

    def rows(self):
        """Return table → its rows, in order, without the session they were built for."""
        found = {}
        for table in TABLES:
            answer = self.treasure.run_query(self.prp, f"select * from {table}")
            rows = [{k: v for k, v in row.items() if k != "built_for"} for row in answer.dicts()]
            found[table] = sorted(map(str, map(sorted_items, rows)))
        return found


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
    assert len(daily["email_activity"]) == len(daily["app_analytics"]) == 200


def test_a_row_later_than_the_window_loads_its_table_whole_once(shop, capsys):
    shop.receive(made(0, 5, random.Random(1)))
    shop.load(FIRST + DAY)
    shop.receive(made(4, 5, random.Random(2)))
    shop.load(FIRST + 5 * DAY)
    shop.receive({"pageviews": [{"td_url": "https://a.co/late", "td_client_id": "x", "time": FIRST + 9}]})
    capsys.readouterr()
    since = shop.load(SESSION_UNIXTIME)
    assert since["pageviews"] == 0 and since["sms_activity"] > 0
    assert "pageviews: loaded whole, +1 raw rows older than the window" in capsys.readouterr().out
    assert len(shop.rows()["pageviews"]) == 11
    assert min(shop.load(SESSION_UNIXTIME + DAY).values()) > 0


def test_another_query_loads_its_table_whole(shop):
    shop.receive(made(0, 5, random.Random(1)))
    shop.load(FIRST + DAY)
    path = Path("prep/queries/pageviews.sql")
    path.write_text(path.read_text().replace("pageviews.*,", "pageviews.*, 'eu' as shop,"))
    since = shop.load(FIRST + 2 * DAY)
    assert since["pageviews"] == 0 and since["sms_activity"] > 0


def test_a_new_raw_column_is_null_in_the_rows_that_stay(shop, treasure):
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
    for words in ("pageview is no table with a query", "(did you mean pageviews?)", "no `where time >=",
                  "unknown name keys (did you mean key?)", "keep is latest or first", "late_days is a whole",
                  "sms_activity is no map"):  # fmt: skip
        assert words in str(caught.value)

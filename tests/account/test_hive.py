"""Hive queries as Digdag sends them."""

from __future__ import annotations

import pytest

from tdlocal.account.account import Account
from tdlocal.account.hive import to_trino
from tdlocal.engine.types import EngineError


def run(account: Account, sql: str) -> list[list[object]]:
    job = account.jobs.issue("hive", "shop", sql)
    account.jobs.wait(job.id, 20)
    job = account.jobs.show(job.id)
    assert job.status == "success", job.stderr
    return list(account.jobs.rows(job))


def test_insert_into_and_overwrite(account: Account) -> None:
    run(account, "CREATE TABLE t (a bigint, b string)")
    run(account, "INSERT INTO TABLE `t` SELECT 1, 'x', 0")
    run(account, "INSERT INTO TABLE `t` SELECT 2, 'y', 0")
    assert run(account, "select a, b from `t` order by a") == [[1, "x"], [2, "y"]]
    run(account, "INSERT OVERWRITE TABLE `t` SELECT 3, 'z', 0")
    assert run(account, "select a, b from t") == [[3, "z"]]


def test_what_is_no_hive_is_refused() -> None:
    with pytest.raises(EngineError, match="Hive"):
        to_trino("select from where ((")

"""A create whose answer is lost is looked for before it is sent again."""

import pytest

from common.python import client, once
from common.python.client import ApiError


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(client.time, "sleep", lambda seconds: None)


class Account:
    """Makes things; `lost` answers get lost after the thing is made, `dropped` requests before."""

    def __init__(self, lost=0, dropped=0):
        self.lost, self.dropped, self.made = lost, dropped, []

    def make(self):
        if self.dropped:
            self.dropped -= 1
            raise fault(503)
        self.made.append("thing")
        if self.lost:
            self.lost -= 1
            raise fault(0)
        return "thing"

    def find(self):
        return self.made[0] if self.made else None


def fault(status, answer=None):
    return ApiError("x", where="y", mend="z", status=status, answer=answer)


@pytest.mark.parametrize("lost, dropped", [(0, 0), (1, 0), (0, 3), (1, 3)])
def test_whatever_is_lost_the_thing_is_made_once(lost, dropped):
    account = Account(lost, dropped)
    assert once.once(account.make, account.find) == "thing"
    assert account.made == ["thing"]


def test_a_refusal_is_told_at_once():
    calls = []

    def make():
        calls.append(1)
        raise fault(422)

    with pytest.raises(ApiError):
        once.once(make, lambda: None)
    assert len(calls) == 1


def test_a_name_that_is_taken_is_the_thing_itself():
    def make():
        raise fault(400, {"errors": {"name": ["has already been taken"]}})

    assert once.once(make, lambda: "there") == "there"


def test_a_fault_that_stays_is_told_in_the_end():
    account = Account(dropped=99)
    with pytest.raises(ApiError):
        once.once(account.make, account.find)

"""What an account answers when it will not do a thing. No HTTP here; tdlocal.api.wire maps them."""

from __future__ import annotations


class AccountError(Exception):
    """The root of the three below. `str(error)` is the sentence a client shows.

    Args:
        message: what is wrong, naming the thing.
        body: a whole answer body instead of the usual error object, for APIs with a shape of their own.
    """

    def __init__(self, message: str, body: object = None) -> None:
        super().__init__(message)
        self.message, self.body = message, body


class NotThere(AccountError):
    """The named thing does not exist (HTTP 404)."""


class AlreadyThere(AccountError):
    """The named thing exists already (HTTP 409).

    Args:
        message: what is wrong, naming the thing.
        conflicts_with: id of the thing in the way, which Digdag reads from `details.conflicts_with`.
        body: a whole answer body instead of the usual error object.
    """

    def __init__(self, message: str, *, conflicts_with: str | None = None, body: object = None) -> None:
        super().__init__(message, body)
        self.conflicts_with = conflicts_with


class Refused(AccountError):
    """The request makes no sense or breaks a rule (HTTP 422)."""

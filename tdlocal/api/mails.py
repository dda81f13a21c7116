"""/local/mails: the outbox, for tests and people. Treasure Data has no such call."""

from __future__ import annotations

from typing import Any

from tdlocal.account.account import Account
from tdlocal.account.mails import Mail
from tdlocal.api.wire import Fault, Reply, Request, route

OWN = "tdlocal's own; tests read the outbox by it"


@route("GET", "/local/mails", source=OWN)
def list_mails(account: Account, request: Request) -> Any:
    return {"mails": [mail_json(mail) for mail in account.mails.all()]}


@route("GET", "/local/mails/{number}", source=OWN)
def show_mail(account: Account, request: Request, number: str) -> Any:
    for mail in account.mails.all():
        if str(mail.number) == number:
            return Reply(body=mail.path.read_bytes(), content_type="message/rfc822")
    raise Fault(404, f"there is no mail {number[:20]}")


def mail_json(mail: Mail) -> dict[str, Any]:
    """A mail as the list gives it."""
    return {
        "number": mail.number,
        "from": mail.sender,
        "to": mail.recipients,
        "subject": mail.subject,
        "date": mail.date,
        "file": mail.path.name,
    }

"""mail>: a real message over SMTP; without a host of its own it goes to the account's outbox."""

from __future__ import annotations

import mimetypes
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path
from typing import Any

from tdlocal.operators.base import Job, Result, TaskFailure, as_list, as_text
from tdlocal.workflow.faults import ConfigError

SENDER = "tdlocal@localhost"
SECONDS = 30


def run(job: Job) -> Result:
    """Send one mail to all its recipients."""
    body, file = _body(job)
    message = EmailMessage()
    sender = _setting(job, "from")
    message["From"] = message["Sender"] = _address(sender or SENDER)
    to, cc, bcc = (_recipients(job, key) for key in ("to", "cc", "bcc"))
    if not to + cc + bcc:
        raise TaskFailure("No recipient addresses", retriable=False, mend="give the mail a `to:`")
    for key, people in (("To", to), ("Cc", cc)):
        if people:
            message[key] = ", ".join(people)
    message["Message-ID"] = make_msgid(domain="tdlocal")
    subject = as_text(job.get("subject", None, "mail"))
    if not subject:
        raise ConfigError("Parameter 'subject' is required but not set")
    message["Subject"] = " ".join(subject.split("\n"))
    message.set_content(body, subtype="html" if job.flag("html", family="mail") else "plain")
    files = [file] if file else []
    for attachment in as_list(job.get("attach_files", [], "mail"), "attach_files"):
        files.append(_attach(job, message, attachment))
    _send(job, message, [*to, *cc, *bcc])
    return Result(files=files, effect=False, note=f"to {len(to + cc + bcc)}")


def _body(job: Job) -> tuple[str, Path | None]:
    command = job.command
    if isinstance(command, dict):
        if "data" not in command:
            raise ConfigError("a map behind mail> needs the key data")
        return as_text(command["data"]), None
    if command is None:
        return job.evaluate(as_text(job.need("body", "mail"))), None
    name = as_text(command)
    return job.evaluate(job.read_file(name), name), job.file(name)


def _setting(job: Job, key: str) -> str | None:
    return job.find_secret(f"mail.{key}") or job.text(key, None, "mail")


def _recipients(job: Job, key: str) -> list[str]:
    value = job.get(key, None, "mail")
    if value is None:
        return []
    items = value if isinstance(value, list) else [value]
    return [_address(as_text(item)) for item in items]


def _address(text: str) -> str:
    """One address; a list as text is refused, as Digdag refuses it.

    >>> _address("Ann <a@example.com>")
    'Ann <a@example.com>'
    """
    from email.headerregistry import Address
    from email.utils import parseaddr

    name, address = parseaddr(text.strip())
    local, at, domain = address.rpartition("@")
    if (
        not at
        or "," in text.replace(name, "")
        or any(c in address for c in ' \t"[]()')
        or not local
        or not domain
    ):
        raise TaskFailure(
            f"Illegal address: {text}",
            retriable=False,
            mend="`to:` takes one address or a list of addresses, no text of a list",
        )
    return str(Address(name, addr_spec=address)) if name else address


def _attach(job: Job, message: EmailMessage, attachment: Any) -> Path:
    if not isinstance(attachment, dict) or "path" not in attachment:
        raise ConfigError("attach_files takes a list of {path: file}")
    path = job.file(as_text(attachment["path"]))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TaskFailure(f"cannot attach {attachment['path']}: {error.strerror} (runtime)") from None
    kind = attachment.get("content_type") or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    main, _, sub = as_text(kind).partition("/")
    message.add_attachment(
        data,
        maintype=main,
        subtype=sub or "octet-stream",
        filename=as_text(attachment.get("filename") or path.name),
    )
    return path


def _send(job: Job, message: EmailMessage, people: list[str]) -> None:
    host = _setting(job, "host")
    if host:
        port = job.get("port", None, "mail") or job.find_secret("mail.port")
        if port is None:
            raise ConfigError("Parameter 'port' is required but not set")
        number = int(as_text(port))
    else:
        host, number = job.services.account().smtp
    try:
        if job.flag("ssl", family="mail"):
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, number, timeout=SECONDS)
        else:
            server = smtplib.SMTP(host, number, timeout=SECONDS)
        with server:
            server.ehlo()
            if job.flag("tls", True, "mail") and server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
                server.ehlo()
            user = _setting(job, "username")
            if user:
                server.login(user, _setting(job, "password") or "")
            server.send_message(message, to_addrs=people)
    except (OSError, smtplib.SMTPException) as error:
        raise TaskFailure(f"the mail was not sent: {error} (runtime)", "") from None

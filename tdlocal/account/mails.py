"""The mail outbox: a real SMTP server on loopback that keeps what it gets in `<state>/mails`.

`0001.eml` is the mail as it came; `0001.html` and `0001.txt` are its bodies, for a person to open.
"""

from __future__ import annotations

import email
import email.policy
import re
import threading
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

SIZE_LIMIT = 33_554_432


@dataclass(frozen=True)
class Mail:
    """One mail of the outbox."""

    number: int
    path: Path
    sender: str
    recipients: list[str]
    subject: str
    date: str


class Mails:
    """The outbox of an account.

    Args:
        state: the account's folder.
    """

    def __init__(self, state: Path) -> None:
        self.folder = state / "mails"
        self._lock = threading.Lock()

    def keep(self, content: bytes, sender: str, recipients: list[str]) -> Path:
        """Write a mail down and return its file; the envelope goes into two headers in front."""
        with self._lock:
            self.folder.mkdir(parents=True, exist_ok=True)
            number = 1 + max((mail_number(path) for path in self.folder.glob("*.eml")), default=0)
            path = self.folder / f"{number:04d}.eml"
            envelope = (
                f"X-Envelope-From: {one_line(sender)}\r\nX-Envelope-To: {one_line(', '.join(recipients))}\r\n"
            )
            temporary = path.with_suffix(".part")
            temporary.write_bytes(envelope.encode("utf-8", "replace") + content)
            temporary.replace(path)
        self._write_bodies(path)
        return path

    def all(self) -> list[Mail]:
        """All mails, oldest first."""
        return [read_mail(path) for path in sorted(self.folder.glob("*.eml"))]

    def _write_bodies(self, path: Path) -> None:
        message = parsed(path)
        for kind, suffix in (("html", ".html"), ("plain", ".txt")):
            part = message.get_body((kind,))
            if part is not None:
                path.with_suffix(suffix).write_text(body_text(part), encoding="utf-8")


class Receiver:
    """What aiosmtpd calls for each mail."""

    def __init__(self, mails: Mails) -> None:
        self._mails = mails

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self._mails.keep(envelope.content, envelope.mail_from or "", list(envelope.rcpt_tos))
        return "250 OK"


def start_smtp(mails: Mails) -> Any:
    """Start the SMTP server on a free loopback port; its `.port` says which, `.stop()` ends it."""
    import socket

    from aiosmtpd.controller import Controller

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(
        Receiver(mails), hostname="127.0.0.1", port=port, data_size_limit=SIZE_LIMIT, enable_SMTPUTF8=True
    )
    controller.start()
    return controller


def mail_number(path: Path) -> int:
    """The number in a mail's file name."""
    return int(path.stem) if path.stem.isdigit() else 0


def read_mail(path: Path) -> Mail:
    """A mail from its file."""
    message = parsed(path)
    recipients = [one.strip() for one in str(message.get("X-Envelope-To", "")).split(",") if one.strip()]
    return Mail(
        mail_number(path),
        path,
        str(message.get("X-Envelope-From", "")),
        recipients,
        str(message.get("Subject", "")),
        str(message.get("Date", "")),
    )


def parsed(path: Path) -> EmailMessage:
    """The mail as an object."""
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def body_text(part: Any) -> str:
    """A part's text; bytes that do not fit its charset are replaced."""
    try:
        return str(part.get_content())
    except (LookupError, UnicodeError):
        payload = part.get_payload(decode=True) or b""
        return bytes(payload).decode("utf-8", "replace")


def one_line(text: str) -> str:
    """A header's value: no line breaks."""
    return re.sub(r"[\r\n]+", " ", text)

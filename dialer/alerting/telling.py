"""Tells people: by e-mail, or with a POST in the shape that a chat takes.

A message carries its id, the same whenever it is sent again, and neither a phone number nor a secret.
"""

import json
import smtplib
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from campaigns.alert_rules import AlertRule, Way
from dialer.addresses import is_loopback
from dialer.masking import mask_text
from dialer.webhooks.sending import Meaning, Sender

_SMTP_TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody is told.

    Args:
        id: The same whenever it is sent again.
        title: One line.
        at: When it began or was over.
    """

    id: str
    title: str
    text: str
    at: datetime


def message(id_: str, words: str, *, account: str, at_s: float, is_over: bool) -> Message:
    """Make a message.

    Args:
        words: What is so, or was, without a point.
    """
    plain = " ".join(mask_text(words).split())
    at = datetime.fromtimestamp(at_s, UTC)
    said = f"Over: {plain}" if is_over else plain[:1].upper() + plain[1:]
    text = f"{said}. {'Over' if is_over else 'So'} since {at:%Y-%m-%d %H:%M} UTC."
    where = f"dialer, {account}" if account else "dialer"
    return Message(id_, f"[{where}] {said[:120]}", text, at)


class Telling:
    """Sends messages.

    Args:
        smtp_url: Of the mail server, with user and password; '' = no e-mail is sent.
        sender: Who e-mail comes from.
        posting: Posts to URLs, where those may lead.
    """

    def __init__(self, posting: Sender, *, smtp_url: str = "", sender: str = "") -> None:
        self.posting = posting
        self.has_mail = bool(smtp_url and sender)
        self._smtp_url = smtp_url
        self._sender = sender

    def tell(self, rule: AlertRule, message: Message) -> str:
        """Send a message to whom a rule names; gives why that failed, '' = it did not."""
        if rule.way is Way.EMAIL:
            return self._mail(rule.to, message)
        shape = _slack if rule.way is Way.SLACK else _teams
        body = json.dumps(shape(message)).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": message.id}
        reply = self.posting.post(rule.to, body, headers)
        return "" if reply.meaning is Meaning.TAKEN else mask_text(reply.text)[:200]

    def _mail(self, to: str, message: Message) -> str:
        if not self.has_mail:
            return "DIALER_SMTP_URL and DIALER_SMTP_FROM are not set"
        try:
            server = _connected(self._smtp_url)
            try:
                server.send_message(_mail(message, sender=self._sender, to=to))
            finally:
                with suppress(smtplib.SMTPException, OSError):
                    server.quit()
        except (smtplib.SMTPException, OSError, ValueError) as error:
            return mask_text(f"{type(error).__name__}: {error}")[:200]
        return ""


def _connected(url: str) -> smtplib.SMTP:
    """Connect and sign in; in the clear to this very machine alone."""
    parts = urlsplit(url)
    host, context = parts.hostname or "", ssl.create_default_context()
    server: smtplib.SMTP
    if parts.scheme == "smtps":
        server = smtplib.SMTP_SSL(host, parts.port or 465, timeout=_SMTP_TIMEOUT_S, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 587, timeout=_SMTP_TIMEOUT_S)
    try:
        if parts.scheme == "smtp" and not is_loopback(host):
            server.starttls(context=context)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
    except BaseException:
        server.close()
        raise
    return server


def _mail(message: Message, *, sender: str, to: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = to
    mail["Subject"] = message.title
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2] or 'dialer'}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text + "\n")
    return mail


def _slack(message: Message) -> Mapping[str, Any]:
    marks = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
    return {"text": f"*{message.title.translate(marks)}*\n{message.text.translate(marks)}"}


def _teams(message: Message) -> Mapping[str, Any]:
    blocks = [
        {"type": "TextBlock", "text": message.title, "weight": "Bolder", "wrap": True},
        {"type": "TextBlock", "text": message.text, "wrap": True},
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}

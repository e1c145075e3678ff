"""Names of campaigns, contacts and attempts. Each tells where it belongs, so none needs an index.

campaign   7f3kq2xa
contact    7f3kq2xa-42           the 42nd accepted row
attempt    7f3kq2xa-42-2-k3x9p…  its second attempt; the tail is the execution that made it
"""

import re
import secrets
from dataclasses import dataclass
from typing import Self

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no letter is taken for another
_CONTACT = re.compile(r"(?P<campaign>[0-9a-z]{8})-(?P<n>[1-9][0-9]{0,9})")
# requests that were turned away are attempts too, so their number may get long
_ATTEMPT = re.compile(
    r"(?P<campaign>[0-9a-z]{8})-(?P<n>[1-9][0-9]{0,9})-(?P<no>[1-9][0-9]{0,4})"
    r"-(?P<nonce>[0-9a-z]{10})"
)


def new_campaign_id() -> str:
    """Make an id that no other campaign of the account has, for all practical purposes."""
    return _random(8)


def new_nonce() -> str:
    """Make the mark of one execution, or an id that nothing else has and nobody can guess."""
    return _random(10)


def _random(length: int) -> str:
    # 256 is a multiple of 32, so every letter is as likely as another
    return "".join(_ALPHABET[byte % 32] for byte in secrets.token_bytes(length))


@dataclass(frozen=True, slots=True)
class ContactId:
    """A contact: its campaign and its number in it, counted from 1."""

    campaign: str
    n: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read an id; None when it is none."""
        match = _CONTACT.fullmatch(text)
        return cls(match["campaign"], int(match["n"])) if match else None

    def __str__(self) -> str:
        return f"{self.campaign}-{self.n}"


@dataclass(frozen=True, slots=True)
class AttemptId:
    """An attempt: its contact, its number (1 = first) and the execution that made it."""

    campaign: str
    n: int
    no: int
    nonce: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read an id; None when it is none."""
        match = _ATTEMPT.fullmatch(text)
        if not match:
            return None
        return cls(match["campaign"], int(match["n"]), int(match["no"]), match["nonce"])

    @property
    def contact(self) -> ContactId:
        """Whose attempt it is."""
        return ContactId(self.campaign, self.n)

    def __str__(self) -> str:
        return f"{self.campaign}-{self.n}-{self.no}-{self.nonce}"

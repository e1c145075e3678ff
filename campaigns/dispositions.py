"""What an agent may say came of a conversation, and what follows from it.

name                nothing of its own: the outcome's rule, as without it
name:final          the contact is closed
name:suppress       the customer is never called again, by any campaign
name:retry=1d       called again in so long
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from campaigns.plain_text import did_you_mean, plain_line
from campaigns.retry_policy import seconds_in
from campaigns.sentence import told

MOST_DISPOSITIONS = 30
LONGEST_NOTE = 500
NONE_GIVEN = "open"
"""Stands in reports for the disposition of a conversation of which nobody said anything."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class FollowUp(StrEnum):
    """What follows from a disposition."""

    NOTHING = "nothing"  # the outcome's rule
    FINAL = "final"
    SUPPRESS = "suppress"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Disposition:
    """One word that may be said of a conversation.

    Args:
        retry_s: How long after it was said the contact is called again, where it is.
    """

    name: str
    follow_up: FollowUp = FollowUp.NOTHING
    retry_s: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `sale`, `wrong_number:final`, `do_not_call:suppress` or `call_back:retry=1d`.

        Raises:
            ValueError: One line that says what to write.
        """
        name, _, follows = text.strip().partition(":")
        if not _NAME.fullmatch(name):
            raise ValueError(
                told(
                    "disposition {text!r}: begin with its name, small letters, digits and _, such "
                    "as promise_to_pay",
                    text=text,
                )
            )
        if name == NONE_GIVEN:
            raise ValueError(
                told(
                    "disposition {text!r}: {name} stands for none; choose another word",
                    text=text,
                    name=name,
                )
            )
        if name == DO_NOT_CALL.name:
            if follows not in ("", FollowUp.SUPPRESS):
                raise ValueError(
                    told(
                        "disposition {text!r}: {name} always means {name}:suppress",
                        text=text,
                        name=name,
                    )
                )
            return cls(name, FollowUp.SUPPRESS)
        word, _, delay = follows.partition("=")
        if word == FollowUp.RETRY and delay:
            try:
                return cls(name, FollowUp.RETRY, seconds_in(delay))
            except ValueError as error:
                raise ValueError(
                    told("disposition {text!r}: {error}", text=text, error=str(error))
                ) from None
        if follows in ("", FollowUp.NOTHING, FollowUp.FINAL, FollowUp.SUPPRESS):
            return cls(name, FollowUp(follows or FollowUp.NOTHING))
        raise ValueError(
            told(
                "disposition {text!r}: after the colon write final, suppress, retry=DELAY or "
                "nothing",
                text=text,
            )
        )

    def __str__(self) -> str:
        match self.follow_up:
            case FollowUp.NOTHING:
                return self.name
            case FollowUp.RETRY:
                return f"{self.name}:retry={self.retry_s}s"
            case _:
                return f"{self.name}:{self.follow_up}"

    @property
    def label(self) -> str:
        """As it stands on a button."""
        return self.name.replace("_", " ").capitalize()


DO_NOT_CALL = Disposition("do_not_call", FollowUp.SUPPRESS)
"""Stands in every campaign that has dispositions: whoever asks not to be called must be heard."""


def split_dispositions(given: Any) -> Any:
    """Take several with commas between, wherever they stand; other values are judged elsewhere."""
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, list | tuple):
        return given
    split: list[Any] = []
    for one in given:
        split += (
            [part for part in one.split(",") if part.strip()] if isinstance(one, str) else [one]
        )
    return split


def choices(dispositions: Sequence[Disposition]) -> tuple[Disposition, ...]:
    """Give all that may be chosen in a campaign with these; none where it has none."""
    if not dispositions or any(one.follow_up is FollowUp.SUPPRESS for one in dispositions):
        return tuple(dispositions)
    return (*dispositions, DO_NOT_CALL)


def chosen(dispositions: Sequence[Disposition], name: str) -> Disposition:
    """Find the disposition of this name.

    Raises:
        ValueError: There is none; names those there are.
    """
    found = {one.name: one for one in choices(dispositions)}
    if name in found:
        return found[name]
    if not found:
        raise ValueError(told("this campaign asks for no dispositions"))
    near = did_you_mean(name, found)
    raise ValueError(
        told(
            "{word!r} is no disposition here; use {known}{near}",
            word=name[:40],
            known=", ".join(found),
            near=near,
        )
    )


def plain_note(note: str) -> str | None:
    """Read a note: one line, or none.

    Raises:
        NotPlain: It is too long, or holds control characters.
    """
    return plain_line(" ".join(note.split()), told("the note"), most=LONGEST_NOTE) or None

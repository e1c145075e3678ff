"""Texts that people and programs hand us and that terminals, pages and files show again.

A name with an escape sequence moves a terminal's cursor, one with a direction mark shows other
letters than it holds. The joiners of Indian scripts are invisible too, and are wanted.
"""

import re

# C0 and C1 controls, direction and format marks, line and paragraph separators, tags, halves of pairs
_UNSEEN = (
    r"\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff\U000e0000-\U000e007f"
)
UNSEEN = re.compile(f"[{_UNSEEN}]")
_UNSEEN_BUT_LINES = re.compile(f"(?![\n\t])[{_UNSEEN}]")

LONGEST_REASON = 200
LONGEST_KEY_NAME = 100


class NotPlain(ValueError):
    """A text is too long, or has marks that are not seen; says which."""


def plain_line(text: str, what: str, *, most: int) -> str:
    """Give a text of one line, without the spaces around it.

    Raises:
        NotPlain: It is longer than `most` characters, or holds a line break or a control character.
    """
    text = text.strip()
    if len(text) > most:
        raise NotPlain(f"{what}: at most {most} characters are taken")
    if UNSEEN.search(text):
        raise NotPlain(f"{what}: one line without control characters is needed")
    return text


def harmless(text: str) -> str:
    """Put � for each mark that a terminal would obey instead of showing; lines and tabs stay."""
    return text if text.isascii() and text.isprintable() else _UNSEEN_BUT_LINES.sub("\ufffd", text)

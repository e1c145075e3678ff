"""Texts that people and programs hand us and that terminals, pages and files show again.

A name with an escape sequence moves a terminal's cursor, one with a direction mark shows other
letters than it holds. The joiners of Indian scripts are invisible too, and are wanted.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from campaigns.sentence import told

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
        raise NotPlain(told("{what}: at most {most} characters are taken", what=what, most=most))
    if UNSEEN.search(text):
        raise NotPlain(told("{what}: one line without control characters is needed", what=what))
    return text


def harmless(text: str) -> str:
    """Put � for each mark that a terminal would obey instead of showing; lines and tabs stay."""
    return text if text.isascii() and text.isprintable() else _UNSEEN_BUT_LINES.sub("\ufffd", text)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Ask whether a word that is none of those known was one of them, mistyped; '' where none is like it.

    It ends a sentence that says so.
    """
    by_fold = {one.casefold(): one for one in known}
    near = get_close_matches(word.casefold()[:_LONGEST_TYPED], by_fold, n=1, cutoff=0.55)
    return told("; did you mean {word!r}?", word=by_fold[near[0]]) if near else ""


_LONGEST_TYPED = 200

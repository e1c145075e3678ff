"""Lines of totals, which programs write below a list; they are nobody."""

import re
from collections.abc import Sequence

_TOTAL = re.compile(
    r"(?:grand|sub|net|over\s?all)?[\s-]*(?:total|sum|count|कुल|योग|एकूण|মোট|మొత్తం|மொத்தம்)s?"
    r"(?:\s*(?:(?:no\.?|number)\s+)?(?:of\s+)?(?:rows?|records?|contacts?|customers?|leads?|calls?|entries|count|number|amount))?"
    r"\s*[:=(-]*\s*[0-9.,]*\)?(?:\s*(?:rows?|records?|contacts?))?",
    re.IGNORECASE,
)
# a formula that has no result yet is a figure, and so is one that came to an error
_FIGURE = re.compile(r"=.*|#[A-Z0-9/]+[!?]?|[^\w]*[0-9.,]*[^\w]*(?:rows?|records?)?", re.IGNORECASE)


def is_total_line(cells: Sequence[str]) -> bool:
    """Whether a row says "total", and beside that holds figures alone."""
    filled = [text for text in map(str.strip, cells) if text]
    words = [text for text in filled if not _FIGURE.fullmatch(text)]
    return len(words) == 1 and _TOTAL.fullmatch(words[0]) is not None

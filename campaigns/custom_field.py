"""What travels with each call to the provider and back: the attempt's id and a text of the row's.

7f3kq2xa-42-1-k3x9pq7w2m|gold
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from campaigns.sentence import told

MAX_CHARACTERS = 128
"""Exotel's limit of CustomField."""

_SEPARATOR = "|"
_MOST_NAMED = 20
_PLACE = re.compile(r"\{([^{}]*)\}")
_NOT_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # controls, halves of surrogate pairs


@dataclass(frozen=True, slots=True)
class CustomFieldTemplate:
    """A text with columns in braces, such as `{plan}/{city}`."""

    text: str
    indices: tuple[int, ...]

    @classmethod
    def parse(cls, text: str, columns: Sequence[str]) -> Self:
        """Read a template over a list's columns.

        Raises:
            ValueError: It names a column that the list does not have.
        """
        places = {name.casefold(): index for index, name in enumerate(columns)}
        indices = []
        for name in _PLACE.findall(text):
            if name.strip().casefold() not in places:
                raise ValueError(
                    told(
                        "custom field: the list has no column {name!r}; it has {some}",
                        name=name,
                        some=_some(columns),
                    )
                )
            indices.append(places[name.strip().casefold()])
        return cls(text, tuple(indices))

    def fill(self, cells: Sequence[str]) -> str:
        """Fill the template with a row's cells; a cell that is not there is empty."""
        left = iter(self.indices)

        def cell(_: re.Match[str]) -> str:
            index = next(left)
            return cells[index].strip() if index < len(cells) else ""

        return _PLACE.sub(cell, self.text)


def _some(columns: Sequence[str]) -> str:
    rest = len(columns) - _MOST_NAMED
    more = f" and {rest} more" if rest > 0 else ""
    return ", ".join(columns[:_MOST_NAMED]) + more


def custom_field(attempt_id: str, own: str | None) -> str:
    """Join the attempt's id and the row's text, cut to what the provider takes.

    Line breaks and control characters become spaces.
    """
    if not own:
        return attempt_id
    line = " ".join(_NOT_TEXT.sub(" ", own).split())
    return f"{attempt_id}{_SEPARATOR}{line}"[:MAX_CHARACTERS]


def attempt_id_in(custom_field: str) -> str:
    """Find the attempt's id in what came back."""
    return custom_field.partition(_SEPARATOR)[0]

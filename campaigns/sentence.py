"""Sentences for people: English text that knows what it was made of, so that a page can say it in another language.

A sentence is a `str`. Programs, files, logs and commands take it as the English it is; pages look its
source up among the texts of their reader's language, and put the values in again.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Self

_NOTHING: Mapping[str, object] = MappingProxyType({})


class Sentence(str):
    """An English sentence, and what it was made of.

    Args:
        source: With its places, such as `{name} is away`; by it the other languages' texts are found.
        many: The source where `count` is not one; '' where it counts nothing.
        values: What stands in the places; a sentence among them is put into the reader's language too.
    """

    __slots__ = ("many", "source", "values")
    source: str
    many: str
    values: Mapping[str, object]

    def __new__(
        cls, english: str, source: str, values: Mapping[str, object] = _NOTHING, many: str = ""
    ) -> Self:
        """Make it of its English text and its source."""
        made = super().__new__(cls, english)
        made.source, made.values, made.many = source, values, many
        return made

    def __str__(self) -> str:
        """Stay what it is: an error that was raised with a sentence gives it back."""
        return self

    def __reduce__(self) -> tuple[object, ...]:
        """Go from process to process as a whole."""
        return Sentence, (self[:], self.source, dict(self.values), self.many)

    def reworded(self, english: str) -> "Sentence":
        """Change the English alone, as to begin it with a capital."""
        return Sentence(english, self.source, self.values, self.many)


def packed(value: object) -> object:
    """Give what JSON can hold of a value with sentences in it; `unpacked` makes them again."""
    match value:
        case Sentence():
            made_of = {name: packed(one) for name, one in value.values.items()}
            return {_PACKED: [value[:], value.source, made_of, value.many]}
        case dict():
            return {name: packed(one) for name, one in value.items()}
        case list() | tuple():
            return [packed(one) for one in value]
        case _:
            return value


def unpacked(found: dict[str, object]) -> object:
    """Make a sentence again; `json.loads` calls it with each of its objects."""
    match found:
        case {"a sentence": [str(english), str(source), dict(values), str(many)]}:
            return Sentence(english, source, values, many)
        case _:
            return found


_PACKED = "a sentence"


def capital(text: str) -> str:
    """Begin with a capital letter; a sentence stays one."""
    whole = text[:1].upper() + text[1:]
    return text.reworded(whole) if isinstance(text, Sentence) else whole


def told(source: str, /, **values: object) -> Sentence:
    """Make a sentence; what pages put out is marked so, and found by `python -m tools.make_texts`."""
    return Sentence(source.format(**values) if values else source, source, values)


def counted(one: str, many: str, /, count: int, **values: object) -> Sentence:
    """Make a sentence that counts something: `{count:,}` in both its forms."""
    values["count"] = count
    source = one if count == 1 else many
    return Sentence(source.format(**values), one, values, many)


MONTHS = (
    *(told("Jan"), told("Feb"), told("Mar"), told("Apr"), told("May"), told("Jun")),
    *(told("Jul"), told("Aug"), told("Sep"), told("Oct"), told("Nov"), told("Dec")),
)
WEEKDAYS = (
    *(told("Mon"), told("Tue"), told("Wed"), told("Thu"), told("Fri"), told("Sat"), told("Sun")),
)


def joined(separator: str, parts: Iterable[str]) -> str:
    """Put sentences after one another, as ", ".join would; each stays one that can be translated."""
    values = {f"part_{place}": part for place, part in enumerate(parts)}
    return told(separator.join(f"{{{place}}}" for place in values), **values)

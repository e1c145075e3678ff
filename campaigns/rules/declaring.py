"""How a campaign's rule declares itself, beside its type, bounds and default in `campaigns/rules`.

The command line, the upload form, the API's documents and docs/rules.md are made from it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Panel(StrEnum):
    """What a rule is about."""

    WHEN = "When"
    RETRIES = "Retries"
    AGENTS = "Agents and turns"
    CAPS = "Caps"
    CALL = "The call"


class Hurried(StrEnum):
    """What becomes of a rule in a rehearsal, where calls pass faster and the day does not."""

    STAYS = "stays"
    SHRINKS = "shrinks"  # a pause, as much as calls do
    LEFT_OUT = "left_out"  # it hangs on the time of day, or on midnight


@dataclass(frozen=True, slots=True)
class Rule:
    """What people are told of a rule.

    Args:
        label: Its name on a form.
        help: What it means: no full stop, and nothing of options, since pages show it too.
        shape: How a value looks, in a word; `S` are seconds.
        example: A value as it is typed.
        setting: That holds its default; '' where it has its own.
        words: All values there are, where they are words.
        several: May be given more than once; on a form with spaces between.
    """

    panel: Panel
    label: str
    help: str
    shape: str
    example: str
    setting: str = ""
    words: tuple[str, ...] = ()
    several: bool = False
    hurried: Hurried = Hurried.STAYS


def declared(panel: Panel, field: Any, *told: Any, **more: Any) -> Any:
    """Declare a rule of a panel.

    Args:
        field: Its bounds and default, as pydantic's `Field` has them.
        told: What people are told of it: the other fields of `Rule` in their order.
    """
    field.metadata.append(Rule(panel, *told, **more))
    return field

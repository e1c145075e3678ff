"""An agent as the registry knows them, and the words for where they are."""

from dataclasses import dataclass
from enum import StrEnum

from campaigns.agents.shift import Shift
from campaigns.sentence import told

LONGEST_WORD = 64
"""Of a name, a group, a language or a skill, characters."""
MOST_WORDS = 50
"""Groups, languages or skills of one agent."""


class Presence(StrEnum):
    """Where an agent is; stored, so a word is never renamed."""

    ON = "on"
    BREAK = "break"
    OFF = "off"
    # nobody sets these by hand
    SHIFT = "shift"  # their shift is over, or has not begun
    FULL = "full"  # they had their calls of the day
    MISSED = "missed"  # they missed too many calls in a row, and are left alone for a while


BY_HAND = frozenset({Presence.ON, Presence.BREAK, Presence.OFF})
"""What a person may say of themselves or of an agent."""


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody who is rung first.

    Args:
        number: E.164 with its plus.
        id: What addresses name them by, as a number stands in none; '' = not given yet.
        groups: Names, as are the next two; compared without case.
        shift: None: always.
        most_calls_a_day: 0 = no cap.
    """

    number: str
    id: str = ""
    name: str = ""
    groups: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    shift: Shift | None = None
    most_calls_a_day: int = 0

    def fits(self, languages: tuple[str, ...], skills: tuple[str, ...]) -> bool:
        """Tell whether they speak one of these languages, where any is asked, and have all skills."""
        spoken, able = _folded(self.languages), _folded(self.skills)
        return (not languages or bool(spoken & _folded(languages))) and _folded(skills) <= able


def read_words(cell: str) -> tuple[str, ...]:
    """Read names apart by semicolons, commas or bars; each stands once.

    Raises:
        ValueError: One is too long, or there are too many of them.
    """
    words = {one.casefold(): one for part in _parted(cell) if (one := " ".join(part.split()))}
    if len(words) > MOST_WORDS:
        raise ValueError(told("at most {most} names", most=MOST_WORDS))
    if any(len(one) > LONGEST_WORD or not one.isprintable() for one in words.values()):
        raise ValueError(told("names of at most {most} printable characters", most=LONGEST_WORD))
    return tuple(words.values())


def _parted(cell: str) -> list[str]:
    return cell.replace("|", ";").replace(",", ";").split(";")


def _folded(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(one.casefold() for one in words)

"""What a person says of a list's columns."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """What a person says of the columns.

    Args:
        agent: The column's name, said by hand; None: by its heading, else as suggested. So are
            `customer` and `name`, the customer's.
        why: Who said so, where it was not just now.
        takes_suggestion: What is suggested is right.
    """

    agent: str | None = None
    customer: str | None = None
    name: str | None = None
    why: str = "named by hand"
    takes_suggestion: bool = False


NOTHING_SAID = ColumnChoice()

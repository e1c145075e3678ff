"""What a report is that is not written: an error in a file of its own, so that who tells of it reads no tables."""

from collections.abc import Sequence


class DoesNotAddUp(Exception):
    """A report whose sums do not hold, so it is not written.

    Args:
        differences: One line each: the sums, then the contacts at fault, at most twenty.
        contacts: The ids of these contacts.
    """

    def __init__(self, differences: Sequence[str], *, contacts: Sequence[str] = ()) -> None:
        super().__init__(f"the report does not add up: {'; '.join(differences)}")
        self.differences = tuple(differences)
        self.contacts = tuple(contacts)

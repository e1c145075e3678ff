"""A contact's name in its owner's own systems: whether it serves, and whether two rows are the same.

Kept are digests, so that what an id costs does not hang on its length.
"""

import json
from collections.abc import Sequence
from hashlib import blake2b

from campaigns.contact import Contact
from campaigns.lists.columns import Role

LONGEST_EXTERNAL_ID = 128
DIGEST_BYTES = 10
"""Among a million ids two are the same by chance in one of a trillion campaigns."""

_TOLD_OTHERWISE = frozenset(Role) - {Role.NAME}


def is_external_id(text: str) -> bool:
    """Tell whether a text serves as an id."""
    return 0 < len(text) <= LONGEST_EXTERNAL_ID and text.isprintable()


def digest_of(external_id: str) -> bytes:
    """Give what stands for an id."""
    return blake2b(external_id.encode(), digest_size=DIGEST_BYTES).digest()


class Fingerprints:
    """Tells rows apart that bear the same id, whether they came in a file or by themselves.

    Two rows are the same with the same numbers, options and other cells; how a number is spelt, empty
    cells and the columns' order are no difference.

    Args:
        columns: Of the list.
        roles: What they mean, by their place.
    """

    def __init__(self, columns: Sequence[str], roles: "dict[int, Role]") -> None:
        told = {at for at, role in roles.items() if role in _TOLD_OTHERWISE}
        self._own = [(name, at) for at, name in enumerate(columns) if at not in told]

    def of(self, contact: Contact) -> int:
        """Give 32 bits that stand for a row."""
        cells = sorted(
            (name, cell)
            for name, at in self._own
            if at < len(contact.cells) and (cell := contact.cells[at].strip())
        )
        told = json.dumps([*_without_place(contact), cells])
        return int.from_bytes(blake2b(told.encode(), digest_size=4).digest(), "little")


def _without_place(contact: Contact) -> list[object]:
    instants = [
        instant and instant.timestamp() for instant in (contact.not_before, contact.expires_at)
    ]
    return [
        *(contact.agent, contact.customer, contact.priority, *instants),
        *(contact.timezone, contact.custom_field),
    ]

"""A contact's name in its owner's own systems: whether it serves, and whether two rows are the same.

Kept are digests, so that what an id costs does not hang on its length.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b

from campaigns.contact import Contact
from campaigns.lists.header import Role

LONGEST_EXTERNAL_ID = 128
DIGEST_BYTES = 10
"""Among a million ids two are the same by chance in one of a trillion campaigns."""

_TOLD_OTHERWISE = frozenset(Role) - {Role.NAME}


def is_external_id(text: str) -> bool:
    """Tell whether a text serves as an id."""
    return 0 < len(text) <= LONGEST_EXTERNAL_ID and text.isprintable()


_ASKED_AGAIN = 4_096  # a row's is asked thrice, for the last time with its block


@lru_cache(maxsize=_ASKED_AGAIN)
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

    def __init__(self, columns: Sequence[str], roles: Mapping[int, Role]) -> None:
        told = {at for at, role in roles.items() if role in _TOLD_OTHERWISE}
        self._own = sorted((name, at) for at, name in enumerate(columns) if at not in told)

    def of(self, contact: Contact) -> int:
        """Give 32 bits that stand for a row."""
        cells = contact.cells
        told = _but_its_place(contact)
        for name, at in self._own:
            if at < len(cells) and (cell := cells[at].strip()):
                told += (name, cell)
        digest = blake2b("\0".join(told).encode(), digest_size=4).digest()
        return int.from_bytes(digest, "little")


def _but_its_place(contact: Contact) -> tuple[str, ...]:
    """Give what is told of a contact beside its own cells; no cell of a list holds a NUL."""
    _, _, agent, customer, _, priority, not_before, expires_at, timezone, custom_field, _ = contact
    if not (priority or not_before or expires_at or timezone or custom_field):
        return agent, customer, "0", "", "", "", ""
    instants = (str(one.timestamp()) if one else "" for one in (not_before, expires_at))
    return agent, customer, str(priority), *instants, timezone or "", custom_field or ""

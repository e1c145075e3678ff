"""A released contact on its way through the gate."""

from dataclasses import dataclass, field

from dialer.ids import AttemptId, ContactId, new_nonce
from dialer.store.contact_rows import Row
from dialer.store.record import ContactRecord


@dataclass(slots=True, eq=False)
class Candidate:
    """A released contact on its way through the gate.

    Args:
        goes_alone: It was there when a worker died, so it is taken up by itself.
        found: The pair and its own line, once it was taken up.
        rules_changed: The campaign we knew is not the one that stands.
    """

    contact: ContactId
    token: str
    nonce: str = field(default_factory=new_nonce)
    goes_alone: bool = False
    found: tuple[ContactRecord, Row] | None = None
    rules_changed: bool = False

    @property
    def taken_up(self) -> tuple[ContactRecord, Row]:
        """The pair and its own line, of one that was taken up."""
        if self.found is None:
            raise AssertionError(f"contact {self.contact} was not taken up yet")
        return self.found

    @property
    def attempt_id(self) -> AttemptId:
        """The id its attempt gets if the gate says yes."""
        pair, _ = self.taken_up
        return AttemptId(self.contact.campaign, self.contact.n, pair.made + 1, self.nonce)

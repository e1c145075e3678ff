"""Which rows fall away for what stands elsewhere: suppressed numbers and customers listed twice."""

from collections.abc import Callable, Collection, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from campaigns.contact import Contact
from campaigns.lists.first_seen import Earlier, FirstIds, FirstSeen
from campaigns.lists.header import Header, Role
from campaigns.lists.judged_rows import Rejected
from campaigns.lists.row_faults import RowFault
from campaigns.lists.row_judge import reject, shown
from campaigns.lists.source import NO_LINE
from campaigns.sentence import told


class Dedupe(StrEnum):
    """Where a customer must not be listed already; the first row always wins."""

    ACTIVE = (
        "active"  # in this list, in the campaign it is appended to, in others that are not over
    )
    FILE = "file"  # as `active`, but for the others
    NONE = "none"  # anywhere: every row counts


Lookup = Callable[[Collection[str]], AbstractSet[str]]
"""Of these numbers in E.164, those that are listed somewhere; asked once a chunk."""


def listed_nowhere(_numbers: Collection[str]) -> AbstractSet[str]:
    """Answer as an empty list would."""
    return frozenset()


@dataclass(frozen=True, slots=True)
class OtherLists:
    """What is known of numbers outside the file. A set's `intersection` is a Lookup.

    Args:
        suppressed: Numbers never to be called, agents' and customers' alike.
        in_campaign: Customers of the campaign the list is appended to.
        active: Customers of other campaigns that are not over.
        external_ids: Of the campaign's contacts; ids, not numbers.
    """

    suppressed: Lookup = listed_nowhere
    in_campaign: Lookup = listed_nowhere
    active: Lookup = listed_nowhere
    external_ids: Lookup = listed_nowhere


NO_OTHER_LISTS = OtherLists()


class Sieve:
    """Takes contacts back that are suppressed or listed already, chunk by chunk."""

    def __init__(self, header: Header, *, dedupe: Dedupe, others: OtherLists) -> None:
        self._agent_column = header.agent.column
        self._customer_column = header.customer.column
        self._dedupe = dedupe
        self._others = others
        self._seen = FirstSeen()
        self._id_column = next(
            (match.column for match in header.optional if match.role is Role.EXTERNAL_ID), None
        )
        self._ids = FirstIds()

    def sift(self, contacts: list[Contact]) -> tuple[list[Contact], list[Rejected], list[Rejected]]:
        """Part a chunk into accepted, suppressed and duplicate, each in file order."""
        contacts, suppressed = self._without_suppressed(contacts)
        contacts, duplicates = self._without_known_ids(contacts)
        if self._dedupe is not Dedupe.NONE:
            contacts, elsewhere = self._without_those_listed_elsewhere(contacts)
            contacts, in_file = self._without_later_ones(contacts)
            duplicates = sorted(duplicates + elsewhere + in_file, key=lambda row: row.row_no)
        if self._id_column:
            self._ids.remember(contacts)
        return contacts, suppressed, duplicates

    def _without_known_ids(self, contacts: list[Contact]) -> tuple[list[Contact], list[Rejected]]:
        """Take those back whose id another contact has; an id stands for one, whatever is dedupe."""
        column = self._id_column
        if column is None:
            return contacts, []
        known = self._others.external_ids({one.external_id for one in contacts if one.external_id})
        lines = self._ids.lines(contacts)
        if not known and all(line is None for line in lines):
            return contacts, []

        def objection(contact: Contact, line: int | None) -> Rejected | None:
            id_ = contact.external_id
            if id_ in known:
                message = told(
                    "{id} is the id of a contact of this campaign already.", id=shown(id_)
                )
            elif line is not None:
                message = told(
                    "{id} stands on line {line} already; the first row is kept.",
                    id=shown(id_),
                    line=line,
                )
            else:
                return None
            code = RowFault.DUPLICATE_EXTERNAL_ID
            return reject(contact, code, column, found=id_, message=message)

        return _part(contacts, map(objection, contacts, lines))

    def _without_suppressed(self, contacts: list[Contact]) -> tuple[list[Contact], list[Rejected]]:
        numbers = [row.agent for row in contacts] + [row.customer for row in contacts]
        suppressed = self._others.suppressed(numbers)

        def objection(contact: Contact) -> Rejected | None:
            for number, column in (
                (contact.agent, self._agent_column),
                (contact.customer, self._customer_column),
            ):
                if number in suppressed:
                    message = told(
                        "{number} is on the suppression list and is never called.", number=number
                    )
                    return reject(
                        contact, RowFault.SUPPRESSED, column, found=number, message=message
                    )
            return None

        return _part(contacts, map(objection, contacts)) if suppressed else (contacts, [])

    def _without_those_listed_elsewhere(
        self, contacts: list[Contact]
    ) -> tuple[list[Contact], list[Rejected]]:
        customers = [contact.customer for contact in contacts]
        in_campaign = self._others.in_campaign(customers)
        is_wide = self._dedupe is Dedupe.ACTIVE
        active = self._others.active(customers) if is_wide else frozenset[str]()

        if not in_campaign and not active:
            return contacts, []

        def objection(contact: Contact) -> Rejected | None:
            if contact.customer in in_campaign:
                message = told("{number} is in this campaign already.", number=contact.customer)
                code = RowFault.DUPLICATE_IN_CAMPAIGN
            elif contact.customer in active:
                message = told("{number} is in another active campaign.", number=contact.customer)
                code = RowFault.DUPLICATE_ACTIVE
            else:
                return None
            return reject(
                contact, code, self._customer_column, found=contact.customer, message=message
            )

        return _part(contacts, map(objection, contacts))

    def _without_later_ones(self, contacts: list[Contact]) -> tuple[list[Contact], list[Rejected]]:
        def objection(contact: Contact, first: Earlier | None) -> Rejected | None:
            if first is None:
                return None
            code = RowFault.DUPLICATE_CUSTOMER
            if first.is_same_pair:
                code = RowFault.DUPLICATE_PAIR
            has_line = first.line != NO_LINE
            message = told(
                "{number} stands {where} already{whose}; the first row is kept.",
                number=contact.customer,
                where=told("on line {line}", line=first.line) if has_line else told("before it"),
                whose=told(", with the same agent") if first.is_same_pair else "",
            )
            return reject(
                contact, code, self._customer_column, found=contact.customer, message=message
            )

        earlier = self._seen.add(contacts)
        return (
            _part(contacts, map(objection, contacts, earlier)) if any(earlier) else (contacts, [])
        )


def _part(
    contacts: list[Contact], objections: Iterable[Rejected | None]
) -> tuple[list[Contact], list[Rejected]]:
    kept: list[Contact] = []
    taken_back: list[Rejected] = []
    for contact, objection in zip(contacts, objections, strict=True):
        if objection is None:
            kept.append(contact)
        else:
            taken_back.append(objection)
    return kept, taken_back

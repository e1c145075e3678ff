"""Use case: contacts are added to a campaign one at a time, each once by the id its owner has for it.

    given ─▶ judged as rows ─▶ known by its external id? ─▶ listed already? ─▶ stored, all in one step
                 └▶ the reason      └▶ the contact it is, or a conflict

The step stores nothing where somebody added a contact since the campaign was looked at; then all that
hangs on the others is decided anew. So of two who give the same contact at once one adds it, and the
other is told which it is; and who dies on the way has added it or has not.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

from campaigns.contact import Contact
from campaigns.lists.judged_rows import Rejected
from campaigns.lists.one_at_a_time import GivenContact, GivenJudge
from campaigns.lists.sieve import Dedupe, OtherLists, Sieve
from campaigns.numbers.phone_rules import PhoneRules
from campaigns.sentence import told
from dialer import failpoints
from dialer.agents.teams import ListedTeams
from dialer.deeds import tell
from dialer.errors import NotDone
from dialer.ids import ContactId
from dialer.loading.contact_blocks import named, names_of, row_of, teams_of, zones_of
from dialer.loading.customers import CustomersSoFar
from dialer.loading.elsewhere import suppressed_among
from dialer.loading.refusing import StartRefused, check_end
from dialer.logger import get_logger
from dialer.store import Campaign, Campaigns, Database
from dialer.store.campaign import WrongState
from dialer.store.contacts import GROWN, Contacts, NotTakenNow, OneAtATime, pack_records
from dialer.store.external_ids import Bearer, bearers_of
from dialer.store.zones_and_teams import note_teams, note_zones

log = get_logger(__name__)

CONFLICT = "external_id_conflict"


class NeedsSecondPerson(NotDone):
    """With these contacts a campaign that runs would be larger than one person may start."""


class FileOnItsWay(NotDone):
    """A list is being loaded into the campaign; contacts come after it."""


class Took(StrEnum):
    """What became of a contact that was given."""

    ADDED = "added"
    KNOWN = "known"  # the same row came before, under the same external id
    CONFLICT = "conflict"  # another row came before under this id
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Addition:
    """What became of one contact.

    Args:
        contact: The contact it is, or that bears its external id.
        code: Why it was not taken, in a word; `message` in a sentence; `column`: for what field.
    """

    took: Took
    external_id: str
    contact: ContactId | None = None
    code: str = ""
    column: str = ""
    message: str = ""


class Adding:
    """Adds contacts; keeps what it learns of campaigns, so that one of them serves a process.

    Args:
        second_above: Contacts above which a second person has to have started a campaign; 0: never.
        is_indexed: Contacts get into the search index.
    """

    def __init__(
        self,
        db: Database,
        *,
        phone_rules: PhoneRules,
        second_above: int,
        is_indexed: bool = True,
    ) -> None:
        self._db = db
        self._is_indexed = is_indexed
        self._phone_rules = phone_rules
        self._second_above = second_above
        self._campaigns = Campaigns(db)
        self._contacts = Contacts(db)
        self._customers = CustomersSoFar(db)

    def judge_of(self, campaign: Campaign) -> GivenJudge:
        """Give who judges what is given for a campaign."""
        rules = replace(self._phone_rules, caller_id=campaign.rules.caller_id)
        zone = campaign.rules.zone
        teams = ListedTeams(self._db, when_busy=campaign.rules.stand_in_when_busy)
        return GivenJudge(campaign.columns, campaign.chosen, rules=rules, zone=zone, teams=teams)

    def add(
        self,
        campaign: Campaign,
        given: Sequence[GivenContact | Rejected],
        *,
        dedupe: Dedupe = Dedupe.ACTIVE,
        may_start: bool,
    ) -> list[Addition]:
        """Add contacts that are not there yet; tells of each, in their order, what became of it.

        A campaign that has been completed goes on, where whoever adds may start calls.

        Args:
            given: What could not be read is turned down already.

        Raises:
            StartRefused: It runs, or will by itself, and whoever adds may not start calls.
            WrongState, FileOnItsWay, NeedsSecondPerson: None is taken, and none is known.
        """
        judge = self.judge_of(campaign)
        judged = [
            one if isinstance(one, Rejected) else judge.judge(one, number=number)
            for number, one in enumerate(given, 1)
        ]
        while True:
            size = self._campaigns.size(campaign.id)
            batch = _Batch(campaign.id, judge, judged)
            batch.recognise(self._bearers(campaign, batch.contacts))
            batch.sift(self._others(campaign, size, dedupe), dedupe)
            if batch.new:
                try:
                    if not self._store(campaign, batch, size, may_start=may_start):
                        continue
                except (NotDone, WrongState, StartRefused) as error:
                    if not batch.has_known:
                        raise
                    batch.turn_down(str(error))
            return self._told(campaign, batch)

    def _bearers(
        self, campaign: Campaign, contacts: Collection[Contact]
    ) -> dict[str, Bearer | None]:
        ids = [one.external_id for one in contacts if one.external_id]
        found = bearers_of(self._db, [(campaign.id, id_) for id_ in ids])
        return dict(zip(ids, found, strict=True))

    def _others(self, campaign: Campaign, size: int, dedupe: Dedupe) -> OtherLists:
        suppressed = partial(suppressed_among, self._db, campaign)
        if dedupe is Dedupe.NONE:
            return OtherLists(suppressed=suppressed)
        return OtherLists(
            suppressed=suppressed,
            in_campaign=partial(self._customers.among, campaign.id, size=size),
            active=partial(self._active, campaign),
        )

    def _active(self, campaign: Campaign, numbers: Collection[str]) -> frozenset[str]:
        sizes = self._campaigns.sizes_of_active()
        sizes.pop(campaign.id, None)
        found = (self._customers.among(id_, numbers, size=size) for id_, size in sizes.items())
        return frozenset().union(*found)

    def _store(self, campaign: Campaign, batch: "_Batch", size: int, *, may_start: bool) -> bool:
        """Store the new ones; False when somebody was faster and all has to be looked at again."""
        check_end(self._db, campaign.rules)
        if campaign.has_a_start_ahead and not may_start:
            raise StartRefused
        contacts = list(batch.new.values())
        note_zones(self._db, campaign.id, zones_of(contacts, campaign.rules))
        note_teams(self._db, campaign.id, teams_of(contacts))
        block = self._contacts.block(
            campaign.id,
            before=size,
            records=pack_records(contacts),
            rows=[row_of(contact) for contact in contacts],
            ends=None,
            named=named(contacts, batch.judge.fingerprints, before=size),
            names=names_of(contacts, campaign) if self._is_indexed else None,
        )
        how = OneAtATime(may_start=may_start, second_above=self._second_above)
        try:
            self._contacts.store(campaign.id, block, how)
        except NotTakenNow as error:
            if error.why == GROWN:
                return False
            raise self._refusal(campaign, error.why) from None
        failpoints.reach("added")
        batch.take(before=size)
        return True

    def _refusal(self, campaign: Campaign, why: str) -> Exception:
        match why:
            case "running":
                return StartRefused()
            case "loading":
                return FileOnItsWay(
                    told(
                        "a list is being loaded into campaign {name}; try again when that is done, "
                        "and if it broke off, load the same file again first",
                        name=campaign.name,
                    )
                )
            case "second_person":
                return NeedsSecondPerson(
                    told(
                        "campaign {name} has {contacts} contacts and takes more only once two people "
                        "have started it with them: pause it, and start it by two",
                        name=campaign.name,
                        contacts=campaign.accepted,
                    )
                )
            case _:
                state = self._campaigns.find(campaign.id).state
                return WrongState(
                    told(
                        "campaign {name} is {state} and takes no more contacts",
                        name=campaign.name,
                        state=told(why),
                    ),
                    state=state,
                )

    def _told(self, campaign: Campaign, batch: "_Batch") -> list[Addition]:
        counts = {took.value: count for took in Took if (count := batch.count(took))}
        tell(on=f"campaign {campaign.name} {campaign.id}", after=counts)
        log.info("contacts_added", campaign_id=campaign.id, **counts)
        return batch.in_order()


class _Batch:
    """Contacts that were given together, and what is known of each by now."""

    def __init__(
        self, campaign: str, judge: GivenJudge, judged: Sequence[Contact | Rejected]
    ) -> None:
        self._campaign = campaign
        self.judge = judge
        self._size = len(judged)
        self._answers: dict[int, Addition] = {}
        self._same: dict[int, int] = {}  # of two alike, the later one and the first
        self.new: dict[int, Contact] = {}
        for place, one in enumerate(judged):
            if isinstance(one, Rejected):
                self._answers[place] = _not_taken(Took.REJECTED, one)
            else:
                self.new[place] = one
        self._contacts = dict(self.new)

    @property
    def contacts(self) -> Collection[Contact]:
        """Those of which nothing is known yet."""
        return self.new.values()

    @property
    def has_known(self) -> bool:
        """Whether some of them came before."""
        return any(self.count(took) for took in (Took.KNOWN, Took.CONFLICT))

    def recognise(self, bearers: "dict[str, Bearer | None]") -> None:
        """Take out those whose external id is known, or stands here a second time."""
        first: dict[str, int] = {}
        for place, contact in list(self.new.items()):
            id_ = contact.external_id
            bearer = bearers.get(id_)
            if bearer:
                self._answers[place] = self._as_known(place, contact, bearer)
                del self.new[place]
            elif id_ and first.setdefault(id_, place) != place:
                self._same[place] = first[id_]
                del self.new[place]

    def sift(self, others: OtherLists, dedupe: Dedupe) -> None:
        """Take out those that are suppressed, or listed already."""
        sieve = Sieve(self.judge.header, dedupe=dedupe, others=others)
        _, suppressed, duplicates = sieve.sift(list(self.new.values()))
        for took, rows in ((Took.REJECTED, suppressed), (Took.DUPLICATE, duplicates)):
            for row in rows:
                contact = self.new.pop(row.row_no - 1)
                self._answers[row.row_no - 1] = _not_taken(took, row, contact.external_id)

    def take(self, *, before: int) -> None:
        """Note that the new ones are stored behind so many."""
        for n, (place, contact) in enumerate(self.new.items(), before + 1):
            id_ = ContactId(self._campaign, n)
            self._answers[place] = Addition(Took.ADDED, contact.external_id, id_)

    def turn_down(self, why: str) -> None:
        """Note that the new ones were not taken."""
        for place, contact in self.new.items():
            message = f"Contact {place + 1}: {why}."
            self._answers[place] = Addition(
                Took.REJECTED, contact.external_id, code="not_taken_now", message=message
            )

    def count(self, took: Took) -> int:
        """Tell of how many this became."""
        return sum(one.took is took for one in self._answers.values())

    def in_order(self) -> list[Addition]:
        """Give the answers in the order in which the contacts were given."""
        for place, first in self._same.items():
            self._answers[place] = self._as_the_first(place, first)
        return [self._answers[place] for place in range(self._size)]

    def _as_known(self, place: int, contact: Contact, bearer: Bearer) -> Addition:
        id_ = ContactId(self._campaign, bearer.n)
        if bearer.print_ == self.judge.fingerprints.of(contact):
            return Addition(Took.KNOWN, contact.external_id, id_)
        return _conflict(place, contact, id_)

    def _as_the_first(self, place: int, first: int) -> Addition:
        contact, answer = self._contacts[place], self._answers[first]
        print_of = self.judge.fingerprints.of
        if print_of(contact) != print_of(self._contacts[first]):
            return _conflict(place, contact, answer.contact)
        return replace(answer, took=Took.KNOWN) if answer.took is Took.ADDED else answer


def _conflict(place: int, contact: Contact, id_: ContactId | None) -> Addition:
    whose = f"of contact {id_}" if id_ else "of another one given with it"
    message = (
        f"Contact {place + 1}, external_id: {contact.external_id} is the id {whose}, whose row is "
        "another; nothing was changed."
    )
    return Addition(*(Took.CONFLICT, contact.external_id, id_), CONFLICT, "external_id", message)


def _not_taken(took: Took, row: Rejected, external_id: str = "") -> Addition:
    return Addition(took, external_id, code=row.code, column=row.column or "", message=row.message)

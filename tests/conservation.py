"""The books of an account recomputed from its raw keys: nothing lost, nothing counted wrongly.

Every question is asked of what is stored, never of the code that stored it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from campaigns.agents.team import is_team
from campaigns.attempt import Attempt
from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState
from campaigns.events import EventKind
from dialer.ids import AttemptId
from dialer.store import Campaign, Campaigns, ContactRecord, Database, events
from dialer.store.attempts import decode
from dialer.store.contacts import unpack_records
from dialer.store.packed_attempts import unpacked
from dialer.store.record import APART, NEWCOMER, PER_CHUNK, RECORD_BYTES
from dialer.store.teams import Teams

HELD = (ContactState.RELEASED, ContactState.DIALING, ContactState.UNRESOLVED)
FLAGS_AT, NEXT_AT = 3, 12  # in a packed record
OVER = (CampaignState.COMPLETED, CampaignState.CANCELLED)


@dataclass
class Books:
    """What is stored, read once."""

    db: Database
    contacts: dict[str, dict[int, ContactRecord]] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    busy: dict[str, str] = field(default_factory=dict)
    released: dict[tuple[str, int], str] = field(default_factory=dict)


def check_conservation(db: Database) -> None:
    """Fail where the books do not balance."""
    books = Books(db)
    campaigns = list(Campaigns(db).all())
    for campaign in campaigns:
        books.contacts[campaign.id] = dict(_contacts(db, campaign.id))
        books.attempts.update(_attempts(db, campaign.id))
    books.busy = {_t(k): _t(v) for k, v in db.client.hgetall(db.key("busy")).items()}
    for entry in db.client.zrange(db.key("released"), 0, -1):
        name, n, token = _t(entry).split("/")
        books.released[name, int(n)] = token

    for campaign in campaigns:
        _check_counts(books, campaign)
        _check_told(books, campaign)
        _check_waiting(books, campaign)
        _check_end(books, campaign)
    _check_held(books)
    _check_teams(books)
    _check_open(books)
    _check_sids(books)


def check_turns(db: Database) -> None:
    """Fail where a campaign that could dial right now takes no turns; true right after a tick."""
    turns = {_t(one) for one in db.client.zrange(db.key("turns"), 0, -1)}
    for campaign in Campaigns(db).in_state(CampaignState.RUNNING):
        stored = {
            _t(name): _t(value)
            for name, value in db.client.hgetall(db.key("c", campaign.id)).items()
        }
        open_from, open_until = (float(stored.get(f"open_{end}", 0)) for end in ("from", "until"))
        is_open = open_from <= db.now() < open_until
        is_capped = db.now() < float(stored.get("capped_until", 0))
        most = campaign.rules.max_concurrent_calls
        live = Campaigns(db).counts(campaign.id)
        has_room = not most or live.in_flight + live.unresolved < most
        has_agents = db.client.exists(
            db.key("c", campaign.id, "ready"), db.key("c", campaign.id, "newcomers")
        )
        if is_open and not is_capped and has_room and has_agents:
            assert campaign.id in turns, f"{campaign.name} is ready and takes no turns"


def _check_counts(books: Books, campaign: Campaign) -> None:
    contacts = books.contacts[campaign.id]
    counts = Campaigns(books.db).counts(campaign.id)
    states = Counter(one.state for one in contacts.values())
    for state in ContactState:
        assert getattr(counts, state) == states[state], f"{campaign.name}: {state}"
    assert len(contacts) == campaign.accepted == counts.accepted

    ends = Counter(str(one.outcome) for one in contacts.values() if one.outcome)
    assert {name: n for name, n in counts.outcomes.items() if n} == ends
    finals = [one for one in contacts.values() if one.state is ContactState.FINAL]
    assert all(one.outcome for one in finals)
    assert sum(ends.values()) == len(finals)

    mine = {id_: one for id_, one in books.attempts.items() if id_.startswith(f"{campaign.id}-")}
    assert counts.attempts == len(mine) == sum(one.made for one in contacts.values())
    charged = Counter(_n(id_) for id_, one in mine.items() if one.is_charged)
    assert counts.charged == charged.total()
    key = books.db.key("c", campaign.id, "called_back")
    called_back = {int(n) for n in books.db.client.hkeys(key)}
    for n, contact in contacts.items():
        assert contact.charged == charged[n], f"{campaign.name}/{n} is charged wrongly"
        # a person may want one more than the rule allows
        assert contact.charged <= campaign.rules.max_attempts or n in called_back
    settled = Counter(str(one.outcome) for one in mine.values() if one.outcome)
    assert {name: n for name, n in counts.attempt_outcomes.items() if n} == settled
    said = Counter(
        one.disposition for one in mine.values() if one.disposition and one.outcome == "connected"
    )
    assert {name: n for name, n in counts.dispositions.items() if n} == said
    listed = {_t(one) for one in books.db.client.zrange(books.db.key("undisposed"), 0, -1)}
    open_ = {f"{campaign.id}/{n}" for n, one in contacts.items() if one.state is ContactState.OPEN}
    assert {one for one in listed if one.startswith(f"{campaign.id}/")} == open_


def _check_told(books: Books, campaign: Campaign) -> None:
    """What was told is what happened: each settled attempt once, each end of a contact once."""
    (told,) = events.told(books.db, [campaign.id])
    counts = Campaigns(books.db).counts(campaign.id)
    kinds = Counter(told.kinds)
    if not told.is_whole:  # an earlier version stored it
        return
    assert kinds[EventKind.ATTEMPT_SETTLED] == sum(counts.attempt_outcomes.values())
    ends = kinds[EventKind.CONTACT_FINAL] - kinds[EventKind.CONTACT_REOPENED] + told.closed
    assert ends == counts.final


def _check_waiting(books: Books, campaign: Campaign) -> None:
    """Each waiting contact stands in exactly one place from which somebody will fetch it."""
    if campaign.state is CampaignState.CANCELLING:
        return  # its waiting contacts are being closed; their queues may be gone already
    db = books.db
    later = {_t(one) for one in db.client.zrange(db.key("later"), 0, -1)}
    queues: dict[str, list[str]] = {}
    newcomers = _newcomers(db, campaign.id)
    for n, contact in books.contacts[campaign.id].items():
        if contact.state is not ContactState.WAITING:
            continue
        number = contact.agent[1:]
        if number not in queues:
            queues[number] = _queue(db, campaign.id, number, newcomer=newcomers.get(number))
        entry = f"{campaign.id}/{n}"
        waits_for_customer = bool(
            db.client.sismember(db.key("wanted", contact.customer[1:]), entry)
        )
        in_queue = queues[number].count(str(n))
        is_new = newcomers.get(number) == n
        places = [in_queue, int(is_new), int(entry in later), int(waits_for_customer)]
        assert sum(places) == 1, f"{entry} waits in (queue, newcomers, later, wanted) = {places}"
        if waits_for_customer:
            assert _is_held(books, contact.customer[1:]), f"{entry} waits for a free customer"
        if in_queue and number not in newcomers:
            _check_agent_comes(books, campaign, number)


def _check_agent_comes(books: Books, campaign: Campaign, number: str) -> None:
    db = books.db
    is_ready = db.client.zscore(db.key("c", campaign.id, "ready"), number) is not None
    is_wanted = bool(db.client.sismember(db.key("wanted", number), campaign.id))
    assert is_ready or is_wanted, f"{campaign.name}: nobody calls agent {number} when free"
    if is_ready:
        return
    if is_team(f"+{number}"):
        _check_nobody_free(books, number)
    else:
        is_away = db.client.zscore(db.key("away"), number) is not None
        assert is_away or _is_held(books, number), (
            f"{campaign.name} waits for agent {number}, who is free"
        )


def _check_nobody_free(books: Books, team: str) -> None:
    """Nobody of a team is to be had beyond those who are claimed, and each of them calls it back."""
    db = books.db
    claims = db.client.scard(db.key("claims", team))
    agents = Teams(db).all()[int(team)].agents
    if not agents:
        assert db.client.zcard(db.key("free_of", team)) <= claims
        return
    assert claims or any(
        db.client.sismember(db.key("wanted", one[1:]), f"@{team}") for one in agents
    ), f"nobody calls team {team} back"


def _check_teams(books: Books) -> None:
    """Each member of a group is believed free, or is held or away and puts themselves back."""
    db = books.db
    for number, team in Teams(db).all().items():
        claims = {_t(one) for one in db.client.smembers(db.key("claims", number))}
        assert claims <= set(books.released.values()), f"team {number} is claimed by nobody"
        if team.agents:
            continue
        free = {_t(one) for one in db.client.zrange(db.key("free_of", number), 0, -1)}
        for member in map(_t, db.client.smembers(db.key("members", number))):
            is_wanted = db.client.sismember(db.key("wanted", member), f"@{number}")
            is_away = db.client.zscore(db.key("away"), member) is not None
            assert member in free or (is_wanted and (is_away or _is_held(books, member))), (
                f"{member} is lost to team {number}"
            )


def _check_end(books: Books, campaign: Campaign) -> None:
    left = [
        n for n, one in books.contacts[campaign.id].items() if one.state is not ContactState.FINAL
    ]
    if campaign.state in OVER:
        assert not left, f"{campaign.name} is {campaign.state} and {left} are not final"


def _check_held(books: Books) -> None:
    """Whoever is busy is held by something live, and everything live holds both its numbers."""
    expected: dict[str, str] = {}
    for campaign, contacts in books.contacts.items():
        for n, contact in contacts.items():
            if contact.state not in HELD:
                assert (campaign, n) not in books.released
                continue
            holder = _holder(books, campaign, n, contact)
            for number in _held_by(books, contact, holder):
                assert number not in expected, f"{number} is in two calls at once"
                expected[number] = holder
    assert books.busy == expected


def _holder(books: Books, campaign: str, n: int, contact: ContactRecord) -> str:
    if contact.state is ContactState.RELEASED:
        return books.released[campaign, n]
    (holder,) = (
        id_
        for id_, one in books.attempts.items()
        if id_.startswith(f"{campaign}-{n}-{contact.made}-") and not one.is_settled
    )
    return holder


def _held_by(books: Books, contact: ContactRecord, holder: str) -> tuple[str, ...]:
    """Give the numbers that a contact holds; for a team a release claims somebody, and holds nobody."""
    customer = contact.customer[1:]
    if contact.state is ContactState.RELEASED and is_team(contact.agent):
        claims = books.db.client.smembers(books.db.key("claims", contact.agent[1:]))
        assert holder.encode() in claims
        return (customer,)
    rung = contact if contact.state is ContactState.RELEASED else books.attempts[holder]
    return rung.agent[1:], customer


def _check_open(books: Books) -> None:
    db = books.db
    looked_at = {_t(one) for one in db.client.zrange(db.key("open"), 0, -1)}
    unsettled = {id_ for id_, one in books.attempts.items() if not one.is_settled}
    assert looked_at == unsettled
    late = {_t(one) for one in db.client.zrange(db.key("late"), 0, -1)}
    final = {id_ for id_, one in books.attempts.items() if one.is_final or one.sid is None}
    assert not late & final, "nothing more is expected of these, and yet they are asked about"


def _check_sids(books: Books) -> None:
    sids = Counter(one.sid for one in books.attempts.values() if one.sid)
    assert not [sid for sid, n in sids.items() if n > 1], "one call belongs to two attempts"


def _contacts(db: Database, campaign: str) -> Iterator[tuple[int, ContactRecord]]:
    size = int(db.client.hget(db.key("c", campaign), "size") or 0)
    pinned = {
        int(n): _t(one) for n, one in db.client.hgetall(db.key("c", campaign, "pinned")).items()
    }
    n = 0
    for chunk in range((size + PER_CHUNK - 1) // PER_CHUNK):
        packed = db.client.get(db.key("c", campaign, "contacts", chunk)) or b""
        for record in unpack_records(packed):
            n += 1
            only = pinned.pop(n, None)
            assert only is None or is_team(record.agent), f"{n} is for one agent anyway"
            assert only is None or record.state is not ContactState.FINAL, f"{n} is closed"
            yield n, record._replace(agent=f"+{only}") if only else record
    assert not pinned


def _attempts(db: Database, campaign: str) -> Iterator[tuple[str, Attempt]]:
    for name in db.client.scan_iter(db.key("c", campaign, "attempts", "*")):
        for place, stored in unpacked(db.client.hgetall(name)).items():
            attempt = decode(stored)
            n = int(_t(place).split("-")[0])
            yield str(AttemptId(campaign, n, attempt.no, attempt.nonce)), attempt


def _queue(db: Database, campaign: str, number: str, *, newcomer: int | None) -> list[str]:
    """The agent's contacts that somebody fetches: those behind the head, and those with a rank."""
    ranked = [_t(one) for one in db.client.zrange(db.key("c", campaign, "ranked", number), 0, -1)]
    found = []
    head = int(db.client.hget(db.key("c", campaign, "heads"), number) or 0)
    assert not (head and newcomer), f"{number} begins twice"
    n = newcomer or head
    while n:
        record = _record(db, campaign, n)
        contact = ContactRecord.unpack(record)
        has_left = contact.made or contact.due_s or contact.priority
        if not has_left and n != newcomer:
            found.append(str(n))
        n = int.from_bytes(record[NEXT_AT : NEXT_AT + 4], "little")
        assert n != APART, f"{campaign}: the queue of {number} ends in what does not stand in it"
    return [*found, *ranked]


def _newcomers(db: Database, campaign: str) -> dict[str, int]:
    """Agent → the contact that is to open its queue."""
    found: dict[str, int] = {}
    for n in map(int, db.client.lrange(db.key("c", campaign, "newcomers"), 0, -1)):
        record = _record(db, campaign, n)
        if record[FLAGS_AT] != NEWCOMER:
            continue
        agent = ContactRecord.unpack(record).agent[1:]
        assert agent not in found, f"{agent} is to begin twice"
        found[agent] = n
    return found


def _record(db: Database, campaign: str, n: int) -> bytes:
    chunk, inside = divmod(n - 1, PER_CHUNK)
    packed = db.client.get(db.key("c", campaign, "contacts", chunk))
    return packed[inside * RECORD_BYTES : (inside + 1) * RECORD_BYTES]


def _is_held(books: Books, number: str) -> bool:
    rests = books.db.client.zscore(books.db.key("resting"), number) is not None
    return number in books.busy or rests


def _n(attempt_id: str) -> int:
    return int(attempt_id.split("-")[1])


def _t(value: bytes) -> str:
    return value.decode()

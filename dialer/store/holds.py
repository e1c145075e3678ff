"""Why nothing is dialled: a person said so, or Redis may have lost writes. Both may stand at once."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

from campaigns.plain_text import LONGEST_REASON, plain_line
from campaigns.sentence import counted, joined, told
from dialer.deeds import Did, tell
from dialer.store.database import Database, text
from dialer.store.scripts import gives

HOST_SEEN_S = 120.0
"""A host that was seen so shortly before the last instant Redis knew of is waited for."""

HOLD_FIELDS = ("hand", "hold")
_HELD = {b"hand", b"hold", b"by_hand"}
"""Of the account: why a person, and why the machine, holds dialling; read together by `why_held`."""


def why_held(fields: Sequence[bytes | None]) -> str:
    """Tell why nothing is dialled, by the account's `HOLD_FIELDS`; '' = nothing holds."""
    return joined("; ", (_why_of_machine(text(why)) for why in fields if why))


_WHYS_OF_MACHINE = (told("Redis was restarted"), told("Redis lost state"))
"""As a script writes them, see the prelude."""


def _why_of_machine(why: str) -> str:
    return next((one for one in _WHYS_OF_MACHINE if one == why), why)


class ByHand(NamedTuple):
    """A person stopped everything.

    Args:
        id: This hold's own; the next one has another.
        since: Epoch s.
    """

    id: str
    why: str
    since: float


class ByMachine(NamedTuple):
    """Redis may have lost writes.

    Args:
        id: This hold's own; the next one has another.
        since: Epoch s.
        known_until: The last instant that Redis had heard of a host before; 0 = of none.
        lost: It is known to have lost some.
        hosts: Identities of all hosts it knows.
        waiting_for: Names of hosts that have not told what their journals hold.
        restored: Attempts brought back from journals.
        longest_s: The longest that a call of the journals told could be live.
        unplaced: Rows of the provider's list that may be calls of ours and do not tell whose.
    """

    id: str
    why: str
    since: float
    known_until: float
    lost: bool
    hosts: tuple[str, ...]
    waiting_for: tuple[str, ...]
    restored: int
    longest_s: float
    unplaced: int

    @property
    def not_known(self) -> tuple[str, ...]:
        """What nobody knows while it stands, each as a sentence's part."""
        found: list[str] = []
        if self.waiting_for:
            found.append(
                told("what these hosts sent last: {hosts}", hosts=", ".join(self.waiting_for))
            )
        if self.lost:
            found.append(told("which attempts Redis lost; some of their calls may be live"))
            found.append(self._whose_calls)
        return tuple(found) or (told("whether a host comes up that sent more than Redis knows of"),)

    @property
    def _whose_calls(self) -> str:
        if not self.unplaced:
            return told("what the provider's list says of these calls")
        return counted(
            "whose calls a row of the provider's list tell of, which cannot be read",
            "whose calls {count} rows of the provider's list tell of, which cannot be read",
            self.unplaced,
        )


class Hold(NamedTuple):
    """Why nothing is dialled at present, by whomever."""

    hand: ByHand | None
    machine: ByMachine | None

    @property
    def why(self) -> str:
        """All reasons, a person's first."""
        return "; ".join(one.why for one in (self.hand, self.machine) if one)

    @property
    def since(self) -> float:
        """When the first of them began, epoch s."""
        return min(one.since for one in (self.hand, self.machine) if one)

    @property
    def by_hand(self) -> bool:
        """A person's word is all that holds: nothing is unknown, so its end needs no question."""
        return self.machine is None

    @property
    def lost(self) -> bool:
        """Redis is known to have lost writes."""
        return bool(self.machine and self.machine.lost)

    @property
    def waiting_for(self) -> tuple[str, ...]:
        """Hosts that have not told what their journals hold."""
        return self.machine.waiting_for if self.machine else ()

    @property
    def restored(self) -> int:
        """Attempts brought back from journals."""
        return self.machine.restored if self.machine else 0

    @property
    def not_known(self) -> tuple[str, ...]:
        """What nobody knows while it stands; dialling before is a person's promise."""
        return self.machine.not_known if self.machine else ()


@gives("hold")
class ChangeHold(NamedTuple):
    """What is to be done to a hold.

    Args:
        what: `set`: one by hand, in the place of an earlier one; `release`: as a person, `hand`,
            `machine` or both; `end`: the machine's, worked off; `seal`: the allowance under it;
            `unplaced`: note rows of the provider's list; `take over`: what an earlier version wrote.
        epoch: As the caller remembers it.
        hand: Id of the hold by hand.
        machine: Id of the machine's.
        requests: At most, a window.
        answer_s: Slowest recent one.
        rows: Of the provider's list, that may be calls of ours and do not tell whose.
        hosts: That were known by then.
    """

    what: str
    epoch: int
    why: str = ""
    hand: str | None = None
    machine: str | None = None
    requests: int = 0
    spacing_s: float = 0.0
    answer_s: float = 0.0
    rows: int = 0
    hosts: Sequence[str] = ()


class Holds:
    """Reads, sets and ends holds."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._epoch = 0

    def read(self) -> Hold | None:
        """Tell whether and why nothing is dialled; None when dialling is allowed."""
        (account,) = self._read_whole("account")
        if account.keys() & _HELD:  # seldom, and asked each second: only then what else there is
            account, *of_hosts = self._read_whole("account", "hosts", "host_names", "reported")
        self._epoch = max(self._epoch, int(account.get(b"epoch", 0)))
        if b"by_hand" in account:  # as an earlier version set it
            self._db.run(ChangeHold("take over", self._epoch))
            return self.read()
        if not account.keys() & _HELD:
            return None
        hand = _by_hand(account) if b"hand" in account else None
        machine = _by_machine(account, *of_hosts) if b"hold" in account else None
        return Hold(hand, machine) if hand or machine else None

    def _read_whole(self, *names: str) -> list[Mapping[bytes, bytes]]:
        """Read hashes, all of them as they stood at one moment."""
        with self._db.client.pipeline(transaction=len(names) > 1) as pipe:
            for name in names:
                pipe.hgetall(self._db.key(name))
            return cast("list[Mapping[bytes, bytes]]", pipe.execute())

    def set_by_hand(self, why: str) -> None:
        """Stop all dialling until a person ends it; what the machine holds for goes on beside it.

        Raises:
            NotPlain: The reason is longer than a line, or holds control characters.
        """
        reason = plain_line(why, told("the reason"), most=LONGEST_REASON)
        before = self.read()
        self._db.run(ChangeHold("set", self._epoch, why=reason))
        tell(before={"hold": before.why if before else None}, after={"hold": reason})

    def release(self, *, hand: ByHand | None, machine: ByMachine | None) -> bool:
        """End these, as a person; False when another one stands by now, and nothing was ended."""
        by_hand, by_machine = (one.id if one else None for one in (hand, machine))
        is_ended = bool(
            self._db.run(ChangeHold("release", self._epoch, hand=by_hand, machine=by_machine))
        )
        if is_ended:
            before = {"hold": Hold(hand, machine).why}
            tell(what=Did.HOLD_RELEASED, before=before, after={"hold": None})
        return is_ended

    def end(self, machine: ByMachine) -> bool:
        """End one that was worked off; False when another one stands, or another host came."""
        end = ChangeHold("end", self._epoch, machine=machine.id, hosts=tuple(machine.hosts))
        return bool(self._db.run(end))

    def note_unplaced(self, machine: ByMachine, rows: int) -> None:
        """Note rows of the provider's list for which it stands, so that whoever looks is told."""
        self._db.run(ChangeHold("unplaced", self._epoch, machine=machine.id, rows=rows))

    def seal(self, machine: ByMachine, *, requests: int, spacing_s: float, answer_s: float) -> None:
        """Fill the allowance with as many requests as may have been lost from it, once a hold."""
        self._db.run(
            ChangeHold(
                what="seal",
                epoch=self._epoch,
                machine=machine.id,
                requests=requests,
                spacing_s=spacing_s,
                answer_s=answer_s,
            )
        )


def _by_hand(account: Mapping[bytes, bytes]) -> ByHand:
    return ByHand(
        id=text(account.get(b"hand_id", b"-")),
        why=text(account[b"hand"]),
        since=float(account.get(b"hand_at", 0)),
    )


def _by_machine(
    account: Mapping[bytes, bytes],
    hosts: Mapping[bytes, bytes],
    names: Mapping[bytes, bytes],
    reported: Mapping[bytes, bytes],
) -> ByMachine:
    since = float(account.get(b"held_at", 0))
    known_until = float(account.get(b"known_until", since))
    expected = [one for one, seen in hosts.items() if float(seen) > known_until - HOST_SEEN_S]
    reports = [json.loads(one) for one in reported.values()]
    restored = sum(report["restored"] for report in reports)
    return ByMachine(
        id=text(account.get(b"hold_id", b"-")),
        why=_why_of_machine(text(account[b"hold"])),
        since=since,
        known_until=known_until,
        lost=b"lost" in account or restored > 0,
        hosts=tuple(map(text, hosts)),
        waiting_for=_named([one for one in expected if one not in reported], names),
        restored=restored,
        longest_s=max((report.get("longest_s", 0.0) for report in reports), default=0.0),
        unplaced=int(account.get(b"unplaced", 0)),
    )


def _named(hosts: Sequence[bytes], names: Mapping[bytes, bytes]) -> tuple[str, ...]:
    """Give hosts' names; where several have one, with the beginning of what tells them apart."""
    all_names = list(names.values())
    found = []
    for host in hosts:
        name = names.get(host, host)
        is_shared = all_names.count(name) > 1
        found.append(f"{text(name)} ({text(host)[:8]})" if is_shared else text(name))
    return tuple(sorted(found))

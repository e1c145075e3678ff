"""Pacing under virtual time: the real scripts on the real server, their clock in the test's hand."""

from dataclasses import dataclass, replace
from typing import Any

import redis
from redis.client import Pipeline

from campaigns.attempt import Attempt, AttemptState, Outcome
from campaigns.campaign import CampaignRules, CampaignState
from campaigns.contact_state import NotDialled
from dialer.ids import AttemptId, new_campaign_id
from dialer.pacing import SPACING_SLACK_S, Allowance
from dialer.store import (
    Attempts,
    Campaigns,
    ContactRecord,
    Contacts,
    Database,
    Follows,
    Settle,
)
from dialer.store.attempts import decode, encode
from dialer.store.contacts import Row, code_of
from dialer.store.database import Argument, text

START_S = 1_800_000_000.0  # a full minute, as fixed windows begin
_REAL_TIME = "redis.call('TIME')"
_VIRTUAL_TIME = "{ KEYS[2], '0' }"
_INTENT = encode(
    Attempt(1, AttemptState.PLACING, 0.0, no=0, nonce="", agent="", customer="", quarantine_s=2_237)
)


class VirtualDatabase(Database):
    """A database whose scripts read `clock_s` where they would ask Redis for the time.

    Nothing in production knows of it: the one line of the prelude that reads the clock is replaced
    here, and the instant travels as a second key.
    """

    def __init__(self, client: "redis.Redis", account: str) -> None:
        super().__init__(client, account)
        self.clock_s = START_S
        for name, script in self._scripts.items():
            source = text(script.script)
            assert source.count(_REAL_TIME) == 1, "the scripts read the clock in one place"
            virtual = source.replace(_REAL_TIME, _VIRTUAL_TIME)
            self._scripts[name] = client.register_script(virtual)

    def run(self, script: str, *args: Argument, pipeline: "Pipeline | None" = None) -> Any:
        """Run a script at the virtual instant."""
        keys = [self.prefix, f"{self.clock_s:.6f}"]
        return self._scripts[script](keys=keys, args=args, client=pipeline or self.client)

    def now(self) -> float:
        """Tell the virtual instant, epoch s."""
        return self.clock_s

    def pass_time(self, seconds: float) -> None:
        """Let time pass, in whole microseconds, as Redis counts it."""
        self.clock_s = round(self.clock_s + seconds, 6)


class UnspacedAllowance(Allowance):
    """Slots alone, so that tests see what the slots hold without the spacing's help."""

    @property
    def spacing_s(self) -> float:
        """No pause between grants."""
        return 0.0


@dataclass(frozen=True, slots=True)
class Release:
    """A contact handed out to a worker, which has not yet passed the gate."""

    n: int
    token: str


class DialingCampaign:
    """A running campaign of fictional pairs, and the two scripts a dial passes: release and gate."""

    def __init__(self, db: Database, allowance: Allowance, *, contacts: int = 100) -> None:
        self._db = db
        self._allowance = allowance
        self._releases = 0
        self.id = new_campaign_id()
        rules = CampaignRules(caller_id="08000000000")
        store = Campaigns(db)
        store.create(self.id, name="paced", rules=rules, columns=("agent", "customer"))
        store.begin_loading(self.id, content_hash="paced")
        Contacts(db).append(
            self.id,
            before=0,
            records=[
                ContactRecord(agent=f"+9198765{n:05}", customer=f"+9190000{n:05}")
                for n in range(contacts)
            ],
            rows=[Row(n + 2, (), {}) for n in range(contacts)],
        )
        counts = {"rows": contacts, "accepted": contacts, "rejected": 0, "duplicate": 0}
        store.commit(self.id, counts=counts, entry={"hash": "paced"})
        store.move(store.find(self.id), CampaignState.RUNNING)
        store.set_open_window(self.id, from_s=0, until_s=1e12)

    def release(self) -> Release | None:
        """Hand one contact out, unless one is already handed out or the account is blocked."""
        self._releases += 1
        codes = code_of(NotDialled.EXPIRED), code_of(NotDialled.SUPPRESSED)
        answer = self._db.run("release", 1, 1e9, f"token{self._releases}", 0, *codes)
        return Release(int(answer[2]), text(answer[3])) if len(answer) > 1 else None

    def ask_gate(self, release: Release, nonce: str) -> list[Any]:
        """Ask the gate as a worker does."""
        allowance = self._allowance
        answer: list[Any] = self._db.run(
            "gate",
            self.id,
            release.n,
            release.token,
            nonce,
            1,
            0,
            1e12,
            0,
            allowance.requests,
            allowance.spacing_s,
            allowance.lease_s,
            SPACING_SLACK_S,
            0,
            2_237,
            _INTENT,
            code_of(NotDialled.SUPPRESSED),
            code_of(NotDialled.OUTSIDE_HOURS),
        )
        return answer

    def gone(self, release: Release, intent: bytes) -> "DialRequest":
        """Follow the request that the gate let go."""
        attempt = decode(intent)
        id_ = AttemptId(self.id, release.n, attempt.no, attempt.nonce)
        return DialRequest(self._db, self._allowance, id_, attempt)


class DialRequest:
    """A dial on its way to the provider; its ends are those of a look-up, told to `record`."""

    def __init__(
        self, db: Database, allowance: Allowance, id_: AttemptId, attempt: Attempt
    ) -> None:
        self._attempts = Attempts(db)
        self._allowance = allowance
        self._attempt = attempt
        self.id = id_

    def answered(self) -> None:
        """Note that the call was placed."""
        slot_s = self._allowance.kept_after_answer_s
        self._record(AttemptState.PLACED, Follows(slot_s=slot_s, works=True))

    def unanswered(self) -> None:
        """Note that nobody knows whether it was."""
        slot_s = self._allowance.kept_without_answer_s
        self._record(AttemptState.UNKNOWN, Follows(slot_s=slot_s, unresolved=True))

    def never_sent(self) -> None:
        """Note that the request never left; the contact waits for longer than any test."""
        settle = Settle(Outcome.TURNED_AWAY, charged=False, rest_s=0, due_s=1e6)
        self._record(AttemptState.SETTLED, Follows(slot_s=0.0, settle=settle))

    def _record(self, state: AttemptState, follows: Follows) -> None:
        after = replace(self._attempt, state=state)
        self._attempts.record(self.id, before=self._attempt, after=after, follows=follows)

"""One account under virtual time: every use case wired to the phone company, nothing in threads."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from campaigns.doubt import Doubts
from campaigns.settlement import NO_DOUBTS
from dialer.callback_paths import CallbackPaths
from dialer.dialing.dialing import Dialing, Dialled
from dialer.dialing.gate import Dropped
from dialer.dialing.host_recovery import HostRecovery
from dialer.dialing.journal import Journal
from dialer.dialing.options import DialingOptions
from dialer.dialing.releasing import Feeding, Released
from dialer.ids import AttemptId
from dialer.pacing import Allowance, Pacing
from dialer.settling.settling import Settling, SettlingTimes
from dialer.settling.sweeping import Sweeping
from dialer.store import Attempts, Campaigns, OpenAttempt
from dialer.store.campaign import Counts
from dialer.store.contacts import Contacts
from dialer.store.record import ContactRecord
from dialer.store.rule_versions import RuleVersions
from tests.factories import terminal
from tests.phone_company import Answer, Call, PhoneCompany
from tests.virtual_time import VirtualDatabase

FAST = Allowance(requests=10_000)
"""Pacing is proven elsewhere; here it must only not be in the way."""

EIGHT_AHEAD = Allowance(requests=1)
"""Slow enough for the feeder to release its fewest: eight."""


class Account:
    """The account's use cases. Each is made anew when asked for: none remembers the clock.

    Args:
        folder: For the worker's journal.
        allowance: For dials and look-ups.
        ahead: For the feeder, which keeps three seconds of it released, and eight at least.
    """

    def __init__(
        self,
        db: VirtualDatabase,
        folder: Path,
        *,
        allowance: Allowance = FAST,
        ahead: Allowance = FAST,
        max_concurrent_calls: int = 0,
        times: SettlingTimes | None = None,
        doubts: Doubts = NO_DOUBTS,
    ) -> None:
        self.db = db
        self.ahead = ahead
        self.cap = max_concurrent_calls
        self.times = times or SettlingTimes()
        self.options = DialingOptions(max_concurrent_calls=max_concurrent_calls)
        self.company = PhoneCompany(db.now)
        self.attempts = Attempts(db)
        self.campaigns = Campaigns(db)
        self.contacts = Contacts(db)
        self.pacing = Pacing(db, allowance)
        self.settling = Settling(db, self.times, doubts=doubts)
        self.journal = Journal(folder, "worker")
        self.recovery = HostRecovery(
            db,
            journal=self.journal,
            settling=self.settling,
            host="localhost",
            allowance=allowance,
        )

    @property
    def feeding(self) -> Feeding:
        """The feeder's use case."""
        return Feeding(self.db, allowance=self.ahead, max_concurrent_calls=self.cap)

    @property
    def dialing(self) -> Dialing:
        """The worker's use case; it sleeps in virtual time."""
        return Dialing(
            self.db,
            provider=self.company.client,
            pacing=self.pacing,
            settling=self.settling,
            paths=CallbackPaths("https://dialer.example.com", ["s" * 32]),
            options=replace(self.options, max_concurrent_calls=self.cap),
            recovery=self.recovery,
            journal=self.journal,
            sleep=self.db.pass_time,
        )

    @property
    def sweeping(self) -> Sweeping:
        """The sweeper's use case."""
        return Sweeping(
            self.db,
            provider=self.company.client,
            pacing=self.pacing,
            settling=self.settling,
            times=self.times,
            sleep=self.db.pass_time,
        )

    def tick(self, *, queued: int = 0) -> tuple[Released, ...]:
        """Do what the feeder does every second."""
        feeding = self.feeding
        feeding.keep_schedules()
        while feeding.cancel_some():
            pass
        return feeding.tick(queued=queued).released

    def dial(self, released: Released) -> Dialled | Dropped:
        """Do what a worker does with one message."""
        return self.dialing.dial(released.contact, released.token)

    def dial_all(self) -> list[Dialled | Dropped]:
        """Dial everything that can be released right now."""
        return [self.dial(one) for one in self.tick()]

    def dial_one(self) -> Dialled:
        """Dial the one contact that can be released."""
        (done,) = self.dial_all()
        assert isinstance(done, Dialled), done
        return done

    def dial_and_end(self, *, customer_status: str = "completed") -> None:
        """Dial everything that can be released right now, and end the calls."""
        self.dial_all()
        self.end_all(customer_status=customer_status)

    def rung(self) -> list[str]:
        """Dial everything that can be released right now; gives the agents who were rung."""
        return [one.attempt.agent for one in self.dial_all() if isinstance(one, Dialled)]

    def sweep_for(self, seconds: float, *, every_s: float) -> None:
        """Let time pass and sweep, every so often."""
        for _ in range(int(seconds / every_s)):
            self.db.pass_time(every_s)
            self.sweeping.sweep()

    def dial_unheard(self) -> tuple[Dialled, Call]:
        """Dial the one contact that can be released: its call is placed, and the response is lost."""
        self.company.answers.append(Answer.PLACED_UNHEARD)
        done = self.dial_one()
        return done, self.company.calls[-1]

    def open_attempts(self) -> list[OpenAttempt]:
        """Attempts not yet settled."""
        stored = self.db.client.zrange(self.db.key("open"), 0, -1)
        ids = [AttemptId.parse(one.decode()) for one in stored]
        known = [one for one in ids if one is not None]
        found = self.attempts.get_many(known)
        return [OpenAttempt(id_, one) for id_, one in zip(known, found, strict=True) if one]

    def at_local(self, text: str) -> None:
        """Go to a time of day in India."""
        wanted = datetime.fromisoformat(f"{text}+05:30").astimezone(UTC).timestamp()
        self.db.clock_s = wanted

    def end_all(self, *, customer_status: str = "completed") -> None:
        """End all calls that were placed, connected or as it is said, and have that told."""
        for one in self.open_attempts():
            if one.attempt.sid:
                report = terminal(
                    one.attempt.sid,
                    customer_status=customer_status,
                    talk_s=30 if customer_status == "completed" else 0,
                    ended_at_s=self.db.now(),
                )
                self.settling.report(one.id, report, at=self.db.now())

    def change_rules(self, campaign: str, **changed: object) -> None:
        """Change rules as people may: whether it runs or rests."""
        found = self.campaigns.find(campaign)
        refused = RuleVersions(self.db).change(found, found.rules.model_copy(update=changed))
        assert refused is None

    def counts(self, campaign: str) -> Counts:
        """How many contacts are where."""
        return self.campaigns.counts(campaign)

    def state(self, campaign: str) -> str:
        """Where a campaign stands."""
        return str(self.campaigns.find(campaign).state)

    def contact(self, campaign: str, n: int = 1) -> ContactRecord:
        """One contact as it stands."""
        found = self.contacts.get(campaign, n)
        assert found is not None
        return found

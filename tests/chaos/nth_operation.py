"""Fail the n-th Redis command, for n = 1, 2, 3 …, until a small campaign passes without a fault.

    python -m tests.chaos.nth_operation

Each command fails twice: once before it is sent, and once after it was done, its answer lost. The
campaign runs under virtual time, from the loading of its file to its last final value.
"""

import io
import itertools
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import redis

from campaigns.agents.agent import Agent
from campaigns.attempt import CallReport
from campaigns.campaign import CampaignState
from campaigns.campaign_rules import CampaignRules
from campaigns.custom_field import attempt_id_in
from campaigns.numbers.phone import PhoneRules
from dialer import logs
from dialer.agents.registry import Registry
from dialer.ids import AttemptId
from dialer.loading.loading import Loading, LoadOptions
from dialer.store import Campaigns, Database
from dialer.store.snapshot import contact_lines
from tests.account_kit import Account
from tests.chaos.processes_under_test import RedisProcess
from tests.conservation import check_conservation
from tests.factories import rules, terminal
from tests.phone_company import Answer
from tests.virtual_time import VirtualDatabase

# two contacts share an agent; one is refused once, one call stays unheard, one is turned away; one is for
# a group of whom one is the agent of others, one has stand-ins
ROWS = (
    b"agent,agent_group,backup,customer\n"
    b"+919000000001,,,+919876543201\n"
    b"+919000000001,,,+919876543202\n"
    b",Sales,,+919876543203\n"
    b"+919000000003,,+919000000002,+919876543204\n"
    b"not a number,,,+919876543205\n"
)
AGENTS = ("+919000000001", "+919000000002")
ANSWERS = (Answer.PLACED, Answer.PLACED_UNHEARD, Answer.AGENT_IN_CALL, Answer.NO_CONNECTION)
RULES: CampaignRules = rules(max_attempts=3, time_limit_s=60, time_out_s=10)
NEVER = 0
"""The number of no command: with it, a plan only counts."""

_MOST_TURNS = 600

T = TypeVar("T")


class When(StrEnum):
    """Which half of a command fails."""

    BEFORE = "before it is sent"
    AFTER = "after it is done"


@dataclass
class Plan:
    """Which command fails; counts them all."""

    n: int
    when: When
    commands: int = 0
    struck: str | None = None
    lost: set[int] = field(default_factory=set)


def failing(plan: Plan) -> type["redis.connection.UnixDomainSocketConnection"]:
    """Make a connection class whose n-th command, over all its connections, fails."""

    class Failing(redis.connection.UnixDomainSocketConnection):
        def send_packed_command(self, command: Any, check_health: bool = True) -> None:
            plan.commands += 1
            if plan.commands == plan.n:
                plan.struck = b"".join([command] if isinstance(command, bytes) else command)[
                    :60
                ].decode(errors="replace")
                if plan.when is When.BEFORE:
                    self.disconnect()
                    raise redis.ConnectionError("the command was not sent")
                plan.lost.add(id(self))
            super().send_packed_command(command, check_health)

        def read_response(self, *args: Any, **options: Any) -> Any:
            answer = super().read_response(*args, **options)
            if id(self) in plan.lost:
                plan.lost.remove(id(self))
                self.disconnect()
                raise redis.ConnectionError("the answer was lost")
            return answer

    return Failing


def run(socket: Path, folder: Path, plan: Plan) -> None:
    """Run the campaign with this plan, to its end, and check everything.

    Raises:
        AssertionError: A promise was broken.
    """
    pool = redis.ConnectionPool(connection_class=failing(plan), path=str(socket), socket_timeout=5)
    with redis.Redis(connection_pool=pool) as client:
        account = Account(_database(client), folder)
        account.company.answers.extend(ANSWERS)
        campaign = _Driver(account, folder).run()
    with redis.Redis(unix_socket_path=str(socket)) as client:
        _check(Database(client, account.db.account), account, campaign)


def _database(client: "redis.Redis") -> VirtualDatabase:
    return VirtualDatabase(client, f"nth{secrets.token_hex(4)}")


class _Driver:
    """The processes' loops in one thread; each copes with a lost Redis as its process does."""

    def __init__(self, account: Account, folder: Path) -> None:
        self._account = account
        self._folder = folder
        self._mail: list[tuple[AttemptId, CallReport]] = []
        self._feeding = account.feeding
        self._dialing = account.dialing
        self._sweeping = account.sweeping

    def run(self) -> str:
        campaign = self._until_done(self._load)
        for _ in range(_MOST_TURNS):
            self._turn()
            if self._until_done(lambda: self._account.state(campaign)) == "completed":
                break
            self._account.db.pass_time(5.0)
        while self._until_done(self._values_missing):
            self._turn()
            self._account.db.pass_time(60.0)
        return campaign

    def _values_missing(self) -> int:
        db = self._account.db
        return int(db.client.zcard(db.key("late")))

    def _load(self) -> str:
        account = self._account
        registry = Registry(account.db, phone_rules=PhoneRules(), zone=ZoneInfo("Asia/Kolkata"))
        registry.put([Agent(one, groups=("Sales",)) for one in AGENTS])
        loading = Loading(account.db, phone_rules=PhoneRules(), data_dir=self._folder)
        loaded = loading.load(io.BytesIO(ROWS), name="nth", rules=RULES, options=LoadOptions())
        assert loaded.campaign is not None
        if loaded.campaign.state is CampaignState.LOADED:
            account.campaigns.move(loaded.campaign, CampaignState.RUNNING)
        return loaded.campaign.id

    def _turn(self) -> None:
        company = self._account.company
        with suppress(redis.RedisError):
            self._feeding.keep_schedules()
            for released in self._feeding.tick().released:
                with suppress(redis.RedisError):
                    self._dialing.dial(released.contact, released.token)
        for call in company.live():
            company.end(call)
            if call.attempt_id and len(company.calls) % 2:  # half of the callbacks never come
                id_ = AttemptId.parse(call.attempt_id)
                assert id_ is not None
                self._mail.append((id_, terminal(call.sid, ended_at_s=self._account.db.now())))
        with suppress(redis.RedisError):
            while self._mail:
                self._account.settling.report(*self._mail[0], at=self._account.db.now())
                del self._mail[0]
        with suppress(redis.RedisError):
            self._sweeping.sweep()
        with suppress(redis.RedisError):
            self._account.recovery.tick()

    def _until_done(self, work: Callable[[], T]) -> T:
        while True:
            with suppress(redis.ConnectionError):
                return work()


def _check(db: Database, account: Account, campaign_id: str) -> None:
    company, campaign = account.company, Campaigns(db).find(campaign_id)
    assert campaign.state is CampaignState.COMPLETED, f"{campaign.state}"
    assert (campaign.rows, campaign.accepted, campaign.rejected) == (5, 4, 1)
    check_conservation(db)
    assert len(company.posts) == len(set(company.posts)), "an attempt was posted twice"
    lines = contact_lines(db, campaign.id, size=campaign.accepted)
    known = {
        one.attempt.sid: str(one.id) for line in lines for one in line.attempts if one.attempt.sid
    }
    assert known == {call.sid: attempt_id_in(call.attempt_id) for call in company.calls}


def plans(*, step: int = 1, start: int = 1) -> Iterator[Plan]:
    """Make plans for n = start, start + step …; the caller stops once one did not strike."""
    for n in itertools.count(start, step):
        for when in When:
            yield Plan(n, when)


def main() -> int:
    logs.set_up(log_format="json", level="error", role="")
    with (
        tempfile.TemporaryDirectory(prefix="nth-") as folder,
        RedisProcess(Path(folder) / "redis", {"save": ""}) as server,
    ):
        for tried, plan in enumerate(plans()):
            try:
                run(server.socket, Path(folder) / f"{plan.n}-{plan.when.name}", plan)
            except AssertionError as error:
                print(f"command {plan.n} failed {plan.when} ({plan.struck!r}): {error}")
                return 1
            if plan.struck is None:
                print(
                    f"{tried} runs: each of {plan.n - 1} commands failed once in either half, 0 faults"
                )
                return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())

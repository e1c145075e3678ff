"""Hosts that share a Redis, which comes back older, and a provider that lists its ended calls."""

import json
import secrets
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx

from dialer.callback_paths import CallbackPaths
from dialer.dialing.dialing import Dialing, Dialled
from dialer.dialing.gate import Dropped
from dialer.dialing.host_recovery import HostRecovery
from dialer.dialing.journal import Journal
from dialer.dialing.options import DialingOptions
from dialer.dialing.recovery import AccountRecovery
from dialer.dialing.releasing import Feeding, Released
from dialer.pacing import Pacing
from dialer.settling.settling import Settling
from dialer.store import Hold, Holds
from tests.account_kit import FAST, Account
from tests.factories import pair, store_campaign
from tests.phone_company import Call
from tests.virtual_time import VirtualDatabase

LONGEST_S = 2237.0
"""The longest call by the default settings."""


class Host:
    """A worker process on a host of its own.

    Args:
        name: As people call it; several hosts may have one.
    """

    def __init__(self, account: Account, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self._account = account
        self.start()

    def start(self) -> None:
        """Start its process anew: it remembers nothing but its folder."""
        db, account = account_db(self._account), self._account
        self.journal = Journal(self.folder, f"worker-{secrets.token_hex(2)}")
        settling = Settling(db, account.times)
        self.recovery = HostRecovery(
            db, journal=self.journal, settling=settling, host=self.name, allowance=FAST
        )
        self.dialing = Dialing(
            db,
            provider=account.company.client,
            pacing=Pacing(db, FAST),
            settling=settling,
            paths=CallbackPaths("https://dialer.example.com", ["s" * 32]),
            options=DialingOptions(),
            recovery=self.recovery,
            journal=self.journal,
            sleep=db.pass_time,
        )

    def dial(self, released: Released) -> Dialled | Dropped:
        """Take one message."""
        return self.dialing.dial(released.contact, released.token)

    def is_lost_for_good(self) -> None:
        """Lose its disk."""
        shutil.rmtree(self.folder)


def account_db(account: Account) -> VirtualDatabase:
    """The account's database, under virtual time."""
    assert isinstance(account.db, VirtualDatabase)
    return account.db


class Site:
    """An account with a feeder and some hosts."""

    def __init__(self, account: Account, folder: Path) -> None:
        self.account, self.db, self.company = account, account.db, account.company
        self.holds = Holds(self.db)
        self._folder = folder
        self._runs = 0
        self.restart_feeder()
        self.list_calls()

    def host(self, name: str, *, folder: str = "") -> Host:
        """Set up a host that has not told yet that it lives."""
        return Host(self.account, self._folder / (folder or name), name)

    def restart_feeder(self) -> None:
        """Start a feeder that remembers nothing."""
        self.feeding = Feeding(self.db, allowance=FAST, max_concurrent_calls=0)
        self.recovery = AccountRecovery(
            self.db,
            allowance=FAST,
            settling=self.account.settling,
            search=self.account.sweeping.search,
            longest_call_s=LONGEST_S,
        )

    def feed(self) -> Sequence[Released]:
        """Let the feeder release."""
        self.feeding.keep_schedules()
        return self.feeding.tick().released

    @property
    def hold(self) -> Hold | None:
        """What holds dialling."""
        return self.holds.read()

    def snapshot(self) -> dict[bytes, bytes]:
        """Tell what is on Redis' disk now."""
        keys = list(self.db.client.scan_iter(self.db.prefix + "*"))
        return {key: self.db.client.dump(key) for key in keys}

    def come_back_older(self, snapshot: dict[bytes, bytes]) -> None:
        """Let Redis return to what it knew then, as a server that was restarted."""
        for key in list(self.db.client.scan_iter(self.db.prefix + "*")):
            self.db.client.delete(key)
        for key, value in snapshot.items():
            self.db.client.restore(key, 0, value)
        self._runs += 1
        self.db.client.hset(self.db.key("account"), "run_id", f"earlier{self._runs}")

    def seconds(self, n: int, *hosts: Host) -> None:
        """Let the feeder and these hosts do what they do each second."""
        for _ in range(n):
            self.db.pass_time(1)
            for host in hosts:
                host.recovery.tick()
            self.recovery.tick()

    def dial_all(self, host: Host) -> list[Dialled | Dropped]:
        """Release what may be, and let a host dial it."""
        return [host.dial(one) for one in self.feed()]

    def list_calls(self, while_reading: Callable[[], None] = lambda: None) -> None:
        """Let the company answer the list of all ended calls, as the provider does."""
        single = type(self.company)._look.__get__(self.company)

        def look(request: httpx.Request) -> httpx.Response:
            asked = request.url.params
            if "Sid" in asked or "From" in asked or not request.url.path.endswith("/Calls.json"):
                return single(request)
            while_reading()
            ended = [self._listed(call) for call in self.company.calls if call.is_over]
            return httpx.Response(200, content=json.dumps({"Metadata": {}, "Calls": ended}))

        self.company._look = look  # type: ignore[method-assign]

    def _listed(self, call: Call) -> dict[str, object]:
        return self.company._fields(call) | {"CustomField": call.attempt_id}


def dialled_once(site: Site, host: Host) -> dict[bytes, bytes]:
    """Dial one contact; gives what Redis knew right before."""
    host.recovery.tick()
    (one,) = site.feed()
    before = site.snapshot()
    assert isinstance(host.dial(one), Dialled)
    site.feed()  # the feeder remembers how far Redis had come
    return before


def lose_the_call(site: Site) -> tuple[Host, dict[bytes, bytes]]:
    """A call is live; Redis comes back without its attempt, and its host brings that back."""
    store_campaign(site.db, [pair(1, 1)])
    host = site.host("first")
    before = dialled_once(site, host)
    site.come_back_older(before)
    site.feed()
    site.db.pass_time(5)
    host.recovery.tick()
    assert site.hold.lost
    assert (site.hold.restored, site.hold.waiting_for) == (1, ())
    return host, before


def one_call_is_live(site: Site) -> None:
    assert [call.customer for call in site.company.live()] == [pair(1, 1).customer]

"""What the API and the pages share: one of each for an account, or for the whole web process."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Concatenate

from campaigns.sentence import told
from dialer.settings import Settings
from dialer.watching.finding import Finding
from workers.record_keeping import archive_index, archives_dir
from workers.web.access import Authenticator, Visitor
from workers.web.agent_feed import AgentFeed
from workers.web.entrance import Identifying
from workers.web.intake import Intake
from workers.web.live import Watching
from workers.web.problems import Problem
from workers.web.proxies import TrustedProxies
from workers.web.rehearsals import REHEARSE, Rehearsals
from workers.web.reviews import Reviews
from workers.web.subprocesses import Apart, P, Result, Tell
from workers.web.tasks import Tasks
from workers.wiring import Wiring


@dataclass(frozen=True)
class Services:
    """Everything a request may need of one account, made when first asked for.

    Args:
        rehearse: The command of a rehearsal.
        others: The wirings of the installation's further accounts; none, where this is one of them.
        home: Of the installation's home, which has what there is one of; None: this is it.
    """

    wiring: Wiring
    rehearse: Sequence[str] = REHEARSE
    others: Sequence[Wiring] = ()
    home: "Services | None" = None

    @property
    def at_home(self) -> "Services":
        """Those of the installation's home."""
        return self.home or self

    @property
    def sid(self) -> str:
        """The account, as keys name it."""
        return self.wiring.settings.exotel_account_sid

    @cached_property
    def accounts(self) -> "AllAccounts":
        """The services of all accounts."""
        if self.home:
            return self.home.accounts
        return AllAccounts(
            [self, *(Services(one, self.rehearse, home=self) for one in self.others)]
        )

    # what the process has one of

    @cached_property
    def authenticator(self) -> Authenticator:
        """Lets visitors in."""
        if self.home:
            return self.home.authenticator
        settings = self.wiring.settings
        return Authenticator(
            self.wiring.db,
            self.wiring.api_keys,
            settings_key=settings.dialer_api_key.get_secret_value(),
            faces_others=settings.faces_others,
        )

    @cached_property
    def identifying(self) -> Identifying:
        """Tells visitors by what they show."""
        return self.home.identifying if self.home else Identifying(self.authenticator)

    @cached_property
    def trusted(self) -> TrustedProxies:
        """Proxies whose word on a request's way counts."""
        return TrustedProxies.of(self.at_home.wiring.settings)

    @cached_property
    def apart(self) -> Apart:
        """Does heavy work elsewhere."""
        return self.home.apart if self.home else Apart(self.wiring.settings)

    @cached_property
    def at_length(self) -> Apart:
        """Does what may take hours, so that lists and reports need not wait for it."""
        return self.home.at_length if self.home else Apart(self.wiring.settings)

    async def work(
        self, job: Callable[Concatenate[Tell, Settings, P], Result], *args: P.args, **more: P.kwargs
    ) -> Result:
        """Have something done apart with this account's settings; nobody looks how far it is."""
        return await self.apart.run(job, lambda _: None, self.wiring.settings_apart, *args, **more)

    @cached_property
    def intake(self) -> Intake:
        """Bounds uploads."""
        return self.home.intake if self.home else Intake()

    @cached_property
    def watchers(self) -> Counter[str]:
        """How many event streams each key follows."""
        return self.home.watchers if self.home else Counter()

    # what each account has of its own

    @cached_property
    def watching(self) -> Watching:
        """Reads campaigns for those who watch."""
        return Watching(self.wiring, self.apart, self.watchers)

    @cached_property
    def charts(self) -> dict[tuple[str, bool, str], tuple[object, str]]:
        """Of campaigns that are over, by campaign and whether masked: of which counts, and the HTML."""
        return {}

    @cached_property
    def finding(self) -> Finding:
        """Finds people by number and name."""
        settings = self.wiring.settings
        return Finding(
            self.wiring.db, archives=archives_dir(settings), index=archive_index(settings)
        )

    @cached_property
    def agent_feed(self) -> AgentFeed:
        """Reads agents' pages for those who look at them."""
        return AgentFeed(self.wiring)

    @cached_property
    def rehearsals(self) -> Rehearsals:
        """Rehearses lists, one at a time on the machine."""
        first = self.accounts.all[0].wiring.settings.dialer_data_dir / "rehearsals"
        return Rehearsals(
            self._folder("rehearsals"),
            command=self.rehearse,
            turn=first / "turn" if len(self.accounts.all) > 1 else None,
        )

    @cached_property
    def reviews(self) -> Reviews:
        """Keeps lists that wait for a decision."""
        return Reviews(self._folder("reviews"), wiring=self.wiring, apart=self.apart)

    @cached_property
    def tasks(self) -> Tasks:
        """Does what takes a while and is told on a page of its own."""
        return Tasks(self._folder("tasks"), apart=self.at_length, audit=self.wiring.audit)

    @property
    def uploads_dir(self) -> Path:
        """Where files on their way in are kept."""
        return self._folder("incoming")

    @property
    def reports_dir(self) -> Path:
        """Where reports are written before they are sent."""
        return self._folder("sending")

    def _folder(self, name: str) -> Path:
        return self.wiring.settings.dialer_data_dir / name


class AllAccounts:
    """The services of all accounts.

    Args:
        all_: The home's first.
    """

    def __init__(self, all_: Sequence[Services]) -> None:
        self.all = all_

    def open_to(self, visitor: Visitor) -> list[Services]:
        """Give those of the accounts that a visitor's key opens."""
        return [one for one in self.all if visitor.opens(one.sid)]

    def named(self, visitor: Visitor, name: str) -> Services:
        """Give an account by name or Sid.

        Raises:
            Problem: There is none, or it is not for this visitor, who is not told which.
        """
        found = self.open_to(visitor)
        for one in found:
            if name in {one.wiring.name, one.sid}:
                return one
        known = [one.wiring.name for one in found]
        raise Problem(
            404,
            "unknown_account",
            told(
                "There is no account {name!r}; your key opens {known}.",
                name=name[:64],
                known=", ".join(known),
            ),
            accounts=known,
        )

"""Use case: how the account's day goes, beside yesterday and the usual, and what wants a person."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from campaigns.campaign import CampaignState
from dialer.account_day import AccountDay, Use
from dialer.pacing import Pacing, Rate
from dialer.store import Campaign, Counts, Database
from dialer.store.agent_desk import DeskStore
from dialer.store.day import calls_by_hour, used_of
from dialer.store.phones import read_taken
from dialer.store.webhooks import Webhooks
from dialer.store.work import account_work

NEARLY_USED = 0.8
"""Of a cap of the day."""

LATE_CALLBACK_S = 30.0
_USUAL_DAYS = 7
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class DayFigures:
    """What was done on a day, whole calls alone.

    Args:
        calls: That rang an agent and ended.
        missed: Of these, those the agent did not take.
        spend: Reservations of calls under way included.
    """

    calls: int = 0
    conversations: int = 0
    talk_s: int = 0
    missed: int = 0
    spend: float = 0.0

    @property
    def answered(self) -> int:
        """Calls an agent took."""
        return self.calls - self.missed


@dataclass(frozen=True, slots=True)
class Want:
    """Something that waits for a person, and where it stands."""

    count: int
    what: str
    where: str


@dataclass(frozen=True, slots=True)
class TodayNow:
    """The account's day.

    Args:
        live: Calls that have not ended, or of which nobody knows.
        so_far: Calls placed today; `by_now_yesterday` and `usual_by_now` until this hour's end.
        usual_by_now: Mean of the last seven days on which there were calls; None: there were none.
    """

    live: int
    rate: Rate
    today: DayFigures
    yesterday: DayFigures
    so_far: int
    by_now_yesterday: int
    usual_by_now: float | None
    uses: tuple[Use, ...]
    wants: tuple[Want, ...]


def read_today(
    db: Database,
    account_day: AccountDay,
    pacing: Pacing,
    campaigns: Sequence[tuple[Campaign, Counts]],
    *,
    zone: ZoneInfo,
) -> TodayNow:
    """Read how the day goes.

    Args:
        campaigns: All that there are, each with its counts.
        zone: Whose midnight ends the day.
    """
    now_s = db.now()
    local = datetime.fromtimestamp(now_s, UTC).astimezone(zone)
    work = account_work(db, now_s=now_s)
    uses = account_day.read().uses
    so_far, yesterday, *before = _calls_by_now(db, local)
    usual = [calls for calls in (yesterday, *before) if calls]
    late_s = now_s - (work.oldest_callback_at or now_s)
    return TodayNow(
        live=work.live,
        rate=pacing.rate(),
        today=_figures(db, local),
        yesterday=_figures(db, local - timedelta(days=1)),
        so_far=so_far,
        by_now_yesterday=yesterday,
        usual_by_now=sum(usual) / len(usual) if usual else None,
        uses=uses,
        wants=(
            *_of_campaigns(campaigns),
            *_of_account(db, uses, late=work.callbacks if late_s > LATE_CALLBACK_S else 0),
        ),
    )


def _figures(db: Database, at: datetime) -> DayFigures:
    day = f"{at:%Y-%m-%d}"
    did = DeskStore(db).figures(day).values()
    return DayFigures(
        calls=sum(one.calls for one in did),
        conversations=sum(one.conversations for one in did),
        talk_s=sum(one.talk_s for one in did),
        missed=sum(one.missed for one in did),
        spend=used_of(db, day).get("spend", 0.0),
    )


def _calls_by_now(db: Database, local: datetime) -> list[int]:
    """Count calls from midnight to this hour's end: today, yesterday, and on the days before."""
    this_hour = int(local.timestamp() // _HOUR_S)
    hours = calls_by_hour(db, first=this_hour - 24 * _USUAL_DAYS - 24)
    return [
        sum(calls for hour, calls in hours.items() if last - local.hour <= hour <= last)
        for last in (this_hour - 24 * ago for ago in range(_USUAL_DAYS + 1))
    ]


def _of_campaigns(campaigns: Iterable[tuple[Campaign, Counts]]) -> Iterator[Want]:
    for campaign, counts in campaigns:
        page = f"/campaigns/{campaign.id}"
        if counts.unresolved:
            yield Want(
                counts.unresolved,
                f"of “{campaign.name}”: nobody knows yet whether a phone rang",
                f"{page}/contacts?state=unresolved",
            )
        if campaign.state is CampaignState.PAUSED and campaign.why:
            yield Want(counts.waiting, f"wait in “{campaign.name}”, paused: {campaign.why}", page)
        if campaign.asked_by:
            yield Want(
                counts.waiting, f"of “{campaign.name}” wait for a second person", f"{page}/start"
            )


def _of_account(db: Database, uses: Iterable[Use], *, late: int) -> Iterator[Want]:
    taken = read_taken(db)
    if parked := len(taken.parked):
        yield Want(parked, "agents missed too many calls and are left alone", "/agents")
    for use in uses:
        if use.most and use.used >= NEARLY_USED * use.most:
            name = "minutes" if use.name == "seconds" else use.name
            yield Want(
                round(use.used), f"{name} used today, of {use.most:,.0f} allowed", "/health#h-today"
            )
    webhooks = Webhooks(db)
    for one in webhooks.all():
        standing = webhooks.standing(one.id)
        if standing.failing_since or standing.paused:
            yield Want(1, f"receiver is not reached: {urlsplit(one.url).hostname}", "/webhooks")
    if late:
        yield Want(late, "callbacks wait to be settled", "/health")

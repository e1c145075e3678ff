"""The account as a whole: health, and what keeps everything from dialling."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, Field

from campaigns.sentence import told
from dialer.deeds import Did
from dialer.dialing.resuming import resume_account
from dialer.store import Hold, Holds
from dialer.watching.health import read_health
from workers.documents.today import TodayDocument
from workers.instants import instant, instant_or_none
from workers.web.access import Visitor
from workers.web.api.needs import Admin, Onlooker, Router, TheServices
from workers.web.api.shapes import Order, Whole
from workers.web.problems import Problem
from workers.web.services import Services

router = Router("", "account")


class ProcessDocument(BaseModel):
    """A process that gave a sign of life lately."""

    role: str
    name: str
    since: datetime | None


class AccountList(BaseModel):
    """Names for `?account=`."""

    items: list[str]


class HoldOrder(Order):
    """Why everything should stop."""

    why: str = Field(min_length=1, max_length=200)


class CapsOrder(Order):
    """What may be used today beside what the settings allow."""

    calls: Whole = Field(0, ge=0, le=1_000_000)
    minutes: Whole = Field(0, ge=0, le=10_000_000)
    spend: Whole = Field(0, ge=0, le=100_000_000, description="In the billing currency.")


class HealthDocument(BaseModel):
    """How the account and its processes are."""

    as_of: datetime
    processes: list[ProcessDocument]
    redis: dict[str, Any] = Field(
        description="Empty for a key that does not open all accounts, who share it; so is `concerns`."
    )
    concerns: list[str]
    hold: str | None
    hold_not_known: list[str] = Field(
        description="what is not known while Redis may have lost writes; empty for a hold by hand"
    )
    stopped: str | None
    settings_differ: list[str]
    queued: int
    callbacks_waiting: int
    oldest_callback_s: float
    calls_live: int
    slots_taken: int
    orphans: int


@router.get("/accounts")
def list_accounts(visitor: Onlooker, services: TheServices) -> AccountList:
    """List the accounts that the key opens; the first is meant where a request names none."""
    return AccountList(items=[one.wiring.name for one in services.accounts.open_to(visitor)])


@router.get("/health")
def show_health(visitor: Onlooker, services: TheServices) -> HealthDocument:
    """Tell how processes, Redis, queue and callbacks are, and whether something holds all up."""
    return _document(services, visitor)


@router.get("/health/caps")
def show_caps(_visitor: Onlooker, services: TheServices) -> TodayDocument:
    """Tell what all campaigns have used of the account's day, and what they may."""
    return TodayDocument.of(services.wiring.account_day.read())


@router.post("/health/caps", Did.CAPS_RAISED)
def raise_caps(_visitor: Admin, services: TheServices, order: CapsOrder) -> TodayDocument:
    """Let more be used today; with nothing to add, have the gate asked again."""
    return TodayDocument.of(services.wiring.account_day.add_for_today(**order.model_dump()))


@router.put("/health/hold", Did.HOLD_SET)
def set_hold(visitor: Admin, services: TheServices, order: HoldOrder) -> HealthDocument:
    """Stop all dialling of the account until somebody releases it; live calls end as usual."""
    services.wiring.holds.set_by_hand(order.why)
    return _document(services, visitor)


@router.delete("/health/hold", Did.HOLD_RELEASED)
def release_hold(
    visitor: Admin,
    services: TheServices,
    confirm: Annotated[bool, Query(description="end it whatever `hold_not_known` names")] = False,
) -> HealthDocument:
    """End a hold by hand; with `confirm` also one that stands because Redis may have lost writes.

    That one ends by itself when it is safe. Ended before, customers who are on a call that nobody
    found again may be called a second time.
    """
    found = services.wiring.holds.read()
    if found and found.machine and not found.hand and not confirm:
        raise Problem(
            409,
            "hold_not_known",
            f"{found.why}; not known yet: {'; '.join(found.not_known)}. It ends by itself when it is"
            " safe; say confirm=true to end it all the same.",
            not_known=list(found.not_known),
        )
    end_hold(services.wiring.holds, found, confirmed=confirm)
    return _document(services, visitor)


def end_hold(holds: Holds, found: Hold | None, *, confirmed: bool) -> None:
    """End a hold as it was seen: the machine's only if somebody confirmed it.

    Raises:
        Problem: Another one stands by now.
    """
    if found is None:
        return
    machine = found.machine if confirmed else None
    if not holds.release(hand=found.hand, machine=machine):
        raise Problem(409, "other_hold", told("Another hold was set meanwhile; look at it first."))


@router.delete("/health/stop", Did.ACCOUNT_RESUMED)
def release_stop(visitor: Admin, services: TheServices) -> HealthDocument:
    """Dial on after the provider refused the account, once that is mended."""
    resume_account(services.wiring.db)
    return _document(services, visitor)


def _document(services: Services, visitor: Visitor) -> HealthDocument:
    health = read_health(services.wiring.db)
    return HealthDocument(
        as_of=instant(health.as_of),
        processes=[
            ProcessDocument(
                role=one.role,
                name=one.name,
                since=instant_or_none(one.since),
            )
            for one in health.processes
        ],
        redis=asdict(health.redis) if visitor.reaches_all else {},
        concerns=health.redis.concerns if visitor.reaches_all else [],
        hold=health.hold.why if health.hold else None,
        hold_not_known=list(health.hold.not_known) if health.hold else [],
        stopped=health.work.closed.stopped or None,
        settings_differ=[one.sentence for one in health.dissenters],
        queued=health.work.queued,
        callbacks_waiting=health.work.callbacks,
        oldest_callback_s=round(health.oldest_callback_s, 3),
        calls_live=health.work.live,
        slots_taken=health.work.slots_taken,
        orphans=health.work.orphans,
    )

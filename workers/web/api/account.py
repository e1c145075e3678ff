"""The account as a whole: agents at work, health, and what keeps everything from dialling."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from dialer.health import Health, lift_stop, read_health
from dialer.overview import busy_agents
from workers.web.api.needs import Admin, Reader, TheDesk
from workers.web.api.shapes import AgentList, agent_document

router = APIRouter(tags=["account"])


class ProcessDocument(BaseModel):
    """A process that gave a sign of life lately."""

    role: str
    name: str
    since: datetime | None


class HoldOrder(BaseModel):
    """Why everything should stop."""

    why: str = Field(min_length=1, max_length=200)


class HealthDocument(BaseModel):
    """How the account and its processes are."""

    as_of: datetime
    processes: list[ProcessDocument]
    redis: dict[str, Any]
    concerns: list[str]
    hold: str | None
    stopped: str | None
    queued: int
    callbacks_waiting: int
    oldest_callback_s: float
    calls_live: int
    slots_taken: int
    orphans: int


@router.get("/agents")
def list_busy_agents(_visitor: Reader, desk: TheDesk) -> AgentList:
    """Tell which agents are on a call, resting or parked, of all campaigns."""
    found = busy_agents(desk.wiring.db)
    return AgentList(items=[agent_document(*one) for one in sorted(found.items())])


@router.get("/health")
def show_health(_visitor: Reader, desk: TheDesk) -> HealthDocument:
    """Tell how processes, Redis, queue and callbacks are, and whether something holds all up."""
    return _document(read_health(desk.wiring.db))


@router.put("/health/hold")
def set_hold(_visitor: Admin, desk: TheDesk, order: HoldOrder) -> HealthDocument:
    """Stop all dialling of the account until somebody releases it; live calls end as usual."""
    desk.wiring.account_recovery.set_hold(order.why)
    return _document(read_health(desk.wiring.db))


@router.delete("/health/hold")
def release_hold(_visitor: Admin, desk: TheDesk) -> HealthDocument:
    """Release the hold; after lost state, calls it did not find may be dialled again."""
    desk.wiring.account_recovery.release()
    return _document(read_health(desk.wiring.db))


@router.delete("/health/stop")
def release_stop(_visitor: Admin, desk: TheDesk) -> HealthDocument:
    """Dial on after the provider refused the account, once that is mended."""
    lift_stop(desk.wiring.db)
    return _document(read_health(desk.wiring.db))


def _document(health: Health) -> HealthDocument:
    return HealthDocument(
        as_of=datetime.fromtimestamp(health.as_of, UTC),
        processes=[
            ProcessDocument(
                role=one.role,
                name=one.name,
                since=None if one.since is None else datetime.fromtimestamp(one.since, UTC),
            )
            for one in health.processes
        ],
        redis=asdict(health.redis),
        concerns=health.redis.concerns,
        hold=health.hold or None,
        stopped=health.stopped or None,
        queued=health.queued,
        callbacks_waiting=health.callbacks_waiting,
        oldest_callback_s=round(health.oldest_callback_s, 3),
        calls_live=health.calls_live,
        slots_taken=health.slots_taken,
        orphans=health.orphans,
    )

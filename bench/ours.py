"""Our own processes on the benchmarks' ground: settings, wiring, a loaded campaign."""

import contextlib
import io
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import httpx

from bench.forms import CALLER_ID, agent_number, customer_number
from bench.ground import BIN, ROOT, process, provider, redis_server
from campaigns.campaign import CampaignState
from campaigns.campaign_rules import CampaignRules
from campaigns.lists.sieve import Dedupe
from dialer.ids import AttemptId
from dialer.loading.loading import LoadOptions
from dialer.ports import free_port
from dialer.settings import read_settings
from dialer.store import Campaign
from workers.wiring import Wiring

UNPACED = {"EXOTEL_RATE_LIMIT": "100000", "EXOTEL_RATE_WINDOW_S": "6"}
"""The limit lifted as far as the settings go: 16,667 requests a second."""

COMMANDS = {
    "web": (str(BIN / "dialer"), "web"),
    "feeder": (str(BIN / "dialer"), "feeder"),
    "results": (str(BIN / "dialer"), "results"),
    "worker": (str(BIN / "dramatiq"), "workers.actors", "--processes", "2", "--skip-logging"),
    "events": (
        *(str(BIN / "dramatiq"), "workers.deliveries", "--processes", "1", "--threads", "24"),
        *("--worker-shutdown-timeout", "20000", "--skip-logging"),
    ),
}


def environment(
    redis_url: str, provider_url: str, folder: Path, more: Mapping[str, str]
) -> dict[str, str]:
    """Give the settings of a run."""
    return {
        "PYTHONPATH": str(ROOT),  # the code beside these programs, whatever is installed
        "REDIS_URL": redis_url,
        "EXOTEL_BASE_URL": provider_url,
        "EXOTEL_DETAILS_BASE_URL": provider_url,
        "EXOTEL_API_KEY": "demo-key",
        "EXOTEL_API_TOKEN": "demo-token",
        "EXOTEL_ACCOUNT_SID": "demo",
        "EXOTEL_CALLER_ID": CALLER_ID,
        **{f"DIALER_MAX_{what}_PER_DAY": "0" for what in ("CALLS", "MINUTES", "SPEND")},
        "DIALER_PUBLIC_URL": "http://127.0.0.1:9",
        "DIALER_CALLBACK_SECRET": "a-secret-for-benchmarks-32-letters",
        "DIALER_DATA_DIR": str(folder),
        "DIALER_CALLING_HOURS": "always",
        "DIALER_LOG_FORMAT": "json",
        "DIALER_WRAP_UP_S": "0",
        **more,
    }


def wiring(env: Mapping[str, str]) -> Wiring:
    """Build what a process would build from these settings."""
    with patch.dict(os.environ, env):
        return Wiring(read_settings())


def rules(**more: object) -> CampaignRules:
    """Make rules that never close and never rest."""
    return CampaignRules.model_validate(
        {"caller_id": CALLER_ID, "hours": "always", "wrap_up_s": 0, **more}
    )


def list_of(contacts: int, *, agents: int = 0, first: int = 0, first_agent: int = 0) -> bytes:
    """Write a list of fictional pairs.

    Args:
        agents: Who take turns; 0 = each contact has an agent of its own.
        first: The first customer's number.
        first_agent: The first agent's.
    """
    lines = (
        f"{agent_number(first_agent + n % (agents or contacts))},{customer_number(first + n)},name {n}"
        for n in range(contacts)
    )
    return ("agent,customer,name\n" + "\n".join(lines) + "\n").encode()


def load(
    wired: Wiring,
    contacts: int,
    *,
    name: str = "bench",
    agents: int = 0,
    first: int = 0,
    **more: object,
) -> Campaign:
    """Load a list as a campaign, under rules that may differ from the usual ones."""
    lines = list_of(contacts, agents=agents, first=first, first_agent=first)
    return load_lines(wired, lines, name=name, **more)


def load_lines(wired: Wiring, lines: bytes, *, name: str, **more: object) -> Campaign:
    """Load these lines as a campaign, each of which is a contact."""
    loaded = wired.loading.load(
        io.BytesIO(lines),
        name=name,
        rules=rules(**more),
        options=LoadOptions(dedupe=Dedupe.FILE, again=True),
    )
    if loaded.campaign is None or loaded.summary.accepted != loaded.summary.rows:
        raise RuntimeError("the list was not loaded whole")
    return loaded.campaign


def start(wired: Wiring, campaign: Campaign) -> None:
    """Start a campaign."""
    wired.campaigns.move(campaign, CampaignState.RUNNING)


def open_calls(wired: Wiring) -> list[tuple[AttemptId, str]]:
    """Name the attempts that are open and have a call, with its Sid."""
    listed = wired.attempts.all_open(most=100_000)
    return [(one.id, one.attempt.sid) for one in listed if one.attempt.sid]


def tell_end(wired: Wiring, attempt_id: str, sid: str) -> None:
    """Call our web process back: a call has ended."""
    url, body = wired.paths.url(attempt_id), callbacks(attempt_id, sid)[-1]
    httpx.post(url, content=body, headers={"Content-Type": "application/json"}).raise_for_status()


def callbacks(attempt_id: str, sid: str) -> list[bytes]:
    """Write what the provider sends of one call: agent answered, customer answered, ended."""
    common = {"CallSid": sid, "CustomField": f"a={attempt_id}"}
    up, talked = {"Status": "in-progress"}, {"Status": "completed", "OnCallDuration": 30}
    return [
        json.dumps({**common, **more}).encode()
        for more in (
            {"EventType": "answered", "Status": "in-progress", "Legs": [up]},
            {"EventType": "answered", "Status": "in-progress", "Legs": [up, up]},
            {
                "EventType": "terminal",
                "Status": "completed",
                "ConversationDuration": "30",
                "RecordingUrl": f"https://recordings.example.com/{sid}.mp3",
                "Legs": [talked, talked],
            },
        )
    ]


class Installation(NamedTuple):
    """Our product on servers of a benchmark's own.

    Args:
        env: The settings of its processes.
        folder: Of its data and logs.
        port: Its web process's.
    """

    env: dict[str, str]
    wired: Wiring
    folder: Path
    provider_url: str
    port: int


@contextlib.contextmanager
def installed(
    more: Mapping[str, str] | None = None, *, appendonly: bool = False
) -> Iterator[Installation]:
    """Run Redis and a provider for the block, with settings for ours beside them.

    Args:
        appendonly: Of Redis: every write is on disk before it is answered.
    """
    with (
        redis_server(appendonly=appendonly) as redis_url,
        provider() as provider_url,
        tempfile.TemporaryDirectory() as text,
    ):
        folder, port = Path(text), free_port()
        at_web = {"PORT": str(port), "DIALER_PUBLIC_URL": f"http://127.0.0.1:{port}"}
        env = environment(redis_url, provider_url, folder, at_web | dict(more or {}))
        yield Installation(env, wiring(env), folder, provider_url, port)


@contextlib.contextmanager
def running(env: Mapping[str, str], roles: Sequence[str], folder: Path) -> Iterator[None]:
    """Run our processes for the block."""
    with contextlib.ExitStack() as stack:
        for role in roles:
            name = role.partition(":")[0]
            stack.enter_context(
                process(COMMANDS[name], env=env, folder=folder, log=folder / f"{role}.log")
            )
        yield
